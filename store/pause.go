package store

import (
	"context"
	"time"
)

// A store that is paused hands out no job: what comes in is kept and promised, but
// nothing goes out, until the owner says so. A restored one begins like that, since
// what it promises may have been done after the backup was made.

var pausedKey = key("", "meta", "paused") // → when, RFC 3339

func (tx *Tx) pause() error { return tx.w.put(pausedKey, []byte(tx.Now.Format(time.RFC3339))) }

func paused(r reader) bool { return r.get(pausedKey) != nil }

// Paused tells whether jobs wait for the owner's word, and since when.
func (db *DB) Paused() (since time.Time, yes bool, err error) {
	err = db.engine.view(func(r reader) error {
		yes = paused(r)
		since, _ = time.Parse(time.RFC3339, string(r.get(pausedKey))) // a time that cannot be read is unknown
		return nil
	})
	return since, yes, err
}

// Resume lets the jobs of all sites go on.
func (db *DB) Resume(ctx context.Context) error {
	return db.update(ctx, "", func(tx *Tx) error {
		if !paused(tx.r) {
			return nil
		}
		tx.jobs = true
		return tx.w.delete(pausedKey)
	})
}
