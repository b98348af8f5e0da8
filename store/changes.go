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

// change appends a change and makes it the revision of its page. A number that is newer
// than all others stays, with its time.
func (tx *Tx) change(c Change) (uint64, error) {
	if last := tx.LastChange(); c.Number <= last {
		c.Number, c.At = last+1, tx.Now
	}
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

// MaxNumber is the highest wm-id that is taken over from elsewhere: nobody has given so many,
// and no client's language writes a number of that size otherwise.
const MaxNumber = 1 << 40

// Keepable tells what of a wm-id and a wm-received, given by another service, a mention can
// have here when it becomes public in this transaction: 0 and the zero time for what it is
// given anew. Either is kept where it comes after all that was public before, so that who
// polls by the one or the other misses nothing.
func (tx *Tx) Keepable(number uint64, at time.Time) (uint64, time.Time) {
	if number <= tx.LastChange() || number > MaxNumber {
		return 0, time.Time{}
	}
	if at.IsZero() || at.After(tx.Now) || at.Before(tx.lastPublic()) {
		at = tx.Now
	}
	return number, at
}

// lastPublic is when something became public last; the zero time if nothing ever did.
func (tx *Tx) lastPublic() time.Time {
	pre := prefix(tx.Site, changes.name)
	for k, v := range tx.r.scan(pre, nil, true) {
		c, err := changes.decode(k, string(k[len(pre):]), v)
		if err == nil && c.Public {
			return c.At
		}
	}
	return time.Time{}
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
