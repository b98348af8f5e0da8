package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// conversation shows the conversation of a page as a page of its own, or with
// fragment=1 as the bare fragment for inclusion elsewhere.
func (p *pages) conversation(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	page, err := p.Conversation.Of(r.Context(), q.Get("url"))
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
	l := p.readerLanguage(r)
	w.Header().Set("Cache-Control", "public, max-age=60, stale-while-revalidate=60")
	view := p.conversationView(page, 2)
	if q.Get("fragment") == "1" {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		p.fragment(w, r, l, view)
		return
	}
	view.URL = ""
	p.render(w, r, http.StatusOK, "conversation-page", theme.ConversationPage{Shell: p.shell(r, nil), Conversation: view})
}

// readerLanguage is the reader's choice, else the site's language: what is shown
// under a page speaks the page's language.
func (p *pages) readerLanguage(r *http.Request) lang.Lang {
	if tag := r.URL.Query().Get("lang"); tag == "es" || tag == "en" {
		return lang.For(tag)
	}
	return lang.For(p.Language)
}

func (p *pages) fragment(w http.ResponseWriter, r *http.Request, l lang.Lang, view theme.Conversation) {
	var b bytes.Buffer
	if err := theme.Render(&b, "conversation", l, view); err != nil {
		p.broken(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w) // the reader may have gone
}

// conversationView groups the responses as they are shown: faces, RSVPs, replies
// in order of their dates, mentions.
func (p *pages) conversationView(page site.Page, heading int) theme.Conversation {
	v := theme.Conversation{
		Page: theme.Link{Name: page.Title, URL: page.URL}, URL: p.ConversationURL(page.URL),
		Endpoint: p.Endpoint("webmention"), Heading: heading, Total: len(page.Responses), Now: time.Now(),
	}
	rsvps := map[string]*theme.RSVP{}
	byDate := slices.SortedStableFunc(slices.Values(page.Responses), func(a, b site.Response) int {
		return date(a).Compare(date(b))
	})
	for _, r := range byDate {
		shown := response(r)
		switch r.Type {
		case "like":
			add(&v.Likes, shown)
		case "repost":
			add(&v.Reposts, shown)
		case "bookmark":
			add(&v.Bookmarks, shown)
		case "rsvp":
			if rsvps[r.RSVP] == nil {
				rsvps[r.RSVP] = &theme.RSVP{Value: r.RSVP}
			}
			add(&rsvps[r.RSVP].Faces, shown)
		case "reply":
			v.Replies = append(v.Replies, shown)
		default:
			v.Mentions = append(v.Mentions, shown)
		}
	}
	for _, value := range []string{"yes", "maybe", "interested", "no"} {
		if rsvps[value] != nil {
			v.RSVPs = append(v.RSVPs, *rsvps[value])
		}
	}
	return v
}

func add(f *theme.Faces, r theme.Response) {
	f.Total++
	f.People = append(f.People, r)
}

// date orders responses as their readers would (TRAPS T-MF09).
func date(r site.Response) time.Time {
	if r.Published.IsZero() {
		return r.Received
	}
	return r.Published
}

// status tells a sender, and anybody with its address, how a mention fares.
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
	if wantsJSON(r) {
		writeJSON(w, "application/json", map[string]any{
			"source": s.Source, "target": s.Target, "status": s.State, "summary": s.Detail,
		})
		return
	}
	p.render(w, r, http.StatusOK, "status", theme.Status{
		Shell: p.shell(r, nil), Source: s.Source, Target: s.Target, Stage: string(s.State),
		Detail: s.Detail, Received: s.Received, Changed: s.Changed,
	})
}

// style serves the stylesheet; with the right hash in its address for good.
func (p *pages) style(w http.ResponseWriter, r *http.Request) {
	css, hash := theme.Stylesheet()
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("ETag", fmt.Sprintf("%q", hash))
	w.Header().Set("Cache-Control", cmp.Or(map[string]string{hash: "public, max-age=31536000, immutable"}[r.URL.Query().Get("v")], "public, max-age=300"))
	http.ServeContent(w, r, "style.css", time.Time{}, bytes.NewReader(css))
}
