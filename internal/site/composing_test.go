package site_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/queue"
	"tertulia/internal/site"
	"tertulia/micropub"
)

// What is shown before publishing is what is written when it is published, to the byte: a new
// file, and an edit of one that somebody else has written.
func TestPreviewIsTheFileThatFollows(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		item := entry("name", "Hola", "content", "Un *texto*.\n", "category", "a", "published", "1999-05-06T07:08:09+01:00")
		commands := map[string][]any{"mp-slug": {"saludo"}}
		v, err := w.posts.Preview(t.Context(), "", item, commands)
		if err != nil || !strings.Contains(v.Text, "Un *texto*.") {
			t.Fatalf("preview: %+v, %v", v, err)
		}
		if all, err := w.posts.All(t.Context(), 9); err != nil || len(all) != 1 {
			t.Errorf("a preview is kept: %d posts, %v", len(all), err)
		}
		if _, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: item, Commands: commands, Digest: "d"}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if diff := cmp.Diff(v.Text, readFile(t, filepath.Join(dir, v.File))); diff != "" {
			t.Errorf("a new post (-preview +file):\n%s", diff)
		}

		file := filepath.Join(dir, "content/posts/old.md")
		writeFile(t, file, strings.Replace(byHand, "weird:", "more: yes\nweird:", 1))
		now, err := w.posts.Source(t.Context(), editor, oldURL)
		if err != nil {
			t.Fatal(err)
		}
		u := micropub.Update{Replace: map[string][]any{"content": {"Otras palabras."}, "category": {"a", "b"}}}
		edited, err := u.Apply(now)
		if err != nil {
			t.Fatal(err)
		}
		v, err = w.posts.Preview(t.Context(), oldURL, edited, nil)
		if err != nil || !strings.Contains(v.Text, "more: yes") || !strings.Contains(v.Text, "Otras palabras.") {
			t.Fatalf("preview of an edit: %+v, %v", v, err)
		}
		w.update(oldURL, u)
		pass(time.Minute)
		if diff := cmp.Diff(v.Text, readFile(t, file)); diff != "" {
			t.Errorf("an edit (-preview +file):\n%s", diff)
		}
	})
}

// brokenTheme is a generator that another attempt does not help.
type brokenTheme struct{}

func (brokenTheme) Build(context.Context) error {
	return queue.Permanent(errors.New("the theme is broken"))
}

// An adopted post is in the list with the others, and a site that is not built any more is why
// those are stuck that wait for it.
func TestPostsOfASourceAreListed(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		list, err := w.posts.Find(t.Context(), site.PostQuery{Limit: 5, Words: "OLD post"})
		if err != nil || len(list.Posts) != 1 || !list.Posts[0].Adopted || list.Posts[0].State != site.PostAnnounced || list.Next != "" {
			t.Fatalf("adopted: %+v, %v", list, err)
		}
		w.site.Source.Build = brokenTheme{}
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "Espera"), Digest: "d"})
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		list, err = w.posts.Find(t.Context(), site.PostQuery{Limit: 5, State: site.PostParked})
		if err != nil || len(list.Posts) != 1 || list.Posts[0].Permalink != made.URL || !strings.Contains(list.Posts[0].Why, "the theme is broken") {
			t.Fatalf("stuck: %+v, %v", list, err)
		}
		w.site.Source.Build = g
		if err := w.posts.Retry(t.Context(), made.URL); err != nil {
			t.Fatal(err)
		}
		pass(11 * time.Minute)
		if v, err := w.posts.About(t.Context(), made.URL); err != nil || v.State != site.PostAnnounced || !v.Again || v.File == "" {
			t.Errorf("once more: %+v, %v", v, err)
		}
	})
}

func TestSearchesFoldAccentsAndCase(t *testing.T) {
	for text, want := range map[string]string{"Educación": "educacion", "ÑANDÚ": "nandu", "ﬁn": "fin", "a\u0301": "a", "Straße": "straße", "": ""} {
		if got := site.Folded(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
