package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"
)

// Handler is every URL of the program.
func (s *Server) Handler() http.Handler {
	router := mux.NewRouter().SkipClean(true)
	router.HandleFunc("/healthz", s.healthz)
	for _, one := range s.Sites {
		base, err := url.Parse(one.Base)
		if err != nil {
			panic("the base of a site was checked with the settings: " + err.Error())
		}
		p := &pages{Site: one, base: base, server: s}
		one.IndieAuth.Consent, one.IndieAuth.ErrorPage = p, p.fail
		p.endpoints(router.MatcherFunc(s.at(base)).PathPrefix(strings.TrimSuffix(base.Path, "/")).Subrouter())
		if one.Root != "" {
			home := router.MatcherFunc(s.at(one.URL)).Subrouter()
			home.HandleFunc("/.well-known/oauth-authorization-server"+strings.TrimSuffix(base.Path, "/"), one.IndieAuth.Metadata)
			home.HandleFunc("/.well-known/oauth-authorization-server"+base.Path, one.IndieAuth.Metadata)
			home.PathPrefix(one.URL.Path).HandlerFunc(p.static)
		}
	}
	return secure(router)
}

// endpoints are the URLs below a site's base.
func (p *pages) endpoints(r *mux.Router) {
	get := func(path string, h http.HandlerFunc) { r.HandleFunc("/"+path, h).Methods("GET", "HEAD") }
	form := func(path string, h http.HandlerFunc) {
		r.Handle("/"+path, p.sameOrigin(h)).Methods("POST")
	}
	all := func(path string, h http.Handler) { r.Handle("/"+path, h) }

	// The protocols.
	all("webmention", p.receiver())
	get("webmention/{id}", p.status)
	all("micropub", p.Micropub)
	all("media", p.Micropub.Media())
	all("media/{name}", http.StripPrefix(p.base.Path+"media/", p.Files))
	all("auth", http.HandlerFunc(p.IndieAuth.Authorization))
	all("token", http.HandlerFunc(p.IndieAuth.Token))
	all("introspect", http.HandlerFunc(p.IndieAuth.Introspection))
	all("revoke", http.HandlerFunc(p.IndieAuth.Revocation))
	all("userinfo", http.HandlerFunc(p.IndieAuth.Userinfo))
	all("metadata", http.HandlerFunc(p.IndieAuth.Metadata))

	// For readers.
	get("conversation", p.conversation)
	get("api/mentions.jf2", p.jf2)
	get("api/mentions", p.jf2)
	get("api/count", p.count)
	get("api/count.json", p.count)
	get("style.css", p.style)

	// For the owner.
	get("link/{secret}", p.link)
	form("link/{secret}", p.followLink)
	form("auth/decide", p.decideConsent)
	form("signout", p.signOut)
	get("admin/", p.admin)
	form("admin/decide", p.decideMention)
	get("", p.baseRoot)
	r.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, http.StatusNotFound, "") })
	r.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, http.StatusMethodNotAllowed, "") })
}

// at matches requests to a host. When there is one site the name does not matter:
// a front server may hand on another.
func (s *Server) at(u *url.URL) mux.MatcherFunc {
	return func(r *http.Request, _ *mux.RouteMatch) bool {
		return len(s.Sites) == 1 || strings.EqualFold(r.Host, u.Host)
	}
}

// secure adds what every answer carries.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	if s.Ready != nil {
		if err := s.Ready(r.Context()); err != nil {
			s.log().Error("not ready", "error", err)
			http.Error(w, "the data cannot be read", http.StatusServiceUnavailable)
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // the asker may have gone
}
