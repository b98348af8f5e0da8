package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/store"
)

// two makes a site with the pages "old" and "new".
func two(t *testing.T) (*store.DB, *clock) {
	t.Helper()
	db, c := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.PutPage(store.Page{ID: "old", URL: "https://example.com/old"}, "/old"),
			tx.PutPage(store.Page{ID: "new", URL: "https://example.com/new"}, "/new"))
	})
	return db, c
}

// from is a mention of a page by a source.
func from(id, page, source string, state store.State, at time.Duration) store.Mention {
	m := store.Mention{
		ID: id, Page: page, Source: "https://" + source + ".example/", Target: "https://example.com/" + page,
		State: state, Received: start.Add(at), Checked: start.Add(at), History: []store.Event{{At: start.Add(at), Stage: "received"}},
	}
	if state != store.Received && state != store.Failed {
		m.Shown = &store.Version{Type: "reply", Text: id, Digest: id, Author: mf2.Author{Photo: "https://" + source + ".example/" + id + ".png"}}
	}
	return m
}

// merge moves page old into new, a few mentions in each transaction, and looks at what
// readers see in between.
func merge(t *testing.T, db *store.DB, most int, between func(tx *store.Tx) error) {
	t.Helper()
	update(t, db, site, func(tx *store.Tx) error { return tx.Merge("old", "new") })
	for more := true; more; {
		view(t, db, site, between)
		update(t, db, site, func(tx *store.Tx) (err error) {
			more, err = tx.MoveMentions("old", most)
			return err
		})
	}
}

// A source that replies to one page and has a link to the other replies to what they have
// become, whichever of the two was looked at last.
func TestAReplyToEitherPageStaysAReply(t *testing.T) {
	for _, reply := range []string{"old", "new"} {
		for _, later := range []string{"old", "new"} {
			db, _ := two(t)
			update(t, db, site, func(tx *store.Tx) (err error) {
				for _, page := range []string{"old", "new"} {
					m := from(page, page, "s", store.Approved, 0)
					if page == later {
						m.Checked = start.Add(time.Hour)
					}
					if page != reply {
						m.Shown.Type = "mention"
					}
					err = errors.Join(err, tx.PutMention(m))
				}
				return err
			})
			merge(t, db, 10, func(*store.Tx) error { return nil })
			view(t, db, site, func(tx *store.Tx) error {
				if got := tx.Counts("new"); got["reply"] != 1 || got["mention"] != 0 {
					t.Errorf("a reply to %s, %s looked at last: got %v", reply, later, got)
				}
				return nil
			})
		}
	}
}

