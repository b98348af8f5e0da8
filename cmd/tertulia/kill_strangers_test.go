package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// strangers are the other sites: what they say follows from the address alone, so
// that it is the same before a kill and after it.
//
//	/good/N?to=TARGET    a reply to TARGET; /slow/N takes its time
//	/unlinked/N          a page without the link
//	/gone/N              410
//	/target/N            a page that takes Webmentions, at /told
type strangers struct {
	home string

	mu    sync.Mutex
	told  map[[2]string]int // source and target → how often
	wrong []string          // told of what was not there to be seen (HOSTILE F7)
}

func newStrangers(t testing.TB) *strangers {
	t.Helper()
	s := &strangers{told: map[[2]string]int{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: s}}
	server.Start()
	t.Cleanup(server.Close)
	s.home = server.URL
	return s
}

func (s *strangers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch kind {
	case "slow":
		select {
		case <-time.After(25 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
		fallthrough
	case "good":
		fmt.Fprintf(w, `<!doctype html><article class="h-entry"><p class="e-content">reply %s</p>
			<a class="u-in-reply-to" href="%s">to</a> <a class="p-author h-card" href="/">Somebody</a></article>`, name, r.URL.Query().Get("to"))
	case "unlinked":
		fmt.Fprint(w, "<!doctype html><p>No link at all.")
	case "gone":
		w.WriteHeader(http.StatusGone)
	case "target":
		w.Header().Set("Link", `</told>; rel="webmention"`)
		fmt.Fprintf(w, "<!doctype html><title>%s</title>", name)
	case "told":
		s.hear(r.FormValue("source"), r.FormValue("target"))
		w.WriteHeader(http.StatusAccepted)
	default:
		http.NotFound(w, r)
	}
}

// hear looks at the source, as a receiver does. A program that has been killed
// meanwhile proves nothing.
func (s *strangers) hear(source, target string) {
	status := 0
	if resp, err := http.Get(source); err == nil {
		resp.Body.Close()
		status = resp.StatusCode
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[[2]string{source, target}]++
	if status != 0 && status != http.StatusOK && status != http.StatusGone {
		s.wrong = append(s.wrong, fmt.Sprintf("%s was told of %s, which answers %d", target, source, status))
	}
}
