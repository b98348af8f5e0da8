package store_test

import (
	"testing"
	"time"

	"tertulia/store"
)

// What another service has numbered keeps its number where it is newer than all changes, and
// its time where nothing was public later; everything goes on from there.
func TestNumbersFromElsewhereAreKeptUpwards(t *testing.T) {
	db, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	old, older := time.Date(2016, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2015, 1, 2, 0, 0, 0, 0, time.UTC)
	put := func(number uint64, at time.Time) (m store.Mention) {
		t.Helper()
		err := db.Update(t.Context(), "a.example", func(tx *store.Tx) error {
			if err := tx.PutPage(store.Page{ID: "p", URL: "https://a.example/", Found: true}); err != nil {
				return err
			}
			m = store.Mention{ID: store.NewID(tx.Now), Source: store.NewID(tx.Now), Page: "p", State: store.Approved, Shown: &store.Version{Type: "like", Digest: "x"}}
			m.Number, m.Public = tx.Keepable(number, at)
			if err := tx.PutMention(m); err != nil {
				return err
			}
			var err error
			m, err = tx.Mention(m.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for i, c := range []struct {
		number   uint64
		at       time.Time
		want     uint64
		keepsDay bool
	}{
		{900, old, 900, true},
		{901, old, 901, true},
		{950, older, 950, false}, // its time was before the last
		{960, old, 960, false},   // which is now
		{960, time.Time{}, 961, false},
		{5, old, 962, false},
		{store.MaxNumber + 1, old, 963, false},
		{1000, time.Now().Add(time.Hour), 1000, false},
		{0, time.Time{}, 1001, false},
	} {
		if m := put(c.number, c.at); m.Number != c.want || m.Public.Equal(c.at) != c.keepsDay || m.Public.After(time.Now()) {
			t.Errorf("%d: got %d at %s, want %d, its own time: %v", i, m.Number, m.Public, c.want, c.keepsDay)
		}
	}
}
