package site_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/internal/media"
	"tertulia/internal/site"
	"tertulia/store"
)

// gallery is a host of pictures. What it is asked for is counted.
type gallery struct {
	mu    sync.Mutex
	has   map[string]answer
	asked map[string]int
}

func (w *world) gallery(name string) *gallery {
	g := &gallery{has: map[string]answer{}, asked: map[string]int{}}
	w.web.Handle(name, g)
	return g
}

func (g *gallery) hang(path string, a answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.has[path] = a
}

func (g *gallery) visits() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, times := range g.asked {
		n += times
	}
	return n
}

func (g *gallery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.asked[r.URL.Path]++
	a, ok := g.has[r.URL.Path]
	g.mu.Unlock()
	if !ok {
		a.status = http.StatusNotFound
	}
	w.Header().Set("Content-Type", "image/png")
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = w.Write([]byte(a.body))
}

// painting is a picture of one colour.
func painting(c color.Color) answer {
	img := image.NewRGBA(image.Rect(0, 0, 200, 300))
	for y := range 300 {
		for x := range 200 {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return answer{body: b.String()}
}

var red, blue = painting(color.RGBA{200, 0, 0, 255}), painting(color.RGBA{0, 0, 200, 255})

// withFaces is a world that keeps the pictures of authors.
func withFaces(t *testing.T, test func(t *testing.T, w *world), settings ...func(*site.Site)) {
	t.Helper()
	dir := t.TempDir()
	inWorld(t, func(t *testing.T, w *world) {
		w.jobs.Resizer = &media.Resizer{}
		test(t, w)
	}, append(settings, func(s *site.Site) { s.Uploads = dir }, approve(site.ApproveNone))...)
}

func withPhoto(name, photo, target, text string) string {
	return `<div class="h-entry"><div class="p-author h-card"><b class="p-name">` + name + `</b><img class="u-photo" src="` + photo + `"></div>
<a class="u-in-reply-to" href="` + target + `"></a><p class="e-content">` + text + `</p></div>`
}

// faces are the pictures of the authors under a page, in order of arrival: the names of
// the files, which must be there.
func (w *world) faces(address string) (names []string) {
	w.t.Helper()
	page, err := w.talk.Of(w.t.Context(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range page.Responses {
		name, ours := strings.CutPrefix(r.Author.Photo, "https://me.example/-/picture/")
		if !ours && r.Author.Photo != "" {
			w.t.Errorf("readers are sent to %s", r.Author.Photo)
		}
		if name != "" {
			if _, err := os.Stat(filepath.Join(w.site.Uploads, "pictures", name)); err != nil {
				w.t.Error(err)
			}
		}
		names = append(names, name)
	}
	return names
}

// HOSTILE 35: two authors on one host; and the same picture at two addresses is one file.
func TestAuthorsKeepTheirPictures(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pics, bea := w.gallery("pics.example"), w.host("bea.example")
		pics.hang("/a.png", red)
		pics.hang("/b.png", blue)
		pics.hang("/c.png", red)
		for i, who := range []string{"a", "b", "c", "none"} {
			bea.says(fmt.Sprint("/", i), withPhoto(who, "https://pics.example/"+who+".png", post, who))
			w.receive(fmt.Sprint("https://bea.example/", i), post)
		}
		got := w.faces(post)
		if len(got) != 4 || got[0] == "" || got[1] == "" || got[0] == got[1] || got[2] != got[0] || got[3] != "" {
			t.Errorf("got %q, want a picture, another, the first again, and none", got)
		}
		if photo := w.feed(site.Query{Targets: []string{post}}).Children[3].Author.Photo; path.Base(photo) != got[0] || !strings.HasPrefix(photo, "https://me.example/") {
			t.Errorf("the API gives %q", photo)
		}
		// The same picture is not asked for again with every mention.
		n := pics.visits()
		bea.says("/9", withPhoto("a", "https://pics.example/a.png", post, "again"))
		w.receive("https://bea.example/9", post)
		if pics.visits() != n || w.faces(post)[4] != got[0] {
			t.Errorf("asked %d times more, faces %q", pics.visits()-n, w.faces(post))
		}
	})
}

// HOSTILE 33: what is no picture shows nothing, and takes nothing away.
func TestPicturesThatAreNone(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pics, bea := w.gallery("pics.example"), w.host("bea.example")
		pics.hang("/1.png", answer{body: "<!doctype html><script>alert(1)</script>"})
		pics.hang("/2.png", answer{body: `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`})
		pics.hang("/3.png", answer{})
		pics.hang("/4.png", answer{body: red.body[:100]})
		pics.hang("/5.png", answer{body: red.body + strings.Repeat("x", 1<<20)})
		pics.hang("/6.png", answer{status: 302, body: "elsewhere"})
		for i := 1; i <= 7; i++ {
			at := fmt.Sprint("/", i)
			bea.says(at, withPhoto("Bea", "https://pics.example"+at+".png", post, "x"))
			w.receive("https://bea.example"+at, post)
		}
		bea.says("/8", withPhoto("Bea", "https://"+inside+"/x.png", post, "x"))
		w.receive("https://bea.example/8", post)
		pass(time.Hour)
		if got := strings.Join(w.faces(post), ""); got != "" {
			t.Errorf("got %q", got)
		}
		if jobs := w.jobList(); len(jobs) != 0 {
			t.Errorf("these wait: %v", jobs)
		}
		// A while later another mention has it looked at again.
		pics.hang("/1.png", red)
		bea.says("/9", withPhoto("Bea", "https://pics.example/1.png", post, "x"))
		w.receive("https://bea.example/9", post)
		if got := strings.Join(w.faces(post), ""); got != "" {
			t.Error("it was asked for again within the day")
		}
		pass(25 * time.Hour)
		w.receive("https://bea.example/9", post)
		kept := w.faces(post)[0]
		if kept == "" {
			t.Fatal("it was not asked for again")
		}
		// And when it becomes something else, what was kept stays.
		pics.hang("/1.png", answer{body: "<p>gone"})
		pass(31 * 24 * time.Hour)
		w.receive("https://bea.example/9", post)
		pics.hang("/1.png", answer{status: 410})
		pass(31 * 24 * time.Hour)
		w.receive("https://bea.example/9", post)
		if got := w.faces(post)[0]; got != kept {
			t.Errorf("got %q, want %q", got, kept)
		}
	})
}

