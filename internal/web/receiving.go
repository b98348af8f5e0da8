package web

import (
	"cmp"
	"net/http"

	"tertulia/internal/lang"
	"tertulia/internal/web/theme"
	"tertulia/webmention"
)

// webmentionPage answers people at the Webmention endpoint: a form to fill in,
// what was wrong with it, or where to see how the mention fares.
func (p *pages) webmentionPage(w http.ResponseWriter, r *http.Request, status int, v webmention.View) {
	view := theme.Webmention{
		Shell: p.shell(r, nil), Endpoint: p.base.Path + "webmention",
		Source: v.Source, Target: v.Target, StatusURL: v.Receipt.Status,
	}
	if v.Err != nil {
		view.Error, view.Field = refusal(p.language(r), v.Err)
	}
	p.render(w, r, status, "webmention", view)
}

// refusal says in the reader's language why a mention was not taken, and which
// field that is about.
func refusal(l lang.Lang, e *webmention.Error) (text, field string) {
	code := e.Code
	if code == "" {
		// The inbox refuses pages that it has not, and what is too much.
		code = cmp.Or(map[int]string{http.StatusTooManyRequests: "too_many", http.StatusServiceUnavailable: "busy"}[e.Status], "unknown_target")
	}
	field = map[string]string{
		webmention.CodeInvalidSource: "source", webmention.CodeSameURL: "source",
		webmention.CodeInvalidTarget: "target", "unknown_target": "target",
	}[code]
	if !l.Has("refusal." + code) {
		return e.Message, field
	}
	return l.T("refusal." + code), field
}
