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
	"tertulia/internal/queue"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

func TestADraftOfTheOwnersStays(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		file := filepath.Join(dir, "content/posts/old.md")
		writeFile(t, file, strings.Replace(byHand, "weird:", "draft: true\nweird:", 1))
		pass(11 * time.Minute)
		t.Logf("draft=%v", w.post(oldURL).Draft)
		w.update(oldURL, micropub.Update{Replace: map[string][]any{"content": {"Mended."}}})
		pass(time.Minute)
		if !exists(file) {
			t.Errorf("the owner's draft file is gone from the source")
		} else {
			t.Logf("%s", readFile(t, file))
		}
		pass(25 * time.Minute)
		w.view(func(tx *store.Tx) error {
			p, err := tx.Post(oldURL)
			if err != nil {
				t.Errorf("and the post, edit and Kept with it: %v", err)
			} else {
				t.Logf("%+v", p)
			}
			return nil
		})
	})
}

func TestAnAdoptedPostMayBecomeADraft(t *testing.T) {
	for _, gone := range []bool{true, false} {
		inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
			g.source.Gone = gone
			file := filepath.Join(dir, "content/posts/old.md")
			w.update(oldURL, micropub.Update{Replace: map[string][]any{"post-status": {"draft"}}})
			pass(time.Minute)
			t.Logf("file there %v, kept %d bytes", exists(file), len(w.post(oldURL).Kept))
			pass(25 * time.Minute)
			w.view(func(tx *store.Tx) error {
				if _, err := tx.Post(oldURL); err != nil {
					t.Errorf("gone=%v: the post is lost: %v", gone, err)
				}
				return nil
			})
		})
	}
}

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
		t.Logf("store: %q", w.post(oldURL).Item.Get("content"))
	})
}

func TestAnEditSurvivesADeletion(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		file := filepath.Join(dir, "content/posts/old.md")
		os.Rename(dir, dir+".away")
		w.update(oldURL, micropub.Update{Replace: map[string][]any{"content": {"New words."}}})
		w.remove(oldURL)
		pass(time.Minute)
		os.Rename(dir+".away", dir)
		pass(5 * time.Minute)
		t.Logf("file there %v", exists(file))
		if _, err := w.posts.Undelete(t.Context(), editor, oldURL); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		if got := readFile(t, file); !strings.Contains(got, "New words.") {
			t.Errorf("the edit is lost:\n%s", got)
		}
	})
}

func TestAFileThatIsRenamedIsTheSamePost(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		file := filepath.Join(dir, "content/posts/old.md")
		text := strings.Replace(byHand, "weird:", "url: /posts/old/\nweird:", 1)
		writeFile(t, file, text)
		pass(11 * time.Minute)
		w.update(oldURL, micropub.Update{Add: map[string][]any{"category": {"b"}}})
		pass(time.Minute)
		if err := os.MkdirAll(filepath.Join(dir, "content/essays"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file, filepath.Join(dir, "content/essays/old.md")); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			pass(11 * time.Minute)
		}
		w.restart()
		w.jobs.Begin(t.Context(), w.site)
		pass(11 * time.Minute)
		if _, err := w.posts.Source(t.Context(), editor, oldURL); err != nil {
			t.Errorf("after an hour: %v", err)
		}
	})
}

func TestOurFileMayBeMovedByHand(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		ours := w.create(entry("content", "Ours"), "ours")
		pass(time.Second)
		a, b := filepath.Join(dir, "content/notes/ours.md"), filepath.Join(dir, "content/posts/ours.md")
		if err := os.Rename(a, b); err != nil {
			t.Fatal(err)
		}
		pass(11 * time.Minute)
		w.update(ours, micropub.Update{Add: map[string][]any{"category": {"b"}}})
		pass(time.Minute)
		if exists(a) && exists(b) {
			t.Errorf("two files for one address")
		}
		os.Remove(a)
		w.remove(ours)
		pass(time.Hour)
		if exists(b) {
			t.Errorf("deleted, and the file is still in the source; post %+v", w.post(ours).History)
		}
	})
}

