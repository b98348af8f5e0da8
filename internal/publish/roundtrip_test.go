package publish_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tertulia/internal/publish"
	"tertulia/mf2"
)

const home = "https://ana.example/"

func preset(t testing.TB, name string) *publish.Preset {
	t.Helper()
	p, err := publish.NewPreset(name, home, publish.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// promised is a post with the address and the file that it gets when it is created.
func promised(t testing.TB, p *publish.Preset, post publish.Post) publish.Post {
	t.Helper()
	var err error
	if post.Permalink, err = p.Address(post); err != nil {
		t.Fatal(err)
	}
	if post.File, err = p.File(post); err != nil {
		t.Fatal(err)
	}
	return post
}

// sent is an item as a JSON client sends it.
func sent(t testing.TB, text string) mf2.Item {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var it mf2.Item
	if err := d.Decode(&it); err != nil {
		t.Fatal(err)
	}
	return it
}

// every is a post of every type (SPECS 8.3, SITES 1), with what clients send in them.
var every = []struct{ name, item, html string }{
	{"note", `{"type":["h-entry"],"properties":{"content":["Hola, *mesa*.\n\nDos párrafos 🎉"],"category":["pan","bicis"]}}`, ""},
	{"article", `{"type":["h-entry"],"properties":{"name":["La mesa: un \"cuento\""],"summary":["Sobre mesas"],"content":[{"html":"<p>Había <b>una</b> vez</p>"}],"published":["2026-11-20T10:00:00+01:00"]}}`, "<p>Había <b>una</b> vez</p>"},
	{"photo", `{"type":["h-entry"],"properties":{"photo":[{"value":"https://ana.example/f.jpg","alt":"Un faro"},"https://ana.example/g.jpg"],"content":["El faro"]}}`, ""},
	{"video", `{"type":["h-entry"],"properties":{"video":["https://ana.example/v.mp4"],"content":["Película"]}}`, ""},
	{"audio", `{"type":["h-entry"],"properties":{"audio":["https://ana.example/a.mp3"],"content":["Suena"]}}`, ""},
	{"bookmark", `{"type":["h-entry"],"properties":{"bookmark-of":["https://bruno.example/pan"],"name":["Un buen pan"],"content":["Leer"]}}`, ""},
	{"like", `{"type":["h-entry"],"properties":{"like-of":["https://bruno.example/pan"]}}`, ""},
	{"reply", `{"type":["h-entry"],"properties":{"in-reply-to":[{"type":["h-cite"],"properties":{"url":["https://bruno.example/pan"],"name":["Pan"]}}],"content":["Sí"]}}`, ""},
	{"repost", `{"type":["h-entry"],"properties":{"repost-of":["https://bruno.example/pan"],"content":["Mirad"]}}`, ""},
	{"rsvp", `{"type":["h-entry"],"properties":{"in-reply-to":["https://ev.example/1"],"rsvp":["yes"],"content":["Voy"]}}`, ""},
	{"event", `{"type":["h-event"],"properties":{"name":["Tertulia"],"start":["2026-12-01T19:00:00+01:00"],"end":["2026-12-01"],"location":[{"type":["h-card"],"properties":{"name":["Café Central"],"latitude":[28.4],"longitude":[-16.50]}}],"content":["Venid"]}}`, ""},
	{"checkin", `{"type":["h-entry"],"properties":{"checkin":[{"type":["h-card"],"properties":{"name":["El faro"],"url":["https://faro.example/"],"latitude":["28.4"],"altitude":[1e3],"x":[null,true,{"$json":"1"}]}}],"content":["Aquí"]}}`, ""},
	{"jam", `{"type":["h-entry"],"properties":{"jam-of":["https://song.example/"],"name":["A song"],"content":["La la"]},"children":[{"type":["h-cite"],"properties":{"n":[1]}}]}`, ""},
	{"odd", `{"type":["h-entry","h-x"],"properties":{"content":["---\ntitle: no\n---\n{{< x >}} {{ y }} {% z %}\r\n",5],"name":["no"],"category":["2026-11-22","yes",{"type":["h-card"],"properties":{"name":["Bea"]}}],"a.b":["x"],"":[""],"empty":[],"updated":["2026"]}}`, ""},
}

func postOf(t testing.TB, p *publish.Preset, i int) publish.Post {
	it := sent(t, every[i].item)
	post := publish.Post{Item: it, Kind: it.Kind(), HTML: every[i].html, Published: noon.Add(123456789), Revision: "1", Slug: "hola-" + every[i].name}
	if at, err := time.Parse(time.RFC3339, it.Get("published")); err == nil {
		post.Published = at
	}
	return promised(t, p, post)
}

// returned is what Decode owes: what was sent, and the date that the post was given.
func returned(post publish.Post) mf2.Item {
	want := post.Item.Clone()
	if len(want.Properties["published"]) == 0 && !post.Published.IsZero() {
		want.Properties["published"] = []any{post.Published.Truncate(time.Second).Format(time.RFC3339)}
	}
	return want
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The file of a post gives it back as it was sent (SITES 1: q=source round-trips), by
// every preset, every type, every format.
func TestDecodeGivesBackWhatWasSent(t *testing.T) {
	for _, name := range publish.Presets() {
		for _, format := range []string{"", "yaml", "toml", "json"} {
			p, err := publish.NewPreset(name, home, publish.Overrides{Format: format})
			if err != nil {
				t.Fatal(err)
			}
			for i := range every {
				post := postOf(t, p, i)
				data, err := p.Encode(post)
				if err != nil {
					t.Fatalf("%s %s: %v", name, every[i].name, err)
				}
				got, err := p.Decode(post.File, data, post.Permalink)
				if err != nil {
					t.Fatalf("%s %s: %v in\n%s", name, every[i].name, err, data)
				}
				if diff := cmp.Diff(asJSON(t, returned(post)), asJSON(t, got)); diff != "" {
					t.Errorf("%s %s %s (-sent +got):\n%s in\n%s", name, format, every[i].name, diff, data)
				}
			}
		}
	}
}

func anyValue(depth int) *rapid.Generator[any] {
	word := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "no", "2026-11-22", "~", "null", "1e3", "- x", "# y", "---", "+++",
		"{{< x >}}", "{% raw %}", "a\r\nb", "\u2028", "\u00a0x ", "@a", "<p>x</p>", "https://bruno.example/pan", "draft", "unlisted", "<<", "\x00\x1b"}))
	kinds := []*rapid.Generator[any]{
		rapid.Map(word, func(s string) any { return s }),
		rapid.Map(word, func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.SampledFrom([]string{"0", "-0", "1.50", "28.4", "1e400", "12345678901234567890", "-7", "0.1", "1E2"}), func(s string) any { return json.Number(s) }),
		rapid.Just[any](nil),
	}
	if depth > 0 {
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(anyValue(depth-1), 0, 3), func(v []any) any { return v }),
			rapid.Map(rapid.MapOfN(rapid.OneOf(word, rapid.SampledFrom([]string{"value", "html", "alt", "type", "properties", "url", "$json"})), anyValue(depth-1), 0, 3), func(v map[string]any) any { return v }),
		)
	}
	return rapid.OneOf(kinds...)
}

