package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
)

const (
	atSite = "https://ana.example/-/signin/site"
	back   = "https://ana.example/-/signin/back"
	admin  = "https://ana.example/-/admin/"
)

// Who looks after the site signs in with her own address, at her own server, in her own
// role, and goes on to where the browser was held up; the session before ends.
func TestSignInAtTheirOwnServer(t *testing.T) {
	for _, typed := range []string{"bea.example", "https://bea.example/", " HTTPS://Bea.Example ", "http://bea.example"} {
		t.Run(typed, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.hire(site.Moderator)
				s, b := w.bea(), w.owner()
				before := b.client.Jar.Cookies(parse(w.T, "https://ana.example/"))
				b.post("https://ana.example/-/signout", formTo(w.T, b.get(admin), "/-/signout"))
				page := b.get(admin + "?page=2")
				formTo(w.T, page, "/-/signin/site")
				a := b.post(atSite, url.Values{"site": {typed}})
				if a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Cache-Control") != "no-store" || !strings.Contains(a.header.Get("Content-Security-Policy"), "form-action 'self'") {
					w.Errorf("the page that leads on has %v", a.header)
				}
				c := a.cookie("away")
				if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || time.Until(c.Expires) > time.Hour {
					w.Errorf("the cookie is %v", c)
				}
				a = b.get(s.yes(b.leadsTo(a)))
				if a.status != 303 || a.header.Get("Location") != "/-/admin/?page=2" || a.cookie("session") == nil || a.header.Get("Referrer-Policy") != "no-referrer" {
					w.Fatalf("back: got %d, %v", a.status, a.header)
				}
				page = b.get("https://ana.example/-/admin/sessions", "Accept-Language", "en")
				if page.status != 200 || !strings.Contains(page.body, "signed in as Bea") || !strings.Contains(page.body, "at the server of their own address") {
					w.Errorf("got %d: %s", page.status, page.body)
				}
				if a := b.get("https://ana.example/-/admin/tokens"); a.status != 403 {
					w.Errorf("a moderator sees who has access: %d", a.status)
				}
				old := w.visitor()
				old.client.Jar.SetCookies(parse(w.T, "https://ana.example/"), before)
				if a := old.get(admin); a.status != 401 {
					w.Errorf("the session before: got %d", a.status)
				}
				w.ana().Keepers = nil
				if a := b.get(admin); a.status != 401 {
					w.Errorf("dismissed: got %d", a.status)
				}
			})
		})
	}
}

// Where the only one is the owner, whose server this service is, there is nothing to ask.
func TestOwnAddressIsOfferedWhereItCanWork(t *testing.T) {
	inWorld(t, func(w *world) {
		if a := w.visitor().get(signin); strings.Contains(a.body, "signin/site") {
			w.Error("it is offered to an owner alone")
		}
		w.hire(site.Owner)
		if a := w.visitor().get(signin); !strings.Contains(a.body, "signin/site") {
			w.Error("it is not offered")
		}
	})
}

// An owner who keeps an IndieAuth server signs in with it; which one that is the settings
// say, and a page that has changed since does not.
func TestOwnersOtherServerIsTheOneOfTheSettings(t *testing.T) {
	for _, changed := range []bool{false, true} {
		inWorld(t, func(w *world) {
			w.ana().Elsewhere = &site.Elsewhere{Authorization: bea + "auth", Token: bea + "token", Me: "https://ana.example/", Client: w.web.Client()}
			if err := w.jobs.WriteHome(t.Context(), w.ana().Site); err != nil { // as when the service starts
				t.Fatal(err)
			}
			s, b := w.bea(), w.visitor()
			s.me = "https://ana.example/"
			formTo(t, b.get(signin), "/-/signin/site")
			at := s.yes(b.leave("ana.example"))
			if changed {
				w.ana().Elsewhere.Authorization = "https://other.example/auth"
				b.refused(b.get(at), "identity")
				return
			}
			if a := b.get(at); a.status != 303 || a.cookie("session") == nil {
				t.Errorf("got %d, %v", a.status, a.header)
			}
		})
	}
}

