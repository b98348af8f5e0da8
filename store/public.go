package store

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"
)

// What is public is listed without reading it: an entry of the indexes below, and of
// mentions_page, says all that order and choice depend on, so that only those mentions are
// read that are asked for. For a whole site the types have ranges of their own, so that
// twenty likes are found among a million replies.
const (
	mentionsNumber   = "mentions_number"   // type·number·received·dated·changed·page → id: the public ones
	mentionsReceived = "mentions_received" // type·received·number·dated·changed·page → id
	mentionsDated    = "mentions_dated"    // type·dated·number·received·changed·page → id
	totals           = "totals"            // type → number of public mentions of the site
)

// Order is what public mentions are listed by.
type Order int

// The orders. Of two that are equal the wm-id decides.
const (
	ByNumber   Order = iota // wm-id
	ByReceived              // when it became public
	ByDated                 // as published, else as received
)

var orders = [...]string{ByNumber: mentionsNumber, ByReceived: mentionsReceived, ByDated: mentionsDated}

// Dated is when the response says it was published, else when it became public.
func (m *Mention) Dated() time.Time {
	if m.Shown == nil || m.Shown.Published.IsZero() {
		return m.Public
	}
	return m.Shown.Published
}

// publicEntries are the entries of a mention that readers see.
func publicEntries(m *Mention) []indexEntry {
	number, received, dated, typ := numberPart(m.Number), timePart(m.Public), timePart(m.Dated()), publicType(m)
	changed := numberPart(max(m.Changed, m.Number))
	return []indexEntry{
		{mentionsPage, join(m.Page, received+number+dated+changed, typ)},
		{mentionsNumber, join(typ, number+received+dated+changed, m.Page)},
		{mentionsReceived, join(typ, received+number+dated+changed, m.Page)},
		{mentionsDated, join(typ, dated+number+received+changed, m.Page)},
	}
}

// Place is a public mention as the indexes know it.
type Place struct {
	ID       string
	Page     string // id; it may have been merged since
	Type     string // as Totals names it
	Number   uint64
	Received time.Time
	Dated    time.Time
	Changed  uint64 // the change at which readers last saw something else of it
}

// placeLength is that of the four numbers with which the key of a place begins.
const placeLength = 32

// place reads the numbers of an entry, and the part that its key ends with; false when it
// is cut off.
func (o Order) place(key, id []byte) (p Place, rest string, ok bool) {
	if len(key) <= placeLength {
		return p, "", false
	}
	a, b, c := string(key[:8]), string(key[8:16]), string(key[16:24])
	number, received, dated := a, b, c
	switch o {
	case ByReceived:
		received, number = a, b
	case ByDated:
		dated, number, received = a, b, c
	}
	p = Place{
		ID: string(id), Number: parseNumberPart(number), Received: parseTimePart(received), Dated: parseTimePart(dated),
		Changed: parseNumberPart(string(key[24:placeLength])),
	}
	return p, string(key[placeLength+1:]), true
}

// Compare orders two places, the earlier first.
func (o Order) Compare(a, b Place) int {
	n := 0
	switch o {
	case ByReceived:
		n = a.Received.Compare(b.Received)
	case ByDated:
		n = a.Dated.Compare(b.Dated)
	}
	return cmp.Or(n, cmp.Compare(a.Number, b.Number), strings.Compare(a.ID, b.ID))
}

// Listing is which public mentions of a site are wanted, and in what order. Of After and
// Since the one counts that belongs to the order.
type Listing struct {
	Types     []string // as Totals names them
	By        Order
	Downwards bool
	After     uint64    // ByNumber: those with a higher wm-id
	Since     time.Time // ByReceived: those that became public later
}

// Public goes through the public mentions of the site. It reads none of them.
func (tx *Tx) Public(l Listing) iter.Seq[Place] {
	return func(yield func(Place) bool) {
		var heads []*lead
		for _, typ := range l.Types {
			next, stop := iter.Pull(tx.publicOf(l, typ))
			defer stop()
			if first, ok := next(); ok {
				heads = append(heads, &lead{first, next})
			}
		}
		before := func(a, b *lead) int {
			if l.Downwards {
				a, b = b, a
			}
			return l.By.Compare(a.place, b.place)
		}
		for len(heads) > 0 {
			first := slices.MinFunc(heads, before)
			if !yield(first.place) {
				return
			}
			more := false
			if first.place, more = first.next(); !more {
				heads = slices.DeleteFunc(heads, func(h *lead) bool { return h == first })
			}
		}
	}
}

// lead is how far the list of one type has been read.
type lead struct {
	place Place
	next  func() (Place, bool)
}

// publicOf goes through the public mentions of one type.
func (tx *Tx) publicOf(l Listing, typ string) iter.Seq[Place] {
	return func(yield func(Place) bool) {
		pre := prefix(tx.Site, orders[l.By], typ)
		var from []byte
		if !l.Downwards {
			from = append(bytes.Clone(pre), l.first()...)
		}
		for k, v := range tx.r.scan(pre, from, l.Downwards) {
			p, page, ok := l.By.place(k[len(pre):], v)
			if !ok {
				tx.log.Error("entry passed over", "index", orders[l.By])
				continue
			}
			p.Type, p.Page = typ, page
			if !l.wants(p) {
				if l.Downwards {
					return
				}
				continue
			}
			if !yield(p) {
				return
			}
		}
	}
}

// first is what the key of the first one begins with.
func (l Listing) first() string {
	switch {
	case l.By == ByNumber && l.After > 0:
		return numberPart(l.After)
	case l.By == ByReceived && !l.Since.IsZero():
		return timePart(l.Since)
	}
	return ""
}

func (l Listing) wants(p Place) bool {
	switch l.By {
	case ByNumber:
		return p.Number > l.After
	case ByReceived:
		return l.Since.IsZero() || p.Received.After(l.Since)
	}
	return true
}

// PublicOf goes through the public mentions of a page in order of arrival. It reads none of
// them.
func (tx *Tx) PublicOf(page string) iter.Seq[Place] {
	return func(yield func(Place) bool) {
		pre := prefix(tx.Site, mentionsPage, page)
		for k, v := range tx.r.scan(pre, nil, false) {
			p, typ, ok := ByReceived.place(k[len(pre):], v)
			if !ok {
				tx.log.Error("entry passed over", "index", mentionsPage)
				continue
			}
			if p.Type, p.Page = typ, page; !yield(p) {
				return
			}
		}
	}
}

// Totals tells how many public mentions of each type the site has, named as by Counts.
func (tx *Tx) Totals() map[string]int { return tx.numbers(totals) }
