package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strings"

	"tertulia/internal/media"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// Desk makes a site's Uploads a micropub.Backend whose editors may post to other sites of
// the service as well (SPECS MX-18). A post is its site's alone: it is kept, published and
// known by its repeats there. Requests about one find it by its address.
type Desk struct {
	*Uploads
	Others []*Uploads
}

// Destinations lists the sites, this one first; none when there is no choice.
func (d *Desk) Destinations(context.Context) (list []micropub.Destination, err error) {
	if len(d.Others) == 0 {
		return nil, nil
	}
	for _, u := range d.all() {
		list = append(list, micropub.Destination{UID: u.Site.Me(), Name: u.Site.Name})
	}
	return list, nil
}

func (d *Desk) all() []*Uploads { return append([]*Uploads{d.Uploads}, d.Others...) }

// chosen is the site that mp-destination names; this one when it names none. A post for a
// site that is not known appears nowhere.
func (d *Desk) chosen(values []any) (*Uploads, error) {
	at := d.Uploads
	for i, v := range values {
		uid, _ := v.(string)
		var named *Uploads
		for _, u := range d.all() {
			if strings.TrimSuffix(uid, "/") == strings.TrimSuffix(u.Site.Me(), "/") {
				named = u
			}
		}
		switch {
		case named == nil:
			return nil, &micropub.Error{Code: micropub.InvalidRequest, Description: "mp-destination is none of the sites that q=destination lists"}
		case i > 0 && named != at:
			return nil, &micropub.Error{Code: micropub.InvalidRequest, Description: "a post goes to one mp-destination"}
		}
		at = named
	}
	return at, nil
}

// at is the site that an address belongs to: the deepest, where one lies below another.
func (d *Desk) at(address string) *Uploads {
	found, rest := d.Uploads, ""
	u, err := url.Parse(address)
	if err != nil {
		return found
	}
	for _, one := range d.all() {
		if _, contact := one.contactID(address); contact {
			return one
		}
		if below, ok := one.Site.own(u); ok && (rest == "" || len(below) < len(rest)) {
			found, rest = one, below
		}
	}
	return found
}

// Create keeps a post at its destination.
func (d *Desk) Create(ctx context.Context, g micropub.Grant, c micropub.Create) (micropub.Created, error) {
	to, err := d.chosen(c.Commands["mp-destination"])
	if err != nil {
		return micropub.Created{}, err
	}
	if _, err := to.check(c.Item); err == nil && to.Site.Publish != nil {
		if c.Item, err = d.carry(ctx, to, c.Item); err != nil {
			return micropub.Created{}, err
		}
	} // else it is refused
	return to.Create(ctx, g, c)
}

// Update changes a post where it is. It does not move to another site.
func (d *Desk) Update(ctx context.Context, g micropub.Grant, permalink string, u micropub.Update) (string, error) {
	at := d.at(permalink)
	if named := u.Commands["mp-destination"]; len(named) > 0 {
		to, err := d.chosen(named)
		if err != nil {
			return "", err
		}
		if to != at {
			return "", &micropub.Error{Code: micropub.InvalidRequest, Description: "a post does not move to another site; post it there"}
		}
	}
	for _, values := range []*map[string][]any{&u.Replace, &u.Add, &u.Delete} {
		brought, err := d.carry(ctx, at, mf2.Item{Properties: *values})
		if err != nil {
			return "", err
		}
		*values = brought.Properties
	}
	return at.Update(ctx, g, permalink, u)
}

// Delete hides a post where it is.
func (d *Desk) Delete(ctx context.Context, g micropub.Grant, permalink string) error {
	return d.at(permalink).Delete(ctx, g, permalink)
}

// Undelete brings a post back where it was.
func (d *Desk) Undelete(ctx context.Context, g micropub.Grant, permalink string) (string, error) {
	return d.at(permalink).Undelete(ctx, g, permalink)
}

// Source gives a post back as it was sent.
func (d *Desk) Source(ctx context.Context, g micropub.Grant, permalink string) (mf2.Item, error) {
	return d.at(permalink).Source(ctx, g, permalink)
}

// List lists the posts of the site that mp-destination names in the query.
func (d *Desk) List(ctx context.Context, g micropub.Grant, q micropub.Query) (micropub.List, error) {
	var values []any
	if uid := q.Values.Get("mp-destination"); uid != "" {
		values = append(values, uid)
	}
	at, err := d.chosen(values)
	if err != nil {
		return micropub.List{}, err
	}
	return at.List(ctx, g, q)
}

// carry brings the uploads that an item shows to the site where it goes, so that they are
// there for as long as the post is, and go with it into the source. Editors upload to the
// media endpoint of the site that they are signed in at.
func (d *Desk) carry(ctx context.Context, to *Uploads, item mf2.Item) (mf2.Item, error) {
	if to == d.Uploads {
		return item, nil
	}
	addresses := map[string]string{}
	for _, name := range d.Site.uploads(item) {
		switch there, err := to.bring(ctx, d.Uploads, name); {
		case err != nil:
			return item, err
		case there:
			addresses[name] = to.Site.Endpoint("media/" + name)
		}
	}
	return d.Site.showingAll(item, addresses), nil
}

// showingAll is showing for an item and what is nested in it.
func (s *Site) showingAll(item mf2.Item, addresses map[string]string) mf2.Item {
	item = s.showing(item, addresses)
	for i, child := range item.Children {
		item.Children[i] = s.showingAll(child, addresses)
	}
	return item
}

// bring copies an upload of another site, under the name that it has there, and tells
// whether it is here now. A second time changes nothing.
func (u *Uploads) bring(ctx context.Context, from *Uploads, name string) (there bool, err error) {
	row, err := u.row(ctx, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	if row, err = from.row(ctx, name); err != nil {
		return false, ignore(err, fs.ErrNotExist) // an address that leads nowhere
	}
	if err := u.fits(ctx, row.Size); err != nil {
		return false, err
	}
	if err := media.Copy(from.Dir, u.Dir, name); err != nil {
		return false, ignore(err, fs.ErrNotExist) // it was deleted just now
	}
	row.Address, row.Live = "", false // where its copy is in the other site
	err = u.DB.Update(ctx, u.Site.Key, func(tx *store.Tx) error {
		if _, err := tx.Media(name); !errors.Is(err, fs.ErrNotExist) {
			return err // another request has brought it meanwhile
		}
		row.Created = tx.Now
		return cmp.Or(u.within(tx, row.Size), tx.PutMedia(row), u.promise(tx, row)) // Sweep takes the copy of one that is refused
	})
	return err == nil, err
}

func (u *Uploads) row(ctx context.Context, name string) (row store.Media, err error) {
	err = u.DB.View(ctx, u.Site.Key, func(tx *store.Tx) error {
		row, err = tx.Media(name)
		return err
	})
	return row, err
}
