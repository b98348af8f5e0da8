package attach_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tertulia/internal/attach"
	"tertulia/internal/publish"
	"tertulia/mf2"
)

// words are those that the pages in docs/attach have.
var words = map[string]string{"reply": "In reply to", "like": "Liked", "repost": "Reposted", "bookmark": "Bookmarked",
	"rsvp": "RSVP", "conversation": "See the conversation"}

// Three ways to attach a site, as the pages in docs/attach show them.
var (
	whole  = example("https://example.com/-/", true)
	behind = func() attach.Lines {
		l := whole
		l.Root, l.Upstream = "", "http://127.0.0.1:1313"
		return l
	}()
	within = example("https://example.com/-/", false)
	beside = example("https://talk.example.com/example.com/", false)
)

func example(base string, serves bool) attach.Lines {
	return attach.Lines{Site: "https://example.com/", Base: base, Listen: "127.0.0.1:8080", Serves: serves, Publish: true, Author: "Ana", Root: "/srv/blog/public",
		Program: "/usr/local/bin/tertulia", Config: "/srv/tertulia/tertulia.toml", Dir: "/srv/tertulia", User: "ana", Writable: []string{"/srv/blog"}, Words: words}
}

func text(t *testing.T, l attach.Lines, name string) string {
	t.Helper()
	s, err := l.Text(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(s)
}

func partials(t *testing.T, l attach.Lines, generator string) []attach.File {
	t.Helper()
	files, err := l.Partials(generator)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func doc(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../docs/attach", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What init prints is what the pages show, to the letter.
func TestDocsShowTheLines(t *testing.T) {
	shown := map[string][]string{
		"include.md": {text(t, within, "ssi.conf"), text(t, within, "ssi.html"), text(t, within, "Caddyfile.include"), text(t, within, "include.html"),
			text(t, within, "include.php"), text(t, within, "esi.html")},
		"nginx.md":   {text(t, whole, "nginx.conf"), text(t, behind, "nginx.conf"), text(t, within, "nginx.conf"), text(t, beside, "nginx.conf"), text(t, whole, "tertulia.service")},
		"caddy.md":   {text(t, whole, "Caddyfile"), text(t, behind, "Caddyfile"), text(t, within, "Caddyfile"), text(t, beside, "Caddyfile")},
		"netlify.md": {text(t, beside, "_headers"), text(t, beside, "_redirects")},
		"html.md":    {text(t, within, "head.html")},
	}
	for _, generator := range []string{"hugo", "jekyll", "eleventy", "astro", "zola"} {
		files := partials(t, within, generator)
		if len(files) < 2 {
			t.Errorf("%s has %d partials", generator, len(files))
		}
		for _, f := range files {
			shown[generator+".md"] = append(shown[generator+".md"], f.Name, strings.TrimSpace(f.Text))
		}
		preset, err := publish.NewPreset(generator, "https://example.com/", publish.Overrides{})
		if err != nil {
			t.Fatal(err)
		}
		shown[generator+".md"] = append(shown[generator+".md"], strings.TrimSpace(preset.Setup()))
	}
	for name, all := range shown {
		page := doc(t, name)
		for _, one := range all {
			if !strings.Contains(page, one) {
				t.Errorf("docs/attach/%s does not show:\n%s", name, one)
			}
		}
	}
	if _, err := whole.Text("nothing"); err == nil {
		t.Error("there are lines called nothing")
	}
	if s := text(t, whole, "_headers"); s != "" {
		t.Errorf("a site that is served needs no headers, got %q", s)
	}
}

// A partial names the endpoints, and everything that preset puts into front matter for it.
func TestPartialsAreWhole(t *testing.T) {
	for _, generator := range []string{"hugo", "jekyll", "eleventy", "astro", "zola"} {
		all := ""
		for _, f := range partials(t, within, generator) {
			all += f.Text
		}
		for _, want := range []string{`rel="webmention"`, `rel="indieauth-metadata"`, `rel="authorization_endpoint"`, `rel="token_endpoint"`, `rel="micropub"`,
			"tertulia-revision", "h-entry", "u-in-reply-to", "u-like-of", "u-repost-of", "u-bookmark-of", "p-rsvp", "u-photo", "alt=", "e-content",
			"u-url", "dt-published", "p-author h-card", "<tertulia-conversation"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: the partials have no %s", generator, want)
			}
		}
	}
	if files := partials(t, within, "html"); files != nil {
		t.Errorf("html: got %v", files)
	}
	if files := partials(t, within, "../lines"); files != nil {
		t.Errorf("what is no generator: got %v", files)
	}
}

// The author's name was on a page that somebody else may have written: no generator runs it.
func TestNamesAreInert(t *testing.T) {
	l := within
	l.Author = `{{ .Site }} {% raw %} ${x} <script>[[.Site]]` + "`" + `{# #}`
	for _, generator := range []string{"hugo", "jekyll", "eleventy", "astro", "zola"} {
		for _, f := range partials(t, l, generator) {
			for _, bad := range []string{"{{ .Site }}", "{% raw %} $", "${x}", "<script>", "{# #}"} {
				if strings.Contains(f.Text, bad) {
					t.Errorf("%s: %s has %s", generator, f.Name, bad)
				}
			}
		}
	}
}

func TestUnitTakesAnyPath(t *testing.T) {
	l := whole
	l.Config, l.Writable = "/srv/mi casa/100%/tertulia.toml", []string{"/srv/el patio"}
	got := text(t, l, "tertulia.service")
	for _, want := range []string{`--config "/srv/mi casa/100%%/tertulia.toml"`, `ReadWritePaths=/srv/tertulia "/srv/el patio"`} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
}

// entry reads a page that a generator has made.
func entry(t *testing.T, file, address string) (it mf2.Item, rels map[string][]string, body string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := mf2.Parse(strings.NewReader(string(b)), "text/html", u)
	if err != nil {
		t.Fatal(err)
	}
	it, _ = page.Entry()
	return it, page.Rels, string(b)
}
