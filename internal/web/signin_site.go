package web

import (
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// askTheirServer begins a sign-in at the server that somebody's own page names. A page
// leads on and no redirect, because browsers count where a form is redirected to as its
// destination, and our forms go to ourselves only.
func (p *pages) askTheirServer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	typed := r.PostFormValue("site")
	to, secret, err := p.Access.AskTheirServer(r.Context(), typed, p.arrival(r))
	if err != nil {
		p.unvouched(w, r, err, func(status int, why string) {
			p.showSignIn(w, r, status, theme.SignIn{Typed: typed, Unvouched: why})
		})
		return
	}
	p.leave(w, r, to, secret, typed)
}

// askProvider begins a sign-in with an account of a network.
func (p *pages) askProvider(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	to, secret, err := p.Access.AskProvider(r.Context(), pathVar(r, "provider"), p.arrival(r))
	if errors.Is(err, fs.ErrNotExist) {
		p.notFound(w, r)
		return
	}
	if err != nil {
		p.unvouched(w, r, err, func(status int, why string) {
			p.showSignIn(w, r, status, theme.SignIn{Unvouched: why})
		})
		return
	}
	p.leave(w, r, to, secret, "")
}

// leave sends a browser to another server, with the secret that it comes back with.
func (p *pages) leave(w http.ResponseWriter, r *http.Request, to *url.URL, secret, me string) {
	p.setCookie(w, "away", secret, time.Now().Add(site.AwayLife))
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Refresh", "0; url="+to.String())
	p.render(w, r, http.StatusOK, "leaving", theme.Leaving{Shell: p.shell(r, nil), Me: me, To: to.String()})
}

// comeBack is where browsers return to from other servers. What it is called with is
// secret, so no page is shown at this address.
func (p *pages) comeBack(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return // looking uses nothing up
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	secret := p.cookieValue(r, "away")
	p.dropCookie(w, "away")
	at := *p.base
	at.Path, at.RawPath = r.URL.Path, r.URL.RawPath
	pass, err := p.Access.ComeBack(r.Context(), secret, at.String(), r.URL.Query(), p.arrival(r))
	if err != nil {
		p.unvouched(w, r, err, func(_ int, why string) {
			http.Redirect(w, r, p.base.Path+"signin?unvouched="+why, http.StatusSeeOther)
		})
		return
	}
	p.admit(w, r, pass)
}

// unvouched tells why nobody is signed in, with show, in a word that the page has a
// sentence for.
func (p *pages) unvouched(w http.ResponseWriter, r *http.Request, err error, show func(status int, why string)) {
	var many *site.TooMany
	var why *site.Unvouched
	switch {
	case errors.As(err, &many):
		w.Header().Set("Retry-After", strconv.Itoa(int(many.After.Seconds())+1))
		show(http.StatusTooManyRequests, "many")
	case errors.As(err, &why):
		p.server.log().Warn("sign-in refused", "site", p.Key, "from", site.Network(p.server.sender(r)), "why", why.Why, "reason", why.Err)
		show(http.StatusBadRequest, why.Why)
	default:
		p.broken(w, r, err)
	}
}

// client is what other servers find at our client_id: JSON, or for older ones, and for
// people, a page with an h-app. Both name where browsers come back to.
func (p *pages) client(w http.ResponseWriter, r *http.Request) {
	p.showClient(w, r, p.Access.Client, false)
}

// visitorClient is the same for those who reply.
func (p *pages) visitorClient(w http.ResponseWriter, r *http.Request) {
	p.showClient(w, r, p.Comments.Client, true)
}

func (p *pages) showClient(w http.ResponseWriter, r *http.Request, c *indieauth.Client, visitors bool) {
	if c == nil {
		p.notFound(w, r)
		return
	}
	w.Header().Add("Vary", "Accept")
	w.Header().Set("Link", "<"+c.RedirectURI+`>; rel="redirect_uri"`)
	if !wantsPage(r.Header.Get("Accept")) {
		c.Document(w, r)
		return
	}
	p.render(w, r, http.StatusOK, "client", theme.Client{Shell: p.shell(r, nil), ID: c.ID, Redirect: c.RedirectURI, Name: c.Name, Visitors: visitors})
}

// wantsPage tells whether an Accept header asks for HTML rather than JSON. Who does not
// say gets JSON.
func wantsPage(accept string) bool {
	wishes := map[string]float64{}
	for one := range strings.SplitSeq(accept, ",") {
		media, params, err := mime.ParseMediaType(one)
		if err != nil {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		if err != nil {
			q = 1
		}
		wishes[media] = q
	}
	return wishes["text/html"] > wishes["application/json"]
}
