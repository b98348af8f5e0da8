package syndicate

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shorten is as much of a text as has room before the tail, with an ellipsis, and the tail.
func (r Rules) shorten(t Text, tail Text) (Text, bool) {
	at := breaks(t)
	try := func(end int) Text {
		cut := t.slice(0, trimEnd(t, end))
		if cut.String == "" {
			return tail
		}
		cut.String += ellipsis
		return cut.and(paragraph, tail)
	}
	n := sort.Search(len(at), func(i int) bool { return !r.fits(try(at[i])) })
	if n > 0 {
		if cut := try(at[n-1]); cut.String != tail.String {
			return cut, true
		}
	}
	if !r.fits(tail) {
		return Text{}, false
	}
	// The first word alone is too long.
	at = withinFirst(t)
	n = sort.Search(len(at), func(i int) bool { return !r.fits(try(at[i])) })
	if n > 0 {
		return try(at[n-1]), true
	}
	return tail, true
}

// breaks are the places where a text may end: before white space, and beside a character of a
// script that has none between its words, if no span has it within.
func breaks(t Text) []int {
	var at []int
	spans := t.Spans
	end, before := 0, false // before: the last character was of such a script
	for c := range clusters(t.String) {
		r, _ := utf8.DecodeRuneInString(c)
		for len(spans) > 0 && spans[0].End <= end {
			spans = spans[1:]
		}
		inside := end == 0 || len(spans) > 0 && spans[0].Start < end
		dense := unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
		if !inside && (unicode.IsSpace(r) || dense || before && !unicode.IsPunct(r)) {
			at = append(at, end)
		}
		before = dense
		end += len(c)
	}
	return at
}

// withinFirst are the places between two characters in the first word of a text, up to the
// first span.
func withinFirst(t Text) []int {
	limit := len(t.String)
	if len(t.Spans) > 0 {
		limit = t.Spans[0].Start
	}
	var at []int
	end := 0
	for c := range clusters(t.String[:limit]) {
		if end += len(c); end < len(t.String) {
			at = append(at, end)
		}
	}
	return at
}

// trimEnd goes back from a place to what an ellipsis can follow: a word, the end of a question, of
// a quotation, of a span.
func trimEnd(t Text, end int) int {
	from := 0
	for _, s := range t.Spans {
		if s.End <= end {
			from = s.End
		}
	}
	return from + len(strings.TrimRightFunc(t.String[from:end], func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(".,;:…-–—([{«“‘¿¡>•", r)
	}))
}
