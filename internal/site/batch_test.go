package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/micropub"
	"tertulia/store"
)

// daily collects write-backs for a day.
func daily(s *site.Site) { s.Batch = 24 * time.Hour }

const copyOne, copyTwo = "https://mastodon.example/@me/1", "https://bsky.example/2"

func (w *world) writeBack(permalink string, copies ...string) {
	w.t.Helper()
	if err := w.posts.WriteBack(w.t.Context(), permalink, copies...); err != nil {
		w.t.Fatal(err)
	}
}

// wantCopies fails unless an editor is given these.
func (w *world) wantCopies(when, permalink string, want ...string) {
	w.t.Helper()
	item, err := w.posts.Source(w.t.Context(), editor, permalink)
	if got := strings.Join(item.URLs("syndication"), " "); err != nil || got != strings.Join(want, " ") {
		w.t.Errorf("%s: q=source has the copies %q, %v, want %q", when, got, err, want)
	}
}

// Write-backs cost one commit and one deploy a day, whatever their number; editors have them
// at once, restarts change nothing, and another day's wait for another day (SITES 3).
func TestWriteBacksAreCollected(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		g.copies.Store(true)
		one, two := w.create(entry("content", "Uno"), "uno"), w.create(entry("content", "Dos"), "dos")
		pass(time.Minute)
		writes, builds := len(g.written()), g.builds.Load()
		w.writeBack(one, copyOne)
		w.writeBack(one, copyOne) // the same again is no news
		pass(10 * time.Hour)
		w.writeBack(two, copyTwo)
		w.writeBack(oldURL, copyTwo)
		w.restart()
		if err := w.jobs.Begin(t.Context(), w.site); err != nil {
			t.Fatal(err)
		}
		w.wantCopies("at once", one, copyOne)
		w.wantCopies("at once", two, copyTwo)
		w.wantCopies("by hand", oldURL, copyTwo)
		if p := w.post(one); p.Revision != 2 || !p.Updated.IsZero() {
			t.Errorf("got %+v, want one write-back that is no update", p)
		}
		pass(13*time.Hour + 58*time.Minute)
		if len(g.written()) != writes || g.builds.Load() != builds || strings.Contains(readFile(t, filepath.Join(dir, "content/notes/uno.md")), copyOne) {
			t.Errorf("a day has not passed: %q", g.written()[writes:])
		}
		pass(3 * time.Minute)
		if got := strings.Join(g.written()[writes:], "; "); got != "update 3 posts" || g.builds.Load() != builds+1 {
			t.Errorf("after a day: wrote %q, built %d times; want all at once", got, g.builds.Load()-builds)
		}
		for file, want := range map[string]string{"content/notes/uno.md": copyOne, "content/notes/dos.md": copyTwo, "content/posts/old.md": copyTwo} {
			if text := readFile(t, filepath.Join(dir, file)); !strings.Contains(text, want) {
				t.Errorf("%s lacks %s:\n%s", file, want, text)
			}
		}
		pass(time.Minute)
		for _, permalink := range []string{one, two, oldURL} {
			if p := w.post(permalink); p.Announced != p.Revision || !p.Collected.IsZero() || p.Base != nil {
				t.Errorf("in the end: %+v", p)
			}
		}
		w.writeBack(two, copyOne)
		pass(23 * time.Hour)
		if len(g.written()) != writes+1 {
			t.Error("the next one has not waited")
		}
		pass(2 * time.Hour)
		if len(g.written()) != writes+2 {
			t.Error("the next one does not come")
		}
		if jobs := w.jobList(); len(jobs) != 1 {
			t.Errorf("left: %+v, want the next look alone", jobs)
		}
	}, daily)
}

