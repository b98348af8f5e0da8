package sanitize

import (
	"strings"

	"golang.org/x/net/html"
)

// maxWork bounds the number of nodes that parsing may make.
const maxWork = 100_000

// formatting are the elements that a parser opens again in every paragraph for as
// long as nothing closes them, so that a few bytes can become a large tree.
var formatting = map[string]bool{
	"b": true, "code": true, "em": true, "i": true, "s": true, "small": true, "strong": true, "u": true, "a": true,
}

// affordable reports whether a text can be parsed within maxWork nodes. It counts
// each token once, and once more for every formatting element open around it.
func affordable(text string) bool {
	z := html.NewTokenizer(strings.NewReader(text))
	open, total, work := map[string]int{}, 0, 0
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return true // the end: a string has no other error
		}
		if work += 1 + total; work > maxWork {
			return false
		}
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

// shorten removes what goes beyond *left bytes of written HTML, and counts *left
// down. Text is cut between runes, elements go with their tags.
func shorten(parent *html.Node, left *int) {
	for n := parent.FirstChild; n != nil; {
		next := n.NextSibling
		cost := written(n)
		switch {
		case *left >= cost:
			*left -= cost
			shorten(n, left)
		case n.Type == html.TextNode:
			n.Data = fitting(n.Data, *left)
			*left = 0
			if n.Data == "" {
				parent.RemoveChild(n)
			}
		default:
			*left = 0
			parent.RemoveChild(n)
		}
		n = next
	}
}

// written returns the bytes that a node takes without its children. A pre is
// given one more, for the newline that is written before one.
func written(n *html.Node) int {
	if n.Type == html.TextNode {
		return len(html.EscapeString(n.Data))
	}
	size := 2*len(n.Data) + len("<></>\n")
	for _, a := range n.Attr {
		size += len(a.Key) + len(html.EscapeString(a.Val)) + len(` =""`)
	}
	return size
}

// fitting returns the beginning of a text that takes at most n bytes when escaped.
func fitting(text string, n int) string {
	size := 0
	for i, r := range text {
		if size += len(html.EscapeString(string(r))); size > n {
			return text[:i]
		}
	}
	return text
}
