package store

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Tx is one transaction on one site. Verbs report what is not there as
// fs.ErrNotExist. A Tx is used by one goroutine and never after its function returned.
type Tx struct {
	Site string
	Now  time.Time // when the transaction began, UTC

	r         reader
	w         writer // nil in a View
	jobs      bool   // it brought or freed jobs
	committed []func()
	log       *slog.Logger
	ledger    *ledger // of what was erased; nil in a View
	pages     *memo[Page]
	pictures  *memo[Picture]
	clock     *watch   // nil in a View
	taker     *Taker   // nil: nobody takes jobs here
	places    []string // kept by it, by lane
	taken     []Job    // by it, for those places
}

// OnCommit has f called once after the transaction is on disk, in the goroutine
// of the caller of Update. A transaction that is run again forgets what it asked for.
func (tx *Tx) OnCommit(f func()) { tx.committed = append(tx.committed, f) }

// table is a kind of record, and the indexes derived from it. An index entry leads
// from its key to the record's key. put and delete keep them; repair makes them anew.
type table[T any] struct {
	name    string // of the table, and of the record kind without its plural s
	kind    string
	version int
	global  bool // not below a site: the jobs
	key     func(*T) string
	indexes func(*T) []indexEntry
}

type indexEntry struct {
	index string // its table name
	key   string // parts joined with join
}

func (t *table[T]) site(tx *Tx) string {
	if t.global {
		return ""
	}
	return tx.Site
}

func (t *table[T]) get(tx *Tx, k string) (T, error) {
	rec, err := t.find(tx, k)
	if rec == nil {
		var none T
		if err == nil {
			err = notFound{t.kind, k}
		}
		return none, err
	}
	return *rec, nil
}

// notFound is the error for a record that is not there. Most are only asked for what
// they are, so they put their words together when somebody reads them.
type notFound struct{ kind, key string }

func (e notFound) Error() string { return fmt.Sprintf("%s %q: %v", e.kind, e.key, fs.ErrNotExist) }

func (e notFound) Unwrap() error { return fs.ErrNotExist }

// find reads a record; nil without an error when there is none.
func (t *table[T]) find(tx *Tx, k string) (*T, error) {
	full := key(t.site(tx), t.name, k)
	raw := tx.r.get(full)
	if raw == nil {
		return nil, nil
	}
	return t.decode(full, k, raw)
}

// decode reads the record at a key. One that belongs under another key is damage
// as well: the checksum is silent about where a record lies.
func (t *table[T]) decode(full []byte, k string, raw []byte) (*T, error) {
	rec := new(T)
	if err := decodeRecord(full, t.kind, t.version, raw, rec); err != nil {
		return nil, err
	}
	if t.key(rec) != k {
		return nil, &DamagedError{Key: readable(full), Reason: "it is another record"}
	}
	return rec, nil
}

// has tells whether there is such a record, without reading it.
func (t *table[T]) has(tx *Tx, k string) bool {
	return tx.r.get(key(t.site(tx), t.name, k)) != nil
}

func (t *table[T]) put(tx *Tx, rec T) error {
	var was *T
	if t.indexes != nil {
		var err error
		if was, err = t.find(tx, t.key(&rec)); err != nil {
			return err
		}
	}
	return t.replace(tx, was, &rec)
}

// replace writes a record over what was there, which the caller has just read; nil
// when there was nothing. One that is the same to the byte costs the commit no page.
func (t *table[T]) replace(tx *Tx, was, rec *T) error {
	k := t.key(rec)
	raw, err := encodeRecord(t.kind, t.version, rec)
	if err != nil {
		return err
	}
	full := key(t.site(tx), t.name, k)
	if was != nil && bytes.Equal(tx.r.get(full), raw) {
		return nil
	}
	if err := tx.w.put(full, raw); err != nil || t.indexes == nil {
		return err
	}
	var before []indexEntry
	if was != nil {
		before = t.indexes(was)
	}
	return t.reindex(tx, k, before, t.indexes(rec))
}

// reindex replaces the entries of record k. An entry that another record has taken over
// since (an identity that moved to another person) is that one's and stays.
func (t *table[T]) reindex(tx *Tx, k string, before, after []indexEntry) error {
	for _, e := range before {
		full := key(t.site(tx), e.index, e.key)
		if slices.Contains(after, e) || string(tx.r.get(full)) != k {
			continue
		}
		if err := tx.w.delete(full); err != nil {
			return err
		}
	}
	for _, e := range after {
		if !slices.Contains(before, e) {
			if err := tx.w.put(key(t.site(tx), e.index, e.key), []byte(k)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *table[T]) delete(tx *Tx, k string) error {
	rec, err := t.get(tx, k)
	if err != nil {
		return err
	}
	if t.indexes != nil {
		if err := t.reindex(tx, k, t.indexes(&rec), nil); err != nil {
			return err
		}
	}
	if !t.global { // jobs go by themselves
		tx.w.relief()
	}
	return tx.w.delete(key(t.site(tx), t.name, k))
}

// lookup follows an index entry to its record.
func (t *table[T]) lookup(tx *Tx, index string, parts ...string) (T, error) {
	k := tx.r.get(key(t.site(tx), index, parts...))
	if k == nil {
		var none T
		return none, notFound{t.kind + " by " + index, strings.Join(parts, " ")}
	}
	return t.get(tx, string(k))
}

// Range says which part of a list is wanted.
type Range struct {
	From     string // the cursor that a list before gave; "" begins at its start
	Limit    int    // at most so many; 0 means 100
	Backward bool   // newest first
}

func (r Range) limit() int {
	if r.Limit <= 0 {
		return 100
	}
	return r.Limit
}

// list reads the records that an index holds below its parts, and the cursor of the
// rest ("" when there is none). keep may be nil. A damaged record is passed over:
// one bad page of the disk must not hide the list.
func (t *table[T]) list(tx *Tx, r Range, keep func(*T) bool, index string, parts ...string) (recs []T, next string, err error) {
	pre := prefix(t.site(tx), index, parts...)
	var from []byte
	if r.From != "" {
		from = append(bytes.Clone(pre), r.From...)
	}
	for k, v := range tx.r.scan(pre, from, r.Backward) {
		if len(recs) == r.limit() {
			return recs, string(k[len(pre):]), nil
		}
		rec, err := t.get(tx, string(v))
		if err != nil {
			tx.log.Error("record passed over", "index", index, "error", err)
			continue
		}
		if keep == nil || keep(&rec) {
			recs = append(recs, rec)
		}
	}
	return recs, "", nil
}

// all reads every record of the table in the order of its keys.
func (t *table[T]) all(tx *Tx, keep func(*T) bool) ([]T, error) {
	var recs []T
	pre := prefix(t.site(tx), t.name)
	for k, v := range tx.r.scan(pre, nil, false) {
		rec, err := t.decode(k, string(k[len(pre):]), v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		if keep == nil || keep(rec) {
			recs = append(recs, *rec)
		}
	}
	return recs, nil
}
