package queue_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// HOSTILE F16: a runner on restored data does nothing, however long it runs, until the
// owner says so; then it does what was owed and what came since.
func TestRunnerRestsWhileTheStoreIsPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := openAt(t, t.TempDir())
		file := filepath.Join(t.TempDir(), "b.tar")
		promise(t, before, "owed")
		if _, err := before.Backup(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := store.Restore(t.Context(), file, dir, false, store.Options{}); err != nil {
			t.Fatal(err)
		}
		db := openAt(t, dir)
		var ran atomic.Int64
		r := queue.Runner{DB: db, Handlers: map[string]queue.Handler{
			"send": func(context.Context, store.Job) (queue.Commit, error) { ran.Add(1); return nil, nil },
		}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		promise(t, db, "new")
		time.Sleep(100 * time.Hour)
		if n := ran.Load(); n != 0 {
			t.Errorf("%d jobs ran while the store was paused", n)
		}
		if err := db.Resume(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := ran.Load(); n != 2 {
			t.Errorf("%d jobs ran after the pause, want both", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func openAt(t *testing.T, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func promise(t *testing.T, db *store.DB, name string) {
	t.Helper()
	if err := db.Update(t.Context(), "example.com", func(tx *store.Tx) error {
		return tx.Enqueue(store.Job{Kind: "send", Key: name})
	}); err != nil {
		t.Fatal(err)
	}
}
