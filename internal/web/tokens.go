package web

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"tertulia/indieauth"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// lives are how long an owner can let somebody in for; 0 is until it is revoked.
var lives = map[string]time.Duration{"revoked": 0, "day": 24 * time.Hour, "month": 30 * 24 * time.Hour, "year": 365 * 24 * time.Hour}

// offered is the order in which they are shown.
func offered() []string { return []string{"revoked", "year", "month", "day"} }

// maxTokenName is the longest name of a token, in runes.
const maxTokenName = 80

// tokens shows who has access.
func (p *pages) tokens(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	p.showTokens(w, r, http.StatusOK, owner, theme.Tokens{})
}

// showTokens shows the page, with what became of what was sent.
func (p *pages) showTokens(w http.ResponseWriter, r *http.Request, status int, owner *session, view theme.Tokens) {
	tokens, err := p.Access.Tokens(r.Context())
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view.Shell, view.Action, view.Lives = p.shell(r, owner), p.base.Path+"admin/tokens", offered()
	if e := p.Elsewhere; e != nil {
		if u, err := url.Parse(e.Token); err == nil {
			view.Elsewhere = u.Host
		}
	}
	if view.Again, err = p.again(r.Context(), owner, "admin/tokens"); err != nil {
		p.broken(w, r, err)
		return
	}
	for _, scope := range site.Scopes() {
		view.Offer = append(view.Offer, theme.Scope{Name: scope})
	}
	for _, t := range tokens {
		one, err := p.tokenView(r.Context(), t)
		if err != nil {
			p.broken(w, r, err)
			return
		}
		view.Tokens = append(view.Tokens, one)
	}
	p.render(w, r, status, "tokens", view)
}

// tokenView is a token as the page shows it: of its hash only what names it.
func (p *pages) tokenView(ctx context.Context, t indieauth.Token) (theme.Token, error) {
	lenient, err := p.Access.Twice(ctx, t)
	one := theme.Token{
		ID: site.TokenID(t), Name: t.Name, Client: t.ClientID, Made: t.Issued, Until: t.Ends(),
		Used: t.LastUsed, From: t.LastFrom, Lenient: lenient,
	}
	for _, scope := range t.Granted() {
		one.Scopes = append(one.Scopes, theme.Scope{Name: scope, Granted: true})
	}
	return one, err
}

// tokenChanges are what the forms of the page do to a token, by their field do.
var tokenChanges = map[string]func(a *site.Access, ctx context.Context, form url.Values) error{
	"narrow": func(a *site.Access, ctx context.Context, form url.Values) error {
		return a.NarrowBy(ctx, form.Get("id"), form["scope"])
	},
	"revoke": func(a *site.Access, ctx context.Context, form url.Values) error {
		return a.RevokeBy(ctx, form.Get("id"))
	},
	"allow": func(a *site.Access, ctx context.Context, form url.Values) error {
		return a.LetTwice(ctx, form.Get("id"), true)
	},
	"forbid": func(a *site.Access, ctx context.Context, form url.Values) error {
		return a.LetTwice(ctx, form.Get("id"), false)
	},
}

// changeTokens does what one of the page's forms says.
func (p *pages) changeTokens(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	if r.PostFormValue("do") == "new" {
		if p.recent(w, r, owner, "") {
			p.newToken(w, r, owner)
		}
		return
	}
	change := tokenChanges[r.PostFormValue("do")]
	if change == nil {
		p.fail(w, r, http.StatusBadRequest, "")
		return
	}
	err := change(p.Access, owner.by(r.Context()), r.PostForm)
	switch {
	case errors.Is(err, site.ErrNotGranted):
		p.showTokens(w, r, http.StatusBadRequest, owner, theme.Tokens{Error: "granted"})
	case err != nil && !errors.Is(err, fs.ErrNotExist): // what is gone was revoked in another window
		p.broken(w, r, err)
	default:
		http.Redirect(w, r, p.base.Path+"admin/tokens", http.StatusSeeOther)
	}
}

// newToken makes a token and shows it, this once: nothing here could show it again.
func (p *pages) newToken(w http.ResponseWriter, r *http.Request, owner *session) {
	life, known := lives[r.PostFormValue("life")]
	scopes := r.PostForm["scope"]
	if !known || slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(site.Scopes(), s) }) {
		p.fail(w, r, http.StatusBadRequest, "")
		return
	}
	if len(scopes) == 0 {
		p.showTokens(w, r, http.StatusBadRequest, owner, theme.Tokens{Error: "choose"})
		return
	}
	secret, err := p.Access.NewTokenFor(owner.by(r.Context()), tokenName(r.PostFormValue("name")), scopes, life)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	p.showTokens(w, r, http.StatusOK, owner, theme.Tokens{Secret: secret})
}

// tokenName makes one short line of what the owner has written.
func tokenName(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, s)
	runes := []rune(strings.Join(strings.Fields(s), " "))
	return string(runes[:min(len(runes), maxTokenName)])
}
