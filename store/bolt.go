package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"tertulia/internal/failpoint"
	"tertulia/internal/metrics"
)

// bucket holds every key: the order of the engine is the order of the keys.
var bucket = []byte("tertulia")

// boltEngine is bbolt with one writer that groups what waits (group.go). DB.Batch
// would do the same on a timer of 10 ms; waiting for nothing but the commit before is
// both sooner and more.
type boltEngine struct {
	db      *bolt.DB
	calls   chan *boltCall
	closed  chan struct{}
	done    chan struct{}
	once    sync.Once
	failed  chan struct{} // closed when nothing can be written any more
	cause   error         // why; read once failed is closed
	spare   reserve       // of the writer
	readers readers
	written atomic.Uint64     // commits since the start
	latency metrics.Histogram // of commits
	refused atomic.Pointer[crowding]
	fault   func() error // of tests: what a disk does to the next commit
}

func (e *boltEngine) commits() uint64 { return e.written.Load() + 1 }

func openBolt(path string, opts Options) (*boltEngine, error) {
	db, err := openFile(path, opts)
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, inUse(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	e := &boltEngine{
		db: db, calls: make(chan *boltCall),
		closed: make(chan struct{}), done: make(chan struct{}), failed: make(chan struct{}),
		readers: readers{left: make(chan struct{}, 1)},
		spare:   reserve{path: filepath.Join(filepath.Dir(path), reserveFile)},
	}
	go e.run(nil)
	return e, nil
}

// openFile opens the file if it is whole, and makes one where there is none.
func openFile(path string, opts Options) (*bolt.DB, error) {
	empty, err := look(path, opts)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, err
	}
	// The default freelist (array, synced) is kept on purpose: the map type
	// falls behind on large files, an unsynced one makes each start scan the file.
	db, _, err := tryOpen(path, &bolt.Options{Timeout: opts.LockTimeout, MaxSize: opts.MaxSize, NoSync: failpoint.On("store.no-sync")})
	if err == nil && (missing || empty) {
		if err = begin(db, path); err != nil {
			db.Close()
		}
	}
	if err != nil && missing && !errors.Is(err, berrors.ErrTimeout) {
		removeStump(path)
	}
	return db, err
}

// removeStump takes away a file that could not even be made: the next start must not
// take it for one that was lost.
func removeStump(path string) {
	if info, err := os.Stat(path); err == nil && info.Size() < int64(4*os.Getpagesize()) { // as long as an empty one
		_ = os.Remove(path) // then it is refused by its length
	}
}

// begin makes the bucket of a new file, and sees to it that the file is found again
// after a loss of power: its directory keeps its name, and the one above that one's.
func begin(db *bolt.DB, path string) error {
	if err := db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	}); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	return errors.Join(syncDir(dir), syncDir(filepath.Join(dir, "..")))
}

// look opens a file to be read, which touches nothing but its first two pages, and
// refuses it unless it is whole. empty: it was made, but nothing was written to it.
func look(path string, opts Options) (empty bool, err error) {
	db, f, err := tryOpen(path, &bolt.Options{Timeout: opts.LockTimeout, ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer db.Close()
	seen, err := intact(f)
	if err != nil {
		return false, err
	}
	for _, page := range seen.damaged {
		opts.Log.Error("a part of the database is damaged: records may be missing", "file", path, "damage", page)
	}
	return seen.empty, nil
}

// tryOpen opens a file, whatever is in it. bbolt answers a spoiled page with a panic,
// and would keep the file and its lock.
func tryOpen(path string, opts *bolt.Options) (db *bolt.DB, f *os.File, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see damaged
	defer func() {
		if v := recover(); v != nil {
			f.Close()
			err = fmt.Errorf("the file is damaged (%v): %w", v, errRestore)
		}
	}()
	opts.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err = os.OpenFile(name, flag, mode)
		return f, err
	}
	db, err = bolt.Open(path, 0o600, opts)
	if bad, ok := errors.AsType[*fs.PathError](err); ok {
		err = bad.Err // who asked names the path
	} else if err != nil && !errors.Is(err, berrors.ErrTimeout) {
		err = fmt.Errorf("the file is damaged or no database (%w): %w", err, errRestore)
	}
	return db, f, err
}

// close waits for the commit under way. What a failed one has left locked is left to the
// end of the process.
func (e *boltEngine) close() error {
	e.once.Do(func() { close(e.closed) })
	<-e.done
	if e.broken() == nil {
		return e.db.Close()
	}
	ended := make(chan error, 1)
	go func() { ended <- e.db.Close() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(200 * time.Millisecond):
		return e.broken()
	}
}

func (e *boltEngine) view(fn func(reader) error) error {
	return e.read(func(tx *bolt.Tx) error { return fn(newTx(tx)) })
}

// read runs fn on one moment's picture. Damage that it meets is its error, and not the
// end of the process.
func (e *boltEngine) read(fn func(*bolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see damaged
	defer func() {
		if v := recover(); v != nil {
			d, ok := asDamage(v)
			if !ok {
				panic(v)
			}
			err = d
		}
	}()
	defer e.readers.enter()()
	err = e.db.View(fn)
	switch {
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return ErrClosed
	case errors.Is(err, berrors.ErrInvalidMapping):
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return err
}

func (e *boltEngine) backup(w io.Writer, look func(reader) error) error {
	return e.read(func(tx *bolt.Tx) error {
		if err := look(newTx(tx)); err != nil {
			return err
		}
		_, err := tx.WriteTo(w)
		return err
	})
}

// hold keeps every other process from opening a database file to write, whatever is in
// it, until release is called. It fails when one has it open.
func hold(path string, timeout time.Duration) (release func(), err error) {
	db, _, err := tryOpen(path, &bolt.Options{Timeout: timeout, ReadOnly: true})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, inUse(path)
	}
	if err != nil {
		return func() {}, nil // it is not there or damaged: nobody can have it open
	}
	return func() { db.Close() }, nil
}

func inUse(path string) error {
	return fmt.Errorf("the data in %s is in use%s", filepath.Dir(path), holder(filepath.Dir(path)))
}

// holder names the process that holds the data directory, as far as it is known.
func holder(dir string) string {
	pid, err := os.ReadFile(filepath.Join(dir, pidFile))
	if err != nil {
		return " by another process"
	}
	return " by process " + strings.TrimSpace(string(pid))
}
