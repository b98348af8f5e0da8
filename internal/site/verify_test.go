package site_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// The life of a mention, as store/mentions.go draws it. WR-12, WR-13, WR-14, HOSTILE 44.
func TestMentionsGoTheirWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "first"))
		id, err := w.send("https://bea.example/1", post)
		if err != nil {
			t.Fatal(err)
		}
		w.wantTexts("before it was looked at", post)
		pass(5 * time.Second)
		w.wantState("verified", id, store.Pending)
		if m := w.mention(id); m.Why != site.WhyPerson {
			t.Errorf("it waits because %q", m.Why)
		}
		w.wantTexts("before it was approved", post)
		w.decide(w.approve, id)
		w.decide(w.approve, id)
		w.wantTexts("approved", post, "first")
		number := w.mention(id).Number

		bea.says("/1", "<p>nothing of it")
		w.receive("https://bea.example/1", post) // T-WR13
		w.wantState("without the link", id, store.Withdrawn)
		w.wantTexts("without the link", post)
		if err := w.mentions.Approve(t.Context(), "me", id, ""); !errors.Is(err, site.ErrUndecidable) {
			t.Errorf("approve what was withdrawn: got %v, want %v", err, site.ErrUndecidable)
		}
		bea.says("/1", replyTo(post, "first"))
		w.receive("https://bea.example/1", post)
		w.wantTexts("back again", post, "first")

		bea.set("/1", answer{status: 410, body: replyTo(post, "first")})
		w.receive("https://bea.example/1", post)
		w.wantState("410", id, store.Withdrawn)
		bea.says("/1", replyTo(post, "first"))
		w.receive("https://bea.example/1", post)
		w.wantTexts("back again", post, "first")

		w.decide(w.mentions.Reject, id)
		w.wantTexts("rejected", post)
		bea.set("/1", answer{status: 410})
		w.receive("https://bea.example/1", post)
		w.wantState("rejected and gone", id, store.Rejected)
		bea.says("/1", replyTo(post, "first"))
		w.receive("https://bea.example/1", post)
		w.wantState("rejected, gone and back", id, store.Rejected)

		m := w.mention(id)
		if m.Number != number {
			t.Errorf("wm-id changed from %d to %d", number, m.Number)
		}
		var stages []string
		for _, e := range m.History {
			stages = append(stages, e.Stage)
			if e.At.IsZero() {
				t.Errorf("%s has no time", e.Stage)
			}
		}
		want := "received looked at approve approve looked at looked at looked at looked at reject looked at looked at"
		if got := strings.Join(stages, " "); got != want {
			t.Errorf("history: got %s, want %s", got, want)
		}
	})
}

// T-WR10, T-WR11, HOSTILE 43: what proves nothing changes nothing, however long it lasts.
// Readers are told of a text that has changed since they had it, and of no other.
func TestEditsAreSeen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		edited := func(when string) time.Time {
			t.Helper()
			page, err := w.talk.Of(t.Context(), post)
			if err != nil || len(page.Responses) != 1 {
				t.Fatalf("%s: %d responses, %v", when, len(page.Responses), err)
			}
			return page.Responses[0].Edited
		}
		bea.says("/1", replyTo(post, "draft"))
		id := w.receive("https://bea.example/1", post)
		bea.says("/1", replyTo(post, "first")) // nobody had the draft
		w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		if at := edited("approved"); !at.IsZero() {
			t.Errorf("approved: edited at %v", at)
		}
		pass(time.Hour)
		seen := time.Now()
		bea.says("/1", replyTo(post, "second"))
		w.receive("https://bea.example/1", post)
		first := edited("edited")
		if d := first.Sub(seen); d < 0 || d > time.Minute {
			t.Errorf("edited %v after it was said", d)
		}
		pass(time.Hour)
		w.receive("https://bea.example/1", post) // and again without any change
		if at := edited("unchanged"); !at.Equal(first) {
			t.Errorf("unchanged: edited at %v, before at %v", at, first)
		}
	})
}

