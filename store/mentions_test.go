package store_test

import (
	stdcmp "cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tertulia/store"
)

var states = []store.State{
	store.Received, store.Pending, store.Approved, store.Rejected,
	store.Deleted, store.Withdrawn, store.Failed,
}

// public makes a mention that readers see.
func public(id, page, digest string) store.Mention {
	return store.Mention{
		ID: id, Page: page, Source: "https://b.example/" + id, State: store.Approved, Received: start,
		Shown: &store.Version{Type: "reply", Digest: digest},
	}
}

// model is the naive truth about the mentions of one site: a map, scanned.
type model struct {
	db       *store.DB
	clock    *clock
	site     string
	pages    []string
	mentions map[string]store.Mention
	gone     map[uint64]string // wm-id → id of what was public and is not
	revision map[string]uint64 // of the pages, when they were last looked at
	last     uint64
	drawn    int
}

func visible(m store.Mention) bool { return m.State == store.Approved && m.Shown != nil }

// shown is what readers see of a page.
func (m *model) shown(page string) map[string]string {
	found := map[string]string{}
	for id, x := range m.mentions {
		if x.Page == page && visible(x) {
			found[id] = x.Shown.Type + x.Shown.RSVP + x.Shown.Digest
		}
	}
	return found
}

// do applies a change to the store and the model, and checks that the pages of which
// readers see something else, and only those, have a new revision.
func (m *model) do(t *rapid.T, fn func(*store.Tx) error, apply func()) {
	before := map[string]map[string]string{}
	for _, p := range m.pages {
		before[p] = m.shown(p)
	}
	update(t, m.db, m.site, fn)
	apply()
	view(t, m.db, m.site, func(tx *store.Tx) error {
		for _, id := range m.pages {
			p, err := tx.Page(id)
			if err != nil {
				return err
			}
			changed := !maps.Equal(before[id], m.shown(id))
			if changed != (p.Revision > m.revision[id]) || changed != (p.Revision > m.last) || changed && !p.Changed.Equal(m.clock.Now()) {
				return fmt.Errorf("page %s: revision %d after %d (last change %d), changed %t", id, p.Revision, m.revision[id], m.last, changed)
			}
			m.revision[id] = p.Revision
		}
		m.last = tx.LastChange()
		return nil
	})
}

func (m *model) put(t *rapid.T, x store.Mention) {
	had := m.mentions[x.ID].Number
	var got store.Mention
	m.do(t, func(tx *store.Tx) error { return tx.PutMention(x) }, func() {
		view(t, m.db, m.site, func(tx *store.Tx) (err error) { got, err = tx.Mention(x.ID); return err })
		switch {
		case had != 0 && got.Number != had:
			t.Fatalf("mention %s was number %d and became %d", x.ID, had, got.Number)
		case had == 0 && visible(x) && (got.Number <= m.last || !got.Public.Equal(m.clock.Now())):
			t.Fatalf("mention %s became public as number %d at %s, want more than %d at %s", x.ID, got.Number, got.Public, m.last, m.clock.Now())
		case had == 0 && !visible(x) && (got.Number != 0 || !got.Public.IsZero()):
			t.Fatalf("mention %s was never public and has number %d", x.ID, got.Number)
		}
		was := m.mentions[x.ID]
		another := visible(x) && had != 0 && (!visible(was) || was.Page != x.Page || countedAs(was) != countedAs(x) || was.Shown.Digest != x.Shown.Digest)
		if another != (got.Changed > m.last) || !another && got.Changed != x.Changed {
			t.Fatalf("mention %s changed at %d, then at %d, after %d; readers see something else of it: %t", x.ID, x.Changed, got.Changed, m.last, another)
		}
		x.Number, x.Public, x.Changed = got.Number, got.Public, got.Changed
		if visible(x) {
			delete(m.gone, x.Number)
		} else if visible(m.mentions[x.ID]) {
			m.gone[x.Number] = x.ID
		}
		if d := cmp.Diff(x, got); d != "" {
			t.Fatalf("mention (-want +got):\n%s", d)
		}
		m.mentions[x.ID] = x
	})
}

