package publish_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish"
	"tertulia/mf2"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// english stands in for the catalogue: keys speak for themselves.
func english(dir string) *publish.HTML {
	return &publish.HTML{
		Dir: dir, Style: []byte("body{}"),
		T:     func(key string, _ ...any) string { return "[" + key + "]" },
		N:     func(key string, n int, _ ...any) string { return fmt.Sprintf("[%s %d]", key, n) },
		Date:  func(t time.Time) string { return t.Format("2 January 2006, 15:04") },
		Day:   func(t time.Time) string { return t.Format("2 January 2006") },
		Month: func(t time.Time) string { return t.Format("January 2006") },
	}
}

func testSite() publish.Site {
	return publish.Site{
		URL: "https://ana.example/", Base: "https://talk.example/ana.example/", Name: "Ana's café", Language: "es",
		Author: mf2.Item{Type: []string{"h-card"}, Properties: map[string][]any{
			"name": {"Ana"}, "photo": {"https://ana.example/ana.jpg"}, "note": {"Pan y bicis"},
			"url": {"https://ana.example/", "https://social.example/@ana"}}},
		Links: map[string]string{"webmention": "https://talk.example/ana.example/webmention?x=1&y=2", "micropub": "https://talk.example/ana.example/micropub"},
	}
}

func entry(kv ...any) mf2.Item {
	it := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{}}
	for i := 0; i < len(kv); i += 2 {
		it.Properties[kv[i].(string)] = append(it.Properties[kv[i].(string)], kv[i+1])
	}
	return it
}

// change is a change of one post that is the site's only one.
func change(p publish.Post) publish.Change {
	c := publish.Change{Site: testSite(), Post: p}
	if !p.Deleted {
		c.Recent, c.Month = []publish.Post{p}, []publish.Post{p}
		c.Months = []publish.Month{{Year: p.Published.Year(), Month: p.Published.Month(), Posts: 1}}
	}
	return c
}

func note() publish.Post {
	return publish.Post{Permalink: "https://ana.example/2026/11/21/hola/", Item: entry("content", "Hola"), Kind: "note",
		HTML: "<p>Hola a <em>la</em> mesa</p>", Published: noon, Revision: "rev-1"}
}

// tree is every file below dir with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// conforms checks the contract of a Target. show gives what stands at a permalink now.
func conforms(t *testing.T, to publish.Target, show func(permalink string) (page string, ok bool)) {
	t.Helper()
	ctx := t.Context()
	first := change(note())
	second := change(note())
	second.Post.HTML, second.Post.Revision, second.Post.Updated = "<p>Adiós</p>", "rev-2", noon.Add(time.Hour)
	gone := change(note())
	gone.Post.Deleted, gone.Recent, gone.Month, gone.Months = true, nil, nil, nil
	for _, step := range []struct {
		name   string
		change publish.Change
		want   string // in the page; empty: there is no page
	}{
		{"create", first, "rev-1"}, {"create again", first, "rev-1"},
		{"update", second, "rev-2"}, {"update again", second, "rev-2"},
		{"delete", gone, ""}, {"delete again", gone, ""},
		{"undelete", second, "rev-2"},
	} {
		if err := to.Publish(ctx, step.change); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		page, ok := show(step.change.Post.Permalink)
		if ok != (step.want != "") || !strings.Contains(page, step.want) {
			t.Errorf("%s: page there: %v, want %q in it: %s", step.name, ok, step.want, page)
		}
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if err := to.Publish(stopped, first); err == nil {
		t.Error("a cancelled context gives no error")
	}
	foreign := change(note())
	foreign.Post.Permalink = "https://other.example/2026/11/21/hola/"
	if err := to.Publish(ctx, foreign); err == nil {
		t.Error("a permalink on another site gives no error")
	}
}

func TestHTMLConforms(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "public")
	conforms(t, english(dir), func(permalink string) (string, bool) {
		b, err := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(permalink, "https://ana.example/"), "index.html"))
		return string(b), err == nil
	})
}

