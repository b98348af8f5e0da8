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

// affordable returns as much of a page, from its beginning to the end of a tag, as parsing
// makes no more than maxNodes nodes of: each token counts as one, and once more for
// every formatting element that is open around it.
func affordable(page string) string {
	if few(page) {
		return page
	}
	z := html.NewTokenizer(strings.NewReader(page))
	open, total, nodes, read := map[string]int{}, 0, 0, 0
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return page
		}
		if nodes += 1 + total; nodes > maxNodes {
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

// few reports whether a page has so few tags that it need not be read to know that it is
// affordable: were every other one formatting and none of them ever closed.
func few(page string) bool {
	tags := strings.Count(page, "<")
	return 2*tags*(2+tags/2) <= maxNodes
}
