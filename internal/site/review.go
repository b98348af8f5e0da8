package site

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"iter"
	"math/rand/v2"
	"time"

	"tertulia/store"
)

// The sources of what is public are looked at again now and then, so that what is gone does
// not stand here for ever: slowly, a few an hour, and each a month after the last answer, give or take
// some days, so that what came together is not asked for together.
const (
	reviewAfter  = 30 * 24 * time.Hour // the last answer of a source
	reviewSpread = 5 * 24 * time.Hour  // on top, by chance
	retryAfter   = 10 * 24 * time.Hour // the last look at one that does not answer
	reviewMost   = 50                  // looks that one run promises
	reviewHost   = 5                   // of them at one host
	reviewWalk   = 2000                // mentions that one run goes through
)

// tombstone is how long a mention that its source has taken back is kept, with what it
// said, for the day it comes back (HOSTILE, deletion semantics).
const tombstone = 30 * 24 * time.Hour

// Unverifiable is since when nobody could tell whether the source still says what is shown of
// it, once that is so for a month; else zero.
func Unverifiable(m store.Mention, now time.Time) time.Time {
	if m.Unreachable.IsZero() || now.Sub(m.Unreachable) < reviewAfter {
		return time.Time{}
	}
	return m.Unreachable
}

// Review goes through some of the mentions of each site: sources that have not been asked for
// long are promised a look, tombstones that have stood long enough go. It is called once an hour, by
// one caller, and goes on where it was; after a start anywhere, so that the last of very many
// have their turn as well, however often that is.
// Spec: webmention#preventing-abuse-li-5
func (j *Jobs) Review(ctx context.Context) error {
	_, paused, err := j.DB.Paused()
	if err != nil || paused {
		return err
	}
	for _, s := range j.Sites {
		if err := j.review(ctx, s); err != nil {
			return fmt.Errorf("review the mentions of %s: %w", s.Key, err)
		}
	}
	return nil
}

func (j *Jobs) review(ctx context.Context, s *Site) error {
	var due, over []string
	err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		if s.reviewed == "" {
			s.reviewed = anywhere(tx)
		}
		due, over, s.reviewed = walk(around(tx, s.reviewed), tx.Now)
		return nil
	})
	if err != nil || len(due)+len(over) == 0 {
		return err
	}
	return j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		for _, id := range due {
			m, err := tx.Mention(id)
			if err != nil || !m.IsPublic() {
				continue // it has gone meanwhile
			}
			if err := tx.Enqueue(verifyJob(m)); err != nil {
				return err
			}
		}
		for _, id := range over {
			if err := bury(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// anywhere is where the first walk begins: after an id from the time of the first mention until
// now; "" when there is none.
func anywhere(tx *store.Tx) string {
	for m := range tx.EachMention("") {
		span := tx.Now.Sub(m.Received)
		return store.NewID(m.Received.Add(rand.N(max(span, 1))))
	}
	return ""
}

// around goes through all mentions once: those after an id, then the others.
func around(tx *store.Tx, id string) iter.Seq[store.Mention] {
	return func(yield func(store.Mention) bool) {
		for m := range tx.EachMention(id) {
			if !yield(m) {
				return
			}
		}
		for m := range tx.EachMention("") {
			if m.ID > id || !yield(m) {
				return
			}
		}
	}
}

// walk tells which of the first of some mentions are to be looked at, few of them and few at each
// host, and which tombstones are over; after is the last that it came to, "" when there is none.
func walk(some iter.Seq[store.Mention], now time.Time) (due, over []string, after string) {
	hosts, walked := map[string]int{}, 0
	for m := range some {
		if walked++; walked > reviewWalk || len(due) == reviewMost {
			break
		}
		after = m.ID
		switch at := lane(m.Source); {
		case !m.Gone.IsZero() && now.Sub(m.Gone) >= tombstone:
			over = append(over, m.ID)
		case !m.Asked(): // there is nobody to ask
		case m.IsPublic() && !now.Before(nextReview(m)) && hosts[at] < reviewHost:
			due, hosts[at] = append(due, m.ID), hosts[at]+1
		}
	}
	return due, over, after
}

// nextReview is when the source of a mention is to be looked at again.
func nextReview(m store.Mention) time.Time {
	if !m.Unreachable.IsZero() {
		return m.Tried.Add(retryAfter)
	}
	last := m.Checked
	if m.Tried.After(last) {
		last = m.Tried
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(m.ID)) // it never fails
	return last.Add(reviewAfter + time.Duration(h.Sum32()%1000)*reviewSpread/1000)
}

// bury ends a tombstone, unless its source has come back meanwhile: nothing is left of what
// it said. What the owner has rejected leaves the decision behind, so that no re-send revives it.
func bury(tx *store.Tx, id string) error {
	m, err := tx.Mention(id)
	if err != nil || m.Gone.IsZero() {
		return ignore(err, fs.ErrNotExist)
	}
	if m.Decision != store.Rejected && m.Decision != store.Deleted {
		return tx.DropMention(id)
	}
	if m.Shown == nil {
		return nil
	}
	m.Shown, m.Held = nil, nil
	if err := tx.ForgetBefore(id); err != nil {
		return err
	}
	return tx.PutMention(m)
}
