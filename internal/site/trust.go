package site

import (
	"cmp"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"tertulia/store"
)

// hostIdentity begins the identity of a host that the owner has decided about.
const hostIdentity = "host:"

// maxPlaces is how many places of one person are remembered.
const maxPlaces = 20

// trustIn is how far the owner trusts who says a version. What was decided about the
// person counts before what was decided about a host. A block or a mute of a host hits all that
// speaks from it and from the hosts below it, by whatever way it came (HOSTILE 47). Trust
// in a host is for the very host that was read, and for nobody who claims to be somebody else
// there without proof.
func trustIn(tx *store.Tx, v *store.Version, hosts ...string) (store.Trust, error) {
	if v.Person != "" {
		p, err := tx.Person(v.Person)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return store.Unknown, err
		}
		if p.Trust != store.Unknown {
			return p.Trust, nil
		}
		if u, err := url.Parse(p.URL); err == nil && p.URL != "" {
			hosts = append(hosts, hostPort(u))
		}
	}
	trust := store.Unknown
	if len(tx.Identities(hostIdentity, 1)) == 0 {
		return trust, nil // no host was ever decided about
	}
	for i, host := range hosts {
		if slices.Contains(hosts[:i], host) {
			continue
		}
		for name, exact := host, true; name != ""; exact = false {
			p, err := tx.PersonBy(hostIdentity + name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return store.Unknown, err
			}
			switch p.Trust {
			case store.Blocked:
				return store.Blocked, nil
			case store.Muted:
				trust = store.Muted
			case store.Trusted:
				_, bridge := bridgeFor(host)
				if exact && !bridge && trust == store.Unknown && (v.Person != "" || v.Author.URL == "") {
					trust = store.Trusted
				}
			}
			name = hostAbove(name)
		}
	}
	return trust, nil
}

// hostAbove is the next wider name of a host: without its port, then without its first
// label; "" when there is none.
func hostAbove(name string) string {
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
		return name[:i]
	}
	if strings.HasPrefix(name, "[") {
		return ""
	}
	_, above, _ := strings.Cut(name, ".")
	return above
}

// hostsOf are the hosts that a mention speaks from: of a comment not the one where it was
// written, which is ours, but the one that its author names.
func hostsOf(m *store.Mention, v *store.Version) []string {
	var hosts []string
	addresses := []string{v.URL, m.Source}
	if m.Kind == store.Comment {
		addresses = []string{v.Author.URL}
	}
	for _, address := range addresses {
		if address == "" {
			continue
		}
		if u, err := url.Parse(address); err == nil && !slices.Contains(hosts, hostPort(u)) {
			hosts = append(hosts, hostPort(u))
		}
	}
	return hosts
}

// settle puts a mention where the trust in its person and its twin want it, and has the faces
// fetched that are to be seen there. It comes before the mention is written.
func (s *Site) settle(tx *store.Tx, m *store.Mention) error {
	m.Cluster = s.clusterOf(m)
	return cmp.Or(s.place(tx, m), s.askForFaces(tx, m))
}

// place puts a mention where the trust in its person and its twin want it. State is where it
// stands but for these; where they are in the way, that becomes Behind.
func (s *Site) place(tx *store.Tx, m *store.Mention) error {
	m.State, m.Behind, m.Ours = m.Stands(), "", s.isOwn(tx, m)
	trust := store.Unknown
	for _, v := range []*store.Version{m.Shown, m.Held} {
		if v == nil {
			continue
		}
		t, err := trustIn(tx, v, hostsOf(m, v)...)
		if err != nil {
			return err
		}
		if trust == store.Unknown || t == store.Blocked || t == store.Muted && trust == store.Trusted {
			trust = t
		}
	}
	switch {
	case s.Approve != ApprovePeople:
	case m.State == store.Pending && (m.Why == WhyPerson || m.Why == WhyAuthor) && trust == store.Trusted:
		m.State, m.Why, m.ByTrust = store.Approved, "", true
	case m.State == store.Approved && m.ByTrust && trust == store.Unknown:
		if m.Held != nil {
			m.Shown, m.Held = m.Held, nil
		}
		m.State, m.Why, m.ByTrust = store.Pending, whyUnknown(m.Shown), false
	}
	switch m.State {
	case store.Approved, store.Pending, store.Quarantined:
	default:
		return nil // whatever they say, nobody sees it
	}
	switch {
	case trust == store.Blocked:
		m.State, m.Behind = store.Rejected, m.State
	case trust == store.Muted:
		m.State, m.Behind = store.Silent, m.State
	case m.Twin != "":
		m.State, m.Behind = store.Duplicate, m.State
	}
	return nil
}

