package site

import (
	"context"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"tertulia/internal/publish"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// Who may see a post is what its visibility says (SPECS MX-4).
//
// An unlisted one has a page and stands in no list. A private one is for the owner: of it
// nothing leaves the store, its page is made when the owner asks for it, and whoever else
// asks is told what they are told of an address that never was (HOSTILE 40). One that was
// public before answers 410, as a deleted one or a draft does: that there was a page is
// known, those it had linked to are told that it has gone, and nobody learns why.
const (
	unlisted = "unlisted"
	private  = "private"
)

func visibility(item mf2.Item) string {
	return strings.ToLower(strings.TrimSpace(item.Get("visibility")))
}

// visibilities are those that a post of the site can have. Where the pages are not ours to
// keep back, or the owner could not be recognised at them, there is no private one.
func (s *Site) visibilities() []string {
	if s.Render == nil {
		return []string{"public", unlisted}
	}
	return []string{"public", unlisted, private}
}

// check tells whether we can do what a post asks for, and its date if it has one.
func (p *Posts) check(item mf2.Item) (date time.Time, err error) {
	// What is not for everybody must not be published.
	switch v := visibility(item); {
	case v == "", v == "public", v == unlisted, v == private && p.Site.Render != nil:
		return postDate(item)
	}
	return date, &micropub.Error{Code: micropub.InvalidRequest, Description: "visibility can be " + strings.Join(p.Site.visibilities(), " or ") + "; this site has no other"}
}

// forOwner tells whether the owner alone may see a post.
func forOwner(post store.Post) bool {
	return post.Private && !post.Draft && post.Deleted.IsZero()
}

// hiddenFrom tells whether an editor is shown nothing of a post: one that may only draft need
// not know what is private.
func hiddenFrom(g micropub.Grant, post store.Post) bool { return g.DraftsOnly() && forOwner(post) }

// Private makes the page of a private post, for the owner. fs.ErrNotExist when there is
// none at that address.
func (p *Posts) Private(ctx context.Context, address *url.URL) ([]byte, error) {
	folded, ok := p.Site.Fold(address)
	if !ok || p.Site.Render == nil {
		return nil, fs.ErrNotExist
	}
	c := publish.Change{Site: about(p.Site)}
	err := p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		page, err := tx.PageAt(folded)
		if err != nil {
			return err
		}
		post, err := tx.Post(page.URL)
		if err == nil && !forOwner(post) {
			err = fs.ErrNotExist
		}
		if err != nil {
			return err
		}
		c.Post = publishable(post)
		c.Post.Deleted = false
		c.Post.Pictures, err = p.Site.pictures(tx, post.Item)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.Site.Render(c)
}
