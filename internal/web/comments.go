package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// visitors is what anybody may use from anywhere, a page or a script of any origin: no cookie
// counts, so none is seen or set, and there is nothing to forge. Either handler may be nil.
func (p *pages) visitors(get, post http.HandlerFunc) http.Handler {
	var more []string
	if post != nil {
		more = append(more, http.MethodPost)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		r = r.Clone(r.Context())
		r.Header.Del("Cookie")
		switch {
		case r.Method == http.MethodOptions:
			preflight(w, more...)
		case get != nil && reads(r):
			get(w, r)
		case post != nil && r.Method == http.MethodPost:
			post(w, r)
		default:
			w.Header().Set("Allow", readsAnd(more))
			p.fail(w, r, http.StatusMethodNotAllowed, "")
		}
	})
}

// unkept is for pages that are about one visitor. It is spelled so that they get no cookie for
// their language either.
const unkept = "no-store, private"

// maxComment bounds the body of a form, in bytes: what is too long for a comment still comes back
// to who has written it.
const maxComment = 256 << 10

// commentForm is the form for a comment on a page of its own, or for scripts what belongs in it.
func (p *pages) commentForm(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	draft := site.Draft{Page: cmp.Or(q.Get("url"), q.Get("target")), Answer: q.Get("in-reply-to")}
	form, err := p.Comments.Form(r.Context(), draft.Page, draft.Answer, p.server.sender(r))
	if err != nil {
		p.refuseComment(w, r, draft, err)
		return
	}
	w.Header().Set("Cache-Control", unkept)
	w.Header().Add("Vary", "Accept")
	if wantsJSON(r) {
		writeJSON(w, r, http.StatusOK, map[string]any{
			"action": p.Endpoint("comment"), "target": form.Page, "in-reply-to": form.Answer, "time": form.Time, "signin": p.Comments.Client != nil,
		})
		return
	}
	p.showForm(w, r, http.StatusOK, draft, form, formNote{})
}

// formNote is what is said above a form that has been sent before.
type formNote struct{ err, field, unvouched string }

// showForm shows the form with what was typed.
func (p *pages) showForm(w http.ResponseWriter, r *http.Request, status int, d site.Draft, f site.Form, note formNote) {
	w.Header().Set("Cache-Control", unkept)
	view := p.form(f.Page, cmp.Or(d.Time, f.Time))
	view.Action = p.base.Path + "comment" // the page's form goes to the page's own host
	view.Answer, view.Answers = f.Answer, f.Answers
	view.Name, view.Site, view.Text = d.Name, d.Site, d.Text
	view.Error, view.Field, view.Unvouched = note.err, note.field, note.unvouched
	shell := p.shell(r, nil)
	if !reads(r) {
		shell.Languages = nil // what was typed would stay behind
	}
	p.render(w, r, status, "comment-page", theme.CommentPage{Shell: shell, About: theme.Link{Name: f.Title, URL: f.Page}, Form: view})
}

// form is an empty form for a comment on a page.
func (p *pages) form(page, stamp string) theme.CommentForm {
	return theme.CommentForm{
		Action: p.Endpoint("comment"), Page: page, Time: stamp, SignIn: p.Comments.Client != nil,
		MaxText: site.MaxCommentText, MaxName: site.MaxCommentName,
	}
}

// leaveComment takes a form, from a page of whatever host.
func (p *pages) leaveComment(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxComment)
	err := r.ParseForm()
	if err == nil {
		if err = r.ParseMultipartForm(maxComment); errors.Is(err, http.ErrNotMultipart) {
			err = nil
		}
	}
	if err != nil {
		status := http.StatusBadRequest
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			status = http.StatusRequestEntityTooLarge
		}
		p.fail(w, r, status, "")
		return
	}
	w.Header().Set("Cache-Control", unkept)
	w.Header().Add("Vary", "Accept")
	d := site.Draft{
		Page: r.PostFormValue("target"), Answer: r.PostFormValue("in-reply-to"), Name: r.PostFormValue("name"), Site: r.PostFormValue("url"),
		Text: r.PostFormValue("content"), Trap: r.PostFormValue("subject"), Time: r.PostFormValue("time"),
	}
	if r.PostFormValue("how") == "signin" {
		to, err := p.Comments.SignIn(r.Context(), d, p.server.sender(r))
		if err != nil {
			p.refuseComment(w, r, d, err)
			return
		}
		p.leadOn(w, r, to, d.Site)
		return
	}
	left, err := p.Comments.Leave(r.Context(), d, p.server.sender(r))
	if err != nil {
		p.refuseComment(w, r, d, err)
		return
	}
	p.commented(w, r, left)
}

// commented answers for a comment that is kept.
func (p *pages) commented(w http.ResponseWriter, r *http.Request, left site.Left) {
	status, state := http.StatusAccepted, "pending"
	at := p.Endpoint("comment/sent") + "?url=" + url.QueryEscape(left.Page)
	if left.Public {
		status, state, at = http.StatusCreated, "approved", left.Permalink
	}
	if !wantsJSON(r) {
		http.Redirect(w, r, at, http.StatusSeeOther)
		return
	}
	w.Header().Set("Location", at)
	writeJSON(w, r, status, map[string]any{"status": state, "url": at})
}

