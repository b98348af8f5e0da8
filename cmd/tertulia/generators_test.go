package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// generators are those that are tried with the real program: the site lies in
// testdata/generators, with one post that its owner wrote by hand.
var generators = []struct {
	name    string
	build   []string
	byHand  string // the file of the owner's own post
	address string // where the generator puts that, below the site's
}{
	{"hugo", []string{"hugo", "--quiet"}, "content/posts/mano.md", "2019/mano/"},
	{"jekyll", []string{"jekyll", "build", "--quiet", "--disable-disk-cache"}, "_posts/2019-05-04-mano.md", "2019/05/04/mano.html"},
	{"eleventy", []string{"eleventy", "--quiet"}, "posts/mano.md", "posts/mano/"},
	{"astro", []string{"astro", "build"}, "src/content/blog/mano.md", "blog/mano/"},
}

// A post of every kind is sent as editors send them, built by the generator itself, found
// at its promised address, given back as it was sent, updated, deleted and brought back;
// and so is a post that its owner wrote by hand, of which no byte changes but what was
// asked for (T-MP14, T-MP29, HOSTILE F9, SPECS MF-10, MX-21).
func TestGenerators(t *testing.T) {
	t.Parallel()
	for _, g := range generators {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			program := needProgram(t, g.build[0])
			b := newBlog(t, g.name, fmt.Sprintf("preset = %q\ndir = \"DIR\"\nbuild = [\"%s\"]\n", g.name, strings.Join(g.build, `", "`)))
			if g.name == "astro" { // its packages are found beside the sources only
				real, err := filepath.EvalSymlinks(program)
				_, link, found := strings.Cut(real, "/node_modules/")
				if err != nil || !found {
					t.Fatalf("%s: %v", real, err)
				}
				if err := os.Symlink(strings.TrimSuffix(real, "/"+link), filepath.Join(b.dir, "node_modules")); err != nil {
					t.Fatal(err)
				}
			}
			b.build(g.build)
			b.open()
			posts := samples(b.strangers.homes[0])
			b.everyKind(posts)
			b.adopted(g.byHand, b.home+g.address, len(posts)+1)
			b.fine()
		})
	}
}

// Hugo makes addresses of titles and dates where its settings say so: an editor's update of
// either leaves the page where it is, and the file says so from then on.
func TestAddressesThatHugoMakesOfFrontMatter(t *testing.T) {
	t.Parallel()
	needProgram(t, "hugo")
	b := newBlog(t, "hugo", "preset = \"hugo\"\ndir = \"DIR\"\nbuild = [\"hugo\", \"--quiet\"]\n")
	config := b.file("hugo.toml")
	b.put("hugo.toml", strings.Replace(config, "/:year/:filename/", "/:year/:title/", 1))
	b.put("content/posts/cafe.md", "---\ntitle: Café con leche\ndate: 2018-03-02T10:00:00Z\n---\nUno.\n")
	b.put("content/posts/quieto.md", "---\ntitle: Quieto\ndate: 2017-03-02T10:00:00Z\n---\nDos.\n")
	b.build([]string{"hugo", "--quiet"})
	b.open()
	b.until("adoption", func() bool { return len(b.posts()) == 3 })
	at := map[string]string{}
	for permalink, p := range b.posts() {
		at[p.File] = permalink
	}
	cafe, mano, still := at["content/posts/cafe.md"], at["content/posts/mano.md"], at["content/posts/quieto.md"]
	b.act(map[string]any{"action": "update", "url": cafe, "replace": map[string]any{"name": []any{"Té solo"}}})
	b.act(map[string]any{"action": "update", "url": mano, "replace": map[string]any{"published": []any{"2021-01-02T03:04:05Z"}}})
	b.act(map[string]any{"action": "update", "url": still, "replace": map[string]any{"content": []any{"Tres."}}})
	b.until("the new title, at the old address", func() bool {
		_, entry, _ := b.page(cafe)
		return entry.Get("name") == "Té solo"
	})
	b.until("the new text", func() bool {
		_, entry, _ := b.page(still)
		return strings.Contains(entry.Get("content"), "Tres.")
	})
	if got := b.file("content/posts/cafe.md"); !strings.Contains(got, `url: "/2018/caf`) {
		t.Errorf("the address is not written down:\n%s", got)
	}
	if got := b.file("content/posts/quieto.md"); strings.Contains(got, "url:") {
		t.Errorf("an update of the text has touched the address:\n%s", got)
	}
	b.build([]string{"hugo", "--quiet", "--cleanDestinationDir"})
	for _, address := range []string{cafe, mano, still} {
		if status, _, _ := b.page(address); status != http.StatusOK {
			t.Errorf("%s answers %d", address, status)
		}
	}
	if n := len(b.posts()); n != 3 {
		t.Errorf("there are %d posts now", n)
	}
	b.fine()
}

