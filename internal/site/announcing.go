package site

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/queue"
	"tertulia/store"
)

// patience is how long we wait for a revision on a page that answers all the
// while: then its pages carry neither our marker nor our text.
const patience = 30 * time.Minute

// announce waits until the published revision is live, then promises a send to
// every page it links to or linked to before (TRAPS T-WS10, T-WS11).
// Spec: webmention#sending-webmentions-for-updated-posts-p-1
func (j *Jobs) announce(ctx context.Context, job store.Job) (queue.Commit, error) {
	var permalink string
	s, err := j.begin(job, &permalink)
	if err != nil {
		return nil, err
	}
	var post store.Post
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		post, err = tx.Post(permalink)
		return err
	}); err != nil {
		return nil, ignore(err, fs.ErrNotExist) // it has moved away meanwhile
	}
	if !post.Collected.IsZero() {
		post.Revision = post.Published // what was learnt since is announced when the file has it
	}
	if post.Published < post.Revision || post.Announced == post.Revision {
		return nil, nil // a newer revision is on its way and announces itself, or it is done
	}
	deploy, err := j.deployment(ctx, s)
	if err != nil || deploy.runs || deploy.busy && away(post) { // what is built now may still have its page
		return nil, queue.After(200*time.Millisecond, cmp.Or(err, errDeploying))
	}
	links, live, err := j.arrival(ctx, s, post)
	if err != nil || !live.yes {
		waited := j.DB.Now().Sub(latest(since(post.History, "published"), deploy.done))
		if err == nil {
			err = fmt.Errorf("not live yet: %s", live.why)
		}
		if !live.answers || deploy.owed || waited < patience {
			return nil, queue.After(min(max(waited/4, 100*time.Millisecond), time.Minute), err)
		}
		live.why = "the page carries no trace of this revision; announced all the same"
	}
	if err := s.unprinted(post, links); err != nil {
		return j.seenLive(post), err
	}
	return func(tx *store.Tx) error { return j.announced(tx, s, permalink, post.Revision, links, live.why) }, nil
}

// arrival tells whether the post as it is now is live, and what its page links to.
func (j *Jobs) arrival(ctx context.Context, s *Site, post store.Post) (links []string, live liveness, err error) {
	page, live, err := j.look(ctx, s, post)
	failpoint.Hit("announce.look")
	if err == nil && post.Visible() {
		links = linksOn(s, page, post)
	}
	return links, live, err
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// since is when a stage was reached last.
func since(history []store.Event, stage string) time.Time {
	for _, e := range slices.Backward(history) {
		if e.Stage == stage {
			return e.At
		}
	}
	return time.Time{}
}

// announced writes down that a revision is live and promises the sends.
func (j *Jobs) announced(tx *store.Tx, s *Site, permalink string, revision int, links []string, note string) error {
	post, err := tx.Post(permalink)
	if err != nil {
		return err
	}
	if post.Announced >= revision {
		return nil
	}
	post.Live, post.Announced = revision, revision
	post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: "live", Note: note})
	before := post.Said
	if post.Said = ""; post.Revision == revision { // else this is the text of a newer one
		post.Said = digestOfPost(post)
	}
	all := telling{sent: post.Sent, history: post.History}
	what := news{source: permalink, revision: revision, links: links, changed: before == "" || before != post.Said}
	if err := what.promise(tx, &all); err != nil {
		return err
	}
	post.Sent, post.History = all.sent, all.history
	tx.OnCommit(func() { j.Live.tell(permalink) })
	if post.Revision == revision || !post.Collected.IsZero() { // else the newer one says it
		if err := s.promiseCopies(tx, post); err != nil {
			return err
		}
	}
	if s.Watch != nil && s.Hub != "" { // the feed that is watched has the post by now
		if err := tx.Enqueue(watchJob(s)); err != nil {
			return err
		}
	}
	return cmp.Or(s.arrived(tx, post), tx.PutPost(post), failpoint.Err("announce.commit"))
}
