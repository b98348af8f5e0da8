package web

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"golang.org/x/net/idna"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// Handler is every URL of the program.
func (s *Server) Handler() http.Handler {
	s.run, s.traffic = rand.Text(), newTraffic()
	s.answers.forget()
	router := mux.NewRouter().SkipClean(true)
	router.HandleFunc("/healthz", s.healthz)
	// To all others the address is one of the site's.
	router.Path("/metrics").MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return s.within(r, s.Watchers) }).HandlerFunc(s.numbers)
	var areas []area
	for _, one := range s.Sites {
		base, err := url.Parse(one.Base)
		if err != nil {
			panic("the base of a site was checked with the settings: " + err.Error())
		}
		p := &pages{Site: one, base: base, server: s, theme: theme.In(one.Words...), composer: &onces{}}
		p.sheet = p.sheetLink()
		one.IndieAuth.Consent, one.IndieAuth.ErrorPage = p, p.refuse
		areas = append(areas, newArea(base, p.endpoints()), newArea(wellKnown(base), p.metadata()))
		if len(s.Sites) == 1 {
			router.NotFoundHandler = s.traffic[otherRoutes].measure(http.HandlerFunc(p.notFound))
		}
		for _, home := range append([]*url.URL{one.URL}, one.Aliases...) {
			switch {
			case one.Upstream != nil:
				areas = append(areas, newArea(home, s.traffic[sitePages].measure(p.proxy(home))))
			case one.Root != "":
				areas = append(areas, newArea(home, s.traffic[sitePages].measure(p.static(home))))
			}
		}
	}
	// The deeper area wins: a site's endpoints over its pages, /blog/ over /.
	slices.SortStableFunc(areas, func(a, b area) int { return cmp.Compare(len(b.at.Path), len(a.at.Path)) })
	for _, a := range areas {
		router.MatcherFunc(a.named).Handler(a.handler)
	}
	if len(s.Sites) == 1 {
		// With one site the host decides nothing: a front server may hand on another.
		for _, a := range areas {
			router.MatcherFunc(a.contains).Handler(a.handler)
		}
	}
	return secure(router)
}

// endpoints are the URLs below a site's base.
func (p *pages) endpoints() http.Handler {
	r := mux.NewRouter().SkipClean(true)
	all := func(path string, h http.Handler) { r.Handle(p.base.Path+path, p.server.traffic.measured(path, h)) }

	// The protocols.
	all("webmention", p.receiver())
	all("webmention/{id}", p.only(p.status, nil))
	all("micropub", heard(p.Micropub))
	all("media", heard(p.Micropub.Media()))
	all("media/{name}", p.upload(http.StripPrefix(p.base.Path+"media/", p.Files)))
	if p.Pictures != nil {
		all("picture/{name}", http.StripPrefix(p.base.Path+"picture/", p.Pictures))
	}
	all("auth", http.HandlerFunc(p.authorization))
	all("token", http.HandlerFunc(p.IndieAuth.Token))
	all("introspect", http.HandlerFunc(p.IndieAuth.Introspection))
	all("revoke", http.HandlerFunc(p.IndieAuth.Revocation))
	all("userinfo", http.HandlerFunc(p.IndieAuth.Userinfo))
	all("metadata", http.HandlerFunc(p.IndieAuth.Metadata))

	all("built", http.HandlerFunc(p.built))
	all("built/{secret}", http.HandlerFunc(p.built))

	// For readers.
	all("conversation", p.open(p.kept(p.conversation)))
	all("privacy", p.only(p.privacy, nil))
	for path, answer := range p.apiRoutes() {
		all("api/"+path, p.open(answer))
	}
	css, _ := theme.Stylesheet()
	all("style.css", p.open(newAsset("text/css", css).serve))
	all("conversation.css", p.open(newAsset("text/css", theme.ConversationStyle()).serve))
	all("widget.js", p.open(newAsset("text/javascript", theme.Widget(p.Base)).serve))
	all("count.js", p.open(newAsset("text/javascript", theme.Counter(p.Base)).serve))
	all("counts", p.open(p.counts))
	if p.takesComments() {
		all("comment", p.visitors(p.commentForm, p.leaveComment))
		all("comment/sent", p.visitors(p.commentSent, nil))
	}
	if p.Comments != nil {
		all("comment/client", p.visitors(p.visitorClient, nil))
		all("comment/back", p.visitors(p.visitorBack, nil))
		all("comment/as/{secret}", p.visitors(p.confirming, p.confirm))
		all("comment/{id}", p.visitors(p.comment, p.takeBack))
	}

	p.forOwner(all)
	for _, path := range []string{p.base.Path, strings.TrimSuffix(p.base.Path, "/"), p.base.Path + "admin"} {
		if path != "" {
			r.Handle(path, p.only(p.toAdmin, nil))
		}
	}
	r.NotFoundHandler = p.server.traffic[otherRoutes].measure(http.HandlerFunc(p.notFound))
	r.Use(p.tellingSender)
	return r
}

