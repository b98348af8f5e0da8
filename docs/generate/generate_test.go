package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the module's directory, seen from here.
const root = "../.."

func TestDocumentsAreFresh(t *testing.T) {
	documents, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range documents {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v; run go generate ./...", err)
			continue
		}
		if string(got) != want {
			t.Errorf("%s is not what the code says now; run go generate ./...\n%s", name, firstDifference(string(got), want))
		}
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d:\n got  %s\n want %s", i+1, strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""), strings.Join(w[min(i, len(w)):min(i+1, len(w))], ""))
		}
	}
	return ""
}

func TestEveryCitationIsKnown(t *testing.T) {
	table, err := readRequirements("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	found, err := readTree(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range table.problems(found) {
		t.Error(problem)
	}
}

func TestPromisesNameTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "promises.md"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := readTree(root)
	if err != nil {
		t.Fatal(err)
	}
	promises := promisesOf(string(text))
	if len(promises) < 12 {
		t.Errorf("docs/promises.md has %d promises, want at least twelve", len(promises))
	}
	for _, promise := range promises {
		for _, problem := range broken(promise, found.tests) {
			t.Errorf("docs/promises.md, promise %.50q: %s", promise, problem)
		}
	}
}

var (
	numbered = regexp.MustCompile(`(?m)^\d+\. `)
	quoted   = regexp.MustCompile("`([^`]*)`")
)

// promisesOf splits the document at its numbers.
func promisesOf(text string) []string {
	return numbered.Split(text, -1)[1:]
}

// broken is what is wrong with the tests that a promise names: "site.TestX" is TestX
// of the package site, wherever that lies.
func broken(promise string, tests map[string]bool) []string {
	known := map[string]bool{}
	for name := range tests {
		known[path.Base(name)] = true
	}
	var problems []string
	names := quoted.FindAllStringSubmatch(promise, -1)
	if len(names) == 0 {
		problems = append(problems, "it names no test; add one as `package.Test`, or take the promise back")
	}
	for _, m := range names {
		if known[m[1]] {
			continue
		}
		problem := fmt.Sprintf("there is no test %s any more", m[1])
		_, test, _ := strings.Cut(m[1], ".")
		for name := range tests {
			if strings.HasSuffix(name, "."+test) && test != "" {
				problem += " (is it " + path.Base(name) + "?)"
			}
		}
		problems = append(problems, problem+". If it is gone, so is the promise, unless another test shows it")
	}
	return problems
}

func TestBrokenPromises(t *testing.T) {
	tests := map[string]bool{"internal/site.TestA": true, "store.TestB": true}
	for _, tt := range []struct {
		promise string
		want    []string // parts of the problems
	}{
		{"**Kept.** `site.TestA`,\n   `store.TestB`", nil},
		{"**Kept.**", []string{"names no test"}},
		{"**Kept.** `site.TestGone`", []string{"no test site.TestGone any more."}},
		{"**Kept.** `store.TestA`", []string{"is it site.TestA?"}},
		{"**Kept.** `TestA`", []string{"no test TestA any more"}},
	} {
		got := broken(tt.promise, tests)
		if len(got) != len(tt.want) {
			t.Errorf("%q: got %q, want %q", tt.promise, got, tt.want)
			continue
		}
		for i, part := range tt.want {
			if !strings.Contains(got[i], part) {
				t.Errorf("%q: got %q, want %q in it", tt.promise, got[i], part)
			}
		}
	}
}

