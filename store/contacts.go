package store

import (
	"time"

	"tertulia/mf2"
)

// Contact is an entry of the owner's address book, which editors keep. Item is the
// h-card that was sent.
type Contact struct {
	ID      string    `json:"id"`
	Item    mf2.Item  `json:"item"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated,omitzero"`
	Deleted time.Time `json:"deleted,omitzero"`
	Client  string    `json:"client,omitempty"` // client_id of the editor
}

var contacts = table[Contact]{
	name: "contacts", kind: "contact", version: 1,
	key: func(c *Contact) string { return c.ID },
}

// Contact reads a contact by id, deleted ones included.
func (tx *Tx) Contact(id string) (Contact, error) { return contacts.get(tx, id) }

// Contacts lists the address book in the order in which it came, without deleted ones.
func (tx *Tx) Contacts() ([]Contact, error) {
	return contacts.all(tx, func(c *Contact) bool { return c.Deleted.IsZero() })
}

// PutContact writes a contact.
func (tx *Tx) PutContact(c Contact) error { return contacts.put(tx, c) }