// A picture that is changed is another one for readers: after a month at the latest, at
// once where its address changes, and until it is there the face stays.
func TestPicturesAreRefreshed(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pics, bea := w.gallery("pics.example"), w.host("bea.example")
		pics.hang("/a.png", red)
		bea.says("/1", withPhoto("Bea", "https://pics.example/a.png", post, "x"))
		w.receive("https://bea.example/1", post)
		first := w.faces(post)[0]
		revision := w.revision(post)
		pics.hang("/a.png", blue)
		w.receive("https://bea.example/1", post)
		if w.faces(post)[0] != first {
			t.Error("it was asked for again at once")
		}
		pass(31 * 24 * time.Hour)
		w.receive("https://bea.example/1", post)
		second := w.faces(post)[0]
		if second == first || second == "" || w.revision(post) == revision {
			t.Errorf("a month later: %q, revision %q", second, w.revision(post))
		}
		bea.says("/1", withPhoto("Bea", "https://pics.example/new.png", post, "x"))
		w.receive("https://bea.example/1", post)
		if got := w.faces(post)[0]; got != second {
			t.Errorf("while the new address has nothing: %q, want %q", got, second)
		}
		pics.hang("/new.png", red)
		pass(25 * time.Hour)
		pass(31 * 24 * time.Hour)
		w.receive("https://bea.example/1", post)
		if got := w.faces(post)[0]; got != first {
			t.Errorf("the new address has a picture: %q, want %q", got, first)
		}
		// Somebody else at the same address of a mention is not shown with that face.
		bea.says("/1", withPhoto("Cid", "https://pics.example/cid.png", post, "x"))
		w.receive("https://bea.example/1", post)
		if got := w.faces(post)[0]; got != "" {
			t.Errorf("Cid has Bea's face: %q", got)
		}
	})
}

// A host that is down is asked a few times, and the pictures of mentions that are not to
// be seen are not fetched.
func TestPicturesAreFetchedPolitely(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pics, bea := w.gallery("pics.example"), w.host("bea.example")
		pics.hang("/a.png", answer{status: 503})
		bea.says("/1", withPhoto("Bea", "https://pics.example/a.png", post, "x"))
		w.receive("https://bea.example/1", post)
		pass(7 * 24 * time.Hour)
		if n := pics.visits(); n < 2 || n > 5 {
			t.Errorf("asked %d times", n)
		}
		victim := w.gallery("victim.example")
		for i := range 40 {
			at := fmt.Sprint("/v", i)
			victim.hang(at, red)
			bea.says(at, withPhoto("Bea", "https://victim.example"+at, post, "x"))
			if _, err := w.send("https://bea.example"+at, post); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		if n := victim.visits(); n > 20 {
			t.Errorf("HOSTILE 109: %d visits in a minute", n)
		}
		pass(2 * time.Hour)
		if n := victim.visits(); n != 40 {
			t.Errorf("after two hours %d of 40 were fetched", n)
		}
	})
}

