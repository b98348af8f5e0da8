// Package sanitize makes strangers' HTML harmless.
//
//	safe := sanitize.HTML(entry.Content, source)      // to be shown as it is
//	name := sanitize.Text(author.Name, 200)           // one line, still to be escaped
//	link := sanitize.URL(author.URL, source)          // absolute http(s), or ""
//
// What comes out of [HTML] is balanced, runs nothing, loads nothing and names
// only absolute URLs; putting it in again changes nothing. It follows what the
// Webmention recommendation demands of data that is displayed, and SPECS D11.
// Spec: webmention#preventing-abuse-li-3
package sanitize

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"tertulia/mf2"
)

// Options say how much of a text is kept. The zero value is for strangers.
type Options struct {
	Images   bool // keep <img>, whose address the visitor's browser will ask for; else a link takes its place
	Own      bool // the site owner's text: links keep their rel, classes may name any microformats property
	MaxBytes int  // of the result; 0 is 64 KiB
}

// HTML is [Options.HTML] for strangers.
func HTML(fragment string, base *url.URL) string { return Options{}.HTML(fragment, base) }

// rounds is how often a text is parsed and written again until it stays the same.
// One is enough for HTML that was written with sense, markup that moves
// when it is parsed takes another.
const rounds = 5

// HTML returns the harmless part of an HTML fragment that stands at base, by which
// relative URLs are made absolute; with a nil base they are dropped.
//
// Elements that a text does not need are removed: with their contents where these
// are no text (script, style, svg, form controls), else without. Of attributes a
// short list is left. What parsing would make very large or deep becomes plain
// paragraphs.
func (o Options) HTML(fragment string, base *url.URL) string {
	safe, _ := o.Read(fragment, base)
	return safe
}

// Read is [Options.HTML], and [PlainText] of its result in the same go.
func (o Options) Read(fragment string, base *url.URL) (safe, text string) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 10
	}
	// Markup is seldom more than three quarters of a text; what lies further back is cut off.
	fragment = cut(fragment, 4*o.MaxBytes)
	for range rounds {
		r, ok := o.round(fragment, base)
		if !ok {
			break
		}
		if r.steady || r.html == fragment {
			// Two filters that were written apart have to agree: one on the tree, one on tokens.
			if filtered := policy().Sanitize(r.html); filtered == r.html {
				return r.html, spokenText(r.body)
			}
		}
		fragment = policy().Sanitize(r.html)
	}
	r, _ := o.round(FromPlain(cut(PlainText(fragment), o.MaxBytes)), base)
	return r.html, PlainText(r.html)
}

// cleaned is a text that was filtered once.
type cleaned struct {
	html   string
	body   *html.Node // whose children it was written from
	steady bool       // to filter it again would change nothing
}

// round parses, filters and writes a text once.
func (o Options) round(text string, base *url.URL) (cleaned, bool) {
	if mf2.Affordable(text, maxWork) != text {
		return cleaned{}, false
	}
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(text), body)
	if err != nil {
		return cleaned{}, false // more open elements than the parser allows
	}
	for _, n := range nodes {
		body.AppendChild(n)
	}
	c := cleaner{Options: o, base: base, nodes: maxNodes}
	c.children(body, context{})
	left := o.MaxBytes
	shorten(body, &left)

	var b strings.Builder
	b.Grow(min(len(text), o.MaxBytes) + 256)
	for n := range body.ChildNodes() {
		if err := html.Render(&b, n); err != nil {
			return cleaned{}, false
		}
	}
	return cleaned{b.String(), body, c.nodes >= 0 && left > 0 && !c.moved && plainlyNested(body)}, true
}

// cut returns the beginning of s, at most n bytes, without half a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
