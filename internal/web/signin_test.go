package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/internal/leaktest"
	"tertulia/internal/site"
)

const (
	signin = "https://ana.example/-/signin"
	phrase = "caballo grapa correcta"
)

// withPassphrase gives Ana a passphrase.
func (w *world) withPassphrase() {
	w.Helper()
	leaktest.Secret(phrase)
	if err := w.ana().Access.SetPassphrase(w.Context(), "", phrase, ""); err != nil {
		w.Fatal(err)
	}
}

func guess(me, phrase string) url.Values { return url.Values{"me": {me}, "passphrase": {phrase}} }

// from sends a guess from an address, perhaps through proxies.
func (w *world) from(address, phrase string, cookies []*http.Cookie, forwarded ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", signin, strings.NewReader(guess("https://ana.example/", phrase).Encode()))
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(address), 1234).String()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, f := range forwarded {
		if f == "" {
			continue
		}
		r.Header.Add("X-Forwarded-For", f)
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// A passphrase that is set on the page signs in, and goes on to where the browser was
// held up. The page works with password managers, and offers no passphrase before there is one.
func TestPassphrase(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		if a := w.visitor().get(signin); a.status != 200 || strings.Contains(a.body, `type="password"`) {
			t.Errorf("before there is one: got %d: %s", a.status, a.body)
		}
		page := "https://ana.example/-/admin/sessions"
		b, other := w.owner(), w.owner()
		form := formTo(t, b.get(page), "/-/admin/sessions")
		for _, bad := range []string{"", "short", strings.Repeat("x", 1025), "\xff\xfe not utf-8 at all"} {
			if a := b.post(page, url.Values{"form": form["form"], "do": {"passphrase"}, "passphrase": {bad}}); a.status != 400 || !strings.Contains(a.body, `role="alert"`) {
				t.Errorf("%.20q: got %d", bad, a.status)
			}
		}
		if a := b.post(page, url.Values{"form": form["form"], "do": {"passphrase"}, "passphrase": {phrase}}); a.status != 303 {
			t.Fatalf("set: got %d", a.status)
		}
		if a := b.get(page); a.status != 200 || strings.Contains(a.body, phrase) {
			t.Errorf("who has set it: got %d", a.status)
		}
		if a := other.get(page); a.status != 401 {
			t.Errorf("another session stays: got %d", a.status)
		}
		a := other.get("https://ana.example/-/admin/?from=here")
		if !strings.Contains(a.body, `autocomplete="current-password"`) || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the page: %v %s", a.header, a.body)
		}
		fields := formTo(t, a, "/-/signin")
		fields.Set("passphrase", phrase+"!")
		if a := other.post(signin, fields); a.status != 401 || a.cookie("session") != nil || !strings.Contains(a.body, `role="alert"`) || strings.Contains(a.body, phrase) {
			t.Errorf("wrong: got %d: %s", a.status, a.body)
		}
		fields.Set("passphrase", phrase)
		if a := other.post(signin, fields, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
			t.Errorf("from elsewhere: got %d", a.status)
		}
		if a := other.post(signin, fields); a.status != 303 || a.header.Get("Location") != "/-/admin/?from=here" {
			t.Errorf("right: got %d to %q", a.status, a.header.Get("Location"))
		}
		if a := other.get(page, "Accept-Language", "en"); a.status != 200 || !strings.Contains(a.body, "with the passphrase") {
			t.Errorf("signed in: got %d: %s", a.status, a.body)
		}
		form = formTo(t, other.get(page), "/-/admin/sessions")
		if a := other.post(page, url.Values{"form": form["form"], "do": {"no-passphrase"}}); a.status != 303 {
			t.Errorf("remove: got %d", a.status)
		}
		if a := w.visitor().post(signin, fields); a.status != 401 {
			t.Errorf("after it was removed: got %d", a.status)
		}
		if strings.Contains(w.log.String(), phrase) {
			t.Error("the passphrase is in the log")
		}
	})
}

// The same passphrase, typed on another keyboard; and whose it is matters.
func TestPassphraseIsAPersons(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Moderator)
		if err := w.ana().Access.SetPassphrase(w.Context(), bea, "canci\u00f3n de agosto", ""); err != nil {
			w.Fatal(err)
		}
		for _, c := range []struct {
			me, phrase string
			want       int
		}{
			{bea, "canci\u00f3n de agosto", 303}, {"bea.example", "cancio\u0301n de agosto", 303}, {bea, "Canci\u00f3n de agosto", 401},
			{"https://ana.example/", "canci\u00f3n de agosto", 401}, {"", "canci\u00f3n de agosto", 401}, {"https://eve.example/", "canci\u00f3n de agosto", 401},
			{"\x00\xff", "canci\u00f3n de agosto", 401},
		} {
			if a := w.visitor().post(signin, guess(c.me, c.phrase)); a.status != c.want {
				w.Errorf("%q with %q: got %d, want %d", c.me, c.phrase, a.status, c.want)
			}
		}
		w.ana().Keepers = nil
		if a := w.visitor().post(signin, guess(bea, "canci\u00f3n de agosto")); a.status == 303 {
			w.Errorf("somebody who was dismissed is signed in")
		}
	})
}

