package site_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/lang"
	"tertulia/internal/publish"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// inTwo runs a test on a world with a second site, to which the editors of the first may post.
func inTwo(t *testing.T, home string, test func(t *testing.T, w *world, desk *site.Desk, other *site.Posts, root string)) {
	t.Helper()
	uploads, others := t.TempDir(), t.TempDir()
	inWorld(t, func(t *testing.T, w *world) {
		l, root, at := lang.For("en"), t.TempDir(), parse(t, home)
		two := &site.Site{
			Key: strings.TrimSuffix(at.Host+at.Path, "/"), URL: at, Base: home + "-/", Name: "Fotos", Language: "en", Root: root, Uploads: others,
			Author:  mf2.Item{Type: []string{"h-card"}, Properties: map[string][]any{"name": {"Me"}}},
			Publish: &publish.HTML{Dir: root, T: l.T, N: l.N, Date: l.Date, Day: l.Day, Month: l.Month},
		}
		if at.Host != w.site.URL.Host {
			w.web.Handle(at.Host, http.FileServer(http.Dir(root)))
		}
		w.jobs.Sites = append(w.jobs.Sites, two)
		other := &site.Posts{Site: two, DB: w.db, Live: w.jobs.Live}
		desk := &site.Desk{Uploads: &site.Uploads{Posts: w.posts, Dir: uploads}, Others: []*site.Uploads{{Posts: other, Dir: others}}}
		test(t, w, desk, other, root)
	}, func(s *site.Site) { s.Uploads = uploads })
}

func (w *world) postTo(desk *site.Desk, it mf2.Item, destination ...any) string {
	w.t.Helper()
	made, err := desk.Create(w.t.Context(), editor, micropub.Create{Item: it, Digest: newDigest(), Commands: map[string][]any{"mp-destination": destination}})
	if err != nil {
		w.t.Fatal(err)
	}
	return made.URL
}

// MX-18: who may post to another site as well posts, asks, changes, deletes and brings back
// there by the address of the post, and nothing of it is at the first site.
func TestPostsGoToTheirDestination(t *testing.T) {
	inTwo(t, "https://fotos.example/", func(t *testing.T, w *world, desk *site.Desk, other *site.Posts, root string) {
		list, err := desk.Destinations(t.Context())
		if diff := cmp.Diff([]micropub.Destination{{UID: "https://me.example/", Name: "Me"}, {UID: "https://fotos.example/", Name: "Fotos"}}, list); err != nil || diff != "" {
			t.Errorf("destinations: %v (-want +got)\n%s", err, diff)
		}
		here := w.postTo(desk, entry("content", "at home"))
		alsoHere := w.postTo(desk, entry("content", "at home too"), "https://me.example")
		there := w.postTo(desk, entry("content", "at the other"), "https://fotos.example/", "https://fotos.example")
		pass(5 * time.Second)
		for address, want := range map[string]string{here: "https://me.example/2", alsoHere: "https://me.example/2", there: "https://fotos.example/2"} {
			if !strings.HasPrefix(address, want) {
				t.Errorf("got %s, want it below %s", address, want)
			}
		}
		file := filepath.Join(root, parse(t, there).Path, "index.html")
		if text := readFile(t, file); !strings.Contains(text, "at the other") {
			t.Errorf("its page is %s", text)
		}
		if found := w.published("at the other"); found != "" {
			t.Errorf("the first site has it as well: %s", found)
		}
		for _, values := range [][]any{{"https://nobody.example/"}, {"fotos"}, {7}, {"https://me.example/", "https://fotos.example/"}, {"https://fotos.example/", "https://nobody.example/"}} {
			_, err := desk.Create(t.Context(), editor, micropub.Create{Item: entry("content", "nowhere"), Digest: newDigest(), Commands: map[string][]any{"mp-destination": values}})
			if !refused(t, err) {
				t.Errorf("%v: got %v, want invalid_request", values, err)
			}
		}
		edit := micropub.Update{Replace: map[string][]any{"content": {"changed"}}}
		if _, err := desk.Update(t.Context(), editor, there, edit); err != nil {
			t.Error(err)
		}
		if it, err := desk.Source(t.Context(), editor, there); err != nil || it.Get("content") != "changed" {
			t.Errorf("the source is %v, %v", it, err)
		}
		for uid, refuses := range map[string]bool{"https://me.example/": true, "https://nobody.example/": true, "https://fotos.example/": false} {
			if _, err := desk.Update(t.Context(), editor, there, micropub.Update{Commands: commands("mp-destination", uid)}); refused(t, err) != refuses {
				t.Errorf("moved to %s: %v", uid, err)
			}
		}
		if err := desk.Delete(t.Context(), editor, there); err != nil {
			t.Error(err)
		}
		pass(5 * time.Second)
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after it was deleted: %v", err)
		}
		if _, err := desk.Undelete(t.Context(), editor, there); err != nil {
			t.Error(err)
		}
		pass(5 * time.Second)
		if text := readFile(t, file); !strings.Contains(text, "changed") {
			t.Errorf("brought back: %s", text)
		}
		contact := w.postTo(desk, card("name", "Ana"), "https://fotos.example/")
		if it, err := desk.Source(t.Context(), editor, contact); err != nil || it.Get("name") != "Ana" || len(w.contacts()) > 0 {
			t.Errorf("a contact: %v, %v", it, err)
		}
		for uid, n := range map[string]int{"": 2, "https://me.example/": 2, "https://fotos.example/": 1} {
			l, err := desk.List(t.Context(), editor, micropub.Query{Values: map[string][]string{"mp-destination": {uid}}})
			if err != nil || len(l.Items) != n {
				t.Errorf("the list of %q: %v, %v", uid, l.Items, err)
			}
		}
		for _, nowhere := range []string{"https://stranger.example/1", "https://fotos.example/none/", "https://me.example/none/", "://"} {
			if _, err := desk.Source(t.Context(), editor, nowhere); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: got %v", nowhere, err)
			}
		}
		desk.Others = nil
		if list, err := desk.Destinations(t.Context()); len(list) != 0 || err != nil {
			t.Errorf("alone: %v, %v", list, err)
		}
		if _, err := desk.Source(t.Context(), editor, there); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a site that is not allowed: got %v", err)
		}
	})
}

