package site

import (
	"errors"
	"io/fs"
	"iter"
	"slices"

	"tertulia/store"
)

// listing reads public mentions of many pages in one transaction.
type listing struct {
	c     *Conversation
	tx    *store.Tx
	pages map[string]string // id → address, "" of those that readers may not see
	err   error             // the first

	// Of the posts that readers may not see, once somebody has asked for them.
	hidden     map[string]bool // ids of their pages
	hiddenSums map[string]int  // what they have of each type
}

func (c *Conversation) listing(tx *store.Tx) *listing {
	return &listing{c: c, tx: tx, pages: map[string]string{}}
}

// page is the address of a page, false when readers may not see it.
func (l *listing) page(id string) (string, bool) {
	address, known := l.pages[id]
	if !known {
		var err error
		if address, err = l.c.addressOf(l.tx, id); err != nil && l.err == nil {
			l.err = err
		}
		l.pages[id] = address
	}
	return address, address != ""
}

// pagesOf are the ids of the pages that readers may see at some addresses, each once.
func (l *listing) pagesOf(targets []string) (ids []string) {
	for _, target := range targets {
		page, err := l.c.known(l.tx, target)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) && l.err == nil {
				l.err = err
			}
			continue
		}
		if _, shown := l.page(page.ID); shown && !slices.Contains(ids, page.ID) {
			ids = append(ids, page.ID)
		}
	}
	return ids
}

// of goes through the public mentions of some pages.
func (l *listing) of(targets []string) iter.Seq[store.Place] {
	return func(yield func(store.Place) bool) {
		for _, page := range l.pagesOf(targets) {
			for p := range l.tx.PublicOf(page) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// all goes through the public mentions of the site.
func (l *listing) all(which store.Listing) iter.Seq[store.Place] {
	l.hide()
	return func(yield func(store.Place) bool) {
		for p := range l.tx.Public(which) {
			if !l.hidden[p.Page] && !yield(p) {
				return
			}
		}
	}
}

// totals are how many mentions of each type readers can see on the site.
func (l *listing) totals() map[string]int {
	l.hide()
	sums := l.tx.Totals()
	for typ, n := range l.hiddenSums {
		sums[typ] -= n
	}
	return sums
}

// hide finds the pages that readers may not see.
func (l *listing) hide() {
	if l.hidden != nil {
		return
	}
	l.hidden, l.hiddenSums = map[string]bool{}, map[string]int{}
	for _, permalink := range l.tx.HiddenPosts() {
		page, err := l.c.known(l.tx, permalink)
		if err != nil || l.hidden[page.ID] {
			continue // nobody has ever mentioned it
		}
		counts := l.tx.Counts(page.ID)
		if len(counts) == 0 {
			continue
		}
		if _, shown := l.page(page.ID); shown {
			continue // its day has come, or it has left the page to another
		}
		l.hidden[page.ID] = true
		for typ, n := range counts {
			l.hiddenSums[typ] += n
		}
	}
}

// response reads a mention; false when readers do not see it.
func (l *listing) response(p store.Place) (Response, bool) {
	address, shown := l.page(p.Page)
	m, err := l.tx.Mention(p.ID)
	if err != nil || !shown || !m.IsPublic() {
		return Response{}, false // a damaged one costs itself, not the list
	}
	r := l.c.Site.response(l.tx, m, m.Shown)
	r.Target = onPage(address, r.Target)
	return r, true
}

// addressOf is the canonical address of a page, "" when readers may not see it.
func (c *Conversation) addressOf(tx *store.Tx, id string) (string, error) {
	page, err := tx.Page(id)
	if err != nil || !page.Found {
		return "", ignore(err, fs.ErrNotExist)
	}
	if _, hidden := tx.PostMark(page.URL); !hidden {
		return page.URL, nil
	}
	post, err := tx.Post(page.URL)
	switch {
	case err != nil:
		return "", err
	case !post.Visible() || early(post, tx.Now):
		return "", nil
	}
	return page.URL, nil
}
