package store

import (
	"context"
	"fmt"
	"strconv"
)

// migrations bring a database from one schema to the next: the first makes
// schema 1 from nothing. A released one is never edited, a new one is appended.
var migrations = []func(*Tx) error{
	func(*Tx) error { return nil },
}

var schemaKey = key("", "meta", "schema")

// migrate brings the database to our schema, or refuses one that is newer.
func (db *DB) migrate() error {
	return db.update(context.Background(), "", func(tx *Tx) error {
		have := 0
		if raw := tx.r.get(schemaKey); raw != nil {
			n, err := strconv.Atoi(string(raw))
			if err != nil {
				return fmt.Errorf("the schema of the database reads %q", raw)
			}
			have = n
		}
		if have > len(migrations) {
			return fmt.Errorf("the data was written by a newer version (schema %d, this version knows %d): use that version, or restore a backup made before the upgrade", have, len(migrations))
		}
		if have == len(migrations) {
			return nil
		}
		for _, step := range migrations[have:] {
			if err := step(tx); err != nil {
				return fmt.Errorf("migrate: %w", err)
			}
		}
		return tx.w.put(schemaKey, []byte(strconv.Itoa(len(migrations))))
	})
}
