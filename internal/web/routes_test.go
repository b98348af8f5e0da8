package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every address answers the methods that it has, tells the others what it has, and
// says so on a page of ours. HEAD gives what GET gives, without the body.
func TestRoutesAnswerTheirMethods(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.write("notes.txt", "hola")
		b := w.owner()
		status := w.mentionOf(post)
		base := w.ana().Base
		for _, route := range []struct {
			path, allow string
			get         int // status of a GET; 0: there is none
		}{
			{"", "GET, HEAD", 302}, {"admin", "GET, HEAD", 302}, {"admin/", "GET, HEAD", 200},
			{"conversation?url=" + url.QueryEscape(post), "GET, HEAD", 200},
			{"conversation?fragment=1&url=" + url.QueryEscape(post), "GET, HEAD", 200},
			{"api/mentions.jf2?target=" + url.QueryEscape(post), "GET, HEAD", 200}, {"api/mentions.jf2", "GET, HEAD", 400},
			{"api/count?target=" + url.QueryEscape(post), "GET, HEAD", 200}, {"api/count.json", "GET, HEAD", 200},
			{"style.css", "GET, HEAD", 200}, {strings.TrimPrefix(status, base), "GET, HEAD", 200},
			{strings.TrimPrefix(w.link(), base), "GET, HEAD, POST", 200}, {"link/unknown", "GET, HEAD, POST", 410},
			{"auth/decide", "POST", 0}, {"signout", "POST", 0}, {"admin/decide", "POST", 0},
			{"webmention", "GET, HEAD, OPTIONS, POST", 200}, {"micropub", "GET, HEAD, POST, OPTIONS", 401},
			{"media", "GET, HEAD, POST, OPTIONS", 401}, {"media/" + strings.Repeat("a", 26) + ".png", "GET, HEAD", 404},
			{"auth", "GET, HEAD, POST, OPTIONS", 400}, {"token", "GET, HEAD, POST, OPTIONS", 401},
			{"introspect", "POST", 0}, {"revoke", "POST, OPTIONS", 0}, {"userinfo", "GET, HEAD, OPTIONS", 401},
			{"metadata", "GET, HEAD, OPTIONS", 200},
			{"../", "GET, HEAD, OPTIONS", 200}, {"../notes.txt", "GET, HEAD, OPTIONS", 200}, {"../nothing", "GET, HEAD, OPTIONS", 404},
			{"../.well-known/oauth-authorization-server/-/", "GET, HEAD, OPTIONS", 200},
			{"../.well-known/oauth-authorization-server/-", "GET, HEAD, OPTIONS", 200},
			{"../healthz", "GET, HEAD", 200},
			{"api/mentions.html?target=" + url.QueryEscape(post), "GET, HEAD", 200}, {"api/links.atom?target=" + url.QueryEscape(post), "GET, HEAD", 200},
			{"api/mentions", "GET, HEAD", 400}, {"api/feed.json", "GET, HEAD", 400}, {"api/deleted", "GET, HEAD", 400}, {"api/export.jf2", "GET, HEAD", 400},
			{"api/example/mentions.jf2", "GET, HEAD", 200}, {"api/example/count", "GET, HEAD", 200},
			{"nothing", "", 404}, {"api/mentions.xml", "", 404}, {"api/example/mentions", "", 404}, {"api/", "", 404}, {"link/", "", 404}, {"link/a/b", "", 404}, {"style.css/", "", 404}, {"-/", "", 404},
		} {
			address := base + route.path
			if rest, ok := strings.CutPrefix(route.path, "../"); ok {
				address = w.ana().Me() + rest
			}
			if route.get != 0 {
				got, head := b.get(address), b.do("HEAD", address, "")
				if got.status != route.get {
					t.Errorf("GET %s: got %d, want %d", address, got.status, route.get)
				}
				if head.status != got.status || head.body != "" {
					t.Errorf("HEAD %s: got %d with %q, GET %d", address, head.status, head.body, got.status)
				}
				for _, h := range []http.Header{got.header, head.header} {
					// A length that net/http counts for a short body may be missing from HEAD.
					maps.DeleteFunc(h, func(name string, _ []string) bool {
						return name == "Date" || name == "Set-Cookie" || name == "Content-Length" && head.header.Get(name) == ""
					})
				}
				if diff := cmp.Diff(got.header, head.header); diff != "" {
					t.Errorf("HEAD %s: headers differ from GET's (-GET +HEAD):\n%s", address, diff)
				}
			}
			refused := b.do("PATCH", address, "")
			if route.allow == "" {
				if refused.status != 404 {
					t.Errorf("PATCH %s: got %d, want 404", address, refused.status)
				}
				continue
			}
			if refused.status != 405 || refused.header.Get("Allow") != route.allow {
				t.Errorf("PATCH %s: got %d, Allow %q, want 405, %q", address, refused.status, refused.header.Get("Allow"), route.allow)
			}
		}
	})
}

