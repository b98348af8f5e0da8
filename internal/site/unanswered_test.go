package site_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// said writes the one page of a stranger's host: a response of a type to a target, with words.
func (w *world) said(address, class, target, words string) {
	w.t.Helper()
	u := parse(w.t, address)
	w.host(u.Host).says(u.Path, `<article class="h-entry"><a class="`+class+`" href="`+target+`"></a>
		<p class="e-content">`+words+`</p><a class="u-url" href="`+address+`"></a><a class="p-author h-card" href="https://`+u.Host+`/">`+u.Host+`</a></article>`)
}

// open lists what is unanswered, by its words.
func (w *world) openList(list site.OpenName) (words []string) {
	w.t.Helper()
	open, err := w.talk.Unanswered(w.t.Context(), list, "", 50)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range open.Mentions {
		words = append(words, m.Excerpt)
	}
	return words
}

func (w *world) wantOpen(when string, want ...string) {
	w.t.Helper()
	if d := cmp.Diff(want, w.openList(site.Unanswered)); d != "" {
		w.t.Errorf("%s: unanswered (-want +got):\n%s", when, d)
	}
}

// What is unanswered: replies and comments, and what asks with a question mark; no gestures, nothing
// that readers do not see, nothing of the owner's. The longest waiting comes first.
func TestWhatIsUnanswered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Hello"))
		for _, c := range []struct{ name, class, words string }{
			{"a", "u-in-reply-to", "Nice."},
			{"b", "u-like-of", "Is that a like?"},
			{"c", "u-mention", "A link https://x.example/?a=b and no more."},
			{"d", "u-mention", "Who wrote that?"},
			{"e", "u-repost-of", "Hello? Hello?"},
			{"f", "u-in-reply-to", "👍"},
			{"g", "u-in-reply-to", "¿Y mañana"},
			{"h", "u-in-reply-to", "See https://x.example/?q"},
		} {
			address := "https://" + c.name + ".example/1"
			w.said(address, c.class, post, c.words)
			w.receive(address, post)
		}
		w.said("https://i.example/1", "u-in-reply-to", post, "I wait?")
		w.site.Approve = site.ApprovePeople
		w.receive("https://i.example/1", post)
		w.wantOpen("all", "Nice.", "Who wrote that?", "¿Y mañana", "See https://x.example/?q")
		if d := cmp.Diff([]string{"Who wrote that?", "¿Y mañana"}, w.openList(site.Questions)); d != "" {
			t.Errorf("questions:\n%s", d)
		}
	}, approve(site.ApproveNone))
}

// In whatever order answer and question come, by whatever name of it: the source as it was sent, the
// address that is shown, its place in our conversation, http or https. A draft answers nothing, nor
// does a deleted post; a gesture is enough where nothing was asked.
func TestAnswersInAnyOrder(t *testing.T) {
	const source = "https://ana.example/1"
	names := map[string]func(id, page string) string{
		"the source":         func(string, string) string { return source },
		"another spelling":   func(string, string) string { return "HTTP://ana.EXAMPLE/1" },
		"its place here":     func(id, page string) string { return page + "#tertulia-" + id },
		"its place apart":    func(id, page string) string { return "https://me.example/-/conversation?url=x#tertulia-" + id },
		"its status page":    func(id, page string) string { return "https://me.example/-/webmention/" + id },
		"an anchor's cousin": func(id, page string) string { return page + "#comment-" + id },
	}
	for name, of := range names {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				post := w.create(entry("content", "Hello"))
				w.said(source, "u-in-reply-to", post, "What is that?")
				id := w.receive(source, post)
				w.wantOpen("asked", "What is that?")
				answer := w.create(entry("content", "A greeting.", "in-reply-to", of(id, post), "post-status", "draft"))
				w.wantOpen("a draft answers nothing", "What is that?")
				w.update(answer, micropub.Update{Replace: map[string][]any{"post-status": {"published"}}})
				w.wantOpen("answered")
				w.remove(answer)
				w.wantOpen("the answer was deleted", "What is that?")
				if _, err := w.posts.Undelete(t.Context(), editor, answer); err != nil {
					t.Fatal(err)
				}
				w.wantOpen("and brought back")
				w.update(answer, micropub.Update{DeleteAll: []string{"in-reply-to"}})
				w.wantOpen("it answers nothing any more", "What is that?")
			}, approve(site.ApproveNone))
		})
	}
	t.Run("the answer first", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			post := w.create(entry("content", "Hello"))
			w.create(entry("content", "A greeting.", "in-reply-to", source))
			w.said(source, "u-in-reply-to", post, "What is that?")
			w.receive(source, post)
			w.wantOpen("answered before it came")
		}, approve(site.ApproveNone))
	})
	t.Run("a gesture", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			post := w.create(entry("content", "Hello"))
			for i, words := range []string{"Nice.", "Nice?"} {
				address := fmt.Sprintf("https://ana%d.example/1", i)
				w.said(address, "u-in-reply-to", post, words)
				w.receive(address, post)
				w.create(entry("like-of", address))
			}
			w.wantOpen("a like is no answer to a question", "Nice?")
		}, approve(site.ApproveNone))
	})
}