// forOwner are the URLs for whoever looks after the site: ways in, and pages.
func (p *pages) forOwner(all func(path string, h http.Handler)) {
	all("link/{secret}", p.only(p.link, p.followLink))
	all("signin", p.only(p.signIn, p.trySignIn))
	all("signin/site", p.only(nil, p.askTheirServer))
	all("signin/at/{provider}", p.only(nil, p.askProvider))
	all("signin/back", p.only(p.comeBack, nil))
	all("signin/back/{provider}", p.only(p.comeBack, nil))
	all("client", p.only(p.client, nil))
	for name, js := range theme.Scripts() {
		all(name, p.only(newAsset("text/javascript", js).serve, nil))
	}
	all("auth/decide", p.only(nil, p.decideConsent))
	all("signout", p.only(nil, p.signOut))
	all("feed/{secret}", p.only(p.privateFeed, nil))

	// What is said here.
	all("admin/", p.only(p.admin, nil))
	all("admin/decide", p.only(nil, p.decideMention))
	all("admin/quarantine", p.only(p.quarantine, nil))
	all("admin/group", p.only(p.group, nil))
	all("admin/decided", p.only(p.keptMentions, nil))
	all("admin/decisions", p.only(p.decisions, nil))
	all("admin/mention", p.only(p.mentioned, nil))
	all("admin/people", p.only(p.people, nil))
	all("admin/person", p.only(p.person, nil))
	all("admin/person/export", p.only(p.exportPerson, nil))
	all("admin/person/erase", p.only(p.confirmErase, p.erasePerson))
	all("admin/unanswered", p.only(p.unanswered, p.setAside))
	all("admin/answer/{id}", p.only(p.answering, p.giveAnswer))

	// What the owner says.
	all("admin/posts", p.only(p.posts, nil))
	all("admin/post", p.only(p.post, p.changePost))
	all("admin/compose", p.only(p.compose, p.sendComposed))
	all("admin/share", p.only(p.share, p.takeShared))
	all("manifest.webmanifest", p.only(p.manifest, nil))
	for name, icon := range theme.Icons() {
		all(name, p.only(asset{icon.Type, icon.Data, newAsset("", icon.Data).hash}.serve, nil))
	}

	// The service.
	all("admin/notices", p.only(p.notices, p.changeNotices))
	all("admin/hooks", p.only(nil, p.changeHooks))
	all("admin/hooks/{hook}/{id}", p.only(p.delivery, nil))
	all("admin/sessions", p.only(p.sessions, p.changeSessions))
	all("admin/tokens", p.only(p.tokens, p.changeTokens))
	all("admin/jobs", p.only(p.showJobs, p.changeJobs))
	all("admin/settings", p.only(p.showSettings, nil))
	if p.Welcome != nil {
		all("admin/welcome", p.only(p.welcome, p.changeWelcome))
		all("trial/{id}", p.only(p.trial, nil))
	}
	if p.Networks != nil {
		all("admin/networks", p.only(p.networks, p.changeNetworks))
		all("admin/networks/back/{id}", p.only(p.networkBack, nil))
	}
}

