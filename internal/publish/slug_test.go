package publish_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"tertulia/internal/publish"
	"tertulia/mf2"
)

func named(name string) mf2.Item {
	return mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"name": {name}}}
}

// HOSTILE 72: whatever a client sends as a slug, the file stays inside the site.
func TestSlug(t *testing.T) {
	long := strings.Repeat("palabra ", 2000)
	for _, c := range []struct{ mpSlug, name, want string }{
		{"mi-pagina", "Otro título", "mi-pagina"},
		{"", "La mesa del fondo", "la-mesa-del-fondo"},
		{"", "El ñandú de Ángela, ¿qué pingüino?", "el-nandu-de-angela-que-pinguino"},
		{"", "Straße Œuvre Łódź Ærø", "strasse-oeuvre-lodz-aero"},
		{"", "Don’t stop", "dont-stop"},
		{"", "", "r4nd0"},
		{"", "😀👩‍👩‍👧", "r4nd0"},
		{"", "日本語", "r4nd0"},
		{"../x", "", "x"},
		{"/x", "", "x"},
		{"%2e%2e/", "", "2e-2e"},
		{"..%2f..%2fetc%2fpasswd", "", "2f-2fetc-2fpasswd"},
		{`..\\x`, "", "x"},
		{".git", "", "git"},
		{"con", "", "con-post"},
		{"COM1", "", "com1-post"},
		{"a\x00b", "", "a-b"},
		{"-rf", "", "rf"},
		{"..", "Con nombre", "con-nombre"},
		{"\xff\xfe", "", "r4nd0"},
		{"a/b/c", "", "a-b-c"},
		{"ﬁn ① x²", "", "fin-1-x2"},
		{long, "", "palabra-palabra-palabra-palabra-palabra-palabra-palabra"},
		{strings.Repeat("x", 10_000), "", strings.Repeat("x", 60)},
		{strings.Repeat("\u0301", 10_000), "", "r4nd0"},
	} {
		if got := publish.Slug(c.mpSlug, named(c.name), "r4nd0"); got != c.want {
			t.Errorf("Slug(%.40q, %.40q): got %q, want %q", c.mpSlug, c.name, got, c.want)
		}
	}
	if got := publish.Slug("", mf2.Item{}, ""); got != "post" {
		t.Errorf("Slug of nothing: got %q, want post", got)
	}
}

// HOSTILE 77: years far away make an address of the usual form.
func TestPermalink(t *testing.T) {
	for _, c := range []struct {
		site string
		at   time.Time
		want string
	}{
		{"https://ana.example/", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "https://ana.example/2026/01/02/x/"},
		{"https://ana.example/blog", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), "https://ana.example/blog/0001/01/01/x/"},
		{"https://ana.example/", time.Date(99999, 12, 31, 0, 0, 0, 0, time.UTC), "https://ana.example/9999/12/31/x/"},
		{"https://ana.example/", time.Date(-5, 12, 31, 0, 0, 0, 0, time.UTC), "https://ana.example/0000/12/31/x/"},
	} {
		if got := publish.Permalink(c.site, c.at, "x"); got != c.want {
			t.Errorf("Permalink(%s, %v): got %s, want %s", c.site, c.at, got, c.want)
		}
	}
}

func FuzzSlug(f *testing.F) {
	for _, s := range []string{"../x", "%2e%2e/", `..\\x`, ".git", "con", "", "😀", "ñandú", "a--b", "\x00", "aux", "a\u0301"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	f.Fuzz(func(t *testing.T, s string) {
		got := publish.Slug(s, mf2.Item{}, "random")
		if !form.MatchString(got) || len(got) > 66 {
			t.Errorf("Slug(%q): got %q", s, got)
		}
		if again := publish.Slug(got, mf2.Item{}, "random"); again != got {
			t.Errorf("Slug(%q): got %q, a second time %q", s, got, again)
		}
	})
}