// HOSTILE 66: a thousand guesses, from ever other addresses or with ever other
// X-Forwarded-For, are some dozens; a browser that has signed in before still may.
func TestGuessesAreLimited(t *testing.T) {
	for name, address := range map[string]func(i int) (string, string){
		"one address":        func(int) (string, string) { return "198.51.100.7", "" },
		"made-up forwarders": func(i int) (string, string) { return "198.51.100.7", fmt.Sprintf("203.0.113.%d", i%250) },
		"one /64":            func(i int) (string, string) { return fmt.Sprintf("2001:db8::%x", i+1), "" },
		"many /64":           func(i int) (string, string) { return fmt.Sprintf("2001:db8:0:%x::1", i+1), "" },
		"many, by the proxy": func(i int) (string, string) { return "127.0.0.1", fmt.Sprintf("203.0.%d.%d", i/250, i%250) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.server.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
				w.withPassphrase()
				b := w.owner()
				known := slices.DeleteFunc(b.client.Jar.Cookies(parse(t, signin)), func(c *http.Cookie) bool { return !strings.Contains(c.Name, "-device-") })
				if len(known) != 1 {
					t.Fatalf("got %v, want a device cookie", known)
				}
				tried := 0
				for i := range 1000 {
					from, forwarded := address(i)
					rec := w.from(from, fmt.Sprintf("guess number %d", i), nil, forwarded)
					switch rec.Code {
					case 401:
						tried++
					case 429:
						if rec.Header().Get("Retry-After") == "" {
							t.Fatal("no Retry-After")
						}
					default:
						t.Fatalf("guess %d: got %d", i, rec.Code)
					}
				}
				want := 10
				if strings.HasPrefix(name, "many") {
					want = 30
				}
				if tried != want {
					t.Errorf("%d of 1,000 were tried, want %d", tried, want)
				}
				from, forwarded := address(7)
				if rec := w.from(from, phrase, nil, forwarded); rec.Code != 429 {
					t.Errorf("the right one after all these: got %d", rec.Code)
				}
				if rec := w.from(from, phrase, known, forwarded); rec.Code != 303 {
					t.Errorf("from a known device: got %d", rec.Code)
				}
				// A known device has a budget of its own, and an end to it.
				last := 0
				for range 11 {
					last = w.from(from, "wrong passphrase", known, forwarded).Code
				}
				if last != 429 {
					t.Errorf("eleven guesses from a known device: got %d", last)
				}
				if rec := w.from("192.0.2.1", phrase, []*http.Cookie{{Name: known[0].Name, Value: "made up"}}); name == "many /64" && rec.Code != 429 {
					t.Errorf("with a made-up device: got %d", rec.Code)
				}
				time.Sleep(2 * time.Hour)
				if rec := w.from(from, phrase, nil, forwarded); rec.Code != 303 {
					t.Errorf("two hours later: got %d", rec.Code)
				}
			})
		})
	}
}

// HOSTILE 66: a guess for somebody who does not exist, or who has no passphrase, answers
// the same and does the same work.
func TestUnknownPeopleLookLikeKnownOnes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Moderator) // and she has none
		w.withPassphrase()
		var first string
		for _, me := range []string{"https://ana.example/", bea, "https://nobody.example/"} {
			a := w.visitor().post(signin, guess(me, "not this one here"))
			body := strings.ReplaceAll(a.body, `value="`+me+`"`, "")
			if a.status != 401 {
				w.Errorf("%s: got %d", me, a.status)
			}
			if first == "" {
				first = body
			} else if body != first {
				w.Errorf("%s: the page differs", me)
			}
		}
	})
}

// After every way in, no cookie, link or passphrase is in the data, in a backup or in the log.
func TestSignInLeavesNoSecrets(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withPassphrase()
		link := w.link()
		secrets := []string{phrase, link[strings.LastIndex(link, "/")+1:]}
		b := w.visitor()
		for _, a := range []answer{b.post(link, nil), b.post(signin, guess("https://ana.example/", phrase)), b.post(signin, guess("", "another phrase of mine"))} {
			for _, c := range (&http.Response{Header: a.header}).Cookies() {
				if len(c.Value) > 20 {
					secrets = append(secrets, c.Value)
				}
			}
		}
		secrets = append(secrets, "another phrase of mine", formTo(w.T, b.get("https://ana.example/-/admin/sessions"), "/-/admin/sessions").Get("form"))
		if len(secrets) < 7 {
			w.Fatalf("only %d secrets were seen", len(secrets))
		}
		backup := filepath.Join(w.TempDir(), "backup.tar")
		if _, err := w.db.Backup(w.Context(), backup); err != nil {
			w.Fatal(err)
		}
		for _, name := range []string{filepath.Join(w.dir, "tertulia.db"), backup} {
			raw, err := os.ReadFile(name)
			if err != nil {
				w.Fatal(err)
			}
			if !strings.Contains(string(raw), "passphrase 1 ") {
				w.Errorf("%s is not what holds the records", name)
			}
			for _, secret := range secrets {
				if strings.Contains(string(raw), secret) {
					w.Errorf("%s holds %q", name, secret)
				}
			}
		}
		for _, secret := range secrets {
			if strings.Contains(w.log.String(), secret) {
				w.Errorf("the log holds %q", secret)
			}
		}
	})
}
