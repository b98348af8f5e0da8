package main

import (
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"net"
	"net/http"
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
//	/photo.png           the picture of everybody
//	/target/N            a page that takes Webmentions, at /told
//
// They live on several hosts, since one host's pages are looked at one after the other,
// and it has a rest when too many of them were not what they were said to be.
type strangers struct {
	homes []string

	mu    sync.Mutex
	told  map[[2]string]int // source and target → how often
	wrong []string          // told of what was not there to be seen (HOSTILE F7)
}

func newStrangers(t testing.TB) *strangers {
	t.Helper()
	s := &strangers{told: map[[2]string]int{}}
	server := &http.Server{Handler: s}
	t.Cleanup(func() { server.Close() })
	port := "0"
	for n := 1; n <= 16; n++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:%s", n, port))
		if n == 1 && err != nil {
			t.Fatal(err)
		}
		if err != nil {
			continue // not every system has more than one such address, or somebody has the port
		}
		if n == 1 {
			_, port, _ = net.SplitHostPort(l.Addr().String())
		}
		s.homes = append(s.homes, "http://"+l.Addr().String())
		go server.Serve(l)
	}
	return s
}

// home is where one of them lives.
func (s *strangers) home() string { return s.homes[rand.IntN(len(s.homes))] }

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
			<a class="u-in-reply-to" href="%s">to</a> <a class="p-author h-card" href="/"><img src="/photo.png" alt="">Somebody</a></article>`, name, r.URL.Query().Get("to"))
	case "photo.png":
		w.Header().Set("Content-Type", "image/png")
		if err := png.Encode(w, image.NewGray(image.Rect(0, 0, 9, 9))); err != nil {
			return // the visitor has gone
		}
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
