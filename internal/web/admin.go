package web

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// perPage is how many waiting mentions a page of the inbox shows.
const perPage = 50

// admin lists what waits for the owner.
func (p *pages) admin(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	waiting, next, err := p.Conversation.Waiting(r.Context(), r.URL.Query().Get("from"), perPage)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view := theme.Admin{Shell: p.shell(r, owner), Action: p.base.Path + "admin/decide", Now: time.Now()}
	for _, m := range waiting {
		view.Mentions = append(view.Mentions, theme.Pending{
			ID: m.ID, Response: response(m.Response), Page: theme.Link{Name: m.Title, URL: m.Page},
			Digest: m.Digest, Why: m.Why, Person: m.Person != "", Received: m.Received,
		})
	}
	if next != "" {
		view.More = p.base.Path + "admin/?from=" + url.QueryEscape(next)
	}
	p.render(w, r, http.StatusOK, "admin", view)
}

// toAdmin leads from the base, which has no page of its own, to the owner's pages.
func (p *pages) toAdmin(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, p.base.Path+"admin/", http.StatusFound)
}

// decideMention approves or rejects one mention, or mutes or blocks the person behind it.
func (p *pages) decideMention(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	id := r.PostFormValue("id")
	var err error
	switch r.PostFormValue("decision") {
	case "approve":
		err = p.Mentions.Approve(r.Context(), owner.Me, id, r.PostFormValue("seen"))
	case "reject":
		err = p.Mentions.Reject(r.Context(), owner.Me, id)
	case "mute":
		err = p.Mentions.DecideAuthor(r.Context(), owner.Me, id, site.Muted)
	case "block":
		err = p.Mentions.DecideAuthor(r.Context(), owner.Me, id, site.Blocked)
	default:
		p.fail(w, r, http.StatusBadRequest, "")
		return
	}
	if errors.Is(err, site.ErrChanged) {
		err = nil // the inbox shows what it says now
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
	case errors.Is(err, site.ErrUndecidable):
		p.fail(w, r, http.StatusBadRequest, "")
	case err != nil:
		p.broken(w, r, err)
	default:
		http.Redirect(w, r, p.base.Path+"admin/", http.StatusSeeOther)
	}
}
