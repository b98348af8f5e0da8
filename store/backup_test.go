package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/store"
)

// receive keeps a file as an upload is kept: the file first, then its row.
func receive(t failer, db *store.DB, name, content string) {
	t.Helper()
	dir := store.MediaDir(db.Dir(), site)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatalf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	update(t, db, site, func(tx *store.Tx) error {
		return tx.PutMedia(store.Media{Name: name, Size: int64(len(content)), SHA256: sum(content)})
	})
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// backUp makes a backup in a directory of its own.
func backUp(t *testing.T, db *store.DB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "backup.tar")
	if _, err := db.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	return file
}

// restored opens what comes of a backup in an empty directory.
func restored(t *testing.T, file string, opts store.Options) *store.DB {
	t.Helper()
	dir := t.TempDir()
	if _, err := store.Restore(t.Context(), file, dir, false, opts); err != nil {
		t.Fatal(err)
	}
	return open(t, dir, opts)
}

// tree lists the files below a directory with their contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(name)
		files[strings.TrimPrefix(name, dir)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// HOSTILE F15, 98: while 64 writers go on, and uploads are deleted, a backup holds all
// that was acknowledged before it began; every row has its file, and every file is whole.
func TestBackupUnderLoadHoldsWhatWasAcknowledged(t *testing.T) {
	db := open(t, t.TempDir(), store.Options{})
	var (
		mu     sync.Mutex
		posts  []string
		files  []string
		waits  []time.Duration
		acked  atomic.Int64
		stop   = make(chan struct{})
		enough = make(chan struct{})
		once   sync.Once
		all    sync.WaitGroup
	)
	for w := range 64 {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", w, i)
				began := time.Now()
				// Two records and a job that are true together or not at all.
				update(t, db, site, func(tx *store.Tx) error {
					return errors.Join(
						tx.PutPost(store.Post{Permalink: id, Date: start, Client: strings.Repeat(id, 100)}),
						tx.PutPage(store.Page{ID: id}, "/"+id),
						tx.Enqueue(store.Job{Kind: "publish", Key: id}))
				})
				took := time.Since(began)
				file := ""
				if i%32 == 0 {
					file = id + ".jpg"
					receive(t, db, file, strings.Repeat(id, 1000))
				}
				mu.Lock()
				posts, waits = append(posts, id), append(waits, took)
				if file != "" {
					files = append(files, file)
				}
				mu.Unlock()
				if w%8 == 0 { // uploads that go again, under the backup's hands
					name := id + "-short.jpg"
					receive(t, db, name, id)
					update(t, db, site, func(tx *store.Tx) error { return tx.DropMedia(name) })
					if err := os.Remove(filepath.Join(store.MediaDir(db.Dir(), site), name)); err != nil {
						t.Errorf("%v", err)
					}
				}
				if acked.Add(1) == 300 {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	<-enough
	type copied struct {
		file         string
		posts, files []string
	}
	var copies []copied
	for range 3 {
		mu.Lock()
		c := copied{filepath.Join(t.TempDir(), "backup.tar"), slices.Clone(posts), slices.Clone(files)}
		waits = nil
		mu.Unlock()
		began := time.Now()
		made, err := db.Backup(t.Context(), c.file)
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		mu.Lock()
		slices.Sort(waits)
		t.Logf("%d bytes in %s, meanwhile %d updates, the slowest %s; %d uploads went meanwhile", made.Size, took, len(waits), slices.Max(append(waits, 0)), len(made.Manifest.Lost))
		mu.Unlock()
		if len(made.Problems) > 0 {
			t.Errorf("problems: %v", made.Problems)
		}
		copies = append(copies, c)
	}
	close(stop)
	all.Wait()
	for _, c := range copies {
		holds(t, restored(t, c.file, store.Options{}), c.posts, c.files)
	}
}

// holds checks that a store is consistent and has what it should have.
func holds(t *testing.T, db *store.DB, wantPosts, wantFiles []string) {
	t.Helper()
	view(t, db, site, func(tx *store.Tx) error {
		for _, id := range wantPosts {
			if _, err := tx.Post(id); err != nil {
				t.Errorf("acknowledged and not restored: %v", err)
			}
		}
		for _, name := range wantFiles {
			if _, err := tx.Media(name); err != nil {
				t.Errorf("acknowledged and not restored: %v", err)
			}
		}
		rows, err := tx.MediaFiles()
		for _, m := range rows {
			raw, err := os.ReadFile(filepath.Join(store.MediaDir(db.Dir(), site), m.Name))
			if err != nil || sum(string(raw)) != m.SHA256 {
				t.Errorf("upload %s: %v, or not what was received", m.Name, err)
			}
		}
		all, _, listed := tx.Posts(store.Range{Limit: 1 << 30}, false)
		if tx.JobCount() != len(all) || len(all) < len(wantPosts) {
			t.Errorf("%d posts and %d jobs, want as many of either and at least %d", len(all), tx.JobCount(), len(wantPosts))
		}
		return errors.Join(err, listed)
	})
	if done, err := db.Repair(bg); err != nil || done.Mended != 0 || len(done.Damaged) != 0 {
		t.Errorf("repair: got %+v and %v, want nothing to do", done, err)
	}
}

// A file that is lost, or not what was received, is said; the backup is made all the same.
func TestBackupNamesUploadsThatAreNotWhole(t *testing.T) {
	db, _ := openAt(t)
	for _, name := range []string{"a.jpg", "b.jpg", "c.jpg"} {
		receive(t, db, name, name)
	}
	dir := store.MediaDir(db.Dir(), site)
	if err := errors.Join(os.Remove(filepath.Join(dir, "a.jpg")), os.WriteFile(filepath.Join(dir, "b.jpg"), []byte("spoiled"), 0o600)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "b.tar")
	made, err := db.Backup(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"media/example.com/a.jpg is missing", "media/example.com/b.jpg is not what was received"}
	if d := cmp.Diff(want, made.Problems); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
	again := restored(t, file, store.Options{})
	view(t, again, site, func(tx *store.Tx) error {
		_, err := tx.Media("a.jpg")
		wantNotExist(t, "the row of a lost file", err)
		_, err = tx.Media("c.jpg")
		return err
	})
}

// countdown is a context that is done after its error was asked for so many times:
// with 1, 2, 3… every place that may be interrupted is.
type countdown struct {
	context.Context
	left *atomic.Int64
}

func newCountdown(n int64) countdown {
	c := countdown{bg, new(atomic.Int64)}
	c.left.Store(n)
	return c
}

func (c countdown) Err() error {
	if c.left.Add(-1) <= 0 {
		return context.Canceled
	}
	return nil
}

// HOSTILE F15: wherever it is interrupted, a backup leaves nothing behind, and an
// interrupted restore leaves the data as it was.
func TestInterruptedBackupAndRestoreLeaveNothing(t *testing.T) {
	db, _ := openAt(t)
	receive(t, db, "a.jpg", "a")
	if _, err := db.Erase(bg, site, store.EraseOrder{What: []store.Erased{store.Erased{Kind: store.ErasedHost, Value: "x.example"}}}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "b.tar")
	tries := int64(1)
	for ; ; tries++ {
		_, err := db.Backup(newCountdown(tries), file)
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if left := append(names(t, dir), names(t, filepath.Join(db.Dir(), "backup"))...); len(left) > 0 {
			t.Fatalf("interrupted at %d it left %v", tries, left)
		}
	}
	if left := append(names(t, dir), names(t, filepath.Join(db.Dir(), "backup"))...); !slices.Equal(left, []string{"b.tar"}) || tries < 5 {
		t.Fatalf("got %v after %d tries, want the backup", left, tries)
	}
	to := written(t)
	before := tree(t, to)
	for tries = 1; ; tries++ {
		_, err := store.Restore(newCountdown(tries), file, to, true, store.Options{})
		if err == nil {
			break
		}
		if d := cmp.Diff(before, tree(t, to)); d != "" {
			t.Fatalf("interrupted at %d (-before +after):\n%s", tries, d)
		}
	}
	if tries < 10 {
		t.Errorf("restored after %d tries: it was not interrupted", tries)
	}
	holds(t, open(t, to, store.Options{}), nil, []string{"a.jpg"})
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// HOSTILE F22: a store that is closed cuts off its backups, and nothing is left of them.
func TestCloseCutsOffBackups(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		var errs []error
		for i := range 20_000 {
			errs = append(errs, tx.PutMedia(store.Media{Name: fmt.Sprintf("%d.jpg", i)})) // lost ones: each is looked for
		}
		return errors.Join(errs...)
	})
	file := filepath.Join(t.TempDir(), "b.tar")
	ended := make(chan error)
	go func() {
		_, err := db.Backup(bg, file)
		ended <- err
	}()
	for len(names(t, filepath.Dir(file))) == 0 {
		runtime.Gosched() // until it writes
	}
	db.Close()
	if left := append(names(t, filepath.Dir(file)), names(t, filepath.Join(db.Dir(), "backup"))...); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if _, err := db.Backup(bg, file); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after that: got %v, want ErrClosed", err)
	}
}

func TestBackupNeverWritesOverAFile(t *testing.T) {
	db, _ := openAt(t)
	for _, file := range []string{database(db.Dir()), t.TempDir()} {
		if _, err := db.Backup(t.Context(), file); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: got %v, want fs.ErrExist", file, err)
		}
	}
	if _, err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "no", "such")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

