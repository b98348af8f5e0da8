package site_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
	"tertulia/webmention"
)

// T-WR03: hosts are compared as hosts, and what is not ours is not even looked at.
func TestAcceptRefusesOtherHostsWithoutAFetch(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.host("bea.example").says("/1", replyTo("https://me.example/", "x"))
		for _, target := range []string{
			"https://evil.test/?x=me.example", "https://me.example.evil.test/", "https://notme.example/",
			"https://sub.me.example/", "https://me.example:8443/",
		} {
			if _, err := w.send("https://bea.example/1", target); status(t, err) != 400 {
				t.Errorf("%s: got %v, want 400", target, err)
			}
		}
		pass(time.Hour)
		if n := len(w.web.Requests("bea.example")); n > 0 {
			t.Errorf("the source was fetched %d times", n)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %v", jobs)
		}
	})
}

// HOSTILE 40: whether a page never was, is a draft or was deleted is told to nobody.
// T-WR21: and nothing of it stays.
func TestAcceptAnswersAlikeForEveryPageThatIsNotThere(t *testing.T) {
	draft := func() mf2.Item { return entry("content", "secret", "post-status", "draft") }
	t.Run("served here", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			hidden := w.create(draft())
			withdrawn := w.create(entry("content", "was public"))
			w.update(withdrawn, micropub.Update{Replace: map[string][]any{"post-status": {"draft"}}})
			deleted := w.create(entry("content", "was public too"))
			w.remove(deleted)
			w.file("by-hand/index.html")
			w.receive("https://bea.example/0", "https://me.example/by-hand/")
			if err := os.RemoveAll(filepath.Join(w.root, "by-hand")); err != nil {
				t.Fatal(err)
			}
			pass(5 * time.Second)
			_, never := w.send("https://bea.example/1", "https://me.example/never/")
			for _, target := range []string{
				"https://me.example/never/", hidden, withdrawn, deleted, hidden + "?x=1", deleted + "#f",
				"https://me.example/by-hand/", "https://me.example/.git/config", "https://me.example/2026/",
			} {
				if _, err := w.send("https://bea.example/1", target); status(t, err) != 400 || err.Error() != never.Error() {
					t.Errorf("%s: got %v, want 400 %v", target, err, never)
				}
			}
			if _, err := w.talk.Of(t.Context(), "https://me.example/never/"); err == nil {
				t.Error("a page that never was has a conversation")
			}
		})
	})
	t.Run("elsewhere", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			hidden := w.create(draft())
			w.host("bea.example").says("/1", replyTo(hidden, "x"))
			ids := map[string]string{}
			for _, target := range []string{hidden, "https://me.example/never/"} {
				id, err := w.send("https://bea.example/1", target)
				if err != nil {
					t.Errorf("%s: got %v, want it looked at later", target, err)
				}
				ids[target] = id
			}
			pass(5 * time.Second)
			for target, id := range ids {
				if m, err := w.talk.Mention(t.Context(), id); err == nil {
					t.Errorf("%s: the mention is still there, %s", target, m.State)
				}
			}
			if item, err := w.posts.Source(t.Context(), editor, hidden); err != nil || item.Get("content") != "secret" {
				t.Errorf("the draft suffered: %v %v", item, err)
			}
			w.update(hidden, micropub.Update{Delete: nil, DeleteAll: []string{"post-status"}})
			pass(5 * time.Second)
			if id := w.receive("https://bea.example/1", hidden); w.mention(id).State != store.Pending {
				t.Errorf("the page of the draft that was published takes no mentions: %+v", w.mention(id))
			}
		}, elsewhere)
	})
}

