package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/queue"
	"tertulia/internal/syndicate"
	"tertulia/store"
)

// Answers to copies are asked for, the more often the younger a copy is. Each becomes a mention of
// the post, of the kind store.Answer: the same rules of trust, the same inbox, the same dial of
// privacy. Its source is the address that it has on the network, which nobody fetches.

// pollFirst is how soon after it was published a copy is asked for answers.
const pollFirst = 2 * time.Minute

// pollEvery is how often a copy is asked for answers until it is so old; after the last of them
// it is asked no more.
var pollEvery = []struct{ until, every time.Duration }{
	{time.Hour, pollFirst},
	{24 * time.Hour, 15 * time.Minute},
	{7 * 24 * time.Hour, 2 * time.Hour},
	{30 * 24 * time.Hour, 6 * time.Hour},
	{400 * 24 * time.Hour, 24 * time.Hour},
}

// lively is how long after an answer a copy is asked as often as in its first day.
const lively = time.Hour

// nextPoll is when a copy is asked next; zero: not any more.
func nextPoll(c *store.Copy, now time.Time) time.Time {
	age := now.Sub(c.Out)
	for _, p := range pollEvery {
		if age >= p.until {
			continue
		}
		every := p.every
		if now.Sub(c.Heard) < lively {
			every = min(every, pollEvery[1].every)
		}
		return now.Add(every)
	}
	return time.Time{}
}

// pollAtOnce is how many copies at one account are promised a question in one go.
const pollAtOnce = 50

// NoticeAnswers promises to ask for the answers to those copies whose time has come. It is called
// every minute; what cannot be asked yet is promised again then.
func (j *Jobs) NoticeAnswers(ctx context.Context) error {
	var problems []error
	for _, s := range j.Sites {
		due := map[string][]string{}
		err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
			for _, a := range s.Accounts {
				if j.rests.wait("answers "+s.copyLane(a.UID), tx.Now) == 0 {
					due[a.UID] = tx.CopiesDue(a.UID, pollAtOnce)
				}
			}
			return nil
		})
		maps.DeleteFunc(due, func(_ string, posts []string) bool { return len(posts) == 0 })
		if err == nil && len(due) > 0 {
			err = j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
				for uid, posts := range due {
					for _, post := range posts {
						if err := tx.Enqueue(s.pollJob(post, uid)); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// poll asks for the answers to a copy, and keeps them. It never fails as a job: when the copy is
// asked next stands with it.
func (j *Jobs) poll(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args copyArgs
	s, err := j.begin(job, &args)
	if err != nil {
		return nil, err
	}
	var c store.Copy
	var page store.Page
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		if c, err = tx.Copy(args.Post, args.Target); err != nil {
			return err
		}
		folded, err := s.foldOf(args.Post)
		if err == nil {
			page, err = tx.PageAt(folded)
		}
		return err
	}); err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	a := s.account(args.Target)
	if c.Ref == (store.Ref{}) || c.Next.IsZero() || c.Next.After(j.DB.Now()) || a == nil {
		return nil, nil // it was asked meanwhile, or has gone
	}
	if wait := j.rests.wait(job.Lane, j.DB.Now()); wait > 0 {
		return putOffPoll(c, wait), nil
	}
	at, err := j.reach(ctx, s, a)
	if errors.Is(err, errNotConnected) {
		return putOffPoll(c, time.Hour), nil
	}
	if err != nil {
		return nil, err
	}
	answers, err := at.to.Poll(ctx, syndicate.Ref(c.Ref), c.Cursor)
	failpoint.Hit("poll.fetch")
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrNotExist) && (c.Missed.IsZero() || j.DB.Now().Sub(c.Missed) < longestAway):
		return missing(c), nil
	case errors.Is(err, fs.ErrNotExist):
		return (&copying{copy: c}).gone(), nil
	case err != nil:
		return j.pollFailed(at, c, job.Lane, err), nil
	}
	j.rests.answered(job.Lane)
	if answers.Wait > 0 {
		j.rests.failed(job.Lane, j.DB.Now(), answers.Wait)
	}
	news, err := j.takeIn(ctx, hearing{s: s, at: at, copy: c, page: page.ID}, answers)
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error {
		now, err := tx.Copy(c.Post, c.Target)
		if err != nil || now.Ref != c.Ref {
			return ignore(err, fs.ErrNotExist)
		}
		if now.Polled = tx.Now; news > 0 {
			now.Heard = tx.Now
		}
		now.Cursor, now.Next, now.Missed = answers.Cursor, nextPoll(&now, tx.Now), time.Time{}
		return cmp.Or(tx.PutCopy(now), failpoint.Err("poll.commit"))
	}, nil
}

