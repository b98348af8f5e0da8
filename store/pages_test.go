package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/store"
)

func TestPageIsFoundByItsAliasesAndThroughMerges(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(
			tx.PutPage(store.Page{ID: "a", URL: "https://example.com/a"}, "/a", "/a/"),
			tx.PutPage(store.Page{ID: "b"}, "/b"),
			tx.PutPage(store.Page{ID: "c"}, "/c"),
			tx.PutPage(store.Page{ID: "b", Merged: "a"}),
			tx.PutPage(store.Page{ID: "c", Merged: "b"}),
			tx.PutPage(store.Page{ID: "x", Merged: "y"}, "/x"),
			tx.PutPage(store.Page{ID: "y", Merged: "x"}),
			tx.PutPage(store.Page{ID: "lost", Merged: "nowhere"}, "/lost"))
	})
	view(t, db, site, func(tx *store.Tx) error {
		for _, alias := range []string{"/a", "/a/", "/b", "/c"} {
			if p, err := tx.PageAt(alias); err != nil || p.ID != "a" {
				t.Errorf("page at %s: got %q and %v, want a", alias, p.ID, err)
			}
		}
		for _, alias := range []string{"/", "/x", "/lost", ""} {
			_, err := tx.PageAt(alias)
			wantNotExist(t, "page at "+alias, err)
		}
		if p, err := tx.Page("a"); err != nil || !slices.Equal(p.Addresses, []string{"/a", "/a/"}) {
			t.Errorf("its addresses are %q, %v", p.Addresses, err)
		}
		return nil
	})
	update(t, db, site, func(tx *store.Tx) error { return errors.Join(tx.PutPage(store.Page{ID: "c"}, "/a/"), tx.DropPage("a")) })
	view(t, db, site, func(tx *store.Tx) error {
		_, err := tx.PageAt("/a")
		wantNotExist(t, "a dropped page", err)
		if p, err := tx.PageAt("/a/"); err != nil || p.ID != "c" {
			t.Errorf("an alias that moved: got %q and %v, want c", p.ID, err)
		}
		return nil
	})
}

// What readers see of a merged page is the conversation of the page it forwards to.
func TestMentionOfAMergedPageChangesTheOneItLeadsTo(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.PutPage(store.Page{ID: "new"}), tx.PutPage(store.Page{ID: "old", Merged: "new"}), tx.PutMention(public("m", "old", "1")))
	})
	view(t, db, site, func(tx *store.Tx) error {
		p, err := tx.Page("old")
		if err != nil || p.ID != "new" || p.Revision != 1 {
			t.Errorf("got page %+v and %v, want the revision on the page it leads to", p, err)
		}
		return nil
	})
}

// A mention that moves to another page changes both.
func TestMovedMentionChangesBothPages(t *testing.T) {
	for _, state := range []store.State{store.Approved, store.Withdrawn} {
		db, _ := openAt(t)
		update(t, db, site, func(tx *store.Tx) error {
			return errors.Join(tx.PutPage(store.Page{ID: "a"}), tx.PutPage(store.Page{ID: "b"}), tx.PutMention(public("m", "a", "1")))
		})
		moved := public("m", "b", "1")
		moved.State, moved.Number, moved.Public = state, 1, start
		update(t, db, site, func(tx *store.Tx) error { return tx.PutMention(moved) })
		want := []store.Change{
			{Number: 1, At: start, Page: "a", Mention: "m", Public: true},
			{Number: 2, At: start, Page: "a", Mention: "m"},
		}
		if state == store.Approved {
			want = append(want, store.Change{Number: 3, At: start, Page: "b", Mention: "m", Public: true})
		}
		view(t, db, site, func(tx *store.Tx) error {
			got, err := tx.AllChanges()
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("moved and %s: changes (-want +got), %v:\n%s", state, err, d)
			}
			if p, err := tx.Page("a"); err != nil || p.Revision != 2 {
				t.Errorf("moved and %s: the page it left has revision %d, %v", state, p.Revision, err)
			}
			return nil
		})
	}
}

// A mention that cannot be shown leaves nothing behind.
func TestMentionOfNoPageIsNotKept(t *testing.T) {
	db, _ := openAt(t)
	err := db.Update(t.Context(), site, func(tx *store.Tx) error { return tx.PutMention(public("m", "nowhere", "1")) })
	wantNotExist(t, "a public mention of no page", err)
	view(t, db, site, func(tx *store.Tx) error {
		_, err := tx.Mention("m")
		wantNotExist(t, "the mention", err)
		if n := tx.LastChange(); n != 0 || len(tx.Counts("nowhere")) != 0 {
			t.Errorf("got change %d and counts %v, want none", n, tx.Counts("nowhere"))
		}
		return nil
	})
}

func TestIdentityBelongsToWhoHadItLast(t *testing.T) {
	ana := store.Person{ID: "ana", Identities: []string{"ana.example", "social.example/@ana"}}
	bo := store.Person{ID: "bo", Identities: []string{"bo.example"}}
	joined := store.Person{ID: "bo", Identities: []string{"bo.example", "ana.example"}}
	left := store.Person{ID: "ana", Identities: []string{"social.example/@ana"}}
	want := map[string]string{"ana.example": "bo", "bo.example": "bo", "social.example/@ana": "ana"}
	for name, order := range map[string][]store.Person{
		"given before taken": {left, joined},
		"taken before given": {joined, left},
	} {
		db, _ := openAt(t)
		for _, p := range append([]store.Person{ana, bo}, order...) {
			update(t, db, site, func(tx *store.Tx) error { return tx.PutPerson(p) })
		}
		view(t, db, site, func(tx *store.Tx) error {
			for identity, id := range want {
				if p, err := tx.PersonBy(identity); err != nil || p.ID != id {
					t.Errorf("%s: %s leads to %q and %v, want %s", name, identity, p.ID, err, id)
				}
			}
			_, err := tx.PersonBy("nobody.example")
			wantNotExist(t, "nobody", err)
			return nil
		})
	}
}

