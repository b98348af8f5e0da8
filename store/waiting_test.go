package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/store"
)

// waits are the ids of what is in a state, as the index has it.
func waits(t *testing.T, db *store.DB, state store.State, from string, within ...string) (ids []string) {
	t.Helper()
	view(t, db, site, func(tx *store.Tx) error {
		ids = nil
		for w := range tx.Waits(state, from, within...) {
			ids = append(ids, w.ID)
		}
		return nil
	})
	return ids
}

// What waits is listed by where it comes from, whichever way it came to wait and until it does not;
// what was written by an earlier version by the host of its source.
func TestWaitsAreListedByWhereTheyComeFrom(t *testing.T) {
	db, _ := openAt(t)
	put := func(id, cluster, person string, state store.State, held bool) {
		t.Helper()
		update(t, db, site, func(tx *store.Tx) error {
			m := store.Mention{ID: id, Source: "https://Old.example:8443/" + id, Page: "p", Cluster: cluster, State: state, Received: start, Shown: &store.Version{Type: "reply", Person: person, Digest: "d"}}
			if held {
				m.Held = &store.Version{Type: "reply", Person: person, Digest: "e"}
			}
			return tx.PutMention(m)
		})
	}
	update(t, db, site, func(tx *store.Tx) error {
		return tx.PutPage(store.Page{ID: "p", URL: "https://example.com/", Found: true}, "/")
	})
	put("m1", "b.example", "zoe", store.Pending, false)
	put("m2", "b.example", "", store.Pending, false)
	put("m3", "b.example-x", "", store.Pending, false)
	put("m4", "a.example", "ana", store.Approved, true)
	put("m5", "a.example", "ana", store.Approved, false)
	put("m6", "", "", store.Pending, false)
	put("m7", "b.example", "", store.Quarantined, false)
	for name, c := range map[string]struct{ got, want []string }{
		"all":             {waits(t, db, store.Pending, ""), []string{"m4", "m2", "m1", "m3", "m6"}},
		"of a domain":     {waits(t, db, store.Pending, "", "b.example"), []string{"m2", "m1"}},
		"of nobody there": {waits(t, db, store.Pending, "", "b.example", ""), []string{"m2"}},
		"behind it":       {waits(t, db, store.Pending, store.BehindCluster("b.example")), []string{"m3", "m6"}},
		"behind nobody":   {waits(t, db, store.Pending, store.BehindPerson("b.example", ""), "b.example"), []string{"m1"}},
		"by the source":   {waits(t, db, store.Pending, "", "old.example"), []string{"m6"}},
		"put aside":       {waits(t, db, store.Quarantined, ""), []string{"m7"}},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	put("m1", "b.example", "zoe", store.Rejected, false)
	put("m4", "a.example", "ana", store.Approved, false)
	if got := waits(t, db, store.Pending, ""); !slices.Equal(got, []string{"m2", "m3", "m6"}) {
		t.Errorf("after two decisions %q wait", got)
	}
	if done, err := db.Repair(bg); err != nil || done.Mended != 0 {
		t.Errorf("repair: got %+v and %v, want nothing to do", done, err)
	}
}

// Who talks how often is counted without reading what they say, up to a bound; people are listed
// from wherever a list ended.
func TestPeopleAreCounted(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		for i := range 5 {
			m := store.Mention{ID: fmt.Sprint("m", i), Source: fmt.Sprint("https://bea.example/", i), Page: "p", State: store.Rejected, Received: start.Add(time.Duration(i) * time.Hour), Shown: &store.Version{Person: "bea"}}
			if err := tx.PutMention(m); err != nil {
				return err
			}
			p := store.Person{ID: fmt.Sprint("p", i), Identities: []string{fmt.Sprint(i, ".example/")}, Trust: []store.Trust{store.Blocked, store.Unknown}[i%2], Since: start.Add(time.Duration(i) * time.Hour)}
			if err := tx.PutPerson(p); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, site, func(tx *store.Tx) error {
		all, newest := tx.CountBy("bea", 100)
		some, _ := tx.CountBy("bea", 2)
		if none, _ := tx.CountBy("be", 100); all != 5 || some != 2 || none != 0 || newest.ID != "m4" || !newest.Received.Equal(start.Add(4*time.Hour)) {
			t.Errorf("counted %d, %d and %d, the newest is %+v", all, some, none, newest)
		}
		blocked, next, err := tx.PeopleWith(store.Blocked, store.Range{Limit: 2, Backward: true})
		rest, end, err2 := tx.PeopleWith(store.Blocked, store.Range{Limit: 2, Backward: true, From: next})
		if err != nil || err2 != nil || len(blocked) != 2 || blocked[0].ID != "p4" || len(rest) != 1 || rest[0].ID != "p0" || end != "" {
			t.Errorf("blocked are %v, then %v; %v, %v", blocked, rest, err, err2)
		}
		if to := tx.PeopleTo("p3", 2); len(to) != 2 || to[0].ID != "p2" || to[1].ID != "p1" {
			t.Errorf("before p3 are %v", to)
		}
		if latest := tx.LatestMentions("m3", 2); len(latest) != 2 || latest[0].ID != "m2" {
			t.Errorf("before m3 are %v", latest)
		}
		return nil
	})
}

// A decision is found by the mention, by the person and by the batch that it is about, and from
// there the later ones.
func TestDecisionsAreFoundByWhatTheyAreAbout(t *testing.T) {
	db, _ := openAt(t)
	var ids []string
	update(t, db, site, func(tx *store.Tx) error {
		ids = nil
		for _, d := range []store.Decision{{Action: "approve", Subject: "m1", Person: "bea", Batch: "b"}, {Action: "reject", Subject: "m2", Batch: "b"}, {Action: "block", Subject: "bea", Person: "bea"}} {
			d.ID, d.At = tx.DecisionID(), tx.Now
			ids = append(ids, d.ID)
			if err := tx.Record(d); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, site, func(tx *store.Tx) error {
		about := func(what, after string) (found []string) {
			tx.DecisionsAbout(what, after, func(d store.Decision) bool { found = append(found, d.ID); return true })
			return found
		}
		for what, want := range map[string][]string{"m1": {ids[0]}, "bea": {ids[2], ids[0]}, "b": {ids[1], ids[0]}, "m": nil} {
			if d := cmp.Diff(want, about(what, "")); d != "" {
				t.Errorf("about %s (-want +got):\n%s", what, d)
			}
		}
		if got := about("bea", ids[0]); !slices.Equal(got, ids[2:]) {
			t.Errorf("later about bea: %q", got)
		}
		var before []string
		tx.DecisionsTo(ids[2], func(d store.Decision) bool { before = append(before, d.ID); return true })
		if !slices.Equal(before, []string{ids[1], ids[0]}) {
			t.Errorf("before the last: %q", before)
		}
		return nil
	})
}
