package site

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/store"
)

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