func TestMonthsCountWhatReadersMayList(t *testing.T) {
	db, _ := openAt(t)
	madrid := time.FixedZone("", 3600)
	unlisted := mf2.Item{Properties: map[string][]any{"visibility": {" Unlisted"}}}
	newYear := time.Date(2027, 1, 1, 0, 30, 0, 0, madrid) // still 2026 in UTC
	steps := []struct {
		post store.Post
		want map[string]int
	}{
		{store.Post{Permalink: "a", Date: start}, map[string]int{"2026-11": 1}},
		{store.Post{Permalink: "b", Date: newYear}, map[string]int{"2026-11": 1, "2027-01": 1}},
		{store.Post{Permalink: "c", Date: start, Draft: true}, map[string]int{"2026-11": 1, "2027-01": 1}},
		{store.Post{Permalink: "c", Date: start.Add(time.Hour)}, map[string]int{"2026-11": 2, "2027-01": 1}},
		{store.Post{Permalink: "c", Date: start.Add(time.Hour)}, map[string]int{"2026-11": 2, "2027-01": 1}},
		{store.Post{Permalink: "a", Date: newYear.AddDate(0, 1, 0)}, map[string]int{"2026-11": 1, "2027-01": 1, "2027-02": 1}},
		{store.Post{Permalink: "d", Date: start, Item: unlisted}, map[string]int{"2026-11": 1, "2027-01": 1, "2027-02": 1}},
		{store.Post{Permalink: "d", Date: start}, map[string]int{"2026-11": 2, "2027-01": 1, "2027-02": 1}},
		{store.Post{Permalink: "d", Date: start, Item: unlisted}, map[string]int{"2026-11": 1, "2027-01": 1, "2027-02": 1}},
		{store.Post{Permalink: "b", Date: newYear, Deleted: start}, map[string]int{"2026-11": 1, "2027-02": 1}},
	}
	for i, step := range steps {
		update(t, db, site, func(tx *store.Tx) error { return tx.PutPost(step.post) })
		view(t, db, site, func(tx *store.Tx) error {
			if d := cmp.Diff(step.want, tx.Months()); d != "" {
				t.Errorf("step %d: months (-want +got):\n%s", i, d)
			}
			for month, n := range step.want {
				in, _, err := tx.PostsIn(month, store.Range{})
				if err != nil || len(in) != n {
					t.Errorf("step %d: %s has %d posts and %v, want %d", i, month, len(in), err, n)
				}
			}
			return nil
		})
	}
	view(t, db, site, func(tx *store.Tx) error {
		all, _, err := tx.Posts(store.Range{Backward: true}, false)
		names := func(ps []store.Post) (s []string) {
			for _, p := range ps {
				s = append(s, p.Permalink)
			}
			return s
		}
		if d := cmp.Diff([]string{"a", "b", "c", "d"}, names(all)); d != "" || err != nil {
			t.Errorf("all posts, newest first (-want +got), %v:\n%s", err, d)
		}
		seen, _, err := tx.Posts(store.Range{}, true)
		if d := cmp.Diff([]string{"d", "c", "a"}, names(seen)); d != "" || err != nil {
			t.Errorf("visible posts (-want +got), %v:\n%s", err, d)
		}
		return nil
	})
}

func TestAddEventKeepsTheFirstAndTheNewest(t *testing.T) {
	var history []store.Event
	for i := range 200 {
		kept := slices.Clone(history)
		longer := store.AddEvent(history, store.Event{Stage: fmt.Sprint(i)})
		if !slices.Equal(kept, history) {
			t.Fatalf("event %d: the history that was handed in was changed", i)
		}
		history = longer
	}
	if len(history) != 60 || history[0].Stage != "0" || history[1].Stage != "141" || history[59].Stage != "199" {
		t.Errorf("got %d events: %v", len(history), history)
	}
}

func TestDecisionsAreKeptInTheirOrder(t *testing.T) {
	db, c := openAt(t)
	for _, action := range []string{"approve", "reject", "block"} {
		c.Add(time.Millisecond)
		update(t, db, site, func(tx *store.Tx) error { return tx.Record(store.Decision{Action: action}) })
	}
	view(t, db, site, func(tx *store.Tx) error {
		got, err := tx.Decisions()
		if err != nil || len(got) != 3 || got[0].Action != "approve" || got[2].Action != "block" || !got[2].At.Equal(c.Now()) {
			t.Errorf("got %+v and %v", got, err)
		}
		return nil
	})
}

// HOSTILE F17: identifiers stay unique whatever the clock does, and stand in order of time.
func TestNewIDIsUniqueAndInOrderOfTime(t *testing.T) {
	seen, last := map[string]bool{}, ""
	for i := range 1000 {
		id := store.NewID(start.Add(time.Duration(i) * time.Millisecond))
		if len(id) != 26 || strings.ToLower(id) != id || seen[id] || id < last {
			t.Fatalf("id %q after %q", id, last)
		}
		seen[id], last = true, id
	}
	for _, at := range []time.Time{start, {}, time.Unix(0, 0), start.AddDate(5000, 0, 0)} {
		if a, b := store.NewID(at), store.NewID(at); a == b || len(a) != 26 {
			t.Errorf("at %s: got %q and %q", at, a, b)
		}
	}
}
