package web

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// field is a part of the composer's form. Its name is that of its control.
type field struct {
	name     string
	property string // "" for target and for what is no property of the post
	shape    string // line, address, text, list, moment, choice, files
}

// fields are all of them, in their order.
var fields = []field{
	{"target", "", "address"},
	{"rsvp", "rsvp", "choice"},
	{"name", "name", "line"},
	{"start", "start", "moment"},
	{"end", "end", "moment"},
	{"location", "location", "line"},
	{"content", "content", "text"},
	{"summary", "summary", "text"},
	{"photo", "photo", "files"},
	{"video", "video", "files"},
	{"audio", "audio", "files"},
	{"url", "url", "address"},
	{"category", "category", "list"},
	{"published", "published", "moment"},
	{"visibility", "visibility", "choice"},
}

// targets are the properties that name the page a post is about. The form has one field for
// them, so that who changes a reply into a bookmark need not type the address again.
var targets = []string{"in-reply-to", "like-of", "repost-of", "bookmark-of"}

// rsvps are the answers to an invitation.
var rsvps = []string{"yes", "maybe", "interested", "no"}

// of is the property that a field stands for in a post of a type; "" when that has none.
func (f field) of(t postType) string {
	if f.name == "target" {
		i := slices.IndexFunc(targets, t.offers)
		if i < 0 {
			return ""
		}
		return targets[i]
	}
	if !t.offers(f.property) {
		return ""
	}
	return f.property
}

func (t postType) offers(property string) bool {
	return slices.Contains(t.Offered, property) || slices.Contains(t.Required, property)
}

// needs tells whether a post of the type is none without the field.
func (t postType) needs(f field) bool { return slices.Contains(t.Required, f.of(t)) }

// typed is a type of post by its name; the first of all for another.
func (c config) typed(name string) postType {
	for _, t := range c.PostTypes {
		if t.Type == name {
			return t
		}
	}
	if len(c.PostTypes) == 0 {
		return postType{Type: "note", H: "entry", Offered: []string{"content"}}
	}
	return c.PostTypes[0]
}

// all is a type that offers whatever the types of one h do, and needs nothing.
func (c config) all(h string) (wide postType) {
	for _, t := range c.PostTypes {
		if t.H == h {
			wide.Offered = append(append(wide.Offered, t.Offered...), t.Required...)
		}
	}
	return wide
}

// momentLayout is how browsers write a date with its time, and momentSeconds how they do that
// when there are seconds.
const (
	momentLayout  = "2006-01-02T15:04"
	momentSeconds = "2006-01-02T15:04:05"
)

// moment reads a date with its time in a zone.
func moment(s string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{momentLayout, momentSeconds} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil && t.Year() > 0 {
			return t, true
		}
	}
	return time.Time{}, false
}

// zone is a time zone by the name that the form gives it: "" is the server's, +02:00 an offset,
// else one of the IANA's.
func zone(name string) (*time.Location, bool) {
	if name == "" {
		return time.Local, true
	}
	if t, err := time.Parse("-07:00", name); err == nil {
		_, offset := t.Zone()
		return time.FixedZone("", offset), true
	}
	if len(name) > 64 || strings.EqualFold(name, "local") {
		return nil, false
	}
	at, err := time.LoadLocation(name) // it refuses names that lead anywhere else
	return at, err == nil
}

// offset is how a form calls the zone of a moment.
func offset(t time.Time) string { return t.Format("-07:00") }

// zoneName is how people call the zone that a moment is in.
func zoneName(t time.Time) string {
	utc := "UTC" + strings.TrimSuffix(t.Format("-07:00"), "+00:00")
	if name, _ := t.Zone(); name != "" && name != "UTC" && strings.IndexFunc(name, isLetter) == 0 {
		return name + " (" + utc + ")"
	}
	return utc
}

func isLetter(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }

// isAddress tells whether somebody has typed the address of a page.
func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// asTyped is a value as a browser gives it back from a field of a shape that nobody has
// touched: it folds ends of lines, and has none of them in one line.
func asTyped(shape, value string) string {
	value = strings.ReplaceAll(value, "\x00", "\ufffd")
	if shape == "text" {
		return strings.ReplaceAll(strings.ReplaceAll(value, "\r\n", "\n"), "\r", "\n")
	}
	value = strings.NewReplacer("\r", "", "\n", "").Replace(value)
	if shape == "line" {
		return value
	}
	return strings.Trim(value, " \t\f")
}

// rewritten is an edited text with the ends of lines that it had before, when those were all
// of the kind that browsers fold.
func rewritten(before, now string) string {
	now = asTyped("text", now)
	if n := strings.Count(before, "\r\n"); n > 0 && n == strings.Count(before, "\n") && n == strings.Count(before, "\r") {
		return strings.ReplaceAll(now, "\n", "\r\n")
	}
	return now
}

// words are those of a line with commas between them, each once.
func words(line string) (all []string) {
	for word := range strings.SplitSeq(line, ",") {
		word = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(word), "#"))
		if word != "" && !slices.Contains(all, word) {
			all = append(all, word)
		}
	}
	return all
}
