package webmention_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tertulia/mf2"
	"tertulia/webmention"
)

// What is accepted reads the same when it is written and read again.
func FuzzParseURL(f *testing.F) {
	for _, s := range seeds(f, false, "accepted", "refused") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := webmention.ParseURL(s)
		if err != nil {
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
			t.Fatalf("ParseURL(%q) accepted %#v", s, u)
		}
		again, err := webmention.ParseURL(u.String())
		if err != nil && len(u.String()) <= 2048 {
			t.Fatalf("ParseURL(%q) gave %q, which it refuses: %v", s, u, err)
		}
		if err == nil && again.Host != u.Host {
			t.Fatalf("ParseURL(%q): host %q became %q", s, u.Host, again.Host)
		}
	})
}

// Whatever form is sent, what is handed on is two addresses, and the rest is refused.
func FuzzReceive(f *testing.F) {
	for _, s := range seeds(f, true, "request") {
		f.Add(strings.TrimSuffix(s, "\n"), false)
		f.Add(strings.ReplaceAll(s, "\n", "\r\n"), true)
	}
	f.Fuzz(func(t *testing.T, body string, multi bool) {
		in, kind := &inbox{}, form
		if multi {
			kind = "multipart/form-data; boundary=x"
		}
		w := post(&webmention.Receiver{Inbox: in}, kind, body)
		if (w.Code == 202) != (len(in.got) == 1) || !slices.Contains([]int{202, 400, 413}, w.Code) {
			t.Fatalf("got %d, %d handed on", w.Code, len(in.got))
		}
		for _, r := range in.got {
			for _, u := range []fmt.Stringer{r.Source, r.Target} {
				if _, err := webmention.ParseURL(u.String()); err != nil && len(u.String()) <= 2048 {
					t.Errorf("handed on %q: %v", u, err)
				}
			}
		}
	})
}

// loopback is this machine's own names: 127.a is a name like others, 127.1 is an address.
var loopback = regexp.MustCompile(`^(127(\.[0-9]+)+|(.+\.)?localhost\.?)$`)

// Whatever a page and its headers say, an endpoint is a public http or https URL.
func FuzzDiscover(f *testing.F) {
	for _, archive := range cases(f) {
		for _, file := range archive.Files {
			head, body, _ := strings.Cut(string(file.Data), "\n\n")
			if _, link, ok := strings.Cut(head, "Link: "); ok {
				link, _, _ = strings.Cut(link, "\n")
				f.Add(link, body)
			} else if strings.Contains(body, "rel") {
				f.Add("", body)
			}
		}
	}
	f.Add(`<`, `<a`)
	f.Add(`<a>;rel="`, `<base href="//[">`)
	f.Add(`<//127.A>;rel=weBmention`, `0`)
	f.Add(`<//127.1>;rel=webmention, <//a.LOCALHOST>;rel=webmention`, `0`)
	f.Fuzz(func(t *testing.T, link, body string) {
		net := web{"t.example": func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Link"] = []string{link}
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte(body))
		}}
		u, err := (&webmention.Sender{Client: net.client()}).Discover(context.Background(), mustURL(t, "https://t.example/"))
		if err == nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || loopback.MatchString(u.Hostname())) {
			t.Errorf("Link %q, page %q: endpoint %q", link, body, u)
		}
	})
}

// No page makes Verify panic or fail, and what is only text in a page is no link.
func FuzzVerifyHTML(f *testing.F) {
	for _, s := range append(seeds(f, false, "linked", "not"), `</p>`, strings.Repeat("<b><p>", 300), `<base href="//[">`, `<img srcset=", ,,a">`) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := verify(t, web{"friend.example": page("text/html; charset=utf-8", s)}, source, target)
		if got.Linked != (got.Outcome == webmention.Linked) {
			t.Errorf("linked %v, outcome %v for %q", got.Linked, got.Outcome, s)
		}
		absolute(t, got)
		quoted := verify(t, web{"friend.example": page("text/html; charset=utf-8", html.EscapeString(s))}, source, target)
		if quoted.Linked {
			t.Errorf("linked from the mere text %q", s)
		}
	})
}

// The same for what is no HTML: nothing is linked without the target's last word.
func FuzzVerifyJSON(f *testing.F) { fuzzOther(f, "application/json") }

func FuzzVerifyText(f *testing.F) { fuzzOther(f, "text/plain; charset=utf-8") }

func fuzzOther(f *testing.F, contentType string) {
	for _, s := range append(seeds(f, false, "linked", "not"), "see ("+target+").", "https://[", "{", `"\ud800"`, "[1,", `["`+target+`"]`) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := verify(t, web{"friend.example": page(contentType, s)}, source, target)
		if got.Linked && !strings.Contains(s, "post") && !strings.ContainsAny(s, "%\\") {
			t.Errorf("linked from %q", s)
		}
		absolute(t, got)
	})
}

func absolute(t *testing.T, v webmention.Verification) {
	t.Helper()
	for u := range v.Links() {
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			t.Errorf("the source links to %q", u)
		}
	}
}

// Whatever a status page says, it is a state that we know and a line of bounded length.
func FuzzStatus(f *testing.F) {
	for _, archive := range cases(f) {
		for _, file := range archive.Files {
			if _, body, _ := strings.Cut(string(file.Data), "\n\n"); strings.Contains(body, "status") {
				f.Add(expand(body), true)
				f.Add(expand(body), false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body string, isJSON bool) {
		kind := "text/plain"
		if isJSON {
			kind = "application/json"
		}
		s := &webmention.Sender{Client: web{"t.example": page(kind, body)}.client()}
		report, err := s.Status(t.Context(), mustURL(t, "https://t.example/"))
		if err != nil || report.State > webmention.StateGone || report.State < 0 {
			t.Fatalf("got %+v, %v", report, err)
		}
		if n := utf8.RuneCountInString(report.Text); n > 200 || !utf8.ValidString(report.Text) || strings.ContainsAny(report.Text, "\n\r\t\x00\u202e") {
			t.Errorf("got the text %q", report.Text)
		}
	})
}

func FuzzLinks(f *testing.F) {
	f.Add(`<a href="https://a.example/">`)
	f.Add(`(https://b.example/y_(z)), [d](https://d.example/d). http://[ https://%zz`)
	f.Fuzz(func(t *testing.T, s string) {
		item := mf2.Item{Properties: map[string][]any{"content": {s, map[string]any{"html": s}}, "category": {s}}}
		for _, u := range webmention.Links(item, mustURL(t, source)) {
			if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
				t.Errorf("%q gave %q", s, u)
			}
		}
	})
}
