package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/attach"
	"tertulia/internal/lang"
	"tertulia/internal/webtest"
)

// checking looks at a person's site through whatever stands in front of it.
func checking(web *webtest.Web, p *person) *checker {
	set := p.svc.app.settings
	return &checker{set: set, one: set.Sites[0], web: p.svc.app.sites[0], running: true, own: web.Client(), outside: web.Client(), l: lang.For("en")}
}

// troubles are the points that are not well, each with its state. All of them say what to do.
func troubles(t *testing.T, k *checker) []string {
	t.Helper()
	var found []string
	for _, p := range k.points {
		if p.State == "ok" {
			continue
		}
		found = append(found, p.Point+" "+p.State)
		if p.Do == "" && p.Point != "tls" {
			t.Errorf("%s: nothing to do about %q", p.Point, p.Seen)
		}
		for _, s := range []string{p.Seen, p.Do} {
			if regexp.MustCompile(`\{\d\}|check\.`).MatchString(s) {
				t.Errorf("%s: got %q", p.Point, s)
			}
		}
	}
	return found
}

// unseen: the in-memory web has no certificates.
const unseen = "tls warning"

func TestCheckSeesWhatFrontServersDo(t *testing.T) {
	// through wraps a front server around a service.
	type through = func(service http.Handler) http.HandlerFunc
	below := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/-/") }
	page := func(body string) through {
		return func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if below(r) {
					service.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Content-Type", "text/html")
				io.WriteString(w, body)
			}
		}
	}
	rels := ""
	for _, e := range (attach.Lines{Base: "https://ana.example/-/", Publish: true}).Endpoints() {
		rels += `<link rel="` + e.Rel + `" href="` + e.URL + `">`
	}
	for name, one := range map[string]struct {
		front through
		want  []string
	}{
		"nothing between":      {func(service http.Handler) http.HandlerFunc { return service.ServeHTTP }, nil},
		"links alone":          {page(rels), nil},
		"no rels":              {page("x"), []string{"rels fails", "rels fails", "rels fails", "rels fails", "rels fails"}},
		"a page that leads on": {page(`<meta http-equiv="refresh" content="0; url=/es/">`), []string{"rels fails"}},
		"shared rels":          {page(strings.ReplaceAll(rels, `"webmention"`, `"webmention pingback"`)), []string{"rels warning"}},
		"another's webmention": {page(`<link rel="webmention" href="https://webmention.example/ana">` + rels), []string{"rels fails"}},
		"no Authorization": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				r.Header.Del("Authorization")
				service.ServeHTTP(w, r)
			}
		}, []string{"authorization fails"}},
		"a body of 1 MB": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength > 1<<20 {
					http.Error(w, "too large", http.StatusRequestEntityTooLarge)
					return
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"upload fails"}},
		"cuts uploads off": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength > 1<<20 {
					panic(http.ErrAbortHandler)
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"upload fails"}},
		"another Authorization for uploads": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					r.Header.Del("Authorization")
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"upload fails"}},
		"says uploads are elsewhere": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w.Header().Set("Location", "https://ana.example/-/../etc/passwd")
					w.WriteHeader(http.StatusCreated)
					return
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"upload fails"}},
		"no HEAD": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.WriteHeader(http.StatusMethodNotAllowed)
					return
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"rels fails"}},
		"no service behind": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if below(r) {
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"endpoints fails"}},
		"the path cut off": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if below(r) {
					r.URL.Path = strings.TrimPrefix(r.URL.Path, "/-")
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"endpoints fails"}},
		"another service": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if below(r) {
					w.Header().Set("Content-Type", "application/json")
					io.WriteString(w, `{"issuer": "https://bea.example/-/"}`)
					return
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"endpoints fails"}},
		"other data": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					r.Header.Set("Authorization", "Bearer other")
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"authorization fails"}},
		"one endpoint kept": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/token") {
					http.NotFound(w, r)
					return
				}
				service.ServeHTTP(w, r)
			}
		}, []string{"endpoints fails"}},
		"down": {func(http.Handler) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, []string{"home fails"}},
		"in repair": {func(http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
		}, []string{"home fails"}},
		"a clock that is wrong": {func(service http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
				service.ServeHTTP(w, r)
			}
		}, []string{"clock warning"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				web := webtest.New(t)
				ana := newPerson(t, web, "ana.example")
				settle()
				web.Handle("ana.example", one.front(ana.svc.http))
				k := checking(web, ana)
				if err := k.check(t.Context()); err != nil {
					t.Fatal(err)
				}
				want := one.want
				if len(want) == 0 || want[0] != "home fails" {
					want = append([]string{}, want...)
					at := 0 // the clock is looked at before the certificate
					if len(want) > 0 && strings.HasPrefix(want[0], "clock") {
						at = 1
					}
					want = append(want[:at], append([]string{unseen}, want[at:]...)...)
				}
				if diff := cmp.Diff(want, troubles(t, k)); diff != "" {
					t.Errorf("(-want +got):\n%s\n%+v", diff, k.points)
				}
				// Whatever happened, nothing of ours is left.
				tokens, err := k.web.Access.Tokens(t.Context())
				if err != nil || len(tokens) != 1 {
					t.Errorf("%d tokens are left, %v", len(tokens), err)
				}
				files, err := filepath.Glob(filepath.Join(k.set.mediaDir(k.web.Key), "*.*"))
				if err != nil || len(files) > 0 {
					t.Errorf("files are left: %v, %v", files, err)
				}
			})
		})
	}
}

