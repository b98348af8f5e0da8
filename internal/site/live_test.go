package site_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/micropub"
	"tertulia/store"
)

// late is a site that is built elsewhere, some time after its hook has said yes.
func late(s *site.Site) { s.Root = "" }

// notes are those of a post's history.
func notes(p store.Post) string {
	var all []string
	for _, e := range p.History {
		all = append(all, e.Note)
	}
	return strings.Join(all, "; ")
}

// Without a marker in the theme a page that says what it said before is the old one: nobody is
// told of a new revision before the build is over, whatever the hook says (DESIGN 3).
func TestTheOldTextIsNoProof(t *testing.T) {
	reply := entry("content", "Yes, I agree: look at the sea!", "in-reply-to", "https://bea.example/1")
	for name, tt := range map[string]struct {
		update micropub.Update
		marks  bool
	}{
		"another text":     {replace("content", "No, I do not."), false},
		"less of the text": {replace("content", "I agree"), false},
		"more of the text": {replace("content", "Yes, I agree: look at the sea! And at the sky."), false},
		"another answer":   {replace("in-reply-to", "https://bea.example/2"), false},
		"a copy":           {replace("syndication", copyOne), false},
		"with a marker":    {replace("category", "sea"), true},
	} {
		t.Run(name, func(t *testing.T) {
			inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
				w.host("bea.example")
				g.answers.Store(true)
				g.copies.Store(true)
				g.marks.Store(tt.marks)
				p := w.create(reply.Clone())
				pass(time.Minute)
				g.away.Store(true)
				w.update(p, tt.update)
				pass(20 * time.Minute)
				if q := w.post(p); q.Announced != 1 || q.Published != 2 {
					t.Errorf("the site is not built: got %d announced, %d published", q.Announced, q.Published)
				}
				g.away.Store(false)
				if err := g.Build(t.Context()); err != nil {
					t.Fatal(err)
				}
				pass(2 * time.Minute)
				if q := w.post(p); q.Announced != 2 || strings.Contains(notes(q), "all the same") {
					t.Errorf("the site is built: got %d announced: %s", q.Announced, notes(q))
				}
			})
		})
	}
}

// The page of a deleted post that stands as it was is no tombstone, also when it has no link.
func TestTheOldPageIsNoTombstone(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		g.source.Gone, g.source.Tombstone = false, "It was deleted."
		p := w.create(entry("content", "Nothing to link to"))
		pass(time.Minute)
		g.source.Output = ""
		g.away.Store(true)
		w.remove(p)
		pass(20 * time.Minute)
		if q := w.post(p); q.Announced != 1 || q.Published != 2 {
			t.Errorf("the site is not built: got %d announced, %d published", q.Announced, q.Published)
		}
		name := filepath.Join(g.root, strings.TrimPrefix(p, w.site.Me()), "index.html")
		writeFile(t, name, `<!doctype html><title>x</title><article class="h-entry"><div class="e-content">It was deleted.</div></article>`)
		pass(2 * time.Minute)
		if q := w.post(p); q.Announced != 2 {
			t.Errorf("the tombstone stands: got %d announced", q.Announced)
		}
	}, late)
}

// An update that no page can show is announced after half an hour of answers, with a word about
// that; the half hour does not begin before the site could be built.
func TestPatienceBeginsWithTheDeploy(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		p := w.create(entry("content", "Hello"))
		pass(time.Minute)
		g.fail.Store(true)
		w.update(p, replace("category", "sea"))
		pass(5 * time.Hour)
		if q := w.post(p); q.Announced != 1 {
			t.Errorf("announced, though the site cannot be built: %s", stages(q))
		}
		g.fail.Store(false)
		for _, j := range w.jobList() {
			if j.Kind == "deploy" {
				if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
					return tx.Enqueue(store.Job{Kind: j.Kind, Key: j.Key, Args: j.Args})
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
		pass(25 * time.Minute)
		if q := w.post(p); q.Announced != 1 {
			t.Errorf("announced twenty-five minutes after the deploy: %s", stages(q))
		}
		pass(7 * time.Minute)
		if q := w.post(p); q.Announced != 2 || !strings.Contains(notes(q), "all the same") {
			t.Errorf("not announced half an hour after the deploy: %s", stages(q))
		}
	})
}

// An adopted post, which was never looked at before, is no exception.
func TestTheOldTextOfAnAdoptedPostIsNoProof(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		if err := g.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.away.Store(true)
		w.update(oldURL, replace("content", "Hello"))
		pass(20 * time.Minute)
		if q := w.post(oldURL); q.Announced != 1 {
			t.Errorf("got %d announced before the build", q.Announced)
		}
		g.away.Store(false)
		if err := g.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		if q := w.post(oldURL); q.Announced != 2 {
			t.Errorf("got %d announced after it", q.Announced)
		}
	})
}
