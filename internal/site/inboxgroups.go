package site

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"tertulia/store"
)

// floodFrom is how much may wait from one domain, by people who are not known, before it is one row.
const floodFrom = 20

// Bounds of what is looked at for one page: of domains, of people whose past is asked about, and of
// those in one flood who are looked for among it.
const (
	maxClusters = 400
	maxAsked    = 600
	maxKnownIn  = 50
)

// everybody is the person of a scope that has all of a domain.
const everybody = "*"

// scope is what a group has: of a domain one person, "" for all who are not confirmed, or everybody
// but those who are known. Of the quarantine it is everybody, and the domain may be "*" for all.
type scope struct {
	state          store.State
	domain, person string
}

func (s scope) key() string {
	return base64.RawURLEncoding.EncodeToString([]byte(s.domain + "\x00" + s.person))
}

func (s scope) many() bool { return s.person == everybody }

// readScope reads the key of a group; fs.ErrNotExist when it is none.
func readScope(state store.State, key string) (s scope, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(key)
	domain, person, ok := strings.Cut(string(raw), "\x00")
	if err != nil || !ok || domain == "" || state != store.Pending && state != store.Quarantined {
		return s, fmt.Errorf("group %q: %w", key, fs.ErrNotExist)
	}
	return scope{state, domain, person}, nil
}

// AllQuarantined is the key of a group that has all of the quarantine.
func AllQuarantined() string { return scope{domain: everybody, person: everybody}.key() }

// gatherer puts together what waits.
type gatherer struct {
	inbox  *Inbox
	tx     *store.Tx
	state  store.State
	groups []Group
	asked  map[string]past
}

// past is what is known of a person.
type past struct {
	person store.Person
	known  bool
}

// window gathers the groups of the domains from a cursor on, and returns where the next begin, ""
// behind the last.
func (g *gatherer) window(from string) (next string) {
	for range maxClusters {
		w, ok := first(g.tx.Waits(g.state, from))
		if !ok {
			return ""
		}
		g.cluster(w.Cluster)
		from = store.BehindCluster(w.Cluster)
	}
	if _, more := first(g.tx.Waits(g.state, from)); !more {
		return ""
	}
	return from
}

// cluster gathers the groups of a domain.
func (g *gatherer) cluster(domain string) {
	some := take(g.tx.Waits(g.state, "", domain), floodFrom+1)
	if len(some) <= floodFrom {
		for len(some) > 0 {
			n := slices.IndexFunc(some, func(w store.Wait) bool { return w.Person != some[0].Person })
			if n < 0 {
				n = len(some)
			}
			g.add(scope{g.state, domain, some[0].Person}, some[:n], n)
			some = some[n:]
		}
		return
	}
	from := ""
	for range maxKnownIn {
		w, ok := first(g.tx.Waits(g.state, from, domain))
		if !ok {
			break
		}
		if g.past(w.Person).known {
			s := scope{g.state, domain, w.Person}
			all := take(g.waits(s, ""), MaxCount)
			g.add(s, all[:min(len(all), rowsOfPage)], len(all))
		}
		from = store.BehindPerson(domain, w.Person)
	}
	if flood := g.flood(scope{g.state, domain, everybody}); flood.Count > 0 {
		g.groups = append(g.groups, flood)
	}
}

func (g *gatherer) add(s scope, waits []store.Wait, count int) {
	group := g.group(s)
	group.waits, group.Count, group.first = waits, count, waits[0].Received
	for _, w := range waits {
		if w.Received.Before(group.first) {
			group.first = w.Received
		}
	}
	g.groups = append(g.groups, group)
}

// flood is all that waits in a scope of everybody as one row.
func (g *gatherer) flood(s scope) Group {
	group := g.group(s)
	group.Flood = true
	if w, ok := first(g.waits(s, "")); ok {
		group.waits, group.first = []store.Wait{w}, w.Received
	}
	g.count(&group, s)
	return group
}

// count counts what is in a group.
func (g *gatherer) count(group *Group, s scope) {
	people := map[string]bool{}
	group.Count = 0
	for w := range g.waits(s, "") {
		if people[w.Person] = true; group.Count == MaxCount {
			break
		}
		group.Count++
	}
	delete(people, "")
	group.People = len(people)
}

// group is what is known of a scope before it is looked into.
func (g *gatherer) group(s scope) Group {
	group := Group{scope: s, Key: s.key(), Domain: s.domain, Shared: isShared(s.domain), Here: g.inbox.Site.isOurs(s.domain)}
	if s.person != "" && !s.many() {
		past := g.past(s.person)
		group.Known, group.Person = past.known, g.inbox.Site.person(g.tx, past.person)
	}
	return group
}

// waits goes through what is in a scope from a cursor on.
func (g *gatherer) waits(s scope, from string) iter.Seq[store.Wait] {
	within := []string{s.domain, s.person}
	switch {
	case s.domain == everybody:
		within = nil
	case s.many():
		within = within[:1]
	}
	all := g.tx.Waits(s.state, from, within...)
	if !s.many() || s.state == store.Quarantined {
		return all
	}
	return func(yield func(store.Wait) bool) {
		for w := range all {
			if !g.past(w.Person).known && !yield(w) {
				return
			}
		}
	}
}

// past tells whether something of a person was shown before: the owner trusts them, or the oldest
// mention that is kept of theirs was public once.
func (g *gatherer) past(person string) past {
	if known, ok := g.asked[person]; ok || person == "" {
		return known
	}
	if g.asked == nil {
		g.asked = map[string]past{}
	}
	if len(g.asked) >= maxAsked {
		return past{}
	}
	p, err := g.tx.Person(person)
	found := past{person: p, known: p.Trust == store.Trusted}
	if oldest, _, read := g.tx.MentionsBy(person, store.Range{Limit: 1}); err == nil && read == nil && len(oldest) > 0 && oldest[0].Number > 0 {
		found.known = true
	}
	g.asked[person] = found
	return found
}

// fill reads what is shown of a group. One that has gone since, or is damaged, costs itself.
func (g *gatherer) fill(group *Group) {
	if one := group.scope; group.Person.ID == "" && one.person != "" && !one.many() {
		p, _ := g.tx.Person(one.person) // who cannot be read has no name
		group.Person = g.inbox.Site.person(g.tx, p)
	}
	for _, w := range group.waits[:group.rows()] {
		m, err := g.tx.Mention(w.ID)
		if err != nil {
			continue
		}
		group.Rows = append(group.Rows, g.inbox.Site.waiting(g.tx, m))
	}
}

// take is the first of some.
func take(all iter.Seq[store.Wait], most int) (some []store.Wait) {
	for w := range all {
		if some = append(some, w); len(some) == most {
			break
		}
	}
	return some
}
