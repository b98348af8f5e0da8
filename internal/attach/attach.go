// Package attach is what there is at a site before Tertulia comes to it: what its home
// page tells, who makes its pages, and the lines that join the two.
//
//	home, err := attach.Look(ctx, client, u)        // title, language, author, rels
//	made := attach.Guess(os.DirFS(dir), home)       // "hugo"
//	files, err := attach.Partials(made, lines)      // what goes into its theme
//
// Rels are read as Micropub and Webmention clients read them: Link headers before
// elements (webmention#sender-discovers-receiver-webmention-endpoint), by parsers that
// know no better than those of SPECS CL-13, CL-22 and CL-35.
package attach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"tertulia/mf2"
)

// Home is what a site's home page tells. All texts are a stranger's.
type Home struct {
	URL     *url.URL  // where it was found, after redirects
	Status  int       // of the answer to GET
	Page    bool      // the answer was HTML
	Made    string    // what it says it was made with: "Hugo 0.111.3"
	Lang    string    // BCP 47, as its html element says
	Title   string    // one line, 200 runes at most
	Author  Author    // of its representative h-card
	Refresh string    // where its meta refresh leads, "" for none
	Date    time.Time // of its server's clock, the zero time when it does not say
	Expires time.Time // of its certificate, the zero time without TLS
	Links   []Link    // in the headers of GET first, then its elements
	Head    []Link    // in the headers of HEAD
	HeadErr error     // why HEAD was not answered with 200, nil when it was
}

// Author is who the home page says it is of.
type Author struct{ Name, Photo, Note string }

// maxHome is how much of a home page is read: what is meant for machines stands at its
// beginning.
const maxHome = 512 << 10

// errNoHome is a home page that answers with something else.
var errNoHome = errors.New("the home page is not there")

// Look asks for a site's home page, with HEAD and with GET. The client decides where
// redirects may lead and how long it may take. The error is that of GET, when there was
// no answer; any answer is a Home.
func Look(ctx context.Context, client *http.Client, site *url.URL) (Home, error) {
	h := Home{URL: site}
	if resp, err := ask(ctx, client, http.MethodHead, site); err != nil {
		h.HeadErr = err
	} else {
		_ = resp.Body.Close() // HEAD has none
		h.Head = headerLinks(resp.Header, resp.Request.URL)
		if resp.StatusCode != http.StatusOK {
			h.HeadErr = fmt.Errorf("%w: %s", errNoHome, resp.Status)
		}
	}
	resp, err := ask(ctx, client, http.MethodGet, site)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	h.URL, h.Status = resp.Request.URL, resp.StatusCode
	h.Links = headerLinks(resp.Header, h.URL)
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		h.Date = at
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		h.Expires = resp.TLS.PeerCertificates[0].NotAfter
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if h.Page = err == nil && (kind == "text/html" || kind == "application/xhtml+xml"); !h.Page {
		return h, nil
	}
	// A page that breaks off, or drips for too long, has told what it has told.
	page, doc, err := mf2.Parse(io.LimitReader(&lenient{resp.Body}, maxHome), resp.Header.Get("Content-Type"), h.URL)
	if err == nil {
		h.read(page, doc)
	}
	return h, nil
}

func ask(ctx context.Context, client *http.Client, method string, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html, application/xhtml+xml;q=0.9, */*;q=0.1")
	return client.Do(req)
}

// lenient ends where its reader fails.
type lenient struct{ io.Reader }

func (l *lenient) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

// read takes from the page what can be guessed from it.
func (h *Home) read(page mf2.Page, doc *html.Node) {
	h.Links = append(h.Links, elementLinks(doc, h.URL)...)
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Namespace != "" {
			continue
		}
		switch n.Data {
		case "html":
			h.Lang = cmp.Or(h.Lang, language(attribute(n, "lang")))
		case "title":
			h.Title = cmp.Or(h.Title, plain(text(n)))
		case "meta":
			switch {
			case strings.EqualFold(attribute(n, "name"), "generator"):
				h.Made = cmp.Or(h.Made, plain(attribute(n, "content")))
			case strings.EqualFold(attribute(n, "http-equiv"), "refresh"):
				h.Refresh = cmp.Or(h.Refresh, refresh(attribute(n, "content"), h.URL))
			}
		}
	}
	if card, ok := page.RepresentativeCard(); ok {
		h.Author = Author{Name: plain(card.Get("name")), Note: plain(card.Get("note"))}
		for _, photo := range card.URLs("photo") {
			if u, err := h.URL.Parse(photo); err == nil && (u.Scheme == "https" || u.Scheme == "http") && h.Author.Photo == "" {
				h.Author.Photo = u.String()
			}
		}
	}
}

// refresh is the address in a meta refresh: "0; url=/en/".
func refresh(content string, base *url.URL) string {
	_, to, ok := strings.Cut(content, ";")
	name, to, is := strings.Cut(strings.TrimSpace(to), "=")
	if !ok || !is || !strings.EqualFold(strings.TrimSpace(name), "url") {
		return ""
	}
	u, err := base.Parse(strings.Trim(strings.TrimSpace(to), `"'`))
	if err != nil {
		return ""
	}
	return u.String()
}

// language is a language tag, "" when it is none.
func language(tag string) string {
	tag = strings.TrimSpace(tag)
	other := func(r rune) bool { return r != '-' && (r > 'z' || !unicode.IsLetter(r) && !unicode.IsDigit(r)) }
	if len(tag) > 35 || strings.IndexFunc(tag, other) >= 0 {
		return ""
	}
	return tag
}

// maxPlain is how many runes of a stranger's line are kept.
const maxPlain = 200

// plain makes one line of text without controls.
func plain(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }), " ")
	if runes := []rune(s); len(runes) > maxPlain {
		s = string(runes[:maxPlain-1]) + "…"
	}
	return s
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == name {
			return a.Val
		}
	}
	return ""
}

// LeadsHere tells whether one of a host's addresses is one of this machine's own. Behind
// a router that translates addresses, neither can know of the other: then it is false.
func LeadsHere(host, own []netip.Addr) bool {
	return slices.ContainsFunc(host, func(a netip.Addr) bool {
		return slices.ContainsFunc(own, func(b netip.Addr) bool { return a.Unmap().WithZone("") == b.Unmap().WithZone("") })
	})
}
