package web

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// postsOfPage is how many posts a page lists.
const postsOfPage = 50

// maxSought is how many runes of a search are looked at.
const maxSought = 200

// posts lists the owner's posts: all, those of a state, those with some words in them.
func (p *pages) posts(w http.ResponseWriter, r *http.Request) {
	who := p.awaited(w, r, "")
	if who == nil {
		return
	}
	q := r.URL.Query()
	state, sought := site.PostState(q.Get("state")), []rune(q.Get("q"))
	if !slices.Contains(site.PostStates(), state) {
		state = ""
	}
	words := string(sought[:min(len(sought), maxSought)])
	page, err := p.Posts.Find(r.Context(), site.PostQuery{State: state, Words: words, From: q.Get("from"), Limit: postsOfPage})
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view := theme.Posts{
		Shell: p.shell(r, who), Action: p.base.Path + "admin/posts", Compose: p.base.Path + "admin/compose",
		State: string(state), Words: words, Until: page.Until, Sought: state != "" || strings.TrimSpace(words) != "", Further: q.Get("from") != "",
	}
	for _, s := range site.PostStates() {
		view.States = append(view.States, string(s))
	}
	for _, row := range page.Posts {
		view.Posts = append(view.Posts, p.postRow(row))
	}
	if page.Next != "" {
		q.Set("from", page.Next)
		view.More = view.Action + "?" + q.Encode()
	}
	p.render(w, r, http.StatusOK, "posts", view)
}

func (p *pages) postRow(row site.PostRow) theme.PostRow {
	return theme.PostRow{
		Title: row.Title, URL: row.Permalink, About: p.base.Path + "admin/post?url=" + url.QueryEscape(row.Permalink),
		Kind: row.Kind, State: string(row.State), Why: row.Why, Date: row.Date, Updated: row.Updated, Adopted: row.Adopted,
	}
}

// mostSent is how many of those who were told of a post its page shows.
const mostSent = 30

// post shows all about a post; with ask=delete it asks whether it is to be deleted.
func (p *pages) post(w http.ResponseWriter, r *http.Request) {
	who := p.awaited(w, r, "")
	if who == nil {
		return
	}
	q := r.URL.Query()
	p.showPost(w, r, http.StatusOK, who, q.Get("url"), theme.Post{Done: q.Get("done"), Asks: q.Get("ask") == "delete"})
}

func (p *pages) showPost(w http.ResponseWriter, r *http.Request, status int, who *session, address string, view theme.Post) {
	about, err := p.Posts.About(r.Context(), address)
	if errors.Is(err, fs.ErrNotExist) {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	copies, err := p.Networks.Of(r.Context(), about.Permalink)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	for _, c := range copies {
		view.Outlets = append(view.Outlets, theme.Copy{
			ID: c.ID, Account: site.AccountID(c.UID), Name: c.Account, State: string(c.State), Note: c.Note, URL: c.URL, Since: c.Since,
		})
	}
	view.Networks = p.base.Path + "admin/networks"
	view.Shell, view.PostRow = p.shell(r, who), p.postRow(about.PostRow)
	view.Action, view.List = p.base.Path+"admin/post", p.base.Path+"admin/posts"
	view.Edit = p.base.Path + "admin/compose?url=" + url.QueryEscape(about.Permalink)
	view.Created, view.Channel, view.File, view.Former, view.Copies, view.Wanted = about.Created, about.Channel, about.File, about.Former, about.Copies, about.Wanted
	view.Again, view.Shown, view.Deleted = about.Again, about.Shown, about.State == site.PostDeleted
	view.Revision, view.Published, view.Live, view.Announced = about.Revision, about.Published, about.Live, about.Announced
	if view.Client = about.Client; view.Client == p.Endpoint("admin/compose") {
		view.Client = ""
		view.Here = true
	}
	if about.Shown && about.State != site.PostPrivate {
		view.Conversation = p.ConversationURL(about.Permalink)
	}
	for _, e := range about.History {
		note := e.Note
		if note == p.Endpoint("admin/compose") {
			note = ""
		}
		view.History = append(view.History, theme.Event{At: e.At, Stage: word(e.Stage), Said: e.Stage, Note: note})
	}
	for _, s := range about.Sent[:min(len(about.Sent), mostSent)] {
		view.Sent = append(view.Sent, theme.Sent{Target: s.Target, State: word(s.State), Said: s.State, Note: s.Note, Status: s.Status, Location: s.Location, At: s.At})
	}
	view.Unsaid = len(about.Sent) - len(view.Sent)
	p.render(w, r, status, "post", view)
}

// retryCopy has the copy of a post made again now. One that somebody has decided about meanwhile is
// shown as it stands.
func (p *pages) retryCopy(r *http.Request, address string) error {
	uid, err := p.Networks.ByID(r.PostFormValue("id"))
	if err != nil {
		return err
	}
	if err := p.Networks.Retry(r.Context(), address, uid); !errors.Is(err, site.ErrUndecidable) {
		return err
	}
	return nil
}

// word is a stage or an outcome as the name of its sentence has it.
func word(said string) string { return strings.ReplaceAll(said, " ", "-") }

// changePost deletes a post, brings it back, publishes it or makes a copy of it once more. The first two are what
// any Micropub client does.
//
// Spec: micropub#delete-p-1
func (p *pages) changePost(w http.ResponseWriter, r *http.Request) {
	who := p.signedIn(w, r)
	if who == nil {
		return
	}
	do, address := r.PostFormValue("do"), r.PostFormValue("url")
	var err error
	moved := ""
	switch do {
	case "delete", "undelete":
		moved, err = p.editor(who).send(r.Context(), map[string]any{"action": do, "url": address})
	case "retry":
		err = p.Posts.Retry(r.Context(), address)
	case "copy":
		err = p.retryCopy(r, address)
	default:
		p.fail(w, r, http.StatusBadRequest, "")
		return
	}
	var no *declined
	switch {
	case errors.As(err, &no) && no.status >= http.StatusInternalServerError:
		p.broken(w, r, err)
	case errors.As(err, &no), errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
	case err != nil:
		p.broken(w, r, err)
	default:
		if moved != "" {
			address = moved
		}
		http.Redirect(w, r, p.base.Path+"admin/post?done="+do+"&url="+url.QueryEscape(address), http.StatusSeeOther)
	}
}