func TestHTMLWritesOnlyWhatChanged(t *testing.T) {
	dir := t.TempDir()
	h := english(dir)
	if err := h.Publish(t.Context(), change(note())); err != nil {
		t.Fatal(err)
	}
	long := noon.Add(-1000 * time.Hour)
	before := tree(t, dir)
	for name := range before {
		if err := os.Chtimes(filepath.Join(dir, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Publish(t.Context(), change(note())); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("the same change made other bytes (-first +second):\n%s", diff)
	}
	for name := range before {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.ModTime().Equal(long) {
			t.Errorf("%s was written again", name)
		}
	}
	want := []string{"2026/11/21/hola/index.html", "2026/11/index.html", "2026/index.html", "feed.xml", "index.html", "tertulia.css"}
	for _, name := range want {
		if before[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if len(before) != len(want) {
		t.Errorf("got %d files, want %d", len(before), len(want))
	}
}

func TestHTMLRemovesWhatADeletionLeavesEmpty(t *testing.T) {
	dir := t.TempDir()
	h := english(dir)
	p := note()
	if err := h.Publish(t.Context(), change(p)); err != nil {
		t.Fatal(err)
	}
	p.Deleted = true
	if err := h.Publish(t.Context(), change(p)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "2026")); err == nil {
		t.Error("2026/ is still there")
	}
	if home := tree(t, dir)["index.html"]; strings.Contains(home, "Hola") || !strings.Contains(home, "[site.empty]") {
		t.Errorf("home page still shows the post: %s", home)
	}
}

func TestHTMLWritesTheHomePageOfANewSite(t *testing.T) {
	dir := t.TempDir()
	if err := english(dir).Publish(t.Context(), publish.Change{Site: testSite()}); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); len(got) != 3 || !strings.Contains(got["index.html"], "[site.empty]") {
		t.Errorf("got %v, want index.html, feed.xml and tertulia.css", got)
	}
}

// HOSTILE 72: no permalink reaches a file outside the directory, nor another page's.
func TestHTMLRefusesPermalinksThatLeadElsewhere(t *testing.T) {
	for _, permalink := range []string{
		"https://ana.example/", "https://ana.example", "https://ana.example/index.html", "https://ana.example/../x/",
		"https://ana.example/%2e%2e/x/", "https://ana.example/a/%2E%2e/%2e%2e/x/", "https://ana.example/a%2fb/", "https://ana.example/a%5cb/",
		"https://ana.example/.git/x/", "https://ana.example//x/", "https://ana.example/a//b/", "https://ana.example/x%00/", "https://ana.example/x%0a/",
		"https://ana.example/c:/x/", "https://ana.example/feed.xml", "https://ana.example/feed.xml/x/", "https://ana.example/tertulia.css/",
		"https://ana.example/2026/", "https://ana.example/2026/11/", "https://ana.example/2026/11/index.html", "https://ana.example/-/auth/",
		"https://ana.example/x/?q=1", "https://ana.example/x/#f", "http://ana.example/x/", "https://ana.example.evil.example/x/", "/x/", "::",
		"https://ana.example/" + strings.Repeat("x", 300) + "/",
	} {
		parent := t.TempDir()
		p := note()
		p.Permalink = permalink
		for _, p.Deleted = range []bool{false, true} {
			if err := english(filepath.Join(parent, "public")).Publish(t.Context(), change(p)); err == nil {
				t.Errorf("%q, deleted %v: got no error", permalink, p.Deleted)
			}
		}
		if got := tree(t, parent); len(got) != 0 {
			t.Errorf("%q: files were written: %v", permalink, got)
		}
	}
}

func TestHTMLFollowsNoLinkOutOfItsDirectory(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "2026")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if err := english(dir).Publish(t.Context(), change(note())); err == nil {
		t.Error("got no error")
	}
	if got := tree(t, outside); len(got) != 0 {
		t.Errorf("files were written outside: %v", got)
	}
}

func FuzzPublish(f *testing.F) {
	for _, s := range []string{"2026/11/21/hola/", "../x/", "%2e%2e/%2e%2e/", "a.html", "ñ/ü/", ".git/config", "a/./b/", "-/x", "x\x00"} {
		f.Add(s, "<b>\"' onload=x javascript:alert(1)", "javascript:alert(1)")
	}
	f.Fuzz(func(t *testing.T, path, text, link string) {
		parent := t.TempDir()
		p := note()
		p.Permalink = "https://ana.example/" + path
		p.Item = entry("name", text, "in-reply-to", link, "photo", map[string]any{"value": link, "alt": text}, "category", text, "location", text)
		p.Kind = "article"
		if english(filepath.Join(parent, "public")).Publish(t.Context(), change(p)) != nil {
			return
		}
		for name, body := range tree(t, parent) {
			if !strings.HasPrefix(name, "public/") {
				t.Errorf("permalink %q wrote %s", p.Permalink, name)
			}
			if strings.HasSuffix(name, ".html") {
				inert(t, name, body)
			}
		}
	})
}

// A site that people already have keeps what they have made: its home page, feed and
// pages are neither written over nor removed; posts find their place beside them.
func TestHTMLLeavesTheOwnersFilesAlone(t *testing.T) {
	dir := t.TempDir()
	theirs := map[string]string{
		"index.html":                "<!doctype html><title>My site</title>made with care",
		"feed.xml":                  "<rss/>",
		"2026/index.html":           "my own year",
		"2026/11/21/old/index.html": "a page from long ago",
	}
	for name, text := range theirs {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := english(dir)
	p := note()
	if err := h.Publish(t.Context(), change(p)); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir)["2026/11/21/hola/index.html"]; !strings.Contains(got, "h-entry") {
		t.Errorf("the post has no page: %q", got)
	}
	taken := note()
	taken.Permalink = "https://ana.example/2026/11/21/old/"
	if err := h.Publish(t.Context(), change(taken)); err == nil {
		t.Error("a post was written over a page of the owner's")
	}
	taken.Deleted, p.Deleted = true, true
	if err := errors.Join(h.Publish(t.Context(), change(taken)), h.Publish(t.Context(), change(p))); err != nil {
		t.Fatal(err)
	}
	after := tree(t, dir)
	for name, text := range theirs {
		if after[name] != text {
			t.Errorf("%s: got %q, want %q", name, after[name], text)
		}
	}
}
