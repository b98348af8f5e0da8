package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"tertulia/store"
)

const site = "example.com"

// bg is for where a test has no context of its own.
var bg = context.Background()

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// clock is a store.Options.Now that a test turns by hand, backwards if it likes.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set turns the clock to a time.
func (c *clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// failer is what testing.T and rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func open(t testing.TB, dir string, opts store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(dir, opts)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// openAt opens a store of its own whose clock stands at start.
func openAt(t testing.TB) (*store.DB, *clock) {
	t.Helper()
	c := &clock{now: start}
	return open(t, t.TempDir(), store.Options{Now: c.Now}), c
}

func update(t failer, db *store.DB, site string, fn func(*store.Tx) error) {
	t.Helper()
	if err := db.Update(bg, site, fn); err != nil {
		t.Fatalf("update of %s: %v", site, err)
	}
}

func view(t failer, db *store.DB, site string, fn func(*store.Tx) error) {
	t.Helper()
	if err := db.View(bg, site, fn); err != nil {
		t.Fatalf("view of %s: %v", site, err)
	}
}

func wantNotExist(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: got %v, want fs.ErrNotExist", what, err)
	}
}

func database(dir string) string { return filepath.Join(dir, "tertulia.db") }

// raw changes the database below the store. The store is closed meanwhile.
func raw(t *testing.T, dir string, fn func(*bolt.Bucket) error) {
	t.Helper()
	b, err := bolt.Open(database(dir), 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Update(func(tx *bolt.Tx) error { return fn(tx.Bucket([]byte("tertulia"))) }); err != nil {
		t.Fatal(err)
	}
}

// written makes a directory with a store of some size and closes it.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	for i := range 20 {
		update(t, db, site, func(tx *store.Tx) error {
			for j := range 20 {
				p := store.Post{Permalink: fmt.Sprintf("https://example.com/%d/%d", i, j), Date: start, Client: strings.Repeat("x", 200)}
				if err := tx.PutPost(p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpenKeepsWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	want := store.Media{Name: "a.jpg", Type: "image/jpeg", Size: 3, Created: start}
	update(t, db, site, func(tx *store.Tx) error { return tx.PutMedia(want) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, store.Options{})
	var got store.Media
	view(t, db, site, func(tx *store.Tx) (err error) { got, err = tx.Media("a.jpg"); return err })
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("media after a restart (-want +got):\n%s", d)
	}
}

// HOSTILE F12, F13, F21: a start refuses with one clear line and leaves the file as it was.
func TestOpenRefusesAndLeavesTheFileAlone(t *testing.T) {
	size := func(part float64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			info, err := os.Stat(database(dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(database(dir), int64(float64(info.Size())*part)); err != nil {
				t.Fatal(err)
			}
		}
	}
	bytes := func(n int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Truncate(database(dir), n); err != nil {
				t.Fatal(err)
			}
		}
	}
	overwrite := func(from, n int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			f, err := os.OpenFile(database(dir), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(make([]byte, n), from); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  string // in the error
	}{
		{"empty file", bytes(0), "is empty"},
		{"100 bytes", bytes(100), "open"},
		{"one page", bytes(4096), "open"},
		{"metas only", bytes(8192), "is cut off"},
		{"a quarter", size(0.25), "is cut off"},
		{"half", size(0.5), "is cut off"},
		{"its last page missing", func(t *testing.T, dir string) {
			// The file is longer than what is used of it.
			var used int64
			raw(t, dir, func(b *bolt.Bucket) error { used = b.Tx().Size(); return nil })
			bytes(used-4096)(t, dir)
		}, "is cut off"},
		{"both metas zeroed", overwrite(0, 8192), "open"},
		{"all but the metas zeroed", func(t *testing.T, dir string) {
			info, err := os.Stat(database(dir))
			if err != nil {
				t.Fatal(err)
			}
			overwrite(8192, info.Size()-8192)(t, dir)
		}, "is damaged"},
		{"not a database", func(t *testing.T, dir string) {
			if err := os.WriteFile(database(dir), []byte(strings.Repeat("no database ", 2000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "open"},
		{"newer schema", func(t *testing.T, dir string) {
			raw(t, dir, func(b *bolt.Bucket) error { return b.Put([]byte("\x00meta\x00schema"), []byte("99")) })
		}, "schema 99"},
		{"schema that is no number", func(t *testing.T, dir string) {
			raw(t, dir, func(b *bolt.Bucket) error { return b.Put([]byte("\x00meta\x00schema"), []byte("x")) })
		}, `reads "x"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := written(t)
			tt.spoil(t, dir)
			before, err := os.ReadFile(database(dir))
			if err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(dir, store.Options{LockTimeout: 100 * time.Millisecond})
			if err == nil {
				db.Close()
				t.Fatal("got a store, want a refusal")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line with %q", err, tt.want)
			}
			after, err := os.ReadFile(database(dir))
			if err != nil {
				t.Fatal(err)
			}
			if string(before) != string(after) {
				t.Error("the file was changed by a refused start")
			}
		})
	}
}

func TestOpenRefusesMissingFileBesideData(t *testing.T) {
	for _, name := range []string{"media", "site", "backup"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, name, "example.com"), 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := store.Open(dir, store.Options{})
			if err == nil || !strings.Contains(err.Error(), "is missing") {
				t.Errorf("got %v, want a refusal that says what is missing", err)
			}
			if _, err := os.Stat(database(dir)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the database after the refusal: got %v, want none", err)
			}
		})
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "media"), 0o700); err != nil {
		t.Fatal(err)
	}
	open(t, dir, store.Options{}) // an empty media directory is no data
}

// HOSTILE F12: one meta page of two is enough.
func TestOpenSurvivesOneZeroedMeta(t *testing.T) {
	dir := written(t)
	f, err := os.OpenFile(database(dir), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 4096), 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	open(t, dir, store.Options{})
}

func TestClosedStoreSaysSo(t *testing.T) {
	db := open(t, t.TempDir(), store.Options{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, nothing := bg, func(*store.Tx) error { return nil }
	_, _, due := db.NextDue()
	_, backup := db.Backup(ctx, filepath.Join(t.TempDir(), "backup"))
	_, claim := db.Claim(ctx, taker("me", 1, new([]store.Job)))
	for verb, err := range map[string]error{
		"Update": db.Update(ctx, site, nothing), "View": db.View(ctx, site, nothing),
		"Backup": backup, "NextDue": due, "Claim": claim, "Release": db.Release(ctx),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s of a closed store: got %v, want ErrClosed", verb, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
