package store_test

import (
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"tertulia/store"
)

// A job that is due is taken in the transaction that promises it, leased and with its
// attempt counted, when there is a place; the others wait to be claimed.
func TestPromisedJobIsTakenWhereThereIsAPlace(t *testing.T) {
	db, _ := openAt(t)
	var got []store.Job
	to := taker("me", 2, &got)
	db.TakeJobs(to)
	enqueue(t, db, site, store.Job{Kind: "send", Key: "later", Due: start.Add(time.Hour)},
		store.Job{Kind: "send", Key: "1", Lane: "a.example"}, store.Job{Kind: "send", Key: "2", Lane: "a.example"},
		store.Job{Kind: "send", Key: "3"}, store.Job{Kind: "send", Key: "4"})
	if want := []string{site + " 1", site + " 3"}; !slices.Equal(keys(got), want) {
		t.Fatalf("taken: got %v, want %v", keys(got), want)
	}
	for _, j := range listJobs(t, db, site) {
		taken := j.Key == "1" || j.Key == "3"
		if (j.Owner == "me") != taken || (j.Attempts == 1) != taken || j.Until.Equal(start.Add(lease)) != taken {
			t.Errorf("on disk: got %+v, want it leased: %t", j, taken)
		}
	}
	if more := slices.Sorted(slices.Values(keys(claim(t, db, "you", 9)))); !slices.Equal(more, []string{site + " 2", site + " 4"}) {
		t.Errorf("claimed: got %v, want the two that were not taken", more)
	}
	for _, j := range got {
		update(t, db, site, func(tx *store.Tx) error { return tx.FinishJob(j) })
	}
	db.TakeJobs(nil)
	enqueue(t, db, site, store.Job{Kind: "send", Key: "5"})
	if len(got) != 2 {
		t.Errorf("after the taker has gone: got %v, want nothing more", keys(got))
	}
}

// The places of transactions that came to nothing are free again: that failed, panicked,
// or ran twice because another one in their commit failed.
func TestPlacesAreGivenBack(t *testing.T) {
	db, _ := openAt(t)
	var mu sync.Mutex
	places, started := 1000, 0
	db.TakeJobs(&store.Taker{
		Owner: "me", Lease: func(string) time.Duration { return lease }, Full: func() bool { return false },
		Take:     func(string) bool { mu.Lock(); defer mu.Unlock(); places--; return true },
		GiveBack: func(string) { mu.Lock(); defer mu.Unlock(); places++ },
		Start:    func(store.Job) { mu.Lock(); defer mu.Unlock(); started++ },
	})
	var wg sync.WaitGroup
	for i := range 90 {
		wg.Go(func() {
			defer func() { _ = recover() }()
			err := db.Update(bg, site, func(tx *store.Tx) error {
				if err := tx.Enqueue(store.Job{Kind: "send", Key: store.NewID(start)}); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return io.ErrUnexpectedEOF
				case 2:
					panic("a mistake")
				}
				return nil
			})
			if want := i%3 == 1; errors.Is(err, io.ErrUnexpectedEOF) != want {
				t.Errorf("update %d: got %v", i, err)
			}
		})
	}
	wg.Wait()
	if places != 970 || started != 30 {
		t.Errorf("got %d places left and %d jobs started, want 970 and 30", places, started)
	}
	if n := len(listJobs(t, db, site)); n != 30 {
		t.Errorf("got %d jobs on disk, want 30", n)
	}
}
