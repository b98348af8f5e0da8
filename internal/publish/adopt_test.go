package publish_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish"
)

func TestAdopt(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"_posts/2019-05-04-pan.md":   hand,
		"_posts/2020-01-01-own.md":   "---\ntitle: Own\npermalink: /mi/sitio/\n---\nx",
		"_posts/2020-01-02-rule.md":  "---\ntitle: Rule\npermalink: /:year/:title/\n---\nx",
		"_posts/2020-01-03-lost.md":  "---\ntitle: Lost\n---\nx",
		"_posts/2020-01-04-torn.md":  "---\ntitle: [\n---\nx",
		"_drafts/idea.md":            "---\ntitle: Idea\n---\nx",
		"_layouts/post.html":         "---\nlayout: default\n---\n{{ content }}",
		"about.md":                   "---\ntitle: About\n---\n",
		"_notes/2020-02-01-corta.md": "---\npublished: false\n---\nCorta",
	})
	p := preset(t, "jekyll")
	asked := 0
	known := map[string]publish.Entry{}
	scan := func() (found []string, bad int) {
		a := publish.Adoption{Tree: &publish.Dir{Path: dir},
			Known: func(file string) (publish.Entry, bool) { e, ok := known[file]; return e, ok },
			Addresses: func(context.Context) (publish.Addresses, error) {
				asked++
				return publish.Addresses{URLs: []string{home + "cocina/2019/05/04/pan.html", home + "cocina/2019/05/04/pan.html", home + "/2020/rule/", "http://localhost:4000/corta/", home + "about/"}}, nil
			}}
		for e, err := range p.Adopt(t.Context(), a) {
			if err != nil {
				bad++
				continue
			}
			known[e.File] = e
			found = append(found, e.File+" "+strings.TrimPrefix(e.Permalink, home)+" "+e.Kind+" "+e.Published.Format("2006-01-02"))
			if e.Own || e.Draft != strings.Contains(e.File, "corta") {
				t.Errorf("own %v, draft %v: %s", e.Own, e.Draft, e.File)
			}
		}
		return found, bad
	}
	want := []string{
		"_notes/2020-02-01-corta.md corta/ note 2020-02-01",
		"_posts/2019-05-04-pan.md cocina/2019/05/04/pan.html photo 2019-05-04",
		"_posts/2020-01-01-own.md mi/sitio/ article 2020-01-01",
		"_posts/2020-01-02-rule.md 2020/rule/ article 2020-01-02",
	}
	for range 2 {
		found, bad := scan()
		if diff := cmp.Diff(want, found); diff != "" || bad != 2 {
			t.Errorf("%d are bad (-want +got):\n%s", bad, diff)
		}
	}
	if asked != 2 {
		t.Errorf("the addresses were asked for %d times, want once a scan", asked)
	}
	// A pull brings a change, and takes a file away.
	put(t, dir, map[string]string{"_posts/2020-01-01-own.md": "---\ntitle: Own\npermalink: /otro/sitio/\n---\nx"})
	if err := os.Remove(filepath.Join(dir, "_notes/2020-02-01-corta.md")); err != nil {
		t.Fatal(err)
	}
	want[2] = "_posts/2020-01-01-own.md otro/sitio/ article 2020-01-01"
	found, _ := scan()
	if diff := cmp.Diff(want[1:], found); diff != "" {
		t.Errorf("after the pull (-want +got):\n%s", diff)
	}
}

// A scan does not read what has not changed.
func TestAdoptReadsOnlyWhatChanged(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"posts/2020-01-01-a.md": "---\ntitle: A\n---\nx", "posts/2020-01-02-b.md": "---\ntitle: B\n---\nx"})
	counting := &counter{Dir: publish.Dir{Path: dir}}
	known := map[string]publish.Entry{}
	a := publish.Adoption{Tree: counting, Known: func(f string) (publish.Entry, bool) { e, ok := known[f]; return e, ok }}
	for round, want := range []int{2, 2, 3} {
		if round == 2 {
			put(t, dir, map[string]string{"posts/2020-01-01-a.md": "---\ntitle: A, otra vez\n---\nx"})
		}
		for e, err := range preset(t, "eleventy").Adopt(t.Context(), a) {
			if err != nil {
				t.Fatal(err)
			}
			known[e.File] = e
		}
		if counting.reads != want || len(known) != 2 {
			t.Errorf("round %d: %d files were read, want %d", round, counting.reads, want)
		}
	}
}

type counter struct {
	publish.Dir
	reads int
}

func (c *counter) Read(name string) ([]byte, error) {
	c.reads++
	return c.Dir.Read(name)
}
