package web

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// leadOn sends a browser to its visitor's server: by a page and no redirect, because
// browsers count where a form is redirected to as its destination.
func (p *pages) leadOn(w http.ResponseWriter, r *http.Request, to *url.URL, me string) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	if wantsJSON(r) {
		writeJSON(w, r, http.StatusOK, map[string]any{"status": "signin", "url": to.String()})
		return
	}
	w.Header().Set("Refresh", "0; url="+to.String())
	p.render(w, r, http.StatusOK, "leaving", theme.Leaving{Shell: p.shell(r, nil), Me: me, To: to.String()})
}

// takeBack sends the author of a comment to sign in once more, to take it back.
func (p *pages) takeBack(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", unkept)
	id := pathVar(r, "id")
	to, err := p.Comments.TakeBack(r.Context(), id, p.server.sender(r))
	var many *site.TooMany
	var why *site.Unvouched
	switch l := p.language(r); {
	case errors.Is(err, site.ErrGone):
		p.fail(w, r, http.StatusGone, "")
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
	case errors.As(err, &many):
		w.Header().Set("Retry-After", strconv.Itoa(int(many.After.Seconds())+1))
		p.fail(w, r, http.StatusTooManyRequests, l.T("unvouched.many"))
	case errors.As(err, &why):
		p.fail(w, r, http.StatusBadRequest, l.T("unvouched."+why.Why))
	case err != nil:
		p.broken(w, r, err)
	default:
		p.leadOn(w, r, to, "")
	}
}

// visitorBack is where visitors return to from their servers. What it is called with is secret,
// so no page is shown at this address.
func (p *pages) visitorBack(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return // looking uses nothing up
	}
	w.Header().Set("Cache-Control", unkept)
	w.Header().Set("Referrer-Policy", "no-referrer")
	secret, err := p.Comments.ComeBack(r.Context(), r.URL.Query())
	var why *site.Unvouched
	switch {
	case errors.As(err, &why):
		p.fail(w, r, http.StatusBadRequest, p.language(r).T("unvouched."+why.Why))
	case err != nil:
		p.broken(w, r, err)
	default:
		http.Redirect(w, r, p.base.Path+"comment/as/"+url.PathEscape(secret), http.StatusSeeOther)
	}
}

// confirming shows somebody who is back what they are about to do, and as whom; or the form
// with what they had typed, when it is not known who they are.
func (p *pages) confirming(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", unkept)
	w.Header().Set("Referrer-Policy", "no-referrer")
	secret := pathVar(r, "secret")
	h, err := p.Comments.Handover(r.Context(), secret)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
	case err != nil:
		p.broken(w, r, err)
	case h.Left != nil:
		p.done(w, r, *h.Left, h.Withdraw != "")
	case h.Problem != "" && h.Withdraw != "":
		p.fail(w, r, http.StatusForbidden, p.language(r).T("unvouched."+h.Problem))
	case h.Problem != "":
		p.formAgain(w, r, http.StatusOK, h.Draft, formNote{unvouched: h.Problem})
	default:
		view := theme.CommentConfirm{
			Shell: p.shell(r, nil), Action: p.base.Path + "comment/as/" + url.PathEscape(secret), Author: theme.Person(h.Author),
			Text: h.Draft.Text, Withdraw: h.Withdraw != "", Back: h.Draft.Page,
		}
		if view.Withdraw {
			view.Back = p.Endpoint("comment/" + h.Withdraw)
		}
		p.render(w, r, http.StatusOK, "comment-confirm", view)
	}
}

// confirm keeps the comment of somebody who has signed in, or takes it back.
func (p *pages) confirm(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", unkept)
	w.Header().Set("Referrer-Policy", "no-referrer")
	secret := pathVar(r, "secret")
	h, err := p.Comments.Handover(r.Context(), secret)
	var left site.Left
	if err == nil {
		left, err = p.Comments.Confirm(r.Context(), secret)
	}
	var unfit *site.Unfit
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
	case errors.Is(err, site.ErrUndecidable):
		p.fail(w, r, http.StatusForbidden, p.language(r).T("comment.not-yours"))
	case errors.As(err, &unfit):
		p.refuseComment(w, r, h.Draft, err)
	case err != nil:
		p.broken(w, r, err)
	default:
		p.done(w, r, left, h.Withdraw != "")
	}
}

// done answers for what a visitor has confirmed, however often.
func (p *pages) done(w http.ResponseWriter, r *http.Request, left site.Left, withdrawn bool) {
	if withdrawn {
		p.sent(w, r, "gone", left.Page)
		return
	}
	p.commented(w, r, left)
}