// T-WR21: a page elsewhere is looked at in the job; an outage of ours is no verdict.
func TestPagesElsewhereAreLookedAtInTheJob(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("here/index.html")
		bea := w.host("bea.example")
		for i := range 3 {
			bea.says(fmt.Sprint("/here", i), replyTo("https://me.example/here/", "x"))
			bea.says(fmt.Sprint("/gone", i), replyTo("https://me.example/gone/", "x"))
		}
		w.web.Down("me.example", true)
		var here, gone []string
		for i := range 3 {
			here = append(here, w.receive(fmt.Sprint("https://bea.example/here", i), "http://www.me.example/here/?utm_source=spam"))
			gone = append(gone, w.receive(fmt.Sprint("https://bea.example/gone", i), "https://me.example/gone/"))
		}
		pass(time.Minute)
		for _, id := range append(here, gone...) {
			w.wantState("while our own site is down", id, store.Received)
		}
		if _, err := w.talk.Of(t.Context(), "https://me.example/gone/"); err == nil {
			t.Error("a page that nobody has seen yet has a conversation")
		}
		w.web.Down("me.example", false)
		pass(24 * time.Hour)
		for _, id := range here {
			// The link is to another spelling, which is not the one that was sent.
			w.wantState("a page that is there", id, store.Failed)
		}
		for _, id := range gone {
			if m, err := w.talk.Mention(t.Context(), id); err == nil {
				t.Errorf("a mention of no page is still there: %s", m.State)
			}
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %v", jobs)
		}
		if p, err := w.talk.Of(t.Context(), "https://me.example/here/"); err != nil || p.URL != "https://me.example/here/" {
			t.Errorf("the page is known as %q (%v), not by its own address", p.URL, err)
		}
	}, elsewhere)
}

// T-WR19, T-WR20, HOSTILE 39: all addresses of a page are one conversation.
func TestAcceptFilesAllSpellingsUnderOnePage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		spellings := []string{
			post, strings.TrimSuffix(post, "/"), post + "index.html", strings.Replace(post, "https", "http", 1),
			strings.Replace(post, "me.example", "www.me.example", 1), strings.Replace(post, "me.example", "ME.EXAMPLE", 1),
			post + "#comment-12", post + "?utm_source=rss", strings.Replace(post, "/20", "/%320", 1),
		}
		for i, target := range spellings {
			at := fmt.Sprint("/", i)
			bea.says(at, replyTo(target, fmt.Sprint("r", i)))
			w.decide(w.approve, w.receive("https://bea.example"+at, target))
		}
		page, err := w.talk.Of(t.Context(), post)
		if err != nil || page.URL != post || len(page.Responses) != len(spellings) || page.Counts["reply"] != len(spellings) {
			t.Errorf("got %d responses, counts %v, at %q (%v), want %d replies", len(page.Responses), page.Counts, page.URL, err, len(spellings))
		}
		for _, r := range page.Responses {
			if r.Type != "reply" {
				t.Errorf("%s: got %s, want a reply", r.Target, r.Type)
			}
		}
		for _, target := range spellings {
			if p, err := w.talk.Of(t.Context(), target); err != nil || p.URL != post {
				t.Errorf("Of(%s): got %q, %v", target, p.URL, err)
			}
		}
	})
}

// WR-1, WR-7, T-WR26, HOSTILE 49: however often and however fast, it is one mention and one job.
func TestAcceptOfTheSamePairIsOneMention(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		w.host("bea.example").says("/1", replyTo(post, "x"))
		pass(5 * time.Second)
		w.stop()
		var mu sync.Mutex
		ids, slow := map[string]bool{}, 0
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				id, err := w.send("https://bea.example/1", post)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					ids[id] = true
				} else if status(t, err) == 429 {
					slow++
				} else {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(ids) != 1 || slow != 80 {
			t.Errorf("got %d mentions, %d put off, want 1 and 80 above the host's 120", len(ids), slow)
		}
		if jobs := w.jobList(); len(jobs) != 1 {
			t.Errorf("got %d jobs, want 1", len(jobs))
		}
		w.restart()
		pass(5 * time.Second)
		for id := range ids {
			w.wantState("after a restart", id, store.Pending)
		}
		if n := len(w.web.Requests("bea.example")); n != 1 {
			t.Errorf("the source was fetched %d times, want once", n)
		}
	})
}

