package store

import (
	"fmt"
	"io/fs"
	"time"
)

// Trust is what the owner has decided about a person or a host.
type Trust string

// A person's mentions wait unless the owner trusts them. A muted person's are kept and
// shown to nobody, a blocked person's are rejected unseen.
const (
	Unknown Trust = ""
	Trusted Trust = "trusted"
	Muted   Trust = "muted"
	Blocked Trust = "blocked"
)

// Person is the author behind mentions. Identities are the addresses that were
// confirmed to be theirs, without scheme: a profile ("bea.example/", "tilde.example/~bea"), a
// handle ("bea@social.example"). A host that the owner has decided about is kept as a
// person too, whose one identity is "host:" with its name.
type Person struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	URL        string    `json:"url"`
	Photo      string    `json:"photo,omitempty"`
	Identities []string  `json:"identities"` // folded
	Trust      Trust     `json:"trust,omitempty"`
	Since      time.Time `json:"since,omitzero"` // of the trust
	Created    time.Time `json:"created"`
	Places     []string  `json:"places,omitempty"` // elsewhere, whose pages their profile calls theirs: these may name them
	Merged     string    `json:"merged,omitempty"` // id of the person that they turned out to be; that one has the identities
}

const (
	personKey   = "person_key"   // identity → id
	peopleTrust = "people_trust" // trust·since·id → id: those about whom something is decided
)

var people = table[Person]{
	name: "people", kind: "person", version: 1,
	key: func(p *Person) string { return p.ID },
	indexes: func(p *Person) []indexEntry {
		var entries []indexEntry
		for _, identity := range p.Identities {
			entries = append(entries, indexEntry{personKey, identity})
		}
		return append(entries, trustEntries(p)...)
	},
}

func trustEntries(p *Person) []indexEntry {
	if p.Trust == Unknown || p.Merged != "" {
		return nil
	}
	return []indexEntry{{peopleTrust, join(string(p.Trust), timePart(p.Since), p.ID)}}
}

// PeopleWith lists the people and hosts with a trust that was decided, and the cursor of the rest.
func (tx *Tx) PeopleWith(trust Trust, r Range) ([]Person, string, error) {
	return people.list(tx, r, nil, peopleTrust, string(trust))
}

// Person reads a person by id, following merges.
func (tx *Tx) Person(id string) (Person, error) {
	for range 10 {
		p, err := people.get(tx, id)
		if err != nil || p.Merged == "" {
			return p, err
		}
		id = p.Merged
	}
	return Person{}, fmt.Errorf("person %q: merged in a circle: %w", id, fs.ErrNotExist)
}

// PersonBy reads the person with an identity.
func (tx *Tx) PersonBy(identity string) (Person, error) {
	return people.lookup(tx, personKey, identity)
}

// Identities lists at most limit identities that begin with a prefix, and the id of the
// person that has each.
func (tx *Tx) Identities(begin string, limit int) map[string]string {
	found := map[string]string{}
	table := prefix(tx.Site, personKey)
	for k, id := range tx.r.scan(key(tx.Site, personKey, begin), nil, false) {
		if len(found) == limit {
			break
		}
		found[string(k[len(table):])] = string(id)
	}
	return found
}

// People lists at most limit people that are wanted, the newest first; keep may be nil.
func (tx *Tx) People(limit int, keep func(*Person) bool) []Person {
	var found []Person
	pre := prefix(tx.Site, people.name)
	for k, v := range tx.r.scan(pre, nil, true) {
		if len(found) == limit {
			break
		}
		p, err := people.decode(k, string(k[len(pre):]), v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		if p.Merged == "" && (keep == nil || keep(p)) {
			found = append(found, *p)
		}
	}
	return found
}

// PeopleTo lists at most limit people who became known before one, the newest first, those who were
// merged into others among them; "" begins at the newest.
func (tx *Tx) PeopleTo(id string, limit int) []Person {
	var found []Person
	pre := prefix(tx.Site, people.name)
	var from []byte
	if id != "" {
		from = key(tx.Site, people.name, id)
	}
	for k, v := range tx.r.scan(pre, from, true) {
		at := string(k[len(pre):])
		if at == id {
			continue
		}
		if len(found) == limit {
			break
		}
		p, err := people.decode(k, at, v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		found = append(found, *p)
	}
	return found
}

// PutPerson writes a person. Who was erased is refused with [ErrErased].
func (tx *Tx) PutPerson(p Person) error {
	if tx.refusedPerson(&p) {
		return fmt.Errorf("person %s: %w", p.ID, ErrErased)
	}
	return people.put(tx, p)
}