// What is deployed anyway takes along what was collected: a new post, an edit of another one or
// of the same; then nothing is left to be done when the day is over.
func TestWhatIsDeployedTakesWriteBacksAlong(t *testing.T) {
	for name, deploys := range map[string]func(w *world, one, two string){
		"a new post":          func(w *world, one, two string) { w.create(entry("content", "Tres")) },
		"an edit of another":  func(w *world, one, two string) { w.update(two, replace("content", "Dos y medio")) },
		"an edit of the same": func(w *world, one, two string) { w.update(one, replace("content", "Uno y medio")) },
		"a deletion":          func(w *world, one, two string) { w.remove(two) },
		"a retry":             func(w *world, one, two string) { _ = w.posts.Retry(w.t.Context(), one) },
		"an update of the two": func(w *world, one, two string) {
			w.update(one, micropub.Update{Add: map[string][]any{"syndication": {copyTwo}, "category": {"x"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
				one, two := w.create(entry("content", "Uno"), "uno"), w.create(entry("content", "Dos"), "dos")
				pass(time.Minute)
				w.writeBack(one, copyOne)
				pass(time.Hour)
				deploys(w, one, two)
				pass(time.Minute)
				if text := readFile(t, filepath.Join(dir, "content/notes/uno.md")); !strings.Contains(text, copyOne) {
					t.Errorf("it was not taken along:\n%s", text)
				}
				writes, builds := len(g.written()), g.builds.Load()
				pass(48 * time.Hour)
				if len(g.written()) != writes || g.builds.Load() != builds {
					t.Errorf("and later: %q", g.written()[writes:])
				}
			}, daily)
		})
	}
}

func replace(property string, values ...any) micropub.Update {
	return micropub.Update{Replace: map[string][]any{property: values}}
}

// Without batch write-backs go at once, and with an update that says more too.
func TestWriteBacksGoAtOnce(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one := w.create(entry("content", "Uno"), "uno")
		pass(time.Minute)
		w.writeBack(one, copyOne)
		pass(time.Minute)
		if text := readFile(t, filepath.Join(dir, "content/notes/uno.md")); !strings.Contains(text, copyOne) {
			t.Errorf("got\n%s", text)
		}
	})
}

// A setting that is shortened counts for what waits already, from the next start on.
func TestAShorterBatchCountsAtOnce(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one := w.create(entry("content", "Uno"), "uno")
		pass(time.Minute)
		w.writeBack(one, copyOne)
		w.close()
		w.site.Batch = 0
		w.open()
		w.start()
		if err := w.jobs.Begin(t.Context(), w.site); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if text := readFile(t, filepath.Join(dir, "content/notes/uno.md")); !strings.Contains(text, copyOne) {
			t.Errorf("got\n%s", text)
		}
	}, daily)
}

// What the owner writes by hand while a write-back waits can be seen and stays, copies that
// they have added or taken away included.
func TestEditsByHandWhileWriteBacksWait(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one := w.create(entry("content", "Uno", "syndication", "https://old.example/1"), "uno")
		pass(time.Minute)
		w.writeBack(one, copyOne)
		file := filepath.Join(dir, "content/notes/uno.md")
		edited := strings.Replace(readFile(t, file), "Uno", "Uno, by hand", 1)
		writeFile(t, file, strings.Replace(edited, "https://old.example/1", "https://new.example/1", 1))
		item, err := w.posts.Source(t.Context(), editor, one)
		if err != nil || item.Get("content") != "Uno, by hand" {
			t.Errorf("q=source: got %v, %v", item, err)
		}
		w.wantCopies("by hand", one, copyOne, "https://new.example/1")
		w.writeBack(one, copyTwo)
		pass(25 * time.Hour)
		w.wantCopies("a day later", one, copyOne, "https://new.example/1", copyTwo)
		text := readFile(t, file)
		for _, want := range []string{"Uno, by hand", copyOne, copyTwo, "https://new.example/1"} {
			if !strings.Contains(text, want) {
				t.Errorf("the file lacks %s:\n%s", want, text)
			}
		}
		w.update(one, replace("category", "sea"))
		pass(time.Minute)
		if text := readFile(t, file); !strings.Contains(text, "Uno, by hand") || !strings.Contains(text, copyTwo) {
			t.Errorf("after an edit:\n%s", text)
		}
	}, daily)
}

