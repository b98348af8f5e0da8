package site_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/store"
)

// everyone are all public mentions of the site, as Each meets them.
func (w *world) everyone() (all []site.Response) {
	w.t.Helper()
	err := w.talk.Each(w.t.Context(), func(r site.Response) error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// asked is the answer to a query by READ-API 2, word for word: it looks at everything.
func asked(q site.Query, all []site.Response) (numbers []uint64, total int) {
	rsvp := map[string]int{"no": 1, "interested": 2, "maybe": 3, "yes": 4}
	all = slices.DeleteFunc(slices.Clone(all), func(r site.Response) bool {
		return !q.Everything && !slices.Contains(q.Targets, r.Target) || r.Number <= q.SinceID ||
			!q.Since.IsZero() && !r.Received.After(q.Since) ||
			len(q.Property) > 0 && !slices.Contains(q.Property, r.JF2().WMProperty)
	})
	slices.SortFunc(all, func(a, b site.Response) int {
		n := 0
		switch q.SortBy {
		case "published":
			at := func(r site.Response) time.Time {
				if r.Published.IsZero() {
					return r.Received
				}
				return r.Published
			}
			n = at(a).Compare(at(b))
		case "rsvp":
			n = rsvp[a.RSVP] - rsvp[b.RSVP]
		}
		if n = cmp.Or(n, cmp.Compare(a.Number, b.Number)); !q.Upwards {
			return -n
		}
		return n
	})
	per := min(cmp.Or(q.PerPage, 20), 1000)
	from := min(max(q.Page, 0), math.MaxInt/per/2) * per
	for i, r := range all {
		if i >= from && i < from+per {
			numbers = append(numbers, r.Number)
		}
	}
	return numbers, len(all)
}

// READ-API 2: whatever is asked for, what is answered is what one would find who looked at
// everything; also while pages are hidden and merged, and for a whole site as for pages.
func TestQueriesAgreeWithALookAtEverything(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		chance := rand.New(rand.NewPCG(7, 7))
		pages := []string{w.create(entry("content", "x")), w.create(entry("content", "y")), w.create(entry("content", "z"))}
		types := []string{"reply", "like", "repost", "bookmark", "mention", "tag", "follow", "reaction", "rsvp"}
		answers := []string{"yes", "no", "maybe", "interested"}
		for i := range 120 {
			v := store.Version{Type: types[chance.IntN(len(types))]}
			if v.Type == "rsvp" {
				v.RSVP = answers[chance.IntN(4)]
			}
			if chance.IntN(2) == 0 {
				v.Published = time.Date(1999, 12, 1+chance.IntN(20), 0, 0, 0, 0, time.FixedZone("", 3600))
			}
			page := pages[chance.IntN(3)]
			w.show(page, fmt.Sprint("https://bea.example/", i), page, v)
		}
		compare := func(when string) {
			all := w.everyone()
			compareQueries(t, w, when, all, pages)
		}
		compare("at first")
		w.remove(pages[1])
		compare("when one is hidden")
		if _, err := w.posts.Undelete(t.Context(), editor, pages[1]); err != nil {
			t.Fatal(err)
		}
		w.decide(w.mentions.Reject, w.everyone()[5].ID)
		compare("when it is back, and one is rejected")
	})
}

func compareQueries(t *testing.T, w *world, when string, all []site.Response, pages []string) {
	t.Helper()
	mid := all[len(all)/2]
	for _, q := range []site.Query{{Everything: true}, {Targets: pages[:1]}, {Targets: pages[1:]}} {
		for _, sort := range []string{"", "updated", "published", "rsvp"} {
			for _, property := range [][]string{nil, {"like-of"}, {"rsvp"}, {"mention-of", "in-reply-to"}, {"follow-of"}} {
				for since, set := range map[string]func(){
					"": func() {}, "since": func() { q.Since = mid.Received }, "since_id": func() { q.SinceID = mid.Number },
					"both": func() { q.Since, q.SinceID = mid.Received, mid.Number+5 },
				} {
					for _, window := range [][2]int{{0, 0}, {7, 0}, {7, 2}, {1000, 0}, {9001, 1}, {3, math.MaxInt}, {20, -1}} {
						q.SortBy, q.Property, q.Since, q.SinceID, q.Upwards = sort, property, time.Time{}, 0, !q.Upwards
						q.PerPage, q.Page = window[0], window[1]
						set()
						found, err := w.talk.Find(t.Context(), q)
						if err != nil {
							t.Fatal(err)
						}
						var got []uint64
						for _, r := range found.Responses {
							got = append(got, r.Number)
						}
						want, total := asked(q, all)
						if d := gocmp.Diff(want, got); d != "" || found.Paging.Total != total {
							t.Errorf("%s, %s: %+v: total %d, want %d (-want +got):\n%s", when, since, q, found.Paging.Total, total, d)
						}
					}
				}
			}
		}
	}
	counts, err := w.talk.CountAll(t.Context())
	sum := 0
	for _, n := range counts {
		sum += n
	}
	if err != nil || sum != len(all) {
		t.Errorf("%s: counted %v, %v; want %d in all", when, counts, err, len(all))
	}
}

