package mf2

import (
	"strings"

	"golang.org/x/net/html"
)

// formatting are the elements that a parser opens again in every paragraph for as long as
// nothing closes them, so that a few bytes can become a large tree.
var formatting = map[string]bool{
	"a": true, "b": true, "big": true, "code": true, "em": true, "font": true, "i": true, "nobr": true,
	"s": true, "small": true, "strike": true, "strong": true, "tt": true, "u": true,
}

// Affordable returns as much of a page or a fragment of HTML, from its beginning to the end
// of a tag, as parsing makes no more than so many nodes of: each token counts as one, and
// once more for every formatting element that is open around it. Ask it before parsing
// what strangers wrote.
func Affordable(page string, most int) string {
	if few(page, most) {
		return page
	}
	z := html.NewTokenizer(strings.NewReader(page))
	open, total, nodes, read := map[string]int{}, 0, 0, 0
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return page
		}
		if nodes += 1 + total; nodes > most {
			return page[:read]
		}
		read += len(z.Raw())
		if kind != html.StartTagToken && kind != html.EndTagToken {
			continue
		}
		raw, _ := z.TagName()
		name := string(raw)
		switch {
		case !formatting[name]:
		case kind == html.StartTagToken && (name != "a" || open[name] == 0):
			open[name]++
			total++
		case kind == html.EndTagToken && open[name] > 0:
			open[name]--
			total--
		}
	}
}

// few reports whether a page is affordable at a glance: it looks for what may be tags, and
// takes every formatting element for one that is never closed, unless the next tag closes
// it. What is no tag at all, in a comment or a script, only makes it more careful.
func few(page string, most int) bool {
	tags, open := 0, 1 // links take each other's place: of them there is one
	for {
		i := strings.IndexByte(page, '<')
		if i < 0 {
			return 2*tags*(2+open) <= most
		}
		page = page[i+1:]
		tags++
		name := tagName(page)
		if name == "a" || !formatting[name] {
			continue
		}
		next := strings.IndexByte(page, '<')
		if next < 0 || !strings.HasPrefix(page[next+1:], "/") || tagName(page[next+2:]) != name {
			open++
		}
	}
}

// tagName is the name with which a tag begins, "" where it is none of formatting.
func tagName(s string) string {
	var name [7]byte
	for i := range min(len(s), len(name)) {
		c := s[i] | 0x20 // lower case
		if c < 'a' || c > 'z' {
			return string(name[:i])
		}
		name[i] = c
	}
	return ""
}
