package webmention

import (
	"bytes"
	"encoding/json"
	"iter"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"tertulia/mf2"
)

// Links are the URLs that the source links to: absolute, http or https, in the
// order of the page, as often as they are there. In HTML these are the attributes
// that link or embed, resolved against the page's base; in JSON the string values
// that are URLs; in plain text the URLs, each without and then with the punctuation
// after it that may be the sentence's. What was not read (Truncated) is not among them.
//
// Doc and Text are read anew by each range; without them there are none.
func (v Verification) Links() iter.Seq[*url.URL] {
	refs := func(func(*url.URL) bool) {}
	switch {
	case v.Type == "html" && v.Doc != nil:
		refs = htmlLinks(v.Doc, v.Final)
	case v.Type == "json":
		refs = jsonLinks(v.Text)
	case v.Type == "text":
		refs = textLinks(string(v.Text), v.Truncated)
	}
	return func(yield func(*url.URL) bool) {
		for u := range refs {
			if isHTTP(u) && !yield(u) {
				return
			}
		}
	}
}

// matcher knows a target in the spellings that count as an exact match of it.
//
// The source must have an exact match of the target URL.
// Spec: webmention#webmention-verification-p-3
type matcher struct{ host, exact, page string }

func newMatcher(target *url.URL) matcher {
	page := *target
	page.Fragment, page.RawFragment = "", ""
	m := matcher{exact: mf2.NormalizeURL(target), page: mf2.NormalizeURL(&page)}
	if normal, err := url.Parse(m.page); err == nil {
		m.host = normal.Hostname()
	}
	return m
}

// in reports whether the target is among links.
func (m matcher) in(links iter.Seq[*url.URL]) bool {
	for u := range links {
		if m.elsewhere(u) {
			continue
		}
		if n := mf2.NormalizeURL(u); n == m.exact || n == m.page {
			return true
		}
	}
	return false
}

// elsewhere tells at a glance that a link leads to another host, as most of a page do.
func (m matcher) elsewhere(u *url.URL) bool {
	host := u.Hostname()
	letters := strings.IndexFunc(host, func(c rune) bool { return c >= utf8.RuneSelf }) < 0
	return letters && host != "" && m.host != "" && !strings.EqualFold(host, m.host)
}

// htmlLinks are what the elements of doc link to. Comments, scripts and prose have
// no elements, and what stands in a template is not on the page (T-WR04).
func htmlLinks(doc *html.Node, final *url.URL) iter.Seq[*url.URL] {
	return func(yield func(*url.URL) bool) {
		base := baseOf(doc, final)
		for n := range visible(doc) {
			for _, ref := range references(n) {
				if u, err := base.Parse(cleanRef(ref)); err == nil && !yield(u) {
					return
				}
			}
		}
	}
}

// jsonLinks are the string values in data that are absolute URLs, but no names of
// values. It ends where data is no JSON any more.
func jsonLinks(data []byte) iter.Seq[*url.URL] {
	return func(yield func(*url.URL) bool) {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()       // 1e400 is JSON, if no float64
		var open []json.Delim // the arrays and objects that we are in
		for name := false; ; {
			token, err := dec.Token()
			if err != nil {
				return
			}
			switch t := token.(type) {
			case json.Delim:
				if t == '{' || t == '[' {
					open = append(open, t)
				} else {
					open = open[:len(open)-1]
				}
				name = len(open) > 0 && open[len(open)-1] == '{'
				continue
			case string:
				if name || len(t) > 2*maxURL || !strings.Contains(t, "://") {
					break
				}
				if u, err := url.Parse(t); err == nil && !yield(u) {
					return
				}
			}
			// In an object names and values take turns.
			name = len(open) > 0 && open[len(open)-1] == '{' && !name
		}
	}
}

// textLinks are the URLs in a plain text. One that ends where a truncated text ends
// may be the beginning of another.
func textLinks(text string, truncated bool) iter.Seq[*url.URL] {
	return func(yield func(*url.URL) bool) {
		for ref, end := range textURLs(text) {
			if truncated && end == len(text) {
				return
			}
			for _, spelling := range slices.Backward(withoutPunctuation(ref)) {
				if u, err := url.Parse(spelling); err == nil && !yield(u) {
					return
				}
			}
		}
	}
}
