package web_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// sessionCookie is the cookie of that kind in an answer, nil if it sets none.
func (a answer) cookie(kind string) *http.Cookie {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.Contains(c.Name, "tertulia-"+kind) {
			return c
		}
	}
	return nil
}

// Looking at a sign-in link, as mail scanners and previews do, uses nothing up; the
// button does, once.
func TestSignInLinkWorksOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		link := w.link()
		b := w.visitor()
		for _, method := range []string{"GET", "HEAD", "GET"} {
			a := b.do(method, link, "", "Accept-Language", "en")
			if a.status != 200 || a.cookie("session") != nil || a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%s: got %d, %v", method, a.status, a.header)
			}
		}
		formTo(t, b.get(link), strings.TrimPrefix(link, "https://ana.example"))
		if a := b.get("https://ana.example/-/admin/"); a.status != 401 {
			t.Errorf("admin before: got %d", a.status)
		}
		a := b.post(link, nil)
		if a.status != 303 || a.header.Get("Location") != "/-/admin/" || a.cookie("session") == nil {
			t.Fatalf("POST: got %d to %q", a.status, a.header.Get("Location"))
		}
		if a := b.get("https://ana.example/-/admin/"); a.status != 200 {
			t.Errorf("admin after: got %d", a.status)
		}
		for _, method := range []string{"POST", "GET"} {
			again := w.visitor().do(method, link, "", "Accept-Language", "en")
			if again.status != 410 || again.cookie("session") != nil || !strings.Contains(again.body, "has been used") {
				t.Errorf("%s again: got %d\n%s", method, again.status, again.body)
			}
		}
	})
}

func TestSignInLinkExpires(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		link := w.link()
		time.Sleep(15*time.Minute - time.Second)
		if a := w.visitor().get(link); a.status != 200 {
			t.Errorf("a second before: got %d", a.status)
		}
		time.Sleep(2 * time.Second)
		if a := w.visitor().get(link); a.status != 410 {
			t.Errorf("GET after: got %d", a.status)
		}
		if a := w.visitor().post(link, nil); a.status != 410 || a.cookie("session") != nil {
			t.Errorf("POST after: got %d, %v", a.status, a.header)
		}
	})
}

// Of fifty who press the button at once, one is signed in.
func TestSignInLinkGivesOneSession(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		link := w.link()
		var wg sync.WaitGroup
		sessions := make(chan string, 50)
		for range 50 {
			b := w.visitor()
			wg.Go(func() {
				a := b.post(link, nil)
				if c := a.cookie("session"); c != nil {
					sessions <- c.Value
				} else if a.status != 410 {
					t.Errorf("got %d", a.status)
				}
			})
		}
		wg.Wait()
		if len(sessions) != 1 {
			t.Errorf("%d sessions, want 1", len(sessions))
		}
	})
}

// The cookie goes to us alone: no script reads it, no other site sends it, and over
// https it is bound to the host. On loopback the port tells sites apart.
func TestSessionCookie(t *testing.T) {
	for home, want := range map[string]struct {
		prefix, suffix string
		secure         bool
	}{
		"https://ana.example/":   {"__Host-tertulia-session-", "", true},
		"http://localhost:8080/": {"tertulia-session-", "-8080", false},
		"http://localhost:9001/": {"tertulia-session-", "-9001", false},
		"http://[::1]:8080/":     {"tertulia-session-", "-8080", false},
	} {
		inWorldOf(t, []house{{home: home, language: "en"}}, func(w *world) {
			t := w.T
			c := w.visitor().post(w.link(), nil).cookie("session")
			if c == nil {
				t.Fatal("no cookie")
			}
			if !strings.HasPrefix(c.Name, want.prefix) || !strings.HasSuffix(c.Name, want.suffix) || c.Secure != want.secure ||
				!c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || time.Until(c.Expires) < 24*time.Hour || len(c.Value) < 40 {
				t.Errorf("%s: got %s", home, c)
			}
		})
	}
}

// Two sites on one host do not share the owner.
func TestSessionIsOfOneSite(t *testing.T) {
	inWorldOf(t, []house{{home: "https://one.example/", language: "en"}, {home: "https://one.example/blog/", language: "en"}}, func(w *world) {
		b := w.owner()
		for address, want := range map[string]int{"https://one.example/-/admin/": 200, "https://one.example/blog/-/admin/": 401} {
			if a := b.get(address); a.status != want {
				w.Errorf("%s: got %d, want %d", address, a.status, want)
			}
		}
		secret := w.link()[len("https://one.example/-/link/"):]
		if a := b.post("https://one.example/blog/-/link/"+secret, nil); a.status != 410 {
			w.Errorf("the other site's link: got %d, want 410", a.status)
		}
	})
}

func TestSignOut(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b, other := w.owner(), w.owner()
		fields := formTo(t, b.get("https://ana.example/-/admin/"), "/-/signout")
		stolen := b.client.Jar.Cookies(parse(t, "https://ana.example/"))
		a := b.post("https://ana.example/-/signout", fields)
		if a.status != 303 || a.cookie("session") == nil || a.cookie("session").Value != "" {
			t.Fatalf("got %d, %v", a.status, a.header)
		}
		if a := b.get("https://ana.example/-/admin/"); a.status != 401 {
			t.Errorf("after: got %d", a.status)
		}
		// The session has ended, not only its cookie.
		b.client.Jar.SetCookies(parse(t, "https://ana.example/"), stolen)
		if a := b.get("https://ana.example/-/admin/"); a.status != 401 {
			t.Errorf("with the old cookie: got %d", a.status)
		}
		if a := other.get("https://ana.example/-/admin/"); a.status != 200 {
			t.Errorf("the other browser: got %d", a.status)
		}
	})
}

