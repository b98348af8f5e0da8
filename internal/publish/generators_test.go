package publish_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/publish"
	"tertulia/mf2"
)

// needs skips a test whose program is not here, or fails it where all must be.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("TERTULIA_TEST_REQUIRE_ALL") != "" {
			t.Fatalf("%s is required: %v", program, err)
		}
		t.Skipf("SKIPPED, NOT TESTED: there is no %s here", program)
	}
}

// theme is the least that a theme can be: it prints what front matter says.
const theme = `<!doctype html><html><head><title>{{ .Title }}</title>
{{ with .Params.tertulia }}<meta name="tertulia-revision" content="{{ . }}">{{ end }}</head><body>
<article class="h-entry"><a class="u-url" href="{{ .Permalink }}"></a>{{ with .Title }}<h1 class="p-name">{{ . }}</h1>{{ end }}
{{ range .Params.inreplyto }}<a class="u-in-reply-to" href="{{ . }}">x</a>{{ end }}
{{ range .Params.likeof }}<a class="u-like-of" href="{{ . }}">x</a>{{ end }}
{{ range .Params.repostof }}<a class="u-repost-of" href="{{ . }}">x</a>{{ end }}
{{ range .Params.bookmarkof }}<a class="u-bookmark-of" href="{{ . }}">x</a>{{ end }}
{{ range .Params.photo }}<img class="u-photo" src="{{ .url }}" alt="{{ .alt }}">{{ end }}
{{ range .Params.tags }}<span class="p-category">{{ . }}</span>{{ end }}
<time class="dt-published" datetime="{{ .Date.Format "2006-01-02T15:04:05Z07:00" }}"></time>
<div class="e-content">{{ .Content }}</div></article></body></html>`

func hugoSite(t *testing.T) (dir string) {
	t.Helper()
	needs(t, "hugo")
	dir = t.TempDir()
	put(t, dir, map[string]string{
		"config.toml":                  "baseURL = \"https://ana.example/\"\ntitle = \"Ana\"\n",
		"layouts/_default/single.html": theme,
		"layouts/_default/list.html":   `{{ range .Pages }}<a href="{{ .Permalink }}">{{ .Title }}</a>{{ end }}`,
		"layouts/index.html":           `{{ range site.RegularPages }}<a href="{{ .Permalink }}">{{ .Title }}</a>{{ end }}`,
		"content/posts/viejo.md":       "---\ntitle: \"Viejo\" # mine\ndate: 2019-05-04\ntags: [a]\n---\nHace *mucho*.\n",
		"content/posts/lejos/index.md": "+++\ntitle = \"Lejos\"\nurl = \"/donde/quiera/\"\ndate = 2019-05-05\n+++\nHola.\n",
	})
	return dir
}

func TestHugoBuildsPostsOfEveryType(t *testing.T) {
	dir := hugoSite(t)
	builds(t, "hugo", dir, "public", "hugo", "--quiet")
}

// optional skips a test whose program need not be wherever Hugo is.
func optional(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: there is no %s here", program)
	}
}

func TestJekyllBuildsPostsOfEveryType(t *testing.T) {
	optional(t, "jekyll")
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"_config.yml":        "title: Ana\nurl: https://ana.example\nfuture: true\n" + preset(t, "jekyll").Setup(),
		"_layouts/post.html": liquid,
	})
	builds(t, "jekyll", dir, "_site", "jekyll", "build", "--quiet", "--disable-disk-cache")
}

// liquid is the same theme for Jekyll.
const liquid = `<!doctype html><html><head><title>{{ page.title | escape }}</title>
{% if page.tertulia %}<meta name="tertulia-revision" content="{{ page.tertulia | escape }}">{% endif %}</head><body>
<article class="h-entry"><a class="u-url" href="{{ page.url | absolute_url }}"></a>{% if page.title != "" %}<h1 class="p-name">{{ page.title | escape }}</h1>{% endif %}
{% for u in page.in_reply_to %}<a class="u-in-reply-to" href="{{ u | escape }}">x</a>{% endfor %}
{% for u in page.like_of %}<a class="u-like-of" href="{{ u | escape }}">x</a>{% endfor %}
{% for u in page.repost_of %}<a class="u-repost-of" href="{{ u | escape }}">x</a>{% endfor %}
{% for u in page.bookmark_of %}<a class="u-bookmark-of" href="{{ u | escape }}">x</a>{% endfor %}
{% for p in page.photo %}<img class="u-photo" src="{{ p.url | escape }}" alt="{{ p.alt | escape }}">{% endfor %}
{% for c in page.tags %}<span class="p-category">{{ c | escape }}</span>{% endfor %}
<time class="dt-published" datetime="{{ page.date | date_to_xmlschema }}"></time>
<div class="e-content">{{ content }}</div></article></body></html>`