// pollFailed puts a question off: as long as the network wants, and the account with it.
func (j *Jobs) pollFailed(at reached, c store.Copy, lane string, err error) queue.Commit {
	j.log().Info("answers cannot be had", "post", c.Post, "target", c.Target, "error", err)
	var said *syndicate.Error
	if !errors.As(err, &said) {
		said = &syndicate.Error{}
	}
	if said.Login {
		later := putOffPoll(c, time.Hour)
		return func(tx *store.Tx) error { return cmp.Or(later(tx), lockOut(tx, at)) }
	}
	return putOffPoll(c, max(pollFirst, j.rests.failed(lane, j.DB.Now(), said.After)))
}

// putOffPoll has a copy asked later.
func putOffPoll(c store.Copy, wait time.Duration) queue.Commit {
	return func(tx *store.Tx) error {
		now, err := tx.Copy(c.Post, c.Target)
		if err != nil || now.Next.IsZero() {
			return ignore(err, fs.ErrNotExist)
		}
		now.Next = tx.Now.Add(wait)
		return tx.PutCopy(now)
	}
}

// longestAway is how long a copy may not be found before it is taken for gone: a server that is
// being mended may know nothing for a while.
const longestAway = time.Hour

// missing has a copy that is not found looked for again.
func missing(c store.Copy) queue.Commit {
	return func(tx *store.Tx) error {
		now, err := tx.Copy(c.Post, c.Target)
		if err != nil || now.Ref != c.Ref || now.Next.IsZero() {
			return ignore(err, fs.ErrNotExist)
		}
		if now.Missed.IsZero() {
			now.Missed = tx.Now
		}
		now.Next = tx.Now.Add(longestAway / 2)
		return tx.PutCopy(now)
	}
}

// hearing is one poll of a copy.
type hearing struct {
	s    *Site
	at   reached
	copy store.Copy
	page string // id
	own  string // profile of the account itself, "" when it is not known
}

// answersAtOnce is how many answers go in one transaction: others wait for no more.
const answersAtOnce = 100

// takeIn keeps what has come, a part in each transaction: it may be taken in again.
func (j *Jobs) takeIn(ctx context.Context, h hearing, answers syndicate.Answers) (news int, err error) {
	var known store.Network
	if err := j.DB.View(ctx, h.s.Key, func(tx *store.Tx) error {
		known, err = tx.Network(h.at.UID)
		return err
	}); err != nil {
		return 0, err
	}
	if h.own = known.Profile; h.own == "" {
		if h.own, err = j.ask(ctx, h.s, h.at); err != nil {
			return 0, err
		}
	}
	var voices []voice
	for _, a := range answers.List {
		if v, ok := j.voiceOf(h, answers.List, a); ok {
			voices = append(voices, v)
		}
	}
	for some := range slices.Chunk(voices, answersAtOnce) {
		n := 0
		if err := j.DB.Update(ctx, h.s.Key, func(tx *store.Tx) error {
			n = 0
			for _, v := range some {
				heard, err := h.hear(tx, v)
				if err != nil {
					return err
				}
				if heard {
					n++
				}
			}
			return nil
		}); err != nil {
			return news, err
		}
		news += n
		failpoint.Hit("poll.heard")
	}
	return news, j.missed(ctx, h, answers)
}

// ask finds out whose account it is that the settings have let us into, and remembers it. One that
// cannot be had now is asked for the next time.
func (j *Jobs) ask(ctx context.Context, s *Site, at reached) (profile string, err error) {
	c, ok := at.to.(syndicate.Connector)
	if !ok {
		return "", nil
	}
	who, err := c.Who(ctx)
	if err != nil {
		return "", ctx.Err()
	}
	return who.URL, j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		n, err := tx.Network(at.UID)
		if err != nil {
			return err
		}
		n.Name, n.Profile, n.Handle = who.Name, who.URL, who.Handle
		return tx.PutNetwork(n)
	})
}
