package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tertulia/store"
)

// countedAs is the type of a mention as counters name it.
func countedAs(x store.Mention) string {
	if x.Shown.Type == "rsvp" {
		return "rsvp-" + x.Shown.RSVP
	}
	return x.Shown.Type
}

// checkPublic compares what is said to be public on the site, and what is not any more,
// with the model.
func (m *model) checkPublic(t *rapid.T, tx *store.Tx) error {
	var errs []error
	sums := map[string]int{}
	for _, x := range m.mentions {
		if visible(x) {
			sums[countedAs(x)]++
		}
	}
	if d := cmp.Diff(sums, tx.Totals()); d != "" {
		errs = append(errs, fmt.Errorf("totals (-want +got):\n%s", d))
	}
	types := slices.Sorted(maps.Keys(sums))
	after := uint64(rapid.IntRange(0, int(m.last)+1).Draw(t, "after"))
	since := m.clock.Now().Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "since")) * time.Second)
	number := func(x store.Mention) time.Time { return time.Unix(int64(x.Number), 0) }
	dated := func(x store.Mention) time.Time { return x.Dated() }
	public := func(x store.Mention) time.Time { return x.Public }
	for _, down := range []bool{false, true} {
		for name, tt := range map[string]struct {
			l     store.Listing
			order func(store.Mention) time.Time
			keep  func(store.Mention) bool
		}{
			"by number":   {store.Listing{Types: types}, number, visible},
			"after":       {store.Listing{Types: types, After: after}, number, func(x store.Mention) bool { return visible(x) && x.Number > after }},
			"one type":    {store.Listing{Types: []string{"like", "never"}}, number, func(x store.Mention) bool { return visible(x) && x.Shown.Type == "like" }},
			"by received": {store.Listing{Types: types, By: store.ByReceived}, public, visible},
			"since":       {store.Listing{Types: types, By: store.ByReceived, Since: since}, public, func(x store.Mention) bool { return visible(x) && x.Public.After(since) }},
			"by dated":    {store.Listing{Types: types, By: store.ByDated}, dated, visible},
		} {
			want := m.inOrder(tt.keep, tt.order)
			got := []string{}
			tt.l.Downwards = down
			for p := range tx.Public(tt.l) {
				got = append(got, p.ID)
				if x := m.mentions[p.ID]; p.Page != x.Page || p.Type != countedAs(x) || p.Number != x.Number || !p.Received.Equal(x.Public) || !p.Dated.Equal(x.Dated()) || p.Changed != max(x.Changed, x.Number) {
					errs = append(errs, fmt.Errorf("%s: got %+v of %+v", name, p, x))
				}
			}
			if down {
				slices.Reverse(want)
			}
			if d := cmp.Diff(want, got); d != "" {
				errs = append(errs, fmt.Errorf("%s, down %t (-want +got):\n%s", name, down, d))
			}
		}
	}
	for _, page := range m.pages {
		want, got := m.inOrder(func(x store.Mention) bool { return visible(x) && x.Page == page }, public), []string{}
		for p := range tx.PublicOf(page) {
			if got = append(got, p.ID); p.Page != page || p.Type != countedAs(m.mentions[p.ID]) {
				errs = append(errs, fmt.Errorf("of %s: got %+v", page, p))
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			errs = append(errs, fmt.Errorf("of %s (-want +got):\n%s", page, d))
		}
	}
	gone := map[uint64]string{}
	for g := range tx.Gone(time.Time{}, false) {
		gone[g.Number] = tx.GoneMention(g.Number)
	}
	if d := cmp.Diff(m.gone, gone); d != "" {
		errs = append(errs, fmt.Errorf("gone (-want +got):\n%s", d))
	}
	return errors.Join(errs...)
}

// inOrder lists the ids of the mentions that keep wants by a time, then by number.
func (m *model) inOrder(keep func(store.Mention) bool, when func(store.Mention) time.Time) (ids []string) {
	ids = []string{}
	var found []store.Mention
	for _, x := range m.mentions {
		if keep(x) {
			found = append(found, x)
		}
	}
	slices.SortFunc(found, func(a, b store.Mention) int {
		if c := when(a).Compare(when(b)); c != 0 {
			return c
		}
		return int(a.Number) - int(b.Number)
	})
	for _, x := range found {
		ids = append(ids, x.ID)
	}
	return ids
}

// That a mention has gone is told for a year, and not forgotten by a clock that has leapt.
func TestGoneMentionsAreToldForAYear(t *testing.T) {
	db, c := openAt(t)
	put := func(id string, state store.State) {
		update(t, db, site, func(tx *store.Tx) error {
			m, err := tx.Mention(id)
			if err != nil {
				m = store.Mention{ID: id, Source: "https://b.example/" + id, Page: "p", Received: tx.Now, Shown: &store.Version{Type: "like", Digest: id}}
			}
			m.State = state
			return tx.PutMention(m)
		})
	}
	gone := func() (ids []string) {
		view(t, db, site, func(tx *store.Tx) error {
			for g := range tx.Gone(time.Time{}, false) {
				ids = append(ids, tx.GoneMention(g.Number))
			}
			return nil
		})
		return ids
	}
	update(t, db, site, func(tx *store.Tx) error { return tx.PutPage(store.Page{ID: "p"}) })
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		put(id, store.Approved)
	}
	put("1", store.Withdrawn)
	put("2", store.Rejected)
	put("1", store.Approved) // it is back
	if got := gone(); !slices.Equal(got, []string{"2"}) {
		t.Errorf("got %v, want 2", got)
	}
	c.Add(400 * day)
	put("3", store.Withdrawn)
	if got := gone(); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("the clock has leapt: got %v, want 2 and 3", got)
	}
	c.Add(-400 * day)
	for range 15 {
		c.Add(25 * day)
		if err := sweep(db); err != nil { // as the service does: the clock is seen to go on
			t.Fatal(err)
		}
	}
	put("4", store.Withdrawn)
	if got := gone(); !slices.Equal(got, []string{"4", "3"}) {
		t.Errorf("after a year: got %v, want the fourth and the third, which went when the clock was ahead", got)
	}
}