// whyUnknown is why a version waits of whose author nothing is decided.
func whyUnknown(v *store.Version) string {
	if v.Person == "" {
		return WhyAuthor
	}
	return WhyPerson
}

// resettle settles a mention that is kept already, and tells its history what moved it.
func (s *Site) resettle(tx *store.Tx, m store.Mention, person string) error {
	was, ours := m.State, m.Ours
	moved := false
	for _, v := range []*store.Version{m.Shown, m.Held} {
		if v != nil && v.Person != "" && person != "" && v.Person != person {
			v.Person, moved = person, true
		}
	}
	if moved && m.Entry != "" {
		if err := s.standFor(tx, &m); err != nil {
			return err
		}
	}
	if err := s.settle(tx, &m); err != nil || m.State == was && m.Ours == ours && !moved {
		return err
	}
	if m.State != was {
		m.History = store.AddEvent(m.History, store.Event{At: tx.Now, Stage: string(m.State), Note: "what is decided about its person or host is another now"})
	}
	return tx.PutMention(m)
}

// author finds or makes the person behind a version and sets it. Where several people
// are behind the identities of one claim, they are one person from now on. Who could not be
// confirmed is nobody; who could not be asked is whoever it was before.
func (l look) author(tx *store.Tx, m *store.Mention, v *store.Version) error {
	if len(l.by.identities) == 0 {
		if before := m.Shown; l.by.unasked && before != nil && before.Author.URL == v.Author.URL {
			v.Person = before.Person
		}
		return nil
	}
	var p store.Person
	for _, identity := range l.by.identities {
		if slices.Contains(p.Identities, identity) {
			continue
		}
		found, err := tx.PersonBy(identity)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case p.ID == "":
			p = found
		case p.ID != found.ID:
			if p, err = merge(tx, p, found); err != nil {
				return err
			}
		}
	}
	if p.ID == "" {
		p = store.Person{ID: store.NewID(tx.Now), Created: tx.Now}
	}
	for _, identity := range l.by.identities {
		if !slices.Contains(p.Identities, identity) {
			p.Identities = append(p.Identities, identity)
		}
	}
	if l.by.place != "" && !slices.Contains(p.Places, l.by.place) && len(p.Places) < maxPlaces {
		p.Places = append(p.Places, l.by.place)
	}
	p.Name, p.URL, p.Photo = v.Author.Name, l.by.profile, v.Author.Photo
	v.Person = p.ID
	return tx.PutPerson(p)
}

// cautious orders trust: when two people turn out to be one, the more careful decision
// about either holds.
var cautious = []store.Trust{store.Unknown, store.Trusted, store.Muted, store.Blocked}

// merge makes one person of two. The older record stays, and the mentions of the other
// follow in a job.
func merge(tx *store.Tx, a, b store.Person) (store.Person, error) {
	if b.Created.Before(a.Created) {
		a, b = b, a
	}
	if slices.Index(cautious, b.Trust) > slices.Index(cautious, a.Trust) {
		a.Trust, a.Since = b.Trust, b.Since
	}
	for _, identity := range b.Identities {
		if !slices.Contains(a.Identities, identity) {
			a.Identities = append(a.Identities, identity)
		}
	}
	a.Places = append(a.Places, b.Places...)
	a.Places = a.Places[:min(len(a.Places), maxPlaces)]
	b = store.Person{ID: b.ID, Created: b.Created, Merged: a.ID}
	if err := tx.PutPerson(b); err != nil {
		return a, err
	}
	if err := tx.PutPerson(a); err != nil {
		return a, err
	}
	if err := tx.Enqueue(trustJob(trustArgs{Person: b.ID})); err != nil {
		return a, err
	}
	return a, tx.Enqueue(trustJob(trustArgs{Person: a.ID}))
}
