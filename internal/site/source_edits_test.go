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

	"tertulia/internal/publish"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

func TestEditsOfADraftAreWritten(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		file := filepath.Join(dir, "content/posts/old.md")
		w.update(oldURL, micropub.Update{Replace: map[string][]any{"post-status": {"draft"}}})
		pass(time.Minute)
		w.update(oldURL, micropub.Update{Replace: map[string][]any{"content": {"New words."}}})
		pass(time.Minute)
		w.update(oldURL, micropub.Update{Replace: map[string][]any{"post-status": {"published"}}})
		pass(time.Minute)
		if got := readFile(t, file); !strings.Contains(got, "New words.") {
			t.Errorf("the edit is lost:\n%s", got)
		}
		pass(11 * time.Minute)
	})
}

func TestAnEditSurvivesADeletion(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		file := filepath.Join(dir, "content/posts/old.md")
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		w.update(oldURL, micropub.Update{Replace: map[string][]any{"content": {"New words."}}})
		w.remove(oldURL)
		pass(time.Minute)
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Minute)
		if _, err := w.posts.Undelete(t.Context(), editor, oldURL); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		if got := readFile(t, file); !strings.Contains(got, "New words.") {
			t.Errorf("the edit is lost:\n%s", got)
		}
	})
}

func TestAScheduledPostMayBecomeADraft(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		date := func(wait time.Duration) string { return time.Now().Add(wait).UTC().Format(time.RFC3339) }
		p := w.create(entry("content", "secret", "published", date(time.Hour)))
		w.update(p, micropub.Update{Replace: map[string][]any{"post-status": {"draft"}}})
		pass(2 * time.Hour)
		if w.post(p).Promised {
			t.Errorf("a draft is Promised (answers 410 = %v)", w.talk.Gone(t.Context(), parse(t, p)))
		}
		w.update(p, micropub.Update{Replace: map[string][]any{"post-status": {"published"}, "published": {date(1000 * time.Hour)}}})
		pass(time.Minute)
		if q := w.post(p); q.Visible() {
			t.Errorf("a post for in six weeks is public now")
		}
	})
}

func TestThePhotoOfAPostThatWasTakenBackInTime(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		up := &site.Uploads{Posts: w.posts, Dir: w.site.Uploads}
		address, err := up.Upload(t.Context(), editor, micropub.File{Body: bytes.NewReader(picture(t)), Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		date := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		p := w.create(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Look"}, "photo": {address}, "published": {date}}})
		w.remove(p)
		pass(2 * time.Hour)
		if _, err := w.posts.Undelete(t.Context(), editor, p); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Minute)
		w.wantPage("undeleted", p, 200, "Look")
		to, _ := w.posts.CopyOf(t.Context(), path.Base(address))
		if to == "" || !exists(filepath.Join(dir, "static", strings.TrimPrefix(to, "https://me.example/"))) {
			t.Errorf("the photo leads to %q, and no such file is in the source:\n%s", to, readFile(t, filepath.Join(dir, w.post(p).File)))
		}
	})
}

func TestAnEditNeedsNoDateThatWeKnow(t *testing.T) {
	for _, date := range []string{"2021-05-01 12:00:00 +0200", "2021-05-01 12:00:00", "'Jul 08 2022'", "2021-05-01", "2021-05-01T12:00:00", "2021-05-01 12:00", "2021-5-1", "2021-05-01 12:00:00 +02:00", "2021-05-01 12:00:00 -0500"} {
		inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
			file := filepath.Join(dir, "content/posts/old.md")
			writeFile(t, file, strings.Replace(byHand, "1999-02-03T10:00:00+01:00", date, 1))
			pass(11 * time.Minute)
			_, err := w.posts.Update(t.Context(), editor, oldURL, micropub.Update{Replace: map[string][]any{"content": {"x"}}})
			if err != nil {
				t.Errorf("%s: an update of the content only: %v", date, err)
			}
		})
	}
}

func TestTheOldPageIsNotTheNewOne(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		g.answers.Store(true)
		g.takes = 3 * time.Second
		p := w.create(entry("content", "Yes, I agree!"))
		pass(time.Minute)
		w.update(p, micropub.Update{Add: map[string][]any{"in-reply-to": {"https://bea.example/1"}}})
		pass(2 * time.Hour)
		w.wantPage("the page links", p, 200, "u-in-reply-to")
		if q := w.post(p); len(q.Sent) == 0 {
			t.Errorf("announced %d of %d, and nobody was told: %+v", q.Announced, q.Revision, q.Sent)
		}
	})
}

