package publish

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tertulia/mf2"
)

// maxSlug and maxTitle bound a slug, in bytes, and the text it is made from.
const (
	maxSlug  = 60
	maxTitle = 1000
)

// devices are file names that some systems take for a device.
var devices = []string{"con", "prn", "aux", "nul",
	"com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9"}

// letters are those that Unicode's decomposition leaves whole.
var letters = strings.NewReplacer("ß", "ss", "ẞ", "ss", "æ", "ae", "Æ", "ae", "œ", "oe", "Œ", "oe",
	"ø", "o", "Ø", "o", "ł", "l", "Ł", "l", "đ", "d", "Đ", "d", "ð", "d", "Ð", "d", "þ", "th", "Þ", "th", "ı", "i",
	"'", "", "’", "", "\u00ad", "")

// Permalink is the address of a post on a site: /{yyyy}/{MM}/{dd}/{slug}/ below
// the site's address. The day is that of published in its own time zone; years
// outside 0–9999 are clamped. slug is one that [Slug] made.
func Permalink(site string, published time.Time, slug string) string {
	return fmt.Sprintf("%s/%04d/%02d/%02d/%s/", strings.TrimSuffix(site, "/"),
		min(max(published.Year(), 0), 9999), published.Month(), published.Day(), slug)
}

// Slug is the last part of a post's address: the client's mp-slug, else the
// post's name, else random, which the caller supplies. Whatever comes in, what
// goes out has only a–z, 0–9 and inner hyphens, is 60 bytes at most, and names no
// directory above, no hidden file, no option and no device.
func Slug(mpSlug string, it mf2.Item, random string) string {
	for _, s := range []string{mpSlug, it.Get("name"), random} {
		if slug := slugify(s); slug != "" {
			return slug
		}
	}
	return "post"
}

// slugify reduces text to a slug, which is empty when nothing in the text can be
// written in a–z and 0–9.
func slugify(s string) string {
	if len(s) > maxTitle {
		s = s[:maxTitle]
	}
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(letters.Replace(strings.ToValidUTF8(s, " "))) {
		r = unicode.ToLower(r)
		switch {
		case unicode.Is(unicode.Mn, r):
			continue
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	slug := b.String()
	if len(slug) > maxSlug {
		slug = slug[:maxSlug]
		if i := strings.LastIndexByte(slug, '-'); i > maxSlug/2 {
			slug = slug[:i]
		}
		slug = strings.TrimRight(slug, "-")
	}
	if slices.Contains(devices, slug) {
		slug += "-post"
	}
	return slug
}
