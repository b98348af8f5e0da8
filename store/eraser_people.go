package store

import (
	"context"
	"slices"
	"strings"
)

// people finds who goes, and takes from those who stay what they were known by there.
func (e *eraser) people(ctx context.Context) error {
	var mend []Person
	err := eachRecord(ctx, e.db, e.site, &people, func(p Person) {
		// Who was merged comes after the older record that they were merged into.
		switch stays, known := e.person(&p); {
		case e.persons[p.Merged], known && !stays:
			e.persons[p.ID], e.gone = true, append(e.gone, p.ID)
			e.done.People++
		case known:
			e.done.Mended++
			mend = append(mend, p)
		}
	})
	for some := range slices.Chunk(mend, erasedAtOnce) {
		if err == nil && !e.dry {
			err = e.db.Update(ctx, e.site, func(tx *Tx) error {
				for _, p := range some {
					if err := people.put(tx, p); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	return err
}

// person tells whether somebody is known by what is erased. Who has another profile elsewhere,
// and was not meant as a person, stays with that one.
func (e *eraser) person(p *Person) (stays, known bool) {
	there := func(address string) bool { return e.covers(ErasedPerson, address, p.Created) }
	elsewhere := slices.DeleteFunc(slices.Clone(p.Identities), func(identity string) bool {
		if host, ok := strings.CutPrefix(identity, "host:"); ok {
			return e.covers(ErasedHost, host, p.Created)
		}
		return there(identity)
	})
	named := slices.ContainsFunc(append(slices.Clone(p.Identities), p.URL), func(identity string) bool {
		return e.is(Erased{ErasedPerson, identity}.folded(), p.Created)
	})
	known = len(elsewhere) < len(p.Identities) || there(p.URL)
	if named || len(elsewhere) == 0 {
		return false, known
	}
	p.Identities = elsewhere
	p.Places = slices.DeleteFunc(slices.Clone(p.Places), there)
	if there(p.URL) {
		p.URL = "https://" + elsewhere[0]
	}
	if there(p.Photo) {
		p.Photo = ""
	}
	return true, known
}

func dropPeople(tx *Tx, ids []string) error {
	for _, id := range ids {
		if err := tx.dropJob(aboutPerson, id, &Erasure{}); err != nil {
			return err
		}
		if err := dropIfThere(tx, &people, id); err != nil {
			return err
		}
	}
	return nil
}

// refusedPerson tells the same of a person.
func (tx *Tx) refusedPerson(p *Person) bool {
	for _, identity := range p.Identities {
		if host, ok := strings.CutPrefix(identity, "host:"); ok && tx.ledger.refuses(tx.Site, Erased{ErasedHost, host}) || !ok && tx.ledger.refuses(tx.Site, Erased{ErasedPerson, identity}) {
			return true
		}
	}
	return false
}
