package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tertulia/store"
)

// Updates that wait share a commit; each has its own outcome all the same.
func TestGroupedUpdatesHaveTheirOwnOutcome(t *testing.T) {
	db, _ := openAt(t)
	errRefused, errLate := errors.New("refused"), errors.New("failed after writing")
	const n = 64
	var (
		group     sync.WaitGroup
		gate      = make(chan struct{})
		errs      [n]error
		panics    [n]any
		committed [n]atomic.Int32
	)
	name := func(i int) string { return fmt.Sprintf("file %02d", i) }
	for i := range n {
		group.Go(func() {
			defer func() { panics[i] = recover() }()
			<-gate
			errs[i] = db.Update(context.Background(), site, func(tx *store.Tx) error {
				tx.OnCommit(func() { committed[i].Add(1) })
				if i%8 == 1 {
					return errRefused
				}
				if i%8 == 2 {
					panic("before writing")
				}
				if err := tx.PutMedia(store.Media{Name: name(i)}); err != nil {
					return err
				}
				// What is read, changed and written shows a function that had an effect twice.
				total, err := tx.Media("total")
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				total.Name, total.Size = "total", total.Size+1
				if err := tx.PutMedia(total); err != nil {
					return err
				}
				if i%8 == 3 {
					return errLate
				}
				if i%8 == 4 {
					panic("after writing")
				}
				return nil
			})
		})
	}
	close(gate)
	group.Wait()
	kept := 0
	view(t, db, site, func(tx *store.Tx) error {
		for i := range n {
			var want error
			var wantPanic any
			switch i % 8 {
			case 1:
				want = errRefused
			case 2:
				wantPanic = "before writing"
			case 3:
				want = errLate
			case 4:
				wantPanic = "after writing"
			}
			if errs[i] != want || panics[i] != wantPanic {
				t.Errorf("update %d: got %v, panic %v, want %v, panic %v", i, errs[i], panics[i], want, wantPanic)
			}
			good := want == nil && wantPanic == nil
			if _, err := tx.Media(name(i)); (err == nil) != good {
				t.Errorf("file of update %d: got %v, want kept %t", i, err, good)
			}
			if got := committed[i].Load(); (got == 1) != good || got > 1 {
				t.Errorf("OnCommit of update %d ran %d times", i, got)
			}
			if good {
				kept++
			}
		}
		total, err := tx.Media("total")
		if err != nil || total.Size != int64(kept) {
			t.Errorf("total: got %d and %v, want %d", total.Size, err, kept)
		}
		return nil
	})
}

// DESIGN section 4: wm-id is the change at which a mention first became public. Who
// polls by it must find no gap that is filled later.
func TestNumbersAreGivenInTheOrderOfTheCommits(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error { return tx.PutPage(store.Page{ID: "p"}) })
	const n = 64
	var (
		group sync.WaitGroup
		seen  atomic.Uint64 // the highest number that somebody has read
	)
	for i := range n {
		group.Go(func() {
			id := fmt.Sprintf("m%02d", i)
			before := seen.Load()
			update(t, db, site, func(tx *store.Tx) error { return tx.PutMention(public(id, "p", "1")) })
			view(t, db, site, func(tx *store.Tx) error {
				m, err := tx.Mention(id)
				if m.Number <= before {
					t.Errorf("%s got number %d after %d had been read", id, m.Number, before)
				}
				for last := tx.LastChange(); ; {
					have := seen.Load()
					if have >= last || seen.CompareAndSwap(have, last) {
						return err
					}
				}
			})
		})
	}
	group.Wait()
	view(t, db, site, func(tx *store.Tx) error {
		all, _, err := tx.MentionsOf("p", store.Range{Limit: n})
		numbers := map[uint64]bool{}
		for _, m := range all {
			numbers[m.Number] = true
		}
		if len(numbers) != n || tx.LastChange() != n || numbers[0] || numbers[n+1] {
			t.Errorf("got %d numbers up to %d, want 1 to %d", len(numbers), tx.LastChange(), n)
		}
		return err
	})
}

func TestUpdateGivesBackAnErrorAsItIs(t *testing.T) {
	db, _ := openAt(t)
	mine := errors.New("mine")
	if err := db.Update(t.Context(), site, func(*store.Tx) error { return mine }); err != mine {
		t.Errorf("got %v, want the very error", err)
	}
}