// A page that was written by hand, and a comment of the owner's, answer as well.
func TestOthersWaysToAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Hello"))
		w.said("https://ana.example/1", "u-in-reply-to", post, "What is that?")
		id := w.receive("https://ana.example/1", post)
		page := store.Outgoing{URL: "https://me.example/hand/", Seen: time.Now(), Answers: []string{"https://ana.example/1"}}
		w.change(func(tx *store.Tx) error { return tx.PutOutgoing(page) })
		w.wantOpen("answered by hand")
		page.Gone = time.Now()
		w.change(func(tx *store.Tx) error { return tx.PutOutgoing(page) })
		w.wantOpen("that page has gone", "What is that?")

		// The owner answers from another site of theirs, which says so by its author.
		w.site.Keepers = append(w.site.Keepers, site.Keeper{Me: "https://other.example/", Role: site.Moderator})
		w.said("https://other.example/1", "u-in-reply-to", post+"#tertulia-"+id, "A greeting.")
		theirs := w.receive("https://other.example/1", post+"#tertulia-"+id)
		w.wantOpen("answered from elsewhere")
		if err := w.mentions.Delete(t.Context(), "me", theirs); err != nil {
			t.Fatal(err)
		}
		w.wantOpen("that was deleted", "What is that?")
	}, approve(site.ApproveNone))
}

func (w *world) change(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(w.t.Context(), w.site.Key, fn); err != nil {
		w.t.Fatal(err)
	}
}

// Whoever has looked after the site only since now has answered already: a start finds that out.
func TestNewKeepersHaveAnswered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Hello"))
		w.said("https://ana.example/1", "u-in-reply-to", post, "What is that?")
		id := w.receive("https://ana.example/1", post)
		w.said("https://bea.example/1", "u-in-reply-to", post+"#tertulia-"+id, "A greeting.")
		w.receive("https://bea.example/1", post+"#tertulia-"+id)
		w.wantOpen("by anybody", "What is that?", "A greeting.")
		w.site.Keepers = append(w.site.Keepers, site.Keeper{Me: "https://bea.example/", Role: site.Owner})
		for range 2 {
			if err := w.jobs.Begin(t.Context(), w.site); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			w.wantOpen("by an owner")
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("a start promises %+v again", jobs)
		}
	}, approve(site.ApproveNone))
}

// What needs no answer goes, and comes back when that is undone; what was withdrawn, rejected or
// answered is in no list.
func TestSettingAside(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Hello"))
		w.said("https://ana.example/1", "u-in-reply-to", post, "One")
		w.said("https://bea.example/1", "u-in-reply-to", post, "Two")
		one, two := w.receive("https://ana.example/1", post), w.receive("https://bea.example/1", post)
		for range 2 {
			if err := w.mentions.SetAside(t.Context(), "me", one, true); err != nil {
				t.Fatal(err)
			}
		}
		w.wantOpen("one is aside", "Two")
		if d := cmp.Diff([]string{"One"}, w.openList(site.SetAside)); d != "" {
			t.Errorf("aside:\n%s", d)
		}
		decisions, err := w.mentions.Decisions(t.Context(), one)
		if err != nil || len(decisions) != 1 {
			t.Fatalf("got %+v and %v, want one decision", decisions, err)
		}
		if err := w.mentions.Undo(t.Context(), "me", decisions[0].ID); err != nil {
			t.Fatal(err)
		}
		w.wantOpen("undone", "One", "Two")
		if err := w.mentions.Reject(t.Context(), "me", two); err != nil {
			t.Fatal(err)
		}
		w.wantOpen("rejected", "One")
		w.host("ana.example").says("/1", "nothing")
		w.receive("https://ana.example/1", post)
		w.wantOpen("withdrawn")
	}, approve(site.ApproveNone))
}