func (m *model) version(t *rapid.T, label string) *store.Version {
	typ := rapid.SampledFrom([]string{"", "reply", "like", "rsvp"}).Draw(t, label)
	if typ == "" {
		return nil
	}
	v := &store.Version{Type: typ, Person: rapid.SampledFrom([]string{"", "ana", "bo"}).Draw(t, "person"), Digest: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "digest")}
	if typ == "rsvp" {
		v.RSVP = rapid.SampledFrom([]string{"yes", "no"}).Draw(t, "answer")
	}
	if days := rapid.IntRange(0, 3).Draw(t, "published"); days > 0 {
		v.Published = start.AddDate(0, 0, -days)
	}
	return v
}

func (m *model) fill(t *rapid.T, x store.Mention) store.Mention {
	x.State = rapid.SampledFrom(states).Draw(t, "state")
	x.Page = rapid.SampledFrom(m.pages).Draw(t, "page")
	x.Shown, x.Held = m.version(t, "shown"), m.version(t, "held")
	return x
}

func (m *model) pick(t *rapid.T) store.Mention {
	if len(m.mentions) == 0 {
		t.Skip("no mention yet")
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(m.mentions))).Draw(t, "id")
	return m.mentions[id]
}

// ids lists the mentions that keep wants, in the order of when.
func (m *model) ids(keep func(store.Mention) bool, when func(store.Mention) time.Time) []string {
	var found []store.Mention
	for _, x := range m.mentions {
		if keep(x) {
			found = append(found, x)
		}
	}
	slices.SortFunc(found, func(a, b store.Mention) int {
		return stdcmp.Or(when(a).Compare(when(b)), strings.Compare(a.ID, b.ID))
	})
	ids := []string{}
	for _, x := range found {
		ids = append(ids, x.ID)
	}
	return ids
}

func received(x store.Mention) time.Time { return x.Received }

// same compares a list, read in pieces of two, with what it should be.
func same(what string, want []string, list func(store.Range) ([]store.Mention, string, error)) error {
	for _, backward := range []bool{false, true} {
		got, r := []string{}, store.Range{Limit: 2, Backward: backward}
		for {
			part, next, err := list(r)
			if err != nil {
				return err
			}
			for _, x := range part {
				got = append(got, x.ID)
			}
			if r.From = next; next == "" {
				break
			}
		}
		if backward {
			slices.Reverse(got)
		}
		if d := cmp.Diff(want, got); d != "" {
			return fmt.Errorf("%s, backward %t (-want +got):\n%s", what, backward, d)
		}
	}
	return nil
}

// check compares every index and counter with a scan of the model.
func (m *model) check(t *rapid.T) {
	view(t, m.db, m.site, func(tx *store.Tx) error {
		var errs []error
		for _, s := range states {
			in := m.ids(func(x store.Mention) bool {
				return x.State == s || s == store.Pending && x.State == store.Approved && x.Held != nil
			}, received)
			errs = append(errs, same("mentions "+string(s), in, func(r store.Range) ([]store.Mention, string, error) { return tx.MentionsIn(s, r) }))
			if got := tx.CountIn(s, 3); got != min(len(in), 3) {
				errs = append(errs, fmt.Errorf("count of %s: got %d, want %d", s, got, min(len(in), 3)))
			}
		}
		for _, who := range []string{"ana", "bo"} {
			by := m.ids(func(x store.Mention) bool { return x.Shown != nil && x.Shown.Person == who }, received)
			errs = append(errs, same("mentions by "+who, by, func(r store.Range) ([]store.Mention, string, error) { return tx.MentionsBy(who, r) }))
		}
		for _, p := range m.pages {
			of := m.inOrder(func(x store.Mention) bool { return x.Page == p && visible(x) }, func(x store.Mention) time.Time { return x.Public })
			errs = append(errs, same("mentions of "+p, of, func(r store.Range) ([]store.Mention, string, error) { return tx.MentionsOf(p, r) }))
			counts := map[string]int{}
			for _, id := range of {
				typ := m.mentions[id].Shown.Type
				if typ == "rsvp" {
					typ += "-" + m.mentions[id].Shown.RSVP
				}
				counts[typ]++
			}
			if d := cmp.Diff(counts, tx.Counts(p)); d != "" {
				errs = append(errs, fmt.Errorf("counts of %s (-want +got):\n%s", p, d))
			}
			for _, x := range m.mentions {
				got, err := tx.MentionFrom(p, x.Source)
				if (err == nil && got.ID == x.ID) != (x.Page == p) {
					errs = append(errs, fmt.Errorf("mention of %s from %s: got %q and %v", p, x.Source, got.ID, err))
				}
			}
		}
		errs = append(errs, m.checkPublic(t, tx))
		all, err := tx.AllChanges()
		for i, c := range all {
			if c.Number != uint64(i+1) {
				errs = append(errs, fmt.Errorf("change %d has the number %d", i+1, c.Number))
			}
		}
		return errors.Join(append(errs, err)...)
	})
}

