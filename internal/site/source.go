package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/internal/sanitize"
	"tertulia/mf2"
	"tertulia/store"
)

// Remote is where the history of a site's source is kept: a remote of git. Errors that
// another attempt cannot mend are marked with [queue.Permanent].
type Remote interface {
	Push(ctx context.Context) error
	// Pull brings what others have pushed, and tells whether that was anything.
	Pull(ctx context.Context) (changed bool, err error)
}

// address is the permalink that a new post would have with a slug, and its file in the
// source of the site, "" where there is none.
func (s *Site) address(post store.Post, slug string) (permalink, file string, err error) {
	if s.Source == nil {
		return publish.Permalink(s.URL.String(), post.Date, slug), "", nil
	}
	p := publish.Post{Slug: slug, Kind: post.Kind, Published: post.Date, Channel: post.Channel}
	if permalink, err = s.Source.Preset.Address(p); err != nil {
		return "", "", err
	}
	p.Permalink = permalink
	file, err = s.Source.Preset.File(p)
	return permalink, file, err
}

// numbered is the slug that is tried after n others.
func numbered(slug string, n int) string {
	if n == 0 {
		return slug
	}
	return fmt.Sprintf("%s-%d", slug, n+1)
}

// takenFiles are the files that a new post cannot have, among those that its slug and the next
// numbers would give it, up to one that is free. A source that cannot be read now is no
// reason to refuse a post: it is kept, and written when the source is back.
func (s *Site) takenFiles(post store.Post, slug string) map[string]bool {
	if s.Source == nil {
		return nil
	}
	taken := map[string]bool{}
	for n := range 100 {
		permalink, file, err := s.address(post, numbered(slug, n))
		if err != nil {
			break
		}
		if free, err := s.Source.Free(publish.Post{Permalink: permalink, File: file}); free || err != nil {
			break
		}
		taken[file] = true
	}
	return taken
}

// take writes down that a file of the source is a post's, before it is there.
func (s *Site) take(tx *store.Tx, post store.Post) error {
	if s.Source == nil {
		return nil
	}
	return tx.PutSourceFile(store.SourceFile{Name: post.File, Permalink: post.Permalink, Kind: post.Kind, Published: post.Date, Own: true})
}

// publishable is a post as it is shown.
func publishable(p store.Post) publish.Post {
	html := postHTML(p.Item, p.Permalink)
	content, plain := p.Item.Properties["content"], false
	if len(content) > 0 {
		_, plain = content[0].(string)
	}
	return publish.Post{
		Permalink: p.Permalink, Item: p.Item, Kind: p.Kind, HTML: html,
		Published: p.Date, Updated: p.Updated, Revision: strconv.Itoa(p.Revision),
		Deleted: away(p), Syndication: p.Item.URLs("syndication"),
		Channel: p.Channel, File: p.File, Markup: plain && sanitize.LooksHTML(p.Item.Get("content")),
	}
}

// away tells whether a post has no page and no file. A draft of the owner's own file stays
// where it is: everybody who can see the source has seen it.
func away(p store.Post) bool { return !p.Deleted.IsZero() || !p.Adopted && !p.Visible() }

// before is the state of a post that its file has, as far as we know better than the file
// does: nil for a post of ours that nobody has touched.
func before(p store.Post) *publish.Post {
	if p.Base != nil {
		p.Item, p.Date, p.Updated, p.Draft = p.Base.Item, p.Base.Date, p.Base.Updated, p.Base.Draft
		p.Permalink, p.File, p.Channel = p.Base.Permalink, p.Base.File, p.Base.Channel
	} else if !p.Adopted || p.Kept != nil {
		return nil // the file tells itself what it was written from
	}
	p.Deleted, p.Scheduled = time.Time{}, false
	was := publishable(p)
	return &was
}

// current reads what the file of a post says now: an edit starts from what its owner has
// made of it. It is nil where the site has no source, where the file has not caught up
// with us, and where it cannot be read: then the edit starts from what was found last.
func (s *Site) current(post store.Post) *mf2.Item {
	if s.Source == nil || away(post) || post.Published < post.Revision && post.Collected.IsZero() {
		return nil
	}
	item, err := s.Source.Item(publishable(post))
	if err != nil {
		return nil
	}
	return &item
}

// keepFile writes down the file of a post that is to be taken away, so that it can come back
// as it was, to the last byte. It is nil when that is done, or when there is no file.
func (j *Jobs) keepFile(ctx context.Context, s *Site, post store.Post) (queue.Commit, error) {
	if s.Source == nil || !away(post) {
		return nil, nil
	}
	if err := s.Source.Open(ctx); err != nil {
		return nil, err
	}
	data, err := s.Source.Last(publishable(post))
	if err != nil || data == nil || string(data) == string(post.Kept) {
		return nil, err
	}
	return func(tx *store.Tx) error {
		now, err := tx.Post(post.Permalink)
		if err != nil {
			return err
		}
		now.Kept = data
		if err := tx.PutPost(now); err != nil {
			return err
		}
		return tx.Enqueue(s.publishJob(post.Permalink))
	}, nil
}

