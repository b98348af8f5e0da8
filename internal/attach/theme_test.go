package attach_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish"
	"tertulia/mf2"
)

// needs skips a test whose program is not here; where all must be, it fails.
func needs(t *testing.T, program string, always bool) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if always && os.Getenv("TERTULIA_TEST_REQUIRE_ALL") != "" {
			t.Fatalf("%s is required: %v", program, err)
		}
		t.Skipf("SKIPPED, NOT TESTED: there is no %s here", program)
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T, dir string, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command[0], err, out)
	}
}

// samples are posts of the kinds that a theme must tell apart.
var samples = map[string]map[string][]any{
	"reply":    {"in-reply-to": {"https://bea.example/a?b=1&c=2"}, "content": {"De **acuerdo**."}, "category": {"pan", "masa"}},
	"like":     {"like-of": {"https://bea.example/b"}},
	"repost":   {"repost-of": {"https://bea.example/c"}},
	"bookmark": {"bookmark-of": {"https://bea.example/d"}, "name": {"Un <b>enlace</b>"}},
	"rsvp":     {"in-reply-to": {"https://bea.example/e"}, "rsvp": {"yes"}},
	"photo":    {"photo": []any{map[string]any{"value": "https://example.com/media/pan.jpg", "alt": `Pan "recién" hecho`}}, "content": {"Pan."}},
}

// printed builds a post of each kind with a generator and its partials, and reads the pages
// back: what the post says stands on them, for those who read microformats.
func printed(t *testing.T, generator, dir, output string, command ...string) {
	for _, f := range partials(t, within, generator) {
		put(t, dir, f.Name, f.Text)
	}
	preset, err := publish.NewPreset(generator, "https://example.com/", publish.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 18, 5, 0, 0, time.UTC)
	posts := map[string]publish.Post{}
	for kind, properties := range samples {
		post := publish.Post{Item: mf2.Item{Type: []string{"h-entry"}, Properties: properties}, Kind: kind, Published: at, Revision: "7", Slug: "uno-" + kind}
		if post.Permalink, err = preset.Address(post); err != nil {
			t.Fatal(err)
		}
		name, err := preset.File(post)
		if err != nil {
			t.Fatal(err)
		}
		data, err := preset.Encode(post)
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, name, string(data))
		posts[kind] = post
	}
	build(t, dir, command...)
	for kind, post := range posts {
		rest := strings.TrimPrefix(post.Permalink, "https://example.com/")
		it, rels, body := entry(t, filepath.Join(dir, output, filepath.FromSlash(rest), "index.html"), post.Permalink)
		if got := it.Kind(); got != kind {
			t.Errorf("%s: it reads as %s\n%s", kind, got, body)
		}
		for _, property := range []string{"in-reply-to", "like-of", "repost-of", "bookmark-of", "photo"} {
			if diff := cmp.Diff(post.Item.URLs(property), it.URLs(property)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", kind, property, diff)
			}
		}
		if diff := cmp.Diff(post.Item.Properties["photo"], it.Properties["photo"]); diff != "" {
			t.Errorf("%s: photo (-want +got):\n%s", kind, diff)
		}
		if diff := cmp.Diff(post.Item.Strings("category"), it.Strings("category")); diff != "" {
			t.Errorf("%s: category (-want +got):\n%s", kind, diff)
		}
		if author, ok := mf2.AsItem(first(it.Properties["author"])); !ok || author.Get("name") != "Ana" || author.Get("url") != "https://example.com/" {
			t.Errorf("%s: the author is %v", kind, it.Properties["author"])
		}
		if got, err := time.Parse(time.RFC3339, it.Get("published")); err != nil || !got.Equal(at) {
			t.Errorf("%s: published %s", kind, it.Get("published"))
		}
		if it.Get("name") != post.Item.Get("name") && post.Item.Get("name") != "" || it.Get("url") != post.Permalink {
			t.Errorf("%s: name %q, url %s", kind, it.Get("name"), it.Get("url"))
		}
		for _, want := range []string{`<meta name="tertulia-revision" content="7">`, `<tertulia-conversation target="` + post.Permalink + `">`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: there is no %s in\n%s", kind, want, body)
			}
		}
		if diff := cmp.Diff([]string{"https://example.com/-/webmention"}, rels["webmention"]); diff != "" {
			t.Errorf("%s: webmention (-want +got):\n%s", kind, diff)
		}
		if kind == "rsvp" && it.RSVP() != "yes" {
			t.Errorf("rsvp: got %q", it.RSVP())
		}
	}
}

