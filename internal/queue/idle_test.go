package queue_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// counting is a clock of the store that counts how often it is asked, which every
// claim does, and that may go wrong by an offset.
type counting struct {
	asked  atomic.Int64
	offset atomic.Int64
}

func (c *counting) Now() time.Time {
	c.asked.Add(1)
	return time.Now().Add(time.Duration(c.offset.Load()))
}

// An idle runner rests: an hour takes a claim a minute, whatever waits, is parked or
// under way, and whatever the store's clock says.
func TestIdleRunnerRests(t *testing.T) {
	for _, tt := range []struct {
		name   string
		offset time.Duration // of the store's clock
		kind   string        // of the job that is kept; "": none
		due    time.Duration
	}{
		{"nothing to do", 0, "", 0},
		{"a job of tomorrow", 0, "long", 24 * time.Hour},
		{"the clock is a year behind", -365 * 24 * time.Hour, "long", 24 * time.Hour},
		{"the clock is a year ahead", 365 * 24 * time.Hour, "long", 24 * time.Hour},
		{"a parked job", 0, "unknown", 0},
		{"a job under way", 0, "long", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &counting{}
			c.offset.Store(int64(tt.offset))
			bubble(t, store.Options{Now: c.Now}, func(t *testing.T, h *house) {
				h.start(queue.Runner{Lease: 3 * time.Hour, Handlers: map[string]queue.Handler{"long": until}})
				if tt.kind != "" {
					h.update(site, func(tx *store.Tx) error {
						return tx.Enqueue(store.Job{Kind: tt.kind, Key: "k", Due: tx.Now.Add(tt.due)})
					})
				}
				synctest.Wait()
				before := c.asked.Load()
				pass(time.Hour)
				if asked := c.asked.Load() - before; asked > 130 {
					t.Errorf("an idle hour asked the clock %d times", asked)
				}
			})
		})
	}
}

// A job that is enqueued while the runner rests starts at once.
func TestEnqueuedJobWakesTheRunner(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		s := &script{}
		h.start(queue.Runner{Handlers: handlers(s.handle)})
		pass(time.Hour + 17*time.Second)
		began := time.Now()
		h.enqueue("verify", "k")
		synctest.Wait()
		if len(s.at) != 1 || !time.Now().Equal(began) {
			t.Errorf("ran %d times by %s, want once and at once", len(s.at), time.Since(began))
		}
	})
}

// A job that waits is started when it is due, not at the end of a rest.
func TestWaitingJobStartsWhenItIsDue(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		s := &script{}
		h.start(queue.Runner{Handlers: handlers(s.handle)})
		due := time.Now().Add(61 * time.Minute)
		h.update(site, func(tx *store.Tx) error { return tx.Enqueue(store.Job{Kind: "verify", Key: "k", Due: due}) })
		pass(2 * time.Hour)
		if len(s.at) != 1 || !near(s.first.Sub(due), 0) {
			t.Errorf("ran %d times, first at %s, want at %s", len(s.at), s.first, due)
		}
	})
}

// HOSTILE F17: a clock that is set back takes the jobs with it: they go on at their
// pace, neither at once nor in ten years.
func TestClockThatWentBackLosesNoJob(t *testing.T) {
	c := &counting{}
	bubble(t, store.Options{Now: c.Now}, func(t *testing.T, h *house) {
		s := &script{ends: []error{errBusy}}
		h.start(queue.Runner{Handlers: handlers(s.handle), Wait: func(int) time.Duration { return 30 * time.Minute }})
		h.enqueue("verify", "k")
		synctest.Wait()
		c.offset.Store(int64(-10 * 365 * 24 * time.Hour))
		pass(20 * time.Minute)
		if s.runs() != 1 {
			t.Errorf("ran %d times before its time", s.runs())
		}
		pass(15 * time.Minute)
		if s.runs() != 2 || len(h.jobs()) != 0 {
			t.Errorf("ran %d times, jobs %+v; want the second attempt", s.runs(), h.jobs())
		}
	})
}
