// Package web is the only router: routes.go is every URL of the program.
//
//	handler := (&web.Server{Sites: sites, Log: log}).Handler()
//	err := http.Serve(listener, handler)
//
// It turns what site knows into pages (theme), feeds and redirects, keeps the
// owner's session in a cookie, and lets no other site act in the owner's name. The
// protocols themselves are answered by their libraries.
package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/lang"
	"tertulia/internal/metrics"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
	"tertulia/micropub"
	"tertulia/webmention"
)

// Site is one site with the parts that answer for it.
type Site struct {
	*site.Site
	Conversation *site.Conversation
	Mentions     *site.Mentions
	Posts        *site.Posts
	Answering    *site.Answering
	Outgoing     *site.Outgoing
	Comments     *site.Comments // nil: there are none
	Access       *site.Access
	Pages        *site.Pages
	Networks     *site.Networks
	Erasing      *site.Erasing
	Work         *site.Work
	Welcome      *site.Welcome         // nil: nobody is led
	Settings     func() theme.Settings // File and Groups: what is in force for this site
	Notices      *site.Notices
	Inbox        *site.Inbox
	People       *site.People
	Micropub     *micropub.Handler
	IndieAuth    *indieauth.Server // its Consent and ErrorPage are set by Handler
	Files        http.Handler      // serves uploaded files by name
	// Logo keeps a copy of a client's logo among Pictures, and tells its name; nil: none is shown.
	Logo     func(ctx context.Context, address string) (name string, err error)
	Pictures http.Handler // serves the pictures of authors by name; nil: there are none

	// Where this service stands in front of the site: Upstream is the server that has its
	// pages, nil where they are files below Root or not ours to serve; At is where in a page
	// its conversation goes, besides <tertulia-conversation>.
	Upstream *Upstream
	At       Selector
}

// Server answers HTTP for all sites of the service.
type Server struct {
	Sites   []*Site
	Proxies []netip.Prefix // whose X-Forwarded-For counts
	Probes  []Probe        // what must be well for the service to be ready
	Log     *slog.Logger

	// Numbers adds what the service counts to a page for Prometheus, which those in the
	// networks of Watchers may read; nil: only what is known here.
	Numbers  func(context.Context, *metrics.Page) error
	Watchers []netip.Prefix

	answers answers
	exports spacing
	traffic traffic
	run     string // another in each run: settings and program may be others than in the one before
}

// pages are the handlers of one site.
type pages struct {
	*Site
	base   *url.URL
	server *Server
	theme  *theme.Set
	sheet  string // what pages that are filled in and have no stylesheet for it get

	composer *onces
}

func (s *Server) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.New(slog.DiscardHandler)
}

// receiver is the site's Webmention endpoint with our pages for people.
func (p *pages) receiver() *webmention.Receiver {
	return &webmention.Receiver{Inbox: p.Mentions, From: p.server.sender, Page: p.webmentionPage, Log: p.server.log()}
}

// sender is the address of who sends: the peer's, or what a trusted proxy says.
// The rightmost address that is no proxy of ours counts (HOSTILE 88).
func (s *Server) sender(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	from := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(from); i-- {
		addr, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		from = addr.Unmap()
	}
	return from
}

func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// policy is for the service's own pages: no script but their own, nothing from elsewhere, no
// framing.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'"

// policyOf is the policy for a page: the composer's shows pictures that are not uploaded yet.
func policyOf(page string) string {
	if page == "compose" {
		return strings.Replace(policy, "img-src 'self'", "img-src 'self' blob:", 1)
	}
	return policy
}

