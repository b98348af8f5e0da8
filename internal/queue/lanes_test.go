package queue_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// A host gets one request at a time, whatever it is asked for (DESIGN section 5,
// Limits), and hosts that hang leave room for the jobs of our own.
func TestLanesRunOneAtATimeAndLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.TempDir(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var mu sync.Mutex
		running, most := map[string]int{}, map[string]int{}
		var ours time.Time
		began := time.Now()
		r := &queue.Runner{DB: db, Workers: 10, Reserved: 2, Handlers: map[string]queue.Handler{
			"hang": func(_ context.Context, j store.Job) (queue.Commit, error) {
				mu.Lock()
				running[j.Lane]++
				running["all"]++
				most[j.Lane], most["all"] = max(most[j.Lane], running[j.Lane]), max(most["all"], running["all"])
				mu.Unlock()
				time.Sleep(10 * time.Second)
				mu.Lock()
				running[j.Lane]--
				running["all"]--
				mu.Unlock()
				return nil, nil
			},
			"ours": func(context.Context, store.Job) (queue.Commit, error) {
				mu.Lock()
				ours = time.Now()
				mu.Unlock()
				return nil, nil
			},
		}}
		enqueue := func(jobs ...store.Job) {
			if err := db.Update(t.Context(), "a.example", func(tx *store.Tx) error {
				for _, j := range jobs {
					if err := tx.Enqueue(j); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
		for host := range 20 {
			for n := range 3 {
				enqueue(store.Job{Kind: "hang", Key: fmt.Sprint(host, n), Lane: fmt.Sprintf("host-%d", host)})
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(5 * time.Second) // every lane's worker hangs
		enqueue(store.Job{Kind: "ours", Key: "post"})
		time.Sleep(time.Second)
		mu.Lock()
		if ours.IsZero() || ours.Sub(began) > 5100*time.Millisecond {
			t.Errorf("our own job began after %v, want it at once", ours.Sub(began))
		}
		mu.Unlock()
		time.Sleep(200 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for lane, n := range most {
			if lane != "all" && n > 1 {
				t.Errorf("%s: got %d at once, want 1", lane, n)
			}
		}
		if most["all"] != 8 {
			t.Errorf("got %d hosts asked at once, want 8: two of ten workers are kept free", most["all"])
		}
		err = db.View(t.Context(), "a.example", func(tx *store.Tx) error {
			if n := tx.JobCount() + tx.LaneCount("host-3"); n != 0 {
				t.Errorf("got %d jobs left, want none", n)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// A lane that is to be left alone keeps its jobs, and nobody else's, waiting.
func TestBusyLaneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.TempDir(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var mu sync.Mutex
		var order []string
		busy := true
		r := &queue.Runner{DB: db, Handlers: map[string]queue.Handler{
			"look": func(_ context.Context, j store.Job) (queue.Commit, error) {
				mu.Lock()
				order = append(order, j.Lane)
				mu.Unlock()
				return nil, nil
			},
		}, Busy: func(lane string) bool { mu.Lock(); defer mu.Unlock(); return busy && lane == "tired.example" }}
		for _, lane := range []string{"tired.example", "fresh.example"} {
			if err := db.Update(t.Context(), "a.example", func(tx *store.Tx) error {
				return tx.Enqueue(store.Job{Kind: "look", Key: lane, Lane: lane})
			}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(time.Minute)
		mu.Lock()
		if len(order) != 1 || order[0] != "fresh.example" {
			t.Errorf("while the lane is busy: got %q", order)
		}
		busy = false
		mu.Unlock()
		time.Sleep(time.Second)
		mu.Lock()
		if len(order) != 2 {
			t.Errorf("after it: got %q, want both", order)
		}
		mu.Unlock()
		cancel()
		<-done
	})
}