func first(all []any) any {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

const hugoPage = `<!doctype html><html lang="{{ site.LanguageCode }}"><head><title>{{ .Title }}</title>{{ partial "tertulia-head.html" . }}</head><body>`

func TestHugoPrintsPosts(t *testing.T) {
	needs(t, "hugo", true)
	dir := t.TempDir()
	put(t, dir, "hugo.toml", "baseURL = \"https://example.com/\"\ntitle = \"Ana\"\n")
	put(t, dir, "layouts/_default/single.html", hugoPage+`{{ partial "tertulia.html" . }}</body></html>`)
	put(t, dir, "layouts/index.html", hugoPage+`</body></html>`)
	put(t, dir, "layouts/_default/list.html", hugoPage+`</body></html>`)
	// What people write by hand: one address instead of a list of them.
	put(t, dir, "content/posts/mano.md", "---\ntitle: Mano\ndate: 2020-01-02\ninReplyTo: https://bea.example/z\nphoto: /a.jpg\ntags: uno\n---\nHola.\n")
	printed(t, "hugo", dir, "public", "hugo", "--quiet", "--config", "hugo.toml")
	it, _, body := entry(t, filepath.Join(dir, "public/posts/mano/index.html"), "https://example.com/posts/mano/")
	if it.Get("in-reply-to") != "https://bea.example/z" || it.Get("photo") != "https://example.com/a.jpg" || it.Get("category") != "uno" || strings.Contains(body, "tertulia-revision") {
		t.Errorf("by hand: got %v", it)
	}
}

// SITES: with the language in a directory, / is a page that leads on and needs rels too.
func TestHugosPageThatLeadsOnHasRels(t *testing.T) {
	needs(t, "hugo", true)
	dir := t.TempDir()
	put(t, dir, "hugo.toml", "baseURL = \"https://example.com/\"\ndefaultContentLanguage = \"es\"\ndefaultContentLanguageInSubdir = true\n[languages.es]\ntitle = \"Ana\"\n[languages.en]\ntitle = \"Ana\"\n")
	put(t, dir, "layouts/index.html", hugoPage+`</body></html>`)
	for _, f := range partials(t, within, "hugo") {
		put(t, dir, f.Name, f.Text)
	}
	build(t, dir, "hugo", "--quiet", "--config", "hugo.toml", "--disableKinds", "taxonomy,term,RSS,sitemap,404")
	for _, name := range []string{"index.html", "es/index.html"} {
		_, rels, body := entry(t, filepath.Join(dir, "public", name), "https://example.com/")
		if diff := cmp.Diff([]string{"https://example.com/-/micropub"}, rels["micropub"]); diff != "" {
			t.Errorf("%s: micropub (-want +got):\n%s\n%s", name, diff, body)
		}
	}
	if _, _, body := entry(t, filepath.Join(dir, "public/index.html"), "https://example.com/"); !strings.Contains(body, `url=https://example.com/es/`) {
		t.Errorf("it does not lead on: %s", body)
	}
}

func TestJekyllPrintsPosts(t *testing.T) {
	needs(t, "jekyll", false)
	dir := t.TempDir()
	preset, err := publish.NewPreset("jekyll", "https://example.com/", publish.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "_config.yml", "url: https://example.com\nfuture: true\n"+preset.Setup())
	put(t, dir, "_layouts/post.html", `<!doctype html><html><head><title>{{ page.title | escape }}</title>{% include tertulia-head.html %}</head><body>{% include tertulia.html %}</body></html>`)
	printed(t, "jekyll", dir, "_site", "jekyll", "build", "--quiet", "--disable-disk-cache")
}

func TestEleventyPrintsPosts(t *testing.T) {
	needs(t, "eleventy", false)
	dir := t.TempDir()
	put(t, dir, ".eleventy.js", `module.exports = c => { c.addGlobalData("layout", "post.njk"); return {} }`)
	put(t, dir, "_includes/post.njk", `<!doctype html><html><head><title>{{ title }}</title>{% include "tertulia-head.njk" %}</head><body>{% include "tertulia.njk" %}</body></html>`)
	printed(t, "eleventy", dir, "_site", "eleventy", "--quiet")
}

func TestAstroPrintsPosts(t *testing.T) {
	needs(t, "astro", false)
	dir := t.TempDir()
	program, err := exec.LookPath("astro")
	if err != nil {
		t.Fatal(err)
	}
	// Its packages are found beside the sources only.
	if err := os.Symlink(filepath.Dir(filepath.Dir(program)), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "package.json", `{"type": "module"}`)
	put(t, dir, "astro.config.mjs", `export default { site: "https://example.com/" };`)
	preset, err := publish.NewPreset("astro", "https://example.com/", publish.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "src/content.config.ts", `import { defineCollection } from "astro:content";
import { glob } from "astro/loaders";
import { z } from "astro/zod";
const blog = defineCollection({ loader: glob({ base: "./src/content/blog", pattern: "**/*.md" }), schema: z.object({
title: z.string(), description: z.string(), pubDate: z.coerce.date(), updatedDate: z.coerce.date().optional(),
`+preset.Setup()+`}) });
export const collections = { blog };
`)
	put(t, dir, "src/pages/blog/[...slug].astro", `---
import { getCollection, render } from "astro:content";
import Tertulia from "../../components/Tertulia.astro";
import TertuliaHead from "../../components/TertuliaHead.astro";
export async function getStaticPaths() {
  return (await getCollection("blog")).map((post) => ({ params: { slug: post.id }, props: { post } }));
}
const { post } = Astro.props;
const { Content } = await render(post);
---
<!doctype html><html lang="en"><head><title>{post.data.title}</title><TertuliaHead post={post} /></head><body><Tertulia post={post}><Content /></Tertulia></body></html>
`)
	printed(t, "astro", dir, "dist", "astro", "build")
}
