package site

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/queue"
	"tertulia/store"
)

// One record stands for each post and account, store.Copy. It is made when the post was announced,
// by promiseCopies, and the job "syndicate" brings it to where the post wants it.

// longestNews is how long a copy is tried, and how old a post may be to be news.
const longestNews = 7 * 24 * time.Hour

// copyArgs are the arguments of the jobs of a copy.
type copyArgs struct {
	Post   string `json:"post"`
	Target string `json:"target"`
}

// syndicateJob goes to an account, one at a time.
func (s *Site) syndicateJob(post, target string) store.Job {
	j := newJob(jobSyndicate, post+" "+target, copyArgs{post, target})
	j.Lane = s.copyLane(target)
	return j
}

// pollJob asks an account in a lane of its own, so that no copy waits for questions.
func (s *Site) pollJob(post, target string) store.Job {
	j := newJob(jobPoll, post+" "+target, copyArgs{post, target})
	j.Lane = "answers " + s.copyLane(target)
	return j
}

func copiedJob(permalink string) store.Job { return newJob(jobCopied, permalink, permalink) }

func (s *Site) copyLane(target string) string { return "copies of " + s.Key + " at " + target }

// promiseCopies promises what the copies of a post that was announced lack: those that were chosen
// and are not there yet, one on the network where it answers something, and for those that are
// there that they say what the post says now.
func (s *Site) promiseCopies(tx *store.Tx, post store.Post) error {
	have, err := tx.CopiesOf(post.Permalink)
	if err != nil || len(have) == 0 && len(s.Accounts) == 0 {
		return err
	}
	said := digestOfPost(post)
	for _, c := range have {
		if !owes(&c, post.Visible(), said) {
			continue
		}
		if c.State != store.CopyUnclear {
			c.State, c.Since, c.Tried, c.Note = store.CopyWaiting, tx.Now, 0, ""
		}
		if err := cmp.Or(tx.PutCopy(c), tx.Enqueue(s.syndicateJob(c.Post, c.Target))); err != nil {
			return err
		}
	}
	if !post.Visible() {
		return nil
	}
	back, ref, err := s.backTo(tx, post.Item)
	if err != nil {
		return err
	}
	wanted := slices.Clone(post.Syndicate)
	if back != "" && !slices.Contains(wanted, back) {
		wanted = append(wanted, back)
	}
	for _, uid := range wanted {
		if s.account(uid) == nil || slices.ContainsFunc(have, func(c store.Copy) bool { return c.Target == uid }) {
			continue
		}
		c := store.Copy{
			Post: post.Permalink, Target: uid, Key: copyKey(s.Key, post.Permalink, uid), Dated: post.Date, State: store.CopyWaiting, Since: tx.Now,
			History: []store.Event{{At: tx.Now, Stage: "promised"}},
		}
		if uid == back {
			c.ReplyTo = ref
		}
		if err := cmp.Or(tx.PutCopy(c), tx.Enqueue(s.syndicateJob(c.Post, uid))); err != nil {
			return err
		}
	}
	return nil
}

// owes tells whether a copy is to be made say what its post says now, or to go with it.
func owes(c *store.Copy, visible bool, said string) bool {
	switch {
	case c.State == store.CopyGone:
		return false // somebody has taken it away there, and does not want it back
	case !visible:
		return c.State != store.CopyDeleted
	case c.State == store.CopyUnclear:
		return false // the owner says first whether it is there
	}
	return c.State == store.CopyDeleted || c.Said != said
}

// changeCopy edits a copy in a commit, if it is still the one that was read: the same promise, and
// begun at the same time.
func changeCopy(was store.Copy, change func(tx *store.Tx, c *store.Copy) error) queue.Commit {
	return func(tx *store.Tx) error {
		c, err := tx.Copy(was.Post, was.Target)
		if errors.Is(err, fs.ErrNotExist) || err == nil && (c.Key != was.Key || !c.Begun.Equal(was.Begun)) {
			return nil // its post has moved, or it was decided otherwise
		}
		if err != nil {
			return err
		}
		before := c.State
		if err := change(tx, &c); err != nil {
			return err
		}
		if c.State != before || c.Ref != was.Ref {
			c.History = store.AddEvent(c.History, store.Event{At: tx.Now, Stage: string(c.State), Note: cmp.Or(c.Note, c.Ref.URL)})
		}
		return cmp.Or(tx.PutCopy(c), failpoint.Err("syndicate.commit"))
	}
}

// rests remembers which accounts are to be left alone for a while: because their network said so,
// or does not answer. It is only in memory: after a start one request finds out anew.
type rests struct {
	mu sync.Mutex
	by map[string]rest
}

type rest struct {
	failures int // in a row
	until    time.Time
}

// One failure is borne; then the rests grow.
const (
	shortestRest = 30 * time.Second
	longestRest  = 15 * time.Minute
)

var errResting = errors.New("the network is left alone for a while")

// wait is how long an account is still to be left alone.
func (r *rests) wait(lane string, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, r.by[lane].until.Sub(now))
}

// failed notes that a network did not do what it was asked, and at least how long it wants to be
// left alone; the answer is how long it will be.
func (r *rests) failed(lane string, now time.Time, least time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]rest{}
	}
	one, pause := r.by[lane], time.Duration(0)
	if one.failures > 0 {
		pause = min(shortestRest<<min(one.failures-1, 8), longestRest)
	}
	pause = max(pause, min(least, longestWait))
	one.failures++
	if until := now.Add(pause); until.After(one.until) {
		one.until = until
	}
	r.by[lane] = one
	return one.until.Sub(now)
}

// answered notes that a network has answered as it should.
func (r *rests) answered(lane string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.by, lane)
}
