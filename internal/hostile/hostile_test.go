package hostile_test

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/fetch"
	"tertulia/internal/hostile"
	"tertulia/internal/webtest"
	"tertulia/webmention"
)

const target = "https://me.example/post"

// expected says what a behaviour may cost its visitor and make it believe. The zero
// value is for an answer that is broken and ends at once: it proves nothing.
type expected struct {
	slow          bool               // it ends with the visitor's patience
	without, with webmention.Outcome // of a page that does not link to the target, and of one that does
	alloc         uint64             // bytes that one visit may allocate, the server's own included; 0 is 4 MiB
}

// honest is what a page that was received whole proves, be it ever so odd.
func honest(alloc uint64) expected {
	return expected{without: webmention.Unlinked, with: webmention.Linked, alloc: alloc}
}

// expectations has every behaviour that is not simply broken.
//
//   - HOSTILE 15: what is slow ends with the timeout.
//   - HOSTILE 16: of headers 64 KiB are read, and at most 2 MiB are spent.
//   - HOSTILE 17 and 18: of a body at most 1 MiB is seen. A link in it counts; that
//     there is none does not.
//   - HOSTILE 20, 21, 22 and 24: no page costs more than 96 MiB, or a panic. Of more
//     than 40,000 nodes the beginning is seen, as of a long body.
//   - HOSTILE 43: an answer that is no page says nothing.
var expectations = map[string]expected{
	"plain":            honest(0),
	"hints":            honest(0),
	"length-too-short": honest(0), // the page is as long as it says; what follows is not looked at
	"nul-body":         honest(0),
	"utf-16":           honest(0),
	"end-tags":         honest(0),
	"bad-author":       honest(0),
	"utf-7":            {without: webmention.Unlinked, with: webmention.Unlinked}, // nobody who reads the page has a link there
	"partial":          {with: webmention.Linked},

	"mute": {slow: true}, "slow-headers": {slow: true}, "slow-body": {slow: true}, "slow-gzip": {slow: true},
	"slow-redirect": {slow: true}, "tls-mute": {slow: true},

	"endless-body": {with: webmention.Linked, alloc: 24 << 20},
	"gzip-bomb":    {with: webmention.Linked, alloc: 24 << 20},
	"late-link":    {alloc: 24 << 20},

	"header-flood": {alloc: 2 << 20}, "header-line": {alloc: 2 << 20}, "status-line": {alloc: 2 << 20},
	"endless-headers": {alloc: 2 << 20}, "endless-hints": {alloc: 2 << 20},

	"markup": {with: webmention.Linked, alloc: 64 << 20}, "tables": {with: webmention.Linked, alloc: 64 << 20},
	"links": {with: webmention.Linked, alloc: 64 << 20}, "comments": {with: webmention.Linked, alloc: 64 << 20},
	"attributes": honest(96 << 20), "nested-entries": honest(64 << 20),
}

