package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/store"
)

func put(name string) func(*store.Tx) error {
	return func(tx *store.Tx) error { return tx.PutMedia(store.Media{Name: name}) }
}

func hasMedia(t *testing.T, db *store.DB, name string) bool {
	t.Helper()
	var err error
	view(t, db, site, func(tx *store.Tx) error { _, err = tx.Media(name); return nil })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("media %s: %v", name, err)
	}
	return err == nil
}

// HOSTILE 92, R5: after a sync that failed nothing is acknowledged any more; what was
// is read still, and is there in the next process. A panic in the engine's commit is the same.
func TestBrokenCommitIsTheLast(t *testing.T) {
	for name, fault := range map[string]func() error{
		"sync fails":            func() error { return syscall.EIO },
		"sync finds no room":    func() error { return syscall.ENOSPC },
		"write fails":           func() error { return &fs.PathError{Op: "write", Err: syscall.EIO} },
		"panic inside a commit": func() error { panic("page 7 already freed") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db := open(t, dir, store.Options{})
			update(t, db, site, put("before"))
			if err := db.Check(t.Context()); err != nil {
				t.Error(err)
			}
			db.FailCommits(fault)
			if err := db.Update(bg, site, put("lost")); !errors.Is(err, store.ErrBroken) || errors.Is(err, store.ErrFull) {
				t.Errorf("the update itself: got %v, want ErrBroken", err)
			}
			var later interface{ RetryAfter() time.Duration }
			if err := db.Update(bg, site, put("lost")); !errors.As(err, &later) || later.RetryAfter() <= 0 {
				t.Errorf("got %v, want an error that says when to come again", err)
			}
			db.FailCommits(nil)
			select {
			case <-db.Failed():
			default:
				t.Error("Failed is not closed")
			}
			if err := db.Check(t.Context()); !errors.Is(err, store.ErrBroken) {
				t.Errorf("Check: got %v, want ErrBroken", err)
			}
			ran := false
			if err := db.Update(bg, site, func(tx *store.Tx) error { ran = true; return nil }); !errors.Is(err, store.ErrBroken) || ran {
				t.Errorf("a later update: got %v, ran %t, want ErrBroken", err, ran)
			}
			if !hasMedia(t, db, "before") || hasMedia(t, db, "lost") {
				t.Error("what was committed before cannot be read, or what was not can")
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			db = open(t, dir, store.Options{})
			if !hasMedia(t, db, "before") || hasMedia(t, db, "lost") {
				t.Error("after a restart: what was committed is not there, or what was not is")
			}
			update(t, db, site, put("after"))
		})
	}
}

// together has updates share a commit: a first one holds the writer until all of them
// wait. It belongs into a bubble, in which the store was opened.
func together(t *testing.T, db *store.DB, n int, fn func(i int, tx *store.Tx) error) (errs []error, returned []bool) {
	t.Helper()
	errs, returned = make([]error, n), make([]bool, n)
	var group sync.WaitGroup
	gate := make(chan struct{})
	group.Go(func() {
		update(t, db, site, func(*store.Tx) error { <-gate; return nil })
	})
	synctest.Wait()
	for i := range n {
		group.Go(func() {
			errs[i] = db.Update(bg, site, func(tx *store.Tx) error { return fn(i, tx) })
			returned[i] = true
		})
		synctest.Wait() // they stand in this order
	}
	close(gate)
	group.Wait()
	return errs, returned
}

// HOSTILE 93: an update for which there is no room takes none of those with it that
// share its commit.
func TestFullGroupIsTriedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir(), store.Options{MaxSize: 1 << 20})
		errs, _ := together(t, db, 32, func(i int, tx *store.Tx) error {
			m := store.Media{Name: fmt.Sprint(i)}
			if i%4 == 0 {
				m.Type = strings.Repeat("x", 2<<20)
			}
			return tx.PutMedia(m)
		})
		for i, err := range errs {
			if tooBig := i%4 == 0; tooBig && !errors.Is(err, store.ErrFull) || !tooBig && err != nil {
				t.Errorf("update %d: got %v, too big %t", i, err, tooBig)
			}
			if got := hasMedia(t, db, fmt.Sprint(i)); got != (i%4 != 0) {
				t.Errorf("update %d: kept %t", i, got)
			}
		}
	})
}

