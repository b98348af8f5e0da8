package store

import (
	"context"
	"io"
	"iter"
)

// engine is the seam below which a storage engine lives: an ordered key-value
// store with serializable transactions. bbolt is the engine of one machine.
// Records, indexes and the queue are written once, above it.
type engine interface {
	// view runs fn on one moment's picture. Bytes that fn sees are valid
	// until it returns.
	view(fn func(reader) error) error
	// update runs fn and commits. It may run fn several times and apply
	// the last. A done context is honoured before fn has started, never after.
	update(ctx context.Context, fn func(writer) error) error
	// commits is another number after every commit, before whoever asked for it is answered. 0
	// says that nobody here can know.
	commits() uint64
	// backup writes one moment's picture to w. look sees the same moment.
	backup(w io.Writer, look func(reader) error) error
	// scrub overwrites what was deleted. It fails when something reads for long.
	scrub(ctx context.Context) error
	// failure is closed when nothing can be written any more; then broken says
	// why, and every update returns that. Before it is nil.
	failure() <-chan struct{}
	broken() error
	// crowded is why the last update that wrote was refused for want of room, nil when
	// that is more than a minute ago or another has found room since.
	crowded() error
	numbers() (Numbers, error)
	close() error
}

type reader interface {
	// get returns nil when there is no such key.
	get(key []byte) []byte
	// scan goes through the keys with the prefix in order, or backwards,
	// beginning at from (inclusive; nil: at the end it starts from).
	// Nothing may be written while a scan is open.
	scan(prefix, from []byte, backwards bool) iter.Seq2[[]byte, []byte]
}

type writer interface {
	reader
	put(key, value []byte) error
	delete(key []byte) error
	// relief says that this update makes room or takes something back, for which
	// the engine holds some room when there is no other.
	relief()
}
