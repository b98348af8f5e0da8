package site_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// walked are the sources that a walk over everything meets.
func (w *world) walked() (list []string) {
	w.t.Helper()
	err := w.talk.Each(w.t.Context(), func(r site.Response) error {
		list = append(list, strings.TrimPrefix(r.Source, "https://bea.example/"))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// All that is public on the site is met once, in the order in which it became so, whatever
// page it belongs to; nothing else is.
func TestEachMeetsWhatIsPublic(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post, other, gone := w.create(entry("content", "x")), w.create(entry("content", "y")), w.create(entry("content", "z"))
		if got := w.walked(); len(got) != 0 {
			t.Errorf("before the first: %v", got)
		}
		w.show(post, "https://bea.example/1", post, store.Version{Type: "reply"})
		two := w.show(other, "https://bea.example/2", other+"#c1", store.Version{Type: "rsvp", RSVP: "maybe"})
		w.show(gone, "https://bea.example/3", gone, store.Version{Type: "reply"})
		four := w.show(post, "https://bea.example/4", post, store.Version{Type: "like"})
		w.show(post, "https://bea.example/5", post, store.Version{Type: "tag"})
		w.host("bea.example").says("/waits", by("", "u-in-reply-to", post, "waits"))
		w.receive("https://bea.example/waits", post)
		if got := w.walked(); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
			t.Errorf("got %v", got)
		}
		w.remove(gone)
		w.decide(w.mentions.Reject, four)
		w.decide(w.mentions.Reject, two)
		if got := w.walked(); !slices.Equal(got, []string{"1", "5"}) {
			t.Errorf("after a deletion: %v", got)
		}
		w.decide(w.approve, two)
		if _, err := w.posts.Undelete(t.Context(), editor, gone); err != nil {
			t.Fatal(err)
		}
		if got := w.walked(); !slices.Equal(got, []string{"1", "2", "3", "5"}) {
			t.Errorf("brought back: %v", got)
		}
		stop := errors.New("enough")
		if err := w.talk.Each(t.Context(), func(site.Response) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("got %v, want the error of the function", err)
		}
	})
}

// The walk opens and closes its transactions: who is slow keeps nobody from writing, and
// what becomes public meanwhile is met.
func TestEachHoldsNobodyUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		w.many(post, 1200)
		seen := 0
		err := w.talk.Each(t.Context(), func(r site.Response) error {
			if seen++; seen%400 == 0 {
				w.show(post, fmt.Sprint("https://bea.example/late", seen), post, store.Version{Type: "reply"})
			}
			return nil
		})
		if err != nil || seen != 1203 {
			t.Errorf("met %d, %v; want the 1200 and the three that came meanwhile", seen, err)
		}
	})
}

// many makes public likes of a post, in one transaction.
func (w *world) many(post string, n int) (ids []string) {
	w.t.Helper()
	err := w.db.Update(w.t.Context(), w.site.Key, func(tx *store.Tx) error {
		ids = nil
		folded, _ := w.site.Fold(parse(w.t, post))
		page, err := tx.PageAt(folded)
		if err != nil {
			return err
		}
		for i := range n {
			id := store.NewID(tx.Now)
			ids = append(ids, id)
			if err := tx.PutMention(store.Mention{ID: id, Source: fmt.Sprint("https://bea.example/", i), Target: post, Page: page.ID,
				State: store.Approved, Shown: &store.Version{Type: "like", Digest: id}, Received: tx.Now}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// READ-API 6: one feed, one child to a line, oldest first, the same bytes each time.
func TestExportBytes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var b strings.Builder
		if err := w.talk.Export(t.Context(), &b); err != nil || b.String() != `{"type":"feed","name":"Webmentions","children":[`+"\n]}\n" {
			t.Errorf("of nothing: got %q, %v", b.String(), err)
		}
		post := w.create(entry("content", "x"))
		pass(5*time.Second - time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))
		w.show(post, "https://bea.example/1", post+"#c12", store.Version{Type: "reply", Author: mf2.Author{Name: "Bea <3", URL: "https://bea.example/"}, Text: "x"})
		w.show(post, "https://bea.example/2", post, store.Version{Type: "like"})
		want := `{"type":"feed","name":"Webmentions","children":[
{"type":"entry","author":{"type":"card","name":"Bea \u003c3","photo":"","url":"https://bea.example/"},"url":"https://bea.example/1","published":null,"wm-received":"2000-01-01T00:00:05Z","wm-id":1,"wm-source":"https://bea.example/1","wm-target":"POST","wm-protocol":"webmention","content":{"text":"x"},"in-reply-to":"POST","wm-property":"in-reply-to","wm-private":false,"wm-fragment":"c12"},
{"type":"entry","author":{"type":"card","name":"","photo":"","url":""},"url":"https://bea.example/2","published":null,"wm-received":"2000-01-01T00:00:06Z","wm-id":2,"wm-source":"https://bea.example/2","wm-target":"POST","wm-protocol":"webmention","like-of":"POST","wm-property":"like-of","wm-private":false}
]}
`
		b.Reset()
		if err := w.talk.Export(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.ReplaceAll(want, "POST", post), b.String()); diff != "" {
			t.Errorf("export (-want +got):\n%s", diff)
		}
	})
}
