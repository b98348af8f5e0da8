package site_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// passDays lets days pass in a service that runs, if not every hour of them.
func (w *world) passDays(days int) {
	w.t.Helper()
	for range days * 6 {
		if err := w.jobs.Review(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		pass(4 * time.Hour)
	}
}

// What is public is looked at again after a month, spread over days, politely; a restart changes nothing
// in that. What is not public is left alone.
// Spec: webmention#preventing-abuse-li-5
func TestPublicMentionsAreLookedAtAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea, eve := w.host("bea.example"), w.host("eve.example")
		const many = 40
		var ids []string
		for i := range many {
			bea.says(fmt.Sprint("/", i), replyTo(post, fmt.Sprint("text ", i)))
			ids = append(ids, w.receive(fmt.Sprint("https://bea.example/", i), post))
		}
		w.decide(w.approve, ids[0])
		eve.says("/1", signed("https://eve.example/", post))
		waiting := w.receive("https://eve.example/1", post)
		w.passDays(29)
		if n := len(w.web.Requests("bea.example")); n != many {
			t.Errorf("in the first month: asked %d times", n)
		}
		bea.set("/0", answer{status: 410})
		for range 2 {
			w.restart()
			w.passDays(2)
		}
		if n := len(w.web.Requests("bea.example")) - many; n < many/4 || n >= many {
			t.Errorf("after the first month some of them are looked at: %d of %d", n, many)
		}
		w.passDays(5)
		hours := map[time.Time]int{}
		for _, r := range w.web.Requests("bea.example")[many:] {
			hours[r.Time.Truncate(time.Hour)]++
		}
		total := 0
		for hour, n := range hours {
			if total += n; n > 6 {
				t.Errorf("asked %d times in the hour of %s", n, hour)
			}
		}
		if total != many {
			t.Errorf("looked again at %d of %d", total, many)
		}
		w.wantState("one has gone", ids[0], store.Withdrawn)
		w.wantState("another has not", ids[1], store.Approved)
		w.wantState("this one waits", waiting, store.Pending)
		if n := len(w.web.Requests("eve.example")); n != 1 {
			t.Errorf("what is not public was asked for %d times", n)
		}
	})
}

// HOSTILE 43: what cannot be reached is kept, tried now and then, and flagged after a month; an answer clears that.
func TestUnreachableSourcesAreFlaggedAndKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		w.host("bea.example").says("/1", replyTo(post, "hello"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		w.web.Down("bea.example", true)
		flagged := func() bool { return !site.Unverifiable(w.mention(id), time.Now()).IsZero() }
		w.passDays(60)
		if flagged() {
			t.Error("flagged before it was out of reach for a month")
		}
		w.passDays(15)
		if !flagged() {
			t.Errorf("not flagged after a month: %+v", w.mention(id))
		}
		w.passDays(60)
		w.wantTexts("after months", post, "hello")
		w.web.Down("bea.example", false)
		w.passDays(11)
		if m := w.mention(id); flagged() || !m.Unreachable.IsZero() || m.State != store.Approved {
			t.Errorf("it answers again: %+v", m)
		}
	})
}

// HOSTILE, deletion semantics: a tombstone stands for thirty days; a verified re-send within them revives it with
// its earlier decision, later it is a new mention. A rejection outlives its tombstone, and what was said does not.
func TestTombstones(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		send := func(path string) string { return w.receive("https://bea.example"+path, post) }
		says := func() {
			for _, path := range []string{"/shown", "/rejected", "/deleted"} {
				bea.says(path, replyTo(post, "text of "+path))
			}
		}
		gone := func() {
			for _, path := range []string{"/shown", "/rejected", "/deleted"} {
				bea.set(path, answer{status: 410})
				send(path)
			}
		}
		says()
		shown, rejected, deleted := send("/shown"), send("/rejected"), send("/deleted")
		w.decide(w.mentions.Reject, rejected)
		w.decide(w.mentions.Delete, deleted)
		w.decide(w.approve, shown)
		gone()
		w.passDays(29)
		says()
		if again := send("/shown"); again != shown {
			t.Error("within a month it is another mention")
		}
		w.wantTexts("back within a month", post, "text of /shown")
		gone()
		w.passDays(31)
		if _, err := w.talk.Mention(t.Context(), shown); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after its tombstone: got %v", err)
		}
		m := w.mention(rejected)
		if m.State != store.Rejected || m.Shown != nil {
			t.Errorf("rejected and gone for a month: %s, it said %+v", m.State, m.Shown)
		}
		if err := w.mentions.Undo(t.Context(), "me", w.last(rejected)); !errors.Is(err, site.ErrUndecidable) {
			t.Errorf("undo what is buried: got %v", err)
		}
		send("/rejected")
		w.wantState("gone again", rejected, store.Rejected)
		says()
		send("/rejected")
		send("/deleted")
		w.wantState("rejected and back", rejected, store.Rejected)
		w.wantState("deleted and back", deleted, store.Deleted)
		w.wantTexts("rejected and deleted", post)
		if again := send("/shown"); again == shown {
			t.Error("after its tombstone it is not a new mention")
		}
		w.wantTexts("a trusted person's new mention", post, "text of /shown")
	})
}
