package site

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/store"
)

// lists writes the home page, the feed and the archive of a month: once for all posts
// that have come since it was promised. Of a month of many pages those below the first that
// needs no change are looked through as well, but not as often.
func (j *Jobs) lists(ctx context.Context, job store.Job) (queue.Commit, error) {
	var month string
	s, err := j.begin(job, &month)
	if err != nil || s.Publish == nil {
		return nil, err
	}
	month, thorough := strings.CutSuffix(month, thoroughly)
	pages, err := j.writeLists(ctx, s, month, thorough)
	if err != nil {
		return nil, err
	}
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.listed = j.DB.Now()
	fed := s.feedWritten()
	if thorough || pages == 0 {
		return fed, nil
	}
	return func(tx *store.Tx) error {
		again := listsJob(month + thoroughly)
		again.Due = tx.Now.Add(time.Minute)
		if err := tx.Enqueue(again); err != nil || fed == nil {
			return err
		}
		return fed(tx)
	}, nil
}

const (
	thoroughly = " thoroughly" // follows the month of a job that looks at all its pages
	pageLength = 100           // posts of a page of a month
)

// writeLists writes the lists of a site, and of one month such as 2026-11; "" is none. It
// returns how many pages the month has besides its first, which has the newest of its
// posts: so many that all other pages are full.
// One at a time, and read inside: a list that was read earlier must not be written later.
func (j *Jobs) writeLists(ctx context.Context, s *Site, month string, thorough bool) (pages int, err error) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	c := publish.Change{Site: about(s)}
	c.Post.Published, _ = time.Parse("2006-01", month) // none: the zero time
	from := ""
	some := func(tx *store.Tx, limit int) (list []publish.Post, err error) {
		var posts []store.Post
		posts, from, err = tx.PostsIn(month, store.Range{From: from, Limit: limit, Backward: true})
		return listed(posts), err
	}
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		counts := tx.Months()
		pages = max(counts[month]/pageLength-1, 0)
		if c.Month, err = some(tx, max(counts[month]-pages*pageLength, 1)); err != nil {
			return err
		}
		c.Months = months(counts)
		if c.Recent, err = recent(tx); err == nil {
			c.Streams, err = s.streams(tx)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	c.Earlier = publish.Earlier{Pages: pages, Thorough: thorough, Each: func(yield func(int, []publish.Post) bool) error {
		for n := pages; n > 0 && from != ""; n-- {
			var list []publish.Post
			err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
				list, err = some(tx, pageLength)
				return err
			})
			if err != nil || !yield(n, list) {
				return err
			}
		}
		return nil
	}}
	if err := s.Publish.Publish(ctx, c); err != nil {
		return 0, fmt.Errorf("publish the lists of %s: %w", month, err)
	}
	return pages, nil
}

// about is what the pages say of the site.
func about(s *Site) publish.Site {
	return publish.Site{URL: s.Me(), Base: s.Base, Name: s.Name, Language: s.Language, Author: s.Author, Links: s.Links(), Channels: s.channels(), Hub: s.Hub}
}

// gathering is how long lists that have just been written wait for more posts, so that
// many cost one writing and the first is listed at once.
const gathering = time.Second

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
	_, err := j.writeLists(ctx, s, month, true)
	return err
}
