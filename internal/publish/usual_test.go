package publish_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"tertulia/internal/publish"
)

// A post by hand that names no address, on a site without a map, is known by the address at
// which its generator has put it: the site itself says which that is.
func TestAdoptAsksTheSite(t *testing.T) {
	for _, c := range []struct{ generator, file, at string }{
		{"eleventy", "posts/pan.md", "posts/pan/"},
		{"eleventy", "posts/2019-05-04-pan.md", "posts/pan/"},
		{"eleventy", "posts/2019-05-04-pan.md", "posts/2019-05-04-pan/"}, // its default: filePathStem alone goes without the date
		{"eleventy", "src/blog/2019-05-04-pan/index.md", "blog/2019-05-04-pan/"},
		{"eleventy", "src/blog/pan.md", "blog/pan/"},
		{"eleventy", "blog/pan/index.md", "blog/pan/"},
		{"jekyll", "_posts/2019-05-04-pan.md", "2019/05/04/pan.html"},
		{"jekyll", "cocina/_posts/2019-05-04-pan.md", "cocina/2019/05/04/pan.html"},
		{"jekyll", "_posts/2019-05-04-pan.md", "2019/05/04/pan/"},
		{"jekyll", "_notas/2019-05-04-pan.md", "notas/2019-05-04-pan.html"},
		{"astro", "src/content/posts/pan.md", "posts/pan/"},
		{"astro", "src/content/blog/pan/index.md", "blog/pan/"},
		{"astro", "src/content/blog/pan.mdx", "blog/pan/"},
		{"zola", "content/cocina/2019-05-04-pan.md", "cocina/pan/"},
		{"plain", "cocina/pan.md", "cocina/pan.html"},
		{"plain", "textos/cocina/pan.md", "cocina/pan/"},
		{"eleventy", "posts/pan.md", ""}, // it is nowhere yet
	} {
		dir, asked := t.TempDir(), []string(nil)
		put(t, dir, map[string]string{c.file: "---\ntitle: Pan\ndate: 2019-05-04\n---\nx"})
		for entry, err := range preset(t, c.generator).Adopt(t.Context(), publish.Adoption{
			Tree: &publish.Dir{Path: dir},
			Exists: func(_ context.Context, address string) (bool, error) {
				asked = append(asked, strings.TrimPrefix(address, home))
				return address == home+c.at && c.at != "", nil
			},
		}) {
			got := strings.TrimPrefix(entry.Permalink, home)
			if got != c.at || (c.at == "") != errors.Is(err, publish.ErrNoAddress) {
				t.Errorf("%s, %s: got %q and %v, want %q; asked for %q", c.generator, c.file, got, err, c.at, asked)
			}
		}
		if slices.Sort(asked); len(slices.Compact(asked)) != len(asked) || len(asked) == 0 {
			t.Errorf("%s, %s: asked for %q", c.generator, c.file, asked)
		}
	}
}

// A map may name other pages that end like a post's.
func TestAdoptFindsDatesInTheMap(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"posts/2019-05-04-pan.md": "---\ntitle: Pan\n---\nx"})
	for entry, err := range preset(t, "eleventy").Adopt(t.Context(), publish.Adoption{
		Tree: &publish.Dir{Path: dir},
		Addresses: func(context.Context) (publish.Addresses, error) {
			return publish.Addresses{URLs: []string{home + "tags/pan/", home + "posts/2019-05-04-pan/"}}, nil
		},
	}) {
		if err != nil || entry.Permalink != home+"posts/2019-05-04-pan/" {
			t.Errorf("got %q, %v", entry.Permalink, err)
		}
	}
}

// A site that answers for every address tells nothing, and one that is down is asked once.
func TestAdoptBelievesNoSiteThatHasEverything(t *testing.T) {
	dir, down := t.TempDir(), errors.New("down")
	put(t, dir, map[string]string{
		"posts/2019-05-04-pan.md": "---\ntitle: Pan\ndate: 2019-05-04\n---\nx",
		"posts/2019-05-05-sal.md": "---\ntitle: Sal\ndate: 2019-05-05\n---\nx",
	})
	for _, answer := range []error{nil, down} {
		var found []string
		asked := 0
		for entry, err := range preset(t, "eleventy").Adopt(t.Context(), publish.Adoption{
			Tree:   &publish.Dir{Path: dir},
			Exists: func(context.Context, string) (bool, error) { asked++; return true, answer },
		}) {
			if !errors.Is(err, answer) {
				t.Errorf("%s: got %v, want %v", entry.File, err, answer)
			}
			found = append(found, strings.TrimPrefix(entry.Permalink, home))
		}
		want := []string{"articles/2019/05/04/pan/", "articles/2019/05/05/sal/"}
		if answer != nil {
			want = []string{"", ""}
		}
		if !slices.Equal(found, want) || asked != 1 {
			t.Errorf("%v: asked %d times, found %q, want %q", answer, asked, found, want)
		}
	}
}
