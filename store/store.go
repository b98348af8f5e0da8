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
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Options of a store. The zero value is what a service wants.
type Options struct {
	// Now is the clock that transactions and claims see; nil means time.Now.
	Now func() time.Time
	// Log receives what the owner should know of; nil discards it.
	Log *slog.Logger
	// MaxSize is how long the database file may become, in bytes; 0 means as long as
	// there is room. What is over it is refused with ErrFull.
	MaxSize int
	// LockTimeout is how long Open waits for another process to let go of
	// the data; 0 means five seconds.
	LockTimeout time.Duration
}

// DB is an open store. Its methods may be called concurrently.
type DB struct {
	engine engine
	ledger *ledger
	now    func() time.Time
	log    *slog.Logger
	clock  *watch
	taker  atomic.Pointer[Taker]
	pages  memo[Page]
	faces  memo[Picture]
	dir    string
	ready  chan struct{} // holds a token when a commit brought jobs

	backups backups
	sealing sealing
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
	erased, err := openLedger(filepath.Join(dir, ledgerFile))
	if err != nil {
		return nil, err
	}
	eng, err := openBolt(path, opts)
	if err != nil {
		return nil, err
	}
	db := &DB{engine: eng, ledger: erased, now: opts.Now, log: opts.Log, dir: dir, ready: make(chan struct{}, 1)}
	err = db.begin()
	if err == nil {
		err = db.migrate()
	}
	if err != nil {
		eng.close()
		return nil, err
	}
	writePID(dir)
	return db, nil
}

// begin reads what must be known before anything is written. A database without a
// schema that holds something has lost it, and is not taken for a new one.
func (db *DB) begin() error {
	return db.engine.view(func(r reader) error {
		db.clock = newWatch(r)
		if r.get(schemaKey) != nil {
			return nil
		}
		for range r.scan(nil, nil, false) {
			return fmt.Errorf("the data in %s is damaged (its schema is missing): %w", db.dir, errRestore)
		}
		return nil
	})
}

// Close waits for the commits under way, cuts off backups, and closes the store.
func (db *DB) Close() error {
	db.backups.close()
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
		return fn(&Tx{Site: site, Now: db.Now(), r: r, log: db.log, pages: &db.pages, pictures: &db.faces})
	})
}

// Update runs fn and commits what it wrote, whole or not at all; when it
// returns nil the data is on disk. When there is no room the error wraps [ErrFull], after
// a failure of the disk [ErrBroken]. Updates that wait at the same time share one
// commit, so fn may be run again after another one failed: it has no effect outside
// its transaction, except through [Tx.OnCommit]. An error of fn is returned as it is.
func (db *DB) Update(ctx context.Context, site string, fn func(*Tx) error) error {
	if err := checkSite(site); err != nil {
		return err
	}
	return db.update(ctx, site, fn)
}

func (db *DB) update(ctx context.Context, site string, fn func(*Tx) error) error {
	return db.updateFor(ctx, site, db.taker.Load(), fn)
}

// Commits is another number after every commit: while it stands nothing in the store is another
// than before. 0 says that this is not known.
func (db *DB) Commits() uint64 { return db.engine.commits() }

// updateFor is update for a taker of jobs, nil for none.
func (db *DB) updateFor(ctx context.Context, site string, taker *Taker, fn func(*Tx) error) error {
	var last *Tx
	kept := false
	defer func() {
		if !kept {
			last.giveBack()
		}
	}()
	err := db.engine.update(ctx, func(w writer) error {
		last.giveBack()
		last = &Tx{Site: site, Now: db.Now(), r: w, w: w, log: db.log, ledger: db.ledger, pages: &db.pages, pictures: &db.faces, clock: db.clock, taker: taker}
		return fn(last)
	})
	if err != nil {
		return err
	}
	kept = true
	for _, f := range last.committed {
		f()
	}
	for _, j := range last.taken {
		taker.Start(j)
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

// Failed is closed when a commit has failed for good: every later Update is refused
// with [ErrBroken], and the process should end, because a new one knows what is on disk.
func (db *DB) Failed() <-chan struct{} { return db.engine.failure() }

// Check tells whether the data can be read, and written as far as is known.
func (db *DB) Check(context.Context) error {
	if err := db.engine.broken(); err != nil {
		return err
	}
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
