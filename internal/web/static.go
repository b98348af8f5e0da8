package web

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"tertulia/indieauth"
	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// maxPage bounds a page that is read into memory to have its conversation filled in.
const maxPage = 8 << 20

// static serves the pages of a site that this service stands in front of: files,
// with the endpoints in their headers and the conversation in their place.
func (p *pages) static(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		p.fail(w, r, http.StatusMethodNotAllowed, "")
		return
	}
	address := *p.URL
	address.Path, address.RawPath = r.URL.Path, ""
	folded, ok := p.Fold(&address)
	if !ok {
		p.missing(w, r)
		return
	}
	name, ok := p.File(folded)
	if !ok {
		p.missing(w, r)
		return
	}
	info, err := os.Stat(name)
	if err == nil && info.IsDir() {
		if !strings.HasSuffix(r.URL.Path, "/") {
			if _, err := os.Stat(filepath.Join(name, "index.html")); err == nil {
				redirect := *r.URL
				redirect.Path, redirect.Scheme, redirect.Host = "/"+strings.TrimLeft(r.URL.Path, "/")+"/", "", ""
				http.Redirect(w, r, redirect.String(), http.StatusMovedPermanently)
				return
			}
		}
		name = filepath.Join(name, "index.html")
		info, err = os.Stat(name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular():
		p.missing(w, r)
	case err != nil:
		p.broken(w, r, err)
	case filepath.Ext(name) == ".html" && info.Size() <= maxPage:
		p.page(w, r, name, address.String())
	default:
		http.ServeFile(w, r, name)
	}
}

// missing answers for a page that is not there: 410 when it was a post that the
// owner has deleted.
// Spec: webmention#sending-webmentions-for-deleted-posts-p-1
func (p *pages) missing(w http.ResponseWriter, r *http.Request) {
	address := *p.URL
	address.Path = r.URL.Path
	if p.Conversation.Gone(r.Context(), &address) {
		p.fail(w, r, http.StatusGone, "")
		return
	}
	p.fail(w, r, http.StatusNotFound, "")
}

// page serves an HTML file with its conversation filled in.
func (p *pages) page(w http.ResponseWriter, r *http.Request, name, address string) {
	file, err := os.ReadFile(name)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	h := w.Header()
	p.advertise(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	if at, ok := findPlace(file); ok {
		if at.target != "" {
			address = at.target
		}
		conversation, err := p.Conversation.Of(r.Context(), address)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			// The page is worth more than its conversation: it goes out as it is.
			p.server.log().Error("conversation cannot be shown", "page", address, "error", err)
		}
		if err == nil {
			file = p.fill(file, at, conversation)
		}
	}
	h.Set("ETag", fmt.Sprintf("%q", indieauth.Hash(string(file))[:32]))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
}

// advertise names the endpoints in Link headers: rel first and alone, for parsers
// that know no better (SPECS CL-22, CL-35).
func (p *pages) advertise(h http.Header) {
	links := p.Links()
	for _, rel := range slices.Sorted(maps.Keys(links)) {
		h.Add("Link", fmt.Sprintf("<%s>; rel=\"%s\"", links[rel], rel))
	}
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Link")
}

// place is where the conversation goes: the inside of <tertulia-conversation>.
type place struct {
	from, to int    // the bytes between its tags
	target   string // the page it names, "" when it is the page itself
}

// findPlace finds the first <tertulia-conversation> outside comments and scripts.
func findPlace(page []byte) (at place, ok bool) {
	z := html.NewTokenizer(bytes.NewReader(page))
	offset := 0
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return place{}, false // io.EOF, or what only a stranger's file would have
		}
		offset += len(z.Raw())
		if kind != html.StartTagToken && kind != html.EndTagToken {
			continue
		}
		tag, more := z.TagName()
		if string(tag) != "tertulia-conversation" {
			continue
		}
		if kind == html.EndTagToken {
			at.to = offset - len(z.Raw())
			return at, ok
		}
		at, ok = place{from: offset}, true
		for more {
			var key, value []byte
			key, value, more = z.TagAttr()
			if string(key) == "target" {
				at.target = string(value)
			}
		}
	}
}

// fill puts the conversation where the page wants it.
func (p *pages) fill(page []byte, at place, conversation site.Page) []byte {
	var b bytes.Buffer
	b.Write(page[:at.from])
	view := p.conversationView(conversation, 2)
	if err := theme.Render(&b, "conversation", lang.For(p.Language), view); err != nil {
		p.server.log().Error("conversation cannot be rendered", "error", err)
		return page
	}
	b.Write(page[at.to:])
	return b.Bytes()
}
