package site_test

import (
	"cmp"
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

// READ-API 2: by what changed last, a text that was edited comes first, with the wm-id that it had;
// for a page as for the site.
func TestQueriesByWhatChangedLast(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		bea := w.host("bea.example")
		for i := range 3 {
			bea.says(fmt.Sprint("/", i), by("Bea", "u-in-reply-to", post, "hello"))
			id := w.receive(fmt.Sprint("https://bea.example/", i), post)
			if w.mention(id).State != store.Approved {
				w.decide(w.approve, id)
			}
			pass(time.Minute)
		}
		bea.says("/1", by("Bea", "u-in-reply-to", post, "hello, once more"))
		w.decide(w.approve, w.receive("https://bea.example/1", post))
		if got := w.texts(post); !slices.Contains(got, "hello, once more") {
			t.Fatalf("the edited text is not shown: %q", got)
		}
		for _, q := range []site.Query{{Everything: true}, {Targets: []string{post}}, {Everything: true, SinceID: 1}} {
			want := "1 2 0"
			if q.SinceID > 0 {
				want = "1 2"
			}
			q.SortBy = "updated"
			if got := strings.Join(sources(w.feed(q)), " "); got != want {
				t.Errorf("%+v: got %s, want %s", q, got, want)
			}
			q.Upwards, q.PerPage = true, 1
			if got := strings.Join(sources(w.feed(q)), " "); got != want[len(want)-1:] {
				t.Errorf("%+v: got %s, want the last of %s", q, got, want)
			}
		}
	})
}
