package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/metrics"
	"tertulia/internal/web"
)

// asked is a request as it comes to the server from a peer.
func asked(peer, address string, header ...string) *http.Request {
	r := httptest.NewRequest("GET", address, nil)
	r.RemoteAddr = peer + ":4711"
	if strings.Contains(peer, ":") {
		r.RemoteAddr = "[" + peer + "]:4711"
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func answered(h http.Handler, r *http.Request) answer {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{status: w.Code, header: w.Header(), body: w.Body.String()}
}

func TestHealthSaysWhatIsNotWell(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		var disk error
		w.server.Probes = append(w.server.Probes, web.Probe{Name: "disk", Check: func(context.Context) error { return disk }})
		const here = "http://127.0.0.1:8080/healthz"
		for _, c := range []struct {
			disk         error
			peer, what   string
			status       int
			contentType  string
			want, absent string
		}{
			{nil, "127.0.0.1", "", 200, "text/plain; charset=utf-8", "ok\n", ""},
			{nil, "203.0.113.7", "?verbose", 200, "text/plain; charset=utf-8", "ok\n", "{"},
			{nil, "127.0.0.1", "?verbose", 200, "application/json", `{"ready":true,"probes":{"data":"ok","disk":"ok"}}`, ""},
			{errors.New("page 7 is damaged"), "127.0.0.1", "", 503, "text/plain; charset=utf-8", "not ready: disk\n", "damaged"},
			{errors.New("page 7 is damaged"), "203.0.113.7", "?verbose", 503, "text/plain; charset=utf-8", "not ready: disk\n", "damaged"},
			{errors.New("page 7 is damaged"), "::1", "?verbose", 503, "application/json", `"disk":"page 7 is damaged"`, ""},
			{errors.New("page 7 is damaged"), "203.0.113.7", "?live", 200, "text/plain; charset=utf-8", "ok\n", ""},
		} {
			disk = c.disk
			for _, method := range []string{"GET", "HEAD"} {
				r := asked(c.peer, here+c.what)
				r.Method = method
				a := answered(w.handler, r)
				if a.status != c.status || a.header.Get("Content-Type") != c.contentType || a.header.Get("Cache-Control") != "no-store" || !strings.Contains(a.body, c.want) || c.absent != "" && strings.Contains(a.body, c.absent) {
					t.Errorf("%s %s from %s: got %d %v %q", method, c.what, c.peer, a.status, a.header, a.body)
				}
			}
		}
		r := asked("127.0.0.1", here)
		r.Method = "POST"
		if a := answered(w.handler, r); a.status != 405 || a.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST: got %d %v", a.status, a.header)
		}
	})
}

// Numbers are for the networks of the settings, and for nobody behind a web server that lets
// everybody through; to all others the address is one of the site's.
func TestNumbersAreForWhomTheSettingsName(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		near := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
		far := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
		for name, c := range map[string]struct {
			watchers, proxies []netip.Prefix
			peer, host        string
			header            []string
			want              int
		}{
			"this machine":                     {near, nil, "127.0.0.1", "127.0.0.1:8080", nil, 200},
			"this machine, v6":                 {near, nil, "::1", "localhost:8080", nil, 200},
			"this machine, mapped":             {near, nil, "::ffff:127.0.0.1", "[::1]:8080", nil, 200},
			"a stranger":                       {near, nil, "203.0.113.7", "127.0.0.1:8080", nil, 404},
			"a stranger who says so":           {near, nil, "203.0.113.7", "127.0.0.1:8080", []string{"X-Forwarded-For", "127.0.0.1"}, 404},
			"through a server that is unknown": {near, nil, "127.0.0.1", "127.0.0.1:8080", []string{"X-Forwarded-For", "203.0.113.7"}, 404},
			"and lies":                         {near, nil, "127.0.0.1", "127.0.0.1:8080", []string{"X-Forwarded-For", "127.0.0.1"}, 404},
			"and says it otherwise":            {near, nil, "127.0.0.1", "127.0.0.1:8080", []string{"Forwarded", "for=203.0.113.7"}, 404},
			"and says nothing":                 {near, nil, "127.0.0.1", "ana.example", nil, 404},
			"by a name that leads here":        {near, nil, "127.0.0.1", "rebound.example:8080", nil, 404},
			"a stranger through a proxy":       {near, near, "127.0.0.1", "ana.example", []string{"X-Forwarded-For", "203.0.113.7"}, 404},
			"beside a proxy":                   {near, near, "127.0.0.1", "127.0.0.1:8080", nil, 200},
			"a proxy that says nothing":        {near, near, "127.0.0.1", "ana.example", nil, 404},
			"a proxy that says nonsense":       {near, near, "127.0.0.1", "ana.example", []string{"X-Forwarded-For", "unknown"}, 404},
			"the network through a proxy":      {far, near, "127.0.0.1", "ana.example", []string{"X-Forwarded-For", "10.1.0.5"}, 200},
			"the network":                      {far, nil, "10.1.0.5", "ana.example", nil, 200},
			"another network":                  {far, nil, "10.2.0.5", "ana.example", nil, 404},
			"nobody":                           {nil, nil, "127.0.0.1", "127.0.0.1:8080", nil, 404},
		} {
			w.server.Watchers, w.server.Proxies = c.watchers, c.proxies
			r := asked(c.peer, "http://127.0.0.1:8080/metrics", c.header...)
			r.Host = c.host
			if a := answered(w.handler, r); a.status != c.want {
				t.Errorf("%s: got %d, want %d", name, a.status, c.want)
			}
		}
		w.server.Watchers, w.server.Proxies = near, nil
		w.write("metrics.html", "<p>Poetry")
		if a := answered(w.handler, asked("203.0.113.7", "http://ana.example/metrics.html")); a.status != 200 {
			t.Errorf("a page of the site: %d", a.status)
		}
	})
}

