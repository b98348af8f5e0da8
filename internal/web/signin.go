package web

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// maxReturn is the longest address, in bytes, that fits into a cookie.
const maxReturn = 2900

// askToSignIn says how, and remembers in the browser where it was about to go:
// nothing is kept here for strangers.
func (p *pages) askToSignIn(w http.ResponseWriter, r *http.Request, client string) {
	p.rememberWay(w, r.URL.RequestURI())
	p.showSignIn(w, r, http.StatusUnauthorized, theme.SignIn{Client: client})
}

// rememberWay has the browser remember where it goes once somebody has signed in.
func (p *pages) rememberWay(w http.ResponseWriter, to string) {
	if len(to) <= maxReturn {
		p.setCookie(w, "return", base64.RawURLEncoding.EncodeToString([]byte(to)), time.Now().Add(30*time.Minute))
	} else {
		p.dropCookie(w, "return") // an earlier one would lead astray
	}
}

// showSignIn shows the ways to sign in that there are.
func (p *pages) showSignIn(w http.ResponseWriter, r *http.Request, status int, view theme.SignIn) {
	has, err := p.Access.HasPassphrase(r.Context(), "")
	if err != nil {
		p.broken(w, r, err)
		return
	}
	if view.Passkey, err = p.Access.PasskeyOptions(r.Context()); err != nil {
		p.broken(w, r, err)
		return
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "SignInLink") // RFC 9110 wants one; no browser asks for a password then
	}
	view.Shell, view.Action, view.Passphrase = p.shell(r, nil), p.base.Path+"signin", has
	if p.Access.Vouches() {
		view.Site = p.base.Path + "signin/site"
	}
	for _, one := range p.Access.Providers {
		view.Providers = append(view.Providers, theme.Link{Name: one.Name, URL: p.base.Path + "signin/at/" + one.ID})
	}
	if view.Passkey != "" {
		view.Script = p.script("signin")
	}
	if view.Several = len(p.Keepers) > 0; !view.Several {
		view.Me = p.Me()
	}
	p.render(w, r, status, "signin", view)
}

// waysBack are the pages below the base to which the address of the sign-in page can lead back.
var waysBack = []string{"admin/sessions", "admin/tokens"}

// signIn shows how, at an address of its own.
func (p *pages) signIn(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	again := slices.Contains(waysBack, to)
	if again {
		p.rememberWay(w, p.base.Path+to)
	}
	p.showSignIn(w, r, http.StatusOK, theme.SignIn{Unvouched: r.URL.Query().Get("unvouched"), Again: again})
}

// trySignIn takes a passphrase, or what a passkey has signed.
func (p *pages) trySignIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	me, wrong := r.PostFormValue("me"), "wrong"
	var pass site.Pass
	var err error
	if credential := r.PostFormValue("credential"); credential != "" {
		wrong = "passkey"
		pass, err = p.Access.TryPasskey(r.Context(), credential, p.arrival(r))
	} else {
		pass, err = p.Access.TryPassphrase(r.Context(), me, r.PostFormValue("passphrase"), p.arrival(r))
	}
	var many *site.TooMany
	switch {
	case errors.As(err, &many):
		w.Header().Set("Retry-After", strconv.Itoa(int(many.After.Seconds())+1))
		p.showSignIn(w, r, http.StatusTooManyRequests, theme.SignIn{Me: me, Error: "many"})
	case errors.Is(err, site.ErrWrong):
		p.server.log().Warn("sign-in refused", "site", p.Key, "from", site.Network(p.server.sender(r)))
		p.showSignIn(w, r, http.StatusUnauthorized, theme.SignIn{Me: me, Error: wrong})
	case err != nil:
		p.broken(w, r, err)
	default:
		p.admit(w, r, pass)
	}
}

// link shows a one-time sign-in link, to be confirmed: looking at it, as mail
// scanners and previews do, uses nothing up.
func (p *pages) link(w http.ResponseWriter, r *http.Request) {
	keeper, until, err := p.Access.Link(r.Context(), pathVar(r, "secret"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.broken(w, r, err)
		return
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	view := theme.SignInLink{Shell: p.shell(r, nil), Action: r.URL.Path, Expired: err != nil, Until: until}
	if len(p.Keepers) > 0 && err == nil {
		view.Person = keeper.Called()
	}
	status := http.StatusOK
	if view.Expired {
		status = http.StatusGone
	}
	p.render(w, r, status, "link", view)
}

// followLink signs in, and goes on to where the browser was held up.
func (p *pages) followLink(w http.ResponseWriter, r *http.Request) {
	pass, err := p.Access.FollowLink(r.Context(), pathVar(r, "secret"), p.arrival(r))
	if errors.Is(err, fs.ErrNotExist) {
		p.link(w, r)
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.admit(w, r, pass)
}

// arrival is what a browser brings that wants to sign in.
func (p *pages) arrival(r *http.Request) site.Arrival {
	return site.Arrival{Visit: p.visit(r), Session: p.cookieValue(r, "session"), Device: p.cookieValue(r, "device")}
}

// admit gives a browser its cookies, and lets it go on to where it was held up.
func (p *pages) admit(w http.ResponseWriter, r *http.Request, pass site.Pass) {
	p.server.log().Info("signed in", "site", p.Key, "me", pass.Keeper.Me, "from", site.Network(p.server.sender(r)))
	p.setCookie(w, "session", pass.Session, pass.Expires)
	p.setCookie(w, "device", pass.Device, pass.DeviceExpires)
	to := p.led(r.Context(), pass.Keeper)
	if c, err := r.Cookie(p.cookie("return")); err == nil {
		p.dropCookie(w, "return")
		if back, err := base64.RawURLEncoding.DecodeString(c.Value); err == nil && p.ours(string(back)) {
			to = string(back)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusSeeOther)
}
