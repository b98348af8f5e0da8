package publish_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish"
)

// SPECS MX-16: a channel is a part of paths and addresses, which a post that is in none
// goes without.
func TestChannelsInPaths(t *testing.T) {
	for _, c := range []struct{ path, permalink, channel, file, address string }{
		{"content/{channel}/{slug}.md", "{channel}/{slug}/", "fotos", "content/fotos/x.md", "fotos/x/"},
		{"content/{channel}/{slug}.md", "{channel}/{slug}/", "", "content/x.md", "x/"},
		{"{channel}/{yyyy}/{slug}.md", "{types}/{channel}/{slug}/", "", "2026/x.md", "notes/x/"},
	} {
		p, err := publish.NewPreset("hugo", home, publish.Overrides{
			Path: map[string]string{"": c.path}, Permalink: map[string]string{"": c.permalink},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := promised(t, p, publish.Post{Kind: "note", Slug: "x", Published: noon, Channel: c.channel})
		if got.File != c.file || got.Permalink != home+c.address {
			t.Errorf("%s in %q: got %s and %s", c.path, c.channel, got.File, got.Permalink)
		}
	}
	for _, o := range []publish.Overrides{
		{Path: map[string]string{"": "content/{channel}-{slug}.md"}}, {Path: map[string]string{"": "x{channel}/{slug}.md"}},
		{Permalink: map[string]string{"": "{slug}/{channel}"}}, {Media: "static/{channel}/{filename}"},
	} {
		if _, err := publish.NewPreset("hugo", home, o); err == nil || !strings.Contains(err.Error(), "{channel}") {
			t.Errorf("%+v: got %v, want it refused", o, err)
		}
	}
}

// Front matter says the channel. An update that does not move the post leaves alone what
// its owner has made of that.
func TestChannelsInFrontMatter(t *testing.T) {
	for _, name := range publish.Presets() {
		p := preset(t, name)
		post := promised(t, p, publish.Post{Item: entry("content", "Hola"), Kind: "note", Slug: "x", Published: noon, Revision: "1", Channel: "fotos"})
		data, err := p.Encode(post)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(data), "fotos"); n != 1 || !strings.Contains(string(data), "channel") {
			t.Errorf("%s: a new file names the channel %d times:\n%s", name, n, data)
		}
		byHand := []byte(strings.Replace(string(data), "fotos", "mis-fotos", 1))
		same := post
		same.Item = entry("content", "Hola de nuevo")
		if got, err := p.Patch(byHand, post, same); err != nil || !strings.Contains(string(got), "mis-fotos") || !strings.Contains(string(got), "de nuevo") {
			t.Errorf("%s: an edit of the text made, %v,\n%s", name, err, got)
		}
		moved := post
		moved.Channel = "mar"
		got, err := p.Patch(data, post, moved)
		if err != nil || strings.Contains(string(got), "fotos") || !strings.Contains(string(got), "mar") {
			t.Errorf("%s: moved to another, %v,\n%s", name, err, got)
		}
		none := post
		none.Channel = ""
		if got, err := p.Patch(data, post, none); err != nil || strings.Contains(string(got), "channel") {
			t.Errorf("%s: taken out, %v,\n%s", name, err, got)
		}
	}
}

// Every channel has a page and a feed, also before it has a post; what the owner has made
// at its place stays.
func TestChannelsHavePages(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "pan"), 0o755); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "pan", "index.html")
	if err := os.WriteFile(mine, []byte("<p>mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	const hostile = `<script>alert(1)</script>" onmouseover="x`
	p := note()
	p.Channel = "mar"
	c := change(p)
	c.Site.Channels = []publish.Channel{{UID: "mar", Name: "El mar"}, {UID: "nada", Name: hostile}, {UID: "pan"}}
	c.Streams = map[string][]publish.Post{"mar": {p}}
	if err := english(dir).Publish(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	files := tree(t, dir)
	for name, want := range map[string][]string{
		"index.html":                 {`<a href="https://ana.example/mar/">El mar</a>`, `<a href="https://ana.example/pan/">pan</a>`},
		"mar/index.html":             {`<h1 class="p-name">El mar</h1>`, "Hola a <em>la</em> mesa", `<link rel="canonical" href="https://ana.example/mar/">`, `href="https://ana.example/mar/feed.xml"`},
		"nada/index.html":            {"[site.empty]"},
		"2026/11/21/hola/index.html": {`<a href="https://ana.example/mar/" dir="auto">El mar</a>`},
	} {
		inert(t, name, files[name])
		for _, w := range want {
			if !strings.Contains(files[name], w) {
				t.Errorf("%s lacks %s in\n%s", name, w, files[name])
			}
		}
	}
	if f := feedOf(t, files["mar/feed.xml"]); f.ID != "https://ana.example/mar/" || f.Title != "El mar · Ana's café" || len(f.Entries) != 1 || f.Entries[0].ID != p.Permalink || f.Links[0].Href != "https://ana.example/mar/feed.xml" {
		t.Errorf("the feed of a channel: %+v", f)
	}
	if f := feedOf(t, files["nada/feed.xml"]); len(f.Entries) != 0 || !strings.HasPrefix(f.Title, hostile) {
		t.Errorf("the feed of an empty channel: %+v", f)
	}
	if files["pan/index.html"] != "<p>mine" || files["pan/feed.xml"] == "" {
		t.Errorf("what the owner has made is %q", files["pan/index.html"])
	}
}

// A channel that the settings have no longer leaves nothing behind: its page would show for
// good what its posts said, also when they are deleted. What is not its page stays.
func TestAFormerChannelLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	p := note()
	p.Channel = "mar"
	c := change(p)
	c.Site.Channels = []publish.Channel{{UID: "mar"}, {UID: "pan"}, {UID: "sal"}}
	c.Streams = map[string][]publish.Post{"mar": {p}, "pan": {p}, "sal": {p}}
	if err := english(dir).Publish(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	below := change(publish.Post{}) // another site, below this one
	below.Site.URL = home + "blog/"
	if err := english(filepath.Join(dir, "blog")).Publish(t.Context(), below); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"pan/index.html": "<p>mine", "sal/more.html": "<p>mine", "own/feed.xml": "mine"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := tree(t, dir)
	for _, name := range []string{"mar/index.html", "mar/feed.xml", "pan/feed.xml", "sal/index.html", "sal/feed.xml"} {
		if want[name] == "" {
			t.Fatalf("%s was not written", name)
		}
		delete(want, name)
	}
	c.Site.Channels, c.Streams, c.Earlier.Thorough = nil, nil, true
	if err := english(dir).Publish(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	got := tree(t, dir)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// A page that is made for its owner is the one that would be published, and is nowhere.
func TestPageWritesNothing(t *testing.T) {
	dir := t.TempDir()
	h := english(dir)
	got, err := h.Page(change(note()))
	if err != nil || !strings.Contains(string(got), "Hola a <em>la</em> mesa") {
		t.Fatalf("got %s, %v", got, err)
	}
	if files := tree(t, dir); len(files) != 0 {
		t.Errorf("it wrote %v", files)
	}
	if err := h.Publish(t.Context(), change(note())); err != nil {
		t.Fatal(err)
	}
	if tree(t, dir)["2026/11/21/hola/index.html"] != string(got) {
		t.Error("it is another than the one that is published")
	}
}
