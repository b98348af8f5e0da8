package frontmatter_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish/frontmatter"
)

// step is one edit; a nil path ends the list, gone deletes.
type step struct {
	path  string
	value any
}

// gone stands for a deletion.
type gone struct{}

var cet = time.FixedZone("", 3600)

// edits are files, what is done to them, and what they then are. T-MP14.
var edits = []struct {
	name, file string
	steps      []step
	want       string
}{
	{"yaml: comments, order, quotes, unknown keys and blank lines stay",
		"---\n# mine\ntitle: 'Old' # the title\n\ndraft:   false\nunknown: {a: 1,   b: [x,y]}\ntags:\n- a\n# between\n- \"b\"\n---\nBody\n",
		[]step{{"title", "New"}, {"tags", []string{"a", "b", "c"}}},
		"---\n# mine\ntitle: New # the title\n\ndraft:   false\nunknown: {a: 1,   b: [x,y]}\ntags:\n- a\n# between\n- \"b\"\n- c\n---\nBody\n"},
	{"yaml: equal values change nothing",
		"---\ntitle: \"Old\"\ndate: 2026-11-22 10:00:00 +0100\nn: 0x10\nf: 1e3\nlist: [a,   b]\nm: {x:   1}\n---\n",
		[]step{{"title", "Old"}, {"date", time.Date(2026, 11, 22, 10, 0, 0, 0, cet)}, {"n", 16}, {"f", 1000.0}, {"list", []string{"a", "b"}}, {"m", map[string]any{"x": 1}}, {"absent", gone{}}},
		"---\ntitle: \"Old\"\ndate: 2026-11-22 10:00:00 +0100\nn: 0x10\nf: 1e3\nlist: [a,   b]\nm: {x:   1}\n---\n"},
	{"yaml: new keys go to the end in the order of Set, before trailing comments",
		"---\na: 1\n# end\n---\n",
		[]step{{"z", "x"}, {"b", true}, {"d", time.Date(2026, 11, 22, 10, 0, 0, 0, cet)}},
		"---\na: 1\nz: x\nb: true\nd: 2026-11-22T10:00:00+01:00\n# end\n---\n"},
	{"yaml: a mapping grows in its own place",
		"---\nextra:\n    a: 1\n    # c\nnext: 2\n---\n",
		[]step{{"extra/b", "x"}, {"extra/m/deep", []any{int64(1), map[string]any{"k": "v", "l": []string{"p"}}}}},
		"---\nextra:\n    a: 1\n    b: x\n    m:\n      deep:\n        - 1\n        - k: v\n          l:\n            - p\n    # c\nnext: 2\n---\n"},
	{"yaml: block scalars are whole values",
		"---\na: |\n  # no comment\n\n  text\n  ---\n\n# comment\nb: >-2\n    folded\n  # still text\nc: |+\n  kept\n\n\n---\n",
		[]step{{"a", "x"}, {"z", "y"}},
		"---\na: x\n\n# comment\nb: >-2\n    folded\n  # still text\nc: |+\n  kept\n\n\nz: \"y\"\n---\n"},
	{"yaml: a scalar that keeps blank lines does not take in those of a deleted key",
		"---\na: |+\n  kept\n\nb: |\n  text\n\n\n# c\nc: 1\n---\n", []step{{"b", gone{}}}, "---\na: |+\n  kept\n\n# c\nc: 1\n---\n"},
	{"yaml: a block scalar deleted",
		"---\na: |\n  text\n  more\nb: 1\n---\n", []step{{"a", gone{}}}, "---\nb: 1\n---\n"},
	{"yaml: a block scalar's header comment stays",
		"---\na: |- # why\n  text\nb: 1\n---\n", []step{{"a", "x"}}, "---\na: x # why\nb: 1\n---\n"},
	{"yaml: quoted text over lines that look like comments",
		"---\na: \"x\n  # y\"\nb: 'it''s\n\n  # z'   # own\nc: plain\n  # ends it\nd: two\n  lines # c\n---\n",
		[]step{{"a", "1"}, {"b", gone{}}, {"c", "C"}, {"d", "D"}},
		"---\na: \"1\"\nc: C\n  # ends it\nd: D # c\n---\n"},
	{"yaml: list over scalar and scalar over list",
		"---\na: x # c\nb: # d\n  - 1\n  - 2 # e\n# f\nc: 3\n---\n",
		[]step{{"a", []string{"p", "no"}}, {"b", "x"}},
		"---\na: # c\n  - p\n  - \"no\"\nb: x # d\n# f\nc: 3\n---\n"},
	{"yaml: empty values",
		"---\na:\nb: # none\nc: ~\nd: {}\ne: []\n---\n",
		[]step{{"a", "x"}, {"b/c", 1}, {"c/d", "y"}, {"d/e", "z"}, {"e", []string{"q"}}},
		"---\na: x\nb: # none\n  c: 1\nc:\n  d: \"y\"\nd:\n  e: z\ne: [q]\n---\n"},
	{"yaml: flow mappings and lists keep their style",
		"---\na: {x: 1, \"y\": 'two', z: [1, 2]} # c\nt: [a, \"b\"]\nu: [\n  a,\n  b, # c\n]\n---\n",
		[]step{{"a/y", "no"}, {"a/w", "x"}, {"a/x", gone{}}, {"a/z", []any{int64(1), int64(2), "three"}}, {"t", []string{"a", "b", "c, d"}}, {"u", []string{"a", "b", "c"}}},
		"---\na: {\"y\": \"no\", z: [1, 2, three], w: x} # c\nt: [a, \"b\", \"c, d\"]\nu: [\n  a,\n  b,\n  c, # c\n]\n---\n"},
	{"yaml: anchors stay with their place",
		"---\na: &x\n  k: 1\nb: &y old\nc: 2\n---\n",
		[]step{{"a/k", 2}, {"b", "new"}, {"a/l", 3}},
		"---\na: &x\n  k: 2\n  l: 3\nb: &y new\nc: 2\n---\n"},
	{"yaml: an alias is replaced, the anchor is not",
		"---\na: &x {k: 1}\nb: *x\nc:\n  <<: *x\n  m: 2\n---\n",
		[]step{{"b", "y"}, {"c/k", 3}, {"c/m", gone{}}},
		"---\na: &x {k: 1}\nb: \"y\"\nc:\n  <<: *x\n  k: 3\n---\n"},
	{"yaml: deleting the last key leaves an empty mapping",
		"---\na:\n  b: 1 # gone\n# stays\nc: 2\n---\n", []step{{"a/b", gone{}}}, "---\na: {}\n# stays\nc: 2\n---\n"},
	{"yaml: deleting what Set made leaves nothing",
		"---\nc: 2\n---\n", []step{{"a/b/c", 1}, {"a/b/c", gone{}}}, "---\nc: 2\n---\n"},
	{"yaml: deleting everything",
		"---\n# c\na: 1\n---\nx", []step{{"a", gone{}}, {"b", 2}}, "---\n# c\nb: 2\n---\nx"},
	{"yaml: Windows line ends and a byte order mark",
		"\ufeff---\r\na: 1\r\nb:\r\n  - x\r\n---\r\nBody\r\n",
		[]step{{"a", []string{"p", "q"}}, {"b", []string{"x", "y"}}, {"c", "z"}},
		"\ufeff---\r\na:\r\n  - p\r\n  - q\r\nb:\r\n  - x\r\n  - \"y\"\r\nc: z\r\n---\r\nBody\r\n"},
	{"yaml: value on the line below its key",
		"---\na:\n  \"long\" # c\nb: 1\n---\n", []step{{"a", "x"}}, "---\na: x\nb: 1\n---\n"},
	{"yaml: mappings key by key",
		"---\nmf2:\n  b: 1 # keep\n  a: 'x'\n  c: 2\n---\n",
		[]step{{"mf2", map[string]any{"a": "y", "b": 1, "d": 4}}},
		"---\nmf2:\n  b: 1 # keep\n  a: \"y\"\n  d: 4\n---\n"},
	{"yaml: hostile keys are quoted",
		"---\n---\n", []step{{"no", 1}, {"a: b", 2}, {"", 3}, {"1", 4}, {"<<", 5}, {"ñandú", 6}, {"a\nb", 7}},
		"---\n\"no\": 1\n\"a: b\": 2\n\"\": 3\n\"1\": 4\n\"<<\": 5\nñandú: 6\n\"a\\nb\": 7\n---\n"},
	{"yaml: an end fence of dots", "---\na: 1\n...\nBody", []step{{"b", 2}}, "---\na: 1\nb: 2\n...\nBody"},
	{"yaml: list items that are mappings, lists and nothing",
		"---\na:\n  - x: 1\n    y:\n      - |\n        text\n  - - p\n  -\n# c\nb: 1\n---\n", []step{{"a", []any{"z"}}}, "---\na:\n  - z\n# c\nb: 1\n---\n"},
	{"toml: top-level keys come before the first table",
		"+++\n# mine\ntitle = 'Old' # t\n\n[extra]\n  a = 1\n+++\nBody\n",
		[]step{{"title", "New"}, {"date", time.Date(2026, 11, 22, 10, 0, 0, 0, cet)}, {"extra/b", "x"}, {"taxonomies/tags", []string{"a"}}},
		"+++\n# mine\ntitle = \"New\" # t\ndate = 2026-11-22T10:00:00+01:00\n\n[extra]\n  a = 1\nb = \"x\"\n\n[taxonomies]\ntags = [\"a\"]\n+++\nBody\n"},
	{"toml: no top-level keys yet",
		"+++\n# top\n\n# about extra\n[extra]\na = 1\n+++\n", []step{{"title", "x"}},
		"+++\n# top\n\ntitle = \"x\"\n\n# about extra\n[extra]\na = 1\n+++\n"},
	{"toml: lists, inline tables, dotted keys",
		"+++\ntags = [\n  \"a\", # one\n  'b',\n]\nm = { x = 1, \"y z\" = 2 }\nd.a = 1\n+++\n",
		[]step{{"tags", []string{"a", "b", "c"}}, {"m/y z", "q"}, {"m/w/v", true}, {"d/b", 2}, {"m/x", gone{}}},
		"+++\ntags = [\n  \"a\", # one\n  'b',\n  \"c\",\n]\nm = { \"y z\" = \"q\", w = {v = true} }\nd.a = 1\nd.b = 2\n+++\n"},
	{"toml: tables deleted and replaced",
		"+++\na = 1\n[x]\nb = \"\"\"\n[no]\n\"\"\"\n[x.y]\nc = 1\n# stays\n[[z]]\nd = 1\n[[z]]\nd = 2\n+++\n",
		[]step{{"x/y", gone{}}, {"x/b", gone{}}, {"z", []string{"p"}}},
		"+++\na = 1\nz = [\"p\"]\n[x]\n# stays\n+++\n"},
	{"toml: the only child of an implicit table deleted",
		"+++\n[a.b]\nc = 1\n+++\n", []step{{"a/x", 1}, {"a/x", gone{}}, {"a/b", gone{}}}, "+++\n\n[a]\n+++\n"},
	{"toml: a mapping in a table is inline, at the top a table",
		"+++\r\ntitle = \"x\"\r\n+++\r\n",
		[]step{{"extra", map[string]any{"a": 1}}, {"extra/mf2", map[string]any{"type": []string{"h-entry"}, "a b": 1.5}}},
		"+++\r\ntitle = \"x\"\r\n\r\n[extra]\r\na = 1\r\nmf2 = {\"a b\" = 1.5, type = [\"h-entry\"]}\r\n+++\r\n"},
	{"json: edited in place",
		"{\n    \"title\": \"Old\",\n    \"n\":1e2,\n    \"tags\": [\"a\", \"b\"],\n    \"x\": {\"y\": {}}\n}\nBody\n",
		[]step{{"title", "New\u2028"}, {"n", 100.0}, {"tags", []string{"a", "b", "c"}}, {"x/y/z", 1}, {"date", time.Date(2026, 11, 22, 10, 0, 0, 0, cet)}, {"m", map[string]any{"a": []int{1}}}},
		"{\n    \"title\": \"New\\u2028\",\n    \"n\":1e2,\n    \"tags\": [\"a\", \"b\", \"c\"],\n    \"x\": {\"y\": {\n      \"z\": 1\n    }},\n    \"date\": \"2026-11-22T10:00:00+01:00\",\n    \"m\": {\n      \"a\": [\n        1\n      ]\n    }\n}\nBody\n"},
	{"json: deletions",
		"{\"a\": 1, \"b\": {\"c\": 2}, \"d\": 3}\nx", []step{{"a", gone{}}, {"d", gone{}}, {"b/c", gone{}}}, "{\"b\": {}}\nx"},
	{"json: a new file", "{\n}\n", []step{{"a", 1}, {"b", nil}}, "{\n  \"a\": 1,\n  \"b\": null\n}\n"},
	{"json: between fences", "---json\n{\"a\": 1}\n---\nx", []step{{"b", 2}}, "---json\n{\"a\": 1, \"b\": 2}\n---\nx"},
}