func TestUpdateHonoursADoneContextBeforeItBegins(t *testing.T) {
	db, _ := openAt(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	fn := func(*store.Tx) error { ran = true; return nil }
	if err := db.Update(ctx, site, fn); !errors.Is(err, context.Canceled) || ran {
		t.Errorf("Update: got %v, ran %t", err, ran)
	}
	if err := db.View(ctx, site, fn); !errors.Is(err, context.Canceled) || ran {
		t.Errorf("View: got %v, ran %t", err, ran)
	}
	// Once it runs, it is finished.
	ctx, cancel = context.WithCancel(t.Context())
	if err := db.Update(ctx, site, func(tx *store.Tx) error {
		cancel()
		return tx.PutMedia(store.Media{Name: "a"})
	}); err != nil {
		t.Errorf("an update whose context ended meanwhile: %v", err)
	}
	view(t, db, site, func(tx *store.Tx) error { _, err := tx.Media("a"); return err })
}

func TestSiteNamesAreChecked(t *testing.T) {
	db, _ := openAt(t)
	for _, name := range []string{"", "a\x00b", "\x00"} {
		fn := func(*store.Tx) error { t.Errorf("ran for %q", name); return nil }
		if db.Update(t.Context(), name, fn) == nil || db.View(t.Context(), name, fn) == nil {
			t.Errorf("%q passed for the name of a site", name)
		}
	}
}

// A backward list in a transaction that has emptied whole pages of the file
// before must not end where they were.
func TestBackwardListGoesOnBehindWhatThisTransactionDeleted(t *testing.T) {
	db, c := openAt(t)
	const n = 400
	put := func(tx *store.Tx, i int) error {
		return tx.PutMention(store.Mention{
			ID: fmt.Sprintf("m%03d", i), Page: "p", Source: fmt.Sprint("https://b.example/", i),
			State: store.Received, Received: c.Now(), Why: strings.Repeat("x", 100),
		})
	}
	update(t, db, site, func(tx *store.Tx) error {
		for i := range n {
			if err := put(tx, i); err != nil {
				return err
			}
		}
		return nil
	})
	var got []string
	update(t, db, site, func(tx *store.Tx) error {
		for i := 100; i < 300; i++ {
			if err := tx.DropMention(fmt.Sprintf("m%03d", i)); err != nil {
				return err
			}
		}
		got = nil
		found, _, err := tx.MentionsIn(store.Received, store.Range{Limit: n, Backward: true})
		for _, m := range found {
			got = append(got, m.ID)
		}
		return err
	})
	if len(got) != n-200 || got[0] != "m399" || got[len(got)-1] != "m000" || !slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("got %d mentions from %v, want %d from m399 back to m000", len(got), got[:min(3, len(got))], n-200)
	}
}

// The number of the newest change is found by a backward look; erasing a person's
// mentions in one transaction empties the pages behind it.
func TestChangesAreNumberedOnAfterAMassDeletion(t *testing.T) {
	db, _ := openAt(t)
	for n := range 40 {
		name := fmt.Sprintf("site%02d.example", n)
		update(t, db, name, func(tx *store.Tx) error {
			if err := tx.PutPage(store.Page{ID: "p"}); err != nil {
				return err
			}
			for i := range 60 + n {
				// A counter each: they stand right behind the changes.
				m := public(fmt.Sprintf("m%03d", i), "p", "1")
				m.Shown.Type = fmt.Sprintf("type%03d", i)
				if err := tx.PutMention(m); err != nil {
					return err
				}
			}
			return nil
		})
		update(t, db, name, func(tx *store.Tx) error {
			for i := range 60 + n {
				if err := tx.DropMention(fmt.Sprintf("m%03d", i)); err != nil {
					return err
				}
			}
			return nil
		})
		view(t, db, name, func(tx *store.Tx) error {
			if got, want := tx.LastChange(), uint64(2*(60+n)); got != want {
				t.Errorf("%s: last change is %d, want %d", name, got, want)
			}
			return nil
		})
	}
}

// Who keeps what was read knows by the number of commits whether it still stands: it is another
// one before whoever wrote is answered, and the same while nothing was written.
func TestCommitsAreCounted(t *testing.T) {
	db, _ := openAt(t)
	at := db.Commits()
	if at == 0 {
		t.Error("nobody has written, and the number says that it is not known")
	}
	steps := []struct {
		name  string
		fn    func(*store.Tx) error
		moves bool
	}{
		{"a write", func(tx *store.Tx) error { return tx.Record(store.Decision{By: "me", Action: "x"}) }, true},
		{"nothing to write", func(*store.Tx) error { return nil }, false},
		{"a refusal", func(*store.Tx) error { return fs.ErrNotExist }, false},
		{"another write", func(tx *store.Tx) error { return tx.Record(store.Decision{By: "me", Action: "x"}) }, true},
	}
	for _, step := range steps {
		_ = db.Update(t.Context(), site, step.fn) // the refusal is one
		if now := db.Commits(); (now != at) != step.moves {
			t.Errorf("%s: from %d to %d", step.name, at, now)
		}
		at = db.Commits()
	}
	if err := db.View(t.Context(), site, func(*store.Tx) error { return nil }); err != nil || db.Commits() != at {
		t.Errorf("a look moves the number: %v", err)
	}
}
