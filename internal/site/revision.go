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
// from their mentions. It reads no mention.
func (c *Conversation) Revision(ctx context.Context, targets []string) (string, error) {
	var revision []byte
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		revision = append(revision[:0], c.Site.Bridged...) // readers see something else when it changes
		for _, target := range targets {
			page, err := c.known(tx, target)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			revision = append(append(revision, page.ID...), ' ')
			revision = append(strconv.AppendUint(revision, page.Revision, 10), ' ')
		}
		return nil
	})
	return string(revision), err
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
