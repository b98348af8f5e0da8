package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/queue"
	"tertulia/internal/syndicate"
	"tertulia/store"
)

// copying is one attempt to bring the copy of a post to where the post wants it.
type copying struct {
	j    *Jobs
	s    *Site
	at   reached
	can  syndicate.Abilities
	copy store.Copy
	post store.Post
	said string // digest of the post
	lane string
}

// syndicate makes, changes or takes away the copy of a post. That a call is about to make one is on
// disk before it is made, so that after a cut connection or a death nobody makes a second one:
// where the network can be asked it is asked first, where it cannot the owner decides (TRAPS
// T-PO01, HOSTILE F8).
func (j *Jobs) syndicate(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args copyArgs
	s, err := j.begin(job, &args)
	if err != nil {
		return nil, err
	}
	w := copying{j: j, s: s, lane: job.Lane}
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		if w.copy, err = tx.Copy(args.Post, args.Target); err == nil {
			w.post, err = tx.Post(args.Post)
		}
		return err
	}); err != nil {
		return nil, ignore(err, fs.ErrNotExist) // it has moved meanwhile, and has another job
	}
	w.said = digestOfPost(w.post)
	step := w.step()
	if step == nil {
		return nil, nil
	}
	a := s.account(args.Target)
	if a == nil {
		return w.park("the settings do not name this account any more")
	}
	if wait := j.rests.wait(w.lane, j.DB.Now()); wait > 0 {
		return nil, queue.After(wait, errResting)
	}
	w.at, err = j.reach(ctx, s, a)
	if errors.Is(err, errNotConnected) {
		return w.park(err.Error())
	}
	if err != nil {
		return nil, err
	}
	if a.ByHand {
		return step(&w, ctx)
	}
	if w.can, err = w.at.to.Abilities(ctx); err != nil {
		return w.failed(ctx, "ask what it can do", err)
	}
	return step(&w, ctx)
}

// step is what there is to do; nil for nothing.
func (w *copying) step() func(*copying, context.Context) (queue.Commit, error) {
	c := &w.copy
	out, shown := c.Ref != (store.Ref{}), w.post.Visible()
	switch {
	case c.State == store.CopyUnclear, c.State == store.CopyGone:
		return nil
	case !shown && !out && c.Begun.IsZero():
		return (*copying).forget
	case !shown && !out:
		return (*copying).settle
	case !shown:
		return (*copying).remove
	case out && c.Said == w.said:
		return nil
	case out:
		return (*copying).edit
	case !c.Begun.IsZero():
		return (*copying).settle
	}
	return (*copying).publish
}

// forget gives a copy up that was never made, of a post that has gone.
func (w *copying) forget(context.Context) (queue.Commit, error) {
	return changeCopy(w.copy, func(_ *store.Tx, c *store.Copy) error {
		c.State, c.Note, c.Text, c.Composer = store.CopyDeleted, "the post went before it", "", ""
		return nil
	}), nil
}

// longestDoubt is how long a network may take to show what it was given: some write a post down a
// while after they were asked for it.
const longestDoubt = 10 * time.Second

// settle finds out how a call ended of which nobody knows.
func (w *copying) settle(ctx context.Context) (queue.Commit, error) {
	switch {
	case w.post.Visible() && (w.at.ByHand || w.can.Idempotency == syndicate.NaturalKey):
		return w.publish(ctx) // the same again is the same copy
	case w.at.ByHand:
		return w.forget(ctx)
	case w.can.Idempotency == syndicate.None:
		return w.doubt("nobody can tell whether the network has taken it"), nil
	}
	p, err := w.asPost(ctx)
	if err != nil {
		return nil, err
	}
	ref, err := w.at.to.Find(ctx, p)
	failpoint.Hit("syndicate.find")
	wait := longestDoubt - w.j.DB.Now().Sub(w.copy.Begun)
	switch {
	case err == nil:
		return w.published(ref, p), nil
	case errors.Is(err, fs.ErrNotExist) && wait > 0:
		return nil, queue.After(wait, errors.New("the network may still be at it"))
	case errors.Is(err, fs.ErrNotExist) && w.post.Visible():
		return w.publish(ctx)
	case errors.Is(err, fs.ErrNotExist):
		return w.forget(ctx)
	case errors.Is(err, syndicate.ErrUnsupported):
		return w.doubt("nobody can tell whether the network has taken it"), nil
	}
	return w.failed(ctx, "look for it", err)
}

// publish makes the copy.
func (w *copying) publish(ctx context.Context) (queue.Commit, error) {
	p, err := w.asPost(ctx)
	if err != nil {
		return nil, err
	}
	if w.at.ByHand {
		return w.prepared(ctx, p)
	}
	if wait, err := w.linksFirst(ctx, p); wait != nil || err != nil {
		return nil, cmp.Or(err, wait)
	}
	if p.ReplyTo, err = w.replyTo(ctx, p); err != nil {
		return w.failed(ctx, "find what it answers", err)
	}
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	failpoint.Hit("syndicate.begun")
	ref, err := w.at.to.Publish(ctx, p)
	failpoint.Hit("syndicate.call")
	if err != nil {
		return w.failed(ctx, "publish", err)
	}
	return w.published(ref, p), nil
}

