package web_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tertulia/internal/site"
)

// Another site cannot begin a sign-in in somebody's browser, and asking is limited like
// guessing: but never for a browser that has signed in before, and never the passphrase.
func TestAskingIsLimited(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Owner)
		w.withPassphrase()
		s, known := w.bea(), w.keeper(bea)
		if a := w.visitor().post(atSite, url.Values{"site": {bea}}, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
			t.Errorf("from elsewhere: got %d", a.status)
		}
		if a := w.visitor().get(atSite); a.status != 405 {
			t.Errorf("GET: got %d", a.status)
		}
		last := answer{}
		for i := range 100 {
			last = w.visitor().post(atSite, url.Values{"site": {fmt.Sprintf("nobody%d.example", i)}}, "Accept-Language", "en")
		}
		if last.status != 429 || last.header.Get("Retry-After") == "" || !strings.Contains(last.body, "Too much") {
			t.Errorf("after 100: got %d, %v", last.status, last.header)
		}
		asked := len(w.web.Requests("bea.example"))
		w.visitor().post(atSite, url.Values{"site": {bea}})
		if n := len(w.web.Requests("bea.example")); n != asked {
			t.Errorf("her server was asked %d times more", n-asked)
		}
		if a := known.get(s.yes(known.leave(bea))); a.cookie("session") == nil {
			t.Errorf("a known browser: got %d, %v", a.status, a.header)
		}
		if a := w.visitor().post(signin, guess("https://ana.example/", phrase)); a.status != 303 {
			t.Errorf("the passphrase: got %d", a.status)
		}
	})
}

// HOSTILE 67: whoever signs in is led to our own pages only.
func TestComingBackLeadsNowhereElse(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Owner)
		s := w.bea()
		for _, to := range []string{"//evil.example/", `/\evil.example`, "/%2f%2fevil.example", "https:evil.example", "/a\nb", "/-/../evil", "https://evil.example/-/admin/"} {
			b := w.visitor()
			b.get(admin)
			for _, c := range b.client.Jar.Cookies(parse(w.T, "https://ana.example/")) {
				if strings.Contains(c.Name, "return") {
					c.Value, c.Path, c.Secure = base64.RawURLEncoding.EncodeToString([]byte(to)), "/", true
					b.client.Jar.SetCookies(parse(w.T, "https://ana.example/"), []*http.Cookie{c})
				}
			}
			if a := b.get(s.yes(b.leave(bea))); a.status != 303 || a.header.Get("Location") != "/-/admin/" {
				t.Errorf("%q: got %d to %q", to, a.status, a.header.Get("Location"))
			}
		}
	})
}

// What other servers read at our client_id: JSON, or for older ones an h-app; both list
// the address that browsers come back to.
func TestClientPage(t *testing.T) {
	inWorld(t, func(w *world) {
		for accept, page := range map[string]bool{
			"": false, "*/*": false, "application/json": false, "application/json, text/html;q=0.9": false, "text/html;q=0.9, application/json;q=0.9": false,
			"text/html": true, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true, ";;,": false,
		} {
			var header []string
			if accept != "" {
				header = []string{"Accept", accept}
			}
			a := w.visitor().get("https://ana.example/-/client", header...)
			if a.status != 200 || a.header.Get("Link") != "<"+back+`>; rel="redirect_uri"` || !slices.Contains(a.header.Values("Vary"), "Accept") {
				t.Errorf("%q: got %d, %v", accept, a.status, a.header)
			}
			if page {
				if !strings.Contains(a.body, "h-app") || !strings.Contains(a.body, `rel="redirect_uri" href="`+back+`"`) {
					t.Errorf("%q: %s", accept, a.body)
				}
				continue
			}
			var said struct {
				ID        string   `json:"client_id"`
				URI       string   `json:"client_uri"`
				Redirects []string `json:"redirect_uris"`
			}
			if err := json.Unmarshal([]byte(a.body), &said); err != nil || said.ID != "https://ana.example/-/client" || !slices.Equal(said.Redirects, []string{back}) || !strings.HasPrefix(said.ID, said.URI) {
				t.Errorf("%q: %s, %v", accept, a.body, err)
			}
		}
	})
}

// Two services vouch for each other: Bea's own, with its consent page, is the other server.
func TestSignInAtAnotherOfThese(t *testing.T) {
	inWorldOf(t, []house{{home: "https://ana.example/", language: "es"}, {home: bea, language: "en"}}, func(w *world) {
		t := w.T
		w.hire(site.Owner)
		b := w.visitor()
		link, err := w.server.Sites[1].Access.NewLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.post(link, nil)
		to := b.leave("bea.example")
		page := b.get(to.String())
		form := formTo(t, page, "/-/auth/decide")
		if page.status != 200 || !strings.Contains(page.body, "https://ana.example/-/client") {
			t.Fatalf("consent: got %d: %s", page.status, page.body)
		}
		form.Set("decision", "approve")
		a := b.post("https://bea.example/-/auth/decide", form)
		at := a.header.Get("Location")
		if a.status != 303 || !strings.HasPrefix(at, back+"?") {
			t.Fatalf("approve: got %d to %q", a.status, at)
		}
		if a = b.get(at); a.status != 303 || a.cookie("session") == nil {
			t.Fatalf("back: got %d, %v", a.status, a.header)
		}
		if a := b.get("https://ana.example/-/admin/sessions", "Accept-Language", "en"); !strings.Contains(a.body, "signed in as Bea") {
			t.Errorf("got %d: %s", a.status, a.body)
		}
		// And who says no there is told so here.
		other := w.visitor()
		link, _ = w.server.Sites[1].Access.NewLink(t.Context())
		other.post(link, nil)
		form = formTo(t, other.get(other.leave(bea).String()), "/-/auth/decide")
		form.Set("decision", "deny")
		other.refused(other.get(other.post("https://bea.example/-/auth/decide", form).header.Get("Location")), "denied")
	})
}

// However somebody has signed in elsewhere, what was secret about it is in no file and not in
// the log: while the browser is away, and when it is back.
func TestSigningInElsewhereLeavesNoSecret(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Owner)
		s, n := w.bea(), w.github()
		n.provider.User, n.provider.Whose = "bea", bea
		for name, way := range map[string]struct {
			to  func(*browser) *url.URL
			yes func(*url.URL) string
		}{
			"their server": {func(b *browser) *url.URL { return b.leave(bea) }, s.yes},
			"an account":   {func(b *browser) *url.URL { return b.depart(n) }, n.yes},
		} {
			b := w.keeper(bea)
			at := way.yes(way.to(b))
			secrets := b.cookies()
			secrets["state"] = parse(w.T, at).Query().Get("state")
			w.hides(bea, secrets)
			if a := b.get(at); a.cookie("session") == nil {
				t.Fatalf("%s: got %d, %v", name, a.status, a.header)
			}
			for name, value := range b.cookies() {
				secrets[name+" afterwards"] = value
			}
			w.hides(bea, secrets)
		}
		spent := map[string]string{"the secret": clientSecret, "the token": networkToken}
		for _, form := range s.redeemed {
			spent["her server's verifier"] = form.Get("code_verifier")
		}
		for _, r := range n.asked {
			spent["the network's verifier"], spent["the network's code"] = r.PostForm.Get("code_verifier"), r.PostForm.Get("code")
		}
		if len(spent) != 5 {
			t.Fatalf("noticed %v", spent)
		}
		w.hides(bea, spent)
	})
}
