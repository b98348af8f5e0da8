package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/lang"
)

var es, en = lang.For("es"), lang.For("en")

// T-WR27: at the endpoint people find a form, filled in by its address, and their
// mistakes in their language, at the field that they are about.
func TestPeopleAtTheWebmentionEndpoint(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.say("https://bea.example/1", entry("u-in-reply-to", post, ""))
		b := w.visitor()
		for _, l := range []lang.Lang{es, en} {
			html := []string{"Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Language", l.Tag()}
			a := b.get(endpoints["webmention"]+"?target="+url.QueryEscape(post)+"&source=%22%3E%3Cscript%3E", html...)
			form := formTo(t, a, "/-/webmention")
			if a.status != 200 || form.Get("target") != post || form.Get("source") != `"><script>` {
				t.Errorf("form: got %d %v", a.status, form)
			}
			inert(t, "form", a.body)
			for code, c := range map[string]struct {
				source, target string
				status         int
				field          string
			}{
				"invalid_request": {"", "", 400, ""},
				"invalid_source":  {`javascript:alert("x")`, post, 400, "source"},
				"invalid_target":  {"https://bea.example/1", "post", 400, "target"},
				"same_url":        {post, strings.TrimSuffix(post, "/"), 400, "source"},
				"unknown_target":  {"https://bea.example/1", "https://ana.example/nothing", 400, "target"},
				"too_large":       {"https://bea.example/" + strings.Repeat("x", 9<<10), post, 413, ""},
			} {
				sent := url.Values{"source": {c.source}, "target": {c.target}}
				if code == "invalid_request" {
					sent = nil
				}
				a := b.post(endpoints["webmention"], sent, html...)
				if a.status != c.status || !strings.Contains(a.body, l.T("refusal."+code)) || !strings.Contains(a.body, `lang="`+l.Tag()+`"`) {
					t.Errorf("%s: got %d, want %d and %q:\n%s", code, a.status, c.status, l.T("refusal."+code), a.body)
				}
				marked := ""
				for _, in := range find(a.doc(t), "input") {
					if attr(in, "aria-invalid") == "true" {
						marked += attr(in, "name")
					}
				}
				if marked != c.field {
					t.Errorf("%s: the field %q is marked, want %q", code, marked, c.field)
				}
				inert(t, code, a.body)
			}
			if a := b.do("PUT", endpoints["webmention"], "", html...); a.status != 405 || !strings.Contains(a.body, l.T("refusal.method_not_allowed")) {
				t.Errorf("PUT: got %d\n%s", a.status, a.body)
			}
			a = b.post(endpoints["webmention"], url.Values{"source": {"https://bea.example/1"}, "target": {post}}, html...)
			status := a.header.Get("Location")
			if a.status != 201 || !strings.Contains(a.body, l.T("webmention.accepted")) || !strings.Contains(a.body, `href="`+status+`"`) {
				t.Errorf("accepted: got %d to %q\n%s", a.status, status, a.body)
			}
		}
		// Programs get text in English.
		for _, accept := range []string{"", "*/*", "application/json"} {
			if a := b.post(endpoints["webmention"], url.Values{"source": {"x"}, "target": {post}}, "Accept", accept, "Accept-Language", "es"); a.status != 400 || strings.Contains(a.body, "<") || !strings.Contains(a.body, "source") {
				t.Errorf("Accept %q: got %d %q", accept, a.status, a.body)
			}
		}
	})
}

// What is too much, and what is our own fault, is said as well as it can be.
func TestPeopleWhoMustWait(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.limits.PerHost = 1
		b := w.visitor()
		html := []string{"Accept", "text/html", "Accept-Language", "es"}
		sent := url.Values{"source": {"https://bea.example/1"}, "target": {post}}
		b.post(endpoints["webmention"], sent, html...)
		if a := b.post(endpoints["webmention"], sent, html...); a.status != 429 || a.header.Get("Retry-After") != "60" || !strings.Contains(a.body, es.T("refusal.too_many")) {
			t.Errorf("too many: got %d, %v\n%s", a.status, a.header, a.body)
		}
		w.db.Close()
		sent.Set("source", "https://other.example/")
		if a := b.post(endpoints["webmention"], sent, html...); a.status != 500 || !strings.Contains(a.body, es.T("refusal.server_error")) {
			t.Errorf("broken: got %d\n%s", a.status, a.body)
		}
	})
}

