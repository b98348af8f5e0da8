package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/micropub"
)

func (w *world) rename(permalink, slug string) string {
	w.t.Helper()
	now, err := w.posts.Update(w.t.Context(), editor, permalink, micropub.Update{
		Replace: map[string][]any{"category": {slug}}, Commands: map[string][]any{"mp-slug": {slug}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return now
}

// MP-16: an update with another slug moves the post. Its conversation goes along, its
// former addresses lead to the new one and are nobody else's, and an editor that still
// has an old one is understood.
func TestPostsMove(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.create(entry("content", "On the move"), "one")
		pass(time.Second)
		w.host("bea.example").says("/1", replyTo(first, "Bon voyage"))
		w.receive("https://bea.example/1", first)
		second := w.rename(first, "two")
		if !strings.HasSuffix(second, "/two/") {
			t.Fatalf("got %q, want the new address", second)
		}
		third := w.rename(first, "three") // asked for by its first address
		if again := w.rename(third, "three"); again != "" {
			t.Errorf("the same slug: got %q, want no new address", again)
		}
		pass(time.Minute)
		w.restart()
		w.wantPage("at its address", third, 200, "On the move")
		for _, former := range []string{first, second} {
			if code, _ := w.page(former); code != 404 {
				t.Errorf("%s: the page answers %d, want that its file has gone", former, code)
			}
			if now := w.talk.Moved(t.Context(), parse(t, former)); now != third {
				t.Errorf("%s leads to %q, want %s", former, now, third)
			}
		}
		w.wantTexts("its conversation", third, "Bon voyage")
		if other := w.create(entry("content", "Another"), "one"); other == first {
			t.Errorf("a former address was given away")
		}
		pass(time.Minute)
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		w.remove(third)
		pass(time.Minute)
		if now := w.talk.Moved(t.Context(), parse(t, first)); now != "" || !w.talk.Gone(t.Context(), parse(t, first)) {
			t.Errorf("deleted: the former address leads to %q", now)
		}
	}, approve(site.ApproveNone))
}

// In a source the file stays, and says the former addresses.
func TestPostsMoveInTheSource(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		first := w.create(entry("content", "On the move"), "one")
		pass(time.Second)
		second := w.rename(first, "two")
		pass(time.Minute)
		w.wantPage("at its address", second, 200, "On the move")
		text := readFile(t, filepath.Join(dir, "content/notes/one.md"))
		if !strings.Contains(text, `url: "/notes/two/"`) || !strings.Contains(text, "/notes/one/") || !strings.Contains(text, "aliases") {
			t.Errorf("got the file %s", text)
		}
		if files, err := os.ReadDir(filepath.Join(dir, "content/notes")); err != nil || len(files) != 1 {
			t.Errorf("got the files %v, %v", files, err)
		}
	})
}
