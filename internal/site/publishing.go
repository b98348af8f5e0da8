package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
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
	done, err := j.write(ctx, s, permalink)
	if err != nil {
		return nil, err
	}
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
		return j.keepFile(s, post)
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
	listed  time.Time         // when the site's lists were last written
	uploads map[string]string // the addresses of those that went with it, by name
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
	change := publish.Change{Site: about(s), Post: publishable(done.post), PageOnly: true}
	if s.Source == nil {
		err = cmp.Or(s.Publish.Publish(ctx, change), s.leave(ctx, done.post))
	} else {
		done.uploads, err = j.writeSource(ctx, s, done.post, change)
	}
	if err = cmp.Or(err, failpoint.Err("publish.write")); err != nil {
		return done, fmt.Errorf("publish %s: %w", permalink, err)
	}
	done.listed = s.listed
	return done, nil
}

// lists writes the home page, the feed and the archive of a month: once for all posts
// that have come since it was promised.
func (j *Jobs) lists(ctx context.Context, job store.Job) (queue.Commit, error) {
	var month string
	s, err := j.begin(job, &month)
	if err != nil || s.Publish == nil {
		return nil, err
	}
	err = j.writeLists(ctx, s, month)
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.listed = j.DB.Now()
	return s.feedWritten(), err
}

// writeLists writes the lists of a site, and of one month such as 2026-11; "" is none.
// One at a time, and read inside: a list that was read earlier must not be written later.
func (j *Jobs) writeLists(ctx context.Context, s *Site, month string) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	c := publish.Change{Site: about(s)}
	c.Post.Published, _ = time.Parse("2006-01", month) // none: the zero time
	err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		posts, err := tx.PostsIn(month)
		if err != nil {
			return err
		}
		c.Months, c.Month = months(tx.Months()), listed(posts)
		if c.Recent, err = recent(tx); err == nil {
			c.Streams, err = s.streams(tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := s.Publish.Publish(ctx, c); err != nil {
		return fmt.Errorf("publish the lists of %s: %w", month, err)
	}
	return nil
}

// about is what the pages say of the site.
func about(s *Site) publish.Site {
	return publish.Site{URL: s.Me(), Base: s.Base, Name: s.Name, Language: s.Language, Author: s.Author, Links: s.Links(), Channels: s.channels(), Hub: s.Hub}
}

// gathering is how long lists that have just been written wait for more posts, so that
// many cost one writing and the first is listed at once.
const gathering = time.Second

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
	if err := cmp.Or(tx.Enqueue(follows), copied(tx, done.uploads)); err != nil {
		return true, err
	}
	post.Published = written.Revision
	post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: "published", Note: "revision " + strconv.Itoa(written.Revision)})
	if newer = post.Revision > written.Revision; s.Source != nil {
		if !away(written) { // else its kept file is what Base says
			post.Base, post.Kept = nil, nil
			if newer {
				post.Base = written.Saying()
			}
		}
	}
	return newer, tx.PutPost(post)
}

// listed are those of some posts that lists show.
func listed(posts []store.Post) (list []publish.Post) {
	for _, p := range posts {
		if visibility(p.Item) != unlisted {
			list = append(list, publishable(p))
		}
	}
	return list
}

func months(counts map[string]int) []publish.Month {
	var list []publish.Month
	for name, n := range counts {
		if t, err := time.Parse("2006-01", name); err == nil {
			list = append(list, publish.Month{Year: t.Year(), Month: t.Month(), Posts: n})
		}
	}
	slices.SortFunc(list, func(a, b publish.Month) int { return (b.Year*12 + int(b.Month)) - (a.Year*12 + int(a.Month)) })
	return list
}

// WriteHome brings a site's home page into being before there is a post, and writes the
// lists again that a power cut may have taken back.
func (j *Jobs) WriteHome(ctx context.Context, s *Site) error {
	if s.Publish == nil {
		return nil
	}
	month := ""
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		posts, _, err := tx.Posts(store.Range{Limit: 1, Backward: true}, true)
		if len(posts) > 0 {
			month = posts[0].Month()
		}
		return err
	}); err != nil {
		return err
	}
	return j.writeLists(ctx, s, month)
}

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
	if post.Published < post.Revision || post.Announced == post.Revision {
		return nil, nil // a newer revision is on its way and announces itself, or it is done
	}
	if deploying, err := j.deploying(ctx, s); err != nil || deploying {
		return nil, queue.After(200*time.Millisecond, cmp.Or(err, errDeploying))
	}
	links, live, err := j.arrival(ctx, s, post)
	if err != nil || !live.yes {
		waited := j.DB.Now().Sub(since(post.History, "published"))
		if err == nil {
			err = fmt.Errorf("not live yet: %s", live.why)
		}
		if !live.answers || waited < patience {
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
	if s.Watch != nil && s.Hub != "" { // the feed that is watched has the post by now
		if err := tx.Enqueue(watchJob(s)); err != nil {
			return err
		}
	}
	return cmp.Or(s.arrived(tx, post), tx.PutPost(post), failpoint.Err("announce.commit"))
}
