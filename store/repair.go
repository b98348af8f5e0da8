package store

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
)

// Repaired is what [DB.Repair] found and did.
type Repaired struct {
	Records int             // that are whole
	Mended  int             // index entries and counters that were missing, stale or wrong
	Damaged []*DamagedError // records that cannot be read; they are left as they are
}

// Repair makes every index and every counter anew from the records, and names the
// records that are damaged. What follows from a damaged record is taken away: it is no
// longer listed. The service must not run.
//
// It works through many short transactions; one that was interrupted is done again.
func (db *DB) Repair(ctx context.Context) (Repaired, error) {
	var done Repaired
	sites, err := db.allSites()
	if err != nil {
		return done, err
	}
	for _, k := range kinds {
		if k.global {
			err = db.repair(ctx, k, "", &done)
		}
		for _, site := range sites {
			if !k.global && err == nil {
				err = db.repair(ctx, k, site, &done)
			}
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// kind is a table as repair sees it: records in bytes, and what follows from each.
type kind struct {
	name    string
	global  bool
	indexes []string
	counts  func(site string) [][]byte // prefixes of its counters; nil: it has none
	// follow reads a record under its full key and says which index entries lead to it
	// and which counters count it.
	follow func(site string, full, raw []byte) (entries []indexEntry, counters [][]byte, err error)
}

// kinds are all tables.
var kinds = []kind{
	kindOf(&pages, nil, nil, aliases),
	kindOf(&posts, func(site string) [][]byte { return [][]byte{prefix(site, monthCounts)} },
		func(site string, p *Post) [][]byte {
			if !p.Listed() {
				return nil
			}
			return [][]byte{key(site, monthCounts, p.Month())}
		}, postsTime, postsMonth, postsChannel, postsHidden, postsCollected, postsAnswering),
	kindOf(&mentions, func(site string) [][]byte { return [][]byte{prefix(site, counts), prefix(site, totals)} },
		func(site string, m *Mention) [][]byte {
			v := publicPart(m)
			if v.typ == "" {
				return nil
			}
			return [][]byte{key(site, counts, v.page, v.typ), key(site, totals, v.typ)}
		}, mentionKey, mentionsPage, mentionsState, mentionsPerson, mentionEntry, mentionsPhoto, mentionsFolded,
		mentionsNumber, mentionsReceived, mentionsDated, mentionsWaiting, mentionsNamed, mentionsOpen, mentionsAnswering,
		mentionsOrigin, mentionsAddress),
	kindOf(&goneMentions, nil, nil, goneTime),
	kindOf(&originals, nil, nil),
	kindOf(&pictures, nil, nil, picturesName),
	kindOf(&people, nil, nil, personKey, peopleTrust),
	kindOf(&contacts, nil, nil),
	kindOf(&jobs, func(string) [][]byte { return [][]byte{jobsCount, prefix("", jobsLane)} },
		func(_ string, j *Job) [][]byte {
			switch {
			case !j.Parked.IsZero():
				return nil
			case j.Lane == "":
				return [][]byte{jobsCount}
			}
			return [][]byte{jobsCount, key("", jobsLane, j.Lane)}
		}, jobsDue, jobsKey, jobsParked, jobsLeased),
	kindOf(&changes, nil, nil),
	kindOf(&media, nil, nil),
	kindOf(&files, nil, nil),
	kindOf(&dataFiles, nil, nil),
	kindOf(&dataStates, nil, nil),
	kindOf(&outgoing, nil, nil, outgoingAnswering),
	kindOf(&feeds, nil, nil),
	kindOf(&copies, nil, nil, copiesAddress, copiesNext, copiesState),
	kindOf(&networks, nil, nil),
	kindOf(&tokens, nil, nil),
	kindOf(&refreshes, nil, nil),
	kindOf(&codes, nil, nil),
	kindOf(&clients, nil, nil),
	kindOf(&sessions, nil, nil),
	kindOf(&devices, nil, nil),
	kindOf(&guesses, nil, nil),
	kindOf(&passphrases, nil, nil),
	kindOf(&passkeys, nil, nil),
	kindOf(&requests, nil, nil),
	kindOf(&seals, nil, nil),
	kindOf(&welcomes, nil, nil),
	kindOf(&audit, nil, nil, auditAbout),
	kindOf(&befores, nil, nil),
	kindOf(&notices, nil, nil),
	kindOf(&noticeStates, nil, nil),
	kindOf(&letters, nil, nil),
	kindOf(&feedKeys, nil, nil, feedKeysHash),
	kindOf(&hooks, nil, nil),
	kindOf(&deliveries, nil, nil),
}

func kindOf[T any](t *table[T], counts func(string) [][]byte, counted func(string, *T) [][]byte, indexes ...string) kind {
	return kind{
		name: t.name, global: t.global, indexes: indexes, counts: counts,
		follow: func(site string, full, raw []byte) ([]indexEntry, [][]byte, error) {
			var rec T
			if err := decodeRecord(full, t.kind, t.version, raw, &rec); err != nil {
				return nil, nil, err
			}
			if !bytes.Equal(full, key(site, t.name, t.key(&rec))) {
				return nil, nil, &DamagedError{Key: readable(full), Reason: "it lies under another's key"}
			}
			var entries []indexEntry
			var counters [][]byte
			if t.indexes != nil {
				entries = t.indexes(&rec)
			}
			if counted != nil {
				counters = counted(site, &rec)
			}
			return entries, counters, nil
		},
	}
}

func (db *DB) repair(ctx context.Context, k kind, site string, done *Repaired) error {
	numbers := map[string]int{}
	if err := db.mendRecords(ctx, k, site, numbers, done); err != nil {
		return err
	}
	for _, index := range k.indexes {
		if err := db.mendIndex(ctx, k, site, index, done); err != nil {
			return err
		}
	}
	if k.counts == nil {
		return nil
	}
	return db.mendCounters(ctx, k.counts(site), numbers, done)
}

// inBatches runs fn on all pairs with a prefix, each batch in a transaction of its own,
// and adds what it reports to done once the batch is on disk.
func (db *DB) inBatches(ctx context.Context, prefix []byte, done *Repaired, fn func(*Tx, []pair, *Repaired) error) error {
	var after []byte
	for {
		var found []pair
		err := db.update(ctx, "", func(tx *Tx) error {
			found = pairs(tx.r, prefix, after)
			var part Repaired
			tx.OnCommit(func() {
				done.Records += part.Records
				done.Mended += part.Mended
				done.Damaged = append(done.Damaged, part.Damaged...)
			})
			return fn(tx, found, &part)
		})
		if err != nil || len(found) < batch {
			return err
		}
		after = found[len(found)-1].key
	}
}

// mendRecords puts the entries that are missing, and counts.
func (db *DB) mendRecords(ctx context.Context, k kind, site string, numbers map[string]int, done *Repaired) error {
	pre := prefix(site, k.name)
	return db.inBatches(ctx, pre, done, func(tx *Tx, found []pair, part *Repaired) error {
		var counted [][]byte
		tx.OnCommit(func() {
			for _, c := range counted {
				numbers[string(c)]++
			}
		})
		for _, p := range found {
			entries, counters, err := k.follow(site, p.key, p.value)
			if bad, ok := errors.AsType[*DamagedError](err); ok {
				part.Damaged = append(part.Damaged, bad)
				continue
			}
			part.Records++
			counted = append(counted, counters...)
			for _, e := range entries {
				n, err := k.mendEntry(tx, site, e, p.key[len(pre):])
				if err != nil {
					return err
				}
				part.Mended += n
			}
		}
		return nil
	})
}

// mendEntry makes an entry lead to its record, unless it leads to another that has as
// good a claim. It tells how many entries it changed.
func (k kind) mendEntry(tx *Tx, site string, e indexEntry, id []byte) (int, error) {
	full := key(site, e.index, e.key)
	have := tx.r.get(full)
	if bytes.Equal(have, id) || have != nil && k.claims(tx, site, e, have) {
		return 0, nil
	}
	return 1, tx.w.put(full, id)
}

// claims tells whether a record is there and has an entry.
func (k kind) claims(tx *Tx, site string, e indexEntry, id []byte) bool {
	full := key(site, k.name, string(id))
	raw := tx.r.get(full)
	if raw == nil {
		return false
	}
	entries, _, err := k.follow(site, full, raw)
	return err == nil && slices.Contains(entries, e)
}

// mendIndex deletes the entries that follow from no record.
func (db *DB) mendIndex(ctx context.Context, k kind, site, index string, done *Repaired) error {
	pre := prefix(site, index)
	return db.inBatches(ctx, pre, done, func(tx *Tx, found []pair, part *Repaired) error {
		for _, p := range found {
			if k.claims(tx, site, indexEntry{index, string(p.key[len(pre):])}, p.value) {
				continue
			}
			if err := tx.w.delete(p.key); err != nil {
				return err
			}
			part.Mended++
		}
		return nil
	})
}

// mendCounters makes the counters below the prefixes the given numbers.
func (db *DB) mendCounters(ctx context.Context, prefixes [][]byte, numbers map[string]int, done *Repaired) error {
	right := map[string]bool{}
	for _, pre := range prefixes {
		err := db.inBatches(ctx, pre, done, func(tx *Tx, found []pair, part *Repaired) error {
			for _, p := range found {
				n, counted := numbers[string(p.key)]
				if counted {
					right[string(p.key)] = string(p.value) == strconv.Itoa(n) // if not, it is written below
					continue
				}
				if err := tx.w.delete(p.key); err != nil {
					return err
				}
				part.Mended++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	wrong := 0
	err := db.update(ctx, "", func(tx *Tx) error {
		wrong = 0
		for k, n := range numbers {
			if right[k] {
				continue
			}
			if err := tx.w.put([]byte(k), []byte(strconv.Itoa(n))); err != nil {
				return err
			}
			wrong++
		}
		return nil
	})
	done.Mended += wrong
	return err
}
