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

// spellings are other ways to write the address of a post.
func spellings(post string) []string {
	return []string{
		post + "#c1", strings.Replace(post, "https:", "http:", 1), strings.TrimSuffix(post, "/"),
		strings.Replace(post, "me.example", "www.me.example", 1),
	}
}

// T-WR17, WR-14: a source that spells its target anew, and says so, is the same mention,
// and it is looked for as it was spelled last.
func TestARespelledTargetIsTheSameMention(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "first"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		for _, target := range append(spellings(post), post) {
			bea.says("/1", replyTo(target, "first"))
			if again := w.receive("https://bea.example/1", target); again != id {
				t.Errorf("%s: it is another mention", target)
			}
			w.wantTexts(target, post, "first")
			if m := w.mention(id); m.State != store.Approved || m.Target != target || m.Held != nil {
				t.Errorf("%s: got %s, target %s, held %v", target, m.State, m.Target, m.Held)
			}
		}
		// One that has not been verified must be linked as it was sent; the last word counts.
		bea.says("/2", replyTo(post+"#c2", "second"))
		id = w.receive("https://bea.example/2", strings.TrimSuffix(post, "/"))
		w.wantState("not linked in this spelling", id, store.Failed)
		w.receive("https://bea.example/2", post+"#c2")
		w.wantState("linked in this one", id, store.Approved)
	})
}

// T-WR13, T-WR14: nobody can have a mention withdrawn by sending it with another
// spelling of its target, as long as its source links to the page.
func TestOutsidersCannotWithdrawAMention(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "first"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		for _, target := range spellings(post) {
			w.receive("https://bea.example/1", target)
			w.wantTexts(target, post, "first")
		}
		if m := w.mention(id); m.Target != post {
			t.Errorf("the target is %s, want the one that the source has, %s", m.Target, post)
		}
		other := w.create(entry("content", "another"))
		bea.says("/1", replyTo(other, "first")+"<p>"+post)
		w.receive("https://bea.example/1", post+"#c1")
		w.wantState("when the link leads to another page", id, store.Withdrawn)
	})
}

// T-WR13: the same where the source is no HTML.
func TestOutsidersCannotWithdrawAMentionFromTextOrJSON(t *testing.T) {
	for contentType, text := range map[string]string{
		"text/plain": "See %s.", "application/json": `{"like-of": ["%s"]}`, "text/html": `<base href="%s"><a href="">x</a>`,
	} {
		t.Run(contentType, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				post := w.create(entry("content", "hello"))
				bea := w.host("bea.example")
				says := func(text string) {
					bea.set("/1", answer{header: []string{"Content-Type", contentType}, body: text})
				}
				says(fmt.Sprintf(text, post))
				id := w.receive("https://bea.example/1", post)
				w.decide(w.approve, id)
				for _, target := range spellings(post) {
					w.receive("https://bea.example/1", target)
					if m := w.mention(id); m.State != store.Approved || m.Target != post && m.Target != post+"#c1" {
						t.Errorf("%s: got %s, target %s", target, m.State, m.Target)
					}
				}
				says("[]")
				w.receive("https://bea.example/1", post)
				w.wantState("when the link is gone", id, store.Withdrawn)
			})
		})
	}
}

// T-WR17, WR-14: a fragment and the case of a host make no second source.
func TestARespelledSourceIsTheSameMention(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "first"))
		bea.says("/One", replyTo(post, "second"))
		id := w.receive("https://bea.example/1", post)
		for _, source := range []string{"https://bea.example/1#top", "https://BEA.Example/1", "HTTPS://bea.EXAMPLE/1#"} {
			if again := w.receive(source, post); again != id {
				t.Errorf("%s: it is another mention", source)
			}
		}
		if other := w.receive("https://bea.example/One", post); other == id {
			t.Error("a path in another case is the same mention")
		}
		if list, err := w.talk.Mentions(t.Context(), store.Pending, 10); err != nil || len(list) != 2 {
			t.Errorf("%d mentions wait, %v, want 2", len(list), err)
		}
	})
}

// What the owner approves is the text that they were shown.
func TestApproveMeansTheTextThatWasShown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "first"))
		id := w.receive("https://bea.example/1", post)
		waiting := func() site.Waiting {
			t.Helper()
			list, _, err := w.talk.Waiting(t.Context(), "", 10)
			if err != nil || len(list) != 1 || list[0].Digest == "" {
				t.Fatalf("what waits: %+v, %v", list, err)
			}
			return list[0]
		}
		outdated := func(when string, seen site.Waiting, readers ...string) {
			t.Helper()
			before := w.mention(id)
			if err := w.mentions.Approve(t.Context(), "me", id, seen.Digest); !errors.Is(err, site.ErrChanged) {
				t.Errorf("%s: got %v, want %v", when, err, site.ErrChanged)
			}
			w.wantTexts(when, post, readers...)
			if after := w.mention(id); after.State != before.State || len(after.History) != len(before.History) || (after.Held == nil) != (before.Held == nil) {
				t.Errorf("%s: the mention was %+v and is %+v", when, before, after)
			}
		}
		seen := waiting()
		bea.says("/1", replyTo(post, "second"))
		w.receive("https://bea.example/1", post)
		outdated("changed before it was approved", seen)
		if err := w.mentions.Approve(t.Context(), "me", id, waiting().Digest); err != nil {
			t.Fatal(err)
		}
		w.wantTexts("approved", post, "second")

		// The same for a change of what is public.
		bea.says("/1", replyTo(post, "third"))
		w.receive("https://bea.example/1", post)
		seen = waiting()
		bea.says("/1", replyTo(post, "fourth"))
		w.receive("https://bea.example/1", post)
		outdated("changed once more", seen, "second")
		w.view(func(tx *store.Tx) error {
			list, err := tx.Decisions()
			if len(list) != 1 {
				t.Errorf("the record has %d decisions, want the one that was taken", len(list))
			}
			return err
		})
		// Who does not say what they saw takes what waits.
		w.decide(w.approve, id)
		w.wantTexts("approved", post, "fourth")
	}, approve(site.ApproveAll))
}

// DESIGN 3: the half hour begins when a revision was published, not when the one before was.
func TestEachRevisionHasItsHalfHour(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		me := w.host("me.example")
		post := w.create(entry("content", "https://ana.example/"))
		me.says(strings.TrimPrefix(post, "https://me.example"), `<div class="h-entry"><div class="e-content">old <a href="https://ana.example/">a</a></div></div>`)
		pass(25 * time.Minute)
		w.makePublic(post)
		pass(25 * time.Minute)
		ana.wantHeard("50 minutes after the first revision, 25 after the second", 0)
		pass(7 * time.Minute)
		ana.wantHeard("half an hour after the second", 1)
	}, elsewhere)
}
