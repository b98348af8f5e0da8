package site_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/store"
)

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
			w.file("old/index.html")
			w.file("new/index.html")
			old, now := "https://me.example/old/", "https://me.example/new/"
			for _, page := range []string{old, now} { // one source speaks of both, and one of each
				host.says("/both", by("Carl", "u-in-reply-to", old, `<a href="`+now+`">both</a>`))
				w.decide(w.approve, w.receive("https://carl.example/both", page))
				host.says("/of"+page[len(page)-4:], by("Carl", "u-like-of", page, "x"))
				w.decide(w.approve, w.receive("https://carl.example/of"+page[len(page)-4:], page))
				pass(time.Second)
			}
			check("two pages")
			w.remap(old, now, site.Remap{By: "me"})
			pass(time.Minute)
			check("they are one")
			if n := slices.Collect(maps.Values(client.has)); slices.Contains(n, "") || !slices.Contains(n, "https://carl.example/both") {
				t.Errorf("got %v", n)
			}
			w.namesNothingPublic()
			w.remove(other)
			maps.DeleteFunc(client.has, func(_ uint64, source string) bool { return source == "https://carl.example/1" }) // of a page that is gone itself nobody builds anything
			check("a post goes")
		})
	}
}

// namesNothingPublic fails when what is said to have gone is a pair that is public: a client that
// goes by source and target would let go of that.
func (w *world) namesNothingPublic() {
	w.t.Helper()
	gone, err := w.talk.Deleted(w.t.Context(), site.Query{Everything: true, PerPage: 1000})
	if err != nil || len(gone.Children) == 0 {
		w.t.Fatalf("got %+v, %v", gone, err)
	}
	for _, g := range gone.Children {
		for _, r := range w.everyone() {
			if r.Number == g.WMID || r.Source == g.WMSource && r.Target == g.WMTarget {
				w.t.Errorf("%+v has gone, and is public: %+v", g, r)
			}
		}
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