// render answers with a page of the service.
func (p *pages) render(w http.ResponseWriter, r *http.Request, status int, page string, view any) {
	var b bytes.Buffer
	if err := p.theme.Render(&b, page, p.language(r), view); err != nil {
		p.server.log().Error("page cannot be rendered", "page", page, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policyOf(page)+formAction(page)+p.allowScript(page))
	if h.Get("Referrer-Policy") == "" {
		h.Set("Referrer-Policy", "same-origin")
	}
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	if h.Get("Cache-Control") == "no-store" {
		p.keepLanguage(w, r)
	}
	h.Add("Vary", "Accept-Language, Cookie")
	send(w, r, status, "text/html; charset=utf-8", b.Bytes())
}

// formAction lets forms go to ourselves only. The answer of a consent goes on to
// the client, and from there wherever it likes, to an app's own scheme for instance;
// browsers count all of that as the form's destination, and no list can name it.
func formAction(page string) string {
	if page == "consent" {
		return ""
	}
	return "; form-action 'self'"
}

// send answers with a body that is complete. What a cache may keep has a validator,
// which changes with every byte.
func send(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	if status == http.StatusOK && !strings.HasPrefix(h.Get("Cache-Control"), "no-store") {
		h.Set("ETag", validator(body))
		whole(w, r, body)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the reader may have gone
}

// language is the reader's choice, else what the browser asks for, else the site's.
func (p *pages) language(r *http.Request) lang.Lang {
	if strings.Contains(r.URL.RawQuery, "lang=") {
		if tag := r.URL.Query().Get("lang"); tag == "es" || tag == "en" {
			return p.Speaks(tag)
		}
	}
	if c, err := r.Cookie(p.cookie("lang")); err == nil && (c.Value == "es" || c.Value == "en") {
		return p.Speaks(c.Value)
	}
	if accept := r.Header.Get("Accept-Language"); accept != "" {
		return p.Speaks(lang.Match(accept).Tag())
	}
	return p.Speaks(p.Language)
}

// keepLanguage remembers a choice made with ?lang=.
func (p *pages) keepLanguage(w http.ResponseWriter, r *http.Request) {
	if tag := r.URL.Query().Get("lang"); reads(r) && (tag == "es" || tag == "en") {
		p.setCookie(w, "lang", tag, time.Now().AddDate(1, 0, 0))
	}
}

// shell is what surrounds a page.
func (p *pages) shell(r *http.Request, owner *session) theme.Shell {
	_, hash := theme.Stylesheet()
	s := theme.Shell{
		Site:      theme.Link{Name: p.Name, URL: p.Me()},
		Style:     p.base.Path + "style.css?v=" + hash,
		Languages: map[string]string{},
	}
	if reads(r) {
		for _, tag := range []string{"es", "en"} {
			q := r.URL.Query()
			q.Set("lang", tag)
			s.Languages[tag] = "?" + q.Encode() // a path of //host would lead there
		}
	}
	if owner != nil {
		s.Nav, s.Service = p.nav(r, owner, daily), p.nav(r, owner, service)
		s.App = p.base.Path
		s.SignOut = p.base.Path + "signout"
		s.Hidden = []theme.Field{{Name: "form", Value: owner.form()}}
	}
	return s
}

// fail answers with an error page. The detail is in the reader's language.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, status int, detail string) {
	w.Header().Set("Cache-Control", "no-store")
	p.render(w, r, status, "error", theme.Error{Shell: p.shell(r, nil), Status: status, Detail: detail, Home: p.Me()})
}

// refuse is fail with a detail in English: what an authorization request lacks is
// for those who wrote the client.
// The application reads of it where back leads, if the visitor goes there.
func (p *pages) refuse(w http.ResponseWriter, r *http.Request, status int, detail, back string) {
	p.render(w, r, status, "error", theme.Error{Shell: p.shell(r, nil), Status: status, Detail: detail, DetailLang: "en", Home: p.Me(), Back: back})
}

// broken answers 500 and writes the cause where the owner sees it; 403 where a role is
// not enough.
func (p *pages) broken(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errRole) {
		p.fail(w, r, http.StatusForbidden, p.language(r).T("error.role"))
		return
	}
	p.logFailure(r, err)
	var later interface{ RetryAfter() time.Duration }
	if errors.As(err, &later) { // no room, or no disk: it may fare better then
		w.Header().Set("Retry-After", strconv.Itoa(int(later.RetryAfter().Seconds())))
		p.fail(w, r, http.StatusServiceUnavailable, "")
		return
	}
	p.fail(w, r, http.StatusInternalServerError, "")
}

// logFailure writes the cause down, and of the path no secret: routes call it by that name.
func (p *pages) logFailure(r *http.Request, err error) {
	path := r.URL.Path
	if secret := pathVar(r, "secret"); secret != "" {
		path = strings.ReplaceAll(path, secret, "…")
	}
	if r.Context().Err() == nil {
		p.server.log().Error("request failed", "path", path, "error", err)
	}
}