func TestFailuresOfTheSourceChangeNothing(t *testing.T) {
	for name, fail := range map[string]func(w *world, bea *host, post string){
		"500 with the link": func(_ *world, bea *host, post string) {
			bea.set("/1", answer{status: 500, body: replyTo(post, "other")})
		},
		"403": func(_ *world, bea *host, _ string) { bea.set("/1", answer{status: 403}) },
		"429": func(_ *world, bea *host, _ string) {
			bea.set("/1", answer{status: 429, header: []string{"Retry-After", "1"}})
		},
		"down": func(w *world, _ *host, _ string) { w.web.Down("bea.example", true) },
		"binary": func(_ *world, bea *host, _ string) {
			bea.set("/1", answer{header: []string{"Content-Type", "image/png"}})
		},
		"long": func(_ *world, bea *host, _ string) { bea.says("/1", strings.Repeat("long ", 1<<18)) }, // HOSTILE 18
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				post := w.create(entry("content", "hello"))
				bea := w.host("bea.example")
				bea.says("/1", replyTo(post, "first"))
				bea.says("/2", replyTo(post, "second"))
				known := w.receive("https://bea.example/1", post)
				w.decide(w.approve, known)
				fail(w, bea, post)
				w.receive("https://bea.example/1", post)
				w.restart()
				pass(24 * time.Hour)
				w.wantTexts("after a day", post, "first")
				if n := len(w.web.Requests("bea.example")); n > 20 {
					t.Errorf("the source was asked %d times in a day", n)
				}
				pass(24 * time.Hour)
				w.wantTexts("after two days", post, "first")
				if jobs := w.jobList(); len(jobs) > 0 {
					t.Errorf("jobs are left: %+v", jobs)
				}
			})
		})
	}
}

// A new mention whose source cannot be reached for a day and more has failed; a
// sender who asks for patience gets it.
func TestNewMentionsFailInTheEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.set("/1", answer{status: 503, header: []string{"Retry-After", "1"}})
		bea.says("/2", "<p>"+post)
		bea.set("/3", answer{status: 410})
		bea.set("/4", answer{status: 500, body: replyTo(post, "x")})
		late, prose, gone, broken := w.receive("https://bea.example/1", post), w.receive("https://bea.example/2", post),
			w.receive("https://bea.example/3", post), w.receive("https://bea.example/4", post)
		never, unknown := w.receive("https://bea.example/5", post), w.receive("https://nowhere.example/", post)
		w.wantState("a URL in prose", prose, store.Failed) // T-WR04
		w.wantState("410", gone, store.Failed)
		pass(6 * time.Hour)
		w.wantState("503 for hours", late, store.Received)
		w.wantState("500 with the link", broken, store.Received)
		bea.says("/1", replyTo(post, "at last"))
		pass(8 * time.Hour)
		w.wantState("it answers at last", late, store.Pending)
		pass(7 * 24 * time.Hour)
		w.wantState("500 for a week", broken, store.Failed)
		w.wantState("no host", unknown, store.Failed)
		w.wantState("404 three times", never, store.Failed)
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		if err := w.mentions.Approve(t.Context(), "me", never, ""); !errors.Is(err, site.ErrUndecidable) {
			t.Errorf("approve what was never verified: got %v", err)
		}
		// Its sender says it again, and now it is there.
		bea.says("/5", replyTo(post, "there"))
		w.receive("https://bea.example/5", post)
		w.wantState("failed, then there", never, store.Pending)
	})
}

// HOSTILE 44: 404 and 451 count as gone after three looks over 72 hours, whatever is
// sent meanwhile; a look that fails in between neither counts nor begins it anew.
func TestMissingSourcesAreBelievedAfterThreeDays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "first"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		bea.set("/1", answer{status: 404, body: replyTo(post, "first")})
		for range 5 {
			w.receive("https://bea.example/1", post)
		}
		w.wantTexts("404 five times in a minute", post, "first")
		pass(30 * time.Hour)
		w.web.Down("bea.example", true)
		pass(10 * time.Hour)
		w.web.Down("bea.example", false)
		bea.set("/1", answer{status: 451})
		w.restart()
		pass(31 * time.Hour)
		w.wantTexts("after 71 hours", post, "first")
		pass(20 * time.Hour)
		w.wantState("after four days", id, store.Withdrawn)
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		bea.says("/1", replyTo(post, "first"))
		w.receive("https://bea.example/1", post)
		w.wantTexts("back again", post, "first")
		if m := w.mention(id); m.Missing != 0 {
			t.Errorf("it still counts %d misses", m.Missing)
		}
	})
}

