package site_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
	"tertulia/webmention"
)

// unlimited is a door that only the number of pending mentions holds shut.
func unlimited() *site.Limits {
	return &site.Limits{PerHost: 1e6, PerSender: 1e6}
}

// HOSTILE 109: ten thousand mentions that name one victim are ten looks in any minute,
// and hold up nobody else.
func TestAVictimIsLeftAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		w.host("victim.example").says("/", "<p>nothing of it")
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "hello"))
		w.mentions.Limits = unlimited()
		pass(5 * time.Second)
		var honest string
		accepted := 0
		for round := range 100 {
			var wg sync.WaitGroup
			var mu sync.Mutex
			for i := range 100 {
				wg.Go(func() {
					_, err := w.send(fmt.Sprintf("https://victim.example/?%d-%d", round, i), post)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						accepted++
					} else if status(t, err) != 429 {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if round == 50 {
				honest = w.receive("https://bea.example/1", post)
				w.wantState("an honest one meanwhile", honest, store.Pending)
			}
			pass(6 * time.Second)
		}
		asked := w.web.Requests("victim.example")
		for i := range max(0, len(asked)-10) {
			if d := asked[i+10].Time.Sub(asked[i].Time); d < time.Minute {
				t.Fatalf("looks %d to %d were within %s", i, i+10, d)
			}
		}
		if n := len(asked); n < 90 || n > 110 {
			t.Errorf("the victim was asked %d times in ten minutes", n)
		}
		if accepted > 500+len(asked) {
			t.Errorf("%d mentions were accepted, %d looked at", accepted, len(asked))
		}
	})
}

// A host that holds what it promises is looked at as fast as it comes, and ten
// disappointments are forgiven after a minute.
func TestHonestHostsAreNotSlowed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		pass(5 * time.Second)
		for i := range 60 {
			at := fmt.Sprint("/", i)
			bea.says(at, replyTo(post, at))
			if _, err := w.send("https://bea.example"+at, post); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Second)
		if got := len(w.texts(post)); got != 60 {
			t.Errorf("after a second %d of 60 are there", got)
		}
		for i := range 10 {
			w.receiveFast(fmt.Sprint("https://bea.example/empty", i), post)
		}
		bea.says("/late", replyTo(post, "late"))
		late := w.receiveFast("https://bea.example/late", post)
		w.wantState("after ten disappointments", late, store.Received)
		pass(30 * time.Second)
		w.wantState("half a minute later", late, store.Received)
		pass(31 * time.Second)
		w.wantState("a minute later", late, store.Approved)
	}, approve(site.ApproveNone))
}

// receiveFast takes a mention in and lets no time pass but what its look takes.
func (w *world) receiveFast(source, target string) (id string) {
	w.t.Helper()
	id, err := w.send(source, target)
	if err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return id
}

// DESIGN 5: five hundred sources of one host may wait; then it is put off, and no other.
func TestAHostMayNotFillTheQueue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pass(5 * time.Second)
		w.mentions.Limits = unlimited()
		w.stop()
		var mu sync.Mutex
		got := map[int]int{}
		var wg sync.WaitGroup
		for i := range 600 {
			wg.Go(func() {
				_, err := w.send(fmt.Sprint("https://many.example/?", i), post)
				mu.Lock()
				defer mu.Unlock()
				got[status(t, err)]++
			})
		}
		wg.Wait()
		if got[0] != 500 || got[429] != 100 {
			t.Errorf("got %v, want 500 accepted and 100 put off", got)
		}
		for _, source := range []string{"http://many.example/", "https://MANY.example./x", "https://many.example:8443/"} {
			_, err := w.send(source, post)
			if e, ok := err.(*webmention.Error); !ok || e.Status != 429 || e.RetryAfter != 10*time.Minute {
				t.Errorf("%s: got %v, want 429 and ten minutes", source, err)
			}
		}
		for _, source := range []string{"https://bea.example/", "https://www.many.example/"} {
			if _, err := w.send(source, post); err != nil {
				t.Errorf("%s: got %v, want it accepted", source, err)
			}
		}
	})
}

func TestTheNumberOfPendingMentionsIsASetting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		for _, at := range []string{"/1", "/2", "/3"} {
			bea.says(at, replyTo(post, at))
		}
		pass(5 * time.Second)
		w.mentions.Limits = &site.Limits{Pending: 2}
		w.stop()
		for _, tt := range []struct {
			path string
			want int
		}{{"/1", 0}, {"/2", 0}, {"/3", 429}, {"/1", 0}, {"/2#again", 0}} {
			if _, err := w.send("https://bea.example"+tt.path, post); status(t, err) != tt.want {
				t.Errorf("%s: got %v, want %d", tt.path, err, tt.want)
			}
		}
		w.start()
		pass(5 * time.Second)
		if _, err := w.send("https://bea.example/3", post); err != nil {
			t.Errorf("when the others have been looked at: %v", err)
		}
	})
}

// DESIGN 5: one request at a time to each stranger's host, be it a look or a send.
func TestOneRequestAtATimeToEachHost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		now, most, all := 0, 0, 0
		lanes := map[string]bool{}
		var post string
		slow := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			now, all = now+1, all+1
			most = max(most, now)
			for _, job := range w.jobList() {
				lanes[job.Kind+" "+job.Lane] = true
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			_, _ = fmt.Fprintf(rw, `<a href="%s">x</a>`, post)
		})
		w.web.Handle("slow.example", slow)
		w.web.Handle("slow.example.", slow)
		post = w.create(entry("content", "hello"))
		pass(5 * time.Second)
		for i := range 5 {
			for _, source := range []string{"https://slow.example/", "http://SLOW.example:80/", "https://slow.example./"} {
				if _, err := w.send(fmt.Sprint(source, i), post); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range 3 {
			w.create(entry("content", fmt.Sprintf("https://slow.example/%d and https://slow.example/again", i)))
		}
		pass(2 * time.Minute)
		if most != 1 || all < 15+6 {
			t.Errorf("%d requests, up to %d at once", all, most)
		}
		if !lanes["verify slow.example"] || !lanes["send slow.example"] {
			t.Errorf("the lanes are %v", lanes)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	}, approve(site.ApproveNone))
}