// A site below another has its own posts.
func TestDestinationsBelowOneAnother(t *testing.T) {
	inTwo(t, "https://me.example/fotos/", func(t *testing.T, w *world, desk *site.Desk, other *site.Posts, _ string) {
		deep := w.postTo(desk, entry("content", "deep"), "https://me.example/fotos/")
		high := w.postTo(desk, entry("content", "high"))
		for address, want := range map[string]string{deep: "deep", high: "high"} {
			if it, err := desk.Source(t.Context(), editor, address); err != nil || it.Get("content") != want {
				t.Errorf("%s: got %v, %v", address, it, err)
			}
		}
		if _, err := other.Source(t.Context(), editor, deep); err != nil || !strings.HasPrefix(deep, "https://me.example/fotos/2") {
			t.Errorf("%s: %v", deep, err)
		}
	})
}

// T-MP22: the same post for another site is one, however often and at once it comes.
func TestRepeatsAtTheDestination(t *testing.T) {
	inTwo(t, "https://fotos.example/", func(t *testing.T, w *world, desk *site.Desk, other *site.Posts, _ string) {
		up, err := desk.Upload(t.Context(), editor, micropub.File{Body: bytes.NewReader(picture(t)), Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		c := micropub.Create{Item: entry("photo", up), Digest: newDigest(), Commands: commands("mp-destination", "https://fotos.example/")}
		var all sync.Map
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				made, err := desk.Create(context.Background(), editor, c)
				if err != nil {
					t.Error(err)
				}
				all.Store(made.URL, true)
			})
		}
		wg.Wait()
		n := 0
		all.Range(func(any, any) bool { n++; return true })
		l, err := other.List(t.Context(), editor, micropub.Query{})
		if err != nil || n != 1 || len(l.Items) != 1 {
			t.Errorf("%d addresses, %d posts, %v", n, len(l.Items), err)
		}
		files, err := desk.Others[0].ListMedia(t.Context(), editor, 0, 0)
		if err != nil || len(files) != 1 {
			t.Errorf("the other site has the files %v, %v", files, err)
		}
	})
}

