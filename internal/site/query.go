package site

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"tertulia/store"
)

// Query is what a client of the read API asks for (READ-API 2).
type Query struct {
	Targets    []string // addresses of pages; those that are none of ours are passed over
	Everything bool     // all pages of the site; Targets do not count then
	PerPage    int      // 0 means 20; at most 1,000
	Page       int      // from 0
	Since      time.Time
	SinceID    uint64
	SortBy     string   // created, updated, published, rsvp; else created
	Upwards    bool     // ascending
	Property   []string // in-reply-to, like-of, repost-of, bookmark-of, mention-of, rsvp; none means all
}

// Found is the answer: public mentions, and how many there are. The Target of each is the
// page's own address, with the fragment that was linked.
type Found struct {
	Responses []Response
	Paging    Paging
}

// Paging tells a client how much there is.
type Paging struct {
	PerPage    int `json:"per-page"`
	Page       int `json:"page"`
	Total      int `json:"total"`
	TotalPages int `json:"total-pages"`
}

// Find lists public mentions. However many there are, it reads those that it gives.
func (c *Conversation) Find(ctx context.Context, q Query) (found Found, err error) {
	perPage, _ := q.window()
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		l := c.listing(tx)
		var places []store.Place
		var total int
		switch {
		case !q.Everything:
			places, total = q.pick(l.of(q.Targets))
		case q.SinceID > 0:
			places, total = q.pick(l.all(store.Listing{Types: q.types(tx), After: q.SinceID}))
		case !q.Since.IsZero():
			places, total = q.pick(l.all(store.Listing{Types: q.types(tx), By: store.ByReceived, Since: q.Since}))
		case q.SortBy == "updated": // nobody asks for that: it goes through all entries, but reads no more than it gives
			places, total = q.pick(l.all(store.Listing{Types: q.types(tx)}))
		default:
			places, total = q.browse(l)
		}
		found = Found{Paging: Paging{PerPage: perPage, Page: max(q.Page, 0), Total: total, TotalPages: (total + perPage - 1) / perPage}}
		found.Responses = slices.Grow(found.Responses, len(places))
		for _, p := range places {
			if r, ok := l.response(p); ok {
				found.Responses = append(found.Responses, r)
			}
		}
		return l.err
	})
	return found, err
}

// window is how many are wanted, and how many come before them.
func (q Query) window() (perPage, skip int) {
	perPage = q.PerPage
	if perPage <= 0 {
		perPage = 20
	}
	perPage = min(perPage, maxShown)
	return perPage, min(max(q.Page, 0), math.MaxInt/(4*maxShown)) * perPage
}

// pick counts what is wanted among some mentions, and keeps those of the page that is asked
// for: no more of them at a time than twice what leads up to it.
func (q Query) pick(all iter.Seq[store.Place]) (best []store.Place, total int) {
	perPage, skip := q.window()
	for p := range all {
		if !q.wants(p) {
			continue
		}
		total++
		if best = append(best, p); len(best) == 2*(skip+perPage) {
			slices.SortFunc(best, q.order)
			best = best[:skip+perPage]
		}
	}
	slices.SortFunc(best, q.order)
	return best[min(skip, len(best)):min(skip+perPage, len(best))], total
}

// browse goes through everything in the order that is wanted, as far as the page that is
// asked for.
func (q Query) browse(l *listing) (places []store.Place, total int) {
	perPage, skip := q.window()
	types := q.types(l.tx)
	totals := l.totals()
	for _, typ := range types {
		total += totals[typ]
	}
	if skip >= total {
		return nil, total
	}
	by := store.ByNumber
	if q.SortBy == "published" {
		by = store.ByDated
	}
	for _, some := range q.groups(types) {
		for p := range l.all(store.Listing{Types: some, By: by, Downwards: !q.Upwards}) {
			if skip--; skip >= 0 {
				continue
			}
			if places = append(places, p); len(places) == perPage {
				return places, total
			}
		}
	}
	return places, total
}

// types are those that are wanted, as they are counted.
func (q Query) types(tx *store.Tx) []string {
	types := slices.Sorted(maps.Keys(tx.Totals()))
	return slices.DeleteFunc(types, func(typ string) bool { return !q.wantsType(typ) })
}

// groups are the types that come one after another: by what they answer, or all at once.
func (q Query) groups(types []string) [][]string {
	if q.SortBy != "rsvp" {
		return [][]string{types}
	}
	groups := make([][]string, len(rsvpOrder)+1)
	for _, typ := range types {
		n := rsvpOrder[typ]
		groups[n] = append(groups[n], typ)
	}
	if !q.Upwards {
		slices.Reverse(groups)
	}
	return groups
}

func (q Query) wantsType(typ string) bool {
	return len(q.Property) == 0 || slices.Contains(q.Property, property(typ))
}

func (q Query) wants(p store.Place) bool {
	return q.wantsType(p.Type) && p.Number > q.SinceID && (q.Since.IsZero() || p.Received.After(q.Since))
}

var rsvpOrder = map[string]int{"rsvp-no": 1, "rsvp-interested": 2, "rsvp-maybe": 3, "rsvp-yes": 4}

func (q Query) order(a, b store.Place) int {
	n := 0
	switch q.SortBy {
	case "updated":
		n = cmp.Compare(a.Changed, b.Changed)
	case "published":
		n = store.ByDated.Compare(a, b)
	case "rsvp":
		n = rsvpOrder[a.Type] - rsvpOrder[b.Type]
	}
	n = cmp.Or(n, store.ByNumber.Compare(a, b))
	if !q.Upwards {
		n = -n
	}
	return n
}

// properties is how the API names what a response is. It knows no follows and tags, and
// of a reply none that is an emoji alone (READ-API 3).
var properties = map[string]string{
	"reply": "in-reply-to", "reaction": "in-reply-to", "like": "like-of", "repost": "repost-of", "bookmark": "bookmark-of",
	"rsvp-yes": "rsvp", "rsvp-no": "rsvp", "rsvp-maybe": "rsvp", "rsvp-interested": "rsvp",
}

// property is the wm-property of what is counted as a type.
func property(typ string) string { return cmp.Or(properties[typ], "mention-of") }

// counted is the type as the counters name it.
func (r Response) counted() string {
	if r.Type == "rsvp" {
		return "rsvp-" + r.RSVP
	}
	return r.Type
}

// Counts adds up the public mentions of some pages by type, by the names of READ-API 5.
func (c *Conversation) Counts(ctx context.Context, targets []string) (map[string]int, error) {
	return c.counts(ctx, func(l *listing, sum map[string]int) {
		for _, page := range l.pagesOf(targets) {
			addCounts(sum, l.tx.Counts(page))
		}
	})
}

// CountAll is Counts for the whole site.
func (c *Conversation) CountAll(ctx context.Context) (map[string]int, error) {
	return c.counts(ctx, func(l *listing, sum map[string]int) {
		addCounts(sum, l.totals())
	})
}

func (c *Conversation) counts(ctx context.Context, add func(*listing, map[string]int)) (map[string]int, error) {
	var sum map[string]int
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		sum = map[string]int{}
		l := c.listing(tx)
		add(l, sum)
		return l.err
	})
	return sum, err
}

// countNames are the types that clients of the API know by another name.
var countNames = map[string]string{"reaction": "reply", "follow": "mention", "tag": "mention"}

func addCounts(sum, types map[string]int) {
	for typ, n := range types {
		name := cmp.Or(countNames[typ], typ)
		if strings.HasPrefix(typ, "rsvp-") && rsvpOrder[typ] == 0 {
			name = "mention"
		}
		if n > 0 {
			sum[name] += n
		}
	}
}
