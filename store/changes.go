package store

import "time"

// Change says that what readers see of a page is another than before. Changes are
// numbered per site in the order of the commits, without a gap that a reader could miss:
// who has seen number n has seen all below it.
type Change struct {
	Number  uint64    `json:"number"`
	At      time.Time `json:"at"`
	Page    string    `json:"page"`              // id
	Mention string    `json:"mention,omitempty"` // id
	Public  bool      `json:"public"`            // the mention is visible after it
}

var changes = table[Change]{
	name: "changes", kind: "change", version: 1,
	key: func(c *Change) string { return numberPart(c.Number) },
}

// change appends a change and makes it the revision of its page.
func (tx *Tx) change(c Change) (uint64, error) {
	c.Number, c.At = tx.LastChange()+1, tx.Now
	if err := changes.put(tx, c); err != nil {
		return 0, err
	}
	p, err := tx.Page(c.Page)
	if err != nil {
		return 0, err
	}
	p.Revision, p.Changed = c.Number, tx.Now
	return c.Number, tx.PutPage(p)
}

// TouchPage records that what readers see of a page is another than before although
// no mention has changed: its post was edited, deleted or brought back.
func (tx *Tx) TouchPage(id string) error {
	_, err := tx.change(Change{Page: id})
	return err
}

// LastChange is the number of the site's newest change, 0 before the first.
func (tx *Tx) LastChange() uint64 {
	pre := prefix(tx.Site, changes.name)
	for k := range tx.r.scan(pre, nil, true) {
		if len(k) != len(pre)+8 {
			panic(damaged(k, "its key is cut off"))
		}
		return parseNumberPart(string(k[len(pre):]))
	}
	return 0
}
