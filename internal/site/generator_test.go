package site_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/internal/publish"
	"tertulia/internal/site"
)

// generator is a program of the owner's that builds a site: every post that the preset
// finds becomes a page that says what its file says.
type generator struct {
	*publish.Dir
	source    *publish.Source
	root      string
	remote    remote
	addresses func(context.Context) (publish.Addresses, error)
	fail      atomic.Bool
	away      atomic.Bool   // it says yes, and builds later
	marks     atomic.Bool   // its theme prints the revision
	answers   atomic.Bool   // its theme prints in-reply-to
	copies    atomic.Bool   // its theme prints syndication
	torn      atomic.Bool   // the next writing is done, and nobody hears of it
	takes     time.Duration // between reading the source and writing the pages
	builds    atomic.Int32  // done
	mu        sync.Mutex
	writes    []string
}

// written are the messages of what was written into the source.
func (g *generator) written() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.writes)
}

// Apply is of publish.Tree.
func (g *generator) Apply(ctx context.Context, message string, files []publish.File) error {
	g.mu.Lock()
	g.writes = append(g.writes, message)
	g.mu.Unlock()
	err := g.Dir.Apply(ctx, message, files)
	if g.torn.Swap(false) {
		return errors.Join(err, errors.New("killed after it was written"))
	}
	return err
}

// Build is of publish.Builder.
func (g *generator) Build(ctx context.Context) error {
	if g.fail.Load() {
		return errors.New("the theme is broken")
	}
	g.builds.Add(1)
	if g.away.Load() {
		return nil
	}
	pages := map[string]string{}
	for entry, err := range g.source.Preset.Adopt(ctx, publish.Adoption{Tree: g.source.Tree, Addresses: g.addresses}) {
		if errors.Is(err, publish.ErrNoAddress) {
			continue
		}
		if err != nil {
			return err
		}
		u, err := url.Parse(entry.Permalink)
		if err != nil {
			return err
		}
		if pages[u.Path], err = g.page(entry); err != nil {
			return err
		}
	}
	time.Sleep(g.takes)
	for at, page := range pages {
		name := filepath.Join(g.root, filepath.FromSlash(at), "index.html")
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(page), 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// page is the page of one post.
func (g *generator) page(entry publish.Entry) (string, error) {
	data, err := g.source.Tree.Read(entry.File)
	if err != nil {
		return "", err
	}
	item, err := g.source.Preset.Decode(entry.File, data, entry.Permalink)
	if err != nil {
		return "", err
	}
	head, links := "", ""
	if m := regexp.MustCompile(`(?m)^tertulia: "?(\d+)`).FindSubmatch(data); m != nil && g.marks.Load() {
		head = `<meta name="tertulia-revision" content="` + string(m[1]) + `">`
	}
	for property, prints := range map[string]bool{"in-reply-to": g.answers.Load(), "syndication": g.copies.Load()} {
		for _, address := range item.URLs(property) {
			if prints {
				links += `<a class="u-` + property + `" href="` + address + `">there</a>`
			}
		}
	}
	return fmt.Sprintf(`<!doctype html><title>x</title>%s<article class="h-entry">%s<div class="e-content">%s</div></article>`, head, links, html.EscapeString(item.Get("content"))), nil
}

const oldURL = "https://me.example/posts/old/"

func exists(name string) bool { _, err := os.Stat(name); return err == nil }

const byHand = "---\n# mine\ntitle:   \"An old post\"\ndate: 1999-02-03T10:00:00+01:00\nweird: [1,  2]\ntags: ['a']\n---\nHello *there*.\n"

// inSource runs a test on a world whose site is built from a source with one post in it.
func inSource(t *testing.T, test func(t *testing.T, w *world, g *generator, dir string), settings ...func(*site.Site)) {
	t.Helper()
	dir, g := t.TempDir(), &generator{}
	writeFile(t, filepath.Join(dir, "content/posts/old.md"), byHand)
	inWorld(t, func(t *testing.T, w *world) {
		if err := w.jobs.Begin(t.Context(), w.site); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		test(t, w, g, dir)
	}, func(s *site.Site) {
		preset, err := publish.NewPreset("hugo", s.Me(), publish.Overrides{})
		if err != nil {
			t.Fatal(err)
		}
		g.root, g.Dir = s.Root, &publish.Dir{Path: dir}
		g.source = &publish.Source{Preset: preset, Tree: g, Build: g, Output: s.Root, Gone: true}
		s.Publish, s.Source, s.Remote, s.Uploads = g.source, g.source, &g.remote, t.TempDir()
		s.Addresses = func(context.Context) (publish.Addresses, error) {
			return publish.Addresses{Files: map[string]string{
				"content/posts/old.md": "https://me.example/posts/old/", "content/posts/new.md": "https://me.example/posts/new/",
			}}, nil
		}
		g.addresses = s.Addresses
		for _, set := range settings {
			set(s)
		}
	})
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// remote is the remote of a source's history, which fails as often as it is told to.
type remote struct {
	mu   sync.Mutex
	errs []error
}

func (r *remote) fails(errs ...error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = errs
}

// Push is of site.Remote.
func (r *remote) Push(context.Context) error { return nil }

// Pull is of site.Remote.
func (r *remote) Pull(context.Context) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errs) == 0 {
		return false, nil
	}
	err := r.errs[0]
	r.errs = r.errs[1:]
	return false, err
}