// Hundreds of mentions follow their page in bounded transactions. Nobody sees one twice
// meanwhile, all keep their wm-id, and every index and counter is right.
func TestMentionsFollowTheirPage(t *testing.T) {
	db, _ := two(t)
	const n = 250
	want := map[string]uint64{} // id → wm-id
	for i := range n {
		page := []string{"old", "new"}[i%2]
		update(t, db, site, func(tx *store.Tx) error {
			return tx.PutMention(from(fmt.Sprintf("m%03d", i), page, fmt.Sprint("s", i), store.Approved, time.Duration(i)*time.Second))
		})
	}
	read := func(tx *store.Tx) []store.Mention {
		p, err := tx.PageAt("/old")
		if err != nil || p.ID != "new" && p.ID != "old" {
			t.Errorf("the old address leads to %q, %v", p.ID, err)
		}
		list, _, err := tx.MentionsOf(p.ID, store.Range{Limit: 1000})
		if err != nil || tx.Counts(p.ID)["reply"] != len(list) {
			t.Errorf("counts %v, %d listed, %v", tx.Counts(p.ID), len(list), err)
		}
		return list
	}
	view(t, db, site, func(tx *store.Tx) error {
		for _, page := range []string{"old", "new"} {
			list, _, _ := tx.MentionsOf(page, store.Range{Limit: 1000})
			for _, m := range list {
				want[m.ID] = m.Number
			}
		}
		return nil
	})
	before, transactions := 0, 0
	merge(t, db, 20, func(tx *store.Tx) error {
		transactions++
		seen := map[string]bool{}
		for _, m := range read(tx) {
			if seen[m.ID] || want[m.ID] != m.Number {
				t.Errorf("%s is seen twice, or as %d instead of %d", m.ID, m.Number, want[m.ID])
			}
			seen[m.ID] = true
		}
		if len(seen) < before {
			t.Errorf("%d are seen, and were %d", len(seen), before)
		}
		before = len(seen)
		return nil
	})
	view(t, db, site, func(tx *store.Tx) error {
		list := read(tx)
		if len(list) != n || tx.CountFiled("old", 10) != 0 || len(tx.Counts("old")) != 0 {
			t.Errorf("got %d at the new page, %d at the old", len(list), tx.CountFiled("old", 10))
		}
		for i, m := range list {
			if i > 0 && !list[i-1].Public.Before(m.Public) && list[i-1].ID > m.ID {
				t.Errorf("%s stands after %s", m.ID, list[i-1].ID)
			}
		}
		return nil
	})
	if transactions < n/2/20 {
		t.Errorf("%d transactions", transactions)
	}
	if done, err := db.Repair(bg); err != nil || done.Mended != 0 || len(done.Damaged) > 0 {
		t.Errorf("repair: got %+v and %v, want nothing to do", done, err)
	}
	// A client that polls by change sees each of those that moved once more, and never away.
	view(t, db, site, func(tx *store.Tx) error {
		all, err := tx.AllChanges()
		moved := all[n:]
		if err != nil || len(moved) != n/2 {
			t.Errorf("%d changes, %v, want %d", len(moved), err, n/2)
		}
		for _, c := range moved {
			if !c.Public || c.Page != "new" {
				t.Errorf("got the change %+v", c)
			}
		}
		return nil
	})
}

