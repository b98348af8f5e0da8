package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"tertulia/store"
)

// Remapped is what became of one former address, or would become of it.
type Remapped struct {
	Old      string `json:"old"`
	New      string `json:"new"`
	Mentions int    `json:"mentions"`          // that go along, in any state
	Problem  string `json:"problem,omitempty"` // why it stays where it is; "": it does not
}

// Remap is how pages are remapped.
type Remap struct {
	By     string // who says so
	Prefix bool   // all known pages at and below the old address, each to the same place below the new one
	Dry    bool   // only say what would happen
}

// mostPages bounds how many pages a tree has, and mentions a page, as far as is counted.
const mostPages = 100_000

// ErrStays is returned for an address that cannot be remapped as it stands.
var ErrStays = errors.New("it stays where it is")

// Remap joins the conversation at a former address to that of the page at a new one,
// which must be there: fs.ErrNotExist when it is not. The former address leads there from
// then on, and so does whatever is sent to it. Of many pages those that cannot be
// remapped say why, and the others are.
//
// Done the other way round it brings the conversation back under its former address,
// but whole: what two pages had said to them is not told apart again.
func (p *Pages) Remap(ctx context.Context, from, to string, how Remap) ([]Remapped, error) {
	old, err := p.address(from)
	if err != nil {
		return nil, err
	}
	now, err := p.address(to)
	if err != nil {
		return nil, err
	}
	if !how.Prefix {
		one, err := p.remap(ctx, old, now, how)
		return []Remapped{one}, err
	}
	return p.remapBelow(ctx, old, now, how)
}

func (p *Pages) address(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, err
	}
	if _, ok := p.Site.Fold(u); !ok {
		return nil, fmt.Errorf("%s is no address of %s: %w", s, p.Site.Me(), ErrStays)
	}
	return u, nil
}

// remap joins one page to another.
func (p *Pages) remap(ctx context.Context, old, now *url.URL, how Remap) (Remapped, error) {
	done := Remapped{Old: p.Site.canonical(old)}
	before, _ := p.Site.Fold(old)
	if p.same(old, now) {
		return done, fmt.Errorf("%s and %s are one address: %w", old, now, ErrStays)
	}
	at, err := p.known(ctx, now)
	if err != nil {
		return done, err
	}
	done.New = at
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		page, err := p.leaving(tx, before)
		if page.ID != "" {
			done.Old = page.URL
		}
		done.Mentions = tx.CountFiled(page.ID, mostPages)
		return err
	})
	if err != nil || how.Dry {
		return done, err
	}
	return done, p.DB.Update(ctx, p.Site.Key, func(tx *store.Tx) error {
		page, err := p.leaving(tx, before)
		if err == nil && page.ID == "" {
			// Nobody has mentioned it yet: it is only an address of the other page.
			page = store.Page{ID: store.NewID(tx.Now), Created: tx.Now}
			err = tx.PutPage(page, before)
		}
		if err != nil {
			return err
		}
		if _, err := p.Site.refile(tx, page, at); err != nil {
			return err
		}
		return tx.Record(store.Decision{By: how.By, Action: "remap", Subject: done.Old, Note: "to " + at})
	})
}

// known is the canonical address of a page that is there.
func (p *Pages) known(ctx context.Context, address *url.URL) (at string, err error) {
	folded, _ := p.Site.Fold(address)
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		post, err := p.postAt(tx, folded)
		if err == nil && post.Permalink != "" {
			if at = post.Permalink; !post.Visible() || secret(post) {
				return fmt.Errorf("%s: %w", address, fs.ErrNotExist)
			}
		}
		return err
	})
	if err != nil || at != "" {
		return at, err
	}
	found, err := p.locate(ctx, address)
	if err != nil {
		return "", err
	}
	return p.Site.canonical(found), nil
}

// postAt reads the post whose own address is a folded one; without a permalink when
// there is none.
func (p *Pages) postAt(tx *store.Tx, folded string) (store.Post, error) {
	page, err := tx.PageAt(folded)
	if err != nil {
		return store.Post{}, ignore(err, fs.ErrNotExist)
	}
	post, err := tx.Post(page.URL)
	if own, bad := p.Site.foldOf(page.URL); err != nil || bad != nil || own != folded {
		return store.Post{}, ignore(err, fs.ErrNotExist)
	}
	return post, nil
}

// leaving reads the page that has a folded address for its own; without an id when
// there is none yet.
func (p *Pages) leaving(tx *store.Tx, folded string) (store.Page, error) {
	page, err := tx.PageAt(folded)
	if err != nil {
		return store.Page{}, ignore(err, fs.ErrNotExist)
	}
	if own, err := p.Site.foldOf(page.URL); err != nil || own != folded {
		return page, fmt.Errorf("%s is a former address of %s: remap that: %w", folded, page.URL, ErrStays)
	}
	post, err := p.postAt(tx, folded)
	if err == nil && post.Visible() && post.Permalink != "" {
		return page, fmt.Errorf("%s is a post, which moves with another mp-slug: %w", page.URL, ErrStays)
	}
	return page, err
}

// remapBelow joins each known page of a tree to the one at its place in another.
func (p *Pages) remapBelow(ctx context.Context, old, now *url.URL, how Remap) (all []Remapped, err error) {
	before, _ := p.Site.Fold(old)
	after, _ := p.Site.Fold(now)
	if before == after {
		return nil, fmt.Errorf("%s and %s are one address: %w", old, now, ErrStays)
	}
	type place struct{ old, now string }
	var places []place
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		there := tx.AddressesBelow(after, mostPages)
		for _, folded := range tx.AddressesBelow(before, mostPages) {
			if after != "/" && slices.Contains(there, folded) {
				continue // in the new tree, inside the old one
			}
			page, err := tx.PageAt(folded)
			if err != nil {
				continue
			}
			if own, err := p.Site.foldOf(page.URL); err != nil || own != folded {
				continue // a former address, whose page goes by its own
			}
			rest := strings.TrimPrefix(folded, strings.TrimSuffix(before, "/"))
			places = append(places, place{page.URL, p.Site.at(strings.TrimSuffix(after, "/")+rest, page.URL)})
		}
		return nil
	})
	for _, one := range places {
		if err != nil {
			return all, err
		}
		from, bad := url.Parse(one.old)
		to, worse := url.Parse(one.now)
		if bad != nil || worse != nil {
			continue // what is kept can be parsed
		}
		var done Remapped
		if done, err = p.remap(ctx, from, to, how); errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrStays) {
			done.New, done.Problem, err = one.now, err.Error(), nil
		}
		all = append(all, done)
	}
	return all, err
}

// at makes an address of a folded one, with a slash at its end if another has one.
func (s *Site) at(folded, like string) string {
	path, query, _ := strings.Cut(folded, "?")
	likePath, _, _ := strings.Cut(like, "?")
	if strings.HasSuffix(likePath, "/") && !strings.HasSuffix(path, "/") {
		path += "/"
	}
	address := s.URL.Scheme + "://" + s.URL.Host + strings.TrimSuffix(s.URL.EscapedPath(), "/") + path
	if query != "" {
		address += "?" + query
	}
	return address
}