// What a call was refused for may have been written by another of its group: when the
// commit fails, the refusal is not given out.
func TestFailedCommitTakesItsRefusalsBack(t *testing.T) {
	errTaken := errors.New("taken")
	reserve := func(i int, tx *store.Tx) error {
		if _, err := tx.Media("name"); err == nil {
			if i%2 == 0 { // it is all the same whether it has written before
				_ = tx.PutMedia(store.Media{Name: "other"}) // not kept
			}
			return errTaken
		}
		return tx.PutMedia(store.Media{Name: "name"})
	}
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir(), store.Options{})
		errs, _ := together(t, db, 8, reserve)
		for i, err := range errs {
			if i == 0 && err != nil || i > 0 && err != errTaken {
				t.Errorf("update %d: got %v, want the first to have it", i, err)
			}
		}
		db = open(t, t.TempDir(), store.Options{})
		db.FailCommits(func() error { return syscall.EIO })
		errs, _ = together(t, db, 8, reserve)
		for i, err := range errs {
			if !errors.Is(err, store.ErrBroken) || errors.Is(err, errTaken) {
				t.Errorf("update %d: got %v, want ErrBroken: nothing was taken", i, err)
			}
		}
		db = open(t, t.TempDir(), store.Options{})
		refused := false
		db.FailCommits(func() error {
			if !refused {
				refused = true
				return &fs.PathError{Op: "write", Err: syscall.ENOSPC}
			}
			return nil
		})
		errs, _ = together(t, db, 8, reserve)
		for i, err := range errs {
			if i == 0 && err != nil || i > 0 && err != errTaken {
				t.Errorf("update %d, after the group had no room: got %v, want the first to have it", i, err)
			}
		}
	})
}

// A function that ends its goroutine (t.FailNow does) ends its caller's, and neither
// the writer nor the others who wait.
func TestGoexitInAnUpdateEndsItsCallerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir(), store.Options{})
		errs, returned := together(t, db, 32, func(i int, tx *store.Tx) error {
			if i%3 == 1 {
				runtime.Goexit()
			}
			if err := tx.PutMedia(store.Media{Name: fmt.Sprint(i)}); err != nil {
				return err
			}
			if i%3 == 2 {
				runtime.Goexit()
			}
			return nil
		})
		for i, err := range errs {
			want := i%3 == 0
			if got := hasMedia(t, db, fmt.Sprint(i)); err != nil || returned[i] != want || got != want {
				t.Errorf("update %d: got %v, returned %t, kept %t, want %t", i, err, returned[i], got, want)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A file that is cut off while it is open answers with a fault of the mapped memory
// (SIGBUS), which is an error and not the end of the process.
func TestFileCutOffWhileOpen(t *testing.T) {
	dir := written(t)
	db := open(t, dir, store.Options{})
	if err := os.Truncate(database(dir), 8192); err != nil {
		t.Fatal(err)
	}
	var damaged *store.DamagedError
	err := db.View(bg, site, func(tx *store.Tx) error {
		_, _, err := tx.Posts(store.Range{}, false)
		return err
	})
	if !errors.As(err, &damaged) {
		t.Errorf("View: got %v, want a DamagedError", err)
	}
	if err := db.Update(bg, site, put("a")); err == nil {
		t.Error("Update: got no error")
	}
	if err := db.Update(bg, site, put("b")); err == nil {
		t.Error("a second Update: got no error")
	}
}

// A panic of the caller's own function stays what it is.
func TestPanicInAViewStaysAPanic(t *testing.T) {
	db, _ := openAt(t)
	defer func() {
		if v := recover(); v != "mine" {
			t.Errorf("got panic %v", v)
		}
		update(t, db, site, put("a"))
	}()
	_ = db.View(bg, site, func(*store.Tx) error { panic("mine") })
}
