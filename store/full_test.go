package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"tertulia/store"
)

// filler writes posts, as many as there is room for, and knows which were acknowledged.
type filler struct {
	db   *store.DB
	kept []string
	next int
}

func (f *filler) write() error {
	f.next++
	name := fmt.Sprintf("https://example.com/%d", f.next)
	err := f.db.Update(bg, site, func(tx *store.Tx) error {
		return errors.Join(
			tx.PutPost(store.Post{Permalink: name, Date: start.Add(time.Duration(f.next) * time.Minute), Client: strings.Repeat("x", 500)}),
			tx.Enqueue(store.Job{Kind: "publish", Key: name}))
	})
	if err == nil {
		f.kept = append(f.kept, name)
	}
	return err
}

// mentionsOfFiller are there to be deleted: each in eight places of the file.
const mentionsOfFiller = 100

// newFiller has a page with mentions.
func newFiller(t *testing.T, db *store.DB) *filler {
	update(t, db, site, func(tx *store.Tx) error {
		errs := []error{tx.PutPage(store.Page{ID: "p"})}
		for i := range mentionsOfFiller {
			errs = append(errs, tx.PutMention(public(fmt.Sprintf("m%03d", i), "p", "1")))
		}
		return errors.Join(errs...)
	})
	return &filler{db: db}
}

// cram writes the smallest things until not even they have room.
func (f *filler) cram(t *testing.T) {
	t.Helper()
	for refused := 0; refused < 10; {
		f.next++
		err := f.db.Update(bg, site, func(tx *store.Tx) error {
			return tx.PutMedia(store.Media{Name: store.NewID(start)})
		})
		switch {
		case err == nil:
			refused = 0
		case errors.Is(err, store.ErrFull):
			refused++
		default:
			t.Fatalf("file %d: got %v, want ErrFull or nothing", f.next, err)
		}
	}
}

// fill writes until there has been no room ten times in a row.
func (f *filler) fill(t *testing.T) {
	t.Helper()
	for refused := 0; refused < 10; {
		err := f.write()
		switch {
		case err == nil:
			refused = 0
		case errors.Is(err, store.ErrFull):
			refused++
		default:
			t.Fatalf("post %d: got %v, want ErrFull or nothing", f.next, err)
		}
		if f.next > 1_000_000 {
			t.Fatal("it does not become full")
		}
	}
	if len(f.kept) < 10 {
		t.Fatalf("full after %d posts", len(f.kept))
	}
}

// check reads everything: what was acknowledged is there with its job, and nothing else.
func (f *filler) check(t *testing.T) {
	t.Helper()
	view(t, f.db, site, func(tx *store.Tx) error {
		posts, _, err := tx.Posts(store.Range{Limit: 1 << 20}, false)
		if err != nil || len(posts) != len(f.kept) {
			t.Errorf("got %d posts and %v, want %d", len(posts), err, len(f.kept))
		}
		for _, name := range f.kept {
			if _, err := tx.Post(name); err != nil {
				t.Errorf("post %s was acknowledged: %v", name, err)
			}
		}
		if got := tx.JobCount(); got != len(f.kept) {
			t.Errorf("got %d jobs, want one for each of %d posts", got, len(f.kept))
		}
		return nil
	})
}

// empty deletes all mentions, which must work whatever is full.
func (f *filler) empty(t *testing.T) {
	t.Helper()
	for i := range mentionsOfFiller {
		update(t, f.db, site, func(tx *store.Tx) error { return tx.DropMention(fmt.Sprintf("m%03d", i)) })
	}
	for _, name := range f.kept[:10] {
		update(t, f.db, site, func(tx *store.Tx) error {
			p, err := tx.Post(name)
			p.Deleted = start
			return errors.Join(err, tx.PutPost(p), tx.Enqueue(store.Job{Kind: "publish", Key: name}))
		})
	}
}

// HOSTILE 93, F11: a full disk refuses what is new, all else goes on, and it is over
// when there is room again.
func full(t *testing.T, dir string, opts store.Options, crammed bool, room func()) {
	f := newFiller(t, open(t, dir, opts))
	f.fill(t)
	if crammed {
		f.cram(t)
	}
	f.check(t)
	if crammed {
		f.empty(t)
		f.check(t)
	}
	if room != nil {
		f.fill(t)
		room()
	}
	for range 10 {
		if err := f.write(); err != nil {
			t.Errorf("after there was room again: %v", err)
		}
	}
	f.check(t)
	select {
	case <-f.db.Failed():
		t.Error("the store has given up")
	default:
	}
	if err := f.db.Close(); err != nil {
		t.Error(err)
	}
	sound(t, dir)
	f.db = open(t, dir, store.Options{})
	f.check(t)
}

// sound has the engine check its file.
func sound(t *testing.T, dir string) {
	t.Helper()
	raw(t, dir, func(b *bolt.Bucket) error {
		for err := range b.Tx().Check() {
			t.Errorf("the file: %v", err)
		}
		return nil
	})
}

func TestFullByMaxSize(t *testing.T) {
	full(t, t.TempDir(), store.Options{MaxSize: 1 << 20}, true, nil)
}

// TestHasLimit is the process of TestFullByFileLimit.
func TestHasLimit(t *testing.T) {
	dir := os.Getenv("TERTULIA_TEST_LIMIT")
	if dir == "" {
		t.Skip("only as a process of its own")
	}
	limit := func(n uint64) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: unix.RLIM_INFINITY}); err != nil {
			t.Fatal(err)
		}
	}
	limit(1 << 20)
	// A limit on the length of a file is no full disk: nothing can be held back for it.
	full(t, dir, store.Options{}, false, func() { limit(unix.RLIM_INFINITY) })
}

func TestFullByFileLimit(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestHasLimit$")
	cmd.Env = append(os.Environ(), "TERTULIA_TEST_LIMIT="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestFullByDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("SKIPPED: a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := dir + "/ballast"
	if err := os.WriteFile(ballast, bytes.Repeat([]byte("x"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	full(t, dir, store.Options{}, true, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
}

// What is taken for a full disk, and what for a broken one: a sync that fails has lost
// what was written before, whatever it says.
func TestFullIsToldFromBroken(t *testing.T) {
	write := func(err error) error { return &fs.PathError{Op: "write", Path: "tertulia.db", Err: err} }
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{write(syscall.ENOSPC), true},
		{write(syscall.EDQUOT), true},
		{write(syscall.EFBIG), true},
		{errors.New("file resize error: truncate tertulia.db: no space left on device"), true},
		{write(syscall.EIO), false},
		{syscall.ENOSPC, false}, // of fdatasync
		{&fs.PathError{Op: "sync", Path: "tertulia.db", Err: syscall.ENOSPC}, false},
		{syscall.EIO, false},
		{errors.New("file sync error: sync tertulia.db: no space left on device"), false},
		{errors.New("file resize error: truncate tertulia.db: input/output error"), false},
	} {
		if got := store.IsFull(tt.err); got != tt.want {
			t.Errorf("%v: got %t, want %t", tt.err, got, tt.want)
		}
	}
}
