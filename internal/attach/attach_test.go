package attach_test

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/attach"
	"tertulia/internal/webtest"
)

const home = "https://ana.example/"

// page answers with a page, or with what is set otherwise.
func page(body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		io.WriteString(w, body)
	}
}

func look(t *testing.T, h http.Handler) (attach.Home, error) {
	t.Helper()
	web := webtest.New(t)
	web.Handle("ana.example", h)
	client := web.Client()
	client.Timeout = 10 * time.Second
	return attach.Look(t.Context(), client, parse(t, home))
}

func parse(t testing.TB, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestLookTellsWhatTheHomePageSays(t *testing.T) {
	got, err := look(t, page(`<!doctype html><html lang="es-AR"><head><title> El patio
 de Ana </title><meta name="Generator" content="Hugo 0.111.3"><link rel="webmention" href="/wm"></head>
<body><p class="h-card"><img class="u-photo" src="/ana.jpg" alt=""> <a class="p-name u-url" href="/" rel="me">Ana</a></p></body>`,
		"Date", "Sun, 22 Nov 2026 04:00:00 GMT", "Link", `</-/micropub>; rel="micropub"`))
	if err != nil {
		t.Fatal(err)
	}
	want := attach.Home{
		Status: 200, Page: true, Made: "Hugo 0.111.3", Lang: "es-AR", Title: "El patio de Ana",
		Author: attach.Author{Name: "Ana", Photo: home + "ana.jpg"}, Date: time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC),
		Links: []attach.Link{{Rel: "micropub", URL: home + "-/micropub", Header: true}, {Rel: "webmention", URL: home + "wm"}},
		Head:  []attach.Link{{Rel: "micropub", URL: home + "-/micropub", Header: true}},
	}
	got.URL = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// With the site's language in a directory, Hugo makes of the home page one that leads on (SITES 1).
func TestLookSeesAPageThatLeadsOn(t *testing.T) {
	got, err := look(t, page(`<!doctype html><title>x</title><meta http-equiv="Refresh" content="0; URL='/es/'">`))
	if err != nil || got.Refresh != home+"es/" {
		t.Errorf("got %q, %v", got.Refresh, err)
	}
}

func TestLookSurvivesHostileHomePages(t *testing.T) {
	const head = `<!doctype html><html lang=es><title>Ana</title>`
	for name, one := range map[string]struct {
		handler http.HandlerFunc
		check   func(attach.Home, error) bool
	}{
		"huge": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, head)
			for range 4000 {
				if _, err := io.WriteString(w, strings.Repeat("<p>x", 1000)); err != nil {
					return
				}
			}
		}, func(h attach.Home, err error) bool { return err == nil && h.Title == "Ana" && h.Lang == "es" }},
		"slow to begin": {func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(time.Hour):
			case <-r.Context().Done():
			}
		}, func(h attach.Home, err error) bool { return err != nil && h.Status == 0 }},
		"dripping": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, head)
			for range 100 {
				if http.NewResponseController(w).Flush() != nil {
					return
				}
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					return
				}
				io.WriteString(w, "<p>")
			}
		}, func(h attach.Home, err error) bool { return err == nil && h.Title == "Ana" }},
		"no HTML": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			io.WriteString(w, head)
		}, func(h attach.Home, err error) bool { return err == nil && !h.Page && h.Title == "" && h.Status == 200 }},
		"no type": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", ";;;")
			io.WriteString(w, head)
		}, func(h attach.Home, err error) bool { return err == nil && !h.Page }},
		"deep": {page(head + strings.Repeat("<div>", 5000)), func(h attach.Home, err error) bool { return err == nil && h.Page }},
		"bytes": {page("\x00\xff\xfe<html lang=\xff><title>\x00\x1b[31m\u202eana</title>"), func(h attach.Home, err error) bool {
			return err == nil && !strings.ContainsAny(h.Title, "\x1b\x00\u202e") && h.Lang == ""
		}},
		"long":    {page("<title>" + strings.Repeat("á", 5000) + "</title>"), func(h attach.Home, err error) bool { return err == nil && len([]rune(h.Title)) == 200 }},
		"no lang": {page(`<html lang="es&quot; onload=x()"><title>x</title>`), func(h attach.Home, err error) bool { return err == nil && h.Lang == "" }},
		"photo":   {page(`<a class="h-card" rel="me" href="/"><img class="u-photo" src="data:image/png;base64,AAAA">Ana</a>`), func(h attach.Home, err error) bool { return err == nil && h.Author.Photo == "" }},
		"circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/"+r.URL.Path, http.StatusFound) },
			func(h attach.Home, err error) bool { return err != nil }},
		"gone": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }, func(h attach.Home, err error) bool { return err == nil && h.Status == 503 && h.HeadErr != nil }},
		"no HEAD": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			page(head)(w, r)
		}, func(h attach.Home, err error) bool { return err == nil && h.HeadErr != nil && h.Title == "Ana" }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got, err := look(t, one.handler); !one.check(got, err) {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		})
	}
}

