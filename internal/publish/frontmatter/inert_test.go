package frontmatter_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"tertulia/internal/publish/frontmatter"
)

var engines = []frontmatter.Engine{frontmatter.Plain, frontmatter.Hugo, frontmatter.Liquid, frontmatter.Nunjucks, frontmatter.Tera}

func TestInert(t *testing.T) { // D11
	for _, test := range []struct {
		engine     frontmatter.Engine
		body, want string
	}{
		{frontmatter.Hugo, "see {{< figure src=\"x\" >}} and {{% y %}}", "see {{</* figure src=\"x\" */>}} and {{%/* y */%}}"},
		{frontmatter.Hugo, "`{{<` and `>}}`", "`{{</*` and `*/>}}`"},
		{frontmatter.Hugo, "{{</* x */>}}", "{{</*/* x */*/>}}"},
		{frontmatter.Hugo, "open {{< only", "open {\u2060{< only"},
		{frontmatter.Hugo, "{\u2060{< x >}}", "{\u2060\u2060{< x >}}"},
		{frontmatter.Hugo, "{{ .Title }}", "{{ .Title }}"},
		{frontmatter.Liquid, "a {{ b }} {% c %} {{{", "a {{ '{{' }} b }} {{ '{%' }} c %} {{ '{{' }}{"},
		{frontmatter.Liquid, "{% endraw %}", "{{ '{%' }} endraw %}"},
		{frontmatter.Nunjucks, "{# b #}", "{{ '{#' }} b {{ '#}' }}"},
		{frontmatter.Tera, "{{ a(b=1, c=[\"}}\"]) }}", "{{/* a(b=1, c=[\"}}\"]) */}}"},
		{frontmatter.Tera, "{{ b }} {% end %}", "{{ b }} {% end %}"},
		{frontmatter.Tera, "{% a() %}b{% end %}", "{\u2060% a() %}b{% end %}"},
		{frontmatter.Tera, "{{/* a() */}}", "{\u2060{/* a() */}}"},
		{frontmatter.Tera, "{{ a(b=[[1]]) }}", "{\u2060{ a(b=[[1]]) }}"},
		{frontmatter.Plain, "{{ a() }} {{< b >}}", "{{ a() }} {{< b >}}"},
		{frontmatter.Plain, "---\ntitle: x\n---\n", "\n---\ntitle: x\n---\n"},
		{frontmatter.Plain, "\n+++\n", "\n\n+++\n"},
		{frontmatter.Plain, "{\"a\": 1}", "\n{\"a\": 1}"},
	} {
		got := frontmatter.Inert(test.body, test.engine)
		if got != test.want {
			t.Errorf("Inert(%q, %s): got %q, want %q", test.body, test.engine, got, test.want)
		}
		if back := frontmatter.Literal(got, test.engine); back != test.body {
			t.Errorf("Literal(%q, %s): got %q, want %q", got, test.engine, back, test.body)
		}
	}
}

func FuzzInert(f *testing.F) {
	for _, seed := range hugoBodies {
		f.Add(seed)
	}
	for _, seed := range []string{"---", "\n\n---\n", "{\u2060{\u2060% a(", "{{{ x() }}", "{{ x({{ y() }}", "{{ a(b=\"{{/* c() */}}\") }}", "{{ '{{' }}", "{% raw %}", "{{ '{' }}{{%", "\ufeff---\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, engine := range engines {
			made := frontmatter.Inert(body, engine)
			if back := frontmatter.Literal(made, engine); back != body {
				t.Fatalf("%s: Literal(%q): got %q, want %q", engine, made, back, body)
			}
			if file, err := frontmatter.Parse([]byte(made)); err != nil || file.Format() != frontmatter.None {
				t.Fatalf("%q alone: got format %q, error %v, want no front matter", made, file.Format(), err)
			}
		}
	})
}

// hugoBodies are texts that Hugo must show as they are.
var hugoBodies = []string{
	"{{< figure src=\"a.jpg\" >}}", "{{% note %}}text{{% /note %}}", "{{</* x */>}}", "{{<>}}", "{{</>}}", "{{</*>}}", "{{< a\nb >}}",
	"{{< a {{< b >}} c >}}", "{{{< x >}}}", "{{< x */>}} y", "{{%%}} {{<%}} >}}", "{{< never closed", "{{% never closed >}}", "{{ .Title }}", "{\u2060{< x >}}",
	"{{< ref \"nowhere\" >}}", "{{</* open", "{{< x >}}{{< y >}}{{</ x >}}",
}

// needHugo is the hugo program's path; the test is skipped where there is none.
func needHugo(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("hugo")
	if err != nil {
		if os.Getenv("TERTULIA_TEST_REQUIRE_ALL") != "" {
			t.Fatal("hugo is not installed")
		}
		t.Skip("hugo is not installed")
	}
	return path
}

// hugoSite builds a site of pages, each from the file it names, with one template.
func hugoSite(t *testing.T, template string, files map[string]string) string {
	t.Helper()
	program, dir := needHugo(t), t.TempDir()
	files["config.toml"] = "baseURL = 'http://localhost/'\ndisableKinds = ['taxonomy', 'term', 'RSS', 'sitemap', 'home']\n[markup.goldmark.extensions]\ntypographer = false\n"
	files["layouts/_default/single.html"] = template
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command(program, "--quiet")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("hugo: %v\n%s", err, out)
	}
	return filepath.Join(dir, "public")
}

func TestHugoShowsInertTextAsItIs(t *testing.T) {
	files := make(map[string]string)
	for i, body := range hugoBodies {
		markdown := "```\n" + body + "\n```\n\nIn text: `" + strings.ReplaceAll(body, "\n", " ") + "`\n"
		files[fmt.Sprintf("content/p%d.md", i)] = "---\ntitle: x\n---\n" + frontmatter.Inert(markdown, frontmatter.Hugo)
	}
	public := hugoSite(t, "{{ .Content }}", files)
	for i, body := range hugoBodies {
		page, err := os.ReadFile(filepath.Join(public, fmt.Sprintf("p%d", i), "index.html"))
		if err != nil {
			t.Error(err)
			continue
		}
		want := body + "\n" + "In text: " + strings.ReplaceAll(body, "\n", " ")
		got := strings.TrimSpace(text(t, string(page)))
		if strings.ReplaceAll(got, "\u2060", "") != strings.ReplaceAll(want, "\u2060", "") {
			t.Errorf("hugo shows %q as %q, want %q", body, got, want)
		}
		if closed := strings.Contains(body, ">}}") && !strings.Contains(body, "never"); closed && !strings.Contains(body, "\u2060") && got != want {
			t.Errorf("hugo shows %q as %q, want %q to the byte", body, got, want)
		}
	}
}

// unbase64 is what a template encoded, so that no escaping gets in its way.
func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// text is what a page says, without its tags.
func text(t *testing.T, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return b.String()
}