// shownUnder is the conversation of a page: by whom, what, and below whom.
func (w *world) shownUnder(page string) (lines []string) {
	w.t.Helper()
	p, err := w.talk.Of(w.t.Context(), page)
	if err != nil {
		w.t.Fatal(err)
	}
	called := map[string]string{}
	for _, r := range p.Responses {
		called[r.ID] = r.Author.Name
	}
	for _, r := range p.Responses {
		line := r.Author.Name + ": " + strings.TrimSpace(r.Text)
		if r.Parent != "" {
			line += " → " + called[r.Parent]
		}
		if r.Own {
			line += " (own)"
		}
		lines = append(lines, line)
	}
	return lines
}

// The owner's answer stands below what it answers, in every output, once, for as long as both
// are there, and says what the post says.
func TestOwnAnswersAreShownInTheThread(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Hello"))
		w.said("https://ana.example/1", "u-in-reply-to", post, "What is that?")
		id := w.receive("https://ana.example/1", post)
		want := func(when string, lines ...string) {
			t.Helper()
			pass(time.Minute)
			if d := cmp.Diff(lines, w.shownUnder(post)); d != "" {
				t.Errorf("%s (-want +got):\n%s", when, d)
			}
			found, err := w.talk.Find(t.Context(), site.Query{Targets: []string{post}})
			if err != nil || len(found.Responses) != len(lines) || found.Paging.Total != len(lines) {
				t.Errorf("%s: the API has %d of %d, want %d", when, len(found.Responses), found.Paging.Total, len(lines))
			}
		}
		answer := w.create(entry("content", "A greeting.", "in-reply-to", "https://ana.example/1", "in-reply-to", post))
		want("answered, and told to its own page as well", "ana.example: What is that?", "Me: A greeting. → ana.example (own)")
		again := w.create(entry("content", "Or two.", "in-reply-to", answer))
		want("an answer to the answer", "ana.example: What is that?", "Me: A greeting. → ana.example (own)", "Me: Or two. → Me (own)")
		w.remove(again)
		w.update(answer, micropub.Update{Replace: map[string][]any{"content": {"A salute."}}, DeleteAll: []string{"in-reply-to"}, Add: map[string][]any{}})
		w.update(answer, micropub.Update{Add: map[string][]any{"in-reply-to": {"https://ana.example/1"}}})
		want("edited", "ana.example: What is that?", "Me: A salute. → ana.example (own)")
		if err := w.mentions.Reject(t.Context(), "me", id); err != nil {
			t.Fatal(err)
		}
		want("what it answers was rejected")
		if err := w.approve(t.Context(), "me", id); err != nil {
			t.Fatal(err)
		}
		want("and approved", "ana.example: What is that?", "Me: A salute. → ana.example (own)")
		w.restart()
		want("after a restart", "ana.example: What is that?", "Me: A salute. → ana.example (own)")
		w.remove(answer)
		want("the answer was deleted", "ana.example: What is that?")
	}, approve(site.ApproveNone))
}

func (w *world) answering() *site.Answering {
	return &site.Answering{Site: w.site, DB: w.db, Posts: w.posts, Mentions: w.mentions}
}

// An answer is a post that replies to what was said, is sent, and is one however often it is asked for.
func TestAnsweringMakesAPost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Hello"))
		w.said("https://ana.example/1", "u-in-reply-to", post, "What is that?")
		id := w.receive("https://ana.example/1", post)
		w.wantState("before", id, store.Pending)
		a := w.answering()
		asked, err := a.Asked(t.Context(), id, lang.For("en"))
		if err != nil || !asked.Pending || asked.Gone || !asked.Takes {
			t.Fatalf("got %+v, %v", asked, err)
		}
		answer := site.OwnAnswer{Mention: id, Kind: site.ByReply, Text: " A greeting.\r\nTwo lines. ", Seen: asked.Digest}
		urls := make([]string, 50)
		var all sync.WaitGroup
		for i := range urls {
			all.Go(func() {
				made, err := a.Answer(t.Context(), "me", answer)
				if err != nil {
					t.Error(err)
				}
				urls[i] = made.URL
			})
		}
		all.Wait()
		pass(time.Hour)
		made, err := a.Answer(t.Context(), "me", answer)
		if urls = append(urls, made.URL); err != nil || len(slices.Compact(urls)) != 1 {
			t.Errorf("got %v and %v, want one post", slices.Compact(urls), err)
		}
		w.wantState("afterwards", id, store.Approved)
		decisions, _ := w.mentions.Decisions(t.Context(), id)
		if len(decisions) != 1 {
			t.Errorf("got %d decisions, want one", len(decisions))
		}
		kept := w.post(made.URL)
		if got := kept.Item.URLs("in-reply-to"); !slices.Equal(got, []string{"https://ana.example/1"}) || kept.Item.Get("content") != "A greeting.\nTwo lines." {
			t.Errorf("got %v, %q", got, kept.Item.Get("content"))
		}
		if w.sent(made.URL, "https://ana.example/1").State == "" {
			t.Error("its Webmention was never promised")
		}
		w.wantOpen("answered")
		for _, kind := range []site.AnswerKind{site.ByLike, site.ByRepost, site.ByBookmark} {
			first, err1 := a.Answer(t.Context(), "me", site.OwnAnswer{Mention: id, Kind: kind})
			pass(time.Hour)
			second, err2 := a.Answer(t.Context(), "me", site.OwnAnswer{Mention: id, Kind: kind})
			if errors.Join(err1, err2) != nil || first != (micropub.Created{URL: second.URL, Pending: first.Pending}) || w.post(first.URL).Kind != string(kind) {
				t.Errorf("%s: got %+v and %+v, %v, %v", kind, first, second, err1, err2)
			}
		}
		asked, err = a.Asked(t.Context(), id, lang.For("en"))
		if err != nil || len(asked.Given) != 4 {
			t.Errorf("got %+v, %v, want four answers", asked.Given, err)
		}
	})
}