// MF-11, HOSTILE 37, T-MF05: what a source is to the target.
func TestMentionsHaveATypeAndAreCounted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		class := func(names, more string) string {
			return `<div class="h-entry"><a class="` + names + `" href="` + strings.TrimSuffix(post, "/") + `/#part">x</a>` + more + `</div>`
		}
		cases := []struct{ body, typ, rsvp string }{
			{class("u-like-of", ""), "like", ""},
			{class("u-repost-of", ""), "repost", ""},
			{class("u-bookmark-of", ""), "bookmark", ""},
			{class("u-in-reply-to", ""), "reply", ""},
			{class("u-in-reply-to", `<data class="p-rsvp" value="YES">`), "rsvp", "yes"},
			{class("u-in-reply-to", `<data class="p-rsvp" value="marty mcguire">`), "reply", ""},
			{class("", ""), "mention", ""},
			{class("u-in-reply-to u-like-of u-repost-of", ""), "repost", ""},
			{class("u-in-reply-to u-like-of", strings.Repeat("long ", 1000)), "like", ""},
			{`<p>no entry <img src="` + post + `#part">`, "mention", ""},
			{`<div class="h-entry"><a class="u-in-reply-to" href="https://other.example/">x</a><a href="` + post + `#part">x</a></div>`, "mention", ""},
		}
		want := map[string]int{}
		for i, tt := range cases {
			at := fmt.Sprint("/", i)
			bea.says(at, tt.body)
			m := w.mention(w.receive("https://bea.example"+at, post+"#part"))
			if m.Shown == nil || m.Shown.Type != tt.typ || m.Shown.RSVP != tt.rsvp {
				t.Errorf("%s: got %+v, want %s %s", tt.body, m.Shown, tt.typ, tt.rsvp)
			}
			key := tt.typ
			if tt.rsvp != "" {
				key += "-" + tt.rsvp
			}
			want[key]++
		}
		got, err := w.talk.Counts(t.Context(), []string{post, strings.TrimSuffix(post, "/"), "https://me.example/never/", "https://evil.test/"})
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("counts: got %v %v, want %v", got, err, want)
		}
	}, approve(site.ApproveNone))
}

// A plain text and a JSON source say that they link here and nothing else.
func TestSourcesThatAreNoPagesAreMentions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.set("/t", answer{header: []string{"Content-Type", "text/plain"}, body: "see " + post + " for <b>x</b>"})
		bea.set("/j", answer{header: []string{"Content-Type", "application/json"}, body: `{"a":["` + post + `"]}`})
		for _, source := range []string{"https://bea.example/t", "https://bea.example/j"} {
			m := w.mention(w.receive(source, post))
			if m.Shown == nil || m.Shown.Type != "mention" || m.Shown.HTML != "" || m.Shown.URL != source || m.Shown.Author.Name != "bea.example" {
				t.Errorf("%s: got %s %+v", source, m.State, m.Shown)
			}
		}
	})
}

// A mention that is on its way when the owner deletes it stays deleted, and one that
// a stop interrupts is looked at again.
func TestVerifyWhileTheOwnerDecides(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		w.host("bea.example").says("/1", replyTo(post, "x"))
		pass(5 * time.Second)
		w.stop()
		id, err := w.send("https://bea.example/1", post)
		if err != nil {
			t.Fatal(err)
		}
		w.decide(w.mentions.Reject, id)
		w.restart()
		pass(5 * time.Second)
		w.wantState("rejected before it was looked at", id, store.Rejected)
		if m := w.mention(id); m.Shown == nil {
			t.Error("it was not looked at")
		}
		w.decide(w.mentions.Delete, id)
		if err := w.mentions.Replay(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		w.wantState("replayed", id, store.Deleted)
	})
}
