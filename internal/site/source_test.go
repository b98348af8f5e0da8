package site_test

import (
	"bytes"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// A post goes into the source, the site is built, the post is announced when it is live; the
// file is where and what it was promised to be.
func TestPostsGoIntoTheSource(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "Out *there*", "category", "sea"), Digest: newDigest(), Commands: map[string][]any{"mp-slug": {"out"}}})
		if err != nil || made.URL != "https://me.example/notes/out/" || made.Pending {
			t.Fatalf("got %+v, %v, want it live at /notes/out/", made, err)
		}
		file := filepath.Join(dir, "content/notes/out.md")
		if text := readFile(t, file); !strings.Contains(text, "Out *there*") || !strings.Contains(text, `url: "/notes/out/"`) {
			t.Errorf("got the file %s", text)
		}
		if again := w.create(entry("content", "Another"), "out"); again != "https://me.example/notes/out-2/" {
			t.Errorf("the same slug: got %s", again)
		}
		writeFile(t, filepath.Join(dir, "content/notes/hers.md"), "Not ours.\n")
		if other := w.create(entry("content", "A third"), "hers"); other != "https://me.example/notes/hers-2/" {
			t.Errorf("a file of the owner's: got %s", other)
		}
		w.wantPage("created", made.URL, 200, "Out *there*")
		w.remove(made.URL)
		pass(time.Minute)
		w.wantPage("deleted", made.URL, 410, "Out *there*")
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("the file is still there: %v", err)
		}
		if _, err := w.posts.Undelete(t.Context(), editor, made.URL); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		w.wantPage("brought back", made.URL, 200, "Out *there*")
		if p := w.post(made.URL); p.Announced != p.Revision || p.Kept != nil || p.Base != nil {
			t.Errorf("got %+v, want it announced and nothing kept beside it", p)
		}
	})
}

// HOSTILE F9: a build that has read the source before a post was deleted writes its page once
// more, after we have taken it away, and no later build removes it. Nobody is told before
// that build is over, be it the first attempt or one of many.
func TestAPostIsDeletedWhileTheSiteIsBuilt(t *testing.T) {
	for name, failing := range map[string]time.Duration{"at once": 0, "after failures": 3 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
				g.marks.Store(true)
				gone, back := w.create(entry("content", "Not for long")), w.create(entry("content", "For longer"))
				moves := w.create(entry("content", "Here and there"), "here")
				pass(time.Minute)
				g.takes = 5 * time.Second
				g.fail.Store(failing > 0)
				built := g.builds.Load()
				brief := w.create(entry("photo", "https://me.example/sea.jpg")) // of which the page shows nothing
				pass(failing)
				g.fail.Store(false)
				for n := 0; g.builds.Load() == built && n < 3600; n++ {
					pass(time.Second)
				}
				for _, permalink := range []string{gone, back, brief, w.rename(moves, "there")} {
					w.remove(permalink)
				}
				pass(time.Second) // the site is being built, as it was before
				if p := w.post(gone); p.Published != p.Revision || p.Announced == p.Revision {
					t.Errorf("while the site is built: published %d and announced %d of %d", p.Published, p.Announced, p.Revision)
				}
				if _, err := w.posts.Undelete(t.Context(), editor, back); err != nil {
					t.Error(err)
				}
				pass(time.Minute)
				w.wantPage("deleted and built", gone, 410, "Not for long")
				w.wantPage("deleted and built, with a page that says nothing", brief, 410, "sea.jpg")
				w.wantPage("deleted and built, where it was before it moved", moves, 410, "Here and there")
				w.wantPage("brought back meanwhile", back, 200, "For longer")
				for _, permalink := range []string{gone, back, brief} {
					if p := w.post(permalink); p.Announced != p.Revision {
						t.Errorf("%s: announced %d of %d", permalink, p.Announced, p.Revision)
					}
				}
			})
		})
	}
}

// A page that cannot be taken away does not hold up the others.
func TestWhatCannotBeTakenAwayHoldsNothingUp(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		gone := w.create(entry("content", "Not for long"))
		pass(time.Minute)
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			post, err := tx.Post(gone)
			post.Former = []string{"https://elsewhere.example/"} // before the site had this address
			return errors.Join(err, tx.PutPost(post))
		}); err != nil {
			t.Fatal(err)
		}
		w.remove(gone)
		other := w.create(entry("content", "For longer"))
		pass(time.Minute)
		w.wantPage("deleted", gone, 410, "Not for long")
		w.wantPage("beside it", other, 200, "For longer")
		for _, permalink := range []string{gone, other} {
			if p := w.post(permalink); p.Announced != p.Revision {
				t.Errorf("%s: announced %d of %d", permalink, p.Announced, p.Revision)
			}
		}
	})
}

// A build that fails and a source that is away cost no post: it is kept, the reason can be
// seen, and it is published when they are back.
func TestPostsWaitForTheGenerator(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		g.fail.Store(true)
		broken, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "While the theme is broken"), Digest: newDigest()})
		if err != nil || !broken.Pending {
			t.Errorf("got %+v, %v, want it kept and pending", broken, err)
		}
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		away, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "While the source is away"), Digest: newDigest()})
		if err != nil || !away.Pending {
			t.Errorf("got %+v, %v, want it kept and pending", away, err)
		}
		var why []string
		for _, j := range w.jobList() {
			why = append(why, j.Kind+": "+j.Error)
		}
		if all := strings.Join(why, "\n"); !strings.Contains(all, "deploy: build: the theme is broken") {
			t.Errorf("the jobs say %s", all)
		}
		w.restart()
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		g.fail.Store(false)
		pass(30 * time.Minute)
		w.wantPage("after the theme was mended", broken.URL, 200, "While the theme is broken")
		w.wantPage("after the source came back", away.URL, 200, "While the source is away")
	})
}

