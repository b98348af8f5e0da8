package web_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tertulia/internal/web"
)

// What other sites may have a browser post to, with whatever cookies it has: the protocols, which
// ask for no cookie.
var openRoutes = []string{
	"webmention", "micropub", "media", "auth", "token", "introspect", "revoke", "userinfo", "metadata", "built", "built/{secret}",
	"comment", "comment/as/{secret}", "comment/{id}",
}

// What takes no POST at all.
var readRoutes = []string{
	"", "webmention/{id}", "media/{name}", "picture/{name}", "conversation", "privacy", "style.css", "conversation.css", "widget.js", "count.js", "counts",
	"comment/sent", "comment/client", "comment/back", "signin/back", "signin/back/{provider}", "client", "signin.js", "admin.js", "compose.js", "admin", "admin/", "admin/settings", "trial/{id}", "api/",
	"admin/quarantine", "admin/group", "admin/decided", "admin/decisions", "admin/mention", "admin/people", "admin/person", "admin/person/export", "admin/posts",
	"admin/hooks/{hook}/{id}", "admin/networks/back/{id}", "feed/{secret}", "manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png",
}

// HOSTILE 85, 86: of every route that there is, either other sites' forms are refused or no
// cookie counts there. Whoever adds a route says here which it is, unless it is one of the
// owner's pages: those are refused.
func TestEveryRouteRefusesOtherSitesOrKnowsNoCookie(t *testing.T) {
	inTalk(t, func(w *world) {
		t := w.T
		w.lead()
		kinds := map[string]string{}
		for kind, routes := range map[string][]string{"open": openRoutes, "read": readRoutes} {
			for _, route := range routes {
				kinds[route] = kind
			}
		}
		b := w.owner()
		fields := formTo(t, b.get("https://ana.example/-/admin/sessions"), "/-/admin/sessions")
		seen := map[string]bool{}
		for _, route := range web.Routes(w.server) {
			path, below := strings.CutPrefix(route, "/-/")
			kind := kinds[path]
			seen[path] = true
			switch {
			case !below: // the base itself
				kind = "read"
			case strings.HasPrefix(path, "api/"):
				kind = "read"
			case kind == "" && cookieRoute(path):
				kind = "cookie"
			case kind == "":
				t.Errorf("%s: may other sites post to it? Say so in openRoutes or readRoutes, or in cookieRoute", path)
				continue
			}
			address := "https://ana.example" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(route, "x")
			for _, header := range [][]string{
				{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
				{"Sec-Fetch-Site", "same-site", "Origin", "https://sub.ana.example"},
				{"Origin", "https://evil.example"},
				{"Origin", "null"},
			} {
				form := url.Values{"form": fields["form"], "do": {"everywhere"}, "id": {"x"}, "decision": {"approve"}}
				a := b.post(address, form, header...)
				switch {
				case kind == "cookie" && a.status != 403:
					t.Errorf("%s, %q: got %d, want 403: the form of another site", path, header, a.status)
				case kind == "open" && a.status == 403:
					t.Errorf("%s, %q: got 403: other sites may", path, header)
				case kind == "read" && a.status != 405 && a.status != 404:
					t.Errorf("%s, %q: got %d, want 405: it takes no POST", path, header, a.status)
				}
				if kind != "cookie" && a.cookie("session") != nil {
					t.Errorf("%s, %q: it sets a session", path, header)
				}
			}
		}
		for path := range kinds {
			if !seen[path] && path != "api/" {
				t.Errorf("there is no route %q any more", path)
			}
		}
		// All that was tried has not ended the session.
		if a := b.get("https://ana.example/-/admin/sessions"); a.status != 200 {
			t.Errorf("afterwards: %d", a.status)
		}
	})
}

// cookieRoute tells whether a route knows who is signed in, or keeps something in the visitor's
// browser: there the forms of other sites are refused.
func cookieRoute(path string) bool {
	for _, begin := range []string{"admin/", "signin", "signout", "link/", "auth/decide"} {
		if strings.HasPrefix(path, begin) {
			return true
		}
	}
	return false
}