// refuseComment says why a comment is not taken, and gives back all that was typed.
func (p *pages) refuseComment(w http.ResponseWriter, r *http.Request, d site.Draft, err error) {
	var unfit *site.Unfit
	var many *site.TooMany
	var why *site.Unvouched
	note, status := formNote{}, http.StatusBadRequest
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
		return
	case errors.As(err, &many):
		w.Header().Set("Retry-After", strconv.Itoa(int(many.After.Seconds())+1))
		note, status = formNote{err: "many"}, http.StatusTooManyRequests
	case errors.As(err, &unfit):
		if note = (formNote{err: unfit.Why, field: unfit.Field}); unfit.Why == "full" {
			w.Header().Set("Retry-After", "3600")
			status = http.StatusServiceUnavailable
		}
	case errors.As(err, &why):
		note = formNote{unvouched: why.Why}
		p.server.log().Info("visitor not sent to a server", "site", p.Key, "why", why.Why, "reason", why.Err)
	default:
		p.logFailure(r, err)
		w.Header().Set("Retry-After", "60")
		note, status = formNote{err: "unsure"}, http.StatusServiceUnavailable
	}
	p.formAgain(w, r, status, d, note)
}

// formAgain shows a form with what was typed and what is wrong with it. Where the time was the
// trouble it has a new one.
func (p *pages) formAgain(w http.ResponseWriter, r *http.Request, status int, d site.Draft, note formNote) {
	stamp, err := p.Comments.Stamp(r.Context(), d.Page)
	if errors.Is(err, fs.ErrNotExist) {
		p.fail(w, r, http.StatusNotFound, "") // a page of another site
		return
	}
	if err != nil {
		p.logFailure(r, err) // without a time it costs a look more, and nothing else
	}
	f := site.Form{Page: d.Page, Answer: d.Answer, Time: stamp}
	if note.err == "old" {
		d.Time = f.Time
	}
	if !wantsJSON(r) {
		p.showForm(w, r, status, d, f, note)
		return
	}
	l := lang.For("en")
	code, said := note.err, ""
	if code == "" {
		code, said = note.unvouched, l.T("unvouched."+note.unvouched)
	} else {
		said = l.T("unfit." + note.err)
	}
	writeJSON(w, r, status, map[string]any{"error": code, "error_description": said, "field": note.field, "time": cmp.Or(d.Time, f.Time)})
}

// commentSent says what happens now to a comment that waits.
func (p *pages) commentSent(w http.ResponseWriter, r *http.Request) {
	p.sent(w, r, "waits", r.URL.Query().Get("url"))
}

func (p *pages) sent(w http.ResponseWriter, r *http.Request, stage, page string) {
	w.Header().Set("Cache-Control", unkept)
	if u, err := url.Parse(page); err != nil {
		page = ""
	} else if _, ours := p.Fold(u); !ours {
		page = "" // it leads back to the site and nowhere else
	}
	p.render(w, r, http.StatusOK, "comment-sent", theme.CommentSent{Shell: p.shell(r, nil), Stage: stage, About: theme.Link{URL: page}})
}

// comment shows a comment at its permalink.
func (p *pages) comment(w http.ResponseWriter, r *http.Request) {
	c, err := p.Comments.Comment(r.Context(), pathVar(r, "id"))
	switch {
	case errors.Is(err, site.ErrGone):
		p.fail(w, r, http.StatusGone, "")
		return
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
		return
	case err != nil:
		p.broken(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	w.Header().Add("Link", fmt.Sprintf(`<%s>; rel="webmention"`, p.Endpoint("webmention"))) // it can be answered
	view := theme.Comment{
		Shell: p.shell(r, nil), About: theme.Link{Name: c.Title, URL: c.Page}, Response: response(c.Response), Answer: c.Answer,
	}
	if p.takesComments() {
		view.Reply = p.replyTo(c.Page, c.ID)
	}
	if c.Signed && p.Comments.Client != nil {
		view.TakeBack = c.Source
	}
	p.render(w, r, http.StatusOK, "comment", view)
}

// replyTo is the address of the form to answer a response to a page.
func (p *pages) replyTo(page, id string) string {
	return p.Endpoint("comment") + "?" + url.Values{"url": {page}, "in-reply-to": {id}}.Encode() + "#tertulia-comment"
}

// takesComments tells whether people can comment.
func (p *pages) takesComments() bool { return p.Comments != nil && p.TakesComments }

// offerComments adds the form to a conversation, and a way to it to each response that can be
// answered.
func (p *pages) offerComments(ctx context.Context, view *theme.Conversation) {
	if !p.takesComments() || view.Page.URL == "" {
		return
	}
	stamp, err := p.Comments.Stamp(ctx, view.Page.URL)
	if err != nil {
		// Without a time the form costs a look more, and nothing else.
		p.server.log().Error("a form for comments has no time", "page", view.Page.URL, "error", err)
	}
	form := p.form(view.Page.URL, stamp)
	view.Comment = &form
	p.offerReplies(view.Page.URL, view.Replies)
	p.offerReplies(view.Page.URL, view.Mentions)
}

func (p *pages) offerReplies(page string, all []theme.Response) {
	for i := range all {
		if all[i].ID != "" && all[i].Kind != "reaction" {
			all[i].Reply = p.replyTo(page, all[i].ID)
		}
		p.offerReplies(page, all[i].Replies)
	}
}

// stamped is the time in a form for a comment, as the template writes it.
var stamped = regexp.MustCompile(`name="time" value="[\w-]{32}"`)

// validator stands for all bytes of a body, but for the time in a form for a comment: it is
// another in each copy of a page and makes it no other page, until it is too old to be used.
func validator(body []byte) string {
	hash := func(b []byte) string { return indieauth.Hash(string(b))[:32] }
	if !bytes.Contains(body, []byte(`name="time"`)) {
		return `"` + hash(body) + `"`
	}
	half := strconv.FormatInt(time.Now().Unix()/int64((12*time.Hour).Seconds()), 10)
	return `W/"` + hash(stamped.ReplaceAll(body, []byte(half))) + `"`
}
