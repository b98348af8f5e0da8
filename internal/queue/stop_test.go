package queue_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// until is a handler that works until it is told to stop.
func until(ctx context.Context, _ store.Job) (queue.Commit, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("get: %w", ctx.Err())
}

func handlers(h queue.Handler) map[string]queue.Handler { return map[string]queue.Handler{"verify": h} }

// HOSTILE F22: being stopped is not a failure.
func TestStoppedJobRunsAgainAfterTheRestart(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		h.start(queue.Runner{Handlers: handlers(until)})
		h.enqueue("verify", "k")
		synctest.Wait()
		if j := h.only(); j.Owner == "" || j.Attempts != 1 {
			t.Errorf("while it runs: %+v, want a lease and the attempt counted", j)
		}
		h.stop()
		if j := h.only(); j.Attempts != 0 || j.Error != "" || j.Owner != "" || j.Panics != 0 || j.Due.After(time.Now()) {
			t.Errorf("after the stop: %+v, want it as before", j)
		}
		h.db.Close()
		h.open()
		s := &script{}
		h.start(queue.Runner{Handlers: handlers(s.handle)})
		synctest.Wait()
		if len(s.at) != 1 || s.tries[0] != 1 || len(h.jobs()) != 0 {
			t.Errorf("after the restart: ran %d times, jobs %+v", len(s.at), h.jobs())
		}
	})
}

// What was done is kept even if the stop comes between the work and its commit.
func TestStopKeepsWhatIsDone(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		h.start(queue.Runner{Handlers: handlers(func(ctx context.Context, _ store.Job) (queue.Commit, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // it finishes all the same
			return func(tx *store.Tx) error { return tx.PutMedia(store.Media{Name: "done"}) }, nil
		})})
		h.enqueue("verify", "k")
		synctest.Wait()
		h.stop()
		if js := h.jobs(); len(js) != 0 {
			t.Errorf("jobs %+v, want none", js)
		}
		if err := h.db.View(t.Context(), site, func(tx *store.Tx) error { _, err := tx.Media("done"); return err }); err != nil {
			t.Error(err)
		}
	})
}

// HOSTILE F1: after a crash the job simply runs again, and its first run, if it had
// any effect, is the second run's no-op.
func TestJobRunsAgainAfterACrash(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		var ran atomic.Int32
		release := make(chan struct{})
		work := func(_ context.Context, j store.Job) (queue.Commit, error) {
			if ran.Add(1) == 1 {
				<-release // the store is gone when it comes back
			}
			return func(tx *store.Tx) error { return tx.PutMedia(store.Media{Name: j.Key, Size: 1}) }, nil
		}
		h.start(queue.Runner{Handlers: handlers(work)})
		h.enqueue("verify", "k")
		synctest.Wait()
		h.db.Close()
		close(release)
		synctest.Wait()
		h.stop()

		h.open()
		if j := h.only(); j.Owner == "" {
			t.Errorf("after the crash: %+v, want the lease of the dead", j)
		}
		h.start(queue.Runner{Handlers: handlers(work)})
		synctest.Wait()
		if ran.Load() != 2 || len(h.jobs()) != 0 {
			t.Errorf("ran %d times, jobs %+v; want twice and none", ran.Load(), h.jobs())
		}
		if err := h.db.View(t.Context(), site, func(tx *store.Tx) error { _, err := tx.Media("k"); return err }); err != nil {
			t.Error(err)
		}
	})
}

// A job that takes the process with it each time is set aside before the fourth.
func TestJobThatKillsTheProcessIsParked(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		h.enqueue("verify", "k")
		for range 3 {
			if err := h.db.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			n, err := h.db.Claim(t.Context(), &store.Taker{
				Owner: "who dies", Lease: func(string) time.Duration { return time.Minute },
				Take: func(string) bool { return true }, Full: func() bool { return false }, Start: func(store.Job) {},
			})
			if err != nil || n != 1 {
				t.Fatalf("claimed %d and %v, want the job", n, err)
			}
			h.db.Close()
			h.open()
		}
		s := &script{}
		h.start(queue.Runner{Handlers: handlers(s.handle)})
		synctest.Wait()
		if j := h.only(); len(s.at) != 0 || j.Parked.IsZero() || j.Error != "the process died 3 times while it ran" {
			t.Errorf("ran %d times, job %+v; want it parked", len(s.at), j)
		}
		h.update(site, func(tx *store.Tx) error { return tx.Unpark(h.only().ID) })
		synctest.Wait()
		if len(s.at) != 1 || len(h.jobs()) != 0 {
			t.Errorf("after it was unparked: ran %d times, jobs %+v", len(s.at), h.jobs())
		}
	})
}

// A handler that does not heed its context loses the lease: another attempt has the
// job, and what the slow one brings in the end is not kept.
func TestSlowHandlerLosesItsLease(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		var ran atomic.Int32
		h.start(queue.Runner{Lease: time.Minute, Handlers: handlers(func(ctx context.Context, _ store.Job) (queue.Commit, error) {
			n := ran.Add(1)
			if n == 1 {
				time.Sleep(10 * time.Minute)
				if ctx.Err() == nil {
					t.Error("the context outlived the lease")
				}
			}
			return func(tx *store.Tx) error { return tx.PutMedia(store.Media{Name: fmt.Sprint("by ", n)}) }, nil
		})})
		h.enqueue("verify", "k")
		pass(time.Hour)
		if ran.Load() != 2 || len(h.jobs()) != 0 {
			t.Errorf("ran %d times, jobs %+v; want twice and none", ran.Load(), h.jobs())
		}
		if err := h.db.View(t.Context(), site, func(tx *store.Tx) error {
			if _, err := tx.Media("by 1"); err == nil {
				t.Error("the outcome under the lost lease was kept")
			}
			_, err := tx.Media("by 2")
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

// A handler that heeds its context is ended before the lease is, and tried again.
func TestHandlerIsEndedBeforeItsLease(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		h.start(queue.Runner{Lease: time.Minute, Handlers: handlers(until)})
		h.enqueue("verify", "k")
		pass(59 * time.Second)
		if j := h.only(); j.Owner != "" || j.Attempts != 1 || j.Error != "get: context deadline exceeded" {
			t.Errorf("got %+v, want it waiting for its second attempt", j)
		}
	})
}

// A job enqueued anew while it runs runs once more, with the new arguments.
func TestJobEnqueuedWhileItRunsRunsOnceMore(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		var args []string
		h.start(queue.Runner{Workers: 1, Handlers: handlers(func(_ context.Context, j store.Job) (queue.Commit, error) {
			args = append(args, string(j.Args))
			time.Sleep(time.Second)
			return nil, nil
		})})
		for _, a := range []string{"1", "2", "3"} {
			h.update(site, func(tx *store.Tx) error {
				return tx.Enqueue(store.Job{Kind: "verify", Key: "k", Args: []byte(a)})
			})
			synctest.Wait()
		}
		pass(time.Minute)
		if got := fmt.Sprint(args); got != "[1 3]" || len(h.jobs()) != 0 {
			t.Errorf("ran with %s, jobs %+v; want [1 3] and none", got, h.jobs())
		}
	})
}