// One backup a day, ten by their names; what is not of their kind, and days to come, stay.
func TestDailyBackupsKeepTen(t *testing.T) {
	db, c := openAt(t)
	dir := filepath.Join(db.Dir(), "backup")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	others := []string{"mine.tar", "schema-1.db", "tertulia-2026-1-1.tar", "tertulia-2036-11-21.tar"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left := filepath.Join(dir, ".tertulia-killed")
	if err := errors.Join(os.WriteFile(left, nil, 0o600), os.Chtimes(left, start.AddDate(-20, 0, 0), start.AddDate(-20, 0, 0))); err != nil {
		t.Fatal(err)
	}
	for day := range 13 {
		for again := range 2 {
			made, err := db.BackupDaily(t.Context(), 10)
			if err != nil || (made.File == "") != (again == 1) {
				t.Fatalf("day %d, time %d: got %q and %v", day, again, made.File, err)
			}
		}
		c.Add(24 * time.Hour)
	}
	want := slices.Clone(others)
	for day := 3; day < 13; day++ {
		want = append(want, "tertulia-"+start.AddDate(0, 0, day).Format(time.DateOnly)+".tar")
	}
	slices.Sort(want)
	if d := cmp.Diff(want, names(t, dir)); d != "" {
		t.Errorf("backups (-want +got):\n%s", d)
	}
	// HOSTILE 100: a clock that has jumped costs at most the oldest of them.
	c.Add(-100 * 24 * time.Hour)
	if _, err := db.BackupDaily(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	c.Add(20 * 365 * 24 * time.Hour)
	if _, err := db.BackupDaily(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	if got := len(names(t, dir)); got < len(want)-1 {
		t.Errorf("%d files are left of %d", got, len(want))
	}
	restored(t, filepath.Join(dir, "tertulia-2026-12-03.tar"), store.Options{})
}
