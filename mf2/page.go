package mf2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// ErrTooDeep is what a page or an object gives that nests its elements deeper than
// anybody writes by hand.
var ErrTooDeep = errors.New("mf2: nested too deeply")

// Page is what one HTML page says in microformats.
type Page struct {
	URL   *url.URL            // the address it was read from, after redirects; may be nil
	Items []Item              // the items at the top of the page, in order
	Rels  map[string][]string // rel value → absolute URLs, each once, in order
	Cut   bool                // only its beginning was read: there is more than anybody writes
}

// Parse reads an HTML page: its bytes become valid UTF-8 (by byte order mark,
// Content-Type, meta element, and otherwise as UTF-8 if they are that), its markup
// one tree, and the tree a [Page]. The tree is returned too, untouched, so that
// nobody needs to parse twice; it was parsed as for a reader without scripts, so
// the content of noscript is elements.
//
// Of a page that would make more than 40,000 nodes the beginning is read.
//
// base is the address that the page came from. r is read to its end: cap it. The
// error is r's own, or wraps [ErrTooDeep] when more than 512 elements are open at
// once.
func Parse(r io.Reader, contentType string, base *url.URL) (Page, *html.Node, error) {
	var body bytes.Buffer
	if known, ok := r.(interface{ Len() int }); ok {
		body.Grow(known.Len() + bytes.MinRead)
	}
	if _, err := body.ReadFrom(r); err != nil {
		return Page{}, nil, fmt.Errorf("read page: %w", err)
	}
	text := decode(body.Bytes(), contentType)
	start := Affordable(text, maxNodes)
	doc, err := html.ParseWithOptions(strings.NewReader(start), html.ParseOptionEnableScripting(false))
	if err != nil {
		// Reading from memory cannot fail: the only error left is the limit on open elements.
		return Page{}, nil, fmt.Errorf("parse page: %w (%v)", ErrTooDeep, err)
	}
	page := Read(doc, base)
	page.Cut = len(start) < len(text)
	return page, doc, nil
}

// decode returns the page as valid UTF-8 without NULs. Decoding is done once and
// before parsing, so that nothing becomes markup later.
func decode(body []byte, contentType string) string {
	enc, name, certain := charset.DetermineEncoding(body, contentType)
	// The default of the web is windows-1252. A page that says nothing, or whose
	// meta element contradicts it, is UTF-8 if its bytes are.
	if name == "utf-8" && utf8.Valid(body) {
		return clean(body)
	}
	if certain || !looksUTF8(body) {
		if decoded, err := enc.NewDecoder().Bytes(body); err == nil {
			body = decoded
		}
	}
	return clean(body)
}

func clean(body []byte) string {
	s := strings.ToValidUTF8(string(body), "\uFFFD")
	return strings.ReplaceAll(strings.TrimPrefix(s, "\uFEFF"), "\x00", "\uFFFD")
}

// looksUTF8 reports whether there is more than ASCII in the page and all of it is
// valid UTF-8, but for a last character that a cap on its length may have cut.
func looksUTF8(body []byte) bool {
	for range utf8.UTFMax - 1 {
		if r, size := utf8.DecodeLastRune(body); r == utf8.RuneError && size == 1 {
			body = body[:len(body)-1]
		}
	}
	return utf8.Valid(body) && !isASCII(string(body))
}

// posts are the types that are a page's own subject.
var posts = []string{"h-entry", "h-event", "h-review", "h-recipe"}

func (it Item) isPost() bool { return slices.ContainsFunc(posts, it.Is) }

// Entry returns the post that the page is about: the first h-entry, h-event,
// h-review or h-recipe at the top of the page, else the first in an h-feed there,
// else the first that stands inside anything.
//
// Spec: mf2#MF-14, mf2#MF-16
func (p Page) Entry() (Item, bool) {
	for _, it := range p.Items {
		if it.isPost() {
			return it, true
		}
	}
	for _, it := range p.Items {
		if !it.Is("h-feed") {
			continue
		}
		for _, child := range it.Children {
			if child.isPost() {
				return child, true
			}
		}
	}
	return p.find(Item.isPost)
}

// EntryAt returns the post whose url or uid is u, wherever it stands on the page: a
// feed has many posts, and one of them is meant.
func (p Page) EntryAt(u string) (Item, bool) {
	return p.find(func(it Item) bool {
		return it.isPost() && (it.hasURL("url", u) || it.hasURL("uid", u))
	})
}

// find returns the first item on the page that is wanted.
func (p Page) find(wanted func(Item) bool) (found Item, ok bool) {
	p.walk(func(it, _ Item) bool {
		if wanted(it) {
			found, ok = it, true
		}
		return !ok
	})
	return found, ok
}

// walk visits every item with the h-feed that it stands in (an empty item where
// there is none), until visit says no: first an item, then its children, then the
// items in its properties, which are taken by name because a map has no order.
func (p Page) walk(visit func(it, feed Item) bool) {
	for _, it := range p.Items {
		if !walk(it, Item{}, maxDepth+1, visit) {
			return
		}
	}
}

func walk(it, feed Item, depth int, visit func(it, feed Item) bool) bool {
	if !visit(it, feed) {
		return false
	}
	if depth == 0 {
		return true
	}
	if it.Is("h-feed") {
		feed = it
	}
	for _, child := range it.Children {
		if !walk(child, feed, depth-1, visit) {
			return false
		}
	}
	for _, name := range sortedKeys(it.Properties) {
		for _, v := range it.Properties[name] {
			if nested, ok := AsItem(v); ok && !walk(nested, feed, depth-1, visit) {
				return false
			}
		}
	}
	return true
}

// hasURL reports whether one of the property's values is the address.
func (it Item) hasURL(name, u string) bool {
	return slices.ContainsFunc(it.URLs(name), func(v string) bool { return SameURL(v, u) })
}
