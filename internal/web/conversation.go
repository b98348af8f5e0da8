package web

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
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
	if fragment || p.Root == "" {
		read = p.Conversation.There // a page that takes it in is there, and others' pages may be: it can begin
	}
	page, err := read(r.Context(), q.Get("url"))
	newest := q.Get("sort") == "newest"
	if err == nil && page.More && newest {
		page, err = p.Conversation.Latest(r.Context(), q.Get("url")) // what is shown first is not to be what is missing
	}
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
	level, _ := strconv.Atoi(q.Get("heading")) // none, or nonsense, is the usual level
	view := p.wholeConversation(r.Context(), page, level)
	if newest {
		slices.Reverse(view.Replies)
		slices.Reverse(view.Mentions)
	}
	if fragment {
		shorten(&view)
		l := p.fragmentLanguage(r)
		view.Languages = p.languages(page.URL, l)
		if q.Get("ago") != "1" {
			view.Now = time.Time{} // who includes it may keep it for a long time
		}
		if n, err := strconv.Atoi(q.Get("nth")); err == nil && n < 1000 {
			view.Nth = n
		}
		p.fragment(w, r, l, view)
		return
	}
	view.Heading, view.URL, view.Languages, view.Endpoint = 2, "", nil, p.base.Path+"webmention" // the page's forms go to the page's own host
	if view.Comment != nil {
		view.Comment.Action = p.base.Path + "comment"
	}
	p.render(w, r, http.StatusOK, "conversation-page", theme.ConversationPage{Shell: p.shell(r, nil), Conversation: view, Privacy: p.base.Path + "privacy"})
}

// fragmentLanguage is the reader's choice, else the site's language: what is shown
// under a page speaks the page's language.
func (p *pages) fragmentLanguage(r *http.Request) lang.Lang {
	if tag, _, _ := strings.Cut(strings.ToLower(r.URL.Query().Get("lang")), "-"); tag == "es" || tag == "en" {
		return p.Speaks(tag)
	}
	return p.Speaks(p.Language)
}

// languages are the addresses of a conversation in the languages besides one.
func (p *pages) languages(page string, besides lang.Lang) map[string]string {
	others := map[string]string{}
	for _, tag := range []string{"es", "en"} {
		if tag != besides.Tag() {
			others[tag] = p.ConversationURL(page) + "&lang=" + tag
		}
	}
	return others
}

// fragment answers with the conversation alone. It is a document too, for who
// opens its address.
func (p *pages) fragment(w http.ResponseWriter, r *http.Request, l lang.Lang, view theme.Conversation) {
	body, err := p.fragmentOf(view, l)
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
