package webmention

import (
	"iter"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// linking says which attributes of which elements link to something or embed it: a
// receiver looks for <a href>, <img src>, <video src> and other similar links. This
// is the decision that T-WR08 asks for, together with srcsets and marked:
//
//   - What a reader can follow, what a page quotes (cite) and what it shows or plays
//     counts, and so does <link href>: rel=in-reply-to and the like are written so.
//   - What microformats read as an address counts, though no browser shows it.
//   - No text counts: not a URL in prose, in a comment, a script, a style or a
//     template, and no attribute that is not in these tables, such as data-href,
//     title, content of <meta> or action of <form>.
//
// Spec: webmention#webmention-verification-p-3
var linking = map[string][]string{
	"a": {"href"}, "area": {"href"}, "link": {"href"},
	"blockquote": {"cite"}, "q": {"cite"}, "ins": {"cite"}, "del": {"cite"},
	"img": {"src"}, "video": {"src", "poster"}, "audio": {"src"}, "source": {"src"}, "track": {"src"},
	"embed": {"src"}, "iframe": {"src"}, "object": {"data"},
}

// srcsets are the attributes that hold several candidates for a picture.
var srcsets = map[string]string{"img": "srcset", "source": "srcset", "link": "imagesrcset"}

// marked are the attributes that are links for readers of microformats only, as in
// <data class="u-in-reply-to" value="…">: with a u- class they count.
var marked = map[string]string{"data": "value", "input": "value", "abbr": "title"}

// references are the URLs, not yet resolved, that one element links to.
func references(n *html.Node) []string {
	var refs []string
	for _, key := range linking[n.Data] {
		if val, ok := attr(n, key); ok {
			refs = append(refs, val)
		}
	}
	if key, ok := srcsets[n.Data]; ok {
		val, _ := attr(n, key)
		refs = append(refs, srcset(val)...)
	}
	if key, ok := marked[n.Data]; ok && hasURLProperty(n) {
		if val, ok := attr(n, key); ok {
			refs = append(refs, val)
		}
	}
	return refs
}

func hasURLProperty(n *html.Node) bool {
	class, _ := attr(n, "class")
	for name := range strings.FieldsSeq(class) {
		if strings.HasPrefix(name, "u-") {
			return true
		}
	}
	return false
}

// attr is the value of an attribute, and whether there is one.
func attr(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

// inert are the elements whose insides are not on the page. Only in SVG and MathML
// have scripts and styles elements in them.
var inert = map[string]bool{"template": true, "script": true, "style": true}

// visible yields the elements under root in document order, but for the insides of
// inert ones. Those of noscript count, since we read as one without scripts does. It
// does not recurse: a stranger chooses the depth.
func visible(root *html.Node) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		for n := root; n != nil; {
			if n.Type == html.ElementNode && !yield(n) {
				return
			}
			if n.FirstChild != nil && !inert[n.Data] {
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

// baseOf is what the relative URLs of a page are relative to: its first <base
// href>, resolved against the address it came from, or that address (T-WR09).
func baseOf(doc *html.Node, final *url.URL) *url.URL {
	for n := range visible(doc) {
		if href, ok := attr(n, "href"); ok && n.Data == "base" {
			return resolveBase(href, final)
		}
	}
	return final
}

func resolveBase(href string, final *url.URL) *url.URL {
	if u, err := final.Parse(cleanRef(href)); err == nil && isHTTP(u) {
		return u
	}
	return final
}

// cleanRef drops what a browser drops from the value of a URL attribute.
func cleanRef(s string) string {
	s = strings.Trim(s, " \t\n\f\r")
	if strings.ContainsAny(s, "\t\n\r") {
		s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	}
	return s
}

// srcset splits "a.png 1x, b.png 2x" into its URLs. A URL may have commas inside,
// and ends at white space or with commas.
func srcset(s string) []string {
	const space = " \t\n\f\r"
	var urls []string
	for {
		s = strings.TrimLeft(s, space+",")
		if s == "" {
			return urls
		}
		ref, rest := s, ""
		if i := strings.IndexAny(s, space); i >= 0 {
			ref, rest = s[:i], s[i:]
		}
		if trimmed := strings.TrimRight(ref, ","); trimmed != ref {
			ref = trimmed
		} else if i := strings.IndexByte(rest, ','); i >= 0 {
			rest = rest[i:]
		} else {
			rest = ""
		}
		urls, s = append(urls, ref), rest
	}
}
