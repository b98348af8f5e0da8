package site

import (
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"tertulia/mf2"
	"tertulia/webmention"
)

// reading is what a page of the site says for itself.
type reading struct {
	digest string   // of its words and links
	links  []string // those that may want to know, absolute, each once

	answers []string // what it replies to
}

// errNoEntry is the error for a page that says nothing for itself.
var errNoEntry = errors.New("it is a list of posts, and none of them is the page's own")

// readPage reads a page of the site that somebody has written. What it says is its entry's,
// or, without microformats, what stands in its only <article>, in <main> or in <body>. The
// navigation and what others have said under it are not the page's own (T-WS12), nor are
// links that are marked as somebody else's (rel=ugc); nofollow speaks to search engines only.
func (s *Site) readPage(body io.Reader, contentType string, address *url.URL) (reading, error) {
	_, doc, err := mf2.Parse(body, contentType, address)
	if err != nil {
		return reading{}, err
	}
	prune(doc, baseOf(doc, address))
	entry, found, err := s.ownEntry(mf2.Read(doc, address), address)
	if err != nil {
		return reading{}, err
	}
	if !found {
		if entry, found = plainEntry(doc); !found {
			return reading{}, errNoEntry
		}
	}
	links := s.tellable(entry, webmention.Links(entry, address))
	return reading{digestOfEntry(entry, links), links, entry.URLs("in-reply-to")}, nil
}

// tellable are those links of an entry that are told: one from a page of the site to another
// is not news to anybody, except when it is an answer (T-WS14).
func (s *Site) tellable(entry mf2.Item, links []*url.URL) (told []string) {
	for _, link := range links {
		if _, own := s.Fold(link); !s.isComment(link) && (!own || answers(entry, link.String())) {
			told = append(told, link.String())
		}
	}
	return told
}

// ownEntry is the post that a page is about: the one that names the page as its address, or
// the only one that names none. found is false on a page without posts.
func (s *Site) ownEntry(page mf2.Page, address *url.URL) (entry mf2.Item, found bool, err error) {
	var posts []mf2.Item
	for _, item := range page.Items {
		for _, it := range append([]mf2.Item{item}, item.Children...) {
			if slices.ContainsFunc(entryTypes, it.Is) {
				posts = append(posts, it)
			}
		}
	}
	if len(posts) == 0 {
		return mf2.Item{}, false, nil
	}
	here, _ := s.Fold(address)
	var nameless []mf2.Item
	for _, post := range posts {
		elsewhere := false
		for _, at := range post.URLs("url") {
			if u, err := address.Parse(at); err == nil {
				folded, own := s.Fold(u)
				if own && folded == here {
					return post, true, nil
				}
				elsewhere = elsewhere || own
			}
		}
		if !elsewhere {
			nameless = append(nameless, post)
		}
	}
	if len(posts) == 1 && len(nameless) == 1 {
		return nameless[0], true, nil
	}
	return mf2.Item{}, false, errNoEntry
}

var entryTypes = []string{"h-entry", "h-event", "h-review", "h-recipe"}

// plainEntry makes a post of a page without microformats. Of several articles none is the
// page's own.
func plainEntry(doc *html.Node) (mf2.Item, bool) {
	found := map[string][]*html.Node{}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && slices.Contains([]string{"article", "main", "body", "title"}, n.Data) {
			found[n.Data] = append(found[n.Data], n)
		}
	}
	outer := slices.DeleteFunc(found["article"], func(n *html.Node) bool { return inside(n, "article") })
	if len(outer) > 1 {
		return mf2.Item{}, false
	}
	for _, nodes := range [][]*html.Node{outer, found["main"], found["body"]} {
		if len(nodes) == 0 {
			continue
		}
		drop(nodes[0], "header", "footer", "aside", "form")
		var markup, words strings.Builder
		if err := html.Render(&markup, nodes[0]); err != nil {
			return mf2.Item{}, false // nested beyond what anybody writes
		}
		for n := range nodes[0].Descendants() {
			if n.Type == html.TextNode {
				words.WriteString(n.Data + " ")
			}
		}
		return mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{
			"content": {map[string]any{"html": markup.String(), "value": words.String()}},
		}}, true
	}
	return mf2.Item{}, false
}

// drop takes the elements of some names out of a part of a page.
func drop(root *html.Node, names ...string) {
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && slices.Contains(names, n.Data) {
			found = append(found, n)
		}
	}
	remove(found)
}

func remove(nodes []*html.Node) {
	for _, n := range nodes {
		if n.Parent != nil {
			n.Parent.RemoveChild(n)
		}
	}
}

func inside(n *html.Node, name string) bool {
	for n = n.Parent; n != nil; n = n.Parent {
		if n.Type == html.ElementNode && n.Data == name {
			return true
		}
	}
	return false
}

// foreign are the elements of a page that are not what it says, and words in the class or id
// of those in which others speak: their answers, as microformats have them and as themes
// call them.
var (
	foreign = []string{"nav", "script", "style", "template", "noscript", "tertulia-conversation"}
	others  = []string{"u-comment", "p-comment", "u-like", "p-like", "u-repost", "p-repost", "u-bookmark", "p-bookmark", "u-mention", "p-mention",
		"comments", "comment-list", "webmentions", "respond", "tertulia"}
)

// prune takes out of a page what is not its own, and makes its addresses absolute.
func prune(doc *html.Node, base *url.URL) {
	var theirs []*html.Node
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		marks := append(strings.Fields(attr(n, "class")), attr(n, "id"))
		if slices.Contains(foreign, n.Data) || slices.ContainsFunc(marks, func(m string) bool { return slices.Contains(others, m) }) {
			theirs = append(theirs, n)
			continue
		}
		n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool {
			return a.Key == "href" && slices.Contains(strings.Fields(strings.ToLower(attr(n, "rel"))), "ugc")
		})
		for i := range n.Attr {
			if key := n.Attr[i].Key; key == "href" || key == "cite" {
				if u, err := base.Parse(strings.TrimSpace(n.Attr[i].Val)); err == nil {
					n.Attr[i].Val = u.String()
				}
			}
		}
	}
	remove(theirs)
}

// baseOf is what the relative addresses of a page are relative to.
func baseOf(doc *html.Node, address *url.URL) *url.URL {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "base" && attr(n, "href") != "" {
			if u, err := address.Parse(strings.TrimSpace(attr(n, "href"))); err == nil {
				return u
			}
			return address
		}
	}
	return address
}
