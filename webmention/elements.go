package webmention

import (
	"iter"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// linking says which attributes of which elements link to something or embed it.
// A receiver looks for <a href>, <img src>, <video src> and other similar links.
// Spec: webmention#webmention-verification-p-3
var linking = map[string][]string{
	"a": {"href"}, "area": {"href"}, "link": {"href"},
	"blockquote": {"cite"}, "q": {"cite"}, "ins": {"cite"}, "del": {"cite"},
	"img": {"src"}, "video": {"src", "poster"}, "audio": {"src"}, "source": {"src"}, "track": {"src"},
	"embed": {"src"}, "iframe": {"src"}, "object": {"data"},
}

// srcsets are the attributes that hold several candidates for a picture.
var srcsets = map[string]string{"img": "srcset", "source": "srcset", "link": "imagesrcset"}

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
	// <data class="u-in-reply-to" value="…"> is a link for readers of microformats (T-WR08).
	if val, ok := attr(n, "value"); ok && n.Data == "data" && hasURLProperty(n) {
		refs = append(refs, val)
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

// visible yields the elements under root in document order, but for the insides of
// templates. Those of noscript count, since we read as one without scripts does. It
// does not recurse: a stranger chooses the depth.
func visible(root *html.Node) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		for n := root; n != nil; {
			if n.Type == html.ElementNode && !yield(n) {
				return
			}
			if n.FirstChild != nil && n.Data != "template" {
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
