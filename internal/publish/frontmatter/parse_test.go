package frontmatter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish/frontmatter"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, file string
		format     frontmatter.Format
		body       string
	}{
		{"nothing", "", frontmatter.None, ""},
		{"only text", "text\n---\n", frontmatter.None, "text\n---\n"},
		{"a rule at the beginning and no second", "---\n\ntext -- with --- dashes\n", frontmatter.None, "---\n\ntext -- with --- dashes\n"},
		{"four hyphens", "----\na: 1\n----\n", frontmatter.None, "----\na: 1\n----\n"},
		{"empty front matter", "---\n---\n", frontmatter.YAML, ""},
		{"fences in the body", "---\na: 1\n---\n---\nb: 2\n---\n", frontmatter.YAML, "---\nb: 2\n---\n"},
		{"an indented fence in a block scalar", "---\na: |\n  ---\n  text\n---\nbody", frontmatter.YAML, "body"},
		{"three dots", "---\na: 1\n...\nbody", frontmatter.YAML, "body"},
		{"blanks behind fences", "--- \t\na: 1\n---  \nbody", frontmatter.YAML, "body"},
		{"the closing fence is the last line", "---\na: 1\n---", frontmatter.YAML, ""},
		{"CRLF", "---\r\na: 1\r\n---\r\nbody\r\n", frontmatter.YAML, "body\r\n"},
		{"byte order mark", "\ufeff+++\na = 1\n+++\nbody", frontmatter.TOML, "body"},
		{"byte order mark alone", "\ufefftext", frontmatter.None, "text"},
		{"toml between hyphens", "---toml\na = 1\n---\nbody", frontmatter.TOML, "body"},
		{"json", "{\"a\": {\"b\": \"}\"}}\n\nbody", frontmatter.JSON, "\nbody"},
		{"json and text on one line", "{\"a\": 1} body", frontmatter.JSON, " body"},
		{"a shortcode at the beginning", "{{< x >}}\n", frontmatter.None, "{{< x >}}\n"},
		{"a brace at the beginning", "{a} \"\n", frontmatter.None, "{a} \"\n"},
		{"invalid UTF-8", "---\na: \xff\n---\n\xfe", frontmatter.YAML, "\xfe"},
	} {
		f := parse(t, test.file)
		if f.Format() != test.format || string(f.Body()) != test.body || string(f.Bytes()) != test.file {
			t.Errorf("%s: got %q, body %q, bytes %q, want %q, %q, %q", test.name, f.Format(), f.Body(), f.Bytes(), test.format, test.body, test.file)
		}
	}
	if _, err := frontmatter.Parse([]byte("---js\n{a: 1}\n---\n")); err == nil {
		t.Error("front matter in a programming language: got no error")
	}
}

// broken is front matter that cannot be understood in one way only.
var broken = []string{
	"---\na: 1\na: 2\n---\n",
	"---\n \r0: \n---",
	"---\nm: {a: 1, a: 2}\n---\n",
	"---\n\ta: 1\n---\n",
	"---\na: [1\n---\n",
	"---\na: 1\n--- # second\nb: 2\n---\n",
	"---\n%YAML 1.1\n---\n",
	"---\njust text\n---\n",
	"---\n- a\n---\n",
	"---\n? {a: 1}\n: b\n---\n",
	"---\na: &a [*a]\n---\n",
	"---\n<<: text\n---\n",
	"---\na: \xff\n---\n",
	"---\na: \ufeff\n---\n",
	"+++\na = 1\na = 2\n+++\n",
	"+++\na = \n+++\n",
	"+++\n[a]\n[a]\n+++\n",
	"+++\na = \"\"\"x\n+++\n",
	"---json\n{\"a\": 1, \"a\": 2}\n---\n",
	"---json\n[1]\n---\n",
	"---json\n{} {}\n---\n",
	"{\"a\": 1, \"a\": 2}\n",
}

