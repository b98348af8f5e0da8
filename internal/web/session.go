package web

import (
	"context"
	"crypto/subtle"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"tertulia/indieauth"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// session is somebody who looks after the site, signed in with this browser.
type session struct {
	secret string
	site.Keeper
}

// form is the hidden field of the forms: it follows from the session and is no use
// without it. A request needs both, so a cookie alone changes nothing.
func (s *session) form() string { return indieauth.Hash("form " + s.secret) }

// by is a context in which what is changed is this person's doing.
func (s *session) by(ctx context.Context) context.Context { return site.By(ctx, s.Me) }

// recent tells whether somebody may change what lets people in: if their sign-in was too long
// ago they are asked to sign in again, and come back to the page that the form stands on.
func (p *pages) recent(w http.ResponseWriter, r *http.Request, s *session, client string) bool {
	recent, err := p.Access.Recent(r.Context(), s.secret)
	if err != nil {
		p.broken(w, r, err)
		return false
	}
	if !recent {
		p.rememberWay(w, r.URL.RequestURI())
		p.showSignIn(w, r, http.StatusUnauthorized, theme.SignIn{Client: client, Again: true})
	}
	return recent
}

// again is where somebody signs in again to come back to a page; "" when they need not.
func (p *pages) again(ctx context.Context, s *session, page string) (string, error) {
	recent, err := p.Access.Recent(ctx, s.secret)
	if err != nil || recent {
		return "", err
	}
	return p.base.Path + "signin?to=" + url.QueryEscape(page), nil
}

// moderators are the routes below the base that are a moderator's too. Every other that
// knows a session is for owners: who adds one need not think of it.
var moderators = []string{
	"admin/", "admin/quarantine", "admin/group", "admin/decided", "admin/decisions", "admin/mention", "admin/people", "admin/person", "admin/decide",
	"admin/unanswered", "admin/notices", "admin/sessions", "signout",
}

// errRole is what a route says to somebody who is signed in and may not use it.
var errRole = errors.New("this is for owners of the site")

// least is the role that the route of a request asks for.
func (p *pages) least(r *http.Request) site.Role {
	if route := mux.CurrentRoute(r); route != nil {
		if path, err := route.GetPathTemplate(); err == nil && slices.Contains(moderators, strings.TrimPrefix(path, p.base.Path)) {
			return site.Moderator
		}
	}
	return site.Owner
}

// owner is who is signed in, nil for visitors; the error is errRole when their role is not enough.
func (p *pages) owner(r *http.Request) (*session, error) {
	secret := p.cookieValue(r, "session")
	if secret == "" {
		return nil, nil
	}
	keeper, err := p.Access.Session(r.Context(), secret, p.visit(r))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !keeper.Role.May(p.least(r)) {
		return nil, errRole
	}
	return &session{secret, keeper}, nil
}

// visit is where a request comes from.
func (p *pages) visit(r *http.Request) site.Visit {
	return site.Visit{From: p.server.sender(r), Agent: r.UserAgent()}
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

// cookieValue is what a cookie holds, "" when there is none.
func (p *pages) cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(p.cookie(name))
	if err != nil {
		return ""
	}
	return c.Value
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

// awaited is who is signed in and opens a page, nil when they were asked to sign in first, or
// told why not: for the client that wants something of them, "" for none.
func (p *pages) awaited(w http.ResponseWriter, r *http.Request, client string) *session {
	owner, err := p.owner(r)
	if err != nil {
		p.broken(w, r, err)
		return nil
	}
	if owner == nil {
		p.askToSignIn(w, r, client)
	}
	return owner
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
	to := p.Me()
	if p.URL.Scheme != p.base.Scheme || p.URL.Host != p.base.Host {
		to = p.Endpoint("signin") // our forms go to ourselves only, and browsers count redirects
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
