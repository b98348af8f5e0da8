package web

import (
	"net/http"

	"tertulia/internal/web/theme"
	"tertulia/webmention"
)

// webmentionPage answers people at the Webmention endpoint: a form to fill in,
// what was wrong with it, or where to see how the mention fares.
func (p *pages) webmentionPage(w http.ResponseWriter, r *http.Request, status int, v webmention.View) {
	view := theme.Webmention{
		Shell: p.shell(r, nil), Endpoint: p.Endpoint("webmention"),
		Source: v.Source, Target: v.Target, StatusURL: v.Receipt.Status,
	}
	if v.Err != nil {
		view.Error = v.Err.Message
	}
	p.render(w, r, status, "webmention", view)
}

// baseRoot leads from the base, which has no page of its own, to the owner's pages.
func (p *pages) baseRoot(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, p.base.Path+"admin/", http.StatusFound)
}