func TestEditTouchesOnlyWhatItChanges(t *testing.T) {
	for _, test := range edits {
		t.Run(test.name, func(t *testing.T) {
			f := parse(t, test.file)
			for _, s := range test.steps {
				apply(t, f, s)
			}
			if diff := cmp.Diff(test.want, string(f.Bytes())); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
			if again := parse(t, string(f.Bytes())); !cmp.Equal(values(t, again), values(t, f), cmp.Comparer(time.Time.Equal)) {
				t.Errorf("got %v when read again, want %v", values(t, again), values(t, f))
			}
		})
	}
}

// apply makes one edit that must succeed.
func apply(t *testing.T, f *frontmatter.File, s step) {
	t.Helper()
	path := strings.Split(s.path, "/")
	if _, ok := s.value.(gone); ok {
		if err := f.Delete(path...); err != nil {
			t.Fatalf("Delete(%s): %v\n%s", s.path, err, f.Bytes())
		}
		return
	}
	if err := f.Set(s.value, path...); err != nil {
		t.Fatalf("Set(%v, %s): %v\n%s", s.value, s.path, err, f.Bytes())
	}
}

func parse(t *testing.T, text string) *frontmatter.File {
	t.Helper()
	f, err := frontmatter.Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return f
}

func values(t *testing.T, f *frontmatter.File) map[string]any {
	t.Helper()
	v, err := f.Values()
	if err != nil {
		t.Fatalf("Values of %q: %v", f.Bytes(), err)
	}
	return v
}