// A picture that was uploaded at the first site is the other's as well when a post there shows
// it, by a create or an update: it outlives the first one, and cannot be deleted from under
// the post. What is not there to be brought is left as it was sent.
func TestUploadsGoToTheDestination(t *testing.T) {
	inTwo(t, "https://fotos.example/", func(t *testing.T, w *world, desk *site.Desk, other *site.Posts, root string) {
		upload := func() (address, there string) {
			t.Helper()
			address, err := desk.Upload(t.Context(), editor, micropub.File{Body: bytes.NewReader(picture(t)), Size: -1})
			if err != nil {
				t.Fatal(err)
			}
			return address, "https://fotos.example/-/media/" + path.Base(address)
		}
		one, oneThere := upload()
		two, twoThere := upload()
		const lost = "https://me.example/-/media/aaaaaaaaaaaaaaaaaaaaaaaaaa.png"
		it := entry("content", map[string]any{"html": `<p><img src="` + one + `"> <img src="` + lost + `"></p>`}, "photo", map[string]any{"value": one, "alt": "Grey"})
		it.Children = []mf2.Item{entry("photo", one)}
		post := w.postTo(desk, it, "https://fotos.example/")
		if _, err := desk.Update(t.Context(), editor, post, micropub.Update{Add: map[string][]any{"photo": {two}}}); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		got, err := desk.Source(t.Context(), editor, post)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{map[string]any{"value": oneThere, "alt": "Grey"}, twoThere}, got.Properties["photo"]); diff != "" {
			t.Errorf("the photos (-want +got)\n%s", diff)
		}
		if html, _ := got.HTML("content"); !strings.Contains(html, oneThere) || !strings.Contains(html, lost) || got.Children[0].Get("photo") != oneThere {
			t.Errorf("the post is %v", got)
		}
		if text := readFile(t, filepath.Join(root, parse(t, post).Path, "index.html")); !strings.Contains(text, oneThere) || !strings.Contains(text, twoThere) || strings.Contains(text, one) {
			t.Errorf("its page is %s", text)
		}
		for _, address := range []string{one, two} {
			if err := desk.DeleteMedia(t.Context(), editor, address); err != nil {
				t.Errorf("deleted at home: %v", err)
			}
			there := "https://fotos.example/-/media/" + path.Base(address)
			var e *micropub.Error
			if err := desk.Others[0].DeleteMedia(t.Context(), editor, there); !errors.As(err, &e) || e.Code != micropub.Forbidden {
				t.Errorf("deleted there: %v", err)
			}
			data, err := os.ReadFile(filepath.Join(desk.Others[0].Dir, path.Base(address)))
			if err != nil || !bytes.Equal(data, picture(t)) {
				t.Errorf("the file has %d bytes, %v", len(data), err)
			}
		}
		if _, err := desk.Update(t.Context(), editor, post, micropub.Update{Delete: map[string][]any{"photo": {two}}}); err != nil {
			t.Error(err)
		}
		if got, err := desk.Source(t.Context(), editor, post); err != nil || len(got.Properties["photo"]) != 1 {
			t.Errorf("its client takes a photo out by the address that it was given: %v, %v", got.Properties["photo"], err)
		}
	})
}

// A destination that takes no posts, or has no room, keeps nothing of them.
func TestDestinationsThatRefuse(t *testing.T) {
	inTwo(t, "https://fotos.example/", func(t *testing.T, w *world, desk *site.Desk, other *site.Posts, _ string) {
		up, err := desk.Upload(t.Context(), editor, micropub.File{Body: bytes.NewReader(picture(t)), Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		try := func(it mf2.Item) error {
			_, err := desk.Create(t.Context(), editor, micropub.Create{Item: it, Digest: newDigest(), Commands: commands("mp-destination", "https://fotos.example/")})
			return err
		}
		nothing := func(when string, err error, status int) {
			t.Helper()
			var e *micropub.Error
			if !errors.As(err, &e) || e.Status != status {
				t.Errorf("%s: got %v", when, err)
			}
			if err := w.db.View(t.Context(), other.Site.Key, func(tx *store.Tx) error {
				files, err := tx.MediaFiles()
				posts, _, err2 := tx.Posts(store.Range{}, false)
				if len(files)+len(posts) > 0 {
					t.Errorf("%s: it has kept %v and %v", when, files, posts)
				}
				return errors.Join(err, err2)
			}); err != nil {
				t.Error(err)
			}
		}
		nothing("a date that is none", try(entry("photo", up, "published", "soon")), 0)
		desk.Others[0].Quota = 10
		nothing("no room", try(entry("photo", up)), 413)
		other.Site.Publish = nil
		nothing("no place", try(entry("photo", up)), 0)
	})
}