// HOSTILE 64: an answer that is not to this browser's own flow, or comes twice or late, or
// names somebody else, signs nobody in; and nobody gets the code who should not.
func TestTheirAnswersAreChecked(t *testing.T) {
	edit := func(s *theirs, to *url.URL, name, value string) string {
		u := parse(s.T, s.yes(to))
		q := u.Query()
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	answers := map[string]struct {
		why    string
		prefer func(s *theirs)
		back   func(s *theirs, to *url.URL) string
		kept   bool // the code was spent nowhere
	}{
		"another state":  {"answer", nil, func(s *theirs, to *url.URL) string { return edit(s, to, "state", "x") }, true},
		"no state":       {"answer", nil, func(s *theirs, to *url.URL) string { return edit(s, to, "state", "") }, true},
		"another issuer": {"answer", nil, func(s *theirs, to *url.URL) string { return edit(s, to, "iss", "https://evil.example/") }, true},
		"no issuer":      {"answer", nil, func(s *theirs, to *url.URL) string { return edit(s, to, "iss", "") }, true},
		"no code":        {"answer", nil, func(s *theirs, to *url.URL) string { return edit(s, to, "code", "") }, true},
		"two states":     {"answer", nil, func(s *theirs, to *url.URL) string { return s.yes(to) + "&state=x" }, true},
		"no":             {"denied", nil, func(s *theirs, to *url.URL) string { return edit(s, to, "error", "access_denied") }, true},
		"another error":  {"answer", nil, func(s *theirs, to *url.URL) string { return edit(s, to, "error", "<script>") }, true},
		"no to another":  {"answer", nil, func(s *theirs, to *url.URL) string { return edit(s, to, "state", "x") + "&error=access_denied" }, true},
		"late": {"answer", nil, func(s *theirs, to *url.URL) string {
			time.Sleep(site.AwayLife + time.Second)
			return s.yes(to)
		}, true},
		"a code of another flow": {"failed", nil, func(s *theirs, to *url.URL) string {
			other := s.yes(s.visitor().leave(bea))
			return edit(s, to, "code", parse(s.T, other).Query().Get("code"))
		}, false},
		"me of another":    {"identity", func(s *theirs) { s.me = "https://ana.example/" }, nil, false},
		"me of nobody":     {"nobody", func(s *theirs) { s.me = "https://bea.example/x" }, nil, false},
		"me without TLS":   {"nobody", func(s *theirs) { s.me = "http://bea.example/" }, nil, false},
		"me is a list":     {"identity", func(s *theirs) { s.me = []string{bea} }, nil, false},
		"me is an object":  {"identity", func(s *theirs) { s.me = map[string]string{"url": bea} }, nil, false},
		"me is missing":    {"identity", func(s *theirs) { s.answer = "{}" }, nil, false},
		"no JSON":          {"failed", func(s *theirs) { s.answer = "me=" + bea }, nil, false},
		"5 MB":             {"failed", func(s *theirs) { s.answer = `{"me":"` + bea + `","x":"` + strings.Repeat("x", 5<<20) + `"}` }, nil, false},
		"500":              {"failed", func(s *theirs) { s.status = 500 }, nil, false},
		"a redirect":       {"failed", func(s *theirs) { s.moved = "https://evil.example/auth" }, nil, false},
		"dismissed by now": {"nobody", nil, func(s *theirs, to *url.URL) string { s.ana().Keepers = nil; return s.yes(to) }, false},
	}
	for name, c := range answers {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.hire(site.Owner)
				evil := 0
				w.web.Handle("evil.example", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { evil++ }))
				s, b := w.bea(), w.visitor()
				if c.prefer != nil {
					c.prefer(s)
				}
				if c.back == nil {
					c.back = (*theirs).yes
				}
				to := b.leave(bea)
				a := b.get(c.back(s, to))
				if a.status != 303 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "no-referrer" {
					t.Errorf("got %d, %v: %s", a.status, a.header, a.body)
				}
				b.refused(a, c.why)
				if evil > 0 || c.kept && len(s.redeemed) > 0 {
					t.Errorf("the code was given away: %d, %v", evil, s.redeemed)
				}
				// What was begun is over.
				b.refused(b.get(s.yes(to)), "answer")
				for _, secret := range slices.Collect(maps.Keys(s.codes)) {
					if strings.Contains(w.log.String(), secret) {
						t.Errorf("a code is in the log: %s", w.log)
					}
				}
			})
		})
	}
}

