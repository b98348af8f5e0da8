package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// trusts are what can be decided about somebody, as the page of people lists them.
var trusts = []string{"trusted", "muted", "blocked"}

// people lists who talks here.
func (p *pages) people(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	q := r.URL.Query()
	trust, words, from := q.Get("trust"), q.Get("q"), q.Get("from")
	var list []site.Person
	var next string
	var err error
	switch {
	case words != "":
		list, next, err = p.People.Find(r.Context(), words, from)
	case slices.Contains(trusts, trust):
		list, next, err = p.People.With(r.Context(), trust, from)
	default:
		trust = ""
		list, next, err = p.People.Heard(r.Context(), from)
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view := theme.People{Shell: p.shell(r, owner), Here: r.URL.Path, Query: words, Found: words != "", More: p.further(r, next), Now: time.Now()}
	l := p.language(r)
	view.Tabs = []theme.Link{{Name: l.T("people.everybody"), URL: r.URL.Path, Current: words == "" && trust == ""}}
	for _, one := range trusts {
		view.Tabs = append(view.Tabs, theme.Link{Name: l.T("people." + one), URL: r.URL.Path + "?trust=" + one, Current: words == "" && trust == one})
	}
	for _, one := range list {
		view.List = append(view.List, p.somebody(one))
	}
	p.render(w, r, http.StatusOK, "people", view)
}

// somebody is a person as the pages show them.
func (p *pages) somebody(one site.Person) theme.Somebody {
	return theme.Somebody{
		ID: one.ID, Host: one.Host != "", Link: p.personPage(one.ID), Trust: one.Trust, Since: one.Since,
		Person: theme.Person{Name: brief(cmp.Or(one.Host, one.Name, hostOf(one.URL), one.ID), wordsOfTitle), URL: short(one.URL), Photo: one.Photo},
		Count:  one.Count, Least: one.Count >= site.MaxCount, Last: one.Last, First: one.Created,
	}
}

// person shows all about one person.
func (p *pages) person(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	q := r.URL.Query()
	all, err := p.People.Person(r.Context(), p.language(r), q.Get("id"), q.Get("from"))
	if notThere(err) || err == nil && q.Get("id") == "" {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view := theme.Portrait{
		Shell: p.shell(r, owner), Action: p.base.Path + "admin/decide", Back: p.here(r), Notice: p.notice(r),
		Somebody: p.somebody(all.Person), By: brief(all.By, wordsOfTitle), List: p.madeViews(all.Made), Rows: p.keptRows(all.Rows), More: p.further(r, all.Next), Now: time.Now(),
	}
	for _, known := range some(all.KnownBy) {
		view.KnownBy = append(view.KnownBy, brief(known, maxRepeated))
	}
	for _, place := range some(all.Places) {
		view.Places = append(view.Places, brief(place, maxRepeated))
	}
	if id := url.QueryEscape(all.ID); owner.Role.May(site.Owner) && all.Host == "" {
		view.Export, view.Erase = p.base.Path+"admin/person/export?id="+id, p.base.Path+"admin/person/erase?id="+id
	}
	p.render(w, r, http.StatusOK, "person", view)
}

// some are the first of what strangers may have made many of.
func some(list []string) []string { return list[:min(len(list), 20)] }

// exportPerson gives what is kept of a person, as a file.
func (p *pages) exportPerson(w http.ResponseWriter, r *http.Request) {
	if p.awaited(w, r, "") == nil {
		return
	}
	h := w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Content-Disposition", `attachment; filename="person-`+time.Now().UTC().Format(time.DateOnly)+`.jf2.json"`)
	h.Set("Cache-Control", "no-store")
	out := &begun{ResponseWriter: w}
	err := p.People.Export(r.Context(), out, r.URL.Query().Get("id"))
	switch {
	case err == nil:
	case out.yes:
		p.logFailure(r, err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	case notThere(err):
		h.Del("Content-Disposition")
		p.fail(w, r, http.StatusNotFound, "")
	default:
		h.Del("Content-Disposition")
		p.broken(w, r, err)
	}
}

// confirmErase says what goes when a person is erased, and asks.
func (p *pages) confirmErase(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	id := r.URL.Query().Get("id")
	all, err := p.People.Person(r.Context(), p.language(r), id, "")
	if notThere(err) || err == nil && (all.Host != "" || id == "") {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	view := theme.Erase{Shell: p.shell(r, owner), Action: p.base.Path + "admin/person/erase", Somebody: p.somebody(all.Person), Back: p.personPage(all.ID)}
	if err == nil {
		view.Again, err = p.again(r.Context(), owner, "admin/person/erase?id="+url.QueryEscape(id))
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "erase", view)
}

// erasePerson erases a person, to the end even when the browser does not wait.
func (p *pages) erasePerson(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil || !p.recent(w, r, owner, "") {
		return
	}
	done, err := p.People.Erase(context.WithoutCancel(r.Context()), owner.Me, r.PostFormValue("id"))
	if notThere(err) {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "erase", theme.Erase{
		Shell: p.shell(r, owner), Back: p.base.Path + "admin/people",
		Done: &theme.Erased{Mentions: done.Mentions, People: done.People, Pictures: done.Pictures, Others: done.Others, Posts: done.Posts, Left: done.Left},
	})
}
