package syndicate

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"tertulia/mf2"
)

// Text is what a copy says.
type Text struct {
	String    string
	Spans     []Span // in order, none within another
	Shortened bool   // there is more at the permalink
}

// Span is a part of a text that leads somewhere. One of the fields after End is set.
type Span struct {
	Start, End int    // bytes
	URL        string // a link, http or https; the text may be words or the address itself
	Tag        string // a hashtag, without its sign
	Mention    string // a handle, without the @ before it
}

const maxAddress = 4096 // bytes; what is longer is no address that anybody follows

var (
	addressAnywhere = pattern("(?i)\\bhttps?://[^\\s<>\"`\\p{C}\\p{Z}]+")
	tagAnywhere     = pattern(`(?:^|[^\p{L}\p{N}\p{M}_&/#@.·])(#[\p{L}\p{N}\p{M}_·]+)`)
	mentionAnywhere = pattern(`(?:^|[^\p{L}\p{N}\p{M}_@/.#])(@[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?(?:@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)?)`)
)

// marked finds what leads somewhere in a text outside the spans that it has already:
// addresses, then hashtags and handles.
func (t Text) marked() Text {
	var addresses, tags, mentions []Span
	for _, found := range addressAnywhere().FindAllStringIndex(t.String, -1) {
		if found[1]-found[0] > maxAddress {
			continue
		}
		address := trimAddress(t.String[found[0]:found[1]])
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			addresses = append(addresses, Span{Start: found[0], End: found[0] + len(address), URL: address})
		}
	}
	for _, found := range tagAnywhere().FindAllStringSubmatchIndex(t.String, -1) {
		if tag := strings.TrimRight(t.String[found[2]+1:found[3]], "·"); strings.ContainsFunc(tag, unicode.IsLetter) {
			tags = append(tags, Span{Start: found[2], End: found[2] + 1 + len(tag), Tag: tag})
		}
	}
	for _, found := range mentionAnywhere().FindAllStringSubmatchIndex(t.String, -1) {
		mentions = append(mentions, Span{Start: found[2], End: found[3], Mention: t.String[found[2]+1 : found[3]]})
	}
	t.Spans = merged(merged(merged(t.Spans, addresses), tags), mentions)
	return t
}

// merged are spans with those of another list that are not in their way, in order.
func merged(spans, more []Span) []Span {
	var all []Span
	for _, s := range more {
		for len(spans) > 0 && spans[0].End <= s.Start {
			all = append(all, spans[0])
			spans = spans[1:]
		}
		if len(spans) == 0 || s.End <= spans[0].Start {
			all = append(all, s)
		}
	}
	return append(all, spans...)
}

// and is a text with another behind it, spans included. Where both say something, between
// stands between them.
func (t Text) and(between string, next Text) Text {
	if t.String == "" || next.String == "" {
		between = ""
	}
	spans := slices.Clone(t.Spans)
	for _, s := range next.Spans {
		s.Start += len(t.String) + len(between)
		s.End += len(t.String) + len(between)
		spans = append(spans, s)
	}
	return Text{t.String + between + next.String, spans, t.Shortened || next.Shortened}
}

// slice is a part of a text with the spans that lie in it whole.
func (t Text) slice(from, to int) Text {
	part := Text{String: t.String[from:to]}
	for _, s := range t.Spans {
		if s.Start >= from && s.End <= to {
			s.Start -= from
			s.End -= from
			part.Spans = append(part.Spans, s)
		}
	}
	return part
}

// trimAddress leaves out the punctuation that ends a sentence, and brackets that were opened
// before the address.
func trimAddress(address string) string {
	for address != "" {
		r := []rune(address[max(0, len(address)-4):])
		last := r[len(r)-1]
		opening := map[rune]string{')': "(", ']': "[", '}': "{"}[last]
		switch {
		case strings.ContainsRune(".,;:!?'*_~»”’…", last):
		case opening != "" && strings.Count(address, opening) < strings.Count(address, string(last)):
		default:
			return address
		}
		address = strings.TrimSuffix(address, string(last))
	}
	return address
}

// Hashtag writes a category as a hashtag without its sign: accents stay, words are joined with
// capitals (pan y bicis: PanYBicis), what no network takes is left out. It is "" when nothing
// is left that is a word, or when the category is an address.
func Hashtag(category string) string {
	if strings.Contains(category, "://") {
		return ""
	}
	words := strings.FieldsFunc(category, func(r rune) bool {
		return unicode.IsSpace(r) || r == '/' || unicode.Is(unicode.Pd, r)
	})
	var b strings.Builder
	for _, word := range words {
		kept := []rune(strings.Map(func(r rune) rune {
			if unicode.In(r, unicode.L, unicode.N, unicode.M) || r == '_' || r == '·' {
				return r
			}
			return -1
		}, strings.ToValidUTF8(word, "")))
		if len(words) > 1 && len(kept) > 0 {
			kept[0] = unicode.ToUpper(kept[0])
		}
		b.WriteString(string(kept))
	}
	tag := strings.Trim(b.String(), "·")
	tag = strings.TrimLeftFunc(tag, func(r rune) bool { return unicode.Is(unicode.M, r) })
	if !strings.ContainsFunc(tag, unicode.IsLetter) || Graphemes(tag) > 100 {
		return ""
	}
	return tag
}

// hashtags are the categories of a post that its text does not have as hashtags already.
func hashtags(item mf2.Item, text Text) []string {
	said := map[string]bool{}
	for _, s := range text.Spans {
		said[strings.ToLower(s.Tag)] = true
	}
	var tags []string
	for _, category := range item.Strings("category") {
		tag := Hashtag(category)
		if folded := strings.ToLower(tag); tag != "" && !said[folded] {
			said[folded] = true
			tags = append(tags, tag)
		}
	}
	return tags
}

// pattern is a regular expression that is compiled when it is first needed: few who start the
// program have copies on every network.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
