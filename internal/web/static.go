package web

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/net/html"
)

// static serves the pages of a site that this service stands in front of, below one
// of the site's addresses: files, with the endpoints in their headers and the
// conversation in its place.
func (p *pages) static(home *url.URL) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodOptions:
			w.Header().Set("Access-Control-Allow-Origin", "*")
			preflight(w)
			return
		case !reads(r):
			w.Header().Set("Allow", "GET, HEAD, OPTIONS")
			p.fail(w, r, http.StatusMethodNotAllowed, "")
			return
		}
		rest, below := strings.CutPrefix(r.URL.Path, home.Path)
		if !below {
			redirect(w, r, home.EscapedPath())
			return
		}
		p.file(w, r, home, rest)
	}
}

// file serves what lies at rest, the path below the site's home.
func (p *pages) file(w http.ResponseWriter, r *http.Request, home *url.URL, rest string) {
	address := *p.URL
	address.Path, address.RawPath = p.URL.Path+rest, ""
	folded, ok := p.Fold(&address)
	if !ok {
		p.missing(w, r, &address)
		return
	}
	name, ok := p.File(folded)
	if !ok {
		p.missing(w, r, &address)
		return
	}
	info, err := os.Stat(name)
	if err == nil && info.IsDir() {
		name = filepath.Join(name, "index.html")
		info, err = os.Stat(name)
		if err == nil && !strings.HasSuffix(r.URL.Path, "/") {
			// The folded path is escaped and has no empty segments: nobody reads it as a host.
			redirect(w, r, home.EscapedPath()+strings.TrimPrefix(folded+"/", "/"))
			return
		}
	} else if err == nil && strings.HasSuffix(r.URL.Path, "/") {
		err = fs.ErrNotExist // a file is no directory
	}
	switch {
	case absent(err) || err == nil && !info.Mode().IsRegular():
		p.missing(w, r, &address)
	case err != nil:
		p.broken(w, r, err)
	case isPage(name) && info.Size() <= maxPage:
		p.page(w, r, name, &address)
	default:
		p.raw(w, r, name, &address)
	}
}

// unread answers where a file could not be read: one that was there a moment ago may have
// been taken away, as the page of a post is that its owner deletes.
func (p *pages) unread(w http.ResponseWriter, r *http.Request, address *url.URL, err error) {
	if absent(err) {
		p.missing(w, r, address)
		return
	}
	p.broken(w, r, err)
}

// redirect leads to another path of ours, given as escaped, for good. The query stays.
func redirect(w http.ResponseWriter, r *http.Request, path string) {
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	http.Redirect(w, r, path, http.StatusMovedPermanently)
}

// absent tells whether an error means that there is no such file, and not that it
// could not be looked for: also when its path leads through a file, or cannot be one.
func absent(err error) bool {
	for _, no := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.EINVAL, syscall.ENAMETOOLONG, syscall.ELOOP} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

func isPage(name string) bool { return filepath.Ext(name) == ".html" || filepath.Ext(name) == ".htm" }

// missing answers for a page that is not there.
func (p *pages) missing(w http.ResponseWriter, r *http.Request, address *url.URL) {
	if !p.known(w, r, address) {
		p.fail(w, r, http.StatusNotFound, "")
	}
}

// known answers for a page that is not there but that we know of: 410 when it was a post
// that the owner has deleted, 301 when it has moved, itself when it is private and the
// owner asks.
// Spec: webmention#sending-webmentions-for-deleted-posts-p-1
func (p *pages) known(w http.ResponseWriter, r *http.Request, address *url.URL) bool {
	if p.private(w, r, address) {
		return true
	}
	if p.Conversation.Gone(r.Context(), address) {
		p.fail(w, r, http.StatusGone, "")
		return true
	}
	now := p.Conversation.Moved(r.Context(), address)
	if now != "" {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		http.Redirect(w, r, now, http.StatusMovedPermanently)
	}
	return now != ""
}

// private shows the owner, who is signed in, a page that only the owner may see. Of
// everybody else's request it looks at nothing but that there is no session.
func (p *pages) private(w http.ResponseWriter, r *http.Request, address *url.URL) bool {
	owner, err := p.owner(r)
	if owner == nil || err != nil {
		return false
	}
	page, err := p.Posts.Private(r.Context(), address)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		p.broken(w, r, err)
		return true
	}
	if at, ok := findPlace(page, element); ok {
		note := "<p>" + html.EscapeString(p.Speaks(p.Language).T("post.private")) + "</p>"
		page = slices.Concat(page[:at.from], []byte(note), page[at.to:])
	}
	w.Header().Set("Cache-Control", "no-store, private")
	w.Header().Set("Referrer-Policy", "no-referrer")
	send(w, r, http.StatusOK, "text/html; charset=utf-8", page)
	return true
}

// raw serves a file as it is, with what any server of files says of it.
func (p *pages) raw(w http.ResponseWriter, r *http.Request, name string, address *url.URL) {
	file, err := os.Open(name)
	if err != nil {
		p.unread(w, r, address, err)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		p.broken(w, r, err)
		return
	}
	h := w.Header()
	p.advertise(h)
	if p.Hub != "" && p.Dir != "" && name == filepath.Join(p.Dir, "feed.xml") {
		h.Add("Link", fmt.Sprintf(`<%s>; rel="hub", <%s>; rel="self"`, p.Hub, p.Feed()))
	}
	if isPage(name) {
		head := make([]byte, 1024)
		n, _ := io.ReadFull(file, head) // what cannot be read is told when it is sent
		h.Set("Content-Type", typeOf(head[:n]))
	}
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	http.ServeContent(w, r, name, info.ModTime(), file)
}

// page serves an HTML file with its conversation filled in, and one in which nothing is
// filled in as any other file.
func (p *pages) page(w http.ResponseWriter, r *http.Request, name string, address *url.URL) {
	file, err := os.ReadFile(name)
	if err != nil {
		p.unread(w, r, address, err)
		return
	}
	contentType := typeOf(file)
	filled, err := p.fill(r.Context(), file, contentType, address.String())
	if err != nil {
		// The page is worth more than its conversation: it goes out as it is, for now.
		p.server.log().Error("conversation cannot be shown", "page", address, "error", err)
		w.Header().Set("Cache-Control", "no-store")
	}
	if filled == nil {
		p.raw(w, r, name, address)
		return
	}
	p.advertise(w.Header())
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, http.StatusOK, contentType, filled)
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

// upload answers for an uploaded file: with the file, or where a copy of it is live in the
// site itself, with the way there.
func (p *pages) upload(file http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, err := p.Posts.CopyOf(r.Context(), pathVar(r, "name"))
		if err != nil {
			p.logFailure(r, err) // the file is there all the same
		}
		if address == "" || !reads(r) {
			file.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=3600")
		http.Redirect(w, r, address, http.StatusMovedPermanently)
	})
}