// deploy brings what was written to where the site is made: to the remote of its history,
// and to the generator. One job does it for all posts that were written before.
func (j *Jobs) deploy(ctx context.Context, job store.Job) (queue.Commit, error) {
	var key string
	s, err := j.begin(job, &key)
	if err != nil || s.Source == nil {
		return nil, err
	}
	if err := j.takeAlong(ctx, s); err != nil {
		return nil, err
	}
	if err := j.takeAway(ctx, s); err != nil { // what is wrong with one page does not hold up the others
		j.log().Warn("pages of posts that have gone cannot be taken away", "site", s.Key, "error", err)
	}
	build := func() error {
		if s.Source.Build == nil {
			return nil
		}
		if err := s.Source.Build.Build(ctx); err != nil {
			return fmt.Errorf("build: %w", err)
		}
		return nil
	}
	push := func() error {
		if s.Remote == nil {
			return nil
		}
		if err := s.Remote.Push(ctx); err != nil {
			return fmt.Errorf("push: %w", err)
		}
		return nil
	}
	// Who builds elsewhere builds what was pushed; a remote that is down does not hold up
	// the site that is built here.
	steps := []func() error{build, push}
	if _, elsewhere := s.Source.Build.(*publish.Hook); elsewhere {
		steps = []func() error{push, build}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	now := j.DB.Now()
	s.deployed.Store(&now)
	return nil, nil
}

// takeAway removes the pages of posts that have gone and are not announced, at all of their
// addresses: a build that was under way then may have written them once more.
func (j *Jobs) takeAway(ctx context.Context, s *Site) error {
	var pages []string
	var wrong []error
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		pages, wrong = nil, nil
		jobs, err := tx.Jobs()
		if err != nil {
			return err
		}
		for _, job := range jobs {
			if job.Kind != jobAnnounce {
				continue
			}
			post, err := tx.Post(job.Key)
			wrong = append(wrong, ignore(err, fs.ErrNotExist)) // it has moved away meanwhile
			if err == nil && away(post) && post.Published == post.Revision {
				pages = append(append(pages, post.Permalink), post.Former...)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, page := range pages {
		wrong = append(wrong, s.Source.Clear(page))
	}
	return errors.Join(wrong...)
}

// writeSource writes a post into the source of the site, and the uploads that it shows, and
// tells where these are now.
func (j *Jobs) writeSource(ctx context.Context, s *Site, post store.Post) (uploads map[string]string, err error) {
	if err := s.Source.Open(ctx); err != nil {
		return nil, err
	}
	change, uploads, err := j.sourceChange(ctx, s, post)
	if err != nil {
		return nil, err
	}
	err = s.Source.Write(ctx, change)
	if errors.Is(err, publish.ErrForeign) {
		err = queue.Permanent(err)
	}
	return uploads, err
}

// sourceChange is what a post has become, for the source.
func (j *Jobs) sourceChange(ctx context.Context, s *Site, post store.Post) (c publish.Change, uploads map[string]string, err error) {
	var files []publish.File
	if !away(post) {
		if files, uploads, err = j.copies(ctx, s, post); err != nil {
			return c, nil, err
		}
	}
	post.Item = s.showing(post.Item, uploads)
	if post.Base != nil {
		base := *post.Base
		base.Item = s.showing(base.Item, uploads)
		post.Base = &base
	}
	return publish.Change{
		Site: about(s), Post: publishable(post), PageOnly: true,
		Before: before(post), Kept: post.Kept, Files: files,
	}, uploads, nil
}

var errDeploying = errors.New("the site is being built")

// deployment is how far what was written has got on its way to the site.
type deployment struct {
	runs bool      // it is being pushed or built, or will be in a moment, and there is hope
	busy bool      // it is being pushed or built, or will be in a moment, however often that has failed
	owed bool      // it has still to be pushed or built, perhaps after the owner has mended something
	done time.Time // when it was last; the zero time if not since the start
}

func (j *Jobs) deployment(ctx context.Context, s *Site) (d deployment, err error) {
	if s.Source == nil {
		return d, nil
	}
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		jobs, err := tx.Jobs()
		for _, job := range jobs {
			if job.Kind == jobDeploy {
				d.owed = true
				d.busy = job.Parked.IsZero() && (job.Owner != "" || !job.Due.After(tx.Now))
				d.runs = d.busy && job.Attempts < 2
			}
		}
		return err
	})
	if at := s.deployed.Load(); at != nil {
		d.done = *at
	}
	return d, err
}

// seenLive writes down that a post is live, though nobody is told yet.
func (j *Jobs) seenLive(seen store.Post) queue.Commit {
	return func(tx *store.Tx) error {
		post, err := tx.Post(seen.Permalink)
		if err != nil || post.Live >= seen.Revision {
			return err
		}
		post.Live = seen.Revision
		tx.OnCommit(func() { j.Live.tell(seen.Permalink) })
		return tx.PutPost(post)
	}
}

// unprinted is for the owner when the live page of a post does not link to what the post
// answers, because the theme does not print that: whoever was told would look in vain.
func (s *Site) unprinted(post store.Post, links []string) error {
	if s.Source == nil || !post.Visible() {
		return nil
	}
	for _, property := range responses {
		for _, want := range post.Item.URLs(property) {
			u, err := url.Parse(want)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" {
				continue
			}
			if !slices.ContainsFunc(links, func(l string) bool { return mf2.SameURL(l, want) }) {
				return queue.Permanent(fmt.Errorf("the page does not link to %s: the theme does not print %s; tertulia init %s prints what to paste, then retry", want, property, s.Me()))
			}
		}
	}
	return nil
}

// Built says that the site was built: the posts that wait to be seen live are looked for at
// once. It tells how many.
func (p *Posts) Built(ctx context.Context) (waiting int, err error) {
	err = p.DB.Update(ctx, p.Site.Key, func(tx *store.Tx) error {
		jobs, err := tx.Jobs()
		if err != nil {
			return err
		}
		waiting = 0
		for _, job := range jobs {
			if job.Kind != jobAnnounce || !job.Parked.IsZero() {
				continue
			}
			waiting++
			if err := tx.Enqueue(store.Job{Kind: job.Kind, Key: job.Key, Args: job.Args}); err != nil {
				return err
			}
		}
		return nil
	})
	return waiting, err
}