func TestCheckLooksAtTheNewestPost(t *testing.T) {
	for name, one := range map[string]struct {
		body string
		want []string
	}{
		"as it is kept":  {"", nil},
		"before a build": {`<meta name="tertulia-revision" content="0"><article class="h-entry"><a class="u-in-reply-to" href="https://bea.example/a">x</a></article>`, []string{"post warning"}},
		"without a mark": {`<article class="h-entry"><a class="u-in-reply-to" href="https://bea.example/a">x</a><p class="e-content">Hola a Bea</p></article>`, []string{"post warning"}},
		"without link":   {`<article class="h-entry"><p class="e-content">Hola a Bea</p></article>`, []string{"post fails"}},
		"another page":   {`<article class="h-entry"><a class="u-in-reply-to" href="https://bea.example/a">x</a></article>`, []string{"post fails"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				web := webtest.New(t)
				ana := newPerson(t, web, "ana.example")
				post := ana.micropub(201, "h=entry&content=Hola+a+Bea&in-reply-to=https://bea.example/a")
				settle()
				web.Handle("ana.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if "https://ana.example"+r.URL.Path == post && one.body != "" {
						w.Header().Set("Content-Type", "text/html")
						io.WriteString(w, one.body)
						return
					}
					ana.svc.http.ServeHTTP(w, r)
				}))
				k := checking(web, ana)
				if err := k.check(t.Context()); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(append([]string{unseen}, one.want...), troubles(t, k)); diff != "" {
					t.Errorf("(-want +got):\n%s\n%+v", diff, k.points)
				}
			})
		})
	}
}

