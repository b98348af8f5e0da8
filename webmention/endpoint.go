package webmention

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// rels are the link relations of an endpoint, lower-case: that of the
// Recommendation, and two that were written before it.
var rels = map[string]bool{"webmention": true, "http://webmention.org": true, "http://webmention.org/": true}

func hasRel(rel string) bool {
	for name := range strings.FieldsSeq(strings.ToLower(rel)) {
		if rels[name] {
			return true
		}
	}
	return false
}

// maxLinks is how many bytes of Link headers are read (HOSTILE 16).
const maxLinks = 64 << 10

// fromHeader finds the first endpoint among the Link headers (RFC 8288) of page.
// A link that speaks of another page, by its anchor, is none.
func fromHeader(h http.Header, page *url.URL) (ref string, ok bool) {
	left := maxLinks
	for _, value := range h.Values("Link") {
		if left -= len(value); left < 0 {
			return "", false
		}
		for value != "" {
			var href string
			var params map[string]string
			href, params, value = nextLink(value)
			if params == nil || !hasRel(params["rel"]) {
				continue
			}
			if anchor, there := params["anchor"]; there {
				u, err := page.Parse(anchor)
				if err != nil || !samePage(u, page) {
					continue
				}
			}
			return href, true
		}
	}
	return "", false
}

// nextLink reads one <href>; name=value; name="value" from a Link header and gives
// the rest after its comma. params is nil when there is no link. Names are
// lower-case, and the first of two counts.
func nextLink(s string) (href string, params map[string]string, rest string) {
	s = strings.TrimLeft(s, " \t,")
	if !strings.HasPrefix(s, "<") {
		_, rest, _ = strings.Cut(s, ",")
		return "", nil, rest
	}
	href, s, closed := strings.Cut(s[1:], ">")
	if !closed {
		return "", nil, ""
	}
	params = map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t")
		if !strings.HasPrefix(s, ";") {
			_, rest, _ = strings.Cut(s, ",")
			return strings.TrimSpace(href), params, rest
		}
		s = strings.TrimLeft(s[1:], " \t")
		end := strings.IndexAny(s, "=;,")
		if end < 0 {
			end = len(s)
		}
		name, value := strings.ToLower(strings.TrimSpace(s[:end])), ""
		if s = s[end:]; strings.HasPrefix(s, "=") {
			value, s = paramValue(strings.TrimLeft(s[1:], " \t"))
		}
		if _, seen := params[name]; !seen {
			params[name] = value
		}
	}
}

// paramValue reads a token or a quoted string from the beginning of s.
func paramValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ";,")
		if end < 0 {
			end = len(s)
		}
		return strings.TrimSpace(s[:end]), s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// fromHTML finds the first <link> or <a> in document order that has both a rel of
// webmention and an href, which may be empty, and gives it resolved. It reads
// tokens, not a tree, so that no page is too deep for it; comments and scripts have
// no tags, and what is in a template is not on the page.
func fromHTML(r io.Reader, page *url.URL) (*url.URL, bool) {
	base, ref, baseFound, found := page, "", false, false
	hidden := 0
	tokens := html.NewTokenizer(r)
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			break
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken && kind != html.EndTagToken {
			continue
		}
		t := tokens.Token()
		if t.Data == "noscript" {
			tokens.NextIsNotRawText() // we run no scripts: what is in it is on the page
		}
		if t.Data == "template" {
			if kind == html.EndTagToken {
				hidden = max(hidden-1, 0)
			} else {
				hidden++
			}
		}
		if kind == html.EndTagToken || hidden > 0 {
			continue
		}
		href, rel, ok := hrefRel(t)
		switch {
		case !ok:
		case t.Data == "base" && !baseFound:
			base, baseFound = resolveBase(href, page), true
		case (t.Data == "link" || t.Data == "a") && !found && hasRel(rel):
			ref, found = href, true
		}
	}
	if !found {
		return nil, false
	}
	u, err := base.Parse(cleanRef(ref))
	return u, err == nil
}

// hrefRel are the two attributes of t; ok says that there is an href.
func hrefRel(t html.Token) (href, rel string, ok bool) {
	for _, a := range t.Attr {
		switch {
		case a.Key == "href" && !ok:
			href, ok = a.Val, true
		case a.Key == "rel" && rel == "":
			rel = a.Val
		}
	}
	return href, rel, ok
}