// HOSTILE 110: one bucket for one sender and one for a source's host, however they
// are spelled, and never longer than a minute.
func TestAcceptBoundsHowFast(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		w.mentions.Limits = &site.Limits{PerSender: 3, PerHost: 2}
		send := func(source, from string) int {
			_, err := w.mentions.Accept(t.Context(), webmention.Request{
				Source: parse(t, source), Target: parse(t, post), From: netip.MustParseAddr(from),
			})
			if e, ok := err.(*webmention.Error); ok && e.RetryAfter != time.Minute {
				t.Errorf("Retry-After is %s", e.RetryAfter)
			}
			return status(t, err)
		}
		for i, tt := range []struct {
			source, from string
			want         int
		}{
			{"https://bea.example/1", "192.0.2.1", 0},
			{"https://BEA.example/2", "192.0.2.2", 0},
			{"https://bea.example./3", "192.0.2.3", 429},
			{"http://bea.example:80/4", "192.0.2.3", 429},
			{"https://a.example/", "2001:db8::1", 0},
			{"https://b.example/", "2001:db8::2", 0},
			{"https://c.example/", "2001:db8::3:4", 0},
			{"https://d.example/", "2001:db8:0:0:ffff::5", 429},
			{"https://d.example/", "2001:db8:0:1::5", 0},
			{"https://e.example/", "::ffff:192.0.2.9", 0},
			{"https://f.example/", "192.0.2.9", 0},
			{"https://g.example/", "192.0.2.9", 0},
			{"https://h.example/", "::ffff:192.0.2.9", 429},
		} {
			if got := send(tt.source, tt.from); got != tt.want {
				t.Errorf("%d %s from %s: got %d, want %d", i, tt.source, tt.from, got, tt.want)
			}
		}
		pass(time.Minute)
		if got := send("https://bea.example/5", "192.0.2.1"); got != 0 {
			t.Errorf("a minute later: got %d", got)
		}
	})
}

func TestAcceptPutsOffWhenTheQueueIsFull(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pass(5 * time.Second)
		first := w.receive("https://bea.example/1", post)
		w.mentions.Limits = &site.Limits{Queue: 2}
		w.stop()
		for i, want := range []int{0, 0, 503, 503} {
			_, err := w.send(fmt.Sprint("https://bea.example/", i+1), post)
			if status(t, err) != want {
				t.Errorf("%d: got %v, want %d", i, err, want)
			}
			if e, ok := err.(*webmention.Error); ok && e.RetryAfter == 0 {
				t.Error("503 without Retry-After")
			}
		}
		if _, err := w.send("https://bea.example/1", post); err != nil {
			t.Errorf("a pair that waits already: got %v", err)
		}
		if m := w.mention(first); m.State != store.Received {
			t.Errorf("got %s", m.State)
		}
	})
}

// T-WR15: what the owner has thrown away does not come back, whatever it says now.
func TestAcceptDoesNotReviveWhatTheOwnerDecided(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "buy"))
		bea.says("/2", replyTo(post, "buy"))
		deleted, rejected := w.receive("https://bea.example/1", post), w.receive("https://bea.example/2", post)
		w.decide(w.mentions.Delete, deleted)
		w.decide(w.mentions.Reject, rejected)
		fetched := len(w.web.Requests("bea.example"))
		for _, text := range []string{"buy", "buy more"} {
			bea.says("/1", replyTo(post, text))
			bea.says("/2", replyTo(post, text))
			if again := w.receive("https://bea.example/1", post); again != deleted {
				t.Errorf("the deleted mention came again as %s", again)
			}
			if again := w.receive("https://bea.example/2", post); again != rejected {
				t.Errorf("the rejected mention came again as %s", again)
			}
			w.wantState("deleted", deleted, store.Deleted)
			w.wantState("rejected", rejected, store.Rejected)
			w.wantTexts("nothing", post)
		}
		if n := len(w.web.Requests("bea.example")) - fetched; n != 2 {
			t.Errorf("%d fetches, want only those of the rejected one", n)
		}
		for _, id := range []string{deleted, rejected} {
			if s, err := w.talk.Status(t.Context(), id); err != nil || s.State != store.Pending || s.Detail != "" {
				t.Errorf("the sender is told %+v %v", s, err)
			}
			w.decide(w.approve, id)
			w.wantState("lifted by the owner", id, store.Approved)
		}
	})
}
