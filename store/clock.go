package store

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// The wall clock is asked for what is shown, what expires and when a job is due, and
// it can be wrong: a machine without a battery begins in 1970, a mistyped year is ten
// years away. What it does for good is therefore held back (HOSTILE R7, F17):
//
//   - Nothing is swept while the clock is more than leap ahead of when it was last
//     believed, until it has gone on so for an hour. When that was is kept on disk.
//   - Jobs that wait follow a clock that is turned back, and none waits longer than
//     maxWait, whatever the clock said when it was scheduled.
//
// What expires is only refused, and is there again when the clock is right.
const (
	leap      = 30 * 24 * time.Hour
	confirm   = time.Hour      // how long a leap must last to be believed
	jitter    = time.Minute    // a clock that is set right by less was right
	maxWait   = 48 * time.Hour // more than any job waits: the longest is 36 hours
	keepEvery = time.Hour
)

// ErrClock is returned by what removes expired records while the clock is not believed.
var ErrClock = errors.New("the clock is far ahead of when it was last right; nothing is removed before it has been so for an hour")

var clockKey = key("", "meta", "clock") // → when the clock was last believed, RFC 3339

// watch judges the wall clock by what it was before, and by the time that the
// process has seen go by.
type watch struct {
	mu       sync.Mutex
	believed time.Time // last; zero: never yet
	kept     time.Time // what of it is on disk
	seen     time.Time // last, believed or not
	doubted  time.Time // since when it has been too far ahead; zero: it is not
}

// newWatch goes on from what a process before us has kept.
func newWatch(r reader) *watch {
	kept, _ := time.Parse(time.RFC3339, string(r.get(clockKey))) // none: nothing is known
	return &watch{believed: kept, kept: kept, seen: kept}
}

// check tells whether the clock is believed.
func (w *watch) check(now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	ahead := now.Sub(w.believed)
	switch {
	case w.believed.IsZero() || ahead <= leap:
		w.doubted = time.Time{}
	case w.doubted.IsZero():
		w.doubted = time.Now()
		return fmt.Errorf("%w (%s, now %s)", ErrClock, w.believed.Format(time.DateOnly), now.Format(time.DateOnly))
	case time.Since(w.doubted) < confirm:
		return ErrClock
	}
	w.believed, w.doubted = now, time.Time{}
	return nil
}

// follow has the jobs follow the clock, and keeps its time now and then.
func (w *watch) follow(tx *Tx) error {
	believed := w.check(tx.Now) == nil
	w.mu.Lock()
	back, kept := w.seen.Sub(tx.Now), w.kept
	w.mu.Unlock()
	if err := tx.followBack(back); err != nil {
		return err
	}
	keep := believed && tx.Now.Sub(kept).Abs() >= keepEvery
	if keep {
		if err := tx.w.put(clockKey, []byte(tx.Now.Format(time.RFC3339))); err != nil {
			return err
		}
	}
	tx.OnCommit(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen = tx.Now
		if keep {
			w.kept = tx.Now
		}
	})
	return nil
}

// followBack brings forward the jobs that wait by a clock that was wrong. One that is
// worked on is left alone: its end is its lease.
func (tx *Tx) followBack(back time.Duration) error {
	from := tx.Now.Add(maxWait)
	if back > jitter {
		from = tx.Now
	} else {
		back = 0
	}
	var late []string
	pre := prefix("", jobsDue)
	for _, id := range tx.r.scan(pre, append(pre[:len(pre):len(pre)], timePart(from.Add(time.Microsecond))...), false) {
		late = append(late, string(id))
	}
	for _, id := range late {
		j, err := jobs.get(tx, id)
		if err != nil {
			tx.log.Error("job passed over", "error", err)
			continue
		}
		if j.Owner != "" {
			continue
		}
		if j.Due = j.Due.Add(-back); j.Due.Before(tx.Now) || j.Due.Sub(tx.Now) > maxWait {
			j.Due = tx.Now
		}
		if err := jobs.put(tx, j); err != nil {
			return err
		}
	}
	return nil
}