func anyItem() *rapid.Generator[mf2.Item] {
	names := []string{"name", "content", "summary", "published", "category", "photo", "video", "in-reply-to", "like-of", "rsvp", "start", "location",
		"checkin", "visibility", "post-status", "syndication", "updated", "x", "a.b", "Ñ", "", "$", "$$", "type", "children", "properties"}
	return rapid.Custom(func(t *rapid.T) mf2.Item {
		it := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{}}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 6, rapid.ID[string]).Draw(t, "names") {
			it.Properties[name] = rapid.SliceOfN(anyValue(3), 1, 3).Draw(t, name)
		}
		if rapid.IntRange(0, 5).Draw(t, "event") == 0 {
			it.Type = []string{"h-event"}
			it.Children = []mf2.Item{{Type: []string{"h-cite"}, Properties: map[string][]any{"x": {anyValue(2).Draw(t, "child")}}}}
		}
		return it
	})
}

// Whatever a client sends comes back, and a change of it to anything else too.
func TestAnyItemSurvives(t *testing.T) {
	presets := map[string]*publish.Preset{}
	for _, name := range publish.Presets() {
		presets[name] = preset(t, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := presets[rapid.SampledFrom(publish.Presets()).Draw(t, "preset")]
		post := publish.Post{Kind: "note", Slug: "x", Published: noon, Revision: "1", HTML: "<p>Hola <b>x</b></p>", Permalink: "https://ana.example/notes/x/", File: "notes/x.md"}
		post.Item = anyItem().Draw(t, "item")
		post.Published = dateOf(post.Item)
		data, err := p.Encode(post)
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, post, data)
		after := post
		after.Item, after.Revision, after.Updated = anyItem().Draw(t, "after"), "2", noon.Add(time.Hour)
		after.Published = dateOf(after.Item)
		if data, err = p.Patch(data, post, after); err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
		check(t, p, after, data)
	})
}

// dateOf is the date that the site gives an item.
func dateOf(it mf2.Item) time.Time {
	if at, err := time.Parse(time.DateOnly, it.Get("published")); err == nil {
		return at
	}
	return noon
}

func check(t *rapid.T, p *publish.Preset, post publish.Post, data []byte) {
	got, err := p.Decode(post.File, data, post.Permalink)
	if err != nil {
		t.Fatalf("%s: %v in\n%s", p.Name, err, data)
	}
	want, _ := json.MarshalIndent(returned(post), "", " ")
	have, _ := json.MarshalIndent(got, "", " ")
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Fatalf("%s (-want +got):\n%s in\n%s", p.Name, diff, data)
	}
}

