package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// admin lists what waits for the owner.
func (p *pages) admin(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	from := r.URL.Query().Get("from")
	waits, err := p.Inbox.Waiting(r.Context(), from)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	if from != "" && len(waits.Groups) == 0 && waits.Waiting > 0 {
		http.Redirect(w, r, p.base.Path+"admin/", http.StatusSeeOther) // that page has been decided
		return
	}
	view := p.inboxView(r, owner, "inbox", "pending", waits)
	view.Total, view.Aside = waits.Waiting, waits.Quarantined
	p.showInbox(w, r, view)
}

// quarantine lists what was put aside.
func (p *pages) quarantine(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	waits, err := p.Inbox.Quarantined(r.Context(), r.URL.Query().Get("from"))
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view := p.inboxView(r, owner, "quarantine", "quarantined", waits)
	if view.Total = waits.Quarantined; len(view.Groups) > 0 {
		view.All = site.AllQuarantined()
	}
	p.showInbox(w, r, view)
}

// group lists what waits, or was put aside, of one group.
func (p *pages) group(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	q := r.URL.Query()
	state := cmp.Or(q.Get("state"), "pending")
	at := time.Now()
	group, err := p.Inbox.Group(r.Context(), state, q.Get("group"), q.Get("from"))
	if notThere(err) {
		http.Redirect(w, r, p.base.Path+map[bool]string{true: "admin/quarantine", false: "admin/"}[state == "quarantined"], http.StatusSeeOther)
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	group.Flood = false // here each is looked at
	view := p.inboxView(r, owner, "group", state, site.Waits{Groups: []site.Group{group}, Next: group.Next, At: at})
	view.Groups[0].Rest = 0
	view.Total = group.Count
	p.showInbox(w, r, view)
}

// toAdmin leads from the base, which has no page of its own, to the owner's pages.
func (p *pages) toAdmin(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, p.base.Path+"admin/", http.StatusFound)
}

func (p *pages) showInbox(w http.ResponseWriter, r *http.Request, view theme.Inbox) {
	view.Least = view.Total >= site.MaxCount
	view.Script = p.script("admin")
	p.render(w, r, http.StatusOK, "admin", view)
}

// inboxView is a page of groups.
func (p *pages) inboxView(r *http.Request, owner *session, page, state string, waits site.Waits) theme.Inbox {
	view := theme.Inbox{
		Shell: p.shell(r, owner), Page: page, Action: p.base.Path + "admin/decide", Back: p.here(r), State: state,
		AsOf: strconv.FormatInt(waits.At.UnixMicro(), 10), Rooms: p.talkRooms(r), Notice: p.notice(r), More: p.further(r, waits.Next), Now: time.Now(),
	}
	rows := 0
	for _, g := range waits.Groups {
		rows += len(g.Rows)
	}
	e := shareOf(rows)
	e.answers = owner.Role.May(site.Owner)
	for n, g := range waits.Groups {
		view.Groups = append(view.Groups, p.groupView(&e, n+1, state, g))
	}
	return view
}

// talkRooms are the pages about mentions.
func (p *pages) talkRooms(r *http.Request) (rooms []theme.Link) {
	l := p.language(r)
	for _, room := range []struct{ path, title string }{
		{"admin/", "inbox.title-inbox"}, {"admin/quarantine", "inbox.title-quarantine"}, {"admin/decided", "decided.title"}, {"admin/decisions", "decisions.title"},
	} {
		at := p.base.Path + room.path
		rooms = append(rooms, theme.Link{Name: l.T(room.title), URL: at, Current: r.URL.Path == at})
	}
	return rooms
}

// here is the address of the page, without what it says of a decision.
func (p *pages) here(r *http.Request) string {
	q := r.URL.Query()
	for _, name := range []string{"done", "left", "more", "lang"} {
		q.Del(name)
	}
	if len(q) == 0 {
		return r.URL.Path
	}
	return r.URL.Path + "?" + q.Encode()
}

// further is the address of the page that goes on at a cursor, "" for none.
func (p *pages) further(r *http.Request, next string) string {
	if next == "" {
		return ""
	}
	u, err := url.Parse(p.here(r))
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("from", next)
	return u.Path + "?" + q.Encode()
}

// groupView is a group as the page shows it, at its place there.
func (p *pages) groupView(e *excerpts, at int, state string, g site.Group) theme.Group {
	v := theme.Group{
		At: at, Key: g.Key, Kind: "host", Name: brief(g.Domain, wordsOfName), Domain: g.Domain, Known: g.Known, Count: g.Count, Least: g.Count >= site.MaxCount,
		People: g.People, Quiet: g.Person.ID == "" && (g.Shared || g.Here),
	}
	switch {
	case g.Person.ID != "":
		v.Kind, v.Name, v.URL, v.About = "person", brief(cmp.Or(g.Person.Name, hostOf(g.Person.URL), g.Domain), wordsOfName), g.Person.URL, p.personPage(g.Person.ID)
	case g.Flood:
		v.Kind = "flood"
	case g.Here:
		v.Kind = "here"
	}
	v.Why = commonWhy(g.Rows)
	for _, m := range g.Rows {
		row := p.row(e, m)
		if last := len(v.Pages) - 1; last < 0 || v.Pages[last].Page != row.Page {
			v.Pages = append(v.Pages, theme.PageRows{Page: row.Page})
		}
		if v.Why != "" {
			row.Why = ""
		}
		if g.Person.ID != "" {
			row.By = ""
		}
		last := &v.Pages[len(v.Pages)-1]
		last.Rows = append(last.Rows, row)
	}
	v.Rest = max(0, g.Count-len(g.Rows))
	v.RestLink = "group?state=" + state + "&group=" + g.Key
	return v
}

// commonWhy is why all of some wait, "" when it is not the same.
func commonWhy(rows []site.Waiting) string {
	for _, m := range rows {
		if m.Why != rows[0].Why {
			return ""
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return brief(rows[0].Why, wordsOfTitle)
}

// gestures are the kinds of responses that say nothing which could be answered.
var gestures = []string{"like", "repost", "bookmark", "follow"}

func (p *pages) personPage(id string) string { return p.base.Path + "admin/person?id=" + id }

// row is a mention in a few lines.
func (p *pages) row(e *excerpts, m site.Waiting) theme.Row {
	e.n++
	shown := response(m.Response)
	row := theme.Row{
		ID: m.ID, Digest: m.Digest, N: e.n, Kind: m.Type, By: brief(shown.Called(), wordsOfName), Host: brief(hostOf(m.Source), wordsOfName),
		Link: "mention?id=" + m.ID, Why: brief(m.Why, wordsOfName), Received: m.Received,
		Page: theme.Link{Name: brief(cmp.Or(m.Title, m.Page), wordsOfName)},
	}
	if e.answers && m.Open && !slices.Contains(gestures, m.Type) {
		row.Reply = "answer/" + m.ID
	}
	if len(m.Language) < 20 {
		row.Lang = m.Language
	}
	used := cost(row.By) + cost(row.Host) + cost(row.Page.Name)
	if used+cost(m.Page) < e.words/2 {
		row.Page.URL = m.Page
		used += cost(m.Page)
	}
	said := m.Text
	if m.Name != "" && m.Name != m.Text {
		said = m.Name + " — " + said
	}
	row.Text = brief(said, max(e.words-used, leastWords))
	return row
}
