package site

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"tertulia/webmention"
)

// maxSites is how many other sites an entry may link to. Beyond that it looks like a page
// that mentions everybody in the hope of being shown by some, and does not come before the
// owner's eyes unless its person is trusted.
const maxSites = 25

// besides are the parts of a page that are not what it says: navigation, and the people who
// have responded to it.
var (
	besides        = []string{"nav", "header", "footer", "aside", "template", "script", "style"}
	besidesClasses = []string{"h-cite", "h-card", "u-comment", "u-like", "u-repost", "comment", "comments"}
	entryClasses   = []string{"h-entry", "h-event", "h-review", "h-recipe", "hentry"}
)

// sitesLinked counts the hosts that the first entry of a page links to, or the page when it
// has none, but for its own and those of the site.
func (s *Site) sitesLinked(seen webmention.Verification) int {
	if seen.Doc == nil || !seen.Linked {
		return 0
	}
	root := seen.Doc
	for n := range seen.Doc.Descendants() {
		if n.Type == html.ElementNode && hasClass(n, entryClasses) {
			root = n
			break
		}
	}
	hosts := map[string]bool{}
	for n := range said(root) {
		if n.Data != "a" && n.Data != "area" {
			continue
		}
		u, err := url.Parse(strings.TrimSpace(attr(n, "href")))
		if err != nil || u.Host == "" || twinless(u) == twinless(seen.Final) {
			continue
		}
		if _, own := s.own(u); !own {
			hosts[twinless(u)] = true
		}
	}
	return len(hosts)
}

// said yields the elements below root, passing by what stands besides. It does not recurse:
// a stranger chooses the depth.
func said(root *html.Node) func(yield func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for n := root.FirstChild; n != nil; {
			skip := n.Type == html.ElementNode && (slices.Contains(besides, n.Data) || hasClass(n, besidesClasses))
			if !skip && n.Type == html.ElementNode && !yield(n) {
				return
			}
			if n.FirstChild != nil && !skip {
				n = n.FirstChild
				continue
			}
			for n != root && n.NextSibling == nil {
				n = n.Parent
			}
			if n == root {
				return
			}
			n = n.NextSibling
		}
	}
}

// hasClass tells whether an element has one of some classes.
func hasClass(n *html.Node, wanted []string) bool {
	for name := range strings.FieldsSeq(attr(n, "class")) {
		if slices.Contains(wanted, name) {
			return true
		}
	}
	return false
}
