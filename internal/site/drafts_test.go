package site_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/publish"
	"tertulia/internal/site"
	"tertulia/micropub"
)

// gate is a place for posts that lets a first revision in when it is opened.
type gate struct {
	publish.Target
	open chan struct{}
}

// Publish is of publish.Target.
func (g *gate) Publish(ctx context.Context, c publish.Change) error {
	if c.Post.Revision == "1" {
		select {
		case <-g.open:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return g.Target.Publish(ctx, c)
}

func (w *world) makeDraft(permalink string) {
	w.t.Helper()
	w.update(permalink, micropub.Update{Replace: map[string][]any{"post-status": {"draft"}}})
}

func (w *world) makePublic(permalink string) {
	w.t.Helper()
	w.update(permalink, micropub.Update{Replace: map[string][]any{"post-status": {"published"}}})
}

// wantPage fails unless the site answers so at an address, and tells what readers may
// read nowhere but there.
func (w *world) wantPage(when, address string, want int, text string) {
	w.t.Helper()
	if code, body := w.page(address); code != want || strings.Contains(body, text) != (want == 200) {
		w.t.Errorf("%s: the page answers %d: %s; want %d", when, code, body, want)
	}
	if gone := w.talk.Gone(w.t.Context(), parse(w.t, address)); gone != (want == 410) {
		w.t.Errorf("%s: Gone is %t", when, gone)
	}
	if shown := w.published(text); want != 200 && shown != "" {
		w.t.Errorf("%s: %s still shows it", when, shown)
	}
}

// published is a file of the site that has a text in it, "" when none has.
func (w *world) published(text string) (found string) {
	w.t.Helper()
	err := filepath.WalkDir(w.root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if strings.Contains(string(b), text) {
			found = name
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// F10: who thinks better of a post while its first revision is on its way to the site
// has it taken away again, and nobody is told of it.
func TestADraftOvertakesItsFirstRevision(t *testing.T) {
	var g *gate
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		post := w.create(entry("content", "better not https://ana.example/"))
		if p := w.post(post); p.Published != 0 {
			t.Fatalf("it is published already: %+v", p)
		}
		w.makeDraft(post)
		close(g.open)
		pass(time.Minute)
		w.wantPage("made a draft meanwhile", post, 410, "better not")
		ana.wantHeard("a post that nobody could read", 0)
		if p := w.post(post); p.Published != 2 || p.Announced != 2 {
			t.Errorf("the post: %+v", p)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	}, func(s *site.Site) {
		g = &gate{s.Publish, make(chan struct{})}
		s.Publish = g
	})
}

// HOSTILE 40: of a draft nothing leaves the store, whatever is done to it, until it is
// published; what was public once has gone when it is a draft again.
func TestDraftsRevealNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		pass(time.Second)
		if err := w.jobs.WriteHome(t.Context(), w.site); err != nil {
			t.Fatal(err)
		}
		_, never := w.send("https://bea.example/1", "https://me.example/never/")
		draft := w.create(entry("content", "not yet https://ana.example/", "post-status", "draft"))
		hidden := func(when string) {
			t.Helper()
			if jobs := w.jobList(); len(jobs) > 0 {
				t.Errorf("%s: jobs are promised: %+v", when, jobs)
			}
			pass(5 * time.Second)
			w.wantPage(when, draft, 404, "not yet")
			if _, err := w.send("https://bea.example/1", draft); status(t, err) != 400 || err.Error() != never.Error() {
				t.Errorf("%s: a mention of it got %v, want %v", when, err, never)
			}
			if _, err := w.talk.Of(t.Context(), draft); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: its conversation: %v", when, err)
			}
		}
		hidden("new")
		w.update(draft, micropub.Update{Add: map[string][]any{"category": {"a"}}})
		hidden("updated")
		if err := w.posts.Retry(t.Context(), draft); err != nil {
			t.Fatal(err)
		}
		hidden("tried again")
		w.remove(draft)
		hidden("deleted")
		if _, err := w.posts.Undelete(t.Context(), editor, draft); err != nil {
			t.Fatal(err)
		}
		hidden("undeleted")
		ana.wantHeard("of a draft", 0)

		for round := range 2 {
			w.makePublic(draft)
			pass(5 * time.Second)
			w.wantPage("published", draft, 200, "not yet")
			ana.wantHeard("published", 2*round+1)
			w.makeDraft(draft)
			pass(5 * time.Second)
			w.wantPage("a draft again", draft, 410, "not yet")
			ana.wantHeard("a draft again", 2*round+2)
		}
		w.remove(draft)
		pass(5 * time.Second)
		w.wantPage("deleted", draft, 410, "not yet")
	})
}

// A site whose settings name no place for posts takes none and does not say it would.
func TestASiteWithoutAPlaceForPosts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "x"), Digest: newDigest()})
		var e *micropub.Error
		if !errors.As(err, &e) || e.Code != micropub.Forbidden || e.Description == "" || made.URL != "" {
			t.Errorf("create: got %+v, %v, want it forbidden", made, err)
		}
		if posts, err := w.posts.All(t.Context(), 10); err != nil || len(posts) != 0 {
			t.Errorf("there are %d posts, %v", len(posts), err)
		}
		if err := w.jobs.WriteHome(t.Context(), w.site); err != nil {
			t.Errorf("write the home page: %v", err)
		}
		pass(time.Minute)
		if files, err := os.ReadDir(w.root); err != nil || len(files) > 0 || len(w.jobList()) > 0 {
			t.Errorf("something was written: %v, %v, jobs %v", files, err, w.jobList())
		}
		links := w.site.Links()
		if links["micropub"] != "" || links["micropub_media"] != "" || links["webmention"] == "" || links["indieauth-metadata"] == "" {
			t.Errorf("it advertises %v", links)
		}
	}, func(s *site.Site) { s.Publish = nil })
	inWorld(t, func(t *testing.T, w *world) {
		if links := w.site.Links(); links["micropub"] != "https://me.example/-/micropub" || links["micropub_media"] != "https://me.example/-/media" {
			t.Errorf("a site with a place advertises %v", links)
		}
	})
}

// T-MP21: where somebody else serves the site, what lies in the directory that is
// written to is the owner's as well.
func TestPermalinksLeaveTheDirectoryOfTheOwnerAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const day = "2026/11/21/"
		w.file(day + "mine/index.html")
		w.file(day + "mine-2")
		w.file(day + "notes/readme.txt") // a directory without a page is no page
		for slug, want := range map[string]string{"mine": "mine-3/", "notes": "notes/", "other": "other/"} {
			if got := w.create(entry("content", "x", "published", "2026-11-21T12:00:00Z"), slug); got != "https://me.example/"+day+want {
				t.Errorf("%s: got %s, want %s", slug, got, want)
			}
		}
		pass(5 * time.Second)
		for _, name := range []string{"mine/index.html", "mine-2"} {
			if b, err := os.ReadFile(filepath.Join(w.root, day, name)); err != nil || string(b) != "<p>by hand" {
				t.Errorf("the owner's %s is %q now, %v", name, b, err)
			}
		}
	}, func(s *site.Site) { s.Dir, s.Root = s.Root, "" })
}