// answers is a network of one answer.
type answers func() *http.Response

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := a()
	resp.Request = r
	return resp, nil
}

// found reads the links of one page.
func found(t testing.TB, header, body string) attach.Home {
	t.Helper()
	client := &http.Client{Transport: answers(func() *http.Response {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Link": {header}}}
	})}
	h, err := attach.Look(t.Context(), client, parse(t, home))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Clients differ in what they understand: SPECS CL-1, CL-13, CL-22, CL-35.
func TestProblemsAreThoseOfRealClients(t *testing.T) {
	const at = home + "-/webmention"
	for name, one := range map[string]struct{ header, body, want string }{
		"a header":               {`<` + at + `>; rel="webmention"`, "", ""},
		"without quotes":         {`<` + at + `>; rel=webmention`, "", ""},
		"an element":             {"", `<link rel="webmention" href="/-/webmention">`, ""},
		"below a base":           {"", `<base href="/-/"><link rel="webmention" href="webmention">`, ""},
		"upper case":             {"", `<link REL="WebMention" href="/-/webmention">`, ""},
		"among others":           {`</feed>; rel="alternate"; title="a, b; c", <` + at + `>; rel="webmention"`, "", ""},
		"nothing":                {"", "", "missing "},
		"an anchor is no link":   {"", `<a rel="webmention" href="/-/webmention">x</a>`, "missing "},
		"elsewhere":              {"", `<link rel="webmention" href="https://other.example/wm">`, "other https://other.example/wm"},
		"elsewhere first":        {`<https://other.example/wm>; rel="webmention"`, `<link rel="webmention" href="/-/webmention">`, "other https://other.example/wm"},
		"rel is not first":       {`<` + at + `>; title="x"; rel="webmention"`, "", "late " + at},
		"but an element is":      {`<` + at + `>; title="x"; rel="webmention"`, `<link rel="webmention" href="/-/webmention">`, ""},
		"shared":                 {"", `<link rel="webmention pingback" href="/-/webmention">`, "shared " + at},
		"no address":             {`<` + at + `; rel="webmention"`, "", "missing "},
		"nothing but delimiters": {`,;"<>,<;>,=,`, "", "missing "},
		"unclosed quotes":        {`<` + at + `>; rel="webmention`, "", ""},
	} {
		var got []string
		for _, p := range found(t, one.header, one.body).Problems(map[string]string{"webmention": at}) {
			got = append(got, p.What+" "+p.Seen)
		}
		if strings.Join(got, "\n") != one.want {
			t.Errorf("%s: got %q, want %q", name, got, one.want)
		}
	}
}

func TestProblemsOfHead(t *testing.T) {
	h, err := look(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			w.Header().Set("Link", "<"+home+`wm>; rel="webmention"`)
		}
		page("x")(w, r)
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []attach.Problem{{What: attach.Unequal, Rel: "webmention"}}
	if diff := cmp.Diff(want, h.Problems(map[string]string{"webmention": home + "wm", "micropub": "x"}, "micropub")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzLinks(f *testing.F) {
	for _, s := range []string{`</a>; rel="webmention"`, `<a,b>;rel=x;rel=y, <c>; rel="d e"`, `<>;`, `"<a>", ,,;;=`, `<a>; title="\`, "<\x00>; rel=\xff"} {
		f.Add(s, `<base href="`+s+`"><link rel="a b" href="`+s+`">`)
	}
	f.Fuzz(func(t *testing.T, header, body string) {
		for _, l := range found(t, header, body).Links {
			if u, err := url.Parse(l.URL); l.Rel == "" || err != nil || !u.IsAbs() {
				t.Errorf("%q, %q: %+v", header, body, l)
			}
		}
	})
}

func TestLookPost(t *testing.T) {
	web := webtest.New(t)
	web.Handle("ana.example", page(`<!doctype html><meta name="tertulia-revision" content="3"><article class="h-entry">
<a class="u-in-reply-to" href="https://bea.example/a">x</a><div class="e-content"><p>Hola,
  mundo</p></div></article>`))
	p, err := attach.LookPost(t.Context(), web.Client(), parse(t, home+"p"), "tertulia-revision")
	if err != nil {
		t.Fatal(err)
	}
	if p.Status != 200 || p.Mark != "3" || !p.Shows("Hola, mundo") || p.Shows("adiós") || p.Shows("") ||
		!p.Prints("in-reply-to", "https://bea.example/a") || p.Prints("like-of", "https://bea.example/a") {
		t.Errorf("got %+v", p)
	}
	web.Down("ana.example", true)
	if _, err := attach.LookPost(t.Context(), web.Client(), parse(t, home+"p"), "x"); err == nil {
		t.Error("a site that is down is no error")
	}
}

func TestLeadsHere(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("2001:db8::1")}
	for address, want := range map[string]bool{"192.0.2.1": true, "::ffff:192.0.2.1": true, "192.0.2.2": false, "2001:db8::1": true} {
		if got := attach.LeadsHere([]netip.Addr{netip.MustParseAddr(address)}, own); got != want {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
}