// A status page follows the mention. What the owner rejects or deletes looks as if it
// still waited, to the byte (DESIGN section 3; nobody learns of a decision).
func TestStatusPages(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		b := w.visitor()
		type stand struct{ Source, Target, Status, Summary string }
		look := func(status string) (string, stand) {
			t.Helper()
			var s stand
			program := b.get(status, "Accept", "application/json")
			if err := json.Unmarshal([]byte(program.body), &s); err != nil || program.status != 200 {
				t.Fatalf("got %d %s", program.status, program.body)
			}
			person := b.get(status, "Accept", "text/html", "Accept-Language", "es")
			inert(t, status, person.body)
			if person.status != 200 || person.header.Get("Cache-Control") != "no-store" || !strings.Contains(person.header.Get("Vary"), "Accept") {
				t.Errorf("got %d, %v", person.status, person.header)
			}
			return person.body, s
		}
		page := entry("u-in-reply-to", post, `<p class="e-content">Hola</p>`)

		w.say("https://ok.example/1", page)
		status := b.post(endpoints["webmention"], url.Values{"source": {"https://ok.example/1"}, "target": {post}}).header.Get("Location")
		if _, s := look(status); s.Status != "pending" || s.Source != "https://ok.example/1" || s.Target != post {
			t.Errorf("just received: got %+v", s)
		}
		settle()
		waits, pending := look(status)
		if pending.Status != "pending" || !strings.Contains(waits, es.T("stage.pending.name")) {
			t.Errorf("waiting: got %+v\n%s", pending, waits)
		}
		for _, decision := range []string{"reject", "delete"} {
			time.Sleep(time.Hour)
			w.decide(status, decision)
			body, s := look(status)
			if diff := cmp.Diff(waits, body); diff != "" || s != pending {
				t.Errorf("%s shows: %+v\n%s", decision, s, diff)
			}
			time.Sleep(time.Hour)
			if again := w.mention("https://ok.example/1", post); again != status {
				t.Errorf("%s: sent again, another status page", decision)
			}
			if body, s := look(status); body != waits || s != pending {
				t.Errorf("%s, sent again: %+v\n%s", decision, s, cmp.Diff(waits, body))
			}
		}

		w.say("https://fine.example/", page)
		fine := w.mention("https://fine.example/", post)
		w.decide(fine, "approve")
		if body, s := look(fine); s.Status != "success" || !strings.Contains(body, es.T("stage.approved.name")) {
			t.Errorf("approved: got %+v", s)
		}
		w.say("https://fine.example/", "nothing")
		w.mention("https://fine.example/", post)
		if body, s := look(fine); s.Status != "deleted" || !strings.Contains(body, es.T("stage.withdrawn.name")) {
			t.Errorf("withdrawn: got %+v\n%s", s, body)
		}
		w.say("https://none.example/", "no link")
		if body, s := look(w.mention("https://none.example/", post)); s.Status != "failed" || s.Summary == "" || !strings.Contains(body, es.T("reason.unlinked")) {
			t.Errorf("failed: got %+v\n%s", s, body)
		}
		if body, s := look(w.mention("https://down.example/", post)); s.Status != "pending" || s.Summary == "" || !strings.Contains(body, es.T("stage.again.name")) || !strings.Contains(body, es.T("reason.unreached")) {
			t.Errorf("not reached so far: got %+v\n%s", s, body)
		}
	})
}

// HOSTILE 88: only our own proxies say who sends, and only as far as they know.
func TestWhoSendsIsNotForged(t *testing.T) {
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		as        string // address under whose limit the request counts
	}{
		"no proxy, no header":         {"203.0.113.9:1234", nil, "203.0.113.9"},
		"no proxy, forged":            {"203.0.113.9:1234", []string{"198.51.100.1"}, "203.0.113.9"},
		"proxy":                       {"127.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		"proxy, mapped":               {"[::ffff:127.0.0.1]:1234", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"proxy, forged before it":     {"127.0.0.1:1234", []string{"192.0.2.1, 198.51.100.1"}, "198.51.100.1"},
		"proxy, two headers":          {"127.0.0.1:1234", []string{"192.0.2.1", "198.51.100.1"}, "198.51.100.1"},
		"two proxies":                 {"127.0.0.1:1234", []string{"192.0.2.1, 198.51.100.1, 10.0.0.7"}, "198.51.100.1"},
		"proxies only":                {"127.0.0.1:1234", []string{"10.0.0.8, 10.0.0.7"}, "10.0.0.8"},
		"malformed":                   {"127.0.0.1:1234", []string{"198.51.100.1, bogus"}, "127.0.0.1"},
		"empty":                       {"127.0.0.1:1234", []string{""}, "127.0.0.1"},
		"malformed further off":       {"127.0.0.1:1234", []string{"bogus, 198.51.100.1"}, "198.51.100.1"},
		"malformed behind a proxy":    {"127.0.0.1:1234", []string{"<script>, 10.0.0.7"}, "10.0.0.7"},
		"fifty hops":                  {"127.0.0.1:1234", []string{strings.Repeat("192.0.2.1, ", 49) + "198.51.100.1"}, "198.51.100.1"},
		"IPv6, by the network":        {"127.0.0.1:1234", []string{"2001:db8::1"}, "2001:db8::ffff"},
		"IPv6 with a zone":            {"127.0.0.1:1234", []string{"fe80::1%eth0"}, "fe80::1"},
		"another header is not heard": {"127.0.0.1:1234", nil, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				post := w.post("Base camp", "The networks are loudspeakers.")
				w.limits.PerSender = 1
				w.server.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}
				send := func(peer string, forwarded []string) int {
					body := url.Values{"source": {"https://bea.example/1"}, "target": {post}}.Encode()
					r := httptest.NewRequest("POST", endpoints["webmention"], strings.NewReader(body))
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					r.Header.Set("X-Real-Ip", "192.0.2.77")
					r.Header.Set("Forwarded", "for=192.0.2.77")
					r.Header["X-Forwarded-For"] = forwarded
					r.RemoteAddr = peer
					rec := httptest.NewRecorder()
					w.handler.ServeHTTP(rec, r)
					return rec.Code
				}
				if got := send("203.0.113.200:1", nil); got != http.StatusCreated {
					w.Fatalf("somebody else: got %d", got)
				}
				if got := send(c.peer, c.forwarded); got != http.StatusCreated {
					w.Fatalf("first: got %d", got)
				}
				// The one under whose name it counted has used up their minute.
				as := []string{c.as}
				if got := send("127.0.0.1:9", as); got != http.StatusTooManyRequests {
					w.Errorf("it did not count as %s (got %d)", c.as, got)
				}
			})
		})
	}
}