// Whoever visits is back in time, having spent little and with nothing left behind,
// and believes of a broken answer nothing at all: above all not that a page has
// withdrawn its link.
func TestEveryBehaviourIsSurvived(t *testing.T) {
	port := portOf(t, webtest.Canary(t, "127.0.0.1:0"))
	server, err := hostile.Listen("127.0.2.1:0", hostile.Options{
		Pause: 10 * time.Millisecond, Forbidden: "http://127.0.0.1:" + port + "/",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	unknown := map[string]bool{}
	for name := range expectations {
		unknown[name] = true
	}
	w := newVisitors(t, server)
	for _, b := range hostile.Behaviours() {
		delete(unknown, b.Name)
		t.Run(b.Name, func(t *testing.T) { w.visit(t, b.Name) })
	}
	for name := range unknown {
		t.Errorf("there is no behaviour %s", name)
	}
	if grown := heap() - w.before; grown > 4<<20 && heap() > w.before {
		t.Errorf("%d bytes are still held after all visits", grown)
	}
}

// visitors are all who follow a stranger's URL.
type visitors struct {
	server  *hostile.Server
	names   *webtest.Names
	pointer string // "host:port" of an honest page whose endpoint is the path of its URL
	before  uint64 // bytes on the heap
	goes    int    // goroutines
	files   int    // open
}

func newVisitors(t *testing.T, server *hostile.Server) *visitors {
	w := &visitors{server: server, names: &webtest.Names{Answers: map[string][][]string{"hostile.example.": {{"127.0.2.1"}}}}}
	w.pointer = webtest.Serve(t, "127.0.2.2:0", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Link", "<"+r.FormValue("to")+`>; rel="webmention"`)
		rw.Header().Set("Connection", "close")
	})
	for _, call := range w.calls(10 * time.Second) { // whatever is made once is made now
		call.come(t, w.address("plain", target))
	}
	w.settle(t, runtime.NumGoroutine(), 1<<20)
	w.before, w.goes, w.files = heap(), runtime.NumGoroutine()+1, openFiles() // one goroutine is the subtest's
	return w
}

// address is a behaviour's URL by a name, as client_ids have one.
func (w *visitors) address(name, link string) *url.URL {
	u, err := url.Parse(strings.Replace(w.server.URL(name), "127.0.2.1", "hostile.example", 1))
	if err != nil {
		panic(err)
	}
	u.RawQuery = url.Values{"link": {link}}.Encode()
	return u
}

// call is one way to visit.
type call struct {
	who  string
	come func(t *testing.T, at *url.URL)
}

func (w *visitors) calls(patience time.Duration) []call {
	street := []netip.Prefix{webtest.Street}
	client := fetch.Strangers(fetch.Options{Allow: street, Timeout: patience, Resolver: w.names.Resolver()})
	sender := &webmention.Sender{Client: client, Allow: street}
	auth := &indieauth.Server{Client: client}
	source := &url.URL{Scheme: "https", Host: "me.example", Path: "/"}
	return []call{
		{"whoever reads it all", func(t *testing.T, at *url.URL) {
			resp, err := client.Get(at.String())
			if err != nil {
				return
			}
			defer resp.Body.Close()
			if n, err := io.Copy(io.Discard, resp.Body); n > 1<<20 {
				t.Errorf("got %d bytes and %v, want at most 1 MiB", n, err)
			}
		}},
		{"the sender, for a target", func(t *testing.T, at *url.URL) {
			if d, err := sender.Send(t.Context(), source, at); err == nil {
				t.Errorf("a mention was delivered: %+v", d)
			}
		}},
		{"the sender, at an endpoint", func(t *testing.T, at *url.URL) {
			page := &url.URL{Scheme: "http", Host: w.pointer, Path: "/", RawQuery: url.Values{"to": {at.String()}}.Encode()}
			d, err := sender.Send(t.Context(), source, page)
			if e := (*webmention.SendError)(nil); err != nil && !errors.As(err, &e) {
				t.Errorf("got %v, want a SendError", err)
			}
			if err == nil && (d.Status < 200 || d.Status > 299) {
				t.Errorf("a mention was delivered: %+v", d)
			}
		}},
		{"the authorization server", func(t *testing.T, at *url.URL) {
			at.RawQuery = "" // the shape of honest client_ids
			got, err := auth.ClientInfo(t.Context(), indieauth.Request{ClientID: at.String(), RedirectURI: at.String()})
			if err != nil || len(got.Name) > 400 {
				t.Errorf("got %+v, %v", got, err)
			}
		}},
	}
}

// visit lets everybody come to one behaviour.
func (w *visitors) visit(t *testing.T, name string) {
	want, patience := expectations[name], 10*time.Second
	if want.alloc == 0 {
		want.alloc = 4 << 20
	}
	if want.slow {
		patience = 100 * time.Millisecond
	}
	for _, c := range w.calls(patience) {
		w.measure(t, c.who, want.alloc, func() { c.come(t, w.address(name, target)) })
	}
	verifier := webmention.Verifier{Client: fetch.Strangers(fetch.Options{Allow: []netip.Prefix{webtest.Street}, Timeout: patience, Resolver: w.names.Resolver()})}
	for link, outcome := range map[string]webmention.Outcome{"": want.without, target: want.with} {
		w.measure(t, "the verifier", want.alloc, func() {
			got, err := verifier.Verify(t.Context(), w.address(name, link), &url.URL{Scheme: "https", Host: "me.example", Path: "/post"})
			if got.Outcome != outcome || got.Linked != (outcome == webmention.Linked) || err != nil && outcome != webmention.Unavailable {
				t.Errorf("link to %q: got %s (%s), %v, want %s", link, got.Outcome, got.Reason, err, outcome)
			}
			if got.RetryAfter < 0 {
				t.Errorf("got %v as the time to wait", got.RetryAfter)
			}
		})
	}
}

// What a visit may take at most, on a busy machine and under the race detector. The
// time of the clock is there to find what would hang for ever.
const (
	mostTime = 30 * time.Second
	mostWork = 3 * time.Second // of the processor, the server's part included
)

// measure fails when a visit takes too long, costs too much or leaves something behind.
func (w *visitors) measure(t *testing.T, who string, alloc uint64, visit func()) {
	t.Helper()
	var before, after runtime.MemStats
	written := w.server.Written()
	runtime.ReadMemStats(&before)
	begin, idle := time.Now(), work(t)
	visit()
	took, worked := time.Since(begin), work(t)-idle
	runtime.ReadMemStats(&after)
	if took > mostTime || worked > mostWork {
		t.Errorf("%s: took %v, %v of work; want at most %v and %v", who, took, worked, mostTime, mostWork)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > alloc {
		t.Errorf("%s: %d bytes were allocated, want at most %d", who, got, alloc)
	}
	w.settle(t, w.goes, w.files)
	// More than was read fits into the system's own buffers.
	if got := w.server.Written() - written; got > 16<<20 {
		t.Errorf("%s: %d bytes were sent, want them refused", who, got)
	}
	if testing.Verbose() {
		t.Logf("%-26s %8v %8v of work %6d KiB allocated %6d KiB sent", who, took.Round(time.Millisecond), worked.Round(time.Millisecond),
			(after.TotalAlloc-before.TotalAlloc)>>10, (w.server.Written()-written)>>10)
	}
}

// settle waits until nobody is left and as much is running and open as before.
func (w *visitors) settle(t *testing.T, goes, files int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.After(10 * time.Second); ; {
		if w.server.Visitors() == 0 && runtime.NumGoroutine() <= goes && openFiles() <= files {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			stacks := make([]byte, 1<<20)
			t.Errorf("left behind: %d visitors; %d goroutines and %d files, want %d and %d\n%s", w.server.Visitors(),
				runtime.NumGoroutine(), openFiles(), goes, files, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}

// work is the processor time that this process has had.
func work(t *testing.T) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// openFiles counts the descriptors of this process, where the system lets it.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