// A post that waits to be seen live is announced though a write-back waits, and nobody waits
// for that.
func TestWriteBacksHoldUpNoAnnouncement(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		g.away.Store(true)
		one := w.create(entry("content", "Uno"), "uno")
		pass(time.Minute)
		w.writeBack(one, copyOne)
		g.away.Store(false)
		if err := g.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		if p := w.post(one); p.Announced != 1 || p.Revision != 2 {
			t.Errorf("got %d of %d announced, want the first", p.Announced, p.Revision)
		}
	}, daily)
}

// A source that is away gets its write-backs when it is back; one file that cannot be read
// keeps no other from getting its own, and its job says what is the matter.
func TestWriteBacksWaitForTheirFiles(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one, two := w.create(entry("content", "Uno"), "uno"), w.create(entry("content", "Dos"), "dos")
		pass(time.Minute)
		w.writeBack(one, copyOne)
		w.writeBack(two, copyTwo)
		file := filepath.Join(dir, "content/notes/dos.md")
		whole := readFile(t, file)
		writeFile(t, file, "---\n{{{ broken\n---\n")
		if err := os.Rename(filepath.Join(dir, "content/notes/uno.md"), filepath.Join(dir, "uno.away")); err != nil {
			t.Fatal(err)
		}
		w.create(entry("content", "Tres"))
		pass(time.Minute)
		if err := os.Rename(filepath.Join(dir, "uno.away"), filepath.Join(dir, "content/notes/uno.md")); err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, j := range w.jobList() {
			said += j.Kind + " " + j.Error + "\n"
		}
		if !strings.Contains(said, "publish publish "+two) {
			t.Errorf("the jobs say %s", said)
		}
		writeFile(t, file, whole)
		pass(26 * time.Hour)
		for file, want := range map[string]string{"content/notes/uno.md": copyOne, "content/notes/dos.md": copyTwo} {
			if text := readFile(t, filepath.Join(dir, file)); !strings.Contains(text, want) {
				t.Errorf("%s lacks %s:\n%s", file, want, text)
			}
		}
	}, daily)
}

// A deploy that fails is tried again, and what it took along is written once.
func TestWriteBacksOfADeployThatFails(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one := w.create(entry("content", "Uno"), "uno")
		pass(time.Minute)
		writes := len(g.written())
		w.writeBack(one, copyOne)
		g.fail.Store(true)
		pass(25 * time.Hour)
		w.restart()
		g.fail.Store(false)
		pass(7 * time.Hour)
		if p := w.post(one); len(g.written()) != writes+1 || p.Published != p.Revision || p.Announced != p.Revision {
			t.Errorf("wrote %q; post %+v", g.written()[writes:], p)
		}
		w.view(func(tx *store.Tx) error {
			posts, err := tx.CollectedPosts()
			if len(posts) > 0 {
				t.Errorf("%d posts wait still", len(posts))
			}
			return err
		})
	}, daily)
}

// A kill between the writing and the commit leaves files that have their write-backs already.
func TestWriteBacksThatWereWrittenBeforeAKill(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		g.copies.Store(true)
		one, two := w.create(entry("content", "Uno"), "uno"), w.create(entry("content", "Dos"), "dos")
		pass(time.Minute)
		w.writeBack(one, copyOne)
		w.writeBack(two, copyTwo)
		g.torn.Store(true)
		pass(25 * time.Hour)
		for _, permalink := range []string{one, two} {
			text := readFile(t, filepath.Join(dir, w.post(permalink).File))
			if p := w.post(permalink); p.Announced != 2 || !p.Collected.IsZero() || strings.Count(text, "https://") != 1 {
				t.Errorf("got %+v and the file\n%s", p, text)
			}
		}
		if len(w.jobList()) != 1 {
			t.Errorf("left: %+v, want the next look alone", w.jobList())
		}
	}, daily)
}
