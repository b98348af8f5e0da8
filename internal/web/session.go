package web

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/web/theme"
)

// session is the owner, signed in with this browser.
type session struct {
	secret string
	me     string
}

// form is the hidden field of the owner's forms: it follows from the session and
// is no use without it. A request needs both, so a cookie alone changes nothing.
func (s *session) form() string { return indieauth.Hash("form " + s.secret) }

// owner is who is signed in, nil for visitors.
func (p *pages) owner(r *http.Request) (*session, error) {
	c, err := r.Cookie(p.cookie("session"))
	if err != nil {
		return nil, nil
	}
	me, err := p.Access.Session(r.Context(), c.Value)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &session{secret: c.Value, me: me}, nil
}

// cookie is the name of a cookie. Cookies know nothing of ports and paths, so
// the name tells sites on one host apart; over https it binds the cookie to the host.
func (p *pages) cookie(name string) string {
	full := "tertulia-" + name + "-" + indieauth.Hash(p.Key)[:8]
	if p.base.Port() != "" {
		full += "-" + p.base.Port()
	}
	if p.base.Scheme == "https" {
		return "__Host-" + full
	}
	return full
}

func (p *pages) setCookie(w http.ResponseWriter, name, value string, expires time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookie(name), Value: value, Path: "/", Expires: expires,
		HttpOnly: true, Secure: p.base.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

func (p *pages) dropCookie(w http.ResponseWriter, name string) {
	p.setCookie(w, name, "", time.Unix(1, 0))
}

// sameOrigin refuses forms that another site posts in the owner's name: by what
// the browser says of their origin, which must be the base's, whatever a front
// server calls us.
func (p *pages) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	host := strings.TrimSuffix(strings.ToLower(p.base.Host), map[string]string{"https": ":443", "http": ":80"}[p.base.Scheme])
	if err := guard.AddTrustedOrigin(p.base.Scheme + "://" + host); err != nil {
		panic("the base of a site was checked with the settings: " + err.Error())
	}
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fail(w, r, http.StatusForbidden, "")
	}))
	return guard.Handler(next)
}

// signedIn is the owner behind a form: session and form field together.
func (p *pages) signedIn(w http.ResponseWriter, r *http.Request) *session {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	owner, err := p.owner(r)
	if err != nil {
		p.broken(w, r, err)
		return nil
	}
	if owner == nil || subtle.ConstantTimeCompare([]byte(r.PostFormValue("form")), []byte(owner.form())) != 1 {
		p.fail(w, r, http.StatusForbidden, "")
		return nil
	}
	return owner
}

// maxReturn is the longest address, in bytes, that fits into a cookie.
const maxReturn = 2900

// askToSignIn says how, and remembers in the browser where it was about to go:
// nothing is kept here for strangers.
func (p *pages) askToSignIn(w http.ResponseWriter, r *http.Request, client string) {
	if to := r.URL.RequestURI(); len(to) <= maxReturn {
		p.setCookie(w, "return", base64.RawURLEncoding.EncodeToString([]byte(to)), time.Now().Add(30*time.Minute))
	} else {
		p.dropCookie(w, "return") // an earlier one would lead astray
	}
	w.Header().Set("WWW-Authenticate", "SignInLink") // RFC 9110 wants one; no browser asks for a password then
	p.render(w, r, http.StatusUnauthorized, "signin", theme.SignIn{Shell: p.shell(r, nil), Client: client})
}

// link shows a one-time sign-in link, to be confirmed: looking at it, as mail
// scanners and previews do, uses nothing up.
func (p *pages) link(w http.ResponseWriter, r *http.Request) {
	until, err := p.Access.Link(r.Context(), pathVar(r, "secret"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.broken(w, r, err)
		return
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	view := theme.SignInLink{Shell: p.shell(r, nil), Action: r.URL.Path, Expired: err != nil, Until: until}
	status := http.StatusOK
	if view.Expired {
		status = http.StatusGone
	}
	p.render(w, r, status, "link", view)
}

// followLink signs in, and goes on to where the browser was held up.
func (p *pages) followLink(w http.ResponseWriter, r *http.Request) {
	secret, expires, err := p.Access.FollowLink(r.Context(), pathVar(r, "secret"))
	if errors.Is(err, fs.ErrNotExist) {
		p.link(w, r)
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.setCookie(w, "session", secret, expires)
	to := p.base.Path + "admin/"
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

// ours tells whether a return path leads below our base and nowhere else: as it
// stands, without a detour that a browser might take differently (HOSTILE 67).
func (p *pages) ours(to string) bool {
	u, err := url.Parse(to)
	return err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(to, p.base.EscapedPath()) && !strings.Contains(to, "\\") &&
		strings.TrimSuffix(path.Clean(u.Path), "/") == strings.TrimSuffix(u.Path, "/")
}

func (p *pages) signOut(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	if err := p.Access.SignOut(r.Context(), owner.secret); err != nil {
		p.broken(w, r, err)
		return
	}
	p.dropCookie(w, "session")
	http.Redirect(w, r, p.Me(), http.StatusSeeOther)
}
