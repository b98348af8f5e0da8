package site_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/store"
)

// hooked is the other end of a hook.
type hooked struct {
	mu     sync.Mutex
	status func(n int) int // of the nth call, from 1; nil: 200
	secret string
	calls  []call
}

type call struct {
	at   time.Time
	body map[string]any
	raw  string
	head http.Header
}

// ServeHTTP is of http.Handler.
func (h *hooked) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := call{at: time.Now(), raw: string(raw), head: r.Header}
	if json.Unmarshal(raw, &c.body) != nil {
		c.body = nil
	}
	h.calls = append(h.calls, c)
	status := http.StatusOK
	if h.status != nil {
		status = h.status(len(h.calls))
	}
	if status == 0 {
		panic(http.ErrAbortHandler) // no answer
	}
	if status >= 300 && status <= 399 {
		rw.Header().Set("Location", "https://elsewhere.example/")
	}
	rw.WriteHeader(status)
}

func (h *hooked) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.calls)
}

// events are what was told, in short: the event and the wm-id.
func (h *hooked) events() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.calls {
		all = append(all, fmt.Sprintf("%v %v deleted %v", c.body["event"], c.body["wm-id"], c.body["deleted"]))
	}
	return all
}

// hook adds a hook to the world, at https://hook.example/in.
func (w *world) hook(kinds ...string) (*hooked, *site.Notices, string) {
	w.t.Helper()
	h := &hooked{}
	w.web.Handle("hook.example", h)
	n := &site.Notices{Site: w.site, DB: w.db}
	secret, err := n.AddHook(w.t.Context(), "https://hook.example/in", kinds)
	if err != nil {
		w.t.Fatal(err)
	}
	h.secret = secret
	told, err := n.Told(w.t.Context(), w.site.Me())
	if err != nil || len(told.Hooks) != 1 {
		w.t.Fatalf("hooks: %+v, %v", told.Hooks, err)
	}
	w.lookout()
	return h, n, told.Hooks[0].ID
}

func (w *world) public(id, text string) {
	w.t.Helper()
	w.put(store.Mention{ID: id, Source: "https://bea.example/" + id, State: store.Approved, Shown: replied("bea.example", "Bea", text)})
}

// READ-API 6: the body is that of webmention.io and is signed; what goes is told too, and what has
// not changed is not told again.
func TestHookIsToldOfMentions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.public("old", "from before")
		h, _, _ := w.hook(site.KindPublic)
		w.public("a", "hello")
		w.lookout()
		w.lookout()
		if h.count() != 1 {
			t.Fatalf("got %d calls, want 1: %v", h.count(), h.events())
		}
		c := h.calls[0]
		mac := hmac.New(sha256.New, []byte(h.secret))
		mac.Write([]byte(c.raw))
		if got, want := c.head.Get("X-Webmention-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signature: got %s, want %s", got, want)
		}
		if got := c.head.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type: got %q", got)
		}
		for name, want := range map[string]any{
			"secret": h.secret, "source": "https://bea.example/a", "target": "https://me.example/mar/", "private": false, "event": "public",
			"deleted": nil, "wm-id": float64(2), "site": "https://me.example/",
		} {
			if c.body[name] != want {
				t.Errorf("%s: got %v, want %v", name, c.body[name], want)
			}
		}
		post, ok := c.body["post"].(map[string]any)
		if !ok || post["wm-property"] != "in-reply-to" || post["wm-id"] != float64(2) || post["content"].(map[string]any)["text"] != "hello" {
			t.Errorf("post: %v", c.body["post"])
		}
		m := w.mention("a")
		m.Shown = replied("bea.example", "Bea", "hello again")
		w.put(m)
		w.lookout()
		m = w.mention("a")
		m.State = store.Withdrawn
		w.put(m)
		w.lookout()
		w.public("b", "erased")
		w.lookout()
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error { return tx.DropMention("b") }); err != nil {
			t.Fatal(err)
		}
		w.lookout()
		if diff := cmp.Diff([]string{
			"public 2 deleted <nil>", "edited 2 deleted <nil>", "gone 2 deleted true", "public 5 deleted <nil>", "gone 5 deleted true",
		}, h.events()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if source := h.calls[2].body["source"]; source != "https://bea.example/a" {
			t.Errorf("what was withdrawn: source %v", source)
		}
		if source := h.calls[4].body["source"]; source != "" {
			t.Errorf("what was erased: source %v", source)
		}
	})
}

