package web

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// sessions shows where somebody is signed in; to owners, where everybody is.
func (p *pages) sessions(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	p.showSessions(w, r, http.StatusOK, owner, "")
}

// showSessions shows the page, with what was wrong with what was sent.
func (p *pages) showSessions(w http.ResponseWriter, r *http.Request, status int, owner *session, wrong string) {
	browsers, err := p.Access.Browsers(r.Context(), reach(owner), owner.secret)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view := theme.Sessions{
		Shell: p.shell(r, owner), Action: p.base.Path + "admin/sessions", Person: owner.Called(), Role: string(owner.Role),
		Me: owner.Me, Least: site.MinPassphrase, Error: wrong,
	}
	if view.Passphrase, err = p.Access.HasPassphrase(r.Context(), owner.Me); err != nil {
		p.broken(w, r, err)
		return
	}
	keys, err := p.Access.Passkeys(r.Context(), owner.Me)
	if err == nil {
		view.Again, err = p.again(r.Context(), owner, "admin/sessions")
	}
	if err == nil && view.Again == "" {
		view.NewPasskey, err = p.Access.NewPasskeyOptions(r.Context(), owner.Me, owner.secret)
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	if view.NewPasskey != "" {
		view.Script = p.script("sessions")
	}
	if all := p.Everybody(); len(all) > 1 && owner.Role.May(site.Owner) {
		for _, k := range all {
			view.People = append(view.People, theme.Keeper{Who: theme.Link{Name: k.Called(), URL: k.Me}, Role: string(k.Role)})
		}
	}
	for _, k := range keys {
		view.Passkeys = append(view.Passkeys, theme.Passkey{ID: k.ID, Name: k.Name, Created: k.Created, Used: k.Used})
	}
	for _, b := range browsers {
		one := theme.Browser{ID: b.ID, Agent: b.Agent, From: b.From, How: b.How, Since: b.Since, Seen: b.Seen, Current: b.Current}
		if len(p.Keepers) > 0 {
			one.Person = b.Keeper.Called()
		}
		view.Browsers = append(view.Browsers, one)
	}
	p.render(w, r, status, "sessions", view)
}

// reach is whose sessions somebody may see and end: an owner everybody's, which is "".
func reach(s *session) string {
	if s.Role.May(site.Owner) {
		return ""
	}
	return s.Me
}

// change is what a form of one of the owner's pages does.
type change[F any] struct {
	do     F
	recent bool // only for who has signed in lately: it makes or takes away a way in, or lets others know what happens here
}

// chosen is the change that a form asks for by its field do, and who asks; false when they were
// told why it is not made.
func chosen[F any](p *pages, w http.ResponseWriter, r *http.Request, changes map[string]change[F]) (who *session, do F, ok bool) {
	if who = p.signedIn(w, r); who == nil {
		return nil, do, false
	}
	c, ok := changes[r.PostFormValue("do")]
	if !ok {
		p.fail(w, r, http.StatusBadRequest, "")
		return nil, do, false
	}
	if c.recent && !p.recent(w, r, who, "") {
		return nil, do, false
	}
	return who, c.do, true
}

// sessionChange changes where somebody is signed in, or what with.
type sessionChange func(*pages, context.Context, *session, url.Values) error

// changes are those of the page's forms, by their field do.
var changes = map[string]change[sessionChange]{
	"end": {do: func(p *pages, ctx context.Context, s *session, form url.Values) error {
		return p.Access.EndBrowser(ctx, reach(s), form.Get("id"))
	}},
	"everywhere": {do: func(p *pages, ctx context.Context, s *session, _ url.Values) error {
		return p.Access.EndBrowsers(ctx, s.Me, "")
	}},
	"passphrase": {recent: true, do: func(p *pages, ctx context.Context, s *session, form url.Values) error {
		return p.Access.SetPassphrase(ctx, s.Me, form.Get("passphrase"), s.secret)
	}},
	"passkey": {recent: true, do: func(p *pages, ctx context.Context, s *session, form url.Values) error {
		return p.Access.AddPasskey(ctx, s.Me, s.secret, form.Get("name"), form.Get("credential"))
	}},
	"no-passkey": {recent: true, do: func(p *pages, ctx context.Context, s *session, form url.Values) error {
		return p.Access.DropPasskey(ctx, s.Me, form.Get("id"))
	}},
	"no-passphrase": {recent: true, do: func(p *pages, ctx context.Context, s *session, _ url.Values) error {
		return p.Access.DropPassphrase(ctx, s.Me)
	}},
}

// changeSessions does what one of the page's forms says, and shows the page again; or
// how to sign in, if that was the end of this session.
func (p *pages) changeSessions(w http.ResponseWriter, r *http.Request) {
	owner, do, ok := chosen(p, w, r, changes)
	if !ok {
		return
	}
	err := do(p, owner.by(r.Context()), owner, r.PostForm)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // it was done already, in another window
	}
	if errors.Is(err, site.ErrPassphrase) {
		p.showSessions(w, r, http.StatusBadRequest, owner, "short")
		return
	}
	if errors.Is(err, site.ErrWrong) || errors.Is(err, site.ErrPasskeys) {
		p.showSessions(w, r, http.StatusBadRequest, owner, "passkey")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	http.Redirect(w, r, p.base.Path+"admin/sessions", http.StatusSeeOther)
}
