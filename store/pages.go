package store

import (
	"fmt"
	"io/fs"
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
	Created  time.Time `json:"created"`
}

var pages = table[Page]{
	name: "pages", kind: "page", version: 1,
	key: func(p *Page) string { return p.ID },
}

const aliases = "aliases" // folded address → page id

// Page reads a page by id, following merges.
func (tx *Tx) Page(id string) (Page, error) {
	for range 10 {
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

// HasPage tells whether there is a page with this id.
func (tx *Tx) HasPage(id string) bool { return pages.has(tx, id) }

// PutPage writes a page, and the folded addresses that lead to it from now on.
func (tx *Tx) PutPage(p Page, addresses ...string) error {
	if err := pages.put(tx, p); err != nil {
		return err
	}
	for _, a := range addresses {
		if err := tx.w.put(key(tx.Site, aliases, a), []byte(p.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Aliases lists the folded addresses that lead to a page.
func (tx *Tx) Aliases(page string) []string {
	var found []string
	pre := prefix(tx.Site, aliases)
	for k, v := range tx.r.scan(pre, nil, false) {
		if string(v) == page {
			found = append(found, string(k[len(pre):]))
		}
	}
	return found
}

// DropPage removes a page that was never found to exist, and its aliases.
func (tx *Tx) DropPage(id string) error {
	for _, a := range tx.Aliases(id) {
		if err := tx.w.delete(key(tx.Site, aliases, a)); err != nil {
			return err
		}
	}
	return pages.delete(tx, id)
}
