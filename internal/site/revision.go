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
// from their mentions, and from the posts that they are. It reads no mention and no post. all
// tells whether each of them is a page that has been mentioned.
func (c *Conversation) Revision(ctx context.Context, targets []string) (state string, all bool, err error) {
	var revision []byte
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		revision, all = append(revision[:0], c.Site.Bridged...), true // readers see something else when that changes
		for _, target := range targets {
			page, err := c.known(tx, target)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			all = all && err == nil
			revision = append(append(revision, page.ID...), ' ')
			revision = append(strconv.AppendUint(revision, page.Revision, 10), ' ')
			mark, hidden := tx.PostMark(page.URL)
			if revision = append(append(revision, mark...), ' '); hidden { // it may become visible by the clock alone
				revision = strconv.AppendInt(revision, tx.Now.Unix()/60, 10)
			}
		}
		return nil
	})
	return string(revision), all, err
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
