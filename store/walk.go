package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Whoever goes through everything does it in many short transactions, a batch of
// records in each: an open picture can hold up every writer.

// batch is how many records a transaction reads or changes that is one of many.
const batch = 1000

// pair is a key with its value, copied out of a transaction.
type pair struct{ key, value []byte }

// pairs copies up to batch pairs whose keys have the prefix and come after a key (nil:
// from the first).
func pairs(r reader, prefix, after []byte) []pair {
	var from []byte
	if after != nil {
		from = append(bytes.Clone(after), 0)
	}
	var found []pair
	for k, v := range r.scan(prefix, from, false) {
		found = append(found, pair{bytes.Clone(k), bytes.Clone(v)})
		if len(found) == batch {
			break
		}
	}
	return found
}

// each hands the pairs with a prefix to fn, outside any transaction.
func (db *DB) each(ctx context.Context, prefix []byte, fn func(pair) error) error {
	var after []byte
	for {
		var found []pair
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := db.engine.view(func(r reader) error {
			found = pairs(r, prefix, after)
			return nil
		}); err != nil {
			return err
		}
		for _, p := range found {
			if err := fn(p); err != nil {
				return err
			}
		}
		if len(found) < batch {
			return nil
		}
		after = found[len(found)-1].key
	}
}

// eachRecord hands the records of a table to fn. A damaged one is passed over, as in
// every list.
func eachRecord[T any](ctx context.Context, db *DB, site string, t *table[T], fn func(T)) error {
	if t.global {
		site = ""
	}
	return db.each(ctx, prefix(site, t.name), func(p pair) error {
		var rec T
		if err := decodeRecord(p.key, t.kind, t.version, p.value, &rec); err != nil {
			db.log.Error("record passed over", "error", err)
			return nil
		}
		fn(rec)
		return nil
	})
}

// sites lists the sites that have records.
func sites(r reader) []string {
	var found []string
	var from []byte
	for {
		name, more := "", false
		for k := range r.scan(nil, from, false) {
			site, _, _ := bytes.Cut(k, []byte{0})
			name, more = string(site), true
			break
		}
		if !more {
			return found
		}
		if name != "" { // what belongs to no site
			found = append(found, name)
		}
		from = append([]byte(name), 1)
	}
}

// allSites lists the sites that have records.
func (db *DB) allSites() (found []string, err error) {
	err = db.engine.view(func(r reader) error {
		found = sites(r)
		return nil
	})
	return found, err
}

// dropAll removes records, some in each transaction.
func (db *DB) dropAll(ctx context.Context, site string, ids []string, drop func(*Tx, string) error) error {
	for some := range slices.Chunk(ids, batch) {
		err := db.Update(ctx, site, func(tx *Tx) error {
			for _, id := range some {
				if err := drop(tx, id); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("remove: %w", err)
		}
	}
	return nil
}
