package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/indieauth"
	"tertulia/internal/lang"
)

func TestDifferenceShowsLines(t *testing.T) {
	got := difference("a\nb\nc\n", "a\nx\nc\nd\n")
	if want := "- b\n+ x\n+ d\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What a home page says of itself stands in the settings as text, whatever it is.
func TestSettingsOfHostileHomePages(t *testing.T) {
	for _, title := range []string{`"]` + "\n[fetch]\nallow = [\"0.0.0.0/0\"]", `\`, "\x7f\u2028", "'''", "\xff"} {
		p := &plan{site: address(t, "https://ana.example/"), at: "https://ana.example/", preset: "html"}
		p.home.Title, p.home.Author.Name, p.home.URL = title, title, p.site
		file := filepath.Join(t.TempDir(), "tertulia.toml")
		if err := os.WriteFile(file, []byte(p.settings(globals{})), 0o600); err != nil {
			t.Fatal(err)
		}
		set, err := loadSettings(globals{Config: file}, func(string) (string, bool) { return "", false })
		if err != nil {
			t.Errorf("%q: %v", title, err)
			continue
		}
		if want := strings.ToValidUTF8(title, "\uFFFD"); len(set.Sites) != 1 || set.Sites[0].Name != want || len(set.Fetch.Allow) > 0 {
			t.Errorf("%q: got %+v", title, set.Sites)
		}
	}
}

func TestAskerAsksThreeTimesAtMost(t *testing.T) {
	var out bytes.Buffer
	a := &asker{in: strings.NewReader("x\nx\nx\nhugo\n"), out: &out, l: lang.For("en")}
	_, err := a.word("", "init.question.preset", "none", func(s string) (string, error) {
		if s == "x" {
			return "", io.ErrUnexpectedEOF
		}
		return s, nil
	})
	if err == nil || strings.Count(out.String(), "[none]") != 3 {
		t.Errorf("got %v, asked %q", err, out.String())
	}
}

// Whoever has an IndieAuth server keeps it, unless they say that they do not.
func TestInitAsksWhetherTheIndieAuthServerStays(t *testing.T) {
	theirs := indieauth.Authority{Authorization: "https://auth.example/auth", Token: "https://auth.example/token", Introspection: "http://evil.example/"}
	for name, c := range map[string]struct {
		at, answers  string
		keeps, fails bool
	}{
		"no answer":          {at: "https://talk.example/", answers: "\n", keeps: true},
		"yes":                {at: "https://talk.example/", answers: "Sí\n", keeps: true},
		"no":                 {at: "https://talk.example/", answers: "n\n"},
		"nonsense, then no":  {at: "https://talk.example/", answers: "?\nno\n"},
		"nonsense":           {at: "https://talk.example/", answers: "?\n?\n?\n", fails: true},
		"it is this service": {at: "https://auth.example/", answers: ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			p := &plan{site: address(t, "https://ana.example/"), at: c.at, preset: "none", theirs: theirs, l: lang.For("es")}
			if strings.HasPrefix(c.at, "https://auth") {
				p.theirs.Authorization = p.base() + "auth"
			}
			p.home.URL = p.site
			err := p.keepTheirs(&asker{in: strings.NewReader(c.answers), out: &out, l: p.l})
			if (err != nil) != c.fails {
				t.Fatalf("got %v, asked %s", err, out.String())
			}
			if c.fails {
				return
			}
			file := filepath.Join(t.TempDir(), "tertulia.toml")
			if err := os.WriteFile(file, []byte(p.settings(globals{})), 0o600); err != nil {
				t.Fatal(err)
			}
			set, err := loadSettings(globals{Config: file}, func(string) (string, bool) { return "", false })
			if err != nil {
				t.Fatal(err)
			}
			want := elsewhereSettings{}
			if c.keeps {
				want = elsewhereSettings{Authorization: theirs.Authorization, Token: theirs.Token}
			}
			if diff := cmp.Diff(want, set.Sites[0].IndieAuth); diff != "" {
				t.Error(diff)
			}
		})
	}
}