// mentionOf has somebody mention a page, and returns the status page.
func (w *world) mentionOf(target string) string {
	w.Helper()
	w.say("https://bea.example/1", `<div class="h-entry"><a class="u-in-reply-to" href="`+target+`">x</a><p class="e-content">Hola</p></div>`)
	return w.mention("https://bea.example/1", target)
}

// What is not there is said on a page in the reader's language, with the way home
// and the headers of all our pages.
func TestErrorPages(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.visitor()
		for _, c := range []struct {
			method, path, accept string
			status               int
			says                 string
		}{
			{"GET", "-/nothing", "es-AR,es;q=0.9,en;q=0.5", 404, "Aquí no hay nada"},
			{"GET", "-/nothing", "en-GB", 404, "There is nothing here"},
			{"GET", "-/nothing", "", 404, "Aquí no hay nada"},
			{"GET", "nothing", "en", 404, "There is nothing here"},
			{"DELETE", "-/admin/", "es", 405, "Así no se puede"},
			{"DELETE", "-/admin/", "en", 405, "Not like this"},
			{"DELETE", "", "en", 405, "Not like this"},
			{"GET", "-/link/nothing", "en", 410, "has been used"},
			{"GET", "-/conversation?url=https://elsewhere.example/", "en", 404, "There is nothing here"},
			{"GET", "-/conversation", "en", 404, "There is nothing here"},
			{"GET", "-/webmention/nothing", "en", 404, "There is nothing here"},
		} {
			a := b.do(c.method, "https://ana.example/"+c.path, "", "Accept-Language", c.accept)
			if a.status != c.status || !strings.Contains(a.body, c.says) {
				t.Errorf("%s %s in %q: got %d, want %d and %q:\n%s", c.method, c.path, c.accept, a.status, c.status, c.says, a.body)
			}
			if !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: headers %v", c.method, c.path, a.header)
			}
		}
	})
}

// HOSTILE 87: what a request calls us changes nothing that we say of ourselves.
func TestHostNamesOfRequestsAreIgnored(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.visitor()
		evil := []string{"Host", "evil.example", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http", "Forwarded", "host=evil.example"}
		for _, path := range []string{"", "2026", "-/", "-/metadata", "-/admin/", "-/webmention", "-/conversation?url=https://ana.example/", "nothing", "//evil.example/x", "-/link/" + w.link()[len(w.ana().Base+"link/"):]} {
			a := b.get("https://ana.example/"+path, evil...)
			if strings.Contains(strings.ReplaceAll(a.body+a.header.Get("Location")+strings.Join(a.header.Values("Link"), ","), "//evil.example/x", ""), "evil.example") {
				t.Errorf("%s: the answer repeats the request's host: %v\n%s", path, a.header, a.body)
			}
		}
		w.say("https://bea.example/1", "x")
		a := b.post(w.ana().Endpoint("webmention"), url.Values{"source": {"https://bea.example/1"}, "target": {"https://ana.example/"}}, evil...)
		if !strings.HasPrefix(a.header.Get("Location"), "https://ana.example/-/webmention/") {
			t.Errorf("webmention: got Location %q", a.header.Get("Location"))
		}
	})
}

