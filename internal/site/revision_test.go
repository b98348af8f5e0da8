package site_test

import (
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/micropub"
	"tertulia/store"
)

func (w *world) revision(targets ...string) string {
	w.t.Helper()
	r, err := w.talk.Revision(w.t.Context(), targets)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// READ-API: what a client or a cache has kept of a page is good until the revision is
// another, so each change that readers could see makes another, and none that they could not.
func TestRevisionFollowsWhatReadersSee(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		pass(5 * time.Second)
		was := w.revision(post)
		changed := func(when string, want bool) {
			t.Helper()
			pass(5 * time.Second)
			now := w.revision(post)
			if (now != was) != want {
				t.Errorf("%s: the revision was %q and is %q", when, was, now)
			}
			was = now
		}
		changed("nothing has happened", false)
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "hello"))
		id := w.receive("https://bea.example/1", post)
		changed("something waits", false)
		w.decide(w.approve, id)
		changed("approved", true)
		w.receive("https://bea.example/1", post)
		changed("looked at again", false)
		w.update(post, micropub.Update{Replace: map[string][]any{"name": {"A title"}}})
		changed("the post was edited", true)
		w.remove(post)
		changed("the post was deleted", true)
		if feed := w.feed(site.Query{Targets: []string{post}}); len(feed.Children) != 0 {
			t.Errorf("the API still gives %d mentions of a deleted post", len(feed.Children))
		}
		w.remove(post)
		changed("it was deleted again", false)
		if _, err := w.posts.Undelete(t.Context(), editor, post); err != nil {
			t.Fatal(err)
		}
		changed("the post was undeleted", true)
		if feed := w.feed(site.Query{Targets: []string{post}}); len(feed.Children) != 1 {
			t.Errorf("the API gives %d mentions of a post that is back, want 1", len(feed.Children))
		}
		w.makeDraft(post)
		changed("the post was made a draft", true)
		w.makePublic(post)
		changed("the post was published again", true)
		w.decide(w.mentions.Delete, id)
		changed("the mention was deleted", true)
	})
}

// All addresses of a page have one revision, that of what it was merged into if it was;
// one of several pages changes the whole; what is no page of ours never changes.
func TestRevisionOfSeveralPages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post, other := w.create(entry("content", "x")), w.create(entry("content", "y"))
		pass(5 * time.Second)
		err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			page, err := tx.PageAt("/moved")
			if err == nil {
				t.Errorf("there is a page already: %+v", page)
			}
			folded, _ := w.site.Fold(parse(t, post))
			if page, err = tx.PageAt(folded); err != nil {
				return err
			}
			return tx.PutPage(store.Page{ID: store.NewID(tx.Now), URL: "https://me.example/moved/", Merged: page.ID, Created: tx.Now}, "/moved")
		})
		if err != nil {
			t.Fatal(err)
		}
		nothing := []string{"https://me.example/never/", "https://evil.test/", "::", ""}
		one, two, both, none := w.revision(post), w.revision(other), w.revision(post, other), w.revision(nothing...)
		w.show(post, "https://bea.example/1", post, store.Version{Type: "reply"})
		if w.revision(post) == one || w.revision(post, other) == both {
			t.Error("the revision of a page with a new mention is the same")
		}
		if w.revision(other) != two || w.revision(nothing...) != none {
			t.Error("the revision of other pages has changed")
		}
		both = w.revision(post, other)
		for _, spelling := range append(spellings(post), "https://me.example/moved/") {
			if got := w.revision(spelling); got != w.revision(post) {
				t.Errorf("%s: got %q, want %q", spelling, got, w.revision(post))
			}
		}
		w.show(other, "https://bea.example/2", other, store.Version{Type: "reply"})
		if w.revision(post, other) == both {
			t.Error("the revision of two pages is the same when the second has changed")
		}
		if w.revision() != "" {
			t.Errorf("the revision of nothing is %q", w.revision())
		}
		if w.revision("https://me.example/never/", post) == w.revision(post, "https://me.example/never/") {
			t.Error("which page is which does not matter")
		}
	})
}