// DESIGN section 4: indexes, counters, changes and revisions follow the mentions
// through every transition.
func TestMentionIndexesAgreeWithAScan(t *testing.T) {
	db, c := openAt(t)
	sites := 0
	rapid.Check(t, func(t *rapid.T) {
		sites++
		m := &model{
			db: db, clock: c, site: fmt.Sprintf("site%d.example", sites), pages: []string{"p1", "p2"},
			mentions: map[string]store.Mention{}, gone: map[uint64]string{}, revision: map[string]uint64{},
		}
		update(t, db, m.site, func(tx *store.Tx) error {
			return errors.Join(tx.PutPage(store.Page{ID: "p1"}), tx.PutPage(store.Page{ID: "p2"}))
		})
		t.Repeat(map[string]func(*rapid.T){
			"receive": func(t *rapid.T) {
				m.drawn++
				c.Add(time.Duration(rapid.IntRange(-1, 2).Draw(t, "seconds")) * time.Second)
				id := fmt.Sprintf("m%03d", m.drawn)
				m.put(t, m.fill(t, store.Mention{ID: id, Source: "https://b.example/" + id, Received: c.Now()}))
			},
			"change": func(t *rapid.T) { m.put(t, m.fill(t, m.pick(t))) },
			"repeat": func(t *rapid.T) { m.put(t, m.pick(t)) },
			"drop": func(t *rapid.T) {
				id := m.pick(t).ID
				m.do(t, func(tx *store.Tx) error { return tx.DropMention(id) }, func() {
					if x := m.mentions[id]; visible(x) {
						m.gone[x.Number] = id
					}
					delete(m.mentions, id)
				})
			},
			"": m.check,
		})
	})
}

// HOSTILE 111: who goes through a conversation page by page meets each mention once, whatever
// comes and goes meanwhile, and the counts are those of what is there.
func TestCursorsNeitherSkipNorRepeat(t *testing.T) {
	for _, backward := range []bool{false, true} {
		db, clock := openAt(t)
		const n = 120
		put := func(i int) {
			clock.Add(time.Second)
			update(t, db, site, func(tx *store.Tx) error { return tx.PutMention(public(fmt.Sprintf("m%03d", i), "p", "d")) })
		}
		drop := func(i int) {
			update(t, db, site, func(tx *store.Tx) error { return tx.DropMention(fmt.Sprintf("m%03d", i)) })
		}
		update(t, db, site, func(tx *store.Tx) error { return tx.PutPage(store.Page{ID: "p", URL: "https://a.example/p"}, "/p") })
		for i := range n {
			put(i)
		}
		met, cursor := map[string]int{}, ""
		for turn := 0; ; turn++ {
			view(t, db, site, func(tx *store.Tx) error {
				list, next, err := tx.MentionsOf("p", store.Range{From: cursor, Limit: 10, Backward: backward})
				for _, m := range list {
					met[m.ID]++
				}
				cursor = next
				return err
			})
			if cursor == "" {
				break
			}
			drop(turn)         // one from the beginning
			drop(n - 1 - turn) // one from the end
			if turn < 5 {
				put(n + turn)
			}
		}
		view(t, db, site, func(tx *store.Tx) error {
			left, _, err := tx.MentionsOf("p", store.Range{Limit: 1000})
			for _, m := range left {
				if old := m.ID < fmt.Sprintf("m%03d", n); met[m.ID] > 1 || met[m.ID] == 0 && old {
					t.Errorf("backward %v: %s was met %d times", backward, m.ID, met[m.ID])
				}
			}
			if got := tx.Counts("p")["reply"]; got != len(left) {
				t.Errorf("backward %v: %d are counted, %d are there", backward, got, len(left))
			}
			return err
		})
	}
}
