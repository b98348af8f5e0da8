package web_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/web"
)

// WIDGET 1: what pages load stays small, with everything in it.
func TestScriptsAreSmall(t *testing.T) {
	inWorld(t, func(w *world) {
		for name, most := range map[string]int{"widget.js": 4096, "count.js": 700, "conversation.css": 2048} {
			a := w.visitor().get(w.ana().Endpoint(name))
			var b bytes.Buffer
			z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
			if err != nil {
				t.Fatal(err)
			}
			z.Write([]byte(a.body))
			z.Close()
			if a.status != 200 || b.Len() > most || len(a.body) < most/2 {
				w.Errorf("%s: got %d, %d bytes after gzip -9, want at most %d", name, a.status, b.Len(), most)
			}
			t.Logf("%s: %d bytes, %d after gzip -9", name, len(a.body), b.Len())
		}
	})
}

// WIDGET 4: the widget is kept for a short time, and for good under the address with its
// hash; any page may load it and check it. It emits no styles and no strings of HTML, runs
// nothing, and knows its service.
func TestWidgetIsServed(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.visitor()
		embed := web.Embed(w.ana().Base)
		for address, want := range map[string]string{
			w.ana().Endpoint("widget.js"): "public, max-age=300", w.ana().Endpoint("widget.js?v=0123456789ab"): "public, max-age=300",
			embed.Script: "public, max-age=31536000, immutable",
		} {
			a := b.get(address)
			h := a.header
			if a.status != 200 || h.Get("Cache-Control") != want || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("ETag") == "" ||
				h.Get("Content-Type") != "text/javascript; charset=utf-8" || h.Get("X-Content-Type-Options") != "nosniff" || len(h.Values("Set-Cookie")) != 0 {
				t.Errorf("%s: got %d, %v", address, a.status, h)
			}
			sum := sha512.Sum384([]byte(a.body))
			if got := "sha384-" + base64.StdEncoding.EncodeToString(sum[:]); got != embed.Integrity {
				t.Errorf("%s: integrity %s, want %s", address, got, embed.Integrity)
			}
			if again := b.get(address, "If-None-Match", h.Get("ETag")); again.status != 304 {
				t.Errorf("%s again: got %d", address, again.status)
			}
		}
		body := b.get(embed.Script).body
		if !strings.Contains(body, `base = "https://ana.example/-/"`) || strings.Contains(body, "@css") {
			t.Error("the widget lacks its address or its styles")
		}
		for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "parseFromString", "eval(", "Function(", "cookie", "localStorage", "sessionStorage", ".style.", "url(", "\\`"} {
			if strings.Contains(body, never) {
				t.Errorf("the widget has %q", never)
			}
		}
		if css := b.get(w.ana().Endpoint("conversation.css")).body; strings.ContainsAny(css, "`\\$") || !strings.Contains(body, css) {
			t.Error("the styles are not whole in the widget")
		}
		if a := b.post(embed.Script, url.Values{}); a.status != 405 {
			t.Errorf("POST: got %d", a.status)
		}
		if want := "script-src https://ana.example/-/widget.js; connect-src https://ana.example/-/; img-src https://ana.example/-/; form-action https://ana.example/-/"; embed.Policy != want {
			t.Errorf("got %q", embed.Policy)
		}
	})
}

// A list of pages is counted in one request, in its order, in the page's words.
func TestCounts(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		other := w.post("Another", "Words.")
		w.replied("https://other.example/1", other, entry("u-like-of", other, ""))
		w.mention("https://waits.example/1", other) // nothing of it is public
		ask := func(query string, pages ...string) string {
			a := w.visitor().get(w.ana().Endpoint("counts?" + query + url.Values{"url": pages}.Encode()))
			if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "*" || !json.Valid([]byte(a.body)) {
				t.Errorf("%q: got %d %v", pages, a.status, a.header)
			}
			return strings.TrimSpace(a.body)
		}
		for _, c := range []struct{ got, want string }{
			{ask("", post, other), `[{"count":7,"text":"7 respuestas"},{"count":1,"text":"1 respuesta"}]`},
			{ask("lang=en&", other, post), `[{"count":1,"text":"1 response"},{"count":7,"text":"7 responses"}]`},
			{ask("", other, "https://evil.example/", "", "%", strings.Repeat("x", 5000), other+"#x"), `[{"count":1,"text":"1 respuesta"},` + strings.Repeat(`{"count":0,"text":"0 respuestas"},`, 4) + `{"count":1,"text":"1 respuesta"}]`},
			{ask(""), `[]`},
		} {
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		if n := strings.Count(ask("", make([]string, 200)...), "count"); n != 50 {
			t.Errorf("of 200 pages %d are counted, want 50", n)
		}
	})
}