// begin writes down that a call is about to make the copy.
func (w *copying) begin(ctx context.Context) error {
	return w.j.DB.Update(ctx, w.s.Key, func(tx *store.Tx) error {
		c, err := tx.Copy(w.copy.Post, w.copy.Target)
		if err != nil {
			return err
		}
		c.Begun, c.Dated = tx.Now, dateOf(c, w.post)
		c.Tried++
		w.copy = c
		return tx.PutCopy(c)
	})
}

// asPost is the post as the network is given it.
func (w *copying) asPost(ctx context.Context) (syndicate.Post, error) {
	return w.j.outgoingPost(ctx, w.s, w.copy, w.post)
}

// linksFirst has the page link to where it is copied, where the network takes it only then; wait
// says what it waits for.
func (w *copying) linksFirst(ctx context.Context, p syndicate.Post) (wait, err error) {
	linker, ok := w.at.to.(syndicate.Linker)
	if !ok {
		return nil, nil
	}
	link := linker.Link(p)
	if !slices.Contains(w.post.Item.URLs("syndication"), link) {
		if err := w.j.postsOf(w.s).WriteBack(ctx, w.post.Permalink, link); err != nil {
			return nil, err
		}
		return queue.After(time.Minute, errors.New("the page is to link there first")), nil
	}
	if w.post.Announced < w.post.Revision {
		return queue.After(time.Minute, errors.New("the page is to link there first")), nil
	}
	return nil, nil
}

// replyTo finds what on the network the post answers. An answer to somewhere else is a post there
// like any other; a reaction to what the network does not know is nothing there (TRAPS T-PO04).
func (w *copying) replyTo(ctx context.Context, p syndicate.Post) (syndicate.Ref, error) {
	reaction := p.Kind == "like" || p.Kind == "repost"
	if p.ReplyTo != (syndicate.Ref{}) || !reaction && p.Kind != "reply" || !w.can.Reply && !w.can.Reactions {
		return p.ReplyTo, nil
	}
	for _, address := range w.s.answersWhat(p.Item) {
		ref, err := w.at.to.Resolve(ctx, address)
		if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syndicate.ErrUnsupported) {
			return ref, err
		}
	}
	if reaction {
		return p.ReplyTo, fmt.Errorf("the network does not know what the post is about: %w", syndicate.ErrUnsupported)
	}
	return p.ReplyTo, nil
}

// edit makes the copy say what the post says now (TRAPS T-PO03).
func (w *copying) edit(ctx context.Context) (queue.Commit, error) {
	ref, note := syndicate.Ref(w.copy.Ref), "this network changes no copies: it says what it said"
	p, err := w.asPost(ctx)
	if err != nil {
		return nil, err
	}
	if w.can.Edit {
		note = ""
		ref, err = w.at.to.Update(ctx, ref, p)
		failpoint.Hit("syndicate.edit")
		if errors.Is(err, fs.ErrNotExist) {
			return w.gone(), nil
		}
		if err != nil {
			return w.failed(ctx, "change it", err)
		}
	}
	w.j.rests.answered(w.lane)
	return changeCopy(w.copy, func(tx *store.Tx, c *store.Copy) error {
		c.Ref, c.State, c.Note, c.Said, c.Revision, c.Tried = store.Ref(ref), store.CopyPublished, note, w.said, w.post.Revision, 0
		return tx.Enqueue(copiedJob(c.Post))
	}), nil
}

// remove takes the copy away with its post.
func (w *copying) remove(ctx context.Context) (queue.Commit, error) {
	if !w.can.Delete {
		return w.doubt("this network lets only you take it away: " + w.copy.Ref.URL), nil
	}
	err := w.at.to.Delete(ctx, syndicate.Ref(w.copy.Ref))
	failpoint.Hit("syndicate.delete")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return w.failed(ctx, "take it away", err)
	}
	w.j.rests.answered(w.lane)
	return changeCopy(w.copy, func(tx *store.Tx, c *store.Copy) error {
		c.Was, c.Key, c.Dated = c.Ref.URL, copyKey(c.Key, "again"), time.Time{}
		c.State, c.Note, c.Ref, c.Said, c.Cursor = store.CopyDeleted, "", store.Ref{}, "", ""
		c.Begun, c.Next, c.Out, c.Missed, c.Tried = time.Time{}, time.Time{}, time.Time{}, time.Time{}, 0
		return nil
	}), nil
}

// postsOf are the posts of a site, for what is written back.
func (j *Jobs) postsOf(s *Site) *Posts { return &Posts{Site: s, DB: j.DB, Live: j.Live} }

// copied writes the addresses of the copies into their post.
func (j *Jobs) copied(ctx context.Context, job store.Job) (queue.Commit, error) {
	var permalink string
	s, err := j.begin(job, &permalink)
	if err != nil {
		return nil, err
	}
	var all []store.Copy
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		all, err = tx.CopiesOf(permalink)
		return err
	}); err != nil {
		return nil, err
	}
	var now, was []string
	for _, c := range all {
		if c.Ref.URL != "" && c.State != store.CopyGone {
			now = append(now, c.Ref.URL)
		}
		if c.Was != "" {
			was = append(was, c.Was)
		}
	}
	if len(now) == 0 && len(was) == 0 {
		return nil, nil
	}
	err = j.postsOf(s).writeBack(ctx, permalink, now, was)
	failpoint.Hit("copied.home")
	return nil, ignore(err, fs.ErrNotExist)
}
