package site_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/queue"
	"tertulia/micropub"
	"tertulia/store"
)

// F6, R3: stopped before or after the work of any step, and started again, nothing is
// lost, nothing is said too early, and the end is the same.
func TestAStopBetweenAnyTwoStepsLosesNothing(t *testing.T) {
	story := func(t *testing.T, w *world, live func()) {
		ana, bob := w.inbox("ana.example"), w.inbox("bob.example")
		bea := w.host("bea.example")
		post := w.create(entry("content", "https://ana.example/ https://bob.example/"))
		live()
		w.update(post, micropub.Update{Replace: map[string][]any{"content": {"https://ana.example/ only"}}})
		live()
		bea.says("/1", replyTo(post, "hello"))
		id, err := w.send("https://bea.example/1", post)
		if err != nil {
			t.Fatal(err)
		}
		live()
		w.remove(post)
		live()
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Fatalf("jobs are left: %+v", jobs)
		}
		w.wantState("the mention", id, store.Pending)
		for _, in := range []*inbox{ana, bob} {
			h := in.heard()
			if len(h) < 2 {
				t.Fatalf("told only %+v", h)
			}
			if last := h[len(h)-1]; last.linked || in == ana && last.status != 410 {
				t.Errorf("the last it was told: %+v", last)
			}
			if h[0].status != 200 || !h[0].linked {
				t.Errorf("the first it was told: %+v", h[0])
			}
		}
		if p := w.post(post); p.Announced != 3 || p.Live != 3 {
			t.Errorf("the post: %+v", p)
		}
	}
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			crashed := false
			t.Run(fmt.Sprintf("%d after work %t", n, after), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					pass(time.Second)
					stopped := make(chan struct{}, 1)
					w.stop()
					w.runner.Handlers = dieAt(w.runner.Handlers, n, after, stopped)
					w.start()
					story(t, w, func() {
						pass(5 * time.Second)
						select {
						case <-stopped:
							crashed = true
							w.restart()
							pass(5 * time.Second)
						default:
						}
					})
				})
			})
			if !crashed {
				if n < 10 {
					t.Errorf("the story has only %d steps", n-1)
				}
				break
			}
		}
	}
}

// dieAt makes the n-th job that runs, and all that follow, hang until the service is
// stopped: before its work, or when it is done and not yet written down.
func dieAt(handlers map[string]queue.Handler, n int, after bool, stopped chan<- struct{}) map[string]queue.Handler {
	var mu sync.Mutex
	dying := map[string]queue.Handler{}
	for kind, handle := range handlers {
		dying[kind] = func(ctx context.Context, job store.Job) (queue.Commit, error) {
			mu.Lock()
			n--
			alive, now := n > 0, n == 0
			mu.Unlock()
			if alive {
				return handle(ctx, job)
			}
			if now && after {
				if _, err := handle(ctx, job); err != nil {
					return nil, err
				}
			}
			if now {
				stopped <- struct{}{}
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}
	return dying
}

// R3: each job may run twice; the second time changes nothing and tells nobody.
func TestJobsThatRunTwiceAreNoOps(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		var mu sync.Mutex
		var ran []store.Job
		w.host("bea.example").says("/1", "x")
		pass(time.Second)
		w.stop()
		handlers := w.jobs.Handlers()
		recording := map[string]queue.Handler{}
		for kind, handle := range handlers {
			recording[kind] = func(ctx context.Context, job store.Job) (queue.Commit, error) {
				mu.Lock()
				ran = append(ran, job)
				mu.Unlock()
				return handle(ctx, job)
			}
		}
		w.runner.Handlers = recording
		w.start()
		w.web.Down("me.example", true) // so that announcing is a job of its own
		post := w.create(entry("content", "https://ana.example/"))
		w.web.Down("me.example", false)
		pass(time.Minute)
		w.host("bea.example").says("/1", replyTo(post, "hello"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		before, mention := w.post(post), w.mention(id)
		page, err := w.talk.Of(t.Context(), post)
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]bool{}
		for range 2 {
			for _, job := range ran {
				kinds[job.Kind] = true
				commit, err := handlers[job.Kind](t.Context(), job)
				if err != nil {
					t.Fatalf("%s: %v", job.Kind, err)
				}
				if commit != nil {
					if err := w.db.Update(t.Context(), w.site.Key, commit); err != nil {
						t.Fatalf("%s: %v", job.Kind, err)
					}
				}
			}
		}
		synctest.Wait()
		pass(time.Minute)
		if len(kinds) != 5 {
			t.Errorf("only %v ran", kinds)
		}
		ana.wantHeard("run three times", 1)
		after := w.post(post)
		if after.Revision != before.Revision || len(after.History) != len(before.History) || after.Sent[0] != before.Sent[0] {
			t.Errorf("the post was %+v and is %+v", before, after)
		}
		again, err := w.talk.Of(t.Context(), post)
		if err != nil || again.Revision != page.Revision || len(again.Responses) != 1 {
			t.Errorf("the conversation was %+v and is %+v (%v)", page, again, err)
		}
		if m := w.mention(id); m.State != mention.State || m.Number != mention.Number || m.Held != nil {
			t.Errorf("the mention was %+v and is %+v", mention, m)
		}
	})
}

// A post that changes while its targets are being told: each hears the last of it.
func TestRevisionsThatOvertakeTheSends(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		var once sync.Once
		const post = "https://me.example/2000/01/01/x/"
		ana.answers = func(int) answer {
			once.Do(func() {
				w.update(post, micropub.Update{Replace: map[string][]any{"content": {"without a link"}}})
				time.Sleep(2 * time.Second) // while this is on its way the new revision goes live
			})
			return answer{status: 202}
		}
		if got := w.create(entry("content", "https://ana.example/"), "x"); got != post {
			t.Fatalf("the permalink is %s", got)
		}
		pass(time.Minute)
		h := ana.heard()
		if len(h) != 2 || h[1].linked {
			t.Errorf("it was told %+v, want a second time without the link", h)
		}
		if s := w.sent(post, "https://ana.example/"); s.State != "unlinked" || s.Revision != 2 {
			t.Errorf("got %+v", s)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	})
}
