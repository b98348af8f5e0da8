package store

import (
	"time"

	bolt "go.etcd.io/bbolt"

	"tertulia/internal/metrics"
)

// Numbers is how large the database is, and what it has done since it was opened.
type Numbers struct {
	Size        int64 // of the file, in bytes
	Pages, Free int   // pages of the file, and those of them that hold nothing
	Commits     *metrics.Histogram
}

// Numbers tells how the database is doing.
func (db *DB) Numbers() (Numbers, error) { return db.engine.numbers() }

func (e *boltEngine) numbers() (Numbers, error) {
	n := Numbers{Commits: &e.latency}
	err := e.read(func(tx *bolt.Tx) error {
		n.Size = tx.Size()
		return nil
	})
	if err != nil {
		return n, err
	}
	n.Pages = int(n.Size) / e.db.Info().PageSize
	s := e.db.Stats()
	n.Free = s.FreePageN + s.PendingPageN
	return n, nil
}

// Crowded is why the newest commit was refused, when that was for want of room and in the last
// minute: after that it is worth trying again. The error wraps [ErrFull].
func (db *DB) Crowded() error { return db.engine.crowded() }

// crowding is a commit for which there was no room.
type crowding struct {
	err error
	at  time.Time
}

func (e *boltEngine) crowded() error {
	if c := e.refused.Load(); c != nil && time.Since(c.at) < time.Minute {
		return c.err
	}
	return nil
}