// T-WR20: a source that mentioned both pages is one mention, with the decision that the
// owner made last.
func TestTwinsFoldIntoOne(t *testing.T) {
	approved, rejected, deleted, none := store.Approved, store.Rejected, store.Deleted, store.State("")
	for _, tt := range []struct {
		name       string
		old, young store.State // states of the two, the first at page old
		was, is    store.State // decisions; the second was made later
		want       store.State
		decision   store.State
		text       string
	}{
		{"public stays public", approved, store.Withdrawn, none, none, approved, none, "a"},
		{"whichever it is", store.Pending, approved, none, none, approved, none, "b"},
		{"the newer look", store.Pending, store.Pending, none, none, store.Pending, none, "b"},
		{"one that was seen", store.Received, store.Pending, none, none, store.Pending, none, "b"},
		{"failed under another link", store.Failed, approved, none, none, approved, none, "b"},
		{"approved after rejected", rejected, approved, rejected, approved, approved, approved, "b"},
		{"rejected after approved", approved, rejected, approved, rejected, rejected, rejected, "a"},
		{"deleted is deleted", approved, deleted, none, deleted, deleted, deleted, "a"},
		{"approved after deleted", deleted, approved, deleted, approved, approved, approved, "b"},
		{"rejected, and public by trust", rejected, approved, rejected, none, rejected, rejected, "b"},
		{"an approval reaches no other text", store.Withdrawn, store.Pending, approved, none, store.Pending, none, "b"},
	} {
		for _, direction := range []string{"old into new", "new into old"} {
			db, c := two(t)
			a, b := from("a", "old", "s", tt.old, time.Second), from("b", "new", "s", tt.young, time.Minute)
			if direction == "new into old" {
				a.Page, b.Page = b.Page, a.Page
			}
			update(t, db, site, func(tx *store.Tx) error { return errors.Join(tx.PutMention(a), tx.PutMention(b)) })
			for _, m := range []store.Mention{a, b} {
				if m.Shown != nil {
					update(t, db, site, func(tx *store.Tx) error {
						return tx.PutOriginal(store.Original{Mention: m.ID, Digest: m.Shown.Digest, URL: m.Source})
					})
				}
			}
			for _, d := range []struct {
				id string
				to store.State
			}{{"a", tt.was}, {"b", tt.is}} {
				c.Add(time.Hour)
				update(t, db, site, func(tx *store.Tx) error {
					m, err := tx.Mention(d.id)
					m.Decision = d.to
					return errors.Join(err, tx.PutMention(m))
				})
			}
			merge(t, db, 10, func(*store.Tx) error { return nil })
			view(t, db, site, func(tx *store.Tx) error {
				m, err := tx.Mention("a")
				same, bad := tx.Mention("b")
				if d := cmp.Diff(m, same); d != "" || err != nil || bad != nil {
					t.Fatalf("%s, %s: two ids, two mentions %v %v:\n%s", tt.name, direction, err, bad, d)
				}
				if m.State != tt.want || m.Decision != tt.decision || m.Shown.Text != tt.text || m.Page != "new" || !m.Received.Equal(a.Received) {
					t.Errorf("%s, %s: got %s, decided %q, text %q", tt.name, direction, m.State, m.Decision, m.Shown.Text)
				}
				if _, err := tx.Original(m.ID, m.Shown.Digest); err != nil {
					t.Errorf("%s, %s: the original of what is shown: %v", tt.name, direction, err)
				}
				list, _, _ := tx.MentionsOf("new", store.Range{})
				n := 0
				if tt.want == approved {
					n = 1
				}
				if len(list) != n || tx.Counts("new")["reply"] != n {
					t.Errorf("%s, %s: %d are listed, counts %v", tt.name, direction, len(list), tx.Counts("new"))
				}
				if got, err := tx.MentionFrom("new", "https://s.example/"); err != nil || got.ID != m.ID {
					t.Errorf("%s, %s: by its source %q, %v", tt.name, direction, got.ID, err)
				}
				if n := tx.CountFiled("old", 10) + tx.CountFiled("new", 10); n != 1 {
					t.Errorf("%s, %s: %d mentions are filed", tt.name, direction, n)
				}
				return nil
			})
			if done, err := db.Repair(bg); err != nil || done.Mended != 0 {
				t.Errorf("%s, %s: repair: got %+v and %v, want nothing to do", tt.name, direction, done, err)
			}
		}
	}
}

// T-WR17: an entry that is on both pages, by two sources, is shown once, by the better of
// the two; those that stood behind either stand behind that one.
func TestEntriesOfBothPagesAreShownOnce(t *testing.T) {
	for _, tt := range []struct {
		name       string
		old, young store.State
		shown      string
	}{
		{"the public one", store.Approved, store.Pending, "a"}, {"on the new page too", store.Pending, store.Approved, "b"},
		{"not the rejected one", store.Rejected, store.Pending, "b"}, {"the newer look", store.Approved, store.Approved, "b"},
	} {
		db, _ := two(t)
		a, b := from("a", "old", "a", tt.old, 0), from("b", "new", "b", tt.young, time.Minute)
		c, d := from("c", "old", "c", store.Duplicate, 0), from("d", "new", "d", store.Duplicate, 0)
		c.Behind, d.Behind, c.Twin, d.Twin, a.Twins, b.Twins = store.Approved, store.Pending, "a", "b", []string{"c"}, []string{"d"}
		update(t, db, site, func(tx *store.Tx) error {
			for _, m := range []*store.Mention{&a, &b, &c, &d} {
				m.Entry = "bea bea.example/1"
				if err := tx.PutMention(*m); err != nil {
					return err
				}
			}
			return nil
		})
		merge(t, db, 1, func(*store.Tx) error { return nil })
		view(t, db, site, func(tx *store.Tx) error {
			shown, err := tx.MentionOf("new", "bea bea.example/1")
			if err != nil || shown.ID != tt.shown || shown.Twin != "" || len(shown.Twins) != 3 {
				t.Errorf("%s: shown is %q with %q behind it, %v", tt.name, shown.ID, shown.Twins, err)
			}
			for _, id := range shown.Twins {
				if m, err := tx.Mention(id); err != nil || m.Twin != shown.ID || m.Page != "new" || m.IsPublic() {
					t.Errorf("%s: %s stands behind %q as %s, %v", tt.name, id, m.Twin, m.State, err)
				}
			}
			if list, _, _ := tx.MentionsOf("new", store.Range{}); len(list) > 1 || len(list) != tx.Counts("new")["reply"] {
				t.Errorf("%s: %d are listed, counts %v", tt.name, len(list), tx.Counts("new"))
			}
			return nil
		})
		if done, err := db.Repair(bg); err != nil || done.Mended != 0 {
			t.Errorf("%s: repair: got %+v and %v, want nothing to do", tt.name, done, err)
		}
	}
}

