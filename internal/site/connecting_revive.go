package site

import (
	"context"
	"errors"

	"tertulia/store"
)

// revive lets the copies that were parked at an account go on.
func (j *Jobs) revive(ctx context.Context, s *Site, uid string) error {
	j.rests.answered(s.copyLane(uid))
	j.rests.answered("answers " + s.copyLane(uid))
	for more := true; more; {
		if err := j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
			parked, _, err := tx.CopiesIn(uid, store.CopyParked, store.Range{Limit: answersAtOnce})
			for _, c := range parked {
				if err == nil {
					err = retryCopy(tx, s, c)
				}
			}
			more = len(parked) == answersAtOnce
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// retryCopy has a copy tried again, as if it were new.
func retryCopy(tx *store.Tx, s *Site, c store.Copy) error {
	c.State, c.Since, c.Tried, c.Note = store.CopyWaiting, tx.Now, 0, ""
	c.History = store.AddEvent(c.History, store.Event{At: tx.Now, Stage: "retry"})
	if err := tx.PutCopy(c); err != nil {
		return err
	}
	return tx.Enqueue(s.syndicateJob(c.Post, c.Target))
}

// reviveAccounts lets those copies go on whose account can be entered again since the start: the
// settings may name another secret, or name it at all.
func (j *Jobs) reviveAccounts(ctx context.Context, s *Site) error {
	for _, a := range s.Accounts {
		parked := 0
		if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
			parked = tx.CountCopies(a.UID, store.CopyParked, 1)
			return nil
		}); err != nil {
			return err
		}
		if _, err := j.reach(ctx, s, a); parked == 0 || errors.Is(err, errNotConnected) {
			continue
		}
		if err := j.revive(ctx, s, a.UID); err != nil {
			return err
		}
	}
	return nil
}
