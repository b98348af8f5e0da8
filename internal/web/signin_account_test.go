package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/site"
)

// networks are the fakes, each with what a page links to its account with.
var networks = map[string]struct {
	make    func(*world) *network
	profile string
	how     string
}{
	"GitHub":   {(*world).github, "https://github.com/bea", "with their account at GitHub"},
	"Mastodon": {(*world).mastodon, "https://mastodon.example/@bea", "with their account at Mastodon"},
}

// Who looks after the site signs in with an account when the link goes both ways.
func TestSignInWithAnAccount(t *testing.T) {
	for name, c := range networks {
		for way, link := range map[string]string{
			"as it is": c.profile, "in other letters": strings.Replace(c.profile, "bea", "Bea", 1), "with a slash": c.profile + "/",
			"the older scheme": strings.Replace(c.profile, "https:", "http:", 1),
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				inWorld(t, func(w *world) {
					w.hire(site.Moderator)
					n, b := c.make(w), w.visitor()
					w.say(bea, `<p>Bea, also <a rel="noopener me" href="`+link+`">there</a>`)
					b.get(admin + "?page=2")
					to := b.depart(n)
					if to.Host != map[string]string{"GitHub": "github.com", "Mastodon": "mastodon.example"}[name] {
						t.Errorf("the browser is sent to %s", to)
					}
					a := b.get(n.yes(to))
					if a.status != 303 || a.header.Get("Location") != "/-/admin/?page=2" || a.cookie("session") == nil {
						t.Fatalf("got %d, %v: %s", a.status, a.header, w.log)
					}
					page := b.get("https://ana.example/-/admin/sessions", "Accept-Language", "en")
					if !strings.Contains(page.body, "signed in as Bea") || !strings.Contains(page.body, c.how) {
						t.Errorf("got %s", page.body)
					}
					synctest.Wait()
					if n.returned != n.tokens {
						t.Errorf("%d of %d tokens were given back", n.returned, n.tokens)
					}
					for _, secret := range []string{clientSecret, networkToken, "a-code-of-the-network"} {
						if strings.Contains(w.log.String(), secret) || strings.Contains(page.body, secret) {
							t.Errorf("%q can be read", secret)
						}
					}
				})
			})
		}
	}
}

// The token is given back when the account is nobody's as well; where that fails, the owner
// reads of it, and whoever signs in is not kept waiting.
func TestTokensOfNetworksAreGivenBack(t *testing.T) {
	for name, c := range networks {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.hire(site.Owner)
				n, b := c.make(w), w.visitor()
				n.provider.Log = w.server.Log
				w.say(bea, "<p>Bea")
				b.refused(b.get(n.yes(b.depart(n))), "one-way")
				synctest.Wait()
				if n.tokens != 1 || n.returned != 1 {
					t.Errorf("%d of %d tokens were given back", n.returned, n.tokens)
				}
				n.down = true
				w.say(bea, `<a rel="me" href="`+c.profile+`">`)
				if a := b.get(n.yes(b.depart(n))); a.cookie("session") == nil {
					t.Errorf("got %d: %s", a.status, w.log)
				}
				synctest.Wait()
				if said := w.log.String(); !strings.Contains(said, "could not be given back") || !strings.Contains(said, "status 403") {
					t.Errorf("the log says\n%s", said)
				}
			})
		})
	}
}

// One way is not enough; the settings may stand for the page's side, and for no other.
func TestAccountsMustBeLinkedBothWays(t *testing.T) {
	both := func(n *network) {}
	elsewhere := func(n *network) {
		n.account["blog"], n.account["source"] = "https://eve.example/", map[string]any{"fields": []map[string]any{{"value": "https://eve.example/"}}}
	}
	for name, c := range map[string]struct {
		page    func(profile string) string
		account func(n *network)
		user    string
		why     string // "" is signed in
	}{
		"the page does not link":     {func(string) string { return "<p>Bea" }, both, "", "one-way"},
		"the page links without rel": {func(p string) string { return `<a href="` + p + `">` }, both, "", "one-way"},
		"the page links to another":  {func(p string) string { return `<a rel="me" href="` + p + `x">` }, both, "", "one-way"},
		"the profile names another":  {func(p string) string { return `<a rel="me" href="` + p + `">` }, elsewhere, "", "unnamed"},
		"the profile names nobody":   {func(p string) string { return `<a rel="me" href="` + p + `">` }, func(n *network) { n.account["blog"], n.account["source"] = "", nil }, "", "unnamed"},
		"the profile is another's": {func(string) string { return `<a rel="me" href="https://social.example/bea">` }, func(n *network) {
			n.account["html_url"], n.account["url"] = "https://social.example/bea", "https://social.example/bea"
		}, "", "failed"},
		"the profile looks like it": {func(string) string { return `<a rel="me" href="https://github.com.evil.example/bea">` }, func(n *network) {
			n.account["html_url"], n.account["url"] = "https://github.com.evil.example/bea", "https://mastodon.example.evil.example/@bea"
		}, "", "failed"},
		"there is no account":            {func(string) string { return "" }, func(n *network) { n.account = map[string]any{} }, "", "failed"},
		"an account of another shape":    {func(string) string { return "" }, func(n *network) { n.account = map[string]any{"login": 1, "username": []int{1}} }, "", "failed"},
		"the settings name it":           {func(string) string { return "<p>Bea" }, both, "Bea", ""},
		"the settings name another":      {func(string) string { return "<p>Bea" }, both, "eve", "one-way"},
		"the settings name it, not she":  {func(string) string { return "<p>Bea" }, elsewhere, "bea", "unnamed"},
		"the page can be read by nobody": {nil, both, "", "page"},
	} {
		for network, one := range networks {
			t.Run(name+" "+network, func(t *testing.T) {
				inWorld(t, func(w *world) {
					w.hire(site.Owner)
					n, b := one.make(w), w.visitor()
					if c.page != nil {
						w.say(bea, c.page(one.profile))
					}
					w.say("https://eve.example/", `<a rel="me" href="`+one.profile+`">`)
					n.provider.User, n.provider.Whose = c.user, bea
					c.account(n)
					a := b.get(n.yes(b.depart(n)))
					if c.why != "" {
						b.refused(a, c.why)
					} else if a.cookie("session") == nil {
						t.Errorf("got %d, %v: %s", a.status, a.header, w.log)
					}
				})
			})
		}
	}
}