// A date that says less than a time does comes back as it was sent, until the owner
// gives the post another.
func TestDateByHandCounts(t *testing.T) {
	for _, name := range publish.Presets() {
		p := preset(t, name)
		post := promised(t, p, publish.Post{Item: entry("published", "2026-11-21", "content", "x"), Slug: "x", Kind: "note",
			Published: time.Date(2026, 11, 21, 0, 0, 0, 0, time.FixedZone("", 3600)), Revision: "1"})
		data, err := p.Encode(post)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ from, to, want string }{{"", "", "2026-11-21"}, {"2026-11-21T00:00:00+01:00", "2026-11-22T01:00:00Z", "2026-11-22T01:00:00Z"}} {
			it, err := p.Decode(post.File, []byte(strings.Replace(string(data), c.from, c.to, 1)), post.Permalink)
			if err != nil || it.Get("published") != c.want {
				t.Errorf("%s: got %s, %v, want %s in\n%s", name, it.Get("published"), err, c.want, data)
			}
		}
	}
}

// What the owner writes by hand counts before what was kept of the client's words.
func TestAnEditByHandCounts(t *testing.T) {
	p := preset(t, "hugo")
	for _, c := range []struct{ name, from, to, property, want string }{
		{"reply", "https://bruno.example/pan", "https://carla.example/sal", "in-reply-to", "https://carla.example/sal"},
		{"article", "Había", "Hubo", "content", "Hubo **una** vez"},
		{"event", "2026-12-01T19", "2026-12-01T20", "start", "2026-12-01T20:00:00+01:00"},
	} {
		i := slices.IndexFunc(every, func(e struct{ name, item, html string }) bool { return e.name == c.name })
		post := postOf(t, p, i)
		data, err := p.Encode(post)
		if err != nil {
			t.Fatal(err)
		}
		at := strings.Index(string(data), c.from)
		if c.property == "content" {
			at = strings.LastIndex(string(data), c.from)
		}
		edited := string(data[:at]) + c.to + string(data[at+len(c.from):])
		it, err := p.Decode(post.File, []byte(edited), post.Permalink)
		if err != nil {
			t.Fatal(err)
		}
		if got := it.Get(c.property); got != c.want {
			t.Errorf("%s: got %s %q, want %q in\n%s", c.name, c.property, got, c.want, edited)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range publish.Presets() {
		p := preset(f, name)
		for i := range every {
			data, err := p.Encode(postOf(f, p, i))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(name, data, "Hola")
		}
	}
	f.Add("jekyll", []byte("---\ntitle: x\ndate: 2019-05-04 10:00:00 +0200\ntags: a b\ncategories: [c]\nimage: /x.jpg\n---\r\n\r\nHola {% raw %}"), "x")
	f.Add("hugo", []byte("+++\ndate = 2019-05-04\n[mf2]\ntext = 1\nproperties = 3\n+++\n"), "")
	f.Add("zola", []byte("---\nextra: {mf2: {type: 1, children: [1]}}\n---"), "")
	presets := map[string]*publish.Preset{}
	for _, name := range publish.Presets() {
		presets[name] = preset(f, name)
	}
	f.Fuzz(func(t *testing.T, name string, data []byte, text string) {
		p := presets[name]
		if p == nil {
			return
		}
		it, err := p.Decode("notes/x.md", data, home+"notes/x/")
		if err != nil {
			return
		}
		if it.Properties == nil || len(it.Type) == 0 {
			t.Errorf("an item without properties or type: %v", it)
		}
		before := publish.Post{Item: it, Kind: it.Kind(), File: "notes/x.md", Permalink: home + "notes/x/"}
		same, err := p.Patch(data, before, before)
		if err == nil && string(same) != string(data) && !strings.Contains(string(data), "tertulia") {
			t.Errorf("nothing was changed, and the file is\n%q, not\n%q", same, data)
		}
		after := before
		after.Item = it.Clone()
		after.Item.Properties["name"] = []any{strings.ToValidUTF8(text, "")}
		edited, err := p.Patch(data, before, after)
		if err != nil {
			return
		}
		got, err := p.Decode("notes/x.md", edited, before.Permalink)
		if err != nil {
			t.Fatalf("%v in\n%q", err, edited)
		}
		keys := slices.Sorted(maps.Keys(got.Properties))
		for property, values := range it.Properties {
			if property != "name" && fmt.Sprint(got.Properties[property]) != fmt.Sprint(values) {
				t.Errorf("%s was %q and is %q (%v) in\n%q", property, values, got.Properties[property], keys, edited)
			}
		}
	})
}
