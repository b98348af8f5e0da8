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

// HOSTILE 108: a hundred hosts that hang, with five hundred jobs each, take all places
// that lanes have. Who comes later waits for one job of each, not for all of them.
func TestLanesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.TempDir(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var mu sync.Mutex
		done := map[string]int{}
		var honest time.Time
		r := &queue.Runner{DB: db, Workers: 20, Reserved: 4, Handlers: map[string]queue.Handler{
			"look": func(_ context.Context, j store.Job) (queue.Commit, error) {
				if j.Lane != "honest" {
					time.Sleep(10 * time.Second)
				}
				mu.Lock()
				defer mu.Unlock()
				if done[j.Lane]++; j.Lane == "honest" {
					honest = time.Now()
				}
				return nil, nil
			},
		}}
		promise := func(lanes, each int) {
			for lane := range lanes {
				if err := db.Update(t.Context(), "a.example", func(tx *store.Tx) error {
					for n := range each {
						if err := tx.Enqueue(store.Job{Kind: "look", Key: fmt.Sprint(lane, " ", n), Lane: fmt.Sprint("slow-", lane)}); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := db.Update(t.Context(), "a.example", func(tx *store.Tx) error {
			return tx.Enqueue(store.Job{Kind: "look", Key: "before", Lane: "honest"}) // it is no new name
		}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		time.Sleep(time.Second)
		promise(100, 50)
		time.Sleep(25 * time.Second)
		began := time.Now()
		if err := db.Update(t.Context(), "a.example", func(tx *store.Tx) error {
			return tx.Enqueue(store.Job{Kind: "look", Key: "honest", Lane: "honest"})
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		promise(200, 50) // and ever new names come after it
		time.Sleep(175 * time.Second)
		mu.Lock()
		if honest.IsZero() || honest.Sub(began) > 70*time.Second {
			t.Errorf("the honest host waited %s", honest.Sub(began))
		}
		for lane := range 100 {
			if n := done[fmt.Sprint("slow-", lane)]; n < 1 || n > 3 {
				t.Errorf("host %d had %d turns in 200 seconds, want about the same for all", lane, n)
			}
		}
		mu.Unlock()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