// A browser comes back once, with the cookie that it left with; a look at the address by
// somebody else, or by HEAD, uses nothing up.
func TestComingBackIsForTheBrowserThatLeft(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Owner)
		s, b, other := w.bea(), w.visitor(), w.visitor()
		at := s.yes(b.leave(bea))
		stranger := w.visitor()
		stranger.refused(stranger.get(at), "answer")
		other.leave(bea)
		other.refused(other.get(at), "answer")
		if a := b.do("HEAD", at, ""); a.cookie("session") != nil {
			t.Errorf("HEAD signs in: %v", a.header)
		}
		if a := b.do("POST", at, ""); a.status != 405 {
			t.Errorf("POST: got %d", a.status)
		}
		before := b.client.Jar.Cookies(parse(w.T, "https://ana.example/"))
		if a := b.get(at); a.status != 303 || a.cookie("session") == nil {
			t.Fatalf("got %d, %v", a.status, a.header)
		}
		again := w.visitor()
		again.client.Jar.SetCookies(parse(w.T, "https://ana.example/"), before)
		again.refused(again.get(at), "answer")
		if len(s.redeemed) != 1 {
			t.Errorf("%d codes were redeemed, want 1", len(s.redeemed))
		}
	})
}

// A browser that keeps its cookie beyond its time is late all the same.
func TestComingBackIsLateByOurClock(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Owner)
		s, b := w.bea(), w.visitor()
		at := s.yes(b.leave(bea))
		kept := b.client.Jar.Cookies(parse(w.T, "https://ana.example/")) // without their expiry
		time.Sleep(site.AwayLife + time.Second)
		late := w.visitor()
		late.client.Jar.SetCookies(parse(w.T, "https://ana.example/"), kept)
		late.refused(late.get(at), "answer")
		if len(s.redeemed) > 0 {
			t.Error("the code was given away")
		}
	})
}

// Of fifty requests with one answer, one is signed in.
func TestComingBackGivesOneSession(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Owner)
		s, b := w.bea(), w.visitor()
		at := s.yes(b.leave(bea))
		sessions := make(chan bool, 50)
		for range 50 {
			go func() { sessions <- b.get(at).cookie("session") != nil }()
		}
		n := 0
		for range 50 {
			if <-sessions {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d sessions, want 1", n)
		}
	})
}

// What somebody types is fetched like any stranger's address, and each thing that can be
// wrong with it has its own words.
func TestAddressesThatNameNoServer(t *testing.T) {
	for name, c := range map[string]struct {
		typed, page, issuer, why string
	}{
		"nothing":                  {typed: "", why: "address"},
		"no address":               {typed: "bea@example", why: "address"},
		"a script":                 {typed: "javascript:alert(1)//bea.example", why: "address"},
		"a file":                   {typed: "file:///etc/passwd", why: "address"},
		"an IP address":            {typed: "http://169.254.169.254/", why: "address"},
		"an unknown name":          {typed: "nobody.example", why: "server"},
		"a page without a server":  {typed: bea, page: "<h1>Bea</h1>", why: "server"},
		"a server that is no page": {typed: bea, page: `<link rel="authorization_endpoint" href="javascript:alert(1)">`, why: "server"},
		"a server without TLS":     {typed: bea, page: `<link rel="authorization_endpoint" href="http://bea.example/auth">`, why: "server"},
		"a server on this machine": {typed: bea, page: `<link rel="authorization_endpoint" href="https://localhost/auth">`, why: "server"},
		"an issuer elsewhere":      {typed: bea, issuer: "https://evil.example/", why: "server"},
		"ourselves":                {typed: "ana.example", why: "here"},
		"us as theirs":             {typed: bea, page: `<link rel="indieauth-metadata" href="https://ana.example/-/metadata">`, why: "here"},
		"us, the older way":        {typed: bea, page: `<link rel="authorization_endpoint" href="https://ana.example/-/auth">`, why: "here"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.hire(site.Owner)
				s, b := w.bea(), w.visitor()
				s.page, s.issuer = c.page, c.issuer
				a := b.post(atSite, url.Values{"site": {c.typed}}, "Accept-Language", "en")
				b.refused(a, c.why)
				if a.cookie("away") != nil || a.header.Get("Refresh") != "" {
					t.Errorf("the browser is sent away: %v", a.header)
				}
				if fields := formTo(t, a, "/-/signin/site"); fields.Get("site") != c.typed {
					t.Errorf("the field has %q, typed was %q", fields.Get("site"), c.typed)
				}
				if !strings.Contains(a.body, "tertulia link") {
					t.Error("no other way is offered")
				}
			})
		})
	}
}
