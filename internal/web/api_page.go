package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// mentionsPage shows the answer to people: who follows a link to the API sees what is in it.
func (p *pages) mentionsPage(w http.ResponseWriter, r *http.Request) {
	q, ok := p.question(w, r)
	if !ok {
		return
	}
	found, err := p.Conversation.Find(r.Context(), q.Query)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=30")
	if q.secret != "" {
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer") // it may stand in the address
	}
	view := theme.Mentions{Shell: p.shell(r, nil), Total: found.Paging.Total, Now: time.Now()}
	for _, one := range found.Responses {
		view.Responses = append(view.Responses, theme.Mention{Response: excerpt(one), Page: theme.Link{URL: one.Target}})
	}
	view.Previous, view.Next = turn(r.URL.Query(), found.Paging)
	p.render(w, r, http.StatusOK, "mentions", view)
}

// turn is where the page before and the next one are, from where the reader is.
func turn(q url.Values, at site.Paging) (previous, next string) {
	to := func(page int) string {
		q.Set("page", strconv.Itoa(page))
		return "?" + q.Encode()
	}
	if at.Page > 0 {
		previous = to(min(at.Page, max(at.TotalPages, 1)) - 1)
	}
	if at.Page < at.TotalPages-1 {
		next = to(at.Page + 1)
	}
	return previous, next
}