// build does what the owner has always done.
func (b *blog) build(command []string) {
	b.t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = b.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%s: %v\n%s", command[0], err, out)
	}
}

// everyKind follows posts through their lives.
func (b *blog) everyKind(posts []*sample) {
	b.t.Helper()
	n := len(posts) + 1
	all(posts, b.create)
	there := b.announced(n)
	for _, s := range posts {
		if got := there[s.at].Kind; got != s.kind {
			b.t.Errorf("%s: it is a %s", s.kind, got)
		}
		b.check(s, 1)
	}
	all(posts, func(s *sample) {
		do := map[string]any{"action": "update", "url": s.at, "add": map[string]any{"category": []any{"más"}}}
		s.properties["category"] = append(s.properties["category"], "más")
		if _, is := s.properties["content"]; is {
			s.properties["content"] = []any{"Otra vez: " + s.kind}
			do["replace"] = map[string]any{"content": s.properties["content"]}
		}
		b.act(do)
	})
	there = b.announced(n)
	was := map[string]string{}
	for _, s := range posts {
		b.check(s, 2)
		if was[s.at] = b.file(there[s.at].File); was[s.at] == "" {
			b.t.Errorf("%s: there is no file %q", s.kind, there[s.at].File)
		}
	}
	all(posts, func(s *sample) { b.act(map[string]any{"action": "delete", "url": s.at}) })
	b.announced(n)
	for _, s := range posts {
		if status, _, _ := b.page(s.at); status != http.StatusGone {
			b.t.Errorf("%s: deleted, it answers %d, want 410", s.kind, status)
		}
		if b.file(there[s.at].File) != "" {
			b.t.Errorf("%s: the file is still there", s.kind)
		}
	}
	all(posts, func(s *sample) { b.act(map[string]any{"action": "undelete", "url": s.at}) })
	b.announced(n)
	for _, s := range posts {
		b.check(s, 4)
		if diff := cmp.Diff(unmarked(was[s.at]), unmarked(b.file(there[s.at].File))); diff != "" {
			b.t.Errorf("%s: brought back (-before +after):\n%s", s.kind, diff)
		}
	}
}

// adopted has an editor change, delete and bring back a post that was written by hand.
func (b *blog) adopted(file, address string, n int) {
	b.t.Helper()
	found := b.posts()
	if is := found[address]; !is.Adopted || is.File != file {
		var at []string
		for permalink := range found {
			at = append(at, permalink)
		}
		b.t.Errorf("nothing by hand is known at %s, but %q", address, at)
		return
	}
	original := b.file(file)
	if is := b.source(address); is.Get("name") != "A mano" || is.Get("content") != "Hace *mucho*.  \n  -- and as it was" {
		b.t.Errorf("by hand: got %v", is)
	}
	b.act(map[string]any{"action": "update", "url": address, "replace": map[string]any{"name": []any{"Con ayuda"}}})
	b.announced(n)
	b.until("the new title", func() bool {
		_, entry, _ := b.page(address)
		return entry.Get("name") == "Con ayuda"
	})
	edited := b.file(file)
	if want := strings.Replace(original, `"A mano"`, "Con ayuda", 1); strings.ReplaceAll(edited, `"Con ayuda"`, "Con ayuda") != want {
		b.t.Errorf("an update of the title (-want +got):\n%s", cmp.Diff(want, edited))
	}
	b.act(map[string]any{"action": "delete", "url": address})
	b.announced(n)
	if status, _, _ := b.page(address); status != http.StatusGone || b.file(file) != "" {
		b.t.Errorf("by hand: deleted, it answers %d, and the file is %q", status, b.file(file))
	}
	b.act(map[string]any{"action": "undelete", "url": address})
	b.announced(n)
	b.until("the page that comes back", func() bool {
		status, entry, _ := b.page(address)
		return status == http.StatusOK && entry.Get("name") == "Con ayuda"
	})
	if diff := cmp.Diff(edited, b.file(file)); diff != "" {
		b.t.Errorf("by hand: brought back (-before +after):\n%s", diff)
	}
}