// An account that the settings name is believed about its own person: who may write into its
// profile does not become somebody else who looks after the site that way.
func TestNamedAccountsAreNobodyElse(t *testing.T) {
	for network, one := range networks {
		t.Run(network, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.hire(site.Moderator)
				n, b := one.make(w), w.visitor()
				n.provider.User, n.provider.Whose = "bea", bea
				w.say(bea, `<a rel="me" href="`+one.profile+`">`)
				n.account["blog"], n.account["source"] = "https://ana.example/", map[string]any{"fields": []map[string]any{{"value": "https://ana.example/"}}}
				b.refused(b.get(n.yes(b.depart(n))), "one-way")
			})
		})
	}
}

// A page that leads away from TLS is not read: anybody in between could write the link.
func TestPagesAreReadOverTLS(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Owner)
		n, b := w.github(), w.visitor()
		w.web.Handle("bea.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.TLS != nil {
				http.Redirect(rw, r, "http://bea.example/", http.StatusFound)
				return
			}
			rw.Write([]byte(`<a rel="me" href="https://github.com/bea">`))
		}))
		b.refused(b.get(n.yes(b.depart(n))), "page")
	})
}

// HOSTILE 64, for networks: an answer that is not this flow's signs nobody in, and what
// refuses a code or leads elsewhere neither; secret and code go nowhere else.
func TestNetworksAnswersAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		why   string
		first func(n *network)
		back  func(n *network, at string) string
		kept  bool // the code was not spent
	}{
		"another state": {"answer", nil, func(_ *network, at string) string { return strings.Replace(at, "state=", "state=x", 1) }, true},
		"two states":    {"answer", nil, func(_ *network, at string) string { return at + "&state=x" }, true},
		"no code":       {"answer", nil, func(_ *network, at string) string { return strings.Replace(at, "code=", "c=", 1) }, true},
		"no":            {"denied", nil, func(_ *network, at string) string { return strings.Replace(at, "code=", "error=access_denied&c=", 1) }, true},
		"broken there":  {"answer", nil, func(_ *network, at string) string { return strings.Replace(at, "code=", "error=server_error&c=", 1) }, true},
		"a forged code": {"failed", nil, func(_ *network, at string) string { return strings.Replace(at, "code=", "code=x", 1) }, false},
		"late": {"answer", nil, func(_ *network, at string) string {
			time.Sleep(site.AwayLife + time.Second)
			return at
		}, true},
		// Another server has sent the browser on to this network, to have its code.
		"at the address of another": {"answer", nil, func(_ *network, at string) string { return back + "?" + strings.SplitN(at, "?", 2)[1] }, true},
		"at that of no network":     {"answer", nil, func(_ *network, at string) string { return back + "/x?" + strings.SplitN(at, "?", 2)[1] }, true},
		"a redirect":                {"failed", func(n *network) { n.moved = "https://evil.example/" }, nil, false},
		"500":                       {"failed", func(n *network) { n.status = 500 }, nil, false},
		"the secret is not there":   {"failed", func(n *network) { n.provider.Secret = func() (string, error) { return "", http.ErrNoCookie } }, nil, true},
	} {
		for network, one := range networks {
			t.Run(name+" "+network, func(t *testing.T) {
				inWorld(t, func(w *world) {
					w.hire(site.Owner)
					evil := 0
					w.web.Handle("evil.example", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { evil++ }))
					n, b := one.make(w), w.visitor()
					w.say(bea, `<a rel="me" href="`+one.profile+`">`)
					if c.first != nil {
						c.first(n)
					}
					to := b.depart(n)
					at := n.yes(to)
					if c.back != nil {
						at = c.back(n, at)
					}
					b.refused(b.get(at), c.why)
					if evil > 0 || c.kept && len(n.asked) > 0 {
						t.Errorf("the code was given away: %d, %d", evil, len(n.asked))
					}
					b.refused(b.get(n.yes(to)), "answer")
					if strings.Contains(w.log.String(), "a-code-of-the-network") || strings.Contains(w.log.String(), clientSecret) {
						t.Errorf("the log has a secret: %s", w.log)
					}
				})
			})
		}
	}
}

// A network that the settings do not name is none, and asking is limited.
func TestOnlyNetworksOfTheSettings(t *testing.T) {
	inWorld(t, func(w *world) {
		if a := w.visitor().post("https://ana.example/-/signin/at/github", nil); a.status != 404 {
			t.Errorf("got %d", a.status)
		}
		n := w.github()
		if a := w.visitor().post("https://ana.example/-/signin/at/github", nil, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
			t.Errorf("from elsewhere: got %d", a.status)
		}
		last := answer{}
		for range 70 {
			last = w.visitor().post("https://ana.example/-/signin/at/github", url.Values{})
		}
		if last.status != 429 || len(n.asked) > 0 {
			t.Errorf("after 70: got %d", last.status)
		}
	})
}
