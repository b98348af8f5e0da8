package frontmatter_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish/frontmatter"
)

// hostile are strings that a reader could take for something else. HOSTILE 76.
var hostile = []string{
	"no", "No", "yes", "on", "off", "y", "N", "true", "False", "null", "~", "", " ", "1e3", "0x1F", "0o17", "017", "1_000", "1,000", "12:30", "12:30:45.5", ".5", ".inf", "-.INF", ".nan", "NaN", "+1", "-",
	"2026-11-22", "2026-11-22T10:00:00Z", "2026-11-22 10:00:00 +0100", "@me", "`code`", "*a", "&a", "!tag", "!!int 3", "%d", "#hash", "a #b", "a: b", "a:", ": a", "- a", "---", "...", "+++", "? a", "| a", "> a", "[a]", "{a}", "a, b", "=", "<<",
	"it's", "'quoted'", "\"quoted\"", "back\\slash", "line\nline\n", "\n", "\r\n", "tab\tbed", "\ttab", " lead", "trail ", "bell\a", "nul\x00", "del\x7f", "nel\u0085nel", "nbsp\u00a0", "\u2028\u2029", "\ufeffbom", "\u200b", "\u202ertl", "\ufffe",
	"👨‍👩‍👧 emoji 🏳️‍🌈", "ñandú", "日本語", "e\u0301", "\U000e0001", "private \ue000", ":symbol", "!ruby/object:Object {}", "{{ x }}", "{% y %}", "${z}", "a\\nb", "/re/", "0b1", "1.", "1.5.3", "--- x", "Don't stop", "C# is #1", "50%", strings.Repeat("long ", 100),
}

// written is a file whose front matter has all of hostile, in a list.
func written(t *testing.T, format frontmatter.Format) *frontmatter.File {
	t.Helper()
	f := frontmatter.New(format)
	if err := f.Set("a page", "title"); err != nil {
		t.Fatal(err)
	}
	for i, s := range hostile {
		if err := f.Set(s, "plain", fmt.Sprintf("k%03d", i)); err != nil {
			t.Fatalf("Set(%q): %v", s, err)
		}
	}
	if err := f.Set(hostile, "list"); err != nil {
		t.Fatal(err)
	}
	return f
}

// sameStrings compares what a reader made of the file that written made.
func sameStrings(t *testing.T, reader string, out []byte) {
	t.Helper()
	var got struct {
		Plain map[string]any
		List  []any
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s: %v\n%s", reader, err, out)
	}
	for i, want := range hostile {
		if got.Plain[fmt.Sprintf("k%03d", i)] != any(want) || i >= len(got.List) || got.List[i] != any(want) {
			t.Errorf("%s reads %q as %#v", reader, want, got.Plain[fmt.Sprintf("k%03d", i)])
		}
	}
}

func TestStringsAreReadBack(t *testing.T) {
	for _, format := range []frontmatter.Format{frontmatter.YAML, frontmatter.TOML, frontmatter.JSON} {
		f := parse(t, string(written(t, format).Bytes()))
		for i, want := range hostile {
			if got, _ := f.Get("plain", fmt.Sprintf("k%03d", i)); got != any(want) {
				t.Errorf("%s: got %#v, want %q", format, got, want)
			}
		}
		list, _ := f.Get("list")
		want := make([]any, len(hostile))
		for i := range hostile {
			want[i] = hostile[i]
		}
		if diff := cmp.Diff(any(want), list); diff != "" {
			t.Errorf("%s: list (-want +got):\n%s", format, diff)
		}
	}
}

func TestHugoReadsStringsBack(t *testing.T) {
	files := make(map[string]string)
	formats := []frontmatter.Format{frontmatter.YAML, frontmatter.TOML, frontmatter.JSON}
	for _, format := range formats {
		files[fmt.Sprintf("content/%s.md", format)] = string(written(t, format).Bytes())
	}
	public := hugoSite(t, `{{ dict "plain" .Params.plain "list" .Params.list | jsonify | base64Encode | safeHTML }}`, files)
	for _, format := range formats {
		page, err := os.ReadFile(filepath.Join(public, string(format), "index.html"))
		if err != nil {
			t.Fatal(err)
		}
		sameStrings(t, "hugo, "+string(format), unbase64(t, string(page)))
	}
}

func TestRubyReadsStringsBack(t *testing.T) { // Jekyll's reader, YAML 1.1
	program := need(t, "ruby")
	front := front(written(t, frontmatter.YAML))
	run := exec.Command(program, "-ryaml", "-rjson", "-e", "puts JSON.generate(YAML.safe_load(STDIN.read))")
	run.Stdin, run.Env = strings.NewReader(front), append(os.Environ(), "LANG=C.UTF-8")
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	sameStrings(t, "ruby", out)
}

// front is the front matter of a file between its fences.
func front(f *frontmatter.File) string {
	return strings.TrimSuffix(strings.TrimPrefix(string(f.Bytes()), "---\n"), "---\n")
}

// need is the path of a program; the test is skipped where there is none.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	return path
}

// templates are texts that Liquid and Nunjucks must show as they are.
var templates = []string{
	"{{ site.time }}", "{% include x %}", "{% raw %}{{ x }}{% endraw %}", "{% endraw %}", "{{{ x }}}", "{{%}}", "{%- x -%}", "{{", "{%", "{{ '{{' }}", "{% comment %}",
	"{# c #}", "{#", "#}", "{#}", "{##}", "{{# x", "}}", "%}",
}

// showsTemplates builds a site that has each of templates on a page and compares
// what the pages say.
func showsTemplates(t *testing.T, engine frontmatter.Engine, front, page string, build *exec.Cmd) {
	t.Helper()
	build.Dir, build.Env = t.TempDir(), append(os.Environ(), "LANG=C.UTF-8")
	for i, body := range templates {
		text := "---\n" + front + "\n---\n" + frontmatter.Inert("```\n"+body+"\n```\n", engine)
		if err := os.WriteFile(filepath.Join(build.Dir, fmt.Sprintf("p%d.md", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	for i, body := range templates {
		html, err := os.ReadFile(filepath.Join(build.Dir, "_site", fmt.Sprintf(page, i)))
		if err != nil {
			t.Error(err)
		} else if got := strings.TrimSpace(text(t, string(html))); got != body {
			t.Errorf("%s shows %q as %q", build, body, got)
		}
	}
}

func TestJekyllShowsInertTextAsItIs(t *testing.T) {
	build := exec.Command(need(t, "jekyll"), "build", "--quiet", "--disable-disk-cache")
	showsTemplates(t, frontmatter.Liquid, "title: x", "p%d.html", build)
}

func TestEleventyShowsInertTextAsItIs(t *testing.T) {
	program := need(t, "eleventy")
	for _, language := range []string{"njk", "liquid"} { // what Markdown goes through is the owner's choice
		showsTemplates(t, frontmatter.Nunjucks, "templateEngineOverride: "+language+",md", "p%d/index.html", exec.Command(program, "--quiet"))
	}
}
