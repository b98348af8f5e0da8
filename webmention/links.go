package webmention

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"tertulia/mf2"
)

// responding are the properties by which a post points at other pages. The copies
// of a post elsewhere (syndication) and its pictures, sounds and films are not
// among them: nobody is mentioned by those.
var responding = []string{"in-reply-to", "like-of", "repost-of", "bookmark-of", "follow-of", "tag-of",
	"listen-of", "read-of", "watch-of"}

// Links are the pages that a post mentions and that may want to know: what it
// responds to, the people it tags (category), and the links of its content, in
// this order, each once, absolute, http or https. base is the post's own address:
// relative links are resolved against it, and links within the post itself left
// out. Other fragments stay, since a target is sent as it was linked.
//
// Content that is HTML is parsed; in plain text the URLs are found as a page would
// link them.
func Links(item mf2.Item, base *url.URL) []*url.URL {
	l := linkList{base: base, seen: map[string]bool{}}
	for _, name := range responding {
		for _, ref := range item.URLs(name) {
			l.add(ref)
		}
	}
	for _, ref := range item.URLs("category") {
		// Most categories are plain words, which would pass for relative URLs.
		if u, err := url.Parse(ref); err == nil && u.IsAbs() {
			l.add(ref)
		}
	}
	for _, value := range item.Properties["content"] {
		switch v := value.(type) {
		case string:
			l.addText(v)
		case map[string]any:
			if s, ok := v["html"].(string); ok {
				l.addHTML(s)
			} else if s, ok := v["value"].(string); ok {
				l.addText(s)
			}
		}
	}
	return l.urls
}

type linkList struct {
	base *url.URL
	seen map[string]bool
	urls []*url.URL
}

func (l *linkList) add(ref string) {
	u, err := l.base.Parse(cleanRef(ref))
	if err != nil || !isHTTP(u) || samePage(u, l.base) {
		return
	}
	if key := mf2.NormalizeURL(u); !l.seen[key] {
		l.seen[key] = true
		l.urls = append(l.urls, u)
	}
}

// addText adds the URLs of plain text. Text that begins with a tag is taken for
// HTML: some editors send that in a plain string (SPECS D11).
func (l *linkList) addText(s string) {
	if strings.HasPrefix(strings.TrimSpace(s), "<") {
		l.addHTML(s)
		return
	}
	for ref := range textURLs(s) {
		spellings := withoutPunctuation(ref)
		l.add(spellings[len(spellings)-1])
	}
}

// addHTML adds what a fragment of HTML links to or quotes from, not what it embeds.
func (l *linkList) addHTML(s string) {
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragmentWithOptions(strings.NewReader(s), body, html.ParseOptionEnableScripting(false))
	if err != nil {
		return // nested beyond what any reader shows
	}
	for _, root := range nodes {
		for n := range visible(root) {
			for _, key := range linking[n.Data] {
				if ref, ok := attr(n, key); ok && slices.Contains([]string{"href", "cite"}, key) && n.Data != "link" {
					l.add(ref)
				}
			}
		}
	}
}