// READ-API 6: no answer, a 5xx, 408 and 429 are tried again after a minute, 5, 30, two hours and
// twelve; every other status is final. What comes after waits: the order holds.
func TestHookIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		tries  int
	}{
		{"no answer", 0, 6}, {"500", 500, 6}, {"503", 503, 6}, {"408", 408, 6}, {"429", 429, 6},
		{"404", 404, 1}, {"410", 410, 1}, {"a redirect", 307, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				h, n, _ := w.hook(site.KindPublic)
				h.status = func(n int) int {
					if n <= test.tries {
						return test.status
					}
					return 204
				}
				began := time.Now()
				w.public("a", "first")
				w.lookout()
				w.public("b", "second")
				for range 90 {
					pass(10 * time.Minute)
					w.lookout()
				}
				want := []time.Duration{0, time.Minute, 6 * time.Minute, 36 * time.Minute, 156 * time.Minute, 876 * time.Minute}[:test.tries]
				if h.count() != test.tries+1 {
					t.Fatalf("got %d calls, want %d", h.count(), test.tries+1)
				}
				for i, after := range want {
					if got := h.calls[i].at.Sub(began).Round(time.Minute); got != after || h.calls[i].body["source"] != "https://bea.example/a" {
						t.Errorf("attempt %d: got %s after %s, want %s", i+1, h.calls[i].body["source"], got, after)
					}
				}
				if last := h.calls[test.tries]; last.body["source"] != "https://bea.example/b" {
					t.Errorf("then: %v", last.body["source"])
				}
				told, err := n.Told(t.Context(), w.site.Me())
				if err != nil {
					t.Fatal(err)
				}
				hook := told.Hooks[0]
				if len(hook.Deliveries) != 2 || hook.Deliveries[0].State != "sent" || hook.Deliveries[0].Status != 204 || hook.Deliveries[1].State != "failed" || hook.Deliveries[1].Status != test.status || !hook.Failing.IsZero() {
					t.Errorf("listed: %+v", hook)
				}
			})
		})
	}
}

// A hook that has failed for a week is let alone, and loses nothing: a test that arrives has it go on
// where it was.
func TestHookThatIsDownForAWeek(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h, n, id := w.hook(site.KindPublic)
		down := true
		h.status = func(int) int {
			if down {
				return 502
			}
			return 200
		}
		for i := range 20 {
			w.public(fmt.Sprintf("m%02d", i), "x")
		}
		for range 9 * 24 {
			w.lookout()
			pass(time.Hour)
		}
		jobs := w.jobList()
		if len(jobs) != 1 || jobs[0].Parked.IsZero() || !strings.Contains(jobs[0].Error, "failed for a week") {
			t.Fatalf("after a week: %+v", jobs)
		}
		calls := h.count()
		w.public("n", "while it is down")
		w.lookout()
		if h.count() != calls {
			t.Error("it is called all the same")
		}
		if err := n.TestHook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		pass(24 * time.Hour)
		calls++
		if jobs := w.jobList(); h.count() != calls || len(jobs) != 1 || jobs[0].Parked.IsZero() {
			t.Errorf("after a test that failed: %d calls, want %d, and %+v", h.count(), calls, jobs)
		}
		h.mu.Lock()
		down = false
		h.mu.Unlock()
		if err := n.TestHook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		events := h.events()[calls:]
		if events[0] != "test <nil> deleted <nil>" || events[len(events)-1] != "public 21 deleted <nil>" || len(events) < 8 {
			t.Errorf("then: %v", events)
		}
	})
}