// What cannot be answered says why, and nothing is published.
func TestWhatCannotBeAnswered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Hello"))
		w.said("https://ana.example/1", "u-in-reply-to", post, "What is that?")
		id := w.receive("https://ana.example/1", post)
		a := w.answering()
		try := func(name string, answer site.OwnAnswer, want error) {
			t.Helper()
			if _, err := a.Answer(t.Context(), "me", answer); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
		text := site.OwnAnswer{Mention: id, Kind: site.ByReply, Text: "A greeting."}
		try("no text", site.OwnAnswer{Mention: id, Kind: site.ByReply, Text: " \n"}, site.ErrNoText)
		try("no way", site.OwnAnswer{Mention: id, Kind: "follow", Text: "x"}, site.ErrNoAnswer)
		try("changed", site.OwnAnswer{Mention: id, Kind: site.ByReply, Text: "x", Seen: "another"}, site.ErrChanged)
		w.host("ana.example").says("/1", "nothing")
		w.receive("https://ana.example/1", post)
		try("withdrawn", text, site.ErrNotThere)
		w.site.Publish = nil
		try("no posts", text, site.ErrNoPosts)
		posts, err := w.posts.All(t.Context(), 10)
		if err != nil || len(posts) != 1 {
			t.Errorf("got %d posts, %v, want the first alone", len(posts), err)
		}
	}, approve(site.ApproveNone))
}

// What a bridge has brought is answered where it was said and at the bridge, so that both hear of it.
func TestAnswersReachBridgesToo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Hello"))
		const source, said = "https://brid.gy/comment/mastodon/@me@social.example/1/2", "https://social.example/@ana/2"
		var id string
		w.change(func(tx *store.Tx) error {
			page, err := tx.PageAt(parse(t, post).Path[:len(parse(t, post).Path)-1])
			id = store.NewID(tx.Now)
			v := &store.Version{Type: "reply", URL: said, Bridge: "brid.gy", Author: mf2.Author{Name: "Ana"}, Text: "And?", Digest: "d"}
			return errors.Join(err, tx.PutMention(store.Mention{ID: id, Source: source, Target: post, Page: page.ID, State: store.Approved, Received: tx.Now, Shown: v}))
		})
		made, err := w.answering().Answer(t.Context(), "me", site.OwnAnswer{Mention: id, Kind: site.ByReply, Text: "A greeting."})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{said, source}, w.post(made.URL).Item.URLs("in-reply-to")); d != "" {
			t.Errorf("in-reply-to:\n%s", d)
		}
		w.wantOpen("answered")
	})
}

// A page that somebody writes by hand answers as soon as the watch has found it, and no longer
// when it does not say so any more. The site takes no posts.
func TestPagesByHandAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		b := w.blog()
		b.writes("/hello/", "Hello")
		b.begin()
		w.said("https://ana.example/1", "u-in-reply-to", "https://me.example/hello/", "What is that?")
		w.receive("https://ana.example/1", "https://me.example/hello/")
		w.wantOpen("asked", "What is that?")
		b.writes("/hand/", `A greeting. <a href="https://ana.example/1">x</a>`)
		pass(time.Hour)
		w.wantOpen("a link in its text alone", "What is that?")
		b.says("/hand/", `<div class="h-entry"><a class="u-in-reply-to" href="https://ana.example/1">x</a><p class="e-content">A greeting.</p></div>`)
		b.feed()
		pass(time.Hour)
		w.wantOpen("answered")
		b.writes("/hand/", "Nothing")
		pass(time.Hour)
		w.wantOpen("it says so no longer", "What is that?")
	}, watched, approve(site.ApproveNone))
}
