package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// migrations bring a database from one schema to the next: the first makes
// schema 1 from nothing. A released one is never edited, a new one is appended. Each
// works on the whole database: its transaction belongs to no site.
var migrations = []func(*Tx) error{
	func(*Tx) error { return nil },
	addressesOnPages,
	publicOfSites,
	ownersPages,
}

// addressesOnPages makes schema 2: the addresses of a page stand in its record, and the
// aliases follow from them.
func addressesOnPages(whole *Tx) error {
	for _, site := range sites(whole.r) {
		tx := *whole
		tx.Site = site
		lead := map[string][]string{} // page id → addresses
		pre := prefix(site, aliases)
		for k, id := range tx.r.scan(pre, nil, false) {
			lead[string(id)] = append(lead[string(id)], string(k[len(pre):]))
		}
		for id, addresses := range lead {
			p, err := pages.find(&tx, id)
			if err != nil {
				tx.log.Error("page passed over", "error", err)
			}
			if p == nil {
				continue // repair takes them away
			}
			p.Addresses = addresses
			if err := pages.replace(&tx, p, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// publicOfSites makes schema 3: what is public is listed with all that order and choice
// depend on, also for whole sites; what is not any more is known, and so are the posts that
// readers may not see.
func publicOfSites(whole *Tx) error {
	for _, site := range sites(whole.r) {
		tx := *whole
		tx.Site = site
		old := prefix(site, mentionsPage)
		err := tx.eachPair(old, func(p pair) error { return tx.w.delete(p.key) })
		if err == nil {
			err = eachIn(&tx, &mentions, tx.listPublic)
		}
		if err == nil {
			err = eachIn(&tx, &posts, func(p *Post) error { return posts.reindex(&tx, p.Permalink, nil, posts.indexes(p)) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ownersPages makes schema 4.
func ownersPages(whole *Tx) error {
	if err := whatWaits(whole); err != nil {
		return err
	}
	return answersOfSites(whole)
}

// whatWaits is one half of schema 4: what waits for the owner is listed by where it comes from, people by how
// far they are trusted, decisions by what they are about.
func whatWaits(whole *Tx) error {
	for _, site := range sites(whole.r) {
		tx := *whole
		tx.Site = site
		err := eachIn(&tx, &mentions, func(m *Mention) error { return mentions.reindex(&tx, m.ID, nil, waitingEntries(m)) })
		if err == nil {
			err = eachIn(&tx, &people, func(p *Person) error { return people.reindex(&tx, p.ID, nil, trustEntries(p)) })
		}
		if err == nil {
			err = eachIn(&tx, &audit, func(d *Decision) error { return audit.reindex(&tx, d.ID, nil, aboutEntries(d)) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// listPublic puts what follows from a mention since schema 3.
func (tx *Tx) listPublic(m *Mention) error {
	if !m.IsPublic() {
		return tx.markGone(m, m.Number > 0, false)
	}
	if err := mentions.reindex(tx, m.ID, nil, publicEntries(m)); err != nil || publicType(m) == "" {
		return err
	}
	return tx.add(key(tx.Site, totals, publicType(m)), 1)
}

// eachPair hands all pairs with a prefix to fn, which may change them.
func (tx *Tx) eachPair(prefix []byte, fn func(pair) error) error {
	for after := []byte(nil); ; {
		found := pairs(tx.r, prefix, after)
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

// eachIn hands all records of a table to fn, which may change them. A damaged one is
// passed over; repair names it.
func eachIn[T any](tx *Tx, t *table[T], fn func(*T) error) error {
	pre := prefix(tx.Site, t.name)
	return tx.eachPair(pre, func(p pair) error {
		rec, err := t.decode(p.key, string(p.key[len(pre):]), p.value)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			return nil
		}
		return fn(rec)
	})
}

var schemaKey = key("", "meta", "schema")

// migrate brings the database to our schema, or refuses one that is newer. All steps
// are one transaction: after an error or a crash the database is as it was. Before them
// a copy is made.
func (db *DB) migrate() error {
	have, err := db.schema()
	switch {
	case err != nil:
		return err
	case have > len(migrations):
		return db.newer(have)
	case have == len(migrations):
		return nil
	case have > 0:
		if err := db.copyBefore(have); err != nil {
			return fmt.Errorf("copy the data before the upgrade: %w", err)
		}
	}
	return db.update(context.Background(), "", func(tx *Tx) error {
		for i, step := range migrations[have:] {
			if err := step(tx); err != nil {
				return fmt.Errorf("migrate to schema %d: %w", have+i+1, err)
			}
		}
		return tx.w.put(schemaKey, []byte(strconv.Itoa(len(migrations))))
	})
}

// schema is the schema of the database, 0 of a new one.
func (db *DB) schema() (have int, err error) {
	err = db.engine.view(func(r reader) error {
		raw := r.get(schemaKey)
		if raw == nil {
			return nil
		}
		if have, err = strconv.Atoi(string(raw)); err != nil {
			return fmt.Errorf("the schema of the database reads %q", raw)
		}
		return nil
	})
	return have, err
}

// newer refuses a database that this version is too old for, and names the way back.
func (db *DB) newer(have int) error {
	back := "restore a backup made before the upgrade"
	if copied := copyName(db.dir, len(migrations)); exists(copied) {
		back = "put " + copied + ", the copy made before the upgrade, in the place of " + databaseFile
	}
	return fmt.Errorf("the data was written by a newer version (schema %d, this version knows %d): use that version, or %s", have, len(migrations), back)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// copyName is where the database lies as it was when it last had a schema.
func copyName(dir string, schema int) string {
	return filepath.Join(dir, backupDir, "schema-"+strconv.Itoa(schema)+".db")
}

// copyBefore keeps the database as it is before an upgrade. Uploads are not touched by
// one, so they are not copied.
func (db *DB) copyBefore(schema int) error {
	if err := os.MkdirAll(filepath.Join(db.dir, backupDir), 0o700); err != nil {
		return err
	}
	return writeDurably(copyName(db.dir, schema), func(f *os.File) error {
		return db.engine.backup(f, func(reader) error { return nil })
	})
}
