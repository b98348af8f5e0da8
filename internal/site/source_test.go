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
