package site_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"tertulia/internal/publish"
	"tertulia/internal/site"
	"tertulia/micropub"
)

// rendering makes the site one whose pages are made here, so that it can have private posts.
func rendering(s *site.Site) { s.Render = s.Publish.(*publish.HTML).Page }

func (w *world) see(permalink, visibility string) {
	w.t.Helper()
	w.update(permalink, micropub.Update{Replace: map[string][]any{"visibility": {visibility}}})
}

// wantPrivate fails unless the owner can have the page of a post made, and others learn
// nothing of it from files, lists, counts or conversation.
func (w *world) wantPrivate(when, permalink, text string, was int) {
	w.t.Helper()
	page, err := w.posts.Private(w.t.Context(), parse(w.t, permalink))
	if err != nil || !strings.Contains(string(page), text) {
		w.t.Errorf("%s: the owner sees %s, %v", when, page, err)
	}
	w.wantPage(when, permalink, was, text)
	if _, err := w.talk.Of(w.t.Context(), permalink); !errors.Is(err, fs.ErrNotExist) {
		w.t.Errorf("%s: its conversation: %v", when, err)
	}
	if n, err := w.talk.Counts(w.t.Context(), []string{permalink}); err != nil || len(n) > 0 {
		w.t.Errorf("%s: its counts: %v, %v", when, n, err)
	}
	if p := w.post(permalink); p.Visible() || !p.Private {
		w.t.Errorf("%s: the post: %+v", when, p)
	}
}

// SPECS MX-4, HOSTILE 40: a private post is its owner's alone, from the beginning or from the
// day on which it is made one.
func TestPrivatePostsAreTheOwners(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		w.create(entry("content", "for all"))
		pass(5 * time.Second)
		_, never := w.send("https://bea.example/1", "https://me.example/never/")
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{
			Item: entry("content", "dear diary https://ana.example/", "visibility", "Private", "published", time.Now().Add(48*time.Hour).Format(time.RFC3339)), Digest: newDigest(),
		})
		if err != nil || made.Pending {
			t.Fatalf("got %+v, %v, want it to be there for its owner", made, err)
		}
		diary := made.URL
		hidden := func(when string) {
			t.Helper()
			if jobs := w.jobList(); len(jobs) > 0 {
				t.Errorf("%s: jobs are promised: %+v", when, jobs)
			}
			pass(5 * time.Second)
			w.wantPrivate(when, diary, "dear diary", 404)
			if _, err := w.send("https://bea.example/1", diary); status(t, err) != 400 || err.Error() != never.Error() {
				t.Errorf("%s: a mention of it got %v, want %v", when, err, never)
			}
		}
		hidden("new")
		w.update(diary, micropub.Update{Add: map[string][]any{"category": {"a"}}})
		hidden("updated")
		if err := w.posts.Retry(t.Context(), diary); err != nil {
			t.Fatal(err)
		}
		hidden("tried again")
		w.restart()
		pass(72 * time.Hour)
		hidden("after its date")
		if item, err := w.posts.Source(t.Context(), editor, diary); err != nil || item.Get("visibility") != "Private" {
			t.Errorf("its editor gets %v, %v", item, err)
		}
		if l, err := w.posts.List(t.Context(), editor, micropub.Query{Visibility: "private"}); err != nil || len(l.Items) != 1 {
			t.Errorf("its editor lists %v, %v", l.Items, err)
		}
		w.remove(diary)
		pass(5 * time.Second)
		w.wantPage("deleted", diary, 404, "dear diary")
		if _, err := w.posts.Private(t.Context(), parse(t, diary)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("deleted: the owner gets %v", err)
		}
		if _, err := w.posts.Undelete(t.Context(), editor, diary); err != nil {
			t.Fatal(err)
		}
		hidden("undeleted")
		ana.wantHeard("of what is private", 0)
		for round := range 2 {
			w.see(diary, "public")
			pass(5 * time.Second)
			w.wantPage("published", diary, 200, "dear diary")
			ana.wantHeard("published", 2*round+1)
			w.see(diary, "private")
			pass(5 * time.Second)
			w.wantPrivate("private again", diary, "dear diary", 410)
			ana.wantHeard("private again", 2*round+2)
		}
		if _, err := w.send("https://bea.example/1", diary); status(t, err) != 400 || err.Error() != never.Error() {
			t.Errorf("private again: a mention of it got %v, want %v", err, never)
		}
	}, rendering)
}

