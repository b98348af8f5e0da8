package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/queue"
	"tertulia/store"
)

const site = "example.com"

var errBusy = errors.New("busy")

// house is a store and a runner in a bubble of time. Everything in it is opened and
// closed there.
type house struct {
	t    *testing.T
	dir  string
	opts store.Options
	db   *store.DB
	stop func()
}

func (h *house) open() {
	h.t.Helper()
	db, err := store.Open(h.dir, h.opts)
	if err != nil {
		h.t.Fatal(err)
	}
	h.db = db
}

// start runs a runner until stop, which waits for its end.
func (h *house) start(r queue.Runner) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	r.DB = h.db
	go func() { done <- r.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("run: %v", err)
		}
		h.stop = func() {}
	}
}

// bubble runs a test in its own time with an open store.
func bubble(t *testing.T, opts store.Options, fn func(t *testing.T, h *house)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, dir: dir, opts: opts, stop: func() {}}
		h.open()
		defer func() { h.stop(); h.db.Close() }()
		fn(t, h)
	})
}

// pass lets time go by and everything come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (h *house) update(site string, fn func(*store.Tx) error) {
	h.t.Helper()
	if err := h.db.Update(context.Background(), site, fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) enqueue(kind, key string) {
	h.t.Helper()
	h.update(site, func(tx *store.Tx) error { return tx.Enqueue(store.Job{Kind: kind, Key: key}) })
}

func (h *house) jobs() (found []store.Job) {
	h.t.Helper()
	if err := h.db.View(context.Background(), site, func(tx *store.Tx) (err error) { found, err = tx.Jobs(); return err }); err != nil {
		h.t.Fatal(err)
	}
	return found
}

// only is the one job that is kept.
func (h *house) only() store.Job {
	h.t.Helper()
	js := h.jobs()
	if len(js) != 1 {
		h.t.Fatalf("got %d jobs, want one: %+v", len(js), js)
	}
	return js[0]
}

// script is a handler that ends its attempts one after the other as it is told, then well,
// and notes when each began, counted from the first.
type script struct {
	mu    sync.Mutex
	ends  []error
	first time.Time
	at    []time.Duration
	tries []int // Attempts as the handler saw it
}

func (s *script) handle(_ context.Context, j store.Job) (queue.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first.IsZero() {
		s.first = time.Now()
	}
	s.at, s.tries = append(s.at, time.Since(s.first)), append(s.tries, j.Attempts)
	if len(s.ends) == 0 {
		return nil, nil
	}
	err := s.ends[0]
	s.ends = s.ends[1:]
	return nil, err
}

// runs is how often it has begun, while it may begin again.
func (s *script) runs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}

func TestAttempts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ends   []error
		most   int
		at     []time.Duration // of the attempts
		tries  []int
		parked string // error of the job that is parked in the end; "": it is done
	}{
		{"done", nil, 0, []time.Duration{0}, []int{1}, ""},
		{"retried with back-off", []error{errBusy, errBusy}, 0, []time.Duration{0, time.Minute, 3 * time.Minute}, []int{1, 2, 3}, ""},
		{"parked after the last attempt", []error{errBusy, errBusy, errBusy}, 2, []time.Duration{0, time.Minute}, []int{1, 2}, "busy"},
		{"waiting is not an attempt", []error{queue.After(time.Hour, errBusy), queue.After(48*time.Hour, errBusy), queue.After(time.Second, errBusy)}, 1,
			[]time.Duration{0, time.Hour, 49 * time.Hour, 49*time.Hour + time.Second}, []int{1, 1, 1, 1}, ""},
		{"the other side says when: an attempt", []error{queue.Retry(24*time.Hour, errBusy), queue.Retry(time.Hour, errBusy)}, 2,
			[]time.Duration{0, 24 * time.Hour}, []int{1, 2}, "busy"},
		{"permanent", []error{fmt.Errorf("send: %w", queue.Permanent(errBusy))}, 0, []time.Duration{0}, []int{1}, "send: busy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, store.Options{}, func(t *testing.T, h *house) {
				s := &script{ends: tt.ends}
				h.start(queue.Runner{
					Handlers: map[string]queue.Handler{"verify": s.handle}, MaxAttempts: tt.most,
					Wait: func(attempt int) time.Duration { return time.Duration(attempt) * time.Minute },
				})
				h.enqueue("verify", "k")
				pass(7 * 24 * time.Hour)
				h.stop()
				if d := cmp.Diff(tt.at, s.at, cmp.Comparer(near)); d != "" {
					t.Errorf("attempts began at (-want +got):\n%s", d)
				}
				if d := cmp.Diff(tt.tries, s.tries); d != "" {
					t.Errorf("attempts were counted as (-want +got):\n%s", d)
				}
				js := h.jobs()
				if tt.parked == "" && len(js) != 0 {
					t.Errorf("jobs in the end: %+v, want none", js)
				}
				if tt.parked != "" && (len(js) != 1 || js[0].Parked.IsZero() || js[0].Error != tt.parked) {
					t.Errorf("jobs in the end: %+v, want one parked with %q", js, tt.parked)
				}
			})
		})
	}
}