func TestAScheduledPostMayBecomeADraft(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		date := func(wait time.Duration) string { return time.Now().Add(wait).UTC().Format(time.RFC3339) }
		p := w.create(entry("content", "secret", "published", date(time.Hour)))
		w.update(p, micropub.Update{Replace: map[string][]any{"post-status": {"draft"}}})
		pass(2 * time.Hour)
		t.Logf("%+v gone=%v", w.post(p), w.talk.Gone(t.Context(), parse(t, p)))
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
		to, _ := w.posts.CopyOf(t.Context(), path.Base(address))
		t.Logf("first address redirects to %q", to)
		if _, err := w.posts.Undelete(t.Context(), editor, p); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Minute)
		w.wantPage("undeleted", p, 200, "Look")
		to, _ = w.posts.CopyOf(t.Context(), path.Base(address))
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
			t.Logf("%s: published %q, Date %v", date, w.post(oldURL).Item.Get("published"), w.post(oldURL).Date)
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
		for _, j := range w.jobList() {
			t.Logf("%s %s parked=%v", j.Kind, j.Error, !j.Parked.IsZero())
		}
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
				t.Logf("retry %s", j.Kind)
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
		b := w.create(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Long B"}, "name": {"Hola"}}}, "hola")
		pass(time.Minute)
		t.Logf("%s %s; %s %s", a, w.post(a).File, b, w.post(b).File)
		w.update(a, micropub.Update{DeleteAll: []string{"post-status"}})
		pass(time.Hour)
		for _, j := range w.jobList() {
			if !j.Parked.IsZero() {
				t.Errorf("parked: %s %s %s", j.Kind, j.Key, j.Error)
			}
		}
	})
}

func TestAConflictDoesNotEndTheLooks(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		g.remote.fails(queue.Permanent(errors.New("the remote has changed the same lines; our version is kept on a branch")))
		pass(11 * time.Minute)
		writeFile(t, filepath.Join(dir, "content/posts/new.md"), "---\ntitle: New\ndate: 1999-03-01\n---\nNews.\n")
		pass(time.Hour)
		if _, err := w.posts.Source(t.Context(), editor, "https://me.example/posts/new/"); err != nil {
			t.Errorf("an hour after one conflict: %v", err)
		}
		for _, j := range w.jobList() {
			t.Logf("%s parked %v %s", j.Kind, j.Parked, j.Error)
		}
	})
}

func TestLooksAreNoAttempts(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		for range 40 {
			g.remote.fails(errors.New("connection reset"))
			pass(11 * time.Minute)
		}
		for _, j := range w.jobList() {
			if j.Kind == "adopt" && (!j.Parked.IsZero() || j.Attempts > 1) {
				t.Errorf("after forty lost connections: %+v", j)
			}
		}
	})
}

func TestNobodyHasEditedByHand(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		up := &site.Uploads{Posts: w.posts, Dir: w.site.Uploads}
		address, _ := up.Upload(t.Context(), editor, micropub.File{Body: bytes.NewReader(picture(t)), Size: -1})
		p := w.create(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Look"}, "photo": {address}}})
		pass(time.Minute)
		pass(25 * time.Minute)
		if s := stages(w.post(p)); strings.Contains(s, "edited by hand") {
			t.Errorf("nobody touched it: %s", s)
		}
		if err := up.DeleteMedia(t.Context(), editor, address); err == nil {
			t.Errorf("the upload of a live post can be deleted; its first address is then a 404")
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

func TestAFileMayBePutBackByHand(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		file := filepath.Join(dir, "content/posts/old.md")
		g.Build(t.Context())
		w.remove(oldURL)
		pass(time.Minute)
		writeFile(t, file, byHand)
		g.Build(t.Context())
		pass(25 * time.Minute)
		w.wantPage("the owner has put the file back", oldURL, 200, "Hello")
	})
}

func TestASourceThatIsAwayLosesNothing(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		w.update(oldURL, micropub.Update{Replace: map[string][]any{"content": {"see https://bea.example/x"}}})
		pass(time.Minute)
		before := w.post(oldURL)
		os.Rename(dir+"/content", dir+"/content.away") // git checkout other-branch
		pass(11 * time.Minute)
		os.Rename(dir+"/content.away", dir+"/content")
		pass(11 * time.Minute)
		after := w.post(oldURL)
		if len(after.History) < len(before.History) || after.Revision < before.Revision {
			t.Errorf("before: revision %d, %d events; after: revision %d, %s", before.Revision, len(before.History), after.Revision, stages(after))
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
		_ = post
		src := g.source
		u, _ := src.Preset.Encode(publish.Post{Permalink: p, Item: post.Item, Kind: post.Kind, Published: post.Date, Revision: "1", File: post.File})
		if err := src.Tree.Apply(t.Context(), "x", []publish.File{{Name: post.File, Data: u}}); err != nil {
			t.Fatal(err)
		}
		now, err := w.posts.Update(t.Context(), editor, p, micropub.Update{Add: map[string][]any{"category": {"a"}}, Commands: map[string][]any{"mp-slug": {"better"}}})
		t.Logf("%s %v", now, err)
		w.start()
		pass(time.Hour)
		for _, j := range w.jobList() {
			if !j.Parked.IsZero() {
				t.Errorf("parked: %s %s: %s", j.Kind, j.Key, j.Error)
			}
		}
	})
}