func TestUneditableLeavesTheFile(t *testing.T) {
	for _, test := range []struct {
		file string
		step step
	}{
		{"---\na: &x {k: 1}\nb: *x\n---\n", step{"b/k", 2}},             // would change a too, or lose the alias
		{"---\na: &x old\nb: *x\n---\n", step{"a", "new"}},              // b would change
		{"---\na: &x old\nb: *x\n---\n", step{"a", gone{}}},             // b would be broken
		{"---\na: &x {k: 1}\nb:\n  <<: *x\n---\n", step{"b/k", gone{}}}, // comes in through <<
		{"---\n? a\n: 1\n---\n", step{"a", 2}},
		{"---\n? a\n: 1\n---\n", step{"a", gone{}}},
		{"---\na: text\n---\n", step{"a/b", 1}},
		{"---\na: [x]\n---\n", step{"a/0", 1}},
		{"+++\n[[a]]\nb = 1\n+++\n", step{"a/b", 2}},
		{"+++\na = {b.c = 1}\n+++\n", step{"a/b/d", 2}},
		{"no front matter", step{"a", 1}},
	} {
		f := parse(t, test.file)
		var err error
		if _, ok := test.step.value.(gone); ok {
			err = f.Delete(strings.Split(test.step.path, "/")...)
		} else {
			err = f.Set(test.step.value, strings.Split(test.step.path, "/")...)
		}
		if !errors.Is(err, frontmatter.ErrUneditable) {
			t.Errorf("%q, %v: got error %v, want ErrUneditable", test.file, test.step, err)
		}
		if string(f.Bytes()) != test.file {
			t.Errorf("%q, %v: the file is now %q", test.file, test.step, f.Bytes())
		}
	}
}

func TestSetRefusesValues(t *testing.T) {
	for _, test := range []struct {
		format frontmatter.Format
		value  any
		path   []string
	}{
		{frontmatter.YAML, "\xff", []string{"a"}},
		{frontmatter.YAML, 1, []string{"\xff"}},
		{frontmatter.YAML, 1, []string{strings.Repeat("k", 1100)}},
		{frontmatter.YAML, 1, nil},
		{frontmatter.YAML, struct{}{}, []string{"a"}},
		{frontmatter.YAML, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), []string{"a"}},
		{frontmatter.TOML, nil, []string{"a"}},
		{frontmatter.TOML, []any{map[string]any{"b": nil}}, []string{"a"}},
		{frontmatter.JSON, math.NaN(), []string{"a"}},
	} {
		f := frontmatter.New(test.format)
		before := string(f.Bytes())
		if err := f.Set(test.value, test.path...); err == nil || string(f.Bytes()) != before {
			t.Errorf("%s: Set(%v, %v) got error %v and %q, want an error and nothing changed", test.format, test.value, test.path, err, f.Bytes())
		}
	}
}
