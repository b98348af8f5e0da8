package web

import (
	"errors"
	"io/fs"
	"net/http"
)

// privateFeed answers who knows the address of somebody's private feed with what waits and what is
// new. It knows no cookie, and is nobody's to keep but the asker's.
func (p *pages) privateFeed(w http.ResponseWriter, r *http.Request) {
	secret := pathVar(r, "secret")
	_, err := p.Notices.FeedOf(r.Context(), secret)
	if errors.Is(err, fs.ErrNotExist) {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	var body []byte
	if err == nil {
		body, err = p.Notices.Feed(r.Context(), p.Speaks(p.Language), p.Endpoint("feed/"+secret))
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy)
	send(w, r, http.StatusOK, "application/atom+xml; charset=utf-8", body)
}
