package site_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/webmention"
)

// answer is what a page of somebody else's says.
type answer struct {
	status int // 0 means 200
	header []string
	body   string
}

// host is a site of somebody else: pages by path, to be changed at will.
type host struct {
	mu    sync.Mutex
	pages map[string]answer
}

func (w *world) host(name string) *host {
	h := &host{pages: map[string]answer{}}
	w.web.Handle(name, h)
	return h
}

func (h *host) set(path string, a answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pages[path] = a
}

func (h *host) says(path, body string) { h.set(path, answer{body: body}) }

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	a, ok := h.pages[r.URL.Path]
	h.mu.Unlock()
	if !ok {
		a.status = http.StatusNotFound
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	for i := 0; i+1 < len(a.header); i += 2 {
		w.Header().Set(a.header[i], a.header[i+1])
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = w.Write([]byte(a.body))
}

// by is a page with an entry by the owner of a host.
func by(author, class, target, text string) string {
	return `<article class="h-entry"><a class="p-author h-card" href="` + author + `">Bea</a>
<a class="` + class + `" href="` + target + `">x</a> <div class="e-content">` + text + `</div></article>`
}

func replyTo(target, text string) string {
	return by("https://bea.example/", "u-in-reply-to", target, text)
}

// inbox is a page of somebody else's with a Webmention endpoint, at / and /wm of a
// host. When it is told something it looks at the source, as receivers do.
type inbox struct {
	w       *world
	mu      sync.Mutex
	told    []told
	asked   int                // how often the page was
	answers func(n int) answer // of the endpoint to the n-th request, from 0
	page    answer
	deaf    bool
}

type told struct {
	source, target string
	status         int  // of the source at that moment
	linked         bool // the source has the target's address in it
	at             time.Time
}

func (w *world) inbox(host string) *inbox {
	in := &inbox{w: w}
	w.web.Handle(host, in)
	return in
}

func (in *inbox) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/wm" {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.asked++
		if !in.deaf && in.page.status < 500 {
			rw.Header().Set("Link", `</wm>; rel="webmention"`)
		}
		reply(rw, in.page)
		return
	}
	source, target := r.PostFormValue("source"), r.PostFormValue("target")
	code, body := in.w.page(source)
	in.mu.Lock()
	n := len(in.told)
	in.told = append(in.told, told{source, target, code, strings.Contains(body, target), time.Now()})
	in.mu.Unlock()
	if in.answers != nil {
		reply(rw, in.answers(n))
		return
	}
	rw.WriteHeader(http.StatusAccepted)
}

func reply(rw http.ResponseWriter, a answer) {
	for i := 0; i+1 < len(a.header); i += 2 {
		rw.Header().Set(a.header[i], a.header[i+1])
	}
	if a.status != 0 {
		rw.WriteHeader(a.status)
	}
	_, _ = rw.Write([]byte(a.body))
}

func (in *inbox) heard() []told {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.told)
}

// wantHeard fails unless the endpoint was told so many times.
func (in *inbox) wantHeard(when string, want int) {
	in.w.t.Helper()
	if got := len(in.heard()); got != want {
		in.w.t.Errorf("%s: the endpoint was told %d times, want %d", when, got, want)
	}
}

// status is that of an error of the Webmention endpoint; 0: there is none.
func status(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	var e *webmention.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *webmention.Error", err)
	}
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}