// A photo goes into the source with the post that shows it; its first address leads there
// when the post is live, and it cannot be deleted while the post shows it.
func TestUploadsGoWithTheirPost(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		up := &site.Uploads{Posts: w.posts, Dir: w.site.Uploads, Quota: 600}
		pic := picture(t)
		address, err := up.Upload(t.Context(), editor, micropub.File{Body: bytes.NewReader(pic), Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		name := path.Base(address)
		if to, err := w.posts.CopyOf(t.Context(), name); to != "" || err != nil {
			t.Errorf("before it is shown: got %q, %v", to, err)
		}
		photo := map[string]any{"value": address, "alt": "The sea"}
		permalink := w.create(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Look"}, "photo": {photo}}})
		pass(time.Minute)
		to, err := w.posts.CopyOf(t.Context(), name)
		if err != nil || !strings.HasPrefix(to, "https://me.example/") || strings.Contains(to, "/-/") {
			t.Fatalf("got %q, %v, want an address in the site", to, err)
		}
		if got := readFile(t, filepath.Join(dir, "static", strings.TrimPrefix(to, "https://me.example/"))); got != string(pic) {
			t.Errorf("the copy has %d bytes, want %d", len(got), len(pic))
		}
		item, err := w.posts.Source(t.Context(), editor, permalink)
		if got := item.URLs("photo"); err != nil || len(got) != 1 || got[0] != to {
			t.Errorf("the post shows %v, %v, want %s", got, err, to)
		}
		w.update(permalink, micropub.Update{Add: map[string][]any{"category": {"sea"}}})
		pass(time.Minute)
		if text := readFile(t, filepath.Join(dir, w.post(permalink).File)); strings.Contains(text, "/-/media/") || !strings.Contains(text, "The sea") {
			t.Errorf("got the file %s", text)
		}
	})
}

// MX-25, HOSTILE 83: a file is deleted for who asks, but not from under a post, and all
// files together take no more than they may.
func TestUploadsAreDeletedAndBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		up := &site.Uploads{Posts: w.posts, Dir: t.TempDir()}
		send := func() (string, error) {
			return up.Upload(t.Context(), editor, micropub.File{Body: bytes.NewReader(picture(t)), Size: -1})
		}
		shown, err1 := send()
		spare, err2 := send()
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		w.create(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"photo": {shown}}})
		var refusal *micropub.Error
		if err := up.DeleteMedia(t.Context(), editor, shown); !errors.As(err, &refusal) || refusal.Code != micropub.Forbidden {
			t.Errorf("a file that a post shows: got %v", err)
		}
		if err := up.DeleteMedia(t.Context(), editor, spare); err != nil {
			t.Error(err)
		}
		for _, address := range []string{spare, "https://me.example/-/media/", "https://evil.example/x.png", shown + "/../.."} {
			if err := up.DeleteMedia(t.Context(), editor, address); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: got %v, want that there is no such file", address, err)
			}
		}
		up.Quota = 2*int64(len(picture(t))) + 1
		if _, err := send(); err != nil {
			t.Errorf("within the quota: %v", err)
		}
		if _, err := send(); !errors.As(err, &refusal) || refusal.Status != 413 {
			t.Errorf("beyond the quota: got %v", err)
		}
		if files, err := os.ReadDir(up.Dir); err != nil || len(files) != 3 { // two, and the directory of those that arrive
			t.Errorf("left: %v, %v", files, err)
		}
	})
}

// A theme that does not print what a post answers is told to the owner, and nobody else is
// told of a link that is not there.
func TestThemesThatPrintNoAnswers(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		reply := w.create(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Yes!"}, "in-reply-to": {"https://bea.example/1"}}})
		pass(time.Minute)
		w.wantPage("the reply", reply, 200, "Yes!")
		jobs := w.jobList()
		var parked string
		for _, j := range jobs {
			if !j.Parked.IsZero() {
				parked += j.Kind + " " + j.Error
			}
		}
		if !strings.Contains(parked, "does not print in-reply-to") || !strings.Contains(parked, "https://bea.example/1") {
			t.Errorf("parked: %q, want the theme's fault", parked)
		}
		if p := w.post(reply); p.Live != p.Revision || p.Announced != 0 || len(p.Sent) != 0 {
			t.Errorf("got %+v, want it live and nobody told", p)
		}
	})
}

// A hook of whoever builds the site saves the wait between two looks.
func TestTheHookOfABuildSavesTheWait(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		g.away.Store(true)
		slow := w.create(entry("content", "Built elsewhere"))
		pass(20 * time.Minute)
		g.away.Store(false)
		if err := g.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := w.posts.Built(t.Context()); n != 1 || err != nil {
			t.Errorf("got %d waiting and %v, want the post", n, err)
		}
		pass(time.Second)
		if p := w.post(slow); p.Live != p.Revision {
			t.Errorf("got %+v, want it seen live", p)
		}
	})
}