// A failure long ago is no reason to let a hook alone.
func TestHookThatFailedOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h, n, id := w.hook(site.KindPublic)
		h.status = func(n int) int { return map[bool]int{true: 500, false: 200}[n < 4] }
		if err := n.TestHook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		pass(30 * 24 * time.Hour)
		w.public("a", "x")
		w.lookout()
		pass(time.Hour)
		if diff := cmp.Diff([]string{"test <nil> deleted <nil>", "public 1 deleted <nil>", "public 1 deleted <nil>", "public 1 deleted <nil>"}, h.events()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A delivery can be sent again, once, at once, as things are now; a test is tried once. Nothing of that
// shows the secret.
func TestHookByHand(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h, n, id := w.hook(site.KindPublic)
		h.status = func(n int) int { return map[int]int{1: 404, 3: 500}[n] + map[bool]int{true: 200}[n != 1 && n != 3] }
		w.public("a", "hello")
		w.lookout()
		told, err := n.Told(t.Context(), w.site.Me())
		if err != nil {
			t.Fatal(err)
		}
		d := told.Hooks[0].Deliveries[0]
		if d.State != "failed" || d.Status != 404 {
			t.Fatalf("first: %+v", d)
		}
		_, body, err := n.Body(t.Context(), id, d.ID)
		if err != nil || strings.Contains(body, h.secret) || !strings.Contains(body, `"secret":"…"`) || !strings.Contains(body, "hello") {
			t.Errorf("body: %s, %v", body, err)
		}
		if err := n.Resend(t.Context(), id, d.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if err := n.TestHook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		pass(24 * time.Hour)
		if diff := cmp.Diff([]string{"public 1 deleted <nil>", "public 1 deleted <nil>", "test <nil> deleted <nil>"}, h.events()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if h.calls[2].body["post"] != nil {
			t.Error("a test has a post, which somebody may publish")
		}
		// What does not hold any more is not sent again.
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error { return tx.DropMention("a") }); err != nil {
			t.Fatal(err)
		}
		if err := n.Resend(t.Context(), id, d.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if h.count() != 3 {
			t.Errorf("what was erased: %v", h.events())
		}
		if err := n.DropHook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w.public("b", "nobody hears")
		w.lookout()
		if h.count() != 3 || len(w.jobList()) != 0 {
			t.Errorf("after it was removed: %d calls, %+v", h.count(), w.jobList())
		}
	})
}

// The other kinds say what they are about, and of what waits there is no text to publish.
func TestHookOfOtherKinds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h, _, _ := w.hook(site.KindWaiting, site.KindTrouble, site.KindAccess)
		calls := h.count() // the hook itself is news of the kind access
		w.put(store.Mention{ID: "a", Source: "https://bea.example/1", State: store.Pending, Shown: replied("bea.example", "Bea", "unseen")})
		w.put(store.Mention{ID: "b", Source: "https://bea.example/2", State: store.Quarantined, Shown: replied("bea.example", "Bea", "junk")})
		w.public("c", "public")
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			return errors.Join(tx.Enqueue(store.Job{Kind: "unknown", Key: "k"}), tx.Record(store.Decision{Action: "make token", By: "me", Note: "App"}))
		}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		w.lookout()
		if h.count() != calls+3 {
			t.Fatalf("got %v", h.events())
		}
		waiting, trouble, access := h.calls[calls], h.calls[calls+1], h.calls[calls+2]
		if waiting.body["event"] != "waiting" || waiting.body["private"] != true || waiting.body["link"] != "https://me.example/-/admin/mention?id=a" || strings.Contains(waiting.raw, "unseen") {
			t.Errorf("waiting: %s", waiting.raw)
		}
		if job, _ := trouble.body["job"].(map[string]any); job["kind"] != "unknown" || job["key"] != "k" {
			t.Errorf("trouble: %s", trouble.raw)
		}
		if way, _ := access.body["access"].(map[string]any); way["action"] != "make token" || way["note"] != "App" {
			t.Errorf("access: %s", access.raw)
		}
	})
}

// At-least-once: whoever dies after the call and before it is written down calls again, with the same
// delivery; what was begun before a restart goes on after it.
func TestHookAfterARestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h, _, _ := w.hook(site.KindPublic)
		h.status = func(n int) int { return map[bool]int{true: 500, false: 200}[n == 1] }
		w.public("a", "x")
		w.public("b", "y")
		w.lookout()
		w.restart()
		pass(10 * time.Minute)
		if diff := cmp.Diff([]string{"public 1 deleted <nil>", "public 1 deleted <nil>", "public 2 deleted <nil>"}, h.events()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if h.calls[0].head.Get("X-Tertulia-Delivery") != h.calls[1].head.Get("X-Tertulia-Delivery") {
			t.Error("the second attempt has another name")
		}
	})
}

// What can be a hook, and where it may lead.
func TestAddressesOfHooks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := &site.Notices{Site: w.site, DB: w.db}
		kinds := []string{site.KindPublic}
		for _, address := range []string{
			"", "hook.example", "http://hook.example/", "ftp://hook.example/", "javascript:alert(1)", "https://user:pw@hook.example/", "https:///x",
			"https://hook.example/#x", "https://" + strings.Repeat("a", 3000), "http://8.8.8.8/", "http://localhost.example/",
		} {
			if _, err := n.AddHook(t.Context(), address, kinds); !errors.Is(err, site.ErrHook) {
				t.Errorf("%q: got %v", address, err)
			}
		}
		for _, kinds := range [][]string{nil, {"gone"}, {"public", "everything"}} {
			if _, err := n.AddHook(t.Context(), "https://hook.example/", kinds); !errors.Is(err, site.ErrHook) {
				t.Errorf("kinds %q: got %v", kinds, err)
			}
		}
		for _, address := range []string{"http://localhost:9999/x", "http://127.0.0.1:9999/", "http://192.168.1.9/", "https://" + inside + "/"} {
			if _, err := n.AddHook(t.Context(), address, kinds); err != nil {
				t.Errorf("%q: got %v", address, err)
			}
		}
		// A host inside is refused when it is called, whoever has typed it.
		w.lookout()
		w.public("a", "x")
		w.lookout()
		told, err := n.Told(t.Context(), w.site.Me())
		if err != nil {
			t.Fatal(err)
		}
		for _, hook := range told.Hooks {
			if strings.Contains(hook.Address, inside) && (len(hook.Deliveries) != 1 || hook.Deliveries[0].Status != 0 || !strings.Contains(hook.Deliveries[0].Error, errBlocked.Error())) {
				t.Errorf("inside: %+v", hook)
			}
		}
	})
}
