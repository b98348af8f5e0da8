package attach_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"tertulia/internal/attach"
)

// switched is a server on one address that can be stopped and started.
type switched struct {
	t       *testing.T
	address string
	handler http.HandlerFunc
	server  *http.Server
	done    chan struct{}
}

func newSwitched(t *testing.T, handler http.HandlerFunc) *switched {
	s := &switched{t: t, address: freePort(t), handler: handler}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *switched) start() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.server, s.done = &http.Server{Handler: s.handler}, make(chan struct{})
	go func(server *http.Server, done chan struct{}) {
		defer close(done)
		_ = server.Serve(l) // always ErrServerClosed
	}(s.server, s.done)
}

func (s *switched) stop() {
	_ = s.server.Close() // a second time is no failure
	<-s.done
}

// tertulia answers as the service does: with pages that have their conversation, and with
// conversations.
func tertulia(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if r.URL.Path == "/-/conversation" && r.URL.Query().Get("fragment") == "1" {
		fmt.Fprintf(w, `<section>&#123;&#123;env "HOME"}} about %s</section>`, r.URL.Query().Get("url"))
		return
	}
	fmt.Fprintf(w, "with its conversation: %s", r.URL.Path)
}

// asker gets a page of the site through a front server.
func asker(t *testing.T, client *http.Client, scheme string) func(path string, header ...string) (int, string) {
	return func(path string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://example.com"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return resp.StatusCode, string(body)
	}
}

// fronts runs a test with each web server that the lines are for.
func fronts(t *testing.T, test func(t *testing.T, name string)) {
	for _, name := range []string{"nginx", "caddy"} {
		t.Run(name, func(t *testing.T) {
			needs(t, name, true)
			test(t, name)
		})
	}
}

// While the service is down the pages are there, without their conversation; what is meant
// for the service itself fails, so that whoever sends something tries again.
func TestPagesAreThereWhileTheServiceIsDown(t *testing.T) {
	fronts(t, func(t *testing.T, front string) {
		for name, l := range map[string]attach.Lines{"root": whole, "upstream": behind} {
			t.Run(name, func(t *testing.T) {
				service := newSwitched(t, tertulia)
				l.Listen = service.address
				if name == "upstream" {
					dir := http.Dir(pages(t))
					l.Upstream = "http://" + newSwitched(t, http.FileServer(dir).ServeHTTP).address
				} else {
					l.Root = pages(t)
					put(t, l.Root, ".env", "PASSWORD")
				}
				dir, addr := t.TempDir(), freePort(t)
				var ask func(string, ...string) (int, string)
				if front == "nginx" {
					ask = asker(t, nginx(t, dir, addr, "server {\nlisten "+addr+";\nserver_name example.com;\n"+text(t, l, "nginx.conf")+"\n}"), "http")
				} else {
					ask = asker(t, caddy(t, dir, addr, text(t, l, "Caddyfile"), "example.com"), "https")
				}
				alive := func(when string) {
					t.Helper()
					for _, path := range []string{"/", "/a/", "/-/metadata"} {
						if status, body := ask(path); status != 200 || body != "with its conversation: "+path {
							t.Errorf("%s, %s: got %d %q", when, path, status, body)
						}
					}
				}
				alive("at first")
				service.stop()
				for path, want := range map[string]string{"/": "<title>the owner's home page</title>", "/a/": "<title>a page</title>"} {
					for _, header := range [][]string{nil, {"If-Modified-Since", "Sat, 21 Nov 2099 10:00:00 GMT"}, {"Range", "bytes=0-3"}} {
						status, body := ask(path, header...)
						good := status == 200 && body == want || header != nil && (status == 304 && body == "" || status == 206 && body == want[:4])
						if !good {
							t.Errorf("down, %s with %v: got %d %q", path, header, status, body)
						}
					}
				}
				if status, body := ask("/-/webmention"); status != 502 {
					t.Errorf("down, an endpoint: got %d %q", status, body)
				}
				for _, path := range []string{"/nothing/", "/.env", "/%2eenv", "/a/../.env"} {
					if status, body := ask(path); status < 400 || strings.Contains(body, "PASSWORD") {
						t.Errorf("down, %s: got %d %q", path, status, body)
					}
				}
				service.start()
				alive("again")
			})
		}
	})
}

// A page can take its conversation in by the means of the server that has it. Nothing in the
// conversation is run, and without the service there is the rest of the page.
func TestPagesTakeTheirConversationIn(t *testing.T) {
	fronts(t, func(t *testing.T, front string) {
		service := newSwitched(t, tertulia)
		l := within
		l.Listen = service.address
		root, dir, addr := t.TempDir(), t.TempDir(), freePort(t)
		page := func(include string) string { return "<title>x</title>before" + text(t, l, include) + "after" }
		var ask func(string, ...string) (int, string)
		if front == "nginx" {
			put(t, root, "a b/index.html", page("ssi.html"))
			endpoints, headers := cut(t, text(t, l, "nginx.conf"), "# In the location that serves your pages:")
			own, ssi := cut(t, text(t, l, "ssi.conf"), "# In the location that serves your pages:")
			ask = asker(t, nginx(t, dir, addr, "server {\nlisten "+addr+";\nserver_name example.com;\nroot "+root+";\n"+endpoints+own+
				"location / {\n"+headers+ssi+"\n}\n}"), "http")
		} else {
			put(t, root, "a b/index.html", page("include.html"))
			before, after := cut(t, text(t, l, "Caddyfile"), "# what serves your pages, and:")
			own, templates := cut(t, text(t, l, "Caddyfile.include"), "# In the handle that serves your pages:")
			ask = asker(t, caddy(t, dir, addr, "example.com {\n"+own+before+templates+"\nroot * "+root+"\nfile_server\n"+after+"\n}", "example.com"), "https")
		}
		for _, header := range [][]string{nil, {"If-None-Match", `"x"`}, {"If-Modified-Since", "Sat, 21 Nov 2015 10:00:00 GMT"}, {"Accept-Encoding", "gzip"}} {
			status, body := ask("/a%20b/", header...)
			before, rest, _ := strings.Cut(body, "<section>")
			inside, after, _ := strings.Cut(rest, "</section>")
			if status != 200 || !strings.HasSuffix(strings.TrimSpace(before), "before") || strings.TrimSpace(after) != "after" ||
				inside != `&#123;&#123;env "HOME"}} about https://example.com/a b/` {
				t.Errorf("with %v: got %d %q", header, status, body)
			}
		}
		service.stop()
		status, body := ask("/a%20b/")
		if status != 200 || !strings.HasPrefix(body, "<title>x</title>before") || !strings.HasSuffix(body, "after") || strings.Contains(body, "502") || strings.Contains(body, "error") {
			t.Errorf("down: got %d %q", status, body)
		}
		service.start()
		if status, body := ask("/a%20b/"); status != 200 || !strings.Contains(body, "<section>") {
			t.Errorf("again: got %d %q", status, body)
		}
	})
}
