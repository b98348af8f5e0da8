package site

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strconv"

	"tertulia/store"
)

// Revision says in a short text which state of the public conversation of some pages
// is the current one: as long as it stays the same, so does everything that follows
// from their mentions, and from the posts that they are. It reads no mention and no post.
func (c *Conversation) Revision(ctx context.Context, targets []string) (string, error) {
	var revision []byte
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		revision = append(revision[:0], c.Site.Bridged...) // readers see something else when it changes
		for _, target := range targets {
			page, err := c.known(tx, target)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			revision = revise(tx, revision, page)
		}
		return nil
	})
	return string(revision), err
}

// State is [Conversation.Revision] of one page, with its canonical address; that is "" when nobody
// has mentioned the page.
func (c *Conversation) State(ctx context.Context, target string) (revision, page string, err error) {
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		known, err := c.known(tx, target)
		page, revision = known.URL, string(revise(tx, []byte(c.Site.Bridged), known))
		return ignore(err, fs.ErrNotExist)
	})
	return revision, page, err
}

// Moment is another one after every write and in every minute; all that readers are shown stands
// while it does. The zero Moment says that this is not known.
type Moment struct {
	commits uint64
	minute  int64
}

// Moment is the one now.
func (c *Conversation) Moment() Moment {
	if commits := c.DB.Commits(); commits != 0 {
		return Moment{commits, c.DB.Now().Unix() / 60}
	}
	return Moment{}
}

func revise(tx *store.Tx, revision []byte, page store.Page) []byte {
	revision = append(append(revision, page.ID...), ' ')
	revision = append(strconv.AppendUint(revision, page.Revision, 10), ' ')
	mark, hidden := tx.PostMark(page.URL)
	revision = append(append(revision, mark...), ' ')
	if hidden { // the clock alone may make it visible
		revision = strconv.AppendInt(revision, tx.Now.Unix()/60, 10)
	}
	return revision
}

// known reads the page that an address means; fs.ErrNotExist when it is none of ours.
func (c *Conversation) known(tx *store.Tx, address string) (store.Page, error) {
	u, err := url.Parse(address)
	if err != nil {
		return store.Page{}, fs.ErrNotExist
	}
	folded, ok := c.Site.Fold(u)
	if !ok {
		return store.Page{}, fs.ErrNotExist
	}
	return tx.PageAt(folded)
}
