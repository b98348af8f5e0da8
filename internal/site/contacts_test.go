package site_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/micropub"
)

func card(pairs ...any) mf2.Item {
	it := entry(pairs...)
	it.Type = []string{"h-card"}
	return it
}

func (w *world) contacts() []micropub.Contact {
	w.t.Helper()
	list, err := w.posts.Contacts(w.t.Context(), editor)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// CL-26, MX-17: an h-card is kept as a contact, which editors find, change, take away and
// bring back by its address, and which is no page.
func TestContactsAreKeptAndNotPublished(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := card("name", "Ana", "nickname", "ana", "url", "https://ana.example/", "photo", "https://ana.example/me.jpg", "note", "from the café")
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: ana, Digest: newDigest()})
		if err != nil || made.Pending || !strings.HasPrefix(made.URL, "https://me.example/-/contact/") {
			t.Fatalf("got %+v, %v", made, err)
		}
		for _, it := range []mf2.Item{card("nickname", "bo"), card("url", "javascript:alert(1)", "photo", "me.jpg")} {
			w.create(it)
		}
		pass(time.Minute)
		want := []micropub.Contact{
			{InternalURL: w.contacts()[0].InternalURL},
			{Name: "Ana", Nickname: "ana", URL: "https://ana.example/", Photo: "https://ana.example/me.jpg", InternalURL: made.URL},
			{Name: "bo", Nickname: "bo", InternalURL: w.contacts()[2].InternalURL},
		}
		if diff := cmp.Diff(want, w.contacts()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if item, err := w.posts.Source(t.Context(), editor, made.URL); err != nil || cmp.Diff(ana, item) != "" {
			t.Errorf("the source is %v, %v", item, err)
		}
		if list, err := w.posts.List(t.Context(), editor, micropub.Query{}); err != nil || len(list.Items) != 0 || len(w.jobList()) > 0 {
			t.Errorf("posts: %v, %v, jobs %v", list.Items, err, w.jobList())
		}
		if code, _ := w.page(made.URL); code != 404 {
			t.Errorf("a reader gets %d at the address of a contact", code)
		}
		w.update(made.URL, micropub.Update{Replace: map[string][]any{"name": {"Ana María"}}})
		if got := w.contacts()[1].Name; got != "Ana María" {
			t.Errorf("after an update: %s", got)
		}
		for range 2 {
			w.remove(made.URL)
			if _, err := w.posts.Source(t.Context(), editor, made.URL); len(w.contacts()) != 2 || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("deleted: %v, %v", w.contacts(), err)
			}
		}
		if _, err := w.posts.Update(t.Context(), editor, made.URL, micropub.Update{DeleteAll: []string{"note"}}); !refused(t, err) {
			t.Errorf("an update of a deleted one: %v", err)
		}
		if _, err := w.posts.Undelete(t.Context(), editor, made.URL); err != nil || len(w.contacts()) != 3 {
			t.Errorf("brought back: %v, %v", w.contacts(), err)
		}
		for _, none := range []string{"https://me.example/-/contact/", "https://me.example/-/contact/nobody"} {
			if err := w.posts.Delete(t.Context(), editor, none); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: got %v", none, err)
			}
		}
	})
}

// T-MP22: the same contact twice, or many times at once, is one, after a restart as well.
func TestRepeatsOfAContactAreOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := micropub.Create{Item: card("name", "Ana"), Digest: newDigest()}
		var all sync.Map
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				made, err := w.posts.Create(context.Background(), editor, c)
				if err != nil {
					t.Error(err)
				}
				all.Store(made.URL, true)
			})
		}
		wg.Wait()
		w.restart()
		made, err := w.posts.Create(t.Context(), editor, c)
		if list := w.contacts(); err != nil || len(list) != 1 || list[0].InternalURL != made.URL {
			t.Errorf("got %+v, %v and the contacts %v", made, err, list)
		}
		all.Range(func(address, _ any) bool {
			if address != made.URL {
				t.Errorf("one was told %v", address)
			}
			return true
		})
		w.remove(made.URL)
		if again, err := w.posts.Create(t.Context(), editor, c); err != nil || again.URL == made.URL {
			t.Errorf("after it was deleted: %+v, %v", again, err)
		}
	})
}

// MX-25: the picture of a contact is not deleted from under it.
func TestAPictureOfAContactStays(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, _ *generator, _ string) {
		up := &site.Uploads{Posts: w.posts, Dir: w.site.Uploads}
		address, err := up.Upload(t.Context(), editor, micropub.File{Body: bytes.NewReader(picture(t)), Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		contact := w.create(card("name", "Ana", "photo", address))
		var e *micropub.Error
		if err := up.DeleteMedia(t.Context(), editor, address); !errors.As(err, &e) || e.Code != micropub.Forbidden {
			t.Errorf("got %v, want it forbidden", err)
		}
		w.remove(contact)
		if err := up.DeleteMedia(t.Context(), editor, address); err != nil {
			t.Error(err)
		}
	})
}