// What nobody shows any more is swept; what is shown is not.
func TestPicturesGoWithTheirMentions(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pics, bea := w.gallery("pics.example"), w.host("bea.example")
		pics.hang("/a.png", red)
		pics.hang("/b.png", blue)
		for i, who := range []string{"a", "a", "b"} {
			bea.says(fmt.Sprint("/", i), withPhoto(who, "https://pics.example/"+who+".png", post, who))
		}
		w.receive("https://bea.example/0", post)
		w.receive("https://bea.example/1", post)
		w.receive("https://bea.example/2", post)
		names := w.faces(post)
		swept := func(when string, want ...string) {
			t.Helper()
			// The files were written by the clock outside of the bubble.
			if err := w.jobs.SweepPictures(t.Context(), w.site, time.Now().AddDate(100, 0, 0)); err != nil {
				t.Fatal(err)
			}
			var got []string
			entries, err := os.ReadDir(filepath.Join(w.site.Uploads, "pictures"))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if !e.IsDir() {
					got = append(got, e.Name())
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s: %q are there, want %q", when, got, want)
			}
		}
		swept("all are shown", names[0], names[2])
		erase := func(source string) {
			t.Helper()
			if _, err := w.db.Erase(t.Context(), w.site.Key, store.EraseOrder{What: []store.Erased{store.Erased{Kind: store.ErasedSource, Value: source}}}); err != nil {
				t.Fatal(err)
			}
		}
		erase("https://bea.example/0")
		swept("another has it too", names[0], names[2])
		w.restart()
		w.jobs.Resizer = &media.Resizer{}
		erase("https://bea.example/1")
		swept("nobody has it", names[2])
		if got := w.faces(post); len(got) != 1 || got[0] != names[2] {
			t.Errorf("readers see %q", got)
		}
	})
}

// What was read is kept as it came, for what is shown and for what waits.
func TestOriginalsAreKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, `one <script>x</script><img src="/p.jpg" onerror="x">`))
		id := w.receive("https://bea.example/1", post)
		original := func(v *store.Version) (o store.Original, err error) {
			w.view(func(tx *store.Tx) error {
				o, err = tx.Original(id, v.Digest)
				return nil
			})
			return o, err
		}
		first := w.mention(id).Shown
		o, err := original(first)
		if markup, _ := o.Item.HTML("content"); err != nil || !strings.Contains(markup, "onerror") || o.URL != "https://bea.example/1" || o.Cut {
			t.Errorf("got %+v, %v", o, err)
		}
		w.decide(w.approve, id)
		w.site.Approve = site.ApproveAll
		bea.says("/1", replyTo(post, "two"))
		w.receive("https://bea.example/1", post)
		m := w.mention(id)
		if m.Held == nil {
			t.Fatal("the new text does not wait")
		}
		for name, v := range map[string]*store.Version{"shown": m.Shown, "held": m.Held} {
			if o, err := original(v); err != nil || o.Digest != v.Digest {
				t.Errorf("%s: %+v, %v", name, o, err)
			}
		}
		w.decide(w.approve, id)
		if _, err := original(first); err == nil {
			t.Error("what nobody sees any more is still kept")
		}
		bea.says("/1", replyTo(post, strings.Repeat("ñandú ", 40_000)))
		w.receive("https://bea.example/1", post)
		o, err = original(w.mention(id).Held)
		if err != nil || !o.Cut || len(o.Item.URLs("in-reply-to")) != 1 {
			t.Errorf("of a large one: %v, cut %v, %v", err, o.Cut, o.Item.Properties)
		}
	})
}

// Many mentions at once with one picture ask for it once, and a process that ends in the
// middle loses nothing.
func TestPicturesAreFetchedOnce(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pics, bea := w.gallery("pics.example"), w.host("bea.example")
		pics.hang("/a.png", red)
		for i := range 30 {
			at := fmt.Sprint("/", i)
			bea.says(at, withPhoto("Bea", "https://pics.example/a.png", post, "x"))
			if _, err := w.send("https://bea.example"+at, post); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		if n := pics.visits(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		for i, name := range w.faces(post) {
			if name == "" {
				t.Errorf("mention %d has no face", i)
			}
		}
		pics.hang("/b.png", answer{status: 503})
		bea.says("/late", withPhoto("Bea", "https://pics.example/b.png", post, "x"))
		w.receive("https://bea.example/late", post)
		w.close()
		w.open()
		w.jobs.Resizer = &media.Resizer{}
		pics.hang("/b.png", blue)
		w.start()
		pass(time.Hour)
		if names := w.faces(post); names[30] == "" || names[30] == names[0] {
			t.Errorf("after a new start: %q", names)
		}
	})
}
