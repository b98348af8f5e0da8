package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"slices"

	"tertulia/internal/publish"
	"tertulia/store"
)

// A post that is updated with another mp-slug moves: its page keeps its conversation, its
// former addresses lead to the new one, and who was told of it is told the new address.

// noSlug is what is made of an mp-slug that is none.
const noSlug = "none"

// move gives a post the address of another slug, within its transaction.
func (p *Posts) move(tx *store.Tx, post *store.Post, slug string) error {
	same, _, err := p.Site.address(*post, slug)
	if err != nil || same == post.Permalink {
		return err
	}
	was, moved := *post, *post
	if err := p.reserve(tx, &moved, slug, nil); err != nil {
		return err
	}
	if p.Site.Source == nil || !p.Site.Source.Preset.NamesAddress() || post.Adopted && post.File == "" {
		moved.File = post.File // what the file is called says nothing of the address
	}
	if p.Site.Source != nil && moved.Base == nil {
		moved.Base = was.Saying() // its file may be there already
	}
	before, err := p.Site.foldOf(was.Permalink)
	if err != nil {
		return err
	}
	page, err := tx.PageAt(before)
	if err != nil {
		return err
	}
	if _, err := p.Site.refile(tx, page, moved.Permalink); err != nil {
		return err
	}
	moved.Former = append(slices.Clone(was.Former), was.Permalink)
	*post = moved
	return cmp.Or(tx.MoveCopies(was.Permalink, moved.Permalink), tx.DropPost(was.Permalink))
}

// foldOf is a permalink as pages are told apart.
func (s *Site) foldOf(permalink string) (string, error) {
	u, err := url.Parse(permalink)
	if err != nil {
		return "", err
	}
	folded, ok := s.Fold(u)
	if !ok {
		return "", errors.New(permalink + " is no address of the site")
	}
	return folded, nil
}

// leave takes away what a post has left at its former addresses, where we make the pages.
func (s *Site) leave(ctx context.Context, post store.Post) error {
	for _, former := range post.Former {
		gone := publish.Change{Site: about(s), Post: publish.Post{Permalink: former, Deleted: true}, PageOnly: true}
		if err := s.Publish.Publish(ctx, gone); err != nil {
			return err
		}
	}
	return nil
}

// Moved is the address that a page has now whose former one is asked for; "" when it has
// not moved, or readers may not see it.
func (c *Conversation) Moved(ctx context.Context, address *url.URL) (now string) {
	folded, ok := c.Site.Fold(address)
	if !ok {
		return ""
	}
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		page, err := tx.PageAt(folded)
		if err != nil {
			return err
		}
		post, err := tx.Post(page.URL)
		if err = ignore(err, fs.ErrNotExist); err != nil {
			return err
		}
		own, err := c.Site.foldOf(page.URL)
		if err == nil && own != folded && (post.Visible() && post.Permalink != "" || c.Site.hasFile(own)) {
			now = page.URL
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return now
}
