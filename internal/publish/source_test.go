package publish_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish"
	"tertulia/mf2"
)

func sourceIn(t *testing.T, name, dir string) *publish.Source {
	t.Helper()
	return &publish.Source{Preset: preset(t, name), Tree: &publish.Dir{Path: dir}, Tombstone: "Este texto ya no está."}
}

// put writes files by hand.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryPresetConforms(t *testing.T) {
	for _, name := range publish.Presets() {
		for _, gone := range []bool{false, true} {
			dir := t.TempDir()
			s := sourceIn(t, name, dir)
			s.Gone = gone
			conforms(t, s, func(permalink string) (string, bool) {
				data, err := s.Last(publish.Post{Permalink: permalink, Kind: "note", Published: noon})
				if err != nil {
					t.Fatal(err)
				}
				return string(data), data != nil
			})
		}
	}
}

// hand is a post that somebody has written with care.
const hand = `---
# my first post
title:   "El pan"   # working title
date: 2019-05-04 10:00:00 +0200
layout: wide
custom: {a: [1, 2],  b: ~}
tags: [pan, masa]
categories:
- cocina
image: /img/pan.jpg
---

  Hola,  esto es **pan**.

{% highlight %}
x
{% endhighlight %}

`

// SITES 1, F19: an update of a post that its owner has written by hand changes the lines
// it is about, and not another byte; deleting keeps what undeleting brings back.
func TestAdoptedPostIsNeverMangled(t *testing.T) {
	const file = "_posts/2019-05-04-pan.md"
	for _, crlf := range []bool{false, true} {
		was := hand
		if crlf {
			was = strings.ReplaceAll(hand, "\n", "\r\n")
		}
		dir := t.TempDir()
		put(t, dir, map[string]string{file: was, "index.html": "---\n---\nhome"})
		s := sourceIn(t, "jekyll", dir)
		before := publish.Post{Permalink: home + "2019/05/04/pan.html", File: file, Kind: "article"}
		var err error
		if before.Item, err = s.Item(before); err != nil {
			t.Fatal(err)
		}
		want := map[string][]any{
			"name": {"El pan"}, "category": {"pan", "masa", "cocina"}, "photo": {home + "img/pan.jpg"}, "published": before.Item.Properties["published"],
			"content": {"  Hola,  esto es **pan**.\n\n{% highlight %}\nx\n{% endhighlight %}"}}
		if diff := cmp.Diff(want, before.Item.Properties); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
		after := before
		after.Item, after.Updated, after.Revision = before.Item.Clone(), noon, "2"
		after.Item.Properties["name"] = []any{"La masa: un cuento"}
		after.Item.Properties["category"] = []any{"pan", "cocina", "sal"}
		if err := s.Publish(t.Context(), publish.Change{Post: after, Before: &before, PageOnly: true}); err != nil {
			t.Fatal(err)
		}
		got := tree(t, dir)[file]
		wrote := strings.NewReplacer(`"El pan"`, `"La masa: un cuento"`, "[pan, masa]", "[pan, sal]").Replace(was)
		if diff := cmp.Diff(strings.Split(wrote, "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		kept, err := s.Last(after)
		if err != nil {
			t.Fatal(err)
		}
		gone := after
		gone.Deleted = true
		if err := s.Publish(t.Context(), publish.Change{Post: gone, Before: &after}); !errors.Is(err, publish.ErrForeign) {
			t.Errorf("a file of the owner's was taken away though nobody had kept it: %v", err)
		}
		if err := s.Publish(t.Context(), publish.Change{Post: gone, Before: &after, Kept: []byte("older")}); !errors.Is(err, publish.ErrChanged) {
			t.Errorf("got %v, want ErrChanged", err)
		}
		if err := s.Publish(t.Context(), publish.Change{Post: gone, Before: &after, Kept: kept}); err != nil {
			t.Fatal(err)
		}
		if now := tree(t, dir)[file]; strings.Contains(now, "pan**") || !strings.Contains(now, "ya no está") {
			t.Errorf("the tombstone says %q", now)
		}
		if err := s.Publish(t.Context(), publish.Change{Post: after, Before: &after, Kept: kept}); err != nil {
			t.Fatal(err)
		}
		if now := tree(t, dir)[file]; now != string(kept) {
			t.Errorf("undelete brought back %q, want %q", now, kept)
		}
	}
}

// An edit of the text keeps the shortcodes that were there, and adds none.
func TestEditKeepsTheOwnersShortcodes(t *testing.T) {
	for name, c := range map[string]struct{ old, from, to, want string }{
		"jekyll": {hand, "Hola,  esto", "{{ site.x }} Hola, esto", strings.ReplaceAll(hand, "Hola,  esto", "{{ '{{' }} site.x }} Hola, esto")},
		"zola":   {"+++\r\nx = 1\r\n+++\r\nUno\r\ndos\r\n\r\n", "Uno", "Tres\n\n4", "+++\r\nx = 1\r\n+++\r\nTres\r\n\r\n4\r\ndos\r\n\r\n"},
		"hugo": {"+++\nx = 1 # mine\n+++\n\nUno.\n\n{{< figure\n  src=\"a.jpg\" >}}\n{{</* no */>}}\n", "Uno.", "{{% si %}} Dos.\n{{</* no */>}}",
			"+++\nx = 1 # mine\n+++\n\n{{%/* si */%}} Dos.\n{{</*/* no */*/>}}\n\n{{< figure\n  src=\"a.jpg\" >}}\n{{</* no */>}}\n"},
	} {
		p := preset(t, name)
		before := publish.Post{File: "content/x.md", Permalink: home + "x/"}
		var err error
		if before.Item, err = p.Decode(before.File, []byte(c.old), before.Permalink); err != nil {
			t.Fatal(err)
		}
		after := before
		after.Item = before.Item.Clone()
		after.Item.Properties["content"] = []any{strings.ReplaceAll(before.Item.Get("content"), c.from, c.to)}
		got, err := p.Patch([]byte(c.old), before, after)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// F3: what stands in the source and is not ours is not written over, nor by a link.
func TestSourceWritesOverNothing(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	put(t, dir, map[string]string{"content/notes/theirs.md": "---\ntitle: x\n---\n"})
	put(t, outside, map[string]string{"secret.md": "---\ntertulia: \"1\"\n---\n"})
	if err := os.Symlink(filepath.Join(outside, "secret.md"), filepath.Join(dir, "content/notes/link.md")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "content/articles")); err != nil {
		t.Fatal(err)
	}
	s := sourceIn(t, "hugo", dir)
	p := s.Preset
	for _, post := range []publish.Post{
		promised(t, p, publish.Post{Slug: "theirs", Kind: "note", Published: noon}),
		promised(t, p, publish.Post{Slug: "link", Kind: "note", Published: noon}),
		promised(t, p, publish.Post{Slug: "x", Kind: "article", Published: noon}),
	} {
		if post.Kind == "note" {
			if free, err := s.Free(post); err != nil || free {
				t.Errorf("%s: free %v, %v", post.File, free, err)
			}
		}
		for _, deleted := range []bool{false, true} {
			post.Deleted = deleted
			err := s.Publish(t.Context(), publish.Change{Post: post})
			if err == nil && !(deleted && post.Kind == "article") {
				t.Errorf("%s (deleted: %v): got no error", post.File, deleted)
			}
		}
	}
	theirs, err := os.ReadFile(filepath.Join(dir, "content/notes/theirs.md"))
	if got := tree(t, outside); err != nil || len(got) != 1 || string(theirs) != "---\ntitle: x\n---\n" {
		t.Errorf("files were written: %v, %s", got, theirs)
	}
}

// What a redirect or a section would be written over stays as well.
func TestSourceLeavesWhatIsBesideThePost(t *testing.T) {
	for _, c := range []struct {
		preset, file string
		fails        bool
	}{{"zola", "content/notes/_index.md", false}, {"eleventy", "moved/notes-2026-11-21-x.html", true}, {"astro", "public/blog/x/index.html", true}} {
		for _, there := range []bool{false, true} {
			dir := t.TempDir()
			if there {
				put(t, dir, map[string]string{c.file: "theirs"})
			}
			s := sourceIn(t, c.preset, dir)
			before := promised(t, s.Preset, publish.Post{Item: entry("content", "Hola"), Slug: "x", Kind: "note", Published: noon, Revision: "1"})
			after := before
			after.Permalink = home + "otra/"
			err := errors.Join(s.Publish(t.Context(), publish.Change{Post: before}), s.Publish(t.Context(), publish.Change{Post: after, Before: &before}))
			got, ok := tree(t, dir)[c.file]
			if (err != nil) != (c.fails && there) || !ok || there != (got == "theirs") {
				t.Errorf("%s (there: %v): %v, it says %q", c.file, there, err, got)
			}
		}
	}
}

// A file that was written before a crash, of which the store knows nothing, is taken up.
func TestSourceResumes(t *testing.T) {
	dir := t.TempDir()
	s := sourceIn(t, "hugo", dir)
	post := promised(t, s.Preset, publish.Post{Item: entry("content", "Uno", "category", "a"), Slug: "x", Kind: "note", Published: noon, Revision: "1"})
	if err := s.Publish(t.Context(), publish.Change{Post: post}); err != nil {
		t.Fatal(err)
	}
	post.Item, post.Revision = entry("content", "Dos"), "2"
	for range 2 {
		if err := s.Publish(t.Context(), publish.Change{Post: post}); err != nil {
			t.Fatal(err)
		}
	}
	got := tree(t, dir)
	if data := got[post.File]; len(got) != 1 || !strings.Contains(data, "Dos") || strings.Contains(data, "tags") || !strings.Contains(data, `"2"`) {
		t.Errorf("got %v", got)
	}
}

// A tombstone has no link of its post's, and goes after thirty days.
func TestTombstoneStandsThirtyDays(t *testing.T) {
	for _, name := range publish.Presets() {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			s := sourceIn(t, name, dir)
			p := promised(t, s.Preset, publish.Post{Item: entry("content", "Hola https://bruno.example/", "in-reply-to", "https://bruno.example/pan"),
				Slug: "x", Kind: "article", Published: noon, Revision: "1"})
			for range 2 {
				if err := s.Publish(t.Context(), publish.Change{Post: p}); err != nil {
					t.Fatal(err)
				}
				p.Deleted, p.Revision = true, "2"
			}
			first := tree(t, dir)[p.File]
			if first == "" || strings.Contains(first, "bruno") || !strings.Contains(first, "Este texto") {
				t.Errorf("%s: the tombstone is\n%s", name, first)
			}
			time.Sleep(29 * 24 * time.Hour)
			if swept, err := s.Sweep(t.Context()); err != nil || swept || tree(t, dir)[p.File] != first {
				t.Errorf("%s: a young tombstone went: %v", name, err)
			}
			time.Sleep(2 * 24 * time.Hour)
			if swept, err := s.Sweep(t.Context()); err != nil || !swept || tree(t, dir)[p.File] != "" {
				t.Errorf("%s: an old tombstone stands: %v", name, err)
			}
		})
	}
}

// An address that changes leaves something behind that leads on.
func TestMovedPostLeavesARedirect(t *testing.T) {
	for name, want := range map[string][2]string{
		"hugo": {"content/notes/x.md", `"/notes/x/"`}, "zola": {"content/notes/x.md", `"/notes/x/"`},
		"jekyll":   {"moved/notes-2026-11-21-x.html", "permalink: \"/notes/2026/11/21/x/\""},
		"eleventy": {"moved/notes-2026-11-21-x.html", "permalink: \"/notes/2026/11/21/x/\""},
		"astro":    {"public/blog/x/index.html", `url=https://ana.example/otra/`},
	} {
		dir := t.TempDir()
		s := sourceIn(t, name, dir)
		before := promised(t, s.Preset, publish.Post{Item: entry("content", "Hola"), Slug: "x", Kind: "note", Published: noon, Revision: "1"})
		if err := s.Publish(t.Context(), publish.Change{Post: before}); err != nil {
			t.Fatal(err)
		}
		after := before
		after.Permalink, after.Revision = home+"otra/", "2"
		if name == "astro" { // where the file's name is the address
			after.File = "src/content/blog/otra.md"
		}
		if err := s.Publish(t.Context(), publish.Change{Post: after, Before: &before}); err != nil {
			t.Fatal(err)
		}
		if got := tree(t, dir)[want[0]]; !strings.Contains(got, want[1]) {
			t.Errorf("%s: no %s in %q of %v", name, want[1], got, tree(t, dir))
		}
		// And back, and away again: nothing leads in a circle, nothing is in the way.
		for _, c := range []publish.Change{{Post: before, Before: &after}, {Post: before, Before: &after}, {Post: after, Before: &before}, {Post: before, Before: &after}} {
			if err := s.Publish(t.Context(), c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if name == "hugo" || name == "zola" {
			if got := tree(t, dir)[before.File]; strings.Count(got, "/notes/x/") != 1 || strings.Count(got, "/otra/") != 1 {
				t.Errorf("%s: the aliases are wrong in %s", name, got)
			}
		} else if name == "astro" && tree(t, dir)[after.File] != "" {
			t.Errorf("the post is there twice")
		} else if _, circle := tree(t, dir)[want[0]]; circle {
			t.Errorf("%s: %s leads away from a post that is there", name, want[0])
		}
	}
}

func TestPatchOfNothingIsNothing(t *testing.T) {
	for _, name := range publish.Presets() {
		for _, data := range []string{hand, "no front matter", "", "+++\nx = 1\n+++\nhola", "{\"a\": 1}\nhola", "\ufeff---\r\na: b\r\n---\r\n"} {
			p := preset(t, name)
			post := publish.Post{Item: mf2.Item{}, File: "notes/x.md", Permalink: home + "x/", Revision: "9", Updated: noon}
			got, err := p.Patch([]byte(data), post, post)
			if err != nil || !bytes.Equal(got, []byte(data)) {
				t.Errorf("%s: %v, %q became %q", name, err, data, got)
			}
		}
	}
}
