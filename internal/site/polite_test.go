package site_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/micropub"
	"tertulia/store"
)

// WS-9: those that a post links to hear of a revision that says something else, and not of
// one that says the same; "post retry" tells them again.
func TestARevisionThatSaysTheSameIsNoNews(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		post := w.create(entry("content", "https://ana.example/"))
		pass(5 * time.Second)
		ana.wantHeard("created", 1)
		w.update(post, micropub.Update{Add: map[string][]any{"syndication": {"https://copies.example/1"}}})
		pass(5 * time.Second)
		w.update(post, micropub.Update{Replace: map[string][]any{"content": {"https://ana.example/"}}})
		pass(5 * time.Second)
		ana.wantHeard("the same", 1)
		if p := w.post(post); p.Announced != 3 {
			t.Errorf("the revision is not announced: %+v", p)
		}
		w.update(post, micropub.Update{Replace: map[string][]any{"content": {"look: https://ana.example/"}}})
		pass(5 * time.Second)
		ana.wantHeard("another text", 2)
		if err := w.posts.Retry(t.Context(), post); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		ana.wantHeard("retried", 3)
	})
}

// A revision that comes while the one before is being sent is told, also when it says the same.
func TestANewRevisionLosesNoSendThatWaits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		w.web.Down("ana.example", true)
		post := w.create(entry("content", "https://ana.example/"))
		pass(5 * time.Second)
		w.update(post, micropub.Update{Add: map[string][]any{"syndication": {"https://copies.example/1"}}})
		pass(5 * time.Second)
		w.web.Down("ana.example", false)
		pass(3 * time.Hour)
		ana.wantHeard("back again", 1)
		if s := w.sent(post, "https://ana.example/"); s.State != "sent" || s.Revision != 2 {
			t.Errorf("got %+v", s)
		}
	})
}

// At most 200 targets of one post are told, those first that were told before, and its
// history says so.
func TestAPostTellsTwoHundredAtMost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		links := func(from, to int) string {
			var text strings.Builder
			for n := from; n < to; n++ {
				fmt.Fprintf(&text, "https://h%d.example/ ", n)
			}
			return text.String()
		}
		post := w.create(entry("content", links(100, 310)))
		pass(20 * time.Second)
		linked := func() (n int) {
			for _, s := range w.post(post).Sent {
				if s.Linked {
					n++
				}
			}
			return n
		}
		if n := linked(); n != 200 {
			t.Errorf("%d are told, want 200", n)
		}
		if h := w.post(post).History; !slices.ContainsFunc(h, func(e store.Event) bool { return e.Stage == "warning" && strings.Contains(e.Note, "210") }) {
			t.Errorf("no warning: %+v", h)
		}
		w.update(post, micropub.Update{Replace: map[string][]any{"content": {links(0, 310)}}})
		pass(20 * time.Second)
		if p := w.post(post); len(p.Sent) != 200 || linked() != 200 {
			t.Errorf("after more came before them: %d of %d", linked(), len(p.Sent))
		}
	})
}

// Who never accepts is not asked.
func TestHostsThatTakeNoneAreNotAsked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.jobs.Never = []string{"silo.example"}
		silo, www, other := w.inbox("silo.example"), w.inbox("www.silo.example"), w.inbox("notsilo.example")
		post := w.create(entry("content", "https://silo.example/ https://WWW.silo.example/ https://notsilo.example/"))
		pass(time.Minute)
		for name, in := range map[string]*inbox{"silo": silo, "below it": www} {
			if in.asked > 0 || len(in.heard()) > 0 {
				t.Errorf("%s was asked %d times", name, in.asked)
			}
		}
		other.wantHeard("another", 1)
		if s := w.sent(post, "https://silo.example/"); s.State != "never asked" {
			t.Errorf("got %+v", s)
		}
	})
}

// Never more than one request at a time to a host, though it is the endpoint of many.
func TestOneEndpointOfManyTargetsIsAskedOneByOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		running, most, total := 0, 0, 0
		w.web.Handle("shared.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			running++
			total++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(2 * time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			rw.WriteHeader(http.StatusAccepted)
		}))
		var text strings.Builder
		for n := range 40 {
			host := fmt.Sprintf("h%d.example", n)
			w.web.Handle(host, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Link", `<https://shared.example/wm>; rel="webmention"`)
			}))
			fmt.Fprintf(&text, "https://%s/ ", host)
		}
		post := w.create(entry("content", text.String()))
		pass(30 * time.Minute)
		if most != 1 || total != 40 {
			t.Errorf("%d requests, %d at once; want 40, one at a time", total, most)
		}
		for _, s := range w.post(post).Sent {
			if s.State != "sent" {
				t.Errorf("%s: %s %s", s.Target, s.State, s.Note)
			}
		}
	})
}

// T-WS07: the status page is followed to its end, ever more slowly, and then left alone.
func TestStatusPagesAreFollowed(t *testing.T) {
	const target = "https://ana.example/"
	json := func(body string) answer {
		return answer{header: []string{"Content-Type", "application/json"}, body: body}
	}
	for name, tt := range map[string]struct {
		pages []answer // one for each look; the last stays
		state string
		asked int
	}{
		"accepted at last": {[]answer{json(`{"status":"queued"}`), {status: 503}, json(`{"status":"success","summary":"thanks"}`)}, "accepted", 3},
		"rejected":         {[]answer{json(`{"status":"no_link_found","summary":"no link"}`)}, "rejected", 1},
		"never final":      {[]answer{json(`{"status":"queued"}`)}, "sent", 4},
		"for people":       {[]answer{{body: "<h1>Thank you"}}, "sent", 4},
		"it never answers": {[]answer{{status: 500}}, "sent", 4},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ana, st := w.inbox("ana.example"), w.host("status.example")
				ana.answers = func(int) answer { return answer{status: 201, header: []string{"Location", "https://status.example/1"}} }
				post := w.create(entry("content", target))
				for i, page := range tt.pages {
					st.set("/1", page)
					pass([]time.Duration{2 * time.Minute, 15 * time.Minute, 3 * time.Hour}[i])
				}
				w.restart()
				pass(72 * time.Hour)
				s := w.sent(post, target)
				if n := len(w.web.Requests("status.example")); s.State != tt.state || n != tt.asked {
					t.Errorf("got %+v after %d looks, want %s after %d", s, n, tt.state, tt.asked)
				}
				if jobs := w.jobList(); len(jobs) > 0 {
					t.Errorf("jobs are left: %+v", jobs)
				}
				if tt.state != "sent" && s.Note == "" {
					t.Error("what it said is not kept")
				}
			})
		})
	}
}
