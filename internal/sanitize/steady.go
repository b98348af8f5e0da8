package sanitize

import (
	"strings"

	"golang.org/x/net/html"
)

// phrasing are the elements of running text. A parser leaves them where they stand in any
// block, as long as nothing but running text is in them.
var phrasing = set("a", "abbr", "b", "bdi", "br", "cite", "code", "del", "dfn", "em", "i", "img", "ins", "kbd", "mark", "q",
	"s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr")

// formatting are those of them that a parser opens again where they were left open.
var formatting = set("a", "b", "code", "em", "i", "s", "small", "strong", "u")

// flow are the blocks that may hold blocks, prose those that hold running text alone.
var (
	flow  = set("blockquote", "div", "figure", "figcaption", "li")
	prose = set("p", "h1", "h2", "h3", "h4", "h5", "h6", "pre")
	lists = set("ol", "ul")
)

func set(names ...string) map[string]bool {
	all := map[string]bool{}
	for _, name := range names {
		all[name] = true
	}
	return all
}

// plainlyNested reports whether a tree is of the kind that is certain to come out of the
// parser as it was written: blocks, lists and running text, nested as nearly everybody
// nests them. False means only that it has to be tried.
func plainlyNested(body *html.Node) bool {
	return steadyIn(body, "flow", map[string]bool{})
}

// steadyIn checks the children of a node in a place of a kind: flow, prose or list. open
// are the formatting elements around it, of which a parser allows no second a and at
// most three alike.
func steadyIn(parent *html.Node, place string, open map[string]bool) bool {
	for n := range parent.ChildNodes() {
		if n.Type == html.TextNode {
			if place == "list" && strings.TrimSpace(n.Data) != "" || n.Data == "" {
				return false
			}
			continue
		}
		if n.Type != html.ElementNode {
			return false
		}
		inside, ok := placeIn(n.Data, place)
		if !ok {
			return false
		}
		if n.Data == "pre" && n.FirstChild != nil && strings.HasPrefix(n.FirstChild.Data, "\n") {
			return false
		}
		if !formatting[n.Data] {
			if !steadyIn(n, inside, open) {
				return false
			}
			continue
		}
		if open[n.Data] {
			return false
		}
		open[n.Data] = true
		ok = steadyIn(n, inside, open)
		open[n.Data] = false
		if !ok {
			return false
		}
	}
	return true
}

// placeIn is what kind of place an element is that stands in a place of a kind; false when
// the parser might move it from there.
func placeIn(name, place string) (inside string, ok bool) {
	switch {
	case place == "list":
		return "flow", name == "li"
	case phrasing[name]:
		return "prose", true
	case place != "flow" || name == "li":
		return "", false
	case prose[name], name == "hr":
		return "prose", true
	case lists[name]:
		return "list", true
	}
	return "flow", flow[name]
}