// Browsers count where a form is redirected to as its destination, and our forms go to the
// service only: with the service on a host of its own, the way out is a page of the service.
func TestSignOutStaysAtTheService(t *testing.T) {
	for base, want := range map[string]string{
		"":                                  "https://ana.example/",
		"https://talk.example/ana.example/": "https://talk.example/ana.example/signin",
	} {
		inWorldOf(t, []house{{home: "https://ana.example/", base: base, language: "es"}}, func(w *world) {
			t, at := w.T, w.ana().Base
			b := w.owner()
			page := b.get(at + "admin/")
			if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self'") {
				t.Errorf("got %s", csp)
			}
			a := b.post(at+"signout", formTo(t, page, parse(t, at).Path+"signout"))
			if to, err := parse(t, at+"signout").Parse(a.header.Get("Location")); err != nil || a.status != 303 || to.String() != want {
				t.Errorf("%q: got %d to %s, want %s", base, a.status, to, want)
			}
		})
	}
}

// HOSTILE 67: after signing in, the browser goes on to a page of ours or to the inbox.
func TestReturnPathStaysHere(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		for back, want := range map[string]string{
			"/-/auth?client_id=x&a=%2F": "/-/auth?client_id=x&a=%2F",
			"/-/admin/?from=1":          "/-/admin/?from=1",
			"/-/":                       "/-/",
			"//evil.example":            "/-/admin/",
			"//evil.example/-/":         "/-/admin/",
			"/\\evil.example":           "/-/admin/",
			"/-/\\..\\\\evil.example":   "/-/admin/",
			"/%2f%2fevil.example":       "/-/admin/",
			"https:evil.example":        "/-/admin/",
			"https://evil.example/-/":   "/-/admin/",
			"https:///-/":               "/-/admin/",
			"/-/a\nb":                   "/-/admin/",
			"/-/a\r\nLocation: x":       "/-/admin/",
			"/-/\tx":                    "/-/admin/",
			"/-/../..//evil.example":    "/-/admin/",
			"/-/%2e%2e/x":               "/-/admin/",
			"/2026/":                    "/-/admin/",
			"":                          "/-/admin/",
			"javascript:alert(1)":       "/-/admin/",
		} {
			b := w.visitor()
			name := b.get("https://ana.example/-/admin/").cookie("return").Name
			b.client.Jar.SetCookies(parse(t, "https://ana.example/"), []*http.Cookie{{
				Name: name, Value: base64.RawURLEncoding.EncodeToString([]byte(back)), Path: "/", Secure: true,
			}})
			a := b.post(w.link(), nil)
			if got := a.header.Get("Location"); a.status != 303 || got != want {
				t.Errorf("%q: got %d to %q, want %q", back, a.status, got, want)
			}
			if c := a.cookie("return"); c == nil || c.Value != "" {
				t.Errorf("%q: the cookie stays", back)
			}
		}
		b := w.visitor()
		b.client.Jar.SetCookies(parse(t, "https://ana.example/"), []*http.Cookie{{Name: b.get("https://ana.example/-/admin/").cookie("return").Name, Value: "!!", Path: "/", Secure: true}})
		if a := b.post(w.link(), nil); a.header.Get("Location") != "/-/admin/" {
			t.Errorf("no base64: got %q", a.header.Get("Location"))
		}
	})
}

// A request that does not fit into a cookie is not remembered, nor is one before it
// taken for it.
func TestLongRequestsAreNotMistaken(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.visitor()
		b.get("https://ana.example/-/admin/?from=first")
		if a := b.get("https://ana.example/-/admin/?from=" + strings.Repeat("%20", 1500)); a.status != 401 {
			w.Fatalf("got %d", a.status)
		}
		if a := b.post(w.link(), nil); a.header.Get("Location") != "/-/admin/" {
			w.Errorf("got %q", a.header.Get("Location"))
		}
		long := "/-/admin/?from=" + strings.Repeat("%20", 900)
		if c := b.get("https://ana.example" + long).cookie("return"); c != nil && len(c.Name)+len(c.Value) > 4096 {
			w.Errorf("browsers drop a cookie of %d bytes", len(c.Name)+len(c.Value))
		}
	})
}

// HOSTILE 62, 115: the owner's pages are in no frame and in no cache, their address
// in no Referer, and the link's secret in no log.
func TestOwnersPagesKeepToThemselves(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.owner()
		link := w.link()
		for _, address := range []string{"https://ana.example/-/admin/", link} {
			a := b.get(address)
			csp := a.header.Get("Content-Security-Policy")
			if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "form-action 'self'") ||
				a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Referrer-Policy") == "" {
				t.Errorf("%s: got %v", address, a.header)
			}
			for _, m := range find(a.doc(t), "meta") {
				if attr(m, "name") == "referrer" {
					t.Errorf("%s: the page overrides its Referrer-Policy", address)
				}
			}
		}
		w.db.Close()
		secret := link[strings.LastIndex(link, "/")+1:]
		for _, method := range []string{"GET", "POST"} {
			if a := w.visitor().do(method, link, ""); a.status != 500 || strings.Contains(a.body, "closed") {
				t.Errorf("%s without data: got %d\n%s", method, a.status, a.body)
			}
		}
		if log := w.log.String(); strings.Contains(log, secret) || !strings.Contains(log, "request failed") {
			t.Errorf("the log has the secret, or nothing:\n%s", log)
		}
	})
}
