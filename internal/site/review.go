package site

import (
	"context"
	"errors"
	"hash/fnv"
	"io/fs"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// The sources of what is public are looked at again now and then, so that what is gone does
// not stand here for ever: slowly, a few an hour, and each a month after the last answer, give or take
// some days, so that what came together is not asked for together.
const (
	reviewEvery  = time.Hour
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

var errNextReview = errors.New("some sources were looked through; the others come in turn")

// reviewArgs are the arguments of the job review.
type reviewArgs struct {
	Site  string `json:"site"`
	After string `json:"after,omitempty"` // the mention that it came to
}

func reviewJob(a reviewArgs) store.Job { return newJob(jobReview, a.Site, a) }

// beginReview promises the job review, unless it goes its way already.
func beginReview(tx *store.Tx, s *Site) error {
	if tx.HasJob(jobReview, s.Key) {
		return nil // and has come somewhere
	}
	job := reviewJob(reviewArgs{Site: s.Key})
	job.Due = tx.Now.Add(reviewEvery)
	return tx.Enqueue(job)
}

// review goes through some of the site's mentions: sources that have not been asked for
// long are looked at by the job verify, tombstones that have stood long enough go. The walk
// begins anew when it has come to the end.
func (j *Jobs) review(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args reviewArgs
	s, err := j.begin(job, &args)
	if err != nil {
		return nil, err
	}
	var due, over []string
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		due, over, args.After = walk(tx.EachMention(args.After, reviewWalk), tx.Now)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error {
		for _, id := range due {
			if m, err := tx.Mention(id); err == nil && m.IsPublic() {
				if err := tx.Enqueue(verifyJob(m)); err != nil {
					return err
				}
			}
		}
		for _, id := range over {
			if err := bury(tx, id); err != nil {
				return err
			}
		}
		return tx.KeepArgs(reviewJob(args))
	}, queue.After(reviewEvery, errNextReview)
}

// walk tells which of some mentions are to be looked at, few of them and few at each host, and
// which tombstones are over; after is the last that it came to, "" at the end.
func walk(some []store.Mention, now time.Time) (due, over []string, after string) {
	hosts := map[string]int{}
	for _, m := range some {
		if len(due) == reviewMost {
			return due, over, after
		}
		after = m.ID
		switch at := lane(m.Source); {
		case !m.Gone.IsZero() && now.Sub(m.Gone) >= tombstone:
			over = append(over, m.ID)
		case m.IsPublic() && !now.Before(nextReview(m)) && hosts[at] < reviewHost:
			due, hosts[at] = append(due, m.ID), hosts[at]+1
		}
	}
	if len(some) < reviewWalk {
		after = ""
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