// Requests are counted by what they are for, whatever a visitor asks for.
func TestRequestsAreCounted(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.server.Watchers = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		w.server.Numbers = func(_ context.Context, page *metrics.Page) error {
			page.Family("more", metrics.Gauge, "More.")
			page.Sample(7)
			return nil
		}
		b := w.visitor()
		numbers := func() map[string]bool {
			a := answered(w.handler, asked("127.0.0.1", "http://127.0.0.1:8080/metrics"))
			if a.status != 200 || a.header.Get("Content-Type") != metrics.ContentType {
				t.Fatalf("got %d %v", a.status, a.header)
			}
			lines := map[string]bool{}
			for line := range strings.Lines(a.body) {
				lines[strings.TrimSpace(line)] = true
			}
			return lines
		}
		before := len(numbers())
		b.get("https://ana.example/")
		b.get("https://ana.example/nothing-here")
		b.get("https://ana.example/-/admin/")
		b.get("https://ana.example/-/api/count?target=https://ana.example/")
		b.get("https://ana.example/-/webmention/x")
		b.get("https://ana.example/-/anything/at/all")
		after := numbers()
		for _, want := range []string{
			`tertulia_http_requests_total{group="pages",code="2xx"} 1`, `tertulia_http_requests_total{group="pages",code="4xx"} 1`,
			`tertulia_http_requests_total{group="owner",code="4xx"} 1`, `tertulia_http_requests_total{group="api",code="2xx"} 1`,
			`tertulia_http_requests_total{group="webmention",code="4xx"} 1`, `tertulia_http_requests_total{group="other",code="4xx"} 1`,
			`tertulia_http_request_seconds_count{group="pages"} 2`, "more 7",
		} {
			if !after[want] {
				t.Errorf("there is no %s", want)
			}
		}
		for i := range 100 {
			b.get("https://ana.example/-/x" + strings.Repeat("y", i))
		}
		// Each answer with a new first digit is one more series, and no address is.
		if grown := len(numbers()) - before; grown > 10 {
			t.Errorf("there are %d more lines", grown)
		}
		w.server.Numbers = func(context.Context, *metrics.Page) error { return errors.New("page 7 is damaged") }
		if a := answered(w.handler, asked("127.0.0.1", "http://127.0.0.1:8080/metrics")); a.status != 503 || strings.Contains(a.body, "damaged") {
			t.Errorf("broken: got %d %q", a.status, a.body)
		}
		r := asked("127.0.0.1", "http://127.0.0.1:8080/metrics")
		r.Method = "POST"
		if a := answered(w.handler, r); a.status != 405 {
			t.Errorf("POST: got %d", a.status)
		}
	})
}

// What stands between must not take anything away that handlers and proxies need.
func TestWhatCountsAnswersLetsThemThrough(t *testing.T) {
	var flushed, deadline error
	h := web.Measured(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		control := http.NewResponseController(w)
		flushed = control.Flush()
		_, deadline = w.Write([]byte("x"))
	}))
	a := answered(h, asked("127.0.0.1", "http://localhost/"))
	if diff := cmp.Diff([]any{418, "x", nil, nil}, []any{a.status, a.body, flushed, deadline}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