func TestEleventyBuildsPostsOfEveryType(t *testing.T) {
	optional(t, "eleventy")
	dir := t.TempDir()
	put(t, dir, map[string]string{
		".eleventy.js":       `module.exports = c => { c.addGlobalData("layout", "post.njk"); return {} }`,
		"_includes/post.njk": nunjucks})
	builds(t, "eleventy", dir, "_site", "eleventy", "--quiet")
}

// nunjucks is the same theme for Eleventy.
const nunjucks = `<!doctype html><html><head><title>{{ title }}</title>
{% if tertulia %}<meta name="tertulia-revision" content="{{ tertulia }}">{% endif %}</head><body>
<article class="h-entry"><a class="u-url" href="{{ page.url }}"></a>{% if title %}<h1 class="p-name">{{ title }}</h1>{% endif %}
{% for u in inReplyTo %}<a class="u-in-reply-to" href="{{ u }}">x</a>{% endfor %}
{% for u in likeOf %}<a class="u-like-of" href="{{ u }}">x</a>{% endfor %}
{% for u in repostOf %}<a class="u-repost-of" href="{{ u }}">x</a>{% endfor %}
{% for u in bookmarkOf %}<a class="u-bookmark-of" href="{{ u }}">x</a>{% endfor %}
{% for p in photo %}<img class="u-photo" src="{{ p.url }}" alt="{{ p.alt }}">{% endfor %}
{% for c in tags %}<span class="p-category">{{ c }}</span>{% endfor %}
<time class="dt-published" datetime="{{ page.date.toISOString() }}"></time>
<div class="e-content">{{ content | safe }}</div></article></body></html>`

// builds makes a post of every type, builds it with the generator itself, reads it at the
// address that was promised, changes it and takes it away.
func builds(t *testing.T, name, dir, output string, command ...string) {
	s := sourceIn(t, name, dir)
	s.Gone, s.Output = true, filepath.Join(dir, output)
	build := &publish.Command{Dir: dir, Args: command}
	page := func(permalink string) (mf2.Item, string, bool) {
		t.Helper()
		return built(t, s.Output, permalink)
	}
	var posts []publish.Post
	for i := range every {
		if post := postOf(t, s.Preset, i); every[i].name != "odd" {
			posts = append(posts, post)
		}
	}
	hostile := postOf(t, s.Preset, len(every)-1)
	hostile.Item = entry("content", "---\ntitle: no\n---\n{{< nada >}} {{% nada %}} {{ .Site }} <script>x()</script>", "name", "2026-11-22")
	posts = append(posts, hostile)
	for round := range 2 {
		for i := range posts {
			c := publish.Change{Post: posts[i], PageOnly: true}
			if round > 0 {
				before := posts[i]
				c.Before = &before
				c.Post.Item, c.Post.Updated, c.Post.Revision = before.Item.Clone(), noon.Add(time.Hour), "2"
				c.Post.Item.Properties["category"] = []any{"dos", "a: b"}
			}
			if err := s.Write(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			posts[i] = c.Post
		}
		if err := build.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, post := range posts {
			got, body, ok := page(post.Permalink)
			if !ok {
				t.Errorf("there is no page at %s", post.Permalink)
				continue
			}
			agrees(t, post, got, body)
			if name == "hugo" || post.Permalink != hostile.Permalink { // the others take HTML in Markdown as its author's own
				inert(t, post.Permalink, body)
			}
		}
		got, _, _ := page(hostile.Permalink)
		if text := got.Get("content"); !strings.Contains(text, "{{< nada >}} {{% nada %}} {{ .Site }}") {
			t.Errorf("round %d: delimiters became %q", round, text)
		}
	}
	for _, post := range posts {
		post.Deleted = true
		if err := s.Publish(t.Context(), publish.Change{Post: post}); err != nil {
			t.Fatal(err)
		}
	}
	if err := build.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, post := range posts {
		if _, _, ok := page(post.Permalink); ok {
			t.Errorf("the page of %s is still there", post.Permalink)
		}
	}
	// Where nobody can answer 410 a page without links takes its place.
	s.Gone, s.Build = false, build
	stone := publish.Change{Post: posts[0]}
	for range 2 {
		if err := s.Publish(t.Context(), stone); err != nil {
			t.Fatal(err)
		}
		stone.Post.Deleted, stone.Post.Revision = true, "3"
	}
	if it, body, ok := page(stone.Post.Permalink); !ok || !strings.Contains(it.Get("content"), "ya no está") || !strings.Contains(body, `content="3"`) {
		t.Errorf("the tombstone is %s", body)
	}
}

// built reads the page that a build has made of a post.
func built(t *testing.T, output, permalink string) (it mf2.Item, body string, ok bool) {
	t.Helper()
	u, err := url.Parse(permalink)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(output, filepath.FromSlash(u.Path), "index.html"))
	if err != nil {
		return it, "", false
	}
	p, _, err := mf2.Parse(strings.NewReader(string(b)), "text/html", u)
	if err != nil {
		t.Fatal(err)
	}
	it, _ = p.Entry()
	return it, string(b), true
}

