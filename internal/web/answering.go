package web

import (
	"errors"
	"io/fs"
	"net/http"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
	"tertulia/micropub"
)

// answering shows a mention and the form to answer it.
func (p *pages) answering(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	p.showAnswering(w, r, http.StatusOK, owner, "")
}

// showAnswering shows the page, with what was wrong with what was sent.
func (p *pages) showAnswering(w http.ResponseWriter, r *http.Request, status int, owner *session, wrong string) {
	asked, err := p.Answering.Asked(r.Context(), pathVar(r, "id"), p.language(r))
	if errors.Is(err, fs.ErrNotExist) {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view := theme.Answering{
		Shell: p.shell(r, owner), Action: p.base.Path + "admin/answer/" + asked.ID, List: p.base.Path + "admin/unanswered",
		Mention: theme.Pending{
			ID: asked.ID, Response: response(asked.Response), Page: theme.Link{Name: asked.Title, URL: asked.Page},
			Digest: asked.Digest, Why: asked.Why, Received: asked.Received,
		},
		Stands: asked.Answer, Reach: asked.Reach, Pending: asked.Pending, Gone: asked.Gone, Aside: asked.Aside, Takes: asked.Takes,
		Done: r.URL.Query().Get("done") == "1", Error: wrong, Text: r.PostFormValue("text"), Max: site.MaxReply, Now: time.Now(),
	}
	if asked.Back != "" {
		view.Back = append(view.Back, asked.Back)
	}
	for _, g := range asked.Given {
		view.Given = append(view.Given, theme.Given{Kind: string(g.Kind), URL: g.URL})
	}
	p.render(w, r, status, "answering", view)
}

// wrongAnswers are what is said of an answer that could not be given, with its status.
var wrongAnswers = []struct {
	err    error
	word   string
	status int
}{
	{site.ErrNoText, "text", http.StatusBadRequest},
	{site.ErrNoAnswer, "text", http.StatusBadRequest},
	{site.ErrNotThere, "gone", http.StatusConflict},
	{site.ErrChanged, "changed", http.StatusConflict},
	{site.ErrNoPosts, "posts", http.StatusForbidden},
}

// giveAnswer answers a mention with what the form says.
func (p *pages) giveAnswer(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	id := pathVar(r, "id")
	_, err := p.Answering.Answer(r.Context(), owner.Me, site.OwnAnswer{
		Mention: id, Kind: site.AnswerKind(r.PostFormValue("do")), Text: r.PostFormValue("text"), Seen: r.PostFormValue("seen"),
	})
	for _, wrong := range wrongAnswers {
		if errors.Is(err, wrong.err) {
			p.showAnswering(w, r, wrong.status, owner, wrong.word)
			return
		}
	}
	var refused *micropub.Error
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
	case errors.As(err, &refused):
		p.showAnswering(w, r, http.StatusBadRequest, owner, "refused")
	case err != nil:
		p.broken(w, r, err)
	default:
		http.Redirect(w, r, p.base.Path+"admin/answer/"+id+"?done=1", http.StatusSeeOther)
	}
}
