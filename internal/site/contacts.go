package site

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// An h-card that an editor creates is a contact (SPECS MX-17, CL-26): it goes into the
// owner's address book, where q=contact finds it, and is no page. Its address is for the
// editors that change it or take it away; readers find nothing there.

func isContact(item mf2.Item) bool { return slices.Contains(item.Type, "h-card") }

// contactID is the id in the address of a contact.
func (p *Posts) contactID(address string) (id string, ok bool) {
	return strings.CutPrefix(address, p.Site.Endpoint("contact/"))
}

// createContact keeps a contact. The same request within ten minutes keeps one.
func (p *Posts) createContact(ctx context.Context, g micropub.Grant, c micropub.Create) (made micropub.Created, err error) {
	err = p.DB.Update(ctx, p.Site.Key, func(tx *store.Tx) error {
		before, err := madeBefore(tx, c.Digest)
		if err != nil {
			return err
		}
		if id, ok := p.contactID(before); ok {
			if known, err := tx.Contact(id); err == nil && known.Deleted.IsZero() {
				made.URL = before
				return nil
			}
		}
		kept := store.Contact{ID: store.NewID(tx.Now), Item: c.Item, Created: tx.Now, Client: g.ClientID}
		made.URL = p.Site.Endpoint("contact/" + kept.ID)
		return cmp.Or(remember(tx, c.Digest, made.URL), tx.PutContact(kept))
	})
	if err != nil {
		return micropub.Created{}, err
	}
	return made, nil
}

// contact reads a contact that was not deleted.
func (p *Posts) contact(ctx context.Context, id string) (c store.Contact, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		c, err = tx.Contact(id)
		return err
	})
	if err == nil && !c.Deleted.IsZero() {
		err = fmt.Errorf("contact %s is deleted: %w", id, fs.ErrNotExist)
	}
	return c, err
}

func (p *Posts) updateContact(ctx context.Context, id string, u micropub.Update) error {
	return p.DB.Update(ctx, p.Site.Key, func(tx *store.Tx) error {
		c, err := tx.Contact(id)
		if err != nil {
			return err
		}
		if !c.Deleted.IsZero() {
			return &micropub.Error{Code: micropub.InvalidRequest, Description: "the contact is deleted; undelete it first"}
		}
		if c.Item, err = u.Apply(c.Item); err != nil {
			return err
		}
		c.Updated = tx.Now
		return tx.PutContact(c)
	})
}

// deleteContact takes a contact away, or brings it back. A second time changes nothing.
func (p *Posts) deleteContact(ctx context.Context, id string, away bool) error {
	return p.DB.Update(ctx, p.Site.Key, func(tx *store.Tx) error {
		c, err := tx.Contact(id)
		if err != nil || away != c.Deleted.IsZero() {
			return err
		}
		if c.Deleted = (time.Time{}); away {
			c.Deleted = tx.Now
		}
		return tx.PutContact(c)
	})
}

// Contacts lists the address book by name.
func (p *Posts) Contacts(ctx context.Context, _ micropub.Grant) (list []micropub.Contact, err error) {
	var kept []store.Contact
	if err := p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) (err error) {
		kept, err = tx.Contacts()
		return err
	}); err != nil {
		return nil, err
	}
	for _, c := range kept {
		it := c.Item
		one := micropub.Contact{Nickname: it.Get("nickname"), URL: absolute(it.URLs("url")), Photo: absolute(it.URLs("photo")), InternalURL: p.Site.Endpoint("contact/" + c.ID)}
		one.Name = cmp.Or(it.Get("name"), one.Nickname, one.URL)
		list = append(list, one)
	}
	slices.SortStableFunc(list, func(a, b micropub.Contact) int {
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return list, nil
}

// absolute is the first of some addresses that leads somewhere on the web.
func absolute(addresses []string) string {
	for _, a := range addresses {
		if u, err := url.Parse(a); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
			return a
		}
	}
	return ""
}
