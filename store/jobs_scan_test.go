package store_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tertulia/store"
)

// Whatever becomes of the jobs, they are counted right, one of a kind and key is
// kept, and the next time is that of the earliest.
func TestJobsAgreeWithAScan(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		db, c := openAt(outer)
		defer db.Close()
		pair := []string{"a.example", "b.example"}
		var held []store.Job
		settle := func(fn func(*rapid.T, *store.Tx, store.Job) error) func(*rapid.T) {
			return func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("nothing is held")
				}
				i := rapid.IntRange(0, len(held)-1).Draw(t, "held")
				j := held[i]
				held = append(held[:i:i], held[i+1:]...)
				err := db.Update(bg, j.Site, func(tx *store.Tx) error { return fn(t, tx, j) })
				if err != nil && !errors.Is(err, store.ErrLease) {
					t.Fatalf("settle: %v", err)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"enqueue": func(t *rapid.T) {
				j := store.Job{Kind: "k", Key: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "key"), Due: c.Now().Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "due")) * lease)}
				enqueue(t, db, rapid.SampledFrom(pair).Draw(t, "site"), j)
			},
			"claim": func(t *rapid.T) {
				held = append(held, claim(t, db, rapid.SampledFrom([]string{"x", "y"}).Draw(t, "owner"), rapid.IntRange(1, 3).Draw(t, "most"))...)
			},
			"time": func(t *rapid.T) {
				c.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "minutes")) * lease)
			},
			"finish": settle(func(_ *rapid.T, tx *store.Tx, j store.Job) error { return tx.FinishJob(j) }),
			"retry":  settle(func(_ *rapid.T, tx *store.Tx, j store.Job) error { return tx.RetryJob(j, tx.Now, "x", true) }),
			"park":   settle(func(_ *rapid.T, tx *store.Tx, j store.Job) error { return tx.ParkJob(j, "x") }),
			"": func(t *rapid.T) {
				var earliest time.Time
				seen, waiting := map[string]bool{}, 0
				for _, s := range pair {
					for _, j := range listJobs(t, db, s) {
						if id := j.Site + j.Kind + j.Key; j.Site != s || seen[id] {
							t.Fatalf("job %+v among those of %s, seen %t", j, s, seen[id])
						} else {
							seen[id] = true
						}
						if j.Parked.IsZero() {
							waiting++
						}
						at := j.Due
						if j.Owner != "" {
							at = j.Until
						}
						if j.Parked.IsZero() && (earliest.IsZero() || at.Before(earliest)) {
							earliest = at
						}
					}
				}
				if got := jobCount(t, db); got != waiting {
					t.Fatalf("count: got %d, want %d, the parked ones left out", got, waiting)
				}
				next, ok, err := db.NextDue()
				if err != nil || ok == earliest.IsZero() || ok && !next.Equal(earliest) {
					t.Fatalf("next due: got %v %v %v, want %v", next, ok, err, earliest)
				}
			},
		})
	})
}