func TestARetryAfterTheThemeWasMended(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		p := w.create(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Yes!"}, "in-reply-to": {"https://bea.example/1"}}})
		pass(time.Minute)
		g.answers.Store(true)
		if err := g.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, j := range w.jobList() {
			if !j.Parked.IsZero() {
				if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error { return tx.Unpark(j.ID) }); err != nil {
					t.Fatal(err)
				}
			}
		}
		pass(time.Hour)
		if q := w.post(p); len(q.Sent) == 0 {
			t.Errorf("after job retry nobody is told, and %d jobs are left", len(w.jobList()))
		}
	})
}

func TestAFileIsOnePosts(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		preset, err := publish.NewPreset("hugo", w.site.Me(), publish.Overrides{Path: map[string]string{"": "content/posts/{slug}.md"}})
		if err != nil {
			t.Fatal(err)
		}
		g.source.Preset = preset
		a := w.create(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"A"}, "post-status": {"draft"}}}, "hola")
		w.create(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Long B"}, "name": {"Hola"}}}, "hola")
		pass(time.Minute)
		w.update(a, micropub.Update{DeleteAll: []string{"post-status"}})
		pass(time.Hour)
		for _, j := range w.jobList() {
			if !j.Parked.IsZero() {
				t.Errorf("parked: %s %s %s", j.Kind, j.Key, j.Error)
			}
		}
	})
}

func TestUnlistedPostsLeaveRoomInTheLists(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create(entry("content", "for all to see"))
		pass(time.Minute)
		for range 20 {
			w.create(entry("content", "quiet", "visibility", "unlisted"))
			pass(time.Second)
		}
		pass(time.Minute)
		if b := readFile(t, filepath.Join(w.root, "index.html")); !strings.Contains(b, "for all to see") {
			t.Errorf("the home page has lost its post")
		}
	})
}

func TestAPostMovesBeforeItIsOut(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		w.posts.Wait = time.Millisecond
		w.stop()
		p := w.create(entry("content", "Ours"), "ours")
		// a crash after the file was written, before the commit: write it as the job does
		post := w.post(p)
		src := g.source
		u, err := src.Preset.Encode(publish.Post{Permalink: p, Item: post.Item, Kind: post.Kind, Published: post.Date, Revision: "1", File: post.File})
		if err != nil {
			t.Fatal(err)
		}
		if err := src.Tree.Apply(t.Context(), "x", []publish.File{{Name: post.File, Data: u}}); err != nil {
			t.Fatal(err)
		}
		w.update(p, micropub.Update{Add: map[string][]any{"category": {"a"}}, Commands: map[string][]any{"mp-slug": {"better"}}})
		w.start()
		pass(time.Hour)
		for _, j := range w.jobList() {
			if !j.Parked.IsZero() {
				t.Errorf("parked: %s %s: %s", j.Kind, j.Key, j.Error)
			}
		}
	})
}

// The text of an MDX post is code for the generator: an editor changes what stands above it
// and nothing of the text (SITES, Astro).
func TestTextThatIsCodeIsTheOwners(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		post := w.post(oldURL)
		was := filepath.Join(dir, post.File)
		post.File = strings.TrimSuffix(post.File, ".md") + ".mdx"
		if err := os.Rename(was, filepath.Join(dir, post.File)); err != nil {
			t.Fatal(err)
		}
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error { return tx.PutPost(post) }); err != nil {
			t.Fatal(err)
		}
		before := readFile(t, filepath.Join(dir, post.File))
		_, err := w.posts.Update(t.Context(), editor, oldURL, replace("content", "{process.exit()}"))
		if refused := (*micropub.Error)(nil); !errors.As(err, &refused) || refused.Code != micropub.InvalidRequest {
			t.Errorf("an update of the text: got %v, want it refused", err)
		}
		if after := readFile(t, filepath.Join(dir, post.File)); after != before {
			t.Errorf("the file is another:\n%s", after)
		}
		w.update(oldURL, replace("name", "A better title"))
		pass(time.Minute)
		if after := readFile(t, filepath.Join(dir, post.File)); !strings.Contains(after, "A better title") {
			t.Errorf("an update of the title:\n%s", after)
		}
	})
}
