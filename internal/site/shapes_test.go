package site_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

var updateShapes = flag.Bool("update", false, "write testdata/api anew")

// golden compares what was made with what is expected of it in testdata/api.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "api", name)
	if *updateShapes {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// READ-API 6: the example has 21 mentions of every shape, the same for the same seed.
func TestExampleFeed(t *testing.T) {
	feed := site.Example("https://example.com/post", 7)
	golden(t, "example.json", indented(t, feed))
	if len(feed.Children) != 21 || feed.Children[0].WMID != 1021 || feed.Children[20].WMID != 1001 {
		t.Errorf("got %d, from %d", len(feed.Children), feed.Children[0].WMID)
	}
	if d := cmp.Diff(feed, site.Example("https://example.com/post", 7)); d != "" {
		t.Errorf("the same seed gives others:\n%s", d)
	}
	if feed.Children[0].Author.Name == site.Example("https://example.com/post", 8).Children[0].Author.Name {
		t.Error("another seed gives the same")
	}
	for _, seed := range []int{0, -1, -7, 1 << 40, -1 << 62} {
		if got := site.Example("", seed); len(got.Children) != 21 {
			t.Errorf("seed %d: %d", seed, len(got.Children))
		}
	}
	sum := 0
	for _, n := range site.ExampleCounts() {
		sum += n
	}
	if got := site.ExampleCounts(); sum != 21 || got["rsvp-yes"] != 1 || got["mention"] != 3 || got["like"] != 2 {
		t.Errorf("counts: %v", got)
	}
}

// everyShape is a page with a response of each kind, at times that stand still.
func everyShape(t *testing.T, w *world) site.Found {
	post := w.create(entry("content", "x"), "post")
	pass(time.Until(time.Date(2000, 1, 1, 0, 1, 0, 0, time.UTC)))
	at := time.Date(2026, 11, 21, 18, 5, 0, 0, time.FixedZone("", -5*3600))
	bea := mf2.Author{Name: `Bea "<i>" & 'co'`, URL: "https://bea.example/"}
	for i, v := range []store.Version{
		{Type: "reply", Author: bea, Name: "Re", HTML: "<b>x</b> & y", Text: "x & y", Published: at, Language: "es"},
		{Type: "reply", Author: bea, Text: "only <text> https://example.net/"},
		{Type: "like", Author: bea}, {Type: "repost"}, {Type: "bookmark", Name: "To read"},
		{Type: "rsvp", RSVP: "yes"}, {Type: "rsvp", RSVP: "interested", Text: "Perhaps"},
		{Type: "mention", Text: "They wrote about it."}, {Type: "reaction", Text: "🎉"}, {Type: "follow"}, {Type: "tag"},
	} {
		w.show(post, "https://bea.example/"+string(rune('a'+i)), post+"#c1", v)
	}
	found, err := w.talk.Find(t.Context(), site.Query{Targets: []string{post}, Upwards: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range found.Responses {
		found.Responses[i].ID = "id" + string(rune('a'+i)) // they are made by chance
	}
	return found
}

// READ-API 3 and 4, RFC 4287, JSON Feed 1.1: each answer in each shape, to the byte.
func TestShapes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		found := everyShape(t, w)
		golden(t, "mentions.jf2.json", indented(t, found.JF2()))
		golden(t, "links.json", indented(t, found.Links()))
		golden(t, "feed.json", indented(t, w.site.JSONFeed(found, "https://me.example/-/api/feed.json")))
		golden(t, "mf2.json", indented(t, found.Microformats()))
		atom, err := w.site.Atom(found, "https://me.example/-/api/mentions.atom?a=1&b=2")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "mentions.atom", atom)
		for d := xml.NewDecoder(bytes.NewReader(atom)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if bytes.Contains(atom, []byte("<b>")) {
			t.Error("a stranger's markup is the feed's")
		}
	})
}

// RFC 4287, section 4.2.15: readers of a feed are told when a text became another.
func TestFeedsTellOfEdits(t *testing.T) {
	s := &site.Site{Key: "me.example", URL: parse(t, "https://me.example/"), Base: "https://me.example/-/", Language: "en"}
	at := time.Date(2026, 11, 21, 18, 5, 0, 0, time.FixedZone("", -5*3600))
	for edited, says := range map[time.Time]bool{{}: false, at.Add(-time.Hour): false, at.Add(time.Hour): true} {
		found := site.Found{Responses: []site.Response{{ID: "a", Type: "reply", Text: "Hola", Received: at, Edited: edited}}}
		want := map[bool]string{false: "2026-11-21T23:05:00Z", true: "2026-11-22T00:05:00Z"}[says]
		atom, err := s.Atom(found, "https://me.example/-/api/mentions.atom")
		if err != nil || strings.Count(string(atom), "<updated>"+want+"</updated>") != 2 {
			t.Errorf("edited at %s: got %s, %v", edited, atom, err)
		}
		if got := s.JSONFeed(found, "x").Items[0].Modified; (got == want) != says {
			t.Errorf("edited at %s: got %q", edited, got)
		}
	}
}

// What there is none of has a shape as well.
func TestShapesOfNothing(t *testing.T) {
	s := &site.Site{Key: "me.example", URL: parse(t, "https://me.example/"), Base: "https://me.example/-/", Language: "en"}
	var none site.Found
	atom, err := s.Atom(none, "https://me.example/-/api/mentions.atom")
	if err != nil || !strings.Contains(string(atom), "<updated>1970-01-01T00:00:00Z</updated>") {
		t.Errorf("atom: %s, %v", atom, err)
	}
	for got, want := range map[string]string{
		string(indented(t, none.Links())):        "{\n \"links\": []\n}\n",
		string(indented(t, none.JF2().Children)): "[]\n",
		string(indented(t, none.Microformats())): "{\n \"items\": [\n  {\n   \"type\": [\n    \"h-feed\"\n   ],\n   \"properties\": {\n    \"name\": [\n     \"Webmentions\"\n    ]\n   }\n  }\n ],\n \"rels\": {},\n \"rel-urls\": {}\n}\n",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if f := s.JSONFeed(none, "x"); f.Items == nil {
		t.Error("a feed without items has null for them")
	}
}
