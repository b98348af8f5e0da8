package publish

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// An address that a generator makes of front matter, such as Hugo's /:year/:title/, would be
// another after an update of the title. It stays: what the page's address is now is written
// under the key that the generator has for it. Whether an address is made of a property can
// only be seen from what both say. Where the title would give the same address as the name
// of the file does, the key is written too: it is right in either case.

// pin writes the address of a post into its file where an update changes what it may be made of.
func (e *editor) pin(before, after Post) {
	if e.p.gen.address == "" || before.Permalink == "" || before.Permalink != after.Permalink {
		return // it has no key for that, or the new address is written anyway
	}
	if v, ok := e.f.Get(e.p.key(e.p.gen.address)...); ok && e.p.own(plain(v)) != "" {
		return
	}
	u, err := url.Parse(after.Permalink)
	if err != nil {
		return
	}
	rest := strings.TrimPrefix(u.Path, e.p.site.Path)
	if slices.ContainsFunc(e.p.gen.made, func(property string) bool { return makes[property](rest, before, after) }) {
		e.address(after.Permalink)
	}
}

// makes tells by property whether the path of a page is made of what was changed.
var makes = map[string]func(rest string, before, after Post) bool{
	"name": func(rest string, before, after Post) bool {
		was, is := before.Item.Get("name"), after.Item.Get("name")
		return was != is && inWords(rest, was)
	},
	"category": func(rest string, before, after Post) bool {
		was, is := before.Item.Strings("category"), after.Item.Strings("category")
		above := path.Dir(strings.TrimSuffix(rest, "/")) // the last part is the post's own
		return !slices.Equal(was, is) && slices.ContainsFunc(was, func(c string) bool { return inWords(above, c) })
	},
	"published": func(rest string, before, after Post) bool {
		was, is := before.Published, after.Published
		if was.IsZero() || was.Equal(is) {
			return false
		}
		// Generators count days where the post was written, or in UTC.
		return dayed(rest, was, is) || dayed(rest, was.UTC(), is.UTC())
	},
}

// inWords tells whether a part of a path is made of some words.
func inWords(rest, words string) bool {
	for _, text := range []string{fold(words), fold(strings.ReplaceAll(words, "&", "and"))} {
		for part := range strings.SplitSeq(rest, "/") {
			part = fold(strings.TrimSuffix(part, path.Ext(part)))
			if text != "" && (part == text || len(text) > 3 && strings.Contains(part, text)) {
				return true
			}
		}
	}
	return false
}

// fold is what generators leave of words at least: letters and digits, whatever their accents.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKD.String(s))
}

// dayed tells whether a path has a part of a date that is another in the new one.
func dayed(rest string, was, is time.Time) bool {
	parts := strings.FieldsFunc(strings.ToLower(rest), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, layout := range []string{"2006", "06", "01", "1", "January", "Jan", "02", "2", "002", "Monday", "Mon", "20060102"} {
		old := was.Format(layout)
		if old != is.Format(layout) && slices.Contains(parts, strings.ToLower(old)) {
			return true
		}
	}
	return false
}
