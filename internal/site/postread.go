package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// read reads a post, and what its file says now where that is what counts.
func (p *Posts) read(ctx context.Context, address string) (post store.Post, item *mf2.Item, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		post, err = p.find(tx, address)
		return err
	})
	if err != nil {
		return post, nil, err
	}
	return post, p.Site.current(post), nil
}

// find reads a post by any address of its page.
func (p *Posts) find(tx *store.Tx, address string) (store.Post, error) {
	post, err := tx.Post(address)
	if !errors.Is(err, fs.ErrNotExist) {
		return post, err
	}
	u, bad := url.Parse(address)
	if bad != nil {
		return post, err
	}
	folded, ok := p.Site.Fold(u)
	if !ok {
		return post, err
	}
	page, err := tx.PageAt(folded)
	if err != nil {
		return post, err
	}
	return tx.Post(page.URL)
}

// Source gives a post back as it was sent. A post that came without a date shows
// the one it was given.
// Spec: micropub#source-content-p-1
func (p *Posts) Source(ctx context.Context, g micropub.Grant, permalink string) (mf2.Item, error) {
	if id, ok := p.contactID(permalink); ok {
		c, err := p.contact(ctx, id)
		return c.Item, err
	}
	post, item, err := p.read(ctx, permalink)
	if err == nil && !post.Deleted.IsZero() {
		err = fmt.Errorf("%s is deleted: %w", permalink, fs.ErrNotExist)
	}
	if err == nil && hiddenFrom(g, post) {
		err = fmt.Errorf("%s is private: %w", permalink, fs.ErrNotExist)
	}
	if err != nil {
		return mf2.Item{}, err
	}
	if item != nil {
		post.Item = learnt(post, *item)
	}
	return source(post), nil
}

func source(post store.Post) mf2.Item {
	item := post.Item.Clone()
	if len(item.Properties["published"]) == 0 {
		item.Properties["published"] = []any{post.Date.Format(time.RFC3339)}
	}
	return item
}
