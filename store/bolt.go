package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// bucket holds every key: the order of the engine is the order of the keys.
var bucket = []byte("tertulia")

// maxGroup is how many waiting updates share a commit at the most.
const maxGroup = 1024

// boltEngine is bbolt with one writer that groups what waits. DB.Batch would
// do the same on a timer of 10 ms; waiting for nothing but the commit before is
// both sooner and more.
type boltEngine struct {
	db     *bolt.DB
	calls  chan *boltCall
	closed chan struct{}
	done   chan struct{}
	once   sync.Once
}

type boltCall struct {
	fn     func(writer) error
	err    error
	panic  any
	result chan struct{}
}

func openBolt(path string, timeout time.Duration) (*boltEngine, error) {
	db, err := openFile(path, timeout)
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("the data in %s is in use%s", filepath.Dir(path), holder(filepath.Dir(path)))
	}
	if err == nil {
		err = makeBucket(db)
	}
	if err != nil {
		if db != nil {
			db.Close()
		}
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	e := &boltEngine{db: db, calls: make(chan *boltCall), closed: make(chan struct{}), done: make(chan struct{})}
	go e.run()
	return e, nil
}

// openFile opens the file if it is whole. bbolt answers a spoiled page with a panic and a
// missing one with a signal, so the first is caught and the second looked for.
func openFile(path string, timeout time.Duration) (db *bolt.DB, err error) {
	defer func() {
		if v := recover(); v != nil {
			db, err = nil, fmt.Errorf("the file is damaged (%v): restore a backup", v)
		}
	}()
	if err := whole(path, timeout); err != nil {
		return nil, err
	}
	// The default freelist (array, synced) is kept on purpose: the map type
	// falls behind on large files, an unsynced one makes each start scan the file.
	return bolt.Open(path, 0o600, &bolt.Options{Timeout: timeout})
}

// whole refuses a file that ends before its last page. Opened to be read, a file
// is judged by its first two pages only; nothing behind them is touched.
func whole(path string, timeout time.Duration) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: timeout, ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if tx.Size() > info.Size() {
			return fmt.Errorf("the file is cut off (%d bytes of %d): restore a backup", info.Size(), tx.Size())
		}
		return nil
	})
}

// makeBucket makes the bucket of a new file. One that has it is not written to:
// it may yet be refused, and is then left to the byte as it was.
func makeBucket(db *bolt.DB) error {
	there := false
	if err := db.View(func(tx *bolt.Tx) error {
		there = tx.Bucket(bucket) != nil
		return nil
	}); err != nil || there {
		return err
	}
	return db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	})
}

func (e *boltEngine) close() error {
	e.once.Do(func() { close(e.closed) })
	<-e.done
	return e.db.Close()
}

func (e *boltEngine) view(fn func(reader) error) error {
	return ifOpen(e.db.View(func(tx *bolt.Tx) error { return fn(&boltTx{b: tx.Bucket(bucket)}) }))
}

func ifOpen(err error) error {
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

func (e *boltEngine) backup(w io.Writer) error {
	return ifOpen(e.db.View(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	}))
}

func (e *boltEngine) update(ctx context.Context, fn func(writer) error) error {
	c := &boltCall{fn: fn, result: make(chan struct{})}
	select {
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	select {
	case e.calls <- c:
	case <-e.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	<-c.result
	if c.panic != nil {
		panic(c.panic)
	}
	return c.err
}

// run is the one writer: it takes all that waits and commits it together.
func (e *boltEngine) run() {
	defer close(e.done)
	for {
		var group []*boltCall
		select {
		case c := <-e.calls:
			group = append(group, c)
		case <-e.closed:
			return
		}
		for waiting := true; waiting && len(group) < maxGroup; {
			select {
			case c := <-e.calls:
				group = append(group, c)
			default:
				waiting = false
			}
		}
		e.commit(group)
	}
}

var (
	errRollback = errors.New("rolled back")      // a call failed after it had written
	errClean    = errors.New("nothing to write") // no call has written: no commit is owed
)

// commit runs the calls of a group in one transaction. A call that fails before
// it wrote anything (the usual refusal) costs the others nothing; one that had
// written is taken out and the rest is run again.
func (e *boltEngine) commit(group []*boltCall) {
	for len(group) > 0 {
		failed, dirty := -1, false
		err := e.db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucket)
			for i, c := range group {
				t := &boltTx{b: b}
				c.err, c.panic = nil, nil
				c.run(t)
				if t.dirty && (c.err != nil || c.panic != nil) {
					failed = i
					return errRollback
				}
				dirty = dirty || t.dirty
			}
			if !dirty {
				return errClean
			}
			return nil
		})
		if errors.Is(err, errClean) {
			err = nil
		}
		if failed >= 0 {
			close(group[failed].result)
			group = append(group[:failed:failed], group[failed+1:]...)
			continue
		}
		for _, c := range group {
			if err != nil && c.err == nil {
				c.err = fmt.Errorf("commit: %w", err)
			}
			close(c.result)
		}
		return
	}
}

func (c *boltCall) run(t *boltTx) {
	defer func() { c.panic = recover() }()
	c.err = c.fn(t)
}

type boltTx struct {
	b     *bolt.Bucket
	dirty bool
}

func (t *boltTx) get(key []byte) []byte { return t.b.Get(key) }

func (t *boltTx) put(key, value []byte) error {
	t.dirty = true
	return t.b.Put(key, value)
}

func (t *boltTx) delete(key []byte) error {
	t.dirty = true
	return t.b.Delete(key)
}

func (t *boltTx) scan(prefix, from []byte, backwards bool) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := t.b.Cursor()
		if backwards {
			t.scanBack(c, prefix, from, yield)
			return
		}
		for k, v := c.Seek(first(from, prefix)); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

func (t *boltTx) scanBack(c *bolt.Cursor, prefix, from []byte, yield func(k, v []byte) bool) {
	lowest, _ := t.b.Cursor().First()
	// Prev answers nil at a page of which this transaction has deleted every key,
	// although there is more in front of it; only at the lowest key it means the end.
	prev := func(k []byte) ([]byte, []byte) {
		if bytes.Equal(k, lowest) {
			return nil, nil
		}
		for {
			if k, v := c.Prev(); k != nil {
				return k, v
			}
		}
	}
	for k, v := seekLast(c, prev, prefix, from); k != nil && bytes.HasPrefix(k, prefix); k, v = prev(k) {
		if !yield(k, v) {
			return
		}
	}
}

func first(from, prefix []byte) []byte {
	if from != nil {
		return from
	}
	return prefix
}

// seekLast finds the last key with the prefix that is not behind from.
func seekLast(c *bolt.Cursor, prev func([]byte) ([]byte, []byte), prefix, from []byte) (k, v []byte) {
	if from == nil {
		if end := prefixEnd(prefix); end == nil {
			return c.Last()
		} else {
			k, _ = c.Seek(end)
		}
	} else if k, v = c.Seek(from); bytes.Equal(k, from) {
		return k, v
	}
	if k == nil {
		return c.Last()
	}
	return prev(k)
}

// prefixEnd is the first key behind all keys with the prefix, nil if there is none.
func prefixEnd(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

// holder names the process that holds the data directory, as far as it is known.
func holder(dir string) string {
	pid, err := os.ReadFile(filepath.Join(dir, pidFile))
	if err != nil {
		return " by another process"
	}
	return " by process " + strings.TrimSpace(string(pid))
}