// Several sites live on one service: by host, by path, one inside the other. Each
// request finds its own, whichever order the settings have.
func TestSeveralSitesOnOneService(t *testing.T) {
	houses := []house{
		{home: "https://one.example/", language: "es", aliases: []string{"https://www.one.example/"}},
		{home: "https://one.example/blog/", language: "en"},
		{home: "https://two.example/", language: "en"},
		{home: "https://xn--and-6ma2c.example/", language: "es", aliases: []string{"https://ñandú.example/"}},
		{home: "https://example.com/", base: "https://talk.example/example.com/", language: "en", elsewhere: true},
		{home: "https://example.com.ar/", base: "https://talk.example/example.com.ar/", language: "es", elsewhere: true},
	}
	for name, order := range map[string][]int{"as listed": {0, 1, 2, 3, 4, 5}, "the other way round": {5, 4, 3, 2, 1, 0}} {
		t.Run(name, func(t *testing.T) {
			var list []house
			for _, i := range order {
				list = append(list, houses[i])
			}
			inWorldOf(t, list, func(w *world) {
				t := w.T
				b := w.visitor()
				for _, c := range []struct{ address, issuer string }{
					{"https://one.example/-/metadata", "https://one.example/-/"},
					{"https://ONE.example:443/-/metadata", "https://one.example/-/"},
					{"https://one.example/blog/-/metadata", "https://one.example/blog/-/"},
					{"https://two.example/-/metadata", "https://two.example/-/"},
					{"https://xn--and-6ma2c.example/-/metadata", "https://xn--and-6ma2c.example/-/"},
					{"https://talk.example/example.com/metadata", "https://talk.example/example.com/"},
					{"https://talk.example/example.com.ar/metadata", "https://talk.example/example.com.ar/"},
					{"https://talk.example/.well-known/oauth-authorization-server/example.com.ar", "https://talk.example/example.com.ar/"},
					{"https://one.example/.well-known/oauth-authorization-server/blog/-", "https://one.example/blog/-/"},
				} {
					if a := b.get(c.address); a.status != 200 || !strings.Contains(a.body, `"issuer":"`+c.issuer+`"`) {
						t.Errorf("%s: got %d %s, want the issuer %s", c.address, a.status, a.body, c.issuer)
					}
				}
				for address, want := range map[string]string{
					"https://one.example/":          "https://one.example/-/webmention",
					"https://www.one.example/":      "https://one.example/-/webmention",
					"https://one.example/blog/":     "https://one.example/blog/-/webmention",
					"https://one.example/blog/?x=1": "https://one.example/blog/-/webmention",
					"https://two.example/":          "https://two.example/-/webmention",
				} {
					a := b.get(address)
					if links := strings.Join(a.header.Values("Link"), ", "); a.status != 200 || !strings.Contains(links, "<"+want+">") {
						t.Errorf("%s: got %d, Link %s, want %s", address, a.status, links, want)
					}
				}
				if a := b.get("https://one.example/blog"); a.status != 301 || a.header.Get("Location") != "/blog/" {
					t.Errorf("/blog: got %d to %q, want 301 to /blog/", a.status, a.header.Get("Location"))
				}
				for _, address := range []string{"https://talk.example/", "https://talk.example/example.community/metadata", "https://two.example/blog/-/metadata", "https://one.example/example.com/metadata"} {
					if a := b.get(address); a.status != 404 {
						t.Errorf("%s: got %d, want 404", address, a.status)
					}
				}
				if a := b.get("https://one.example/-/metadata", "Host", "TWO.example.:443"); !strings.Contains(a.body, `"issuer":"https://two.example/-/"`) {
					t.Errorf("another spelling of the host: got %d %s", a.status, a.body)
				}
				// A host that nobody knows is nobody's site.
				if a := b.get("https://one.example/", "Host", "other.example"); a.status != 404 {
					t.Errorf("unknown host: got %d, want 404", a.status)
				}
			})
		})
	}
}

