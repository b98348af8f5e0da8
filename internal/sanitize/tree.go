package sanitize

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxNodes = 20_000 // of one text; what comes later is dropped
	maxDepth = 100    // elements deeper than this lose their tags
)

// cleaner filters a parsed text in place.
type cleaner struct {
	Options
	base  *url.URL
	nodes int  // still to be spent
	moved bool // something may come out differently the next time
}

// context is what the ancestors of a node mean for it.
type context struct {
	depth  int
	inLink bool
	inCard bool
}

func (c *cleaner) children(parent *html.Node, in context) {
	for n := parent.FirstChild; n != nil; {
		next := n.NextSibling
		c.nodes--
		switch {
		case c.nodes < 0:
			parent.RemoveChild(n)
		case n.Type == html.TextNode:
			n.Data = visible(n.Data)
		case n.Type != html.ElementNode || n.Namespace != "" || dropped[n.Data]:
			parent.RemoveChild(n)
		case n.Data == "img" && !c.Images:
			c.link(n, in)
		case !c.keeps(n) || in.depth >= maxDepth:
			c.children(n, in)
			unwrap(n)
		default:
			n.Attr = c.attributes(n, in)
			if n.Data == "a" && len(n.Attr) == 0 || n.Data == "img" && !has(n, "src") {
				c.children(n, in)
				unwrap(n)
				break
			}
			c.children(n, context{
				depth:  in.depth + 1,
				inLink: in.inLink || n.Data == "a",
				inCard: in.inCard || isCard(n.Attr),
			})
		}
		n = next
	}
}

func (c *cleaner) keeps(n *html.Node) bool {
	_, ok := allowed[n.Data]
	return ok
}

// unwrap puts the children of n in its place.
func unwrap(n *html.Node) {
	for child := n.FirstChild; child != nil; child = n.FirstChild {
		n.RemoveChild(child)
		n.Parent.InsertBefore(child, n)
	}
	n.Parent.RemoveChild(n)
}

// link puts a link to an image in its place, so that a visitor's browser asks
// nobody for it. alt="" says that it means nothing, and it goes without trace.
func (c *cleaner) link(n *html.Node, in context) {
	alt, described := attribute(n, "alt")
	alt = strings.TrimSpace(visible(alt))
	src := ""
	if raw, ok := attribute(n, "src"); ok {
		src = c.url(raw)
	}
	if alt == "" && !described && src != "" {
		alt = fileName(src)
	}
	if alt != "" {
		text := &html.Node{Type: html.TextNode, Data: alt}
		if src != "" && !in.inLink {
			a := &html.Node{Type: html.ElementNode, Data: "a", DataAtom: atom.A}
			a.Attr = c.attributes(&html.Node{Data: "a", Attr: []html.Attribute{{Key: "href", Val: src}}}, in)
			a.AppendChild(text)
			text = a
		}
		n.Parent.InsertBefore(text, n)
	}
	n.Parent.RemoveChild(n)
}

// fileName is what a URL's path ends with, or its host.
func fileName(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	if name := visible(path.Base(u.Path)); strings.Trim(name, "/. ") != "" {
		return name
	}
	return u.Host
}

// attributes returns the attributes that n keeps, in their order, and what a link
// must have.
func (c *cleaner) attributes(n *html.Node, in context) []html.Attribute {
	var kept []html.Attribute
	seen := map[string]bool{}
	var rel string
	for _, a := range n.Attr {
		if a.Namespace != "" || seen[a.Key] || !slices.Contains(everywhere, a.Key) && !slices.Contains(allowed[n.Data], a.Key) {
			continue
		}
		seen[a.Key] = true // of two with one name, browsers take the first
		val, ok := a.Val, true
		switch a.Key {
		case "href":
			val = c.href(val)
			ok = val != ""
		case "src", "cite":
			val = c.url(val)
			ok = val != ""
		case "class":
			val = c.classes(val, in)
			ok = val != ""
		case "rel":
			rel, ok = val, false // goes last, and only with a link
		default:
			val = visible(val)
			ok = plain[a.Key].MatchString(val)
		}
		if ok {
			kept = append(kept, html.Attribute{Key: a.Key, Val: val})
		}
	}
	if n.Data == "a" && slices.ContainsFunc(kept, func(a html.Attribute) bool { return a.Key == "href" }) {
		if rel = c.rel(rel); rel != "" {
			kept = append(kept, html.Attribute{Key: "rel", Val: rel})
		}
	}
	return kept
}

// address is a mail address without anything that a mail program would act on.
var address = regexp.MustCompile(`^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$`)

// isMailAddress tells whether s is one, of at most 64 bytes at a host of at most 253.
func isMailAddress(s string) bool {
	local, host, _ := strings.Cut(s, "@")
	return len(local) <= 64 && len(host) <= 253 && address.MatchString(s)
}

func (c *cleaner) href(raw string) string {
	if scheme, to, ok := strings.Cut(strings.TrimSpace(raw), ":"); ok && strings.EqualFold(scheme, "mailto") {
		if to, _, _ = strings.Cut(to, "?"); isMailAddress(to) {
			return "mailto:" + to
		}
		return ""
	}
	return c.url(raw)
}

// url is [URL] at the base of the text. An address that says nothing or has white space in
// it is none; a backslash in a path is a letter like others.
func (c *cleaner) url(raw string) string {
	raw = strings.TrimSpace(raw)
	if raw == "" || strings.ContainsAny(raw, " \t\n") {
		return ""
	}
	if strings.Contains(raw, `\`) {
		u, err := url.Parse(raw)
		if err != nil {
			return ""
		}
		raw = u.String()
	}
	u := URL(raw, c.base)
	c.moved = c.moved || u != raw && u != URL(u, c.base)
	return u
}

// rels are the link types that the owner's texts may use.
var rels = []string{
	"author", "bookmark", "external", "in-reply-to", "license", "me", "nofollow", "noopener", "noreferrer",
	"sponsored", "syndication", "tag", "ugc",
}

// rel tells machines that the owner of the page does not vouch for a stranger's link.
func (c *cleaner) rel(raw string) string {
	if !c.Own {
		return "nofollow ugc noopener"
	}
	var kept []string
	for _, word := range strings.Fields(strings.ToLower(raw)) {
		if slices.Contains(rels, word) && !slices.Contains(kept, word) {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}

// cardClasses are the properties of an h-card, which belong to it when they stand
// inside one. Anywhere else in a stranger's text a u-url would be read as the
// address of the mention around it.
var cardClasses = []string{"p-name", "p-nickname", "u-url", "u-photo"}

// property is a microformats2 class name.
var property = regexp.MustCompile(`^(?:h|p|u|dt|e)(?:-[a-z0-9]+)*-[a-z]+(?:-[a-z]+)*$`)

func (c *cleaner) classes(raw string, in context) string {
	var kept []string
	for _, class := range strings.Fields(raw) {
		ok := class == "h-card" || in.inCard && slices.Contains(cardClasses, class) ||
			c.Own && len(class) <= 64 && property.MatchString(class)
		if ok && !slices.Contains(kept, class) {
			kept = append(kept, class)
		}
	}
	return strings.Join(kept, " ")
}

func isCard(attrs []html.Attribute) bool {
	return slices.ContainsFunc(attrs, func(a html.Attribute) bool {
		return a.Key == "class" && slices.Contains(strings.Fields(a.Val), "h-card")
	})
}

func attribute(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val, true
		}
	}
	return "", false
}

func has(n *html.Node, key string) bool {
	_, ok := attribute(n, key)
	return ok
}
