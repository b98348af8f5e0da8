package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// conversation shows the conversation of a page as a page of its own, or with
// fragment=1 as the bare fragment for inclusion elsewhere.
func (p *pages) conversation(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	fragment, read := q.Get("fragment") == "1", p.Conversation.Of
	if fragment {
		read = p.Conversation.There // a page that takes it in is there, mentioned or not
	}
	page, err := read(r.Context(), q.Get("url"))
	if errors.Is(err, fs.ErrNotExist) {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	if page.Gone {
		p.fail(w, r, http.StatusGone, "")
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=60, stale-while-revalidate=60")
	if fragment {
		p.fragment(w, r, page)
		return
	}
	view := p.conversationView(page, 2)
	view.URL, view.Endpoint = "", p.base.Path+"webmention" // the page's form goes to the page's own host
	p.render(w, r, http.StatusOK, "conversation-page", theme.ConversationPage{Shell: p.shell(r, nil), Conversation: view, Privacy: p.base.Path + "privacy"})
}

// readerLanguage is the reader's choice, else the site's language: what is shown
// under a page speaks the page's language.
func (p *pages) readerLanguage(r *http.Request) lang.Lang {
	if tag := r.URL.Query().Get("lang"); tag == "es" || tag == "en" {
		return lang.For(tag)
	}
	return lang.For(p.Language)
}

// fragment answers with the conversation alone. It is a document too, for who
// opens its address.
func (p *pages) fragment(w http.ResponseWriter, r *http.Request, page site.Page) {
	body, err := p.fragmentOf(page, p.readerLanguage(r))
	if err != nil {
		p.broken(w, r, err)
		return
	}
	w.Header().Set("Content-Security-Policy", policy+formAction("conversation"))
	send(w, r, http.StatusOK, "text/html; charset=utf-8", body)
}

// status tells a sender, and anybody with its address, how a mention fares. A
// mention that waits looks the same as one that the owner has rejected or deleted.
func (p *pages) status(w http.ResponseWriter, r *http.Request) {
	s, err := p.Conversation.Status(r.Context(), pathVar(r, "id"))
	if errors.Is(err, fs.ErrNotExist) {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	stage := string(s.State)
	if s.Again {
		stage = "again"
	}
	if stage == "pending" {
		s.Changed = time.Time{} // the time of a decision would give it away
	}
	w.Header().Add("Vary", "Accept")
	if wantsJSON(r) {
		w.Header().Set("Cache-Control", "no-store")
		writeJSON(w, r, http.StatusOK, map[string]any{
			"source": s.Source, "target": s.Target, "status": cmp.Or(statuses[stage], stage), "private": false,
			"summary": cmp.Or(s.Detail, lang.For("en").T("stage."+stage+".text")),
		})
		return
	}
	p.render(w, r, http.StatusOK, "status", theme.Status{
		Shell: p.shell(r, nil), Source: s.Source, Target: s.Target, Stage: stage,
		Detail: site.Reason(p.language(r), s.Detail), Received: s.Received, Changed: s.Changed,
	})
}

// statuses are the words of webmention.io for the stages of a mention (READ-API 5).
var statuses = map[string]string{"received": "pending", "again": "pending", "approved": "success", "withdrawn": "deleted"}

// style serves the stylesheet; with the right hash in its address for good.
func (p *pages) style(w http.ResponseWriter, r *http.Request) {
	css, hash := theme.Stylesheet()
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("ETag", fmt.Sprintf("%q", hash))
	w.Header().Set("Cache-Control", cmp.Or(map[string]string{hash: "public, max-age=31536000, immutable"}[r.URL.Query().Get("v")], "public, max-age=300"))
	http.ServeContent(w, r, "style.css", time.Time{}, bytes.NewReader(css))
}
