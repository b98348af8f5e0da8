package web

import (
	"net/http"
	"strings"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// keptMentions lists what was decided, and finds something among it.
func (p *pages) keptMentions(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	q := r.URL.Query()
	search := site.Search{Text: q.Get("q"), From: q.Get("who"), Page: q.Get("page"), State: q.Get("state"), Cursor: q.Get("from")}
	found, err := p.Inbox.Decided(r.Context(), p.language(r), search)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "decided", theme.Kept{
		Shell: p.shell(r, owner), Action: p.base.Path + "admin/decide", Back: p.here(r), Rooms: p.talkRooms(r), Notice: p.notice(r),
		Here: r.URL.Path, Text: search.Text, From: search.From, Page: search.Page, State: search.State, States: site.States(),
		Rows: p.keptRows(found.Rows), More: p.further(r, found.Next), Looked: found.Back, Now: time.Now(),
	})
}

// keptRows are mentions where they stand.
func (p *pages) keptRows(list []site.Kept) (rows []theme.Row) {
	e := shareOf(len(list))
	for _, m := range list {
		rows = append(rows, p.keptRow(&e, m))
	}
	return rows
}

func (p *pages) keptRow(e *excerpts, m site.Kept) theme.Row {
	row := p.row(e, m.Waiting)
	row.State, row.Answer, row.Decision, row.Decided = m.State, m.Answer, m.Decision, m.Decided
	row.Source = short(m.Source)
	return row
}

// decisions lists what was decided lately.
func (p *pages) decisions(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	list, next, err := p.Inbox.Recent(r.Context(), r.URL.Query().Get("from"))
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "decisions", theme.Decisions{
		Shell: p.shell(r, owner), Action: p.base.Path + "admin/decide", Back: p.here(r), Rooms: p.talkRooms(r), Notice: p.notice(r),
		List: p.madeViews(list), More: p.further(r, next), Now: time.Now(),
	})
}

// madeViews are decisions as the pages list them.
func (p *pages) madeViews(list []site.Made) (views []theme.Decision) {
	for _, d := range list {
		one := theme.Decision{At: d.At, By: brief(d.By, wordsOfTitle), Action: strings.ReplaceAll(d.Action, " ", "-"), Name: brief(d.Name, wordsOfName), Page: brief(d.Page, wordsOfTitle), Count: d.Count, Undone: d.Undone}
		switch {
		case d.Mention != "":
			one.Link = p.base.Path + "admin/mention?id=" + d.Mention
		case d.Person != "":
			one.Link = p.personPage(d.Person)
		}
		if d.Undoable {
			one.ID = d.ID
		}
		views = append(views, one)
	}
	return views
}

// wholeText is how long a text may be, in bytes, to be shown whole on the page of its mention.
const wholeText = 16 << 10

// mentioned shows one mention with its history.
func (p *pages) mentioned(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	m, err := p.Inbox.Mention(r.Context(), p.language(r), r.URL.Query().Get("id"))
	if notThere(err) {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view := theme.Mentioned{
		Shell: p.shell(r, owner), Action: p.base.Path + "admin/decide", Back: p.here(r), Rooms: p.talkRooms(r), Notice: p.notice(r),
		Row: p.keptRow(&excerpts{words: wordsOfTitle}, m.Kept), Digest: m.Digest, Response: excerpt(m.Response), Target: theme.Link{URL: m.Target},
		Replay: m.Asked, List: p.madeViews(m.Made), Now: time.Now(),
	}
	if len(m.HTML) <= wholeText {
		view.Response = response(m.Response)
	}
	if m.Open && owner.Role.May(site.Owner) {
		view.Row.Reply = "answer/" + m.ID
	}
	if m.Person != "" {
		view.Person = p.personPage(m.Person)
	}
	for _, e := range m.History {
		_, why, _ := strings.Cut(e.Note, ": ")
		said := site.Reason(p.language(r), why)
		view.History = append(view.History, theme.Event{At: e.At, Stage: strings.ReplaceAll(e.Stage, " ", "-"), Note: brief(e.Note, 4*wordsOfTitle), Said: said})
	}
	p.render(w, r, http.StatusOK, "mention", view)
}
