package site_test

import (
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/syndicate"
	"tertulia/store"
)

// What readers see and nobody has answered is told when it has waited for longer than its owner's
// patience, once; what was answered or set aside is not.
func TestUnansweredIsTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		box := w.attend()
		for _, id := range []string{"a", "b", "c"} {
			w.put(store.Mention{ID: id, Source: "https://bea.example/" + id, State: store.Approved, Shown: replied("bea.example", "Bea", "Text of "+id)})
		}
		w.lookout()
		pass(2 * 24 * time.Hour)
		w.lookout()
		if box.count() != 0 {
			t.Fatalf("before its time: %d letters", box.count())
		}
		must(t, w.mentions.SetAside(t.Context(), "me", "b", true))
		m := w.mention("c")
		m.Shown.Imported = true
		must(t, w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error { return tx.PutMention(m) }))
		for range 3 {
			pass(24 * time.Hour)
			w.lookout()
		}
		subject, body := box.last()
		if box.count() != 1 || subject != "Me: 1 without an answer" || !strings.Contains(body, "Text of a") || strings.Contains(body, "Text of b") || strings.Contains(body, "Text of c") ||
			!strings.Contains(body, "https://me.example/-/admin/mention?id=a\n") || !strings.Contains(body, "https://me.example/-/admin/unanswered\n") {
			t.Errorf("got %d letters, the last %q\n%s", box.count(), subject, body)
		}
	}, telling(map[string]site.Mode{site.KindUnanswered: site.Digest}), func(s *site.Site) { s.Tell.Patience = 3 * 24 * time.Hour })
}

// A group of several leads to the page that the inbox has for it, where all of it is.
func TestGroupsInMailsLeadToTheirPages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		box := w.attend()
		inbox := &site.Inbox{Site: w.site, DB: w.db}
		pages := func(want ...int) {
			t.Helper()
			_, body := box.last()
			var got []int
			for line := range strings.Lines(body) {
				if _, key, ok := strings.Cut(strings.TrimSpace(line), "/-/admin/group?group="); ok {
					group, err := inbox.Group(t.Context(), "pending", key, "")
					must(t, err)
					got = append(got, group.Count)
				}
			}
			if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
				t.Errorf("got groups of %v, want %v:\n%s", got, want, body)
			}
		}
		for _, id := range []string{"a", "b", "c"} {
			w.put(store.Mention{ID: id, Source: "https://bea.example/" + id, State: store.Pending, Shown: replied("bea.example", "Bea", "x")})
		}
		w.lookout()
		pages(3)
		for _, id := range []string{"d", "e", "f", "g", "h"} {
			w.put(store.Mention{ID: id, Source: "https://bot.example/" + id, State: store.Pending, Shown: replied("bot.example", "Bot "+id, "x")})
		}
		w.lookout()
		pages(5)
	}, telling(map[string]site.Mode{site.KindWaiting: site.Now}))
}

// A copy that wants its owner is told in plain words, with where it is put right; what is decided
// before the mail goes is not.
func TestCopiesThatWantTheirOwnerAreTold(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		box := w.attend()
		n.set(func() {
			n.fails = func(string) error { return &syndicate.Error{Doing: "publish", Status: 422, Refused: true} }
		})
		post := w.chosen("Hola", net)
		pass(time.Minute)
		w.lookout()
		w.lookout()
		_, body := box.last()
		if box.count() != 1 || !strings.Contains(body, "The network does not want this copy.") || !strings.Contains(body, post) ||
			!strings.Contains(body, "https://me.example/-/admin/networks#"+site.CopyID(post, net)+"\n") {
			t.Errorf("got %d letters, the last\n%s", box.count(), body)
		}
	}, n.on(net), telling(map[string]site.Mode{site.KindTrouble: site.Now}))
}

// However many copies wait for an account to be connected, that is one trouble.
func TestAnAccountToBeConnectedIsToldOnce(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		box := w.attend()
		for _, text := range []string{"one", "two", "three"} {
			w.chosen(text, net)
		}
		pass(time.Minute)
		w.lookout()
		subject, body := box.last()
		if box.count() != 1 || strings.Count(body, "\n* ") != 1 || !strings.Contains(body, "has to be connected: 3 copies wait for that.") ||
			!strings.Contains(body, "https://me.example/-/admin/networks#"+site.AccountID(net)+"\n") {
			t.Errorf("got %d letters, the last %q\n%s", box.count(), subject, body)
		}
	}, n.on(net), withSecret, telling(map[string]site.Mode{site.KindTrouble: site.Now}))
}