// tellingSender lets those who look at tokens know where a request comes from.
func (p *pages) tellingSender(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(site.WithSender(r.Context(), p.server.sender(r))))
	})
}

func (p *pages) notFound(w http.ResponseWriter, r *http.Request) {
	p.fail(w, r, http.StatusNotFound, "")
}

// only answers GET and HEAD with get and POST, when our own pages ask, with post;
// one of them may be nil. Other methods are told what there is.
func (p *pages) only(get, post http.HandlerFunc) http.Handler {
	allowed := map[[2]bool]string{{true, false}: "GET, HEAD", {false, true}: "POST", {true, true}: "GET, HEAD, POST"}[[2]bool{get != nil, post != nil}]
	form := p.sameOrigin(post)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case get != nil && reads(r):
			get(w, r)
		case post != nil && r.Method == http.MethodPost:
			form.ServeHTTP(w, r)
		default:
			w.Header().Set("Allow", allowed)
			p.fail(w, r, http.StatusMethodNotAllowed, "")
		}
	})
}

// open is what scripts of any origin may read: no cookie changes its answers but
// for their language.
func (p *pages) open(get http.HandlerFunc) http.Handler {
	answer := p.only(get, nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			preflight(w)
			return
		}
		answer.ServeHTTP(w, r)
	})
}

// preflight answers a browser that asks for a script of another origin (SPECS CL-31).
func preflight(w http.ResponseWriter, more ...string) {
	methods := readsAnd(more)
	h := w.Header()
	h.Set("Allow", methods)
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// readsAnd lists the methods that pages for scripts of any origin take.
func readsAnd(more []string) string {
	return strings.Join(append([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, more...), ", ")
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// area is a host and the path there below which one handler answers.
type area struct {
	at      *url.URL // with a slash at its end
	host    string   // of it, as hostPort spells it
	handler http.Handler
}

func newArea(at *url.URL, h http.Handler) area { return area{at, hostPort(at), h} }

// named matches requests for the area by its name.
func (a area) named(r *http.Request, m *mux.RouteMatch) bool {
	return hostPort(&url.URL{Host: r.Host}) == a.host && a.contains(r, m)
}

// contains matches requests for the area's path, whatever the host is called.
// A path is whole segments: example.com is not the beginning of example.com.ar.
func (a area) contains(r *http.Request, _ *mux.RouteMatch) bool {
	return strings.HasPrefix(r.URL.Path, a.at.Path) || r.URL.Path+"/" == a.at.Path
}

// hostPort is a host as addresses are compared: in the letters of the DNS, without
// the dot at its end and the ports that go without saying.
func hostPort(u *url.URL) string {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if strings.IndexFunc(host, func(r rune) bool { return r >= 0x80 }) >= 0 {
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			host = ascii
		}
	}
	if port := u.Port(); port != "" && port != "80" && port != "443" {
		host += ":" + port
	}
	return host
}

// wellKnown is where the metadata of the issuer at base are looked for first (RFC
// 8414, section 3).
func wellKnown(base *url.URL) *url.URL {
	at := *base
	at.Path = "/.well-known/oauth-authorization-server" + base.Path
	return &at
}

func (p *pages) metadata() http.Handler {
	at := wellKnown(p.base).Path
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.TrimSuffix(r.URL.Path, "/") != strings.TrimSuffix(at, "/") {
			p.notFound(w, r)
			return
		}
		p.IndieAuth.Metadata(w, r)
	})
}

// How long the body of a request may take to come: nobody holds a connection by
// dripping, and uploads over a slow line come to their end.
const (
	formTime   = 15 * time.Second
	uploadTime = 10 * time.Minute
)

// secure adds what every answer carries, and bounds how long a request may take.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method == http.MethodPost {
			bound := formTime
			if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
				bound = uploadTime
			}
			// A connection without deadlines, as in a test, goes without.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bound))
		}
		next.ServeHTTP(w, r)
	})
}
