package web

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// copiesShown is how many copies the page lists; the others come when these are decided about.
const copiesShown = 20

// networks shows the accounts that copies go to, and the copies that wait for the owner.
func (p *pages) networks(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	view := theme.Networks{}
	switch done := r.URL.Query().Get("done"); done {
	case "connected", "disconnected":
		view.Done = done
	case "answer", "network", "other":
		view.Error = done
	}
	p.showNetworks(w, r, http.StatusOK, owner, view)
}

// showNetworks shows the page, with what became of what was sent.
func (p *pages) showNetworks(w http.ResponseWriter, r *http.Request, status int, owner *session, view theme.Networks) {
	ctx := r.Context()
	accounts, err := p.Networks.Accounts(ctx)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	copies, err := p.Networks.Attention(ctx, copiesShown)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view.Shell, view.Action = p.shell(r, owner), p.base.Path+"admin/networks"
	if view.Again, err = p.again(ctx, owner, "admin/networks"); err != nil {
		p.broken(w, r, err)
		return
	}
	for _, a := range accounts {
		view.Accounts = append(view.Accounts, theme.Account{
			ID: a.ID, Name: a.Name, Profile: theme.Link{Name: a.As, URL: a.Profile}, Way: a.Way, ByHand: a.ByHand, File: a.File,
			Stands: a.Stands, Since: a.Since, Rests: a.Rests, Waiting: a.Waiting, Attention: a.Attention,
		})
	}
	for _, c := range copies {
		view.Copies = append(view.Copies, theme.Copy{
			ID: c.ID, Account: site.AccountID(c.UID), Name: c.Account, Post: theme.Link{Name: c.Title, URL: c.Post},
			State: string(c.State), Note: c.Note, Text: c.Text, Composer: c.Composer, URL: c.URL, Since: c.Since,
		})
	}
	p.render(w, r, status, "networks", view)
}

// networkChanges are what the forms of the page do, by their field do; what they answer is said on
// the page.
var networkChanges = map[string]func(n *site.Networks, r *http.Request, uid string) error{
	"disconnect": func(n *site.Networks, r *http.Request, uid string) error { return n.Disconnect(r.Context(), uid) },
	"retry": func(n *site.Networks, r *http.Request, uid string) error {
		return n.Retry(r.Context(), r.PostFormValue("post"), uid)
	},
	"leave": func(n *site.Networks, r *http.Request, uid string) error {
		return n.Leave(r.Context(), r.PostFormValue("post"), uid)
	},
	"found": func(n *site.Networks, r *http.Request, uid string) error {
		return n.Found(r.Context(), r.PostFormValue("post"), uid, r.PostFormValue("address"))
	},
}

// changeNetworks does what one of the page's forms says.
func (p *pages) changeNetworks(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	uid, err := p.Networks.ByID(r.PostFormValue("id"))
	if err != nil {
		p.notFound(w, r) // the settings are others since the page was shown
		return
	}
	do := r.PostFormValue("do")
	if do == "begin" || do == "connect" {
		if p.recent(w, r, owner, "") {
			p.connect(w, r, owner, uid, do)
		}
		return
	}
	change := networkChanges[do]
	if change == nil {
		p.fail(w, r, http.StatusBadRequest, "")
		return
	}
	if err := change(p.Networks, r, uid); err != nil {
		p.networkError(w, r, owner, site.CopyID(r.PostFormValue("post"), uid), err)
		return
	}
	to := p.base.Path + "admin/networks"
	if do == "disconnect" {
		to += "?done=disconnected"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// connect begins to connect an account, or does so with what the owner has typed.
func (p *pages) connect(w http.ResponseWriter, r *http.Request, owner *session, uid, do string) {
	if do == "connect" {
		if err := p.Networks.Connect(r.Context(), owner.Me, uid, r.PostFormValue("secret")); err != nil {
			p.networkError(w, r, owner, site.AccountID(uid), err)
			return
		}
		http.Redirect(w, r, p.base.Path+"admin/networks?done=connected", http.StatusSeeOther)
		return
	}
	to, err := p.Networks.Begin(r.Context(), uid, p.Networks.Back(uid))
	if err != nil {
		p.networkError(w, r, owner, site.AccountID(uid), err)
		return
	}
	// A page leads on and no redirect: browsers count where a form is redirected to.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Refresh", "0; url="+to)
	p.render(w, r, http.StatusOK, "leaving", theme.Leaving{Shell: p.shell(r, owner), To: to})
}

// networkBack is where a network sends the owner back to. The address has a secret in it, so
// nothing is shown there.
func (p *pages) networkBack(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return // looking uses nothing up
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	done := url.Values{"done": {"connected"}}
	owner, err := p.owner(r)
	if err == nil && owner != nil {
		var uid string
		if uid, err = p.Networks.ByID(pathVar(r, "id")); err == nil {
			q := r.URL.Query()
			err = p.Networks.Finish(r.Context(), owner.Me, uid, q.Get("state"), q.Get("code"))
		}
	}
	switch {
	case owner == nil && err == nil, errors.Is(err, site.ErrAnswer):
		done.Set("done", "answer")
	case errors.Is(err, fs.ErrNotExist):
		p.notFound(w, r)
		return
	case errors.Is(err, site.ErrOther):
		done.Set("done", "other")
	case err != nil:
		p.server.log().Warn("an account could not be connected", "site", p.Key, "error", err)
		done.Set("done", "network")
	}
	http.Redirect(w, r, p.base.Path+"admin/networks?"+done.Encode(), http.StatusSeeOther)
}

// networkError says what was wrong, beside what it was wrong with.
func (p *pages) networkError(w http.ResponseWriter, r *http.Request, owner *session, at string, err error) {
	view := theme.Networks{At: at}
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, site.ErrNoCopy):
		view.Error = "address"
	case errors.Is(err, site.ErrUndecidable), errors.Is(err, fs.ErrNotExist), errors.Is(err, site.ErrWay):
		status, view.Error, view.At = http.StatusConflict, "late", ""
	case errors.Is(err, site.ErrSecret):
		view.Error = "secret"
	case site.IsNetworkError(err):
		p.server.log().Warn("a network could not be asked", "site", p.Key, "error", err)
		status, view.Error = http.StatusBadGateway, "network"
	default:
		p.broken(w, r, err)
		return
	}
	p.showNetworks(w, r, status, owner, view)
}