// The wm-id of the one that was public first is that of both; nothing is counted twice.
func TestTwinsKeepTheFirstNumber(t *testing.T) {
	for _, order := range [][2]string{{"old", "new"}, {"new", "old"}} {
		db, _ := two(t)
		for i, page := range order {
			update(t, db, site, func(tx *store.Tx) error {
				return tx.PutMention(from(page, page, "s", store.Approved, -time.Duration(i)*time.Hour))
			})
		}
		merge(t, db, 10, func(*store.Tx) error { return nil })
		view(t, db, site, func(tx *store.Tx) error {
			m, err := tx.Mention(order[1])
			if err != nil || m.ID != order[0] || m.Number != 1 || tx.Counts("new")["reply"] != 1 {
				t.Errorf("first public at %s: got %q, wm-id %d, counts %v, %v", order[0], m.ID, m.Number, tx.Counts("new"), err)
			}
			return nil
		})
	}
}

// A page that is merged on while its mentions are still on their way takes them along,
// and one that is merged into itself stays.
func TestMergesOfMerges(t *testing.T) {
	db, _ := two(t)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.PutPage(store.Page{ID: "newest"}, "/newest"), tx.PutMention(from("m", "old", "s", store.Approved, 0)),
			tx.Merge("old", "new"), tx.Merge("new", "newest"), tx.Merge("old", "newest"), tx.Merge("newest", "old"))
	})
	update(t, db, site, func(tx *store.Tx) error {
		_, err := tx.MoveMentions("old", 10)
		return err
	})
	view(t, db, site, func(tx *store.Tx) error {
		for _, a := range []string{"/old", "/new", "/newest"} {
			if p, err := tx.PageAt(a); err != nil || p.ID != "newest" {
				t.Errorf("%s leads to %q, %v", a, p.ID, err)
			}
		}
		if m, err := tx.Mention("m"); err != nil || m.Page != "newest" {
			t.Errorf("the mention is at %q, %v", m.Page, err)
		}
		wantNotExist(t, "a merge of nothing", tx.Merge("nothing", "new"))
		return nil
	})
}

func TestAddressesBelowArePathsBelow(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return tx.PutPage(store.Page{ID: "p"}, "/", "/blog", "/blog/a", "/blog/a/b", "/blog?p=1", "/blogger", "/z")
	})
	view(t, db, site, func(tx *store.Tx) error {
		want := []string{"/blog", "/blog/a", "/blog/a/b", "/blog?p=1"}
		if d := cmp.Diff(want, tx.AddressesBelow("/blog", 100)); d != "" {
			t.Errorf("below /blog (-want +got):\n%s", d)
		}
		if got := tx.AddressesBelow("/", 100); len(got) != 7 {
			t.Errorf("below /: got %q", got)
		}
		if got := tx.AddressesBelow("/", 3); len(got) != 3 {
			t.Errorf("three at most: got %q", got)
		}
		return nil
	})
}
