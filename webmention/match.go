package webmention

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"tertulia/mf2"
)

// matcher knows a target in the spellings that count as an exact match of it.
//
// The source must have an exact match of the target URL.
// Spec: webmention#webmention-verification-p-3
type matcher struct{ exact, page string }

func newMatcher(target *url.URL) *matcher {
	page := *target
	page.Fragment, page.RawFragment = "", ""
	return &matcher{exact: mf2.NormalizeURL(target), page: mf2.NormalizeURL(&page)}
}

func (m *matcher) matches(u *url.URL) bool {
	if !isHTTP(u) {
		return false
	}
	n := mf2.NormalizeURL(u)
	return n == m.exact || n == m.page
}

// inHTML reports whether an element of doc links to the target. Comments, scripts
// and prose have no elements, and what stands in a template is not on the page
// (T-WR04).
func (m *matcher) inHTML(doc *html.Node, final *url.URL) bool {
	base := baseOf(doc, final)
	for n := range visible(doc) {
		for _, ref := range references(n) {
			if u, err := base.Parse(cleanRef(ref)); err == nil && m.matches(u) {
				return true
			}
		}
	}
	return false
}

// inJSON reports whether a string value, not a name, in data is the target. A text
// that is no JSON to its end is an error; the link may have been found before it.
func (m *matcher) inJSON(data []byte) (bool, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()       // 1e400 is JSON, if no float64
	var open []json.Delim // the arrays and objects that we are in
	name, found, values := false, false, 0
	for {
		token, err := dec.Token()
		if err == io.EOF && values == 1 && len(open) == 0 {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		if len(open) == 0 {
			if values++; values > 1 {
				return found, errors.New("more than one JSON value")
			}
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
			if !name && strings.Contains(t, "://") && len(t) <= 2*maxURL {
				u, err := url.Parse(t)
				found = found || err == nil && m.matches(u)
			}
		}
		// In an object names and values take turns.
		name = len(open) > 0 && open[len(open)-1] == '{' && !name
	}
}

// inText reports whether the target is one of the URLs in a plain text. A URL that
// ends where a truncated text ends may be the beginning of another.
func (m *matcher) inText(text string, truncated bool) bool {
	for ref, end := range textURLs(text) {
		if truncated && end == len(text) {
			return false
		}
		for _, spelling := range withoutPunctuation(ref) {
			if u, err := url.Parse(spelling); err == nil && m.matches(u) {
				return true
			}
		}
	}
	return false
}