// Who may only draft is shown drafts, also those that are to be private, and what has a page;
// of what is private they learn nothing.
func TestPrivatePostsAreNothingForWhoDrafts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		drafts := micropub.Grant{ClientID: "https://drafts.example/", Scopes: []string{"draft", "update"}}
		open := w.create(entry("content", "for all"))
		diary := w.create(entry("content", "dear diary", "visibility", "private"))
		draft := w.create(entry("content", "dear draft", "visibility", "private", "post-status", "draft"))
		for address, seen := range map[string]bool{open: true, diary: false, draft: true} {
			if _, err := w.posts.Source(t.Context(), drafts, address); (err == nil) != seen || !seen && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: got %v, want it seen %v", address, err, seen)
			}
		}
		if l, err := w.posts.List(t.Context(), drafts, micropub.Query{}); err != nil || len(l.Items) != 2 {
			t.Errorf("listed: %v, %v", l.Items, err)
		}
	}, rendering)
}

// A draft stays one whatever else it says, and what waits for its date is public when that
// comes unless it was made private before.
func TestPrivateIsNeitherDraftNorScheduled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		draft := w.create(entry("content", "both", "visibility", "private", "post-status", "draft"))
		if _, err := w.posts.Private(t.Context(), parse(t, draft)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a draft: got %v", err)
		}
		w.makePublic(draft)
		pass(5 * time.Second)
		w.wantPrivate("no draft any more", draft, "both", 404)

		date := time.Now().Add(48 * time.Hour).Format(time.RFC3339)
		party := w.create(entry("content", "the party", "published", date))
		w.see(party, "private")
		early := w.create(entry("content", "another party", "visibility", "private", "published", date))
		w.see(early, "public")
		pass(time.Hour)
		w.wantPage("before its date", early, 404, "another party")
		pass(72 * time.Hour)
		w.wantPrivate("after the date that it had", party, "the party", 404)
		w.wantPage("after its date", early, 200, "another party")
	}, rendering)
}

// Where a site cannot keep a page back it says so, and offers nothing else.
func TestPrivateIsOfferedWhereItCanBeKept(t *testing.T) {
	for name, settings := range map[string][]func(*site.Site){"public unlisted": nil, "public unlisted private": {rendering}} {
		inWorld(t, func(t *testing.T, w *world) {
			config, err := w.posts.Config(t.Context(), editor)
			if got, _ := config["visibility"].([]string); err != nil || strings.Join(got, " ") != name {
				t.Errorf("got %v, %v, want %s", config, err, name)
			}
			for _, v := range []string{"protected", "friends"} {
				_, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "x", "visibility", v), Digest: newDigest()})
				if !refused(t, err) || !strings.Contains(err.Error(), strings.ReplaceAll(name, " ", " or ")) {
					t.Errorf("%s: got %v", v, err)
				}
			}
		}, settings...)
	}
}

// T-WS11: who thinks better of a public post before its targets were told tells them nothing
// of what is private.
func TestPrivateOvertakesItsFirstRevision(t *testing.T) {
	var g *gate
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		post := w.create(entry("content", "better not https://ana.example/"))
		w.see(post, "private")
		close(g.open)
		pass(time.Minute)
		w.wantPrivate("made private meanwhile", post, "better not", 410)
		ana.wantHeard("a post that nobody could read", 0)
	}, rendering, func(s *site.Site) {
		g = &gate{s.Publish, make(chan struct{})}
		s.Publish = g
	})
}
