package store

import "time"

// Trust is what the owner has decided about a person.
type Trust string

// A person's mentions wait unless the owner trusts them; a blocked person's are
// rejected unseen.
const (
	Unknown Trust = ""
	Trusted Trust = "trusted"
	Blocked Trust = "blocked"
)

// Person is the author behind mentions. Identities are the addresses that were
// confirmed to be theirs: a profile URL on the host that the mention came from.
type Person struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	URL        string    `json:"url"`
	Photo      string    `json:"photo,omitempty"`
	Identities []string  `json:"identities"` // folded
	Trust      Trust     `json:"trust,omitempty"`
	Since      time.Time `json:"since,omitzero"` // of the trust
	Created    time.Time `json:"created"`
}

const personKey = "person_key" // identity → id

var people = table[Person]{
	name: "people", kind: "person", version: 1,
	key: func(p *Person) string { return p.ID },
	indexes: func(p *Person) []indexEntry {
		var entries []indexEntry
		for _, identity := range p.Identities {
			entries = append(entries, indexEntry{personKey, identity})
		}
		return entries
	},
}

// Person reads a person by id.
func (tx *Tx) Person(id string) (Person, error) { return people.get(tx, id) }

// PersonBy reads the person with an identity.
func (tx *Tx) PersonBy(identity string) (Person, error) {
	return people.lookup(tx, personKey, identity)
}

// PutPerson writes a person.
func (tx *Tx) PutPerson(p Person) error { return people.put(tx, p) }

// Decision is one line of the audit: who decided what, when.
type Decision struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`             // me of the person, or "command line"
	Action  string    `json:"action"`         // approve, reject, delete, trust, block…
	Subject string    `json:"subject"`        // id of what it is about
	Note    string    `json:"note,omitempty"` // how it stood before
}

var audit = table[Decision]{
	name: "audit", kind: "decision", version: 1,
	key: func(d *Decision) string { return d.ID },
}

// Record writes a decision into the audit. It fills in ID and At.
func (tx *Tx) Record(d Decision) error {
	d.ID, d.At = NewID(tx.Now), tx.Now
	return audit.put(tx, d)
}

// Decisions lists the audit, oldest first.
func (tx *Tx) Decisions() ([]Decision, error) { return audit.all(tx, nil) }
