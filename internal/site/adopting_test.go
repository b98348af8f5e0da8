package site_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/queue"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// Posts that were there before are found at their addresses, and can be asked for, updated
// and deleted; nothing but what an update is about changes in the file, to the byte.
func TestPostsAreAdopted(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		const old = "https://me.example/posts/old/"
		file := filepath.Join(dir, "content/posts/old.md")
		item, err := w.posts.Source(t.Context(), editor, old)
		if err != nil || item.Get("name") != "An old post" || item.Get("content") != "Hello *there*." || item.Get("category") != "a" {
			t.Fatalf("got %v, %v", item, err)
		}
		if list, err := w.posts.List(t.Context(), editor, micropub.Query{}); err != nil || len(list.Items) != 1 {
			t.Errorf("listed: got %v, %v", list, err)
		}
		if p := w.post(old); !p.Adopted || p.Announced != 1 || len(p.Sent) != 0 {
			t.Errorf("got %+v, want nothing to be announced", p)
		}
		w.update(old, micropub.Update{Add: map[string][]any{"category": {"b"}}})
		pass(time.Minute)
		edited := strings.Replace(byHand, "tags: ['a']", "tags: ['a', b]", 1)
		if got := readFile(t, file); got != edited {
			t.Errorf("updated:\n%s\nwant\n%s", got, edited)
		}
		// The owner's own edit, made in between, is in what an editor sees and stays.
		edited = strings.Replace(edited, "weird: [1,  2]", "weird: [3]\nmore: yes", 1)
		writeFile(t, file, strings.Replace(edited, "An old post", "By hand", 1))
		w.update(old, micropub.Update{Replace: map[string][]any{"content": {"New words."}}})
		pass(time.Minute)
		edited = strings.Replace(strings.Replace(edited, "An old post", "By hand", 1), "Hello *there*.", "New words.", 1)
		if got := readFile(t, file); got != edited {
			t.Errorf("updated after an edit by hand:\n%s\nwant\n%s", got, edited)
		}
		w.remove(old)
		pass(time.Minute)
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("deleted: the file is still there: %v", err)
		}
		w.restart()
		if _, err := w.posts.Undelete(t.Context(), editor, old); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		if got := readFile(t, file); got != edited {
			t.Errorf("undeleted:\n%s\nwant\n%s", got, edited)
		}
	})
}

// What the owner writes, edits and removes by hand is found with the next look.
func TestTheSourceIsLookedThroughAgain(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		ours := w.create(entry("content", "Ours"), "ours")
		writeFile(t, filepath.Join(dir, "content/posts/new.md"), "---\ntitle: New\ndate: 1999-03-01\n---\nNews.\n")
		file := filepath.Join(dir, "content/notes/ours.md")
		writeFile(t, file, strings.Replace(readFile(t, file), "Ours", "Ours, by hand", 1))
		if err := os.Remove(filepath.Join(dir, "content/posts/old.md")); err != nil {
			t.Fatal(err)
		}
		pass(21 * time.Minute) // what is missing once may only be away
		if p := w.post("https://me.example/posts/new/"); p.Item.Get("name") != "New" || !p.Adopted {
			t.Errorf("a new file: got %+v", p)
		}
		if p := w.post(ours); p.Item.Get("content") != "Ours, by hand" || p.Adopted || p.Revision != 1 {
			t.Errorf("an edit: got %+v", p)
		}
		w.view(func(tx *store.Tx) error {
			if p, err := tx.Post("https://me.example/posts/old/"); err == nil {
				t.Errorf("a file that has gone: got %+v", p)
			}
			return nil
		})
	})
}

