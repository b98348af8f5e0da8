package site

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxHead is how much of a page is read for its head.
const maxHead = 512 << 10

// A link of a Link header (RFC 8288), and its rel.
var (
	headerLink = regexp.MustCompile(`<([^<>]*)>([^<]*)`)
	headerRel  = regexp.MustCompile(`(?i);\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]*))`)
)

// canonicalOf is the address that a page calls its own: the first rel=canonical of its
// Link header, else of its head (RFC 6596). nil: there is none, or it is no address.
func canonicalOf(h http.Header, body io.Reader, at *url.URL) *url.URL {
	for _, value := range h.Values("Link") {
		for _, link := range headerLink.FindAllStringSubmatch(value, -1) {
			rel := headerRel.FindStringSubmatch(link[2])
			if rel != nil && isCanonical(rel[1]+rel[2]) {
				return resolve(at, link[1])
			}
		}
	}
	if kind := h.Get("Content-Type"); kind != "" && !strings.Contains(kind, "html") {
		return nil
	}
	return canonicalInHead(body, at)
}

func canonicalInHead(body io.Reader, at *url.URL) *url.URL {
	base, based := at, false
	z := html.NewTokenizer(io.LimitReader(body, maxHead))
	z.SetMaxBuf(maxHead)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return nil
		case html.EndTagToken:
			if name, _ := z.TagName(); atom.Lookup(name) == atom.Head {
				return nil
			}
			continue
		case html.StartTagToken, html.SelfClosingTagToken:
		default:
			continue
		}
		token := z.Token()
		attr := map[string]string{}
		for _, a := range token.Attr {
			if _, twice := attr[a.Key]; !twice {
				attr[a.Key] = strings.TrimSpace(a.Val)
			}
		}
		switch {
		case token.DataAtom == atom.Body:
			return nil // what stands there may be of strangers
		case token.DataAtom == atom.Base && !based:
			if u := resolve(at, attr["href"]); u != nil {
				base, based = u, true
			}
		case token.DataAtom == atom.Link && isCanonical(attr["rel"]):
			return resolve(base, attr["href"])
		}
	}
}

func isCanonical(rel string) bool {
	return slices.ContainsFunc(strings.Fields(rel), func(r string) bool { return strings.EqualFold(r, "canonical") })
}

// resolve is a reference without its fragment; nil when it is none.
func resolve(base *url.URL, ref string) *url.URL {
	u, err := base.Parse(strings.TrimSpace(ref))
	if err != nil || ref == "" || u.Host == "" {
		return nil
	}
	u.Fragment, u.RawFragment = "", ""
	return u
}