func TestBrokenFrontMatterIsKept(t *testing.T) {
	laughs := "---\na: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	deep := strings.Repeat("[", 100_000)
	for _, file := range append(broken, laughs+"---\n", "---\na: "+deep+"\n---\n", "+++\na = "+deep+"\n+++\n",
		"---\na: "+deep+strings.Repeat("]", 100_000)+"\n---\n", "+++\na = "+deep+strings.Repeat("]", 100_000)+"\n+++\n", "+++\na"+strings.Repeat(".a", 100_000)+" = 1\n+++\n",
		"{\"a\": "+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+"}\n", "---\na: "+strings.Repeat("x", 5<<20)+"\n---\n") {
		f := parse(t, file)
		if _, err := f.Values(); err == nil {
			t.Errorf("%.60q: Values got no error", file)
		}
		if err := f.Set(1, "b"); err == nil {
			t.Errorf("%.60q: Set got no error", file)
		}
		if err := f.Delete("a"); err == nil {
			t.Errorf("%.60q: Delete got no error", file)
		}
		if _, ok := f.Get("a"); ok {
			t.Errorf("%.60q: Get found something", file)
		}
		f.SetBody([]byte("new"))
		if !strings.HasSuffix(string(f.Bytes()), "new") || !strings.HasPrefix(string(f.Bytes()), strings.TrimSuffix(file, string(parse(t, file).Body()))) {
			t.Errorf("%.60q: SetBody made it %.60q", file, f.Bytes())
		}
	}
}

// Large front matter is read and edited in good time.
func TestLargeFrontMatter(t *testing.T) {
	var b strings.Builder
	b.WriteString("---\n")
	for i := range 50_000 {
		fmt.Fprintf(&b, "key%d: [a, b, 'c']\n", i)
	}
	flow := "---\na: [" + strings.Repeat("{b: \"c\"}, ", 50_000) + "1]\nb: 1\n---\n"
	for _, file := range []string{b.String() + "b: 1\n---\n", flow, strings.NewReplacer("---", "+++", "a: ", "a = ", "b: 1", "b = 1", "b: ", "b = ").Replace(flow)} {
		f := parse(t, file)
		start := time.Now()
		if err := f.Set(2, "b"); err != nil {
			t.Fatalf("%.40q: %v", file, err)
		}
		if err := f.Set([]string{"a", "b", "c", "d"}, "key7"); err != nil {
			t.Fatalf("%.40q: %v", file, err)
		}
		t.Logf("%.40q: %d bytes in %s", file, len(file), time.Since(start))
		if v, _ := f.Get("b"); v != int64(2) {
			t.Errorf("got %v, want 2", v)
		}
	}
}

func TestValues(t *testing.T) {
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		file string
		want map[string]any
	}{
		{"---\ns: x\nn: no\nb: true\ni: 12\nh: 0x10\nf: 1.5\nbig: 18446744073709551615\nd: 2026-11-22\nz: ~\nl: [1, x]\nm: {k: v}\n'q': \"2026-11-22\"\n---\n",
			map[string]any{"s": "x", "n": "no", "b": true, "i": int64(12), "h": int64(16), "f": 1.5, "big": 18446744073709551615.0, "d": day, "z": nil,
				"l": []any{int64(1), "x"}, "m": map[string]any{"k": "v"}, "q": "2026-11-22"}},
		{"---\na: 2026-11-22 10:00:00 +0100\nb: 2026-11-22T10:00:00 -3\nc: '2026-11-22 10:00:00 +0100'\n---\n",
			map[string]any{"a": time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), "b": time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC), "c": "2026-11-22 10:00:00 +0100"}},
		{"---\na: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\nc: *x\n---\n",
			map[string]any{"a": map[string]any{"k": int64(1), "l": int64(2)}, "b": map[string]any{"k": int64(1), "l": int64(3)}, "c": map[string]any{"k": int64(1), "l": int64(2)}}},
		{"+++\nd = 2026-11-22\nt = 10:00:00\nl = 2026-11-22 00:00:00\na.b = 1\n[[x]]\ny = 1\n[[x]]\ny = 2.0\n+++\n",
			map[string]any{"d": day, "t": "10:00:00", "l": day, "a": map[string]any{"b": int64(1)}, "x": []any{map[string]any{"y": int64(1)}, map[string]any{"y": 2.0}}}},
		{"{\"i\": 1, \"f\": 1.0, \"n\": null, \"d\": \"2026-11-22\"}\n", map[string]any{"i": int64(1), "f": 1.0, "n": nil, "d": "2026-11-22"}},
		{"text", map[string]any{}},
		{"---\n# nothing\n---\n", map[string]any{}},
	} {
		if diff := cmp.Diff(test.want, values(t, parse(t, test.file)), cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.file, diff)
		}
	}
}

func TestValuesAreTheCallers(t *testing.T) {
	f := parse(t, "---\na: [x]\n---\n")
	values(t, f)["a"].([]any)[0] = "y"
	if v, _ := f.Get("a"); !cmp.Equal(v, any([]any{"x"})) {
		t.Errorf("got %v after the caller changed its copy, want [x]", v)
	}
}

func TestSetBody(t *testing.T) {
	for _, test := range []struct{ file, body, want string }{
		{"---\na: 1\n---", "x", "---\na: 1\n---\nx"},
		{"---\r\na: 1\r\n---", "x", "---\r\na: 1\r\n---\r\nx"},
		{"---\na: 1\n---", "", "---\na: 1\n---"},
		{"{\"a\": 1}", "x", "{\"a\": 1}\nx"},
		{"\ufeffold", "new", "\ufeffnew"},
		{"---\na: 1\n---\nold\r\n", "\n---\n", "---\na: 1\n---\n\n---\n"},
	} {
		f := parse(t, test.file)
		f.SetBody([]byte(test.body))
		if string(f.Bytes()) != test.want || string(f.Body()) != test.body {
			t.Errorf("%q with body %q: got %q, want %q", test.file, test.body, f.Bytes(), test.want)
		}
	}
}