// poller is a client that asks for what is new, as eleventy-plugin-webmentions and
// jekyll-webmention_io do, and lets go of what has gone.
type poller struct {
	last  uint64
	since time.Time
	has   map[uint64]string // wm-id → source
}

func (p *poller) poll(ctx context.Context, w *world, byTime bool) {
	w.t.Helper()
	q := site.Query{Everything: true, Upwards: true, PerPage: 3, SinceID: p.last}
	if byTime {
		q.SinceID, q.Since = 0, p.since
	}
	for more := true; more; q.Page++ {
		found, err := w.talk.Find(ctx, q)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range found.Responses {
			p.has[r.Number] = r.Source
			p.last, p.since = max(p.last, r.Number), r.Received.Truncate(time.Second)
		}
		more = len(found.Responses) == 3
	}
	gone, err := w.talk.Deleted(ctx, site.Query{Everything: true, PerPage: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, g := range gone.Children {
		delete(p.has, g.WMID)
	}
}

// DESIGN 4: who polls the whole site by since_id, or by since, and asks what has gone, has
// what is public, through late approvals, withdrawals, revivals, blocks and merged pages.
func TestPollersOfAWholeSiteMissNothing(t *testing.T) {
	for _, byTime := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			post, other := w.create(entry("content", "x")), w.create(entry("content", "y"))
			client := poller{has: map[uint64]string{}}
			check := func(when string) {
				t.Helper()
				client.poll(t.Context(), w, byTime)
				want := map[uint64]string{}
				for _, r := range w.everyone() {
					want[r.Number] = r.Source
				}
				if d := gocmp.Diff(want, client.has); d != "" {
					t.Errorf("%s, by time %t (-public +has):\n%s", when, byTime, d)
				}
			}
			bea, host := w.host("bea.example"), w.host("carl.example")
			late := ""
			for i := range 8 {
				bea.says(fmt.Sprint("/", i), by(fmt.Sprint("Bea", i), "u-in-reply-to", post, "hello"))
				id := w.receive(fmt.Sprint("https://bea.example/", i), post)
				if i == 2 {
					late = id
					continue
				}
				w.decide(w.approve, id)
				pass(time.Second)
			}
			check("some are approved")
			w.decide(w.approve, late)
			check("a late approval")
			bea.says("/0", "<p>nothing any more")
			w.receive("https://bea.example/0", post)
			pass(time.Minute)
			check("withdrawn")
			bea.says("/0", by("Bea0", "u-in-reply-to", post, "hello again"))
			revived := w.receive("https://bea.example/0", post)
			if m := w.mention(revived); m.State != store.Approved {
				w.decide(w.approve, revived)
			}
			pass(time.Second)
			client.has[w.mention(revived).Number] = w.mention(revived).Source // its wm-id is the one that it had
			check("revived")
			w.decide(w.mentions.Delete, late)
			check("deleted")
			host.says("/1", by("Carl", "u-like-of", other, "x"))
			w.decide(w.approve, w.receive("https://carl.example/1", other))
			pass(time.Second)
			check("another page")
			w.remove(other)
			delete(client.has, client.last) // of a page that is gone itself nobody builds anything
			check("a post goes")
		})
	}
}

// What has gone is named while it is known by whom it was, and by its number alone after that.
func TestDeletedFeed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		one := w.show(post, "https://bea.example/1", post+"#c1", store.Version{Type: "like"})
		two := w.show(post, "https://bea.example/2", post, store.Version{Type: "like"})
		three := w.show(post, "https://bea.example/3", post, store.Version{Type: "like"})
		w.decide(w.mentions.Reject, one)
		pass(time.Second)
		w.decide(w.mentions.Delete, two)
		pass(time.Second)
		at := time.Now()
		pass(time.Second)
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error { return tx.DropMention(three) }); err != nil {
			t.Fatal(err)
		}
		get := func(q site.Query) string {
			q.Everything = true
			feed, err := w.talk.Deleted(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, g := range feed.Children {
				all = append(all, fmt.Sprint(g.WMID, " ", g.WMSource, " ", strings.TrimPrefix(g.WMTarget, post)))
			}
			return fmt.Sprint(feed.Paging.Total, ": ", strings.Join(all, ", "))
		}
		for want, q := range map[string]site.Query{
			"3: 3  , 2 https://bea.example/2 , 1 https://bea.example/1 ": {},
			"3: 1 https://bea.example/1 , 2 https://bea.example/2 , 3  ": {Upwards: true},
			"3: 2 https://bea.example/2 ":                                {PerPage: 1, Page: 1},
			"1: 3  ":                                                     {Since: at},
			"2: 3  , 2 https://bea.example/2 ":                           {SinceID: 1},
			"3: ":                                                        {Page: math.MaxInt},
		} {
			if got := get(q); got != want {
				t.Errorf("%+v: got %q, want %q", q, got, want)
			}
		}
		w.decide(w.approve, one)
		if got, want := get(site.Query{}), "2: 3  , 2 https://bea.example/2 "; got != want {
			t.Errorf("one is back: got %q, want %q", got, want)
		}
	})
}
