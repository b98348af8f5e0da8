package site

import (
	"fmt"
	"testing"
	"time"

	"tertulia/internal/leaktest"
	"tertulia/store"
)

// However many mentions there are and wherever a walk begins, each has its turn, the last as well
// as the first.
func TestReviewGoesAround(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	leaktest.Dir(t, dir)
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	stored := 0
	for _, n := range []int{0, 1, 10, reviewWalk - 1, reviewWalk, reviewWalk + 1, 2*reviewWalk + 500} {
		err := db.Update(t.Context(), "s", func(tx *store.Tx) error {
			for ; stored < n; stored++ {
				m := store.Mention{ID: fmt.Sprintf("m%05d", stored), Received: tx.Now.Add(-time.Hour), Source: "https://a.example/", State: store.Pending}
				if err := tx.PutMention(m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, start := range []string{"", "a", "m00000", "m00005x", "m01999", "zzz"} {
			if got := walked(t, db, start, n/reviewWalk+1); got != n {
				t.Errorf("of %d mentions from %q on: %d", n, start, got)
			}
		}
	}
}

// walked counts the mentions that so many walks in a row go through.
func walked(t *testing.T, db *store.DB, at string, walks int) int {
	t.Helper()
	seen := map[string]bool{}
	err := db.View(t.Context(), "s", func(tx *store.Tx) error {
		for range walks {
			_, _, at = walk(func(yield func(store.Mention) bool) {
				for m := range around(tx, at) {
					if !yield(m) {
						return // it was one too many
					}
					seen[m.ID] = true
				}
			}, tx.Now)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(seen)
}
