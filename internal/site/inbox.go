package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/store"
)

// Inbox is what the owner is asked about, put together by who says it, and what they have decided.
// It is read from indexes: however much waits, a page costs the same.
type Inbox struct {
	Site     *Site
	DB       *store.DB
	Mentions *Mentions
}

// How much a page shows, whatever comes.
const (
	groupsOfPage = 10
	rowsOfPage   = 50
)

// MaxCount is how far things are counted: so many means "at least".
const MaxCount = 1000

// Group is what waits from one person; where nobody is confirmed, from one domain; of a flood, from
// all of a domain of whom nothing was ever shown.
type Group struct {
	Key    string // names it in [Selection]
	Domain string
	Person Person // the zero value: nobody is known
	Known  bool   // something of theirs was shown before
	Flood  bool   // too many to be looked at one by one: Rows are a sample
	Here   bool   // it was written here
	Shared bool   // the domain is a network's or a bridge's and cannot be blocked as a whole
	Count  int    // of mentions, at most MaxCount
	People int    // how many they are by, of a flood
	Rows   []Waiting
	Next   string // cursor of the rows that come next; only of [Inbox.Group]

	scope scope
	first time.Time
	waits []store.Wait // that are shown, if the group is
}

// Waits is a page of the inbox.
type Waits struct {
	Groups      []Group
	Next        string // cursor of the next page, "" on the last
	Waiting     int    // how many wait on all pages, at most MaxCount
	Quarantined int    // and how many are put aside, at most MaxCount
	At          time.Time
}

// Waiting lists what waits: first those whom the owner has shown before, then people who are
// confirmed, then those who are not, floods last; the earlier before the later. There are at most 50
// rows in 10 groups.
func (i *Inbox) Waiting(ctx context.Context, cursor string) (page Waits, err error) {
	err = i.DB.View(ctx, i.Site.Key, func(tx *store.Tx) error {
		window, behind, _ := strings.Cut(decodeCursor(cursor), "\x02")
		page = Waits{Waiting: tx.CountIn(store.Pending, MaxCount), Quarantined: tx.CountIn(store.Quarantined, MaxCount), At: tx.Now}
		g := gatherer{inbox: i, tx: tx, state: store.Pending}
		next := g.window(window)
		slices.SortFunc(g.groups, func(a, b Group) int { return strings.Compare(a.order(), b.order()) })
		rows := 0
		for n, group := range g.groups {
			if group.order() <= behind {
				continue
			}
			if rows += group.rows(); len(page.Groups) == groupsOfPage || rows > rowsOfPage && len(page.Groups) > 0 {
				page.Next = encodeCursor(window + "\x02" + g.groups[n-1].order())
				return nil
			}
			g.fill(&group)
			page.Groups = append(page.Groups, group)
		}
		if next != "" {
			page.Next = encodeCursor(next)
		}
		return nil
	})
	return page, err
}

// rows are how many lines the group takes.
func (g Group) rows() int { return min(len(g.waits), rowsOfPage) }

// order is where the group stands among the others.
func (g Group) order() string {
	rank := "2"
	switch {
	case g.Known:
		rank = "0"
	case g.Flood:
		rank = "3"
	case g.Person.ID != "":
		rank = "1"
	}
	return rank + g.first.UTC().Format("20060102150405.000000") + g.Key
}

// Group lists what waits, or is quarantined, in one group, 50 rows at a time; fs.ErrNotExist when
// nothing of it is left.
func (i *Inbox) Group(ctx context.Context, state, key, cursor string) (group Group, err error) {
	err = i.DB.View(ctx, i.Site.Key, func(tx *store.Tx) error {
		s, err := readScope(store.State(state), key)
		if err != nil {
			return err
		}
		g := gatherer{inbox: i, tx: tx, state: s.state}
		group = g.group(s)
		for w := range g.waits(s, decodeCursor(cursor)) {
			if len(group.waits) == rowsOfPage {
				group.Next = encodeCursor(w.Cursor())
				break
			}
			group.waits = append(group.waits, w)
		}
		if len(group.waits) == 0 {
			return fs.ErrNotExist
		}
		g.count(&group, s)
		group.Flood = s.many()
		g.fill(&group)
		return nil
	})
	return group, err
}

// hostsOfPage is how many domains a page of the quarantine shows.
const hostsOfPage = 20

// Quarantined lists what is put aside, by domain, each with a sample, and the cursor of the rest.
func (i *Inbox) Quarantined(ctx context.Context, cursor string) (page Waits, err error) {
	err = i.DB.View(ctx, i.Site.Key, func(tx *store.Tx) error {
		page = Waits{Quarantined: tx.CountIn(store.Quarantined, MaxCount), At: tx.Now}
		g := gatherer{inbox: i, tx: tx, state: store.Quarantined}
		for from := decodeCursor(cursor); ; {
			w, ok := first(tx.Waits(g.state, from))
			if !ok {
				return nil
			}
			if len(page.Groups) == hostsOfPage {
				page.Next = encodeCursor(w.Cursor())
				return nil
			}
			group := g.flood(scope{state: g.state, domain: w.Cluster, person: everybody})
			g.fill(&group)
			page.Groups = append(page.Groups, group)
			from = store.BehindCluster(w.Cluster)
		}
	})
	return page, err
}

// clusterOf is the domain that a mention comes from: its author's, where that is confirmed, else
// that of its source. All names below a domain may be one machine; a bridge brings people of many.
func (s *Site) clusterOf(m *store.Mention) string {
	v := decidable(*m)
	address := m.Source
	if v != nil && (v.Person != "" || m.Kind == store.Comment && v.Author.URL != "") {
		address = cmp.Or(v.Author.URL, m.Source)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return domainOf(hostName(u))
}

// MentionPage is the owner's page about a mention, where what tells of it leads.
func (s *Site) MentionPage(id string) string { return s.Endpoint("admin/mention") + "?id=" + id }

// waiting reads a mention that waits.
func (s *Site) waiting(tx *store.Tx, m store.Mention) Waiting {
	v := decidable(m)
	w := Waiting{Response: s.inFull(tx, m, v), Why: m.Why, Received: m.Received, Open: answerableNow(m)}
	if v != nil {
		w.Digest, w.Person = v.Digest, v.Person
	}
	if page, err := tx.Page(m.Page); err == nil {
		w.Page = page.URL
		if post, err := tx.Post(page.URL); err == nil {
			w.Title = post.Item.Get("name")
		}
	}
	return w
}

// decidable is the version of a mention that is decided about.
func decidable(m store.Mention) *store.Version { return cmp.Or(m.Held, m.Shown) }

// firstOf goes through the first n of some.
func firstOf[T any](n int, all iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		left := n
		for v := range all {
			if left--; !yield(v) || left == 0 {
				return
			}
		}
	}
}

// first is the first of some, if there is one.
func first[T any](all iter.Seq[T]) (w T, ok bool) {
	for w = range all {
		return w, true
	}
	return w, false
}

// isShared tells whether a domain belongs to no one: a network's, or a bridge's.
func isShared(domain string) bool {
	for bridge, networks := range bridges {
		if domainOf(bridge) == domain || slices.Contains(networks, domain) {
			return true
		}
	}
	return false
}

// isOurs tells whether a domain is that of the site or of this service.
func (s *Site) isOurs(domain string) bool {
	base, err := url.Parse(s.Base)
	return domain == domainOf(hostName(s.URL)) || err == nil && domain == domainOf(hostName(base))
}

// passing tells an error that leaves everything as it was from one that ends the transaction.
func passing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrUndecidable) || errors.Is(err, ErrChanged) || errors.Is(err, ErrEverybody)
}
