package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/store"
)

// Who was merged into somebody is that one, however long the chain; a circle is an error and no hang.
func TestMergedPeopleForward(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		for _, p := range []store.Person{
			{ID: "a", Merged: "b"}, {ID: "b", Merged: "c"}, {ID: "c", Name: "Cleo", Identities: []string{"cleo.example/", "cleo.example/about"}},
			{ID: "x", Merged: "y"}, {ID: "y", Merged: "x"}, {ID: "d", Trust: store.Blocked, Identities: []string{"host:evil.example"}},
		} {
			if err := tx.PutPerson(p); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, site, func(tx *store.Tx) error {
		if p, err := tx.Person("a"); err != nil || p.Name != "Cleo" {
			t.Errorf("got %+v %v", p, err)
		}
		_, err := tx.Person("x")
		wantNotExist(t, "a circle", err)
		var names []string
		for _, p := range tx.People(10, nil) {
			names = append(names, p.ID)
		}
		if d := cmp.Diff([]string{"d", "c"}, names); d != "" {
			t.Errorf("people (-want +got):\n%s", d)
		}
		if got := tx.People(10, func(p *store.Person) bool { return p.Trust == store.Blocked }); len(got) != 1 || got[0].ID != "d" {
			t.Errorf("blocked: %+v", got)
		}
		if d := cmp.Diff(map[string]string{"cleo.example/": "c", "cleo.example/about": "c"}, tx.Identities("cleo.example/", 10)); d != "" {
			t.Errorf("identities (-want +got):\n%s", d)
		}
		if got := tx.Identities("", 1); len(got) != 1 {
			t.Errorf("at most one: got %v", got)
		}
		return nil
	})
}

// Decisions stand in the order in which they were made, also within a millisecond and when the clock goes back.
func TestDecisionsStandInTheirOrder(t *testing.T) {
	db, c := openAt(t)
	for i := range 20 {
		if i == 10 {
			c.Add(-time.Hour)
		}
		update(t, db, site, func(tx *store.Tx) error { return tx.Record(store.Decision{Action: fmt.Sprint(i)}) })
	}
	view(t, db, site, func(tx *store.Tx) error {
		all, err := tx.Decisions()
		if err != nil || len(all) != 20 {
			t.Fatalf("got %d, %v", len(all), err)
		}
		for i, d := range all {
			if d.Action != fmt.Sprint(i) {
				t.Errorf("number %d is %s", i, d.Action)
			}
		}
		var after []string
		tx.DecisionsFrom(all[16].ID, func(d store.Decision) bool { after = append(after, d.Action); return true })
		if d := cmp.Diff([]string{"19", "18", "17"}, after); d != "" {
			t.Errorf("after number 16 (-want +got):\n%s", d)
		}
		return nil
	})
}

// How a mention stood goes with the mention, and with nobody else's.
func TestBeforeGoesWithTheMention(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		if err := tx.PutPage(store.Page{ID: "page"}, "/"); err != nil {
			return err
		}
		for _, id := range []string{"m", "mm"} {
			if err := tx.PutMention(store.Mention{ID: id, Page: "page", Source: "https://bea.example/" + id, State: store.Pending, Entry: "bea x", Received: start}); err != nil {
				return err
			}
			for _, decision := range []string{"1", "2"} {
				if err := tx.PutBefore(store.Before{Mention: id, Decision: decision, State: store.Pending, Held: &store.Version{Text: "old"}}); err != nil {
					return err
				}
			}
		}
		return tx.DropMention("m")
	})
	view(t, db, site, func(tx *store.Tx) error {
		_, err := tx.Before("m", "1")
		wantNotExist(t, "of the mention that was dropped", err)
		if b, err := tx.Before("mm", "2"); err != nil || b.Held.Text != "old" {
			t.Errorf("of the other: %+v %v", b, err)
		}
		if m, err := tx.MentionOf("page", "bea x"); err != nil || m.ID != "mm" {
			t.Errorf("the entry is shown by %q, %v", m.ID, err)
		}
		if got := slices.Collect(tx.EachMention("")); len(got) != 1 || len(slices.Collect(tx.EachMention("mm"))) != 0 {
			t.Errorf("all: %+v", got)
		}
		return nil
	})
	if done, err := db.Repair(bg); err != nil || done.Mended != 0 || len(done.Damaged) != 0 {
		t.Errorf("repair: %+v %v", done, err)
	}
}