// What pages do not name is printed as their web server wants it, whichever that is.
func TestCheckSaysWhatToPaste(t *testing.T) {
	for name, c := range map[string]struct {
		settings     string
		want, absent []string
	}{
		"attached by links": {"url='https://talk.example/'\n[[site]]\nurl='https://ana.example/'\n", []string{
			`<link rel="webmention" href="https://talk.example/ana.example/webmention">`, "server_name talk.example;", "talk.example {\n    reverse_proxy 127.0.0.1:8080",
			"/*\n  Link: <https://talk.example/ana.example/webmention>", "/-/*  https://talk.example/-/:splat  200!"}, []string{"@pages", "[Unit]"}},
		"below its own address": {"url='https://ana.example/-/'\nlisten='0.0.0.0:9001'\n[[site]]\nurl='https://ana.example/'\nbase='https://ana.example/-/'\n", []string{
			"location /-/ {\n    client_max_body_size 80m;\n    proxy_pass http://127.0.0.1:9001;", "handle /-/* {"}, []string{"200!"}},
		"from files": {"[[site]]\nurl='https://ana.example/'\nroot='/srv/mi blog'\n", []string{
			`root "/srv/mi blog";`, `root * "/srv/mi blog"`, "error_page 502 503 504 = @pages;"}, []string{"<link", "200!"}},
		"from files, with a name of its own": {"url='https://talk.example/'\n[[site]]\nurl='https://ana.example/'\nroot='/srv/blog'\n", []string{
			"root /srv/blog;", "server_name talk.example;", "\nana.example {\n", "\ntalk.example {\n    reverse_proxy 127.0.0.1:8080\n}"}, []string{"location /ana", "not path /ana"}},
		"from its server": {"[[site]]\nurl='https://ana.example/'\nupstream='http://127.0.0.1:1313'\n", []string{
			"location @pages {\n    proxy_pass http://127.0.0.1:1313;", "handle @pages {\n            reverse_proxy http://127.0.0.1:1313"}, []string{"<link", "root "}},
	} {
		set := load(t, c.settings, nil)
		k := &checker{set: set, one: set.Sites[0], l: lang.For("en")}
		k.rels()
		all := ""
		for i, p := range k.points {
			if (len(p.Paste) > 0) != (i == len(k.points)-1) {
				t.Errorf("%s: point %d of %d has %d texts", name, i, len(k.points), len(p.Paste))
			}
			for _, one := range p.Paste {
				all += "\n== " + one.Title + "\n" + one.Text
			}
		}
		for _, want := range c.want {
			if !strings.Contains(all, want) {
				t.Errorf("%s: there is no %q in%s", name, want, all)
			}
		}
		for _, absent := range c.absent {
			if strings.Contains(all, absent) {
				t.Errorf("%s: there is %q in%s", name, absent, all)
			}
		}
		var out strings.Builder
		if err := show(k.points, k.l, false, stdio{out: &out, err: io.Discard}); err == nil || !strings.HasSuffix(out.String(), strings.TrimPrefix(k.points[len(k.points)-1].Paste[len(k.points[len(k.points)-1].Paste)-1].Text, "\n")+"\n") {
			t.Errorf("%s: printed %s", name, out.String())
		}
	}
}

func TestCheckOfCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	set := defaults()
	set.Sites = []siteSettings{{URL: server.URL + "/", Publish: publishSettings{Preset: "none"}}}
	k := &checker{set: set, one: set.Sites[0], own: set.checking(set.Sites[0]), l: lang.For("es")}
	k.look(t.Context())
	if diff := cmp.Diff([]string{"tls fails"}, troubles(t, k)); diff != "" {
		t.Errorf("nobody knows who signed it (-want +got):\n%s", diff)
	}
	for days, want := range map[int][]string{60: nil, 3: {"tls warning"}} {
		k.points, k.home.Expires = nil, time.Now().Add(time.Duration(days)*24*time.Hour+time.Hour)
		k.certificate(t.Context(), address(t, server.URL))
		if diff := cmp.Diff(want, troubles(t, k)); diff != "" {
			t.Errorf("%d days (-want +got):\n%s", days, diff)
		}
	}
}

func address(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Every sentence that check says has a name in the catalogues, and every name is said.
func TestCheckHasItsSentences(t *testing.T) {
	said := map[string]bool{}
	names, err := filepath.Glob("check*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`k\.(?:ok|warn|fail)\("([a-z]+)", "([a-z.]+)"`).FindAllSubmatch(b, -1) {
			for _, key := range []string{"check.name." + string(m[1]), "check." + string(m[2])} {
				said[key], said[key+"-do"] = true, true
				if !lang.For("es").Has(key) {
					t.Errorf("%s says %q, which has no words", name, key)
				}
			}
		}
	}
	for _, key := range lang.For("en").Keys() {
		if strings.HasPrefix(key, "check.") && !strings.HasPrefix(key, "check.state.") && !said[key] {
			t.Errorf("nothing says %q", key)
		}
	}
}
