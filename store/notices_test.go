package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/store"
)

// Notices are numbered without a gap, also when the oldest are forgotten.
func TestNoticesAreForgotten(t *testing.T) {
	db, _ := openAt(t)
	var state store.NoticeState
	for range 11 {
		update(t, db, site, func(tx *store.Tx) error {
			s := state // a transaction may run again
			for range 500 {
				if err := tx.AddNotice(&s, store.Notice{Kind: "public", Ref: "m"}); err != nil {
					return err
				}
			}
			tx.OnCommit(func() { state = s })
			return tx.PutNoticeState(s)
		})
	}
	view(t, db, site, func(tx *store.Tx) error {
		all := tx.Notices(0, 10_000, nil)
		if len(all) != 5000 || all[0].Number != 501 || all[4999].Number != 5500 || state.Last != 5500 {
			t.Errorf("got %d, the first %d, the state %d", len(all), all[0].Number, state.Last)
		}
		if some := tx.Notices(5498, 10, nil); len(some) != 2 || some[0].Number != 5499 {
			t.Errorf("the last: %+v", some)
		}
		if none := tx.Notices(0, 10, func(n *store.Notice) bool { return n.Kind == "gone" }); len(none) != 0 {
			t.Errorf("of another kind: %+v", none)
		}
		return nil
	})
}

// A hook has its last fifty deliveries, and those that still wait; they go with it.
func TestDeliveriesAreForgotten(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		all := []error{tx.PutHook(store.Hook{ID: "a", Made: start}), tx.PutHook(store.Hook{ID: "b", Made: start})}
		for i := range 70 {
			state := store.DeliverySent
			if i == 3 {
				state = store.DeliveryWaiting
			}
			all = append(all, tx.PutDelivery(store.Delivery{ID: fmt.Sprintf("%02d", i), Hook: "a", At: start, State: state}))
		}
		return errors.Join(append(all, tx.PutDelivery(store.Delivery{ID: "1", Hook: "b", At: start, State: store.DeliverySent}))...)
	})
	view(t, db, site, func(tx *store.Tx) error {
		list := tx.Deliveries("a")
		if len(list) != 51 || list[0].ID != "69" || list[49].ID != "20" || list[50].ID != "03" {
			t.Errorf("got %d deliveries", len(list))
		}
		return nil
	})
	update(t, db, site, func(tx *store.Tx) error { return tx.DropHook("a") })
	view(t, db, site, func(tx *store.Tx) error {
		if a, b := len(tx.Deliveries("a")), len(tx.Deliveries("b")); a != 0 || b != 1 {
			t.Errorf("after it has gone: %d, and of the other %d", a, b)
		}
		return nil
	})
}

// A person has one feed; its address works by its hash alone, and repair finds nothing to mend.
func TestFeedKeys(t *testing.T) {
	db, _ := openAt(t)
	for _, hash := range []string{"one", "two"} {
		update(t, db, site, func(tx *store.Tx) error {
			return tx.PutFeedKey(store.FeedKey{Me: "https://ana.example/", Hash: hash, Made: start})
		})
	}
	view(t, db, site, func(tx *store.Tx) error {
		if _, err := tx.FeedKeyBy("one"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the first address: %v", err)
		}
		got, err := tx.FeedKeyBy("two")
		if err != nil || got.Me != "https://ana.example/" {
			t.Errorf("the second: %+v, %v", got, err)
		}
		return nil
	})
	if done, err := db.Repair(bg); err != nil || done.Mended != 0 || len(done.Damaged) > 0 {
		t.Errorf("repair: %+v, %v", done, err)
	}
	update(t, db, site, func(tx *store.Tx) error { return tx.DropFeedKey("https://ana.example/") })
	view(t, db, site, func(tx *store.Tx) error {
		if _, err := tx.FeedKeyBy("two"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after it was ended: %v", err)
		}
		return nil
	})
}

// Of a mention that is kept no more there is still the number that it had.
func TestGoneNumber(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		if err := tx.PutPage(store.Page{ID: "page", Found: true}, "/"); err != nil {
			return err
		}
		for _, id := range []string{"a", "b"} {
			m := store.Mention{ID: id, Page: "page", Source: "https://bea.example/" + id, State: store.Approved, Shown: &store.Version{Type: "like", Author: mf2.Author{}, Digest: id}}
			if err := tx.PutMention(m); err != nil {
				return err
			}
		}
		return errors.Join(tx.DropMention("a"), tx.DropMention("b"))
	})
	view(t, db, site, func(tx *store.Tx) error {
		var got []uint64
		for _, c := range tx.Changes(2, 10) {
			got = append(got, tx.GoneNumber(c.Mention, c.At))
		}
		if diff := cmp.Diff([]uint64{1, 2}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := tx.GoneNumber("nobody", tx.Now); n != 0 {
			t.Errorf("of nobody: %d", n)
		}
		return nil
	})
}
