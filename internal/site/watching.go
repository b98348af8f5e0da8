package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// Watch says where a site lists its pages, so that those are found that somebody has written
// by hand.
type Watch struct {
	Feed    string        // "": the one that the home page names, or the home page itself
	Sitemap string        // "": none
	Every   time.Duration // 0: half an hour
}

func (w *Watch) every() time.Duration { return cmp.Or(w.Every, 30*time.Minute) }

// looksAtOnce is how many pages are looked at for one look through the lists.
const looksAtOnce = 100

// errNextWatch is what the job of the watch says while it waits.
var errNextWatch = errors.New("the next look through the lists of pages")

// watch looks through the lists of a site for pages that are new, changed or gone. The first
// reading of a list is where it begins: what was there before tells nobody, until it changes
// or its owner says so.
func (j *Jobs) watch(ctx context.Context, job store.Job) (queue.Commit, error) {
	var key string
	s, err := j.begin(job, &key)
	if err != nil || s.Watch == nil {
		return nil, err
	}
	found, err := j.readLists(ctx, s)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // of lists that cannot be read nothing follows
		found = lists{}
	}
	waiting := 0
	if failed := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		pages, err := tx.Outgoings(toLookAt(tx.Now))
		waiting = len(pages)
		return err
	}); failed != nil {
		return nil, failed
	}
	wait := s.Watch.every()
	if waiting+len(found.pages) > looksAtOnce { // the next hundred
		wait = min(wait, time.Minute)
	}
	return func(tx *store.Tx) error {
		return cmp.Or(s.listedNow(tx, found), s.lookAt(tx))
	}, queue.After(wait, cmp.Or(err, errNextWatch))
}

// toLookAt finds the pages that are to be looked at by now.
func toLookAt(now time.Time) func(*store.Outgoing) bool {
	return func(p *store.Outgoing) bool {
		return p.Look || !p.Missing.IsZero() && p.Gone.IsZero() && now.Sub(p.Missing) >= believed
	}
}

// lookAt promises a look at some of the pages that wait for one.
func (s *Site) lookAt(tx *store.Tx) error {
	pages, err := tx.Outgoings(toLookAt(tx.Now))
	if err != nil {
		return err
	}
	for _, page := range pages[:min(len(pages), looksAtOnce)] {
		page.Look = false
		if err := cmp.Or(tx.PutOutgoing(page), tx.Enqueue(s.pageJob(pageArgs{URL: page.URL, Since: tx.Now}))); err != nil {
			return err
		}
	}
	return nil
}

// listedNow compares what the lists have with what is known.
func (s *Site) listedNow(tx *store.Tx, found lists) error {
	for _, f := range found.feeds {
		if err := tx.PutFeed(f); err != nil {
			return err
		}
	}
	for _, feed := range found.news {
		if err := s.promisePing(tx, feed); err != nil {
			return err
		}
	}
	if found.pages == nil {
		return nil
	}
	all, err := tx.Outgoings(nil)
	if err != nil {
		return err
	}
	known := map[string]store.Outgoing{}
	for _, page := range all {
		known[page.URL] = page
	}
	here := map[string]bool{}
	for address, entry := range found.pages {
		page, ok, err := s.listedPage(tx, known, address)
		if err != nil {
			return err
		}
		if !ok || here[page.URL] {
			continue
		}
		here[page.URL] = true
		if err := noteListed(tx, page, entry); err != nil {
			return err
		}
	}
	for _, page := range all {
		if page.Listed && !here[page.URL] { // which is no proof that it has gone
			page.Listed, page.Look = false, page.Gone.IsZero()
			if err := tx.PutOutgoing(page); err != nil {
				return err
			}
		}
	}
	return nil
}

// listedPage is the page that a list means: none when it is another site's, the home page,
// or a post, which announces itself.
func (s *Site) listedPage(tx *store.Tx, known map[string]store.Outgoing, address string) (page store.Outgoing, ok bool, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return page, false, nil
	}
	folded, own := s.Fold(u)
	if !own || folded == "/" {
		return page, false, nil
	}
	at := s.canonical(u)
	if page, ok = known[at]; ok {
		return page, true, nil
	}
	isPost, err := announcesItself(tx, folded)
	return store.Outgoing{URL: at}, !isPost && err == nil, err
}

// announcesItself tells whether a folded address leads to a post of ours, by whatever name.
func announcesItself(tx *store.Tx, folded string) (bool, error) {
	page, err := tx.PageAt(folded)
	if err != nil {
		return false, ignore(err, fs.ErrNotExist)
	}
	_, err = tx.Post(page.URL)
	return err == nil, ignore(err, fs.ErrNotExist)
}

// noteListed writes down a page that is listed, and that it is to be looked at when its entry
// is new or another.
func noteListed(tx *store.Tx, page store.Outgoing, entry listedPage) error {
	if page.Listed && page.Stamp == entry.stamp {
		return nil
	}
	if fresh := page.Stamp == "" && page.Seen.IsZero() && !page.Listed; fresh {
		page.Quiet = entry.quiet
	}
	page.Listed, page.Stamp, page.Look = true, entry.stamp, true
	return tx.PutOutgoing(page)
}
