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

// notices shows how those who look after the site are told what happens there: to owners the mails
// and hooks, to everybody their own private feed.
func (p *pages) notices(w http.ResponseWriter, r *http.Request) {
	if owner := p.awaited(w, r, ""); owner != nil {
		p.showNotices(w, r, http.StatusOK, owner, theme.Notices{})
	}
}

// showNotices shows the page, with what became of what was sent.
func (p *pages) showNotices(w http.ResponseWriter, r *http.Request, status int, owner *session, view theme.Notices) {
	told, err := p.Notices.Told(r.Context(), owner.Me)
	if err == nil {
		view.Again, err = p.again(r.Context(), owner, "admin/notices")
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view.Shell, view.Action, view.Hooking = p.shell(r, owner), p.base.Path+"admin/notices", p.base.Path+"admin/hooks"
	view.Feed = told.Feed
	if view.Owner = owner.Role.May(site.Owner); view.Owner {
		view.Server, view.To, view.Next = told.Mail, told.Telling.To, told.Next
		view.Zone = told.Telling.In().String()
		for _, kind := range site.Kinds() {
			mode := told.Telling.How[kind]
			if told.Telling.To == "" || told.Mail == "" || mode == "" {
				mode = site.Off
			}
			view.Kinds = append(view.Kinds, theme.NoticeKind{Name: kind, Mode: string(mode)})
		}
		for _, l := range told.Letters {
			view.Letters = append(view.Letters, theme.Letter{Mode: l.Mode, Made: l.Made, State: l.State, Error: l.Error})
		}
		for _, h := range told.Hooks {
			view.Hooks = append(view.Hooks, p.hookView(h))
		}
	}
	p.render(w, r, status, "notices", view)
}

// noticeChange changes what is told to whom. It may leave something to be shown this once.
type noticeChange func(n *site.Notices, ctx context.Context, s *session, form url.Values) (theme.Notices, error)

// noticeChanges are those of the forms about the asker's own feed, which moderators have too.
var noticeChanges = map[string]change[noticeChange]{
	"feed": {recent: true, do: func(n *site.Notices, ctx context.Context, s *session, _ url.Values) (view theme.Notices, err error) {
		view.FeedAddress, err = n.NewFeed(ctx, s.Me)
		return view, err
	}},
	"no-feed": {do: func(n *site.Notices, ctx context.Context, s *session, _ url.Values) (theme.Notices, error) {
		return theme.Notices{}, n.DropFeed(ctx, s.Me)
	}},
}

// changeNotices does what a form about the asker's feed says.
func (p *pages) changeNotices(w http.ResponseWriter, r *http.Request) {
	p.changeTold(w, r, noticeChanges)
}

// changeTold does what one of the page's forms says, and shows the page again.
func (p *pages) changeTold(w http.ResponseWriter, r *http.Request, changes map[string]change[noticeChange]) {
	owner, do, ok := chosen(p, w, r, changes)
	if !ok {
		return
	}
	view, err := do(p.Notices, owner.by(r.Context()), owner, r.PostForm)
	switch {
	case errors.Is(err, site.ErrHook):
		view.Error, view.Typed = "hook", r.PostFormValue("address")
		p.showNotices(w, r, http.StatusBadRequest, owner, view)
	case err != nil && !errors.Is(err, fs.ErrNotExist): // what is gone was taken away in another window
		p.broken(w, r, err)
	case view.FeedAddress != "" || view.Secret != "":
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		p.showNotices(w, r, http.StatusOK, owner, view)
	default:
		http.Redirect(w, r, p.base.Path+"admin/notices", http.StatusSeeOther)
	}
}
