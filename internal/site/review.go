package site

import (
	"context"
	"errors"
	"hash/fnv"
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
func (j *Jobs) review(_ context.Context, job store.Job) (queue.Commit, error) {
	var args reviewArgs
	s, err := j.begin(job, &args)
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error { return s.review(tx, args) }, queue.After(reviewEvery, errNextReview)
}

func (s *Site) review(tx *store.Tx, args reviewArgs) error {
	some := tx.EachMention(args.After, reviewWalk)
	args.After = ""
	promised, hosts := 0, map[string]int{}
	for i, m := range some {
		if promised == reviewMost || i == reviewWalk-1 {
			args.After = m.ID // the walk goes on behind it
		}
		switch at := lane(m.Source); {
		case !m.Gone.IsZero() && tx.Now.Sub(m.Gone) >= tombstone:
			if err := bury(tx, m); err != nil {
				return err
			}
		case m.IsPublic() && !tx.Now.Before(nextReview(m)) && hosts[at] < reviewHost && promised < reviewMost:
			promised, hosts[at] = promised+1, hosts[at]+1
			if err := tx.Enqueue(verifyJob(m)); err != nil {
				return err
			}
		}
		if args.After != "" {
			break
		}
	}
	return tx.KeepArgs(reviewJob(args))
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

// bury ends a tombstone: nothing is left of what the source said. What the owner has
// rejected leaves the decision behind, so that no re-send revives it.
func bury(tx *store.Tx, m store.Mention) error {
	if m.Decision != store.Rejected && m.Decision != store.Deleted {
		return tx.DropMention(m.ID)
	}
	if m.Shown == nil {
		return nil
	}
	m.Shown, m.Held = nil, nil
	if err := tx.ForgetBefore(m.ID); err != nil {
		return err
	}
	return tx.PutMention(m)
}