// near allows for the least rest of a runner.
func near(a, b time.Duration) bool { return (a - b).Abs() <= 100*time.Millisecond }

// HOSTILE F6: what is owed is tried for 72 hours, however chance shortens the waits.
func TestBackoffGrowsToSixHoursAndPassesSeventyTwo(t *testing.T) {
	var least time.Duration
	for attempt := 1; attempt < 100; attempt++ {
		got := queue.Backoff(attempt)
		whole := 6 * time.Hour
		if attempt < 6 {
			whole = min(whole, 30*time.Second<<(2*(attempt-1)))
		}
		if got < whole/2 || got >= whole {
			t.Errorf("attempt %d: waits %s, want between %s and %s", attempt, got, whole/2, whole)
		}
		if attempt < 30 {
			least += whole / 2
		}
	}
	if least < 72*time.Hour {
		t.Errorf("thirty attempts may be over after %s", least)
	}
}

// HOSTILE F6: with nothing set, another side that is down for three days gets its own.
func TestDefaultsOutliveThreeDays(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		began, done := time.Now(), false
		h.start(queue.Runner{Handlers: map[string]queue.Handler{"send": func(context.Context, store.Job) (queue.Commit, error) {
			if done = time.Since(began) >= 72*time.Hour; !done {
				return nil, errBusy
			}
			return nil, nil
		}}})
		h.enqueue("send", "k")
		pass(80 * time.Hour)
		if js := h.jobs(); !done || len(js) != 0 {
			t.Errorf("done %t, jobs %+v; want it done", done, js)
		}
	})
}

func TestUnknownKindIsParked(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		h.start(queue.Runner{})
		h.enqueue("from the future", "k")
		synctest.Wait()
		if j := h.only(); j.Parked.IsZero() || j.Error != `this version knows no job "from the future"` {
			t.Errorf("got %+v, want it parked with the reason", j)
		}
	})
}

// T-WR25, HOSTILE F23: three panics park the job, in the handler or in its commit, and the
// others go on.
func TestPanicsParkTheJobAndTheOthersGoOn(t *testing.T) {
	for name, bad := range map[string]queue.Handler{
		"handler": func(context.Context, store.Job) (queue.Commit, error) { panic("boom") },
		"commit": func(context.Context, store.Job) (queue.Commit, error) {
			return func(tx *store.Tx) error {
				if err := tx.PutMedia(store.Media{Name: "half"}); err != nil {
					return err
				}
				panic("boom")
			}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, store.Options{}, func(t *testing.T, h *house) {
				s := &script{}
				h.start(queue.Runner{Handlers: map[string]queue.Handler{"bad": bad, "good": s.handle}, Workers: 1})
				h.enqueue("bad", "k")
				for i := range 10 {
					h.enqueue("good", fmt.Sprint(i))
				}
				pass(24 * time.Hour)
				if j := h.only(); j.Kind != "bad" || j.Panics != 3 || j.Attempts != 3 || j.Parked.IsZero() || j.Error != "panic: boom" {
					t.Errorf("got %+v, want the bad one parked after three panics", j)
				}
				if len(s.at) != 10 {
					t.Errorf("%d of the others ran, want 10", len(s.at))
				}
				err := h.db.View(t.Context(), site, func(tx *store.Tx) error { _, err := tx.Media("half"); return err })
				if err == nil {
					t.Error("what the commit wrote before its panic was kept")
				}
			})
		})
	}
}

func TestThousandJobsAreEachDoneOnce(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		var mu sync.Mutex
		ran, at, most := map[string]int{}, 0, 0
		work := func(_ context.Context, j store.Job) (queue.Commit, error) {
			mu.Lock()
			ran[j.Site+j.Key]++
			at++
			most = max(most, at)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			at--
			mu.Unlock()
			return func(tx *store.Tx) error {
				m, _ := tx.Media("done") // absent at first: zero
				m.Name, m.Size = "done", m.Size+1
				return tx.PutMedia(m)
			}, nil
		}
		sites := []string{"a.example", "b.example"}
		for i, s := range sites {
			h.update(s, func(tx *store.Tx) error {
				for k := range 500 {
					if err := tx.Enqueue(store.Job{Kind: "send", Key: fmt.Sprint(i, "-", k)}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		h.start(queue.Runner{Handlers: map[string]queue.Handler{"send": work}, Workers: 16})
		pass(5 * time.Minute)
		h.stop()
		if len(ran) != 1000 || most != 16 {
			t.Errorf("%d jobs ran, %d at once; want 1000, 16 at once", len(ran), most)
		}
		for k, n := range ran {
			if n != 1 {
				t.Errorf("job %s ran %d times", k, n)
			}
		}
		for _, s := range sites {
			if err := h.db.View(t.Context(), s, func(tx *store.Tx) error {
				m, err := tx.Media("done")
				if m.Size != 500 || tx.JobCount() != 0 {
					t.Errorf("%s: %d outcomes, %d jobs left", s, m.Size, tx.JobCount())
				}
				return err
			}); err != nil {
				t.Error(err)
			}
		}
	})
}
