package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Erase removes what others have sent to the site, and notes first that it shall not
// come back: neither with a restored backup nor, where [DB.Erased] is asked, when it is
// sent again. It tells how many mentions went.
func (db *DB) Erase(ctx context.Context, site string, erased ...Erased) (int, error) {
	if err := checkSite(site); err != nil {
		return 0, err
	}
	if err := db.ledger.add(site, erased); err != nil {
		return 0, err
	}
	return db.applyLedger(ctx, site)
}

// Erased tells whether something, or for a source or a person its host, was erased.
func (db *DB) Erased(site string, e Erased) bool {
	if e.Value == "" || db.ledger.empty() {
		return false
	}
	if db.ledger.has(site, e) {
		return true
	}
	host := e.Value
	if e.Kind != ErasedHost {
		host, _, _ = strings.Cut(strings.ToLower(bare(host)), "/")
	}
	for below := true; below; _, host, below = strings.Cut(host, ".") {
		if db.ledger.has(site, Erased{ErasedHost, host}) {
			return true
		}
	}
	return false
}

// bare is an address without its scheme, as identities are.
func bare(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		return rest
	}
	return address
}

// applyLedger removes the mentions and people of a site that were erased.
func (db *DB) applyLedger(ctx context.Context, site string) (dropped int, err error) {
	if db.ledger.empty() {
		return 0, nil
	}
	persons := map[string]bool{}
	var personIDs, mentionIDs []string
	err = eachRecord(ctx, db, site, &people, func(p Person) {
		// Who was merged comes after the older record that they were merged into.
		if persons[p.Merged] || slices.ContainsFunc(append(p.Identities, p.URL), func(identity string) bool {
			return db.Erased(site, Erased{ErasedPerson, bare(identity)})
		}) {
			persons[p.ID], personIDs = true, append(personIDs, p.ID)
		}
	})
	if err != nil {
		return 0, err
	}
	err = eachRecord(ctx, db, site, &mentions, func(m Mention) {
		if db.erasedMention(site, m, persons) {
			mentionIDs = append(mentionIDs, m.ID)
		}
	})
	if err != nil {
		return 0, err
	}
	if err := db.dropAll(ctx, site, mentionIDs, (*Tx).DropMention); err != nil {
		return 0, err
	}
	return len(mentionIDs), db.dropAll(ctx, site, personIDs, func(tx *Tx, id string) error { return people.delete(tx, id) })
}

func (db *DB) erasedMention(site string, m Mention, persons map[string]bool) bool {
	if db.Erased(site, Erased{ErasedSource, m.Source}) {
		return true
	}
	return slices.ContainsFunc([]*Version{m.Shown, m.Held}, func(v *Version) bool {
		return v != nil && (persons[v.Person] || db.Erased(site, Erased{ErasedSource, v.URL}) ||
			db.Erased(site, Erased{ErasedPerson, bare(v.Author.URL)}))
	})
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
			return fmt.Errorf("erase: %w", err)
		}
	}
	return nil
}
