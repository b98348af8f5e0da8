package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Scrub overwrites what was deleted, which otherwise stays in the file of the database until
// something new takes its place. While it works nothing else is written: a second for a file of
// some hundred megabytes. What of it the disk itself keeps, nobody here can tell.
func (db *DB) Scrub(ctx context.Context) error { return db.engine.scrub(ctx) }

// readers counts the pictures of the database that are open, so that nobody loses the pages
// that they see: those that were opened since the turn was last changed apart from older ones.
type readers struct {
	turn    atomic.Int32
	open    [2]atomic.Int64
	awaited atomic.Bool
	left    chan struct{} // has a token after one has left that was awaited; of one
}

// enter counts a reader that is about to open a picture, until leave.
func (r *readers) enter() (leave func()) {
	n := &r.open[r.turn.Load()]
	n.Add(1)
	return func() {
		n.Add(-1)
		if r.awaited.Load() {
			select {
			case r.left <- struct{}{}:
			default: // there is one
			}
		}
	}
}

const (
	quietWait  = 200 * time.Millisecond // that writers wait for old readers
	quietTries = 300
	quietPause = 100 * time.Millisecond
)

// scrub waits for a moment at which nobody sees what was deleted, and overwrites it: a
// transaction that writes keeps all others out, and whoever begins to read meanwhile sees the
// last commit, which has nothing on a free page. Should the process end in between, that commit
// is whole. The pages are those that bbolt itself may write to next.
func (e *boltEngine) scrub(ctx context.Context) error {
	for range quietTries {
		done, err := e.tryScrub(ctx)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(quietPause):
		}
	}
	return errors.New("deleted data cannot be overwritten: something has been reading for a minute, such as a backup")
}

func (e *boltEngine) tryScrub(ctx context.Context) (done bool, err error) {
	if err := e.broken(); err != nil {
		return false, err
	}
	tx, err := e.db.Begin(true)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return false, ErrClosed
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if !e.readers.quiet(ctx) {
		return false, ctx.Err()
	}
	f, err := os.OpenFile(e.db.Path(), os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if err := overwriteFree(tx, f); err != nil {
		return false, err
	}
	return true, f.Sync()
}

// overwriteFree writes zeros over the free pages of the file.
func overwriteFree(tx *bolt.Tx, f *os.File) error {
	size := int64(tx.DB().Info().PageSize)
	have, none := make([]byte, size), make([]byte, size)
	for id := 2; ; id++ {
		page, err := tx.Page(id)
		if err != nil || page == nil {
			return err
		}
		if page.Type != "free" {
			id += page.OverflowCount
			continue
		}
		at := int64(id) * size
		if _, err := f.ReadAt(have, at); err != nil {
			return err
		}
		if bytes.Equal(have, none) {
			continue
		}
		if _, err := f.WriteAt(none, at); err != nil {
			return err
		}
	}
}

// quiet waits until nobody reads any more who has begun before it was asked. The writer's lock
// is held: who comes in between its steps sees the last commit, wherever they are counted.
func (r *readers) quiet(ctx context.Context) bool {
	r.awaited.Store(true)
	defer r.awaited.Store(false)
	was := r.turn.Load()
	empty := func(turn int32) bool {
		for late := time.After(quietWait); r.open[turn].Load() > 0; {
			select {
			case <-r.left:
			case <-late:
				return false
			case <-ctx.Done():
				return false
			}
		}
		return true
	}
	if !empty(1 - was) { // those whom an earlier call did not wait for
		return false
	}
	r.turn.Store(1 - was)
	return empty(was)
}