// A site's base may be the root of a host of its own, beside pages that we serve.
func TestBaseAtTheRootOfItsOwnHost(t *testing.T) {
	inWorldOf(t, []house{{home: "https://ana.example/", base: "https://talk.example/", language: "en"}}, func(w *world) {
		t := w.T
		b := w.visitor()
		if a := b.get("https://ana.example/"); a.status != 200 || !strings.Contains(a.body, "h-feed") {
			t.Errorf("home page: got %d", a.status)
		}
		if a := b.get("https://talk.example/metadata"); a.status != 200 {
			t.Errorf("metadata: got %d", a.status)
		}
		if a := b.get("https://talk.example/.well-known/oauth-authorization-server"); a.status != 200 {
			t.Errorf("metadata at the well-known place: got %d", a.status)
		}
		if a := b.get("https://talk.example/"); a.status != 302 || a.header.Get("Location") != "/admin/" {
			t.Errorf("base: got %d to %q", a.status, a.header.Get("Location"))
		}
	})
}

// Where a site is attached by links alone, the service has its endpoints and no pages.
func TestSiteOnAnotherServer(t *testing.T) {
	inWorldOf(t, []house{{home: "https://ana.example/", base: "https://talk.example/ana.example/", language: "en", elsewhere: true}}, func(w *world) {
		b := w.visitor()
		for path, want := range map[string]int{"": 404, "ana.example": 302, "ana.example/": 302, "ana.example/metadata": 200, "ana.example/webmention": 200, "ana.example/nothing": 404} {
			a := b.get("https://talk.example/"+path, "Accept-Language", "en")
			if a.status != want || want == 404 && !strings.Contains(a.body, "There is nothing here") {
				w.Errorf("/%s: got %d, want %d\n%s", path, a.status, want, a.body)
			}
		}
	})
}

// Beside a base there are pages whose path begins the same.
func TestPathsAreWholeSegments(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.write("-notes/index.html", "<p>Notes")
		w.write("healthzone.html", "<p>Zone")
		b := w.visitor()
		for _, path := range []string{"-notes/", "healthzone.html"} {
			if a := b.get("https://ana.example/" + path); a.status != 200 {
				t.Errorf("%s: got %d, want 200", path, a.status)
			}
		}
		if a := b.get("https://ana.example/-"); a.status != 302 || a.header.Get("Location") != "/-/admin/" {
			t.Errorf("/-: got %d to %q", a.status, a.header.Get("Location"))
		}
	})
}

// CL-31: editors that run in browsers ask before they read or send.
func TestCrossOriginReading(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.visitor()
		for _, path := range []string{"", "-/metadata", "-/micropub", "-/media", "-/token", "-/webmention", "-/userinfo", "-/api/count", "-/api/mentions.jf2", "-/conversation"} {
			a := b.do("OPTIONS", "https://ana.example/"+path, "", "Origin", "https://editor.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization, content-type")
			allowed := strings.ToLower(a.header.Get("Access-Control-Allow-Headers"))
			if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(allowed, "content-type") && allowed != "*" {
				t.Errorf("OPTIONS /%s: got %d %v", path, a.status, a.header)
			}
			// HOSTILE 86: never together with cookies.
			if a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("OPTIONS /%s allows credentials", path)
			}
		}
		// The owner's pages are for nobody else.
		for _, path := range []string{"-/admin/", "-/admin/decide", "-/auth/decide", "-/signout", "-/link/x"} {
			if a := b.do("OPTIONS", "https://ana.example/"+path, "", "Origin", "https://editor.example"); a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("OPTIONS /%s: got %v", path, a.header)
			}
		}
		if a := b.get("https://ana.example/"); !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Link") {
			t.Errorf("home page: got %v", a.header)
		}
	})
}
