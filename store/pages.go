package store

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Page is what a conversation belongs to: one page of the site, whatever
// addresses lead to it. Its addresses are aliases; pages that turn out to be one are
// merged, and the merged one forwards.
type Page struct {
	ID       string    `json:"id"`
	URL      string    `json:"url"`                // canonical
	Revision uint64    `json:"revision,omitempty"` // the change at which its public conversation last changed
	Changed  time.Time `json:"changed,omitzero"`   // when that was
	Merged   string    `json:"merged,omitempty"`   // id of the page it was merged into
	Found    bool      `json:"found,omitempty"`    // the page is known to exist; false until it was looked at
	Looked   time.Time `json:"looked,omitzero"`    // when the site was last asked what page it is; zero: never
	Created  time.Time `json:"created"`

	// Addresses are the folded addresses that lead here, in the order in which they were
	// given. PutPage keeps them. Those of the pages that were merged into this one stay
	// theirs, so that a record does not grow with every merge.
	Addresses []string `json:"addresses,omitempty"`
}

var pages = table[Page]{
	name: "pages", kind: "page", version: 1,
	key: func(p *Page) string { return p.ID },
	indexes: func(p *Page) (entries []indexEntry) {
		for _, a := range p.Addresses {
			entries = append(entries, indexEntry{aliases, a})
		}
		return entries
	},
}

const aliases = "aliases" // folded address → page id

// maxMerges bounds how far a page is followed: nobody moves a page so often.
const maxMerges = 100

// Page reads a page by id, following merges.
func (tx *Tx) Page(id string) (Page, error) {
	for range maxMerges {
		p, err := tx.page(id)
		if err != nil || p.Merged == "" {
			return p, err
		}
		id = p.Merged
	}
	return Page{}, fmt.Errorf("page %q: merged in a circle: %w", id, fs.ErrNotExist)
}

// page reads a page as it is. It is asked for with every request.
func (tx *Tx) page(id string) (Page, error) {
	full := key(tx.Site, pages.name, id)
	raw := tx.r.get(full)
	if p, ok := tx.pages.get(full, raw); ok {
		return p, nil
	}
	p, err := pages.get(tx, id)
	if err == nil && tx.w == nil {
		tx.pages.put(full, raw, p)
	}
	return p, err
}

// PageAt reads the page that an alias leads to. The caller folds the address.
func (tx *Tx) PageAt(alias string) (Page, error) {
	id := tx.r.get(key(tx.Site, aliases, alias))
	if id == nil {
		return Page{}, fmt.Errorf("page at %s: %w", alias, fs.ErrNotExist)
	}
	return tx.Page(string(id))
}

// PutPage writes a page, and the folded addresses that lead to it from now on beside
// those that do already. An address that led to another page is taken from it.
func (tx *Tx) PutPage(p Page, addresses ...string) error {
	was, err := pages.find(tx, p.ID)
	if err != nil {
		return err
	}
	p.Addresses = nil
	if was != nil {
		p.Addresses = slices.Clone(was.Addresses)
	}
	for _, a := range addresses {
		if slices.Contains(p.Addresses, a) {
			continue
		}
		if err := tx.takeAddress(a); err != nil {
			return err
		}
		p.Addresses = append(p.Addresses, a)
	}
	return pages.replace(tx, was, &p)
}

// takeAddress takes an address from the page that has it, if one has.
func (tx *Tx) takeAddress(address string) error {
	id := tx.r.get(key(tx.Site, aliases, address))
	if id == nil {
		return nil
	}
	was, err := pages.find(tx, string(id))
	if err != nil || was == nil {
		return err
	}
	less := *was
	less.Addresses = slices.DeleteFunc(slices.Clone(was.Addresses), func(a string) bool { return a == address })
	return pages.replace(tx, was, &less)
}

// AddressesBelow lists up to most folded addresses of pages: the one that is asked for,
// and those whose path or query continues it.
func (tx *Tx) AddressesBelow(folded string, most int) []string {
	var found []string
	pre := prefix(tx.Site, aliases)
	below := strings.TrimSuffix(folded, "/")
	for k := range tx.r.scan(append(bytes.Clone(pre), below...), nil, false) {
		address := string(k[len(pre):])
		rest := address[len(below):]
		if rest != "" && rest[0] != '/' && rest[0] != '?' {
			continue
		}
		if found = append(found, address); len(found) == most {
			break
		}
	}
	return found
}

// DropPage removes a page that was never found to exist, and its addresses.
func (tx *Tx) DropPage(id string) error { return pages.delete(tx, id) }