func TestCitations(t *testing.T) {
	for text, want := range map[string][]string{
		"Spec: webmention#error-responses-p-1\n":                      {"webmention#error-responses-p-1"},
		"Why.\nSpec: authorship#MF-1, authorship#MF-3":                {"MF-1", "MF-3"},
		"Spec: micropub#scope":                                        {"micropub#scope"},
		"what HOSTILE 41 says, WR-4 and T-WR02 (SPECS D1), MPX-4":     {"WR-4", "T-WR02"},
		"IA-8 to IA-11, HOSTILE 61":                                   {"IA-8", "IA-11", "IA-9", "IA-10"},
		"in the form that micropub#json-syntax-p-7 has, see issue #3": {"micropub#json-syntax-p-7"},
		"a Spec: that is prose":                                       nil,
	} {
		got := citations(text)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// A small module: what is found where.
func TestReadTree(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a/a.go": "// Package a.\n// Spec: webmention#error-responses-p-1\npackage a\n\n// T is one.\n// Spec: micropub#scope-p-1\ntype T struct{}\n\n" +
			"func (t *T) Do() {\n\t// Spec: micropub#scope-p-3\n}\n\n// WR-1\nvar (\n\tone = 1\n\ttwo = 2 // WR-2\n)\n",
		"a/a_test.go":                  "package a\n\n// WR-3\nvar table = []int{1}\n\n// WR-5\nfunc unused() {}\n\nfunc TestOne(t *T) { help() }\n\nfunc help() { _ = table }\n\n// WR-4\nfunc FuzzTwo(f *T) {}\n",
		"a/testdata/case.txtar":        "why (MP-1)\nMP-2\n",
		"a/testdata/x.go":              "not Go",
		"docs/generate/requirements.x": "MP-9",
		".git/x.go":                    "not Go",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := readTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for id, places := range found.cited {
		got[id] = describe(places)
	}
	want := map[string]string{
		"webmention#error-responses-p-1": "`a/a.go`", "micropub#scope-p-1": "`a/a.go` T", "micropub#scope-p-3": "`a/a.go` T.Do",
		"WR-1": "`a/a.go` one", "WR-2": "`a/a.go` two", "WR-3": "`a` TestOne", "WR-4": "`a` FuzzTwo", "WR-5": "`a/a_test.go`",
		"MP-1": "`a/testdata/case.txtar`",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("citations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"a.TestOne": true, "a.FuzzTwo": true}, found.tests); diff != "" {
		t.Errorf("tests (-want +got):\n%s", diff)
	}
}

const sampleTable = `# a comment
spec webmention https://www.w3.org/TR/webmention/

= Receiving

WR-3 MUST webmention#request-verification-p-1
	Both are URLs.
WR-4 MUST NOT webmention#request-verification-p-2 T-WR02
	The two | are never one.
WR-5 SHOULD webmention#request-verification-p-3
	It is checked.
	not yet: 5
WR-7 MAY
	Later.
	left out: it is enough as it is
`

func parse(t *testing.T, text string) (*requirements, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "requirements.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return readRequirements(name)
}

func TestSpecsDocument(t *testing.T) {
	table, err := parse(t, sampleTable)
	if err != nil {
		t.Fatal(err)
	}
	found := &tree{cited: map[string][]place{
		"webmention#request-verification-p-2": {{dir: "w", file: "w.go", name: "R.do"}},
		"T-WR02":                              {{dir: "w", file: "w_test.go", name: "TestR", test: true}},
		"WR-5":                                {{dir: "w", file: "w_test.go", name: "TestEarly", test: true}},
	}}
	got := strings.Split(strings.TrimSpace(table.document(found)), "\n")
	want := []string{
		"| [WR-3](https://www.w3.org/TR/webmention/#request-verification-p-1) | **MUST** Both are URLs. |  |  |",
		"| [WR-4](https://www.w3.org/TR/webmention/#request-verification-p-2) | **MUST NOT** The two \\| are never one. | `w/w.go` R.do | `w` TestR |",
		"| [WR-5](https://www.w3.org/TR/webmention/#request-verification-p-3) | **SHOULD** It is checked. | **not yet** (issue 5) |  |",
		"| WR-7 | **MAY** Later. | *left out*: it is enough as it is |  |",
	}
	if diff := cmp.Diff(want, got[len(got)-len(want):]); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
	if summary := "| Receiving | 4 | 1 | 1 | 1 | 1 | 1 |"; !slices.Contains(got, summary) {
		t.Errorf("got %s, want the line %s", strings.Join(got, "\n"), summary)
	}
}

// What is cited must be in the table, and what the table calls open must be.
func TestProblems(t *testing.T) {
	table, err := parse(t, sampleTable)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"webmention#request-verification-p-2": "",
		"webmention#request-verification":     "", // the section as a whole
		"webmention#request-verificaton-p-2":  "mend the id",
		"webmention#request-verification-p-9": "add the statement",
		"webmention#request-verification-p-3": "take that line away",
		"WR-40":                               "add the statement",
		"CL-40":                               "",
		"T-WR99":                              "",
		"rfc3986#section-2.3":                 "",
	} {
		found := &tree{cited: map[string][]place{id: {{dir: "w", file: "w.go", name: "R.do"}}}}
		problems := table.problems(found)
		if (want == "") != (len(problems) == 0) || want != "" && !strings.Contains(problems[0], want) {
			t.Errorf("%s: got %q, want %q", id, problems, want)
		}
	}
}

func TestRequirementsOfAnotherFormAreRefused(t *testing.T) {
	for _, text := range []string{
		"WR-3 MUST x\n\tNo section.\n", "= S\n\tNo statement.\n", "= S\nWR-3 SHALL x\n\tNo level.\n",
		"= S\nXX-3 MUST x\n\tNo number.\n", "= S\nWR-3 MUST x\n", "= S\nWR-3 MUST x\n\tOne.\n\tTwo.\n", "= S\nprose\n",
	} {
		if _, err := parse(t, text); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}

func TestSettings(t *testing.T) {
	const head = "package main\n\n// settings is all.\n//\n// It is made by [loadSettings].\ntype settings struct {\n"
	for _, tt := range []struct{ name, source, want, err string }{
		{"a setting", head + "// Where. Default: none. Example: url = \"x|y\"\nURL string `toml:\"url\"`\nhidden bool\n}",
			"This is all.\n\n[tertulia.example.toml](../tertulia.example.toml) has them all, to be copied.\n\n| setting | type | what | default | example | environment |\n|---|---|---|---|---|---|\n" +
				"| `url` | text | Where. | none | `url = \"x\\|y\"` | `TERTULIA_URL` |\n", ""},
		{"sections", head + "// Your sites.\nSites []siteSettings `toml:\"site\"`\nFetch fetchSettings `toml:\"fetch\"`\n}\n" +
			"// siteSettings is one [[site]].\ntype siteSettings struct {\n// It. Example: url = 1\nURL string `toml:\"url\"`\n}\n" +
			"// fetchSettings is about fetching: [fetch] (SPECS D7).\ntype fetchSettings struct {\n// Who. Default: none.\n// Example: allow = []\nAllow []string `toml:\"allow\"`\n}",
			"\n## `[[site]]`\n\nYour sites.\n\n| setting | type | what | default | example | environment |\n|---|---|---|---|---|---|\n| `site.url` | text | It. | *required* | `url = 1` | — |\n" +
				"\n## `[fetch]`\n\nAbout fetching.\n\n| setting | type | what | default | example | environment |\n|---|---|---|---|---|---|\n| `fetch.allow` | list of texts | Who. | none | `allow = []` | `TERTULIA_FETCH_ALLOW` |\n", ""},
		{"no comment", head + "URL string `toml:\"url\"`\n}", "", "url: its comment must say"},
		{"no example", head + "// Where.\nURL string `toml:\"url\"`\n}", "", "url: its comment must say"},
		{"a new type", head + "// Where. Example: x\nURL float64 `toml:\"url\"`\n}", "", "no words for a float64"},
		{"no struct", "package main", "", "no struct settings"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "config.go")
			if err := os.WriteFile(name, []byte(tt.source), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := readSettings(name)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := s.document(); !strings.HasSuffix(got, tt.want) {
				t.Errorf("got\n%s\nwant at its end\n%s", got, tt.want)
			}
		})
	}
}