// agrees checks that a page says what its post says.
func agrees(t *testing.T, post publish.Post, got mf2.Item, body string) {
	t.Helper()
	if !strings.Contains(body, `<meta name="tertulia-revision" content="`+post.Revision+`">`) {
		t.Errorf("%s does not show revision %s", post.Permalink, post.Revision)
	}
	if at, _ := time.Parse(time.RFC3339, got.Get("published")); !at.Equal(post.Published.Truncate(time.Second)) {
		t.Errorf("%s: published %s, want %s", post.Permalink, got.Get("published"), post.Published)
	}
	for _, property := range []string{"in-reply-to", "like-of", "repost-of", "bookmark-of", "photo"} {
		if g, w := strings.Join(got.URLs(property), " "), strings.Join(post.Item.URLs(property), " "); g != w {
			t.Errorf("%s: %s %s, want %s", post.Permalink, property, g, w)
		}
	}
	if g, w := got.Strings("category"), post.Item.Strings("category"); strings.Join(g, " ") != strings.Join(w, " ") {
		t.Errorf("%s: categories %q, want %q", post.Permalink, g, w)
	}
}

// Posts that were there before are found at the addresses that Hugo gives them, an
// update leaves their lines alone, an address that changes leads on.
func TestHugoAdopts(t *testing.T) {
	dir := hugoSite(t)
	s := sourceIn(t, "hugo", dir)
	build := publish.Command{Dir: dir}
	found := map[string]publish.Entry{}
	for e, err := range s.Preset.Adopt(t.Context(), publish.Adoption{Tree: s.Tree, Addresses: publish.HugoAddresses(build)}) {
		if err != nil {
			t.Fatal(err)
		}
		found[e.Permalink] = e
	}
	old, ok := found[home+"posts/viejo/"]
	if _, other := found[home+"donde/quiera/"]; !ok || !other || len(found) != 2 {
		t.Fatalf("found %v", found)
	}
	before := publish.Post{Permalink: old.Permalink, File: old.File, Kind: old.Kind, Published: old.Published}
	var err error
	if before.Item, err = s.Item(before); err != nil {
		t.Fatal(err)
	}
	after := before
	after.Item, after.Permalink = before.Item.Clone(), home+"posts/nuevo/"
	after.Item.Properties["name"] = []any{"Nuevo"}
	s.Build = &publish.Command{Dir: dir, Args: []string{"hugo", "--quiet"}}
	if err := s.Publish(t.Context(), publish.Change{Post: after, Before: &before}); err != nil {
		t.Fatal(err)
	}
	want := "---\ntitle: Nuevo # mine\ndate: 2019-05-04\ntags: [a]\nurl: \"/posts/nuevo/\"\naliases:\n  - \"/posts/viejo/\"\n---\nHace *mucho*.\n"
	if got := tree(t, dir)[old.File]; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if moved := tree(t, dir)["public/posts/viejo/index.html"]; !strings.Contains(moved, "https://ana.example/posts/nuevo/") {
		t.Errorf("the former address says %q", moved)
	}
}
