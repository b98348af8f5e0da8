package mf2_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"tertulia/mf2"
)

var update = flag.Bool("update", false, "write testdata/*.json from what is read now")

// Each page in testdata says in its first line why it is there; beside it lies what
// must be read from it. SPECS MF-18, T-MF05.
func TestParseGoldenPages(t *testing.T) {
	pages, err := filepath.Glob("testdata/*.html")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages in testdata (%v)", err)
	}
	for _, file := range pages {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			page := parse(t, string(source))
			got, err := json.MarshalIndent(map[string]any{"items": page.Items, "rels": page.Rels}, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".html") + ".json"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
				t.Errorf("%s is read differently (-want +got):\n%s", file, diff)
			}
			checkRoundTrip(t, page.Items)
		})
	}
}

const pageURL = "https://site.example/notes/2026/1"

func parse(t testing.TB, source string) mf2.Page {
	t.Helper()
	base, err := url.Parse(pageURL)
	if err != nil {
		t.Fatal(err)
	}
	page, doc, err := mf2.Parse(strings.NewReader(source), "text/html; charset=utf-8", base)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	if doc == nil {
		t.Fatal("parse: no tree and no error")
	}
	return page
}

// checkRoundTrip asserts that what was read is made of plain JSON values, so that
// the store gives back exactly what it was given.
func checkRoundTrip(t testing.TB, items []mf2.Item) {
	t.Helper()
	data, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	var back []mf2.Item
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(items, back); diff != "" {
		t.Errorf("items change on their way through JSON (-before +after):\n%s", diff)
	}
}

// The caller looks for its link in the very tree that was read.
func TestReadLeavesTheTreeAsItWas(t *testing.T) {
	source, err := os.ReadFile("testdata/reply.html")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	var before, after bytes.Buffer
	if err := html.Render(&before, doc); err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse(pageURL) // a constant
	if page := mf2.Read(doc, base); len(page.Items) != 1 {
		t.Fatalf("got %d items, want 1", len(page.Items))
	}
	if err := html.Render(&after, doc); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.String(), after.String()); diff != "" {
		t.Errorf("the tree was changed (-before +after):\n%s", diff)
	}
}

func TestReadOfNothing(t *testing.T) {
	if page := mf2.Read(nil, nil); len(page.Items) != 0 || page.Rels == nil {
		t.Errorf("got %+v, want an empty page with rels that can be looked up", page)
	}
	page, _, err := mf2.Parse(strings.NewReader(`<a class=h-entry href=x>y</a>`), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := page.Items[0].Get("url"); got != "/x" {
		t.Errorf("url without a base: got %q, want it relative", got)
	}
	page.Author(t.Context(), page.Items[0], nil)
	page.RepresentativeCard()
}

func TestEntryIsThePageItself(t *testing.T) {
	entry := func(name string) string { return `<div class=h-entry><p class=p-name>` + name + `</p></div>` }
	tests := []struct{ name, page, want string }{
		{"first at the top", entry("one") + entry("two"), "one"},
		{"a card before it", `<p class=h-card>me</p>` + entry("one"), "one"},
		{"top before feed", `<div class=h-feed>` + entry("in feed") + `</div>` + entry("top"), "top"},
		{"in a feed before nested elsewhere", `<div class=h-card><p class=p-name>me</p>` + entry("in card") + `</div><div class=h-feed>` + entry("in feed") + `</div>`, "in feed"},
		{"nested", `<div class=h-card><p class=p-name>me</p><div class="u-note h-entry"><p class=p-name>deep</p></div></div>`, "deep"},
		{"an event", `<div class=h-event><p class=p-name>party</p></div>`, "party"},
		{"a review", `<div class=h-review><p class=p-name>good</p></div>`, "good"},
		{"none", `<div class=h-card>me</div>`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parse(t, tt.page).Entry()
			if got.Get("name") != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q (%v), want %q", got.Get("name"), ok, tt.want)
			}
		})
	}
}

func TestEntryAtFindsOnePostOfAFeed(t *testing.T) {
	source, err := os.ReadFile("testdata/feed.html")
	if err != nil {
		t.Fatal(err)
	}
	page := parse(t, string(source))
	for u, want := range map[string]string{
		"https://site.example/1":       "note",
		"https://SITE.example:443/%32": "like",
		"https://site.example/3":       "photo",
		"https://site.example/4":       "",
		"":                             "",
	} {
		got, ok := page.EntryAt(u)
		if ok != (want != "") || ok && got.Kind() != want {
			t.Errorf("EntryAt(%q): got %q (%v), want %q", u, got.Kind(), ok, want)
		}
	}
}
