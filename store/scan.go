package store

import (
	"bytes"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"
)

// boltTx is a transaction of bbolt as reader and writer. It answers a page that
// cannot be read with the panic of a *DamagedError, which view and update turn
// into their error: get and scan are called from everywhere and have none.
type boltTx struct {
	b     *bolt.Bucket
	size  int64 // of the file: no value is longer
	dirty bool
	eases bool // see relief
}

func newTx(tx *bolt.Tx) *boltTx {
	t := &boltTx{b: tx.Bucket(bucket), size: tx.Size()}
	// Most keys are of what came last and stand at the end of their table: the pages that they
	// leave behind are never written again, so they may be full.
	t.b.FillPercent = 0.8
	return t
}

// guard belongs deferred into whatever calls bbolt.
func (t *boltTx) guard(key []byte) {
	if v := recover(); v != nil {
		panic(damaged(key, v))
	}
}

// sound refuses a length that cannot be, before somebody copies it.
func (t *boltTx) sound(value []byte) []byte {
	if int64(len(value)) > t.size {
		panic(fmt.Sprintf("a value of %d bytes", len(value)))
	}
	return value
}

func (t *boltTx) get(key []byte) []byte {
	defer t.guard(key)
	return t.sound(t.b.Get(key))
}

func (t *boltTx) put(key, value []byte) error {
	defer t.guard(key)
	t.dirty = true
	return t.b.Put(key, value)
}

func (t *boltTx) delete(key []byte) error {
	defer t.guard(key)
	t.dirty = true
	return t.b.Delete(key)
}

func (t *boltTx) relief() { t.eases = true }

func (t *boltTx) scan(prefix, from []byte, backwards bool) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		w := &cursor{t: t, c: t.b.Cursor(), prefix: prefix}
		if backwards {
			w.back(from, yield)
			return
		}
		next := w.c.Next
		for k, v := w.step(func() (k, v []byte) { return w.c.Seek(first(from, prefix)) }); k != nil && bytes.HasPrefix(k, prefix); {
			if !yield(k, v) {
				return
			}
			before := k
			k, v = w.step(next)
			w.ordered(before, k)
			if k != nil && !bytes.HasPrefix(k, prefix) {
				// It ends here, unless it is this key that is wrong.
				beyond, _ := w.step(next)
				w.ordered(k, beyond)
			}
		}
	}
}

// ordered makes sure that b comes after a, if there is one.
func (w *cursor) ordered(a, b []byte) {
	if b != nil && bytes.Compare(a, b) >= 0 {
		panic(damaged(w.prefix, "keys out of their order"))
	}
}

// cursor is on its way through the keys with a prefix.
type cursor struct {
	t      *boltTx
	c      *bolt.Cursor
	prefix []byte
	lowest []byte
}

func (w *cursor) step(move func() (k, v []byte)) (k, v []byte) {
	defer w.t.guard(w.prefix)
	if k, v = move(); len(k) > bolt.MaxKeySize {
		panic(fmt.Sprintf("a key of %d bytes", len(k)))
	}
	return k, w.t.sound(v)
}

func (w *cursor) back(from []byte, yield func(k, v []byte) bool) {
	w.lowest, _ = w.step(func() (k, v []byte) { return w.t.b.Cursor().First() })
	k, v := w.step(func() (k, v []byte) { return w.seekLast(from) })
	for k != nil && bytes.HasPrefix(k, w.prefix) {
		if !yield(k, v) {
			return
		}
		k, v = w.before(k)
		if k != nil && !bytes.HasPrefix(k, w.prefix) {
			w.before(k) // it ends here, unless it is this key that is wrong
		}
	}
}

// before is the key before k, which must come before it.
func (w *cursor) before(k []byte) (_, v []byte) {
	b, v := w.step(func() (_, v []byte) { return w.prev(k) })
	if b != nil {
		w.ordered(b, k)
	}
	return b, v
}

// maxEmpty is how many pages one transaction may have emptied side by side. It is
// far more than any has, and ends the search in a tree that is not one.
const maxEmpty = 1 << 20

// prev is the key before k. Cursor.Prev answers nil at a page of which this transaction
// has deleted every key, although there is more in front of it; only at the lowest
// key it means the end.
func (w *cursor) prev(k []byte) ([]byte, []byte) {
	if bytes.Equal(k, w.lowest) {
		return nil, nil
	}
	for range maxEmpty {
		if k, v := w.c.Prev(); k != nil {
			return k, v
		}
	}
	panic("there is no way to the lowest key")
}

// seekLast finds the last key with the prefix that is not behind from.
func (w *cursor) seekLast(from []byte) (k, v []byte) {
	if from == nil {
		if end := prefixEnd(w.prefix); end == nil {
			return w.c.Last()
		} else {
			k, _ = w.c.Seek(end)
		}
	} else if k, v = w.c.Seek(from); bytes.Equal(k, from) {
		return k, v
	}
	if k == nil {
		return w.c.Last()
	}
	return w.prev(k)
}

func first(from, prefix []byte) []byte {
	if from != nil {
		return from
	}
	return prefix
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
