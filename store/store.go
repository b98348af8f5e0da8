// Package store keeps everything that is kept: posts, mentions, people, tokens
// and jobs, as records over an ordered key-value engine.
//
//	db, err := store.Open(dir, store.Options{})
//	err = db.Update(ctx, "example.com", func(tx *store.Tx) error {
//		return tx.PutPost(post)
//	})
//
// A transaction belongs to one site. What must be true together is written in
// one Update, the jobs that follow from it included ([Tx.Enqueue]). The layout of
// the keys is drawn in docs/storage.md and in keys.go; records are JSON with a
// kind, a version and a checksum (record.go). Indexes, counters and the sequence
// of changes are kept by the verbs of [Tx], never by their callers.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Options of a store. The zero value is what a service wants.
type Options struct {
	// Now is the clock that transactions and claims see; nil means time.Now.
	Now func() time.Time
	// Log receives what the owner should know of; nil discards it.
	Log *slog.Logger
	// LockTimeout is how long Open waits for another process to let go of
	// the data; 0 means five seconds.
	LockTimeout time.Duration
}

// DB is an open store. Its methods may be called concurrently.
type DB struct {
	engine engine
	now    func() time.Time
	log    *slog.Logger
	dir    string
	ready  chan struct{} // holds a token when a commit brought jobs
}

// ErrClosed is returned by every verb of a store that was closed.
var ErrClosed = errors.New("the store is closed")

// Open opens the store in dir, and makes it if dir holds nothing yet.
//
// It refuses, and leaves the files as they are, when the database is empty or
// missing beside other data, was written by a newer version, or is held by another
// process.
func Open(dir string, opts Options) (*DB, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = 5 * time.Second
	}
	path, err := prepare(dir)
	if err != nil {
		return nil, err
	}
	eng, err := openBolt(path, opts.LockTimeout)
	if err != nil {
		return nil, err
	}
	db := &DB{engine: eng, now: opts.Now, log: opts.Log, dir: dir, ready: make(chan struct{}, 1)}
	if err := db.migrate(); err != nil {
		eng.close()
		return nil, err
	}
	writePID(dir)
	return db, nil
}

// Close waits for the commits under way and closes the store.
func (db *DB) Close() error {
	removePID(db.dir)
	return db.engine.close()
}

// Dir is the data directory the store was opened in.
func (db *DB) Dir() string { return db.dir }

// View runs fn on a consistent picture of one site. fn must not write, keep tx, or
// do anything slow: an open picture can hold up every writer.
func (db *DB) View(ctx context.Context, site string, fn func(*Tx) error) error {
	if err := checkSite(site); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return db.engine.view(func(r reader) error {
		return fn(&Tx{Site: site, Now: db.Now(), r: r, log: db.log})
	})
}

// Update runs fn and commits what it wrote, whole or not at all; when it
// returns nil the data is on disk. Updates that wait at the same time share one
// commit, so fn may be run again after another one failed: it has no effect outside
// its transaction, except through [Tx.OnCommit]. An error of fn is returned as it is.
func (db *DB) Update(ctx context.Context, site string, fn func(*Tx) error) error {
	if err := checkSite(site); err != nil {
		return err
	}
	return db.update(ctx, site, fn)
}

func (db *DB) update(ctx context.Context, site string, fn func(*Tx) error) error {
	var last *Tx
	err := db.engine.update(ctx, func(w writer) error {
		last = &Tx{Site: site, Now: db.Now(), r: w, w: w, log: db.log}
		return fn(last)
	})
	if err != nil {
		return err
	}
	for _, f := range last.committed {
		f()
	}
	if last.jobs {
		db.wake()
	}
	return nil
}

// wake tells the runner that there may be work.
func (db *DB) wake() {
	select {
	case db.ready <- struct{}{}:
	default:
	}
}

// Backup writes a consistent copy of the database to w. It reads from one
// moment's picture while writers go on.
func (db *DB) Backup(w io.Writer) error { return db.engine.backup(w) }

// Check tells whether the data can be read.
func (db *DB) Check(context.Context) error {
	return db.engine.view(func(r reader) error {
		if r.get(schemaKey) == nil {
			return errors.New("the database has no schema")
		}
		return nil
	})
}

// Now is what the store's clock says, in UTC.
func (db *DB) Now() time.Time { return db.now().UTC().Round(0) }

func checkSite(site string) error {
	if site == "" || strings.ContainsRune(site, 0) {
		return fmt.Errorf("store: %q is not the name of a site", site)
	}
	return nil
}
