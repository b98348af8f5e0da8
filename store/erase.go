package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// EraseOrder is what is to be erased, and who asked.
type EraseOrder struct {
	What []Erased
	By   string // me of the person, or "command line"
	Dry  bool   // nothing is changed, and it is told what would be
}

// Erasure is what came of an [EraseOrder].
type Erasure struct {
	Mentions  int `json:"mentions"`
	Originals int `json:"originals"` // what was read of their pages
	Earlier   int `json:"earlier"`   // texts that decisions had put away
	People    int `json:"people"`
	Pictures  int `json:"pictures"` // of authors, that nobody else has
	Jobs      int `json:"jobs"`

	// Others that stay, without their address: mentions that answered theirs, people who had a
	// profile there as well.
	Mended int `json:"mended"`
	// Posts of the owner's, by their permalinks, that link to them. They are the owner's, and stay.
	Posts []string `json:"posts,omitempty"`

	Files []string `json:"-"` // pictures that no row names any more, to be removed
}

// ErrErased is returned for what was erased and is to be written again.
var ErrErased = errors.New("it was erased here, and stays away")

// Erase removes what others have sent to the site with everything that was made of it, and
// notes first that it shall not come back: neither with a restored backup nor when it is sent
// again. It works through many short transactions; one that was interrupted is given again, and
// finds what is left. Without anything in the order it does again what the ledger says.
//
// The bytes stay in the file of the database until [DB.Scrub], and in backups.
func (db *DB) Erase(ctx context.Context, site string, order EraseOrder) (Erasure, error) {
	if err := checkSite(site); err != nil {
		return Erasure{}, err
	}
	e := &eraser{db: db, site: site, dry: order.Dry, persons: map[string]bool{}, faces: map[string]bool{}}
	if len(order.What) == 0 {
		e.is = func(one Erased, came time.Time) bool {
			how, known := db.ledger.stands(site, one)
			return known && how.covers(came)
		}
		err := e.run(ctx)
		return e.done, err
	}
	what, err := e.folded(ctx, order.What)
	if err != nil {
		return Erasure{}, err
	}
	meant := map[Erased]bool{}
	for _, one := range what {
		meant[one] = true
	}
	e.is = func(one Erased, _ time.Time) bool { return meant[one] }
	if err := e.posts(ctx); err != nil || order.Dry {
		return e.done, cmp.Or(err, e.run(ctx))
	}
	name, err := db.ledger.add(site, what, standing{at: db.Now().Unix()})
	if err != nil {
		return Erasure{}, err
	}
	// Whoever wrote before this line is seen, whoever writes behind it is refused.
	line := Decision{By: order.By, Action: "erase", Subject: name, Note: string(what[0].Kind)}
	if err := db.Update(ctx, site, func(tx *Tx) error {
		line.ID, line.At = tx.DecisionID(), tx.Now
		return tx.Record(line)
	}); err != nil {
		return Erasure{}, err
	}
	if err := e.run(ctx); err != nil {
		return e.done, err
	}
	line.Note += fmt.Sprintf(": %d mentions, %d people", e.done.Mentions, e.done.People)
	return e.done, db.Update(ctx, site, func(tx *Tx) error { return tx.Record(line) })
}

// LetBack takes from now on what was erased: nothing of what came before comes back. What was
// never erased is reported as fs.ErrNotExist.
func (db *DB) LetBack(ctx context.Context, site string, order EraseOrder) error {
	var what []Erased
	for _, e := range order.What {
		e = e.folded()
		if how, known := db.ledger.stands(site, e); known && !how.back {
			what = append(what, e)
		}
	}
	if len(what) == 0 {
		return fmt.Errorf("nothing of that was erased: %w", fs.ErrNotExist)
	}
	name, err := db.ledger.add(site, what, standing{at: db.Now().Unix(), back: true})
	if err != nil {
		return err
	}
	return db.Update(ctx, site, func(tx *Tx) error {
		return tx.Record(Decision{By: order.By, Action: "let back", Subject: name, Note: string(what[0].Kind)})
	})
}

// Erased tells whether something was erased, or its host, and does not come back.
func (db *DB) Erased(site string, e Erased) bool { return db.ledger.refuses(site, e) }

// applyLedger removes what was erased from the data of a site, which is older than the ledger.
func (db *DB) applyLedger(ctx context.Context, site string) (Erasure, error) {
	if db.ledger.empty() {
		return Erasure{}, nil
	}
	return db.Erase(ctx, site, EraseOrder{})
}