// An owner who removes the file of a post deletes it: one of ours, or of theirs that was edited
// since. Those it linked to are told. What is missing once may only be away (HOSTILE F19).
func TestAFileThatIsRemovedByHandIsADeletion(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		g.answers.Store(true)
		w.inbox("bea.example")
		ours := w.create(entry("content", "Yes!", "in-reply-to", "https://bea.example/"), "ours")
		w.update(oldURL, replace("content", "It was edited."))
		pass(time.Minute)
		for _, name := range []string{w.post(ours).File, "content/posts/old.md"} {
			if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, filepath.Base(name))); err != nil {
				t.Fatal(err)
			}
		}
		w.create(entry("content", "The source is there"))
		pass(12 * time.Minute)
		for _, permalink := range []string{ours, oldURL} {
			if p := w.post(permalink); !p.Deleted.IsZero() {
				t.Errorf("%s is deleted after one look", permalink)
			}
		}
		pass(20 * time.Minute)
		w.wantPage("removed by hand", ours, 410, "Yes!")
		w.wantPage("removed by hand", oldURL, 410, "It was edited.")
		for _, permalink := range []string{ours, oldURL} {
			if p := w.post(permalink); p.Deleted.IsZero() || p.Announced != p.Revision || !strings.Contains(notes(p), "by hand") {
				t.Errorf("removed by hand: got %+v", p)
			}
		}
		if sent := w.sent(ours, "https://bea.example/"); sent.State != "unlinked" || sent.Linked || sent.Revision != 2 {
			t.Errorf("who was answered is told: got %+v", sent)
		}
		for _, permalink := range []string{ours, oldURL} {
			if _, err := w.posts.Undelete(t.Context(), editor, permalink); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		w.wantPage("undeleted", ours, 200, "Yes!")
		w.wantPage("undeleted", oldURL, 200, "It was edited.")
		pass(time.Hour)
		w.wantPage("and an hour later", ours, 200, "Yes!")
	})
}

func TestADraftOfTheOwnersStays(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		file := filepath.Join(dir, "content/posts/old.md")
		writeFile(t, file, strings.Replace(byHand, "weird:", "draft: true\nweird:", 1))
		pass(11 * time.Minute)
		w.update(oldURL, micropub.Update{Replace: map[string][]any{"content": {"Mended."}}})
		pass(time.Minute)
		if !exists(file) {
			t.Errorf("the owner's draft file is gone from the source")
		}
		pass(25 * time.Minute)
		w.view(func(tx *store.Tx) error {
			if _, err := tx.Post(oldURL); err != nil {
				t.Errorf("and the post, edit and Kept with it: %v", err)
			}
			return nil
		})
	})
}

func TestAnAdoptedPostMayBecomeADraft(t *testing.T) {
	for _, gone := range []bool{true, false} {
		inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
			g.source.Gone = gone
			w.update(oldURL, micropub.Update{Replace: map[string][]any{"post-status": {"draft"}}})
			pass(time.Minute)
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
		w.remove(ours)
		pass(time.Hour)
		if exists(b) {
			t.Errorf("deleted, and the file is still in the source; post %+v", w.post(ours).History)
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

func TestAFileMayBePutBackByHand(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		file := filepath.Join(dir, "content/posts/old.md")
		if err := g.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.remove(oldURL)
		pass(time.Minute)
		writeFile(t, file, byHand)
		if err := g.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(25 * time.Minute)
		w.wantPage("the owner has put the file back", oldURL, 200, "Hello")
	})
}

func TestASourceThatIsAwayLosesNothing(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		w.update(oldURL, micropub.Update{Replace: map[string][]any{"content": {"see https://bea.example/x"}}})
		pass(time.Minute)
		before := w.post(oldURL)
		if err := os.Rename(dir+"/content", dir+"/content.away"); err != nil { // git checkout other-branch
			t.Fatal(err)
		}
		pass(11 * time.Minute)
		if err := os.Rename(dir+"/content.away", dir+"/content"); err != nil {
			t.Fatal(err)
		}
		pass(11 * time.Minute)
		after := w.post(oldURL)
		if len(after.History) < len(before.History) || after.Revision < before.Revision {
			t.Errorf("before: revision %d, %d events; after: revision %d, %s", before.Revision, len(before.History), after.Revision, stages(after))
		}
	})
}
