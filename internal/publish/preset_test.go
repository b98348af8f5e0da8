package publish_test

import (
	"slices"
	"strings"
	"testing"

	"tertulia/internal/publish"
)

// What themes print stands in front matter under plain names, and the promised address
// with it.
func TestFrontMatterOfEachPreset(t *testing.T) {
	for name, want := range map[string][]string{
		"hugo":     {"url: \"/replies/hola-reply/\"\n", "inReplyTo:", "date: 2026-11-21T12:00:00Z\n", "tertulia: \"1\"\n"},
		"jekyll":   {"permalink: \"/replies/2026/11/21/hola-reply/\"\n", "in_reply_to:", "layout: post\n", "title: \"\"\n"},
		"eleventy": {"permalink: \"/replies/2026/11/21/hola-reply/\"\n", "inReplyTo:"},
		"astro":    {"pubDate: 2026-11-21T12:00:00Z\n", "inReplyTo:", "title: \"\"\n", "description: \"\"\n"},
		"zola":     {"path = \"/replies/hola-reply/\"\n", "[extra]\n", "in_reply_to = ", "date = 2026-11-21T12:00:00Z\n"},
		"plain":    {"permalink: \"/replies/2026/11/21/hola-reply/\"\n", "in_reply_to:"},
	} {
		p := preset(t, name)
		i := slices.IndexFunc(every, func(e struct{ name, item, html string }) bool { return e.name == "reply" })
		data, err := p.Encode(postOf(t, p, i))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range want {
			if !strings.Contains(string(data), line) {
				t.Errorf("%s: no %q in\n%s", name, line, data)
			}
		}
		if !strings.Contains(string(data), "https://bruno.example/pan") || !strings.Contains(string(data), "Sí") {
			t.Errorf("%s: something is missing in\n%s", name, data)
		}
	}
}

// HOSTILE 72: no post's file leads out of its tree, and no address off its site.
func TestPathsOfAPreset(t *testing.T) {
	for _, c := range []struct {
		name            string
		kind            string
		file, permalink string
	}{
		{"hugo", "note", "content/notes/x.md", "notes/x/"},
		{"hugo", "reply", "content/replies/x.md", "replies/x/"},
		{"jekyll", "article", "_posts/2026-11-21-x.md", "2026/11/21/x/"},
		{"jekyll", "note", "_notes/2026-11-21-x.md", "notes/2026/11/21/x/"},
		{"eleventy", "photo", "photos/2026-11-21-x.md", "photos/2026/11/21/x/"},
		{"astro", "note", "src/content/blog/x.md", "blog/x/"},
		{"zola", "audio", "content/audio/x.md", "audio/x/"},
		{"plain", "watch", "watches/2026-11-21-x.md", "watches/2026/11/21/x/"},
	} {
		post := promised(t, preset(t, c.name), publish.Post{Kind: c.kind, Slug: "x", Published: noon})
		if post.File != c.file || post.Permalink != home+c.permalink {
			t.Errorf("%s %s: got %s and %s, want %s and %s", c.name, c.kind, post.File, post.Permalink, c.file, home+c.permalink)
		}
	}
	for _, file := range []string{"../x.md", "/etc/passwd", "a/../../x", ".git/config", "a/.git/x", "a//b", "", "node_modules/x.md", "a\x00.md", `a\b.md`} {
		if file == "" {
			continue
		}
		if _, err := preset(t, "hugo").File(publish.Post{File: file}); err == nil {
			t.Errorf("a post's file may be %q", file)
		}
	}
}

func TestOverrides(t *testing.T) {
	p, err := publish.NewPreset("hugo", "https://ana.example/blog", publish.Overrides{
		Path:      map[string]string{"": "content/posts/{yyyy}/{MM}/{slug}.md", "like": "content/likes/{D60}{slug}.md"},
		Permalink: map[string]string{"": "p/{yyyy}/{DDD}/{slug}"},
		Media:     "static/m/{md5}.{ext}", Format: "toml",
		Keys: map[string]string{"category": "categories"}, Defaults: map[string]string{"layout": "{type}-{yyyy}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	post := promised(t, p, publish.Post{Item: entry("content", "Hola", "category", "pan"), Kind: "note", Slug: "x", Published: noon, Revision: "1"})
	if post.File != "content/posts/2026/11/x.md" || post.Permalink != "https://ana.example/blog/p/2026/325/x" {
		t.Errorf("got %s and %s", post.File, post.Permalink)
	}
	data, err := p.Encode(post)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"+++\n", `url = "/p/2026/325/x"`, `categories = ["pan"]`, `layout = "note-2026"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in\n%s", want, data)
		}
	}
	like, err := p.File(publish.Post{Kind: "like", Slug: "x", Published: noon})
	if err != nil || like != "content/likes/5Rx.md" {
		t.Errorf("got %s, %v", like, err)
	}
	name, address, err := p.Media("photo", noon, "faro.jpg", "d41d")
	if err != nil || name != "static/m/d41d.jpg" || address != "https://ana.example/blog/m/d41d.jpg" {
		t.Errorf("got %s and %s, %v", name, address, err)
	}
}

func TestOverridesThatAreWrongAreNamed(t *testing.T) {
	for want, o := range map[string]publish.Overrides{
		`path.note: there is no token {slog}`:            {Path: map[string]string{"note": "x/{slog}-{slug}.md"}},
		`path: "x/{slug" has a { without its }`:          {Path: map[string]string{"": "x/{slug"}},
		`path: no file or address can be like "../slug.`: {Path: map[string]string{"": "../{slug}.md"}},
		`path: "x/{slug}" has no ending such as .md`:     {Path: map[string]string{"": "x/{slug}"}},
		`permalink: "all/" would be the same`:            {Permalink: map[string]string{"": "all/"}},
		`permalink.like: there is no token {ext}`:        {Permalink: map[string]string{"like": "{slug}.{ext}"}},
		`media: there is no token {x}`:                   {Media: "m/{x}"},
		`defaults.layout: there is no token {x}`:         {Defaults: map[string]string{"layout": "{x}"}},
		`format: "xml" is not known`:                     {Format: "xml"},
		`keys.nmae: there is no such property`:           {Keys: map[string]string{"nmae": "title"}},
		`keys.name: "url" cannot be its key`:             {Keys: map[string]string{"name": "url"}},
	} {
		if _, err := publish.NewPreset("hugo", home, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := publish.NewPreset("gatsby", home, publish.Overrides{}); err == nil || !strings.Contains(err.Error(), `preset: "gatsby" is not known (one of: astro, eleventy, hugo, jekyll, plain, zola)`) {
		t.Errorf("got %v", err)
	}
}
