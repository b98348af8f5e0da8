package webmention_test

import (
	"net/http"
	"net/url"
	"testing"

	"tertulia/internal/webtest"
	"tertulia/webmention"
)

// What was read for one target is good for the others that it links to, and proves
// nothing about those that it does not.
func TestOneLookIsGoodForManyTargets(t *testing.T) {
	web := webtest.New(t)
	pages := map[string][2]string{
		"/html":  {"text/html", `<base href="https://me.example/"><a href="a">x</a> <a href="/b#c">x</a>`},
		"/json":  {"application/json", `["https://me.example/a", {"u": "https://me.example/b#c"}]`},
		"/text":  {"text/plain", "https://me.example/a and https://me.example/b#c"},
		"/image": {"image/png", "https://me.example/a"},
	}
	web.Handle("bea.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", pages[r.URL.Path][0])
		_, _ = w.Write([]byte(pages[r.URL.Path][1]))
	}))
	v := webmention.Verifier{Client: web.Client()}
	at := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for path := range pages {
		seen, err := v.Verify(t.Context(), at("https://bea.example"+path), at("https://me.example/never"))
		if err != nil {
			t.Fatal(err)
		}
		memory := seen.Memory()
		for target, want := range map[string]bool{
			"https://me.example/a": true, "https://me.example/b#c": true, "https://me.example/a#x": true,
			"https://me.example/b": false, "https://me.example/c": false,
		} {
			got, ok := v.Again(memory, at(target))
			want = want && path != "/image"
			if ok != want || ok && (got.Outcome != webmention.Linked || !got.Linked || got.Reason != "the page links here") {
				t.Errorf("%s for %s: got %t %+v, want %t", path, target, ok, got.Outcome, want)
			}
		}
		if seen.Outcome == webmention.Linked || path != "/image" && memory.Size() != len(pages[path][1]) {
			t.Errorf("%s: the look itself became %s, %d bytes", path, seen.Outcome, seen.Size)
		}
	}
	if n := len(web.Requests("bea.example")); n != len(pages) {
		t.Errorf("%d requests, want %d", n, len(pages))
	}
}
