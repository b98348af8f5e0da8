package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/store"
)

// publish writes the post's page, or takes it away; the lists it stands in follow. Where
// the page is live at once it is announced with the same commit; else that is a job.
func (j *Jobs) publish(ctx context.Context, job store.Job) (queue.Commit, error) {
	var permalink string
	s, err := j.begin(job, &permalink)
	if err != nil {
		return nil, err
	}
	if s.Publish == nil {
		return nil, queue.Permanent(errors.New("the site's settings name no place for posts"))
	}
	switch commit, err := j.dueOrKept(ctx, s, permalink); {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errInside):
		return nil, nil // it has moved away meanwhile, or became a draft
	case commit != nil || err != nil:
		return commit, err
	}
	seen, err := j.pageBefore(ctx, s, permalink)
	if err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	done, err := j.write(ctx, s, permalink)
	if err != nil {
		return nil, err
	}
	done.seen = seen
	post := done.post
	if s.Source != nil {
		// It cannot be live before it is deployed; what a page says until then is older.
		return func(tx *store.Tx) error {
			newer, err := s.published(tx, done)
			if err != nil || newer {
				return err
			}
			return cmp.Or(tx.Enqueue(announceJob(permalink)), failpoint.Err("publish.commit"))
		}, nil
	}
	links, live, err := j.arrival(ctx, s, post)
	there := err == nil && live.yes
	return func(tx *store.Tx) error {
		newer, err := s.published(tx, done)
		switch {
		case err != nil || newer:
			return err
		case there:
			err = j.announced(tx, s, permalink, post.Revision, links, live.why)
		default:
			err = tx.Enqueue(announceJob(permalink))
		}
		return cmp.Or(err, failpoint.Err("publish.commit"))
	}, nil
}

// errInside is for a post of which nothing leaves the store.
var errInside = errors.New("it is a draft")

// dueOrKept is what has to be written down before a post can be published: that its time
// has come, or how its file is before it is taken away. It is nil when nothing has to be.
func (j *Jobs) dueOrKept(ctx context.Context, s *Site, permalink string) (queue.Commit, error) {
	var post store.Post
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		post, err = tx.Post(permalink)
		return err
	}); err != nil {
		return nil, err
	}
	switch {
	case !post.Promised && (post.Draft || !post.Scheduled):
		return nil, errInside
	case !post.Scheduled || !post.Deleted.IsZero():
		return j.keepFile(ctx, s, post)
	}
	if wait := post.Date.Sub(j.DB.Now()); wait > 0 {
		return nil, queue.After(min(wait, longestWait), fmt.Errorf("it waits for %s", post.Date.Format(time.RFC3339)))
	}
	return func(tx *store.Tx) error {
		post, err := tx.Post(permalink)
		if err != nil || !post.Scheduled || post.Draft || post.Date.After(tx.Now) {
			return err // it was put off meanwhile: that promised a job of its own
		}
		post.Scheduled, post.Promised = false, true
		post.Revision++
		post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: "due"})
		if err := s.touch(tx, permalink); err != nil {
			return err
		}
		if err := tx.PutPost(post); err != nil {
			return err
		}
		return tx.Enqueue(s.publishJob(permalink))
	}, nil
}

// written is a post that was published.
type written struct {
	post    store.Post
	seen    string            // what its page said before
	listed  time.Time         // when the site's lists were last written
	uploads map[string]string // the addresses of those that went with it, by name
	goes    bool              // a deploy that has begun takes it along
}

// pageBefore is what the page of a post says before the next revision is written, where that
// cannot be told from the revision by our own marker.
func (j *Jobs) pageBefore(ctx context.Context, s *Site, permalink string) (seen string, err error) {
	if s.Source == nil {
		return "", nil
	}
	var post store.Post
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		post, err = tx.Post(permalink)
		return err
	})
	if err != nil {
		return "", err
	}
	return j.seenBefore(ctx, post), nil
}

// write publishes the page of the post as it is now.
func (j *Jobs) write(ctx context.Context, s *Site, permalink string) (done written, err error) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		done.post, err = tx.Post(permalink)
		return err
	})
	if err != nil {
		return done, err
	}
	if s.Source == nil {
		page := publish.Change{Site: about(s), Post: publishable(done.post), PageOnly: true}
		err = cmp.Or(s.Publish.Publish(ctx, page), s.leave(ctx, done.post))
	} else {
		done.uploads, err = j.writeSource(ctx, s, done.post)
	}
	if err = cmp.Or(err, failpoint.Err("publish.write")); err != nil {
		return done, fmt.Errorf("publish %s: %w", permalink, err)
	}
	done.listed = s.listed
	return done, nil
}

// published writes down that a revision was published. newer says that there is nothing
// to announce: it was published before and what follows is promised, or another
// revision is on its way and announces itself.
func (s *Site) published(tx *store.Tx, done written) (newer bool, err error) {
	written := done.post
	post, err := tx.Post(written.Permalink)
	if err != nil || written.Revision <= post.Published {
		return true, err
	}
	follows := deployJob(s)
	if s.Source == nil {
		follows = listsJob(post.Month())
		if after := done.listed.Add(gathering); after.Sub(tx.Now) <= gathering {
			follows.Due = after // or at once, when that has passed
		}
	}
	if !done.goes {
		err = tx.Enqueue(follows)
	}
	if err := cmp.Or(err, copied(tx, done.uploads)); err != nil {
		return true, err
	}
	post.Published, post.Seen = written.Revision, done.seen
	post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: "published", Note: "revision " + strconv.Itoa(written.Revision)})
	if newer = post.Revision > written.Revision; !newer {
		post.Collected = time.Time{}
	}
	if s.Source != nil {
		if !away(written) { // else its kept file is what Base says
			post.Base, post.Kept = nil, nil
			if newer {
				post.Base = written.Saying()
			}
		}
	}
	return newer, tx.PutPost(post)
}
