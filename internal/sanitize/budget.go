package sanitize

import "golang.org/x/net/html"

// maxWork bounds the number of nodes that parsing may make.
const maxWork = 100_000

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
