package site

import (
	"cmp"
	"context"
	"io/fs"
	"time"

	"tertulia/indieauth"
	"tertulia/store"
)

type changerKey struct{}

// By says who changes something from here on: somebody who looks after the site, by their
// address, or whoever sits at the command line. The audit has it.
func By(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, changerKey{}, who)
}

func changer(ctx context.Context) string {
	who, _ := ctx.Value(changerKey{}).(string) // "" when nobody has said: the program itself
	return who
}

// record writes into the audit who has changed what lets somebody in. subject is a token or a
// session by the beginning of its hash, or a person.
func record(tx *store.Tx, by, action, subject, note string) error {
	return tx.Record(store.Decision{By: by, Action: action, Subject: subject, Note: note})
}

// TokenID names a token, and is no use to a thief. With a token that can be refreshed it is that
// of the code which it came of: its own hash would be another each hour.
func TokenID(t indieauth.Token) string { return tokenID(cmp.Or(t.Family, t.Hash)) }

// tokenID is the TokenID of what comes of a code.
func tokenID(hash string) string { return hash[:min(12, len(hash))] }

// sessionID does the same for a session.
func sessionID(hash string) string { return hash[:min(16, len(hash))] }

// Audit lists what was decided and changed at the site, the newest first, at most so many.
func (a *Access) Audit(ctx context.Context, limit int) (list []store.Decision, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		list = nil
		tx.DecisionsFrom("", func(d store.Decision) bool {
			list = append(list, d)
			return len(list) < limit
		})
		return nil
	})
	return list, err
}

// recently is how long after a sign-in somebody may change what lets people in. A session lasts
// much longer, and whoever has stolen one must not make a door of their own.
const recently = 10 * time.Minute

// Recent tells whether a session began so lately that it may change what lets people in; else
// its person has to sign in again.
func (a *Access) Recent(ctx context.Context, secret string) (recent bool, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		s, err := tx.Session(indieauth.Hash(secret))
		age := tx.Now.Sub(s.Created)
		recent = err == nil && age >= 0 && age < recently
		return ignore(err, fs.ErrNotExist)
	})
	return recent, err
}
