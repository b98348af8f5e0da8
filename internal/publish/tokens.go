package publish

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pattern is a path with tokens in braces: _posts/{yyyy}-{MM}-{dd}-{slug}.md. What is
// not in braces stands for itself.
type pattern string

// subject is what a path is made of.
type subject struct {
	at      time.Time // in the zone that its author wrote it in
	kind    string
	slug    string
	channel string // "" for none
	file    string // of media: its name,
	md5     string // and its digest
}

// tokens are what may stand in braces.
var tokens = map[string]func(subject) string{
	"yyyy": func(s subject) string { return fmt.Sprintf("%04d", year(s.at)) },
	"y":    func(s subject) string { return strconv.Itoa(year(s.at)) },
	"MMMM": func(s subject) string { return s.at.Format("January") },
	"MMM":  func(s subject) string { return s.at.Format("Jan") },
	"MM":   func(s subject) string { return s.at.Format("01") },
	"M":    func(s subject) string { return s.at.Format("1") },
	"ww":   func(s subject) string { _, w := s.at.ISOWeek(); return fmt.Sprintf("%02d", w) },
	"w":    func(s subject) string { _, w := s.at.ISOWeek(); return strconv.Itoa(w) },
	"DDD":  func(s subject) string { return s.at.Format("002") },
	"D":    func(s subject) string { return strconv.Itoa(s.at.YearDay()) },
	"D60":  func(s subject) string { return sexagesimal(s.at.YearDay()) },
	"dd":   func(s subject) string { return s.at.Format("02") },
	"d":    func(s subject) string { return s.at.Format("2") },
	"HH":   func(s subject) string { return s.at.Format("15") },
	"H":    func(s subject) string { return strconv.Itoa(s.at.Hour()) },
	"hh":   func(s subject) string { return s.at.Format("03") },
	"h":    func(s subject) string { return s.at.Format("3") },
	"mm":   func(s subject) string { return s.at.Format("04") },
	"m":    func(s subject) string { return s.at.Format("4") },
	"ss":   func(s subject) string { return s.at.Format("05") },
	"s":    func(s subject) string { return s.at.Format("5") },
	"t":    func(s subject) string { return strconv.FormatInt(s.at.Unix(), 10) },
	"T":    func(s subject) string { return strconv.FormatInt(s.at.UnixMilli(), 10) },

	"slug":    func(s subject) string { return s.slug },
	"type":    func(s subject) string { return s.kind },
	"types":   func(s subject) string { return plural(s.kind) },
	"channel": func(s subject) string { return s.channel },

	"filename": func(s subject) string { return s.file },
	"ext":      func(s subject) string { return s.file[strings.LastIndexByte(s.file, '.')+1:] },
	"md5":      func(s subject) string { return s.md5 },
}

// ofMedia are the tokens that only the path of media has, ofPosts those that it has not.
var (
	ofMedia = []string{"filename", "ext", "md5"}
	ofPosts = []string{channelToken}
)

// channelToken is a whole part of a path, which posts that are in no channel go without.
const channelToken = "channel"

// year is one that four digits can hold.
func year(t time.Time) int { return min(max(t.Year(), 0), 9999) }

// plural is what a directory of posts of a type is called.
func plural(kind string) string {
	switch kind {
	case "audio":
		return kind
	case "reply":
		return "replies"
	case "watch":
		return "watches"
	}
	return kind + "s"
}

// sexagesimal is a number in NewBase60, which leaves out letters that look alike.
func sexagesimal(n int) string {
	const digits = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ_abcdefghijkmnopqrstuvwxyz"
	return string([]byte{digits[n/60], digits[n%60]})
}

// known tells what is wrong with the tokens of a template that came from the settings. field
// is what it is called there, others are the tokens that do not go with it.
func (t pattern) known(field string, others []string) error {
	rest := string(t)
	for {
		_, after, open := strings.Cut(rest, "{")
		if !open {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return fmt.Errorf("%s: %q has a { without its }", field, string(t))
		}
		if tokens[name] == nil || slices.Contains(others, name) {
			known := slices.DeleteFunc(slices.Sorted(maps.Keys(tokens)), func(s string) bool { return slices.Contains(others, s) })
			return fmt.Errorf("%s: there is no token {%s} (one of: %s)", field, name, strings.Join(known, ", "))
		}
		if before := strings.TrimSuffix(string(t), "{"+after); name == channelToken && (before != "" && !strings.HasSuffix(before, "/") || !strings.HasPrefix(tail, "/")) {
			return fmt.Errorf("%s: {channel} must stand alone between slashes: posts that are in none go without", field)
		}
		rest = tail
	}
	return nil
}

// check tells what is wrong with a template of paths.
func (t pattern) check(field string, media bool) error {
	others := ofMedia
	if media {
		others = ofPosts
	}
	if err := t.known(field, others); err != nil {
		return err
	}
	if !media && !strings.Contains(string(t), "{slug}") && !strings.Contains(string(t), "{t}") && !strings.Contains(string(t), "{T}") {
		return fmt.Errorf("%s: %q would be the same for many posts: it needs {slug}", field, string(t))
	}
	sample := subject{at: time.Unix(0, 0), kind: "note", slug: "slug", file: "file.jpg", md5: "0"}
	if name := t.expand(sample); sourceName(strings.Trim(name, "/")) != nil {
		return fmt.Errorf("%s: no file or address can be like %q", field, name)
	}
	return nil
}

// expand puts a subject into a checked template.
func (t pattern) expand(s subject) string {
	var b strings.Builder
	for rest := string(t); ; {
		plain, after, open := strings.Cut(rest, "{")
		b.WriteString(plain)
		if !open {
			return b.String()
		}
		name, tail, _ := strings.Cut(after, "}")
		value := tokens[name](s)
		if name == channelToken && value == "" {
			tail = strings.TrimPrefix(tail, "/")
		}
		b.WriteString(value)
		rest = tail
	}
}
