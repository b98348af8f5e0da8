package publish_test

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"tertulia/internal/publish"
	"tertulia/mf2"
)

// inert fails when a page has anything in it that runs or leads to something that does.
func inert(t *testing.T, name, body string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"script", "iframe", "object", "embed", "base", "style"}, n.Data) {
			t.Errorf("%s has a <%s>", name, n.Data)
		}
		for _, a := range n.Attr {
			v := strings.ToLower(strings.TrimSpace(a.Val))
			urlAttr := slices.Contains([]string{"href", "src", "action", "poster", "cite"}, a.Key)
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" ||
				urlAttr && (strings.HasPrefix(v, "javascript:") || strings.HasPrefix(v, "data:") || strings.HasPrefix(v, "vbscript:")) {
				t.Errorf("%s has <%s %s=%q>", name, n.Data, a.Key, a.Val)
			}
		}
	}
}

// read publishes one post and reads its page and the home page back.
func read(t *testing.T, p publish.Post) (page, home mf2.Page, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	if err := english(dir).Publish(t.Context(), change(p)); err != nil {
		t.Fatal(err)
	}
	files = tree(t, dir)
	parse := func(name, at string) mf2.Page {
		u, _ := url.Parse(at)
		page, _, err := mf2.Parse(strings.NewReader(files[name]), "text/html", u)
		if err != nil {
			t.Fatal(err)
		}
		inert(t, name, files[name])
		return page
	}
	path := strings.TrimPrefix(p.Permalink, "https://ana.example/")
	return parse(path+"index.html", p.Permalink), parse("index.html", "https://ana.example/"), files
}

var cite = map[string]any{"type": []any{"h-cite"}, "properties": map[string]any{
	"url": []any{"https://bruno.example/pan"}, "name": []any{"Pan lento"}, "published": []any{"2026-11-20T10:00:00Z"},
	"author":  []any{map[string]any{"type": []any{"h-card"}, "properties": map[string]any{"name": []any{"Bruno"}}}},
	"content": []any{"La masa no tiene prisa"}}}

// A post of every kind says on its page, and in the feed on the home page, what it
// said when it was posted (MF-10, MF-15).
func TestPostsOfEveryKind(t *testing.T) {
	for _, c := range []struct {
		kind string
		item mf2.Item
		html string
		want map[string][]string // properties and their texts or addresses
	}{
		{"note", entry("content", "Hola", "category", "pan", "category", "bicis"), "<p>Hola</p>",
			map[string][]string{"content": {"Hola"}, "category": {"pan", "bicis"}, "published": {"2026-11-21T12:00:00Z"}}},
		{"article", entry("name", "La mesa", "summary", "Sobre mesas", "content", "Había una vez"), "<p>Había una vez</p>",
			map[string][]string{"name": {"La mesa"}, "summary": {"Sobre mesas"}}},
		{"photo", entry("photo", map[string]any{"value": "https://ana.example/f.jpg", "alt": "Un faro"}), "",
			map[string][]string{"photo": {"https://ana.example/f.jpg"}}},
		{"video", entry("video", "/media/v.mp4"), "", map[string][]string{"video": {"https://ana.example/media/v.mp4"}}},
		{"audio", entry("audio", "https://ana.example/a.mp3"), "", map[string][]string{"audio": {"https://ana.example/a.mp3"}}},
		{"reply", entry("in-reply-to", "https://bruno.example/pan"), "<p>Sí</p>", map[string][]string{"in-reply-to": {"https://bruno.example/pan"}, "content": {"Sí"}}},
		{"reply", entry("in-reply-to", cite), "<p>Sí</p>", map[string][]string{"in-reply-to": {"https://bruno.example/pan"}, "content": {"Sí"}}},
		{"reply", entry("in-reply-to", map[string]any{"value": "https://bruno.example/v"}), "", map[string][]string{"in-reply-to": {"https://bruno.example/v"}}},
		{"like", entry("like-of", cite), "", map[string][]string{"like-of": {"https://bruno.example/pan"}}},
		{"repost", entry("repost-of", "https://bruno.example/pan"), "", map[string][]string{"repost-of": {"https://bruno.example/pan"}}},
		{"bookmark", entry("bookmark-of", "https://bruno.example/pan", "name", "Un buen pan"), "", map[string][]string{"bookmark-of": {"https://bruno.example/pan"}, "name": {"Un buen pan"}}},
		{"rsvp", entry("in-reply-to", "https://ev.example/1", "rsvp", "Yes"), "", map[string][]string{"rsvp": {"yes"}, "in-reply-to": {"https://ev.example/1"}}},
		{"event", entry("name", "Tertulia", "start", "2026-12-01T19:00:00+01:00", "end", "2026-12-01", "location", "Café Central"), "",
			map[string][]string{"name": {"Tertulia"}, "start": {"2026-12-01T19:00:00+01:00"}, "end": {"2026-12-01"}, "location": {"Café Central"}}},
		{"checkin", entry("checkin", map[string]any{"type": []any{"h-card"}, "properties": map[string]any{
			"name": []any{"El faro"}, "url": []any{"https://faro.example/"}, "latitude": []any{"28.4"}, "longitude": []any{"-16.5"}, "locality": []any{"La Laguna"}}}), "",
			map[string][]string{"checkin": {"https://faro.example/"}}},
	} {
		p := publish.Post{Permalink: "https://ana.example/2026/11/21/x/", Item: c.item, Kind: c.kind, HTML: c.html, Published: noon, Revision: "r"}
		page, home, _ := read(t, p)
		for where, in := range map[string]mf2.Page{"page": page, "home page": home} {
			got, ok := in.Entry()
			if !ok {
				t.Fatalf("%s: the %s has no h-entry", c.kind, where)
			}
			for name, want := range c.want {
				values := got.Strings(name)
				if slices.Contains([]string{"photo", "video", "audio", "in-reply-to", "like-of", "repost-of", "bookmark-of", "checkin"}, name) {
					values = got.URLs(name)
				}
				if diff := cmp.Diff(want, values); diff != "" {
					t.Errorf("%s on the %s: %s (-want +got):\n%s", c.kind, where, name, diff)
				}
			}
			if diff := cmp.Diff([]string{p.Permalink}, got.URLs("url")); diff != "" {
				t.Errorf("%s on the %s: url (-want +got):\n%s", c.kind, where, diff)
			}
			if got.Get("author") != "Ana" {
				t.Errorf("%s on the %s: author %q, want Ana", c.kind, where, got.Get("author"))
			}
			if kind := got.Kind(); kind != c.kind {
				t.Errorf("%s on the %s is read as %s", c.kind, where, kind)
			}
		}
	}
}

func TestPostPageShowsWhereItBelongs(t *testing.T) {
	p := note()
	p.Updated = noon.Add(time.Hour)
	p.Syndication = []string{"https://social.example/@ana/1", "javascript:alert(1)"}
	p.Item = entry("photo", map[string]any{"value": "https://ana.example/f.jpg", "alt": `Un "faro"`}, "in-reply-to", cite)
	page, home, files := read(t, p)
	got, _ := page.Entry()
	if diff := cmp.Diff([]string{"https://social.example/@ana/1"}, got.URLs("syndication")); diff != "" {
		t.Errorf("syndication (-want +got):\n%s", diff)
	}
	if got.Get("updated") != "2026-11-21T13:00:00Z" {
		t.Errorf("updated: got %q", got.Get("updated"))
	}
	body := files["2026/11/21/hola/index.html"]
	for _, want := range []string{
		`<html lang="es">`,
		`<meta name="tertulia-revision" content="rev-1">`,
		`<link rel="canonical" href="https://ana.example/2026/11/21/hola/">`,
		`<link rel="alternate" type="application/atom+xml" title="Ana&#39;s café" href="/feed.xml">`,
		`<link rel="webmention" href="https://talk.example/ana.example/webmention?x=1&amp;y=2">`,
		`<link rel="micropub" href="https://talk.example/ana.example/micropub">`,
		`<meta property="og:image" content="https://ana.example/f.jpg">`,
		`alt="Un &#34;faro&#34;"`,
		`<tertulia-conversation target="https://ana.example/2026/11/21/hola/"><a href="https://talk.example/ana.example/conversation?url=https%3A%2F%2Fana.example%2F2026%2F11%2F21%2Fhola%2F">[post.conversation]</a></tertulia-conversation>`,
		`<a class="u-url p-name" href="https://bruno.example/pan" dir="auto">Pan lento</a>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s in:\n%s", want, body)
		}
	}
	card, ok := home.RepresentativeCard()
	if !ok || card.Get("name") != "Ana" || card.Get("note") != "Pan y bicis" {
		t.Errorf("representative h-card: got %v, %v", card, ok)
	}
	if !slices.Contains(home.Rels["me"], "https://social.example/@ana") {
		t.Errorf("rel=me: got %v", home.Rels["me"])
	}
}

// T-MF08, HOSTILE 29 and 30: text from the post makes no element and no attribute,
// and dangerous addresses are not linked.
func TestHostilePropertiesAreInert(t *testing.T) {
	breaking := `x" onmouseover="alert(1)' <script>alert(1)</script><img src=x onerror=alert(1)>`
	for _, address := range []string{"javascript:alert(1)", "JaVa\tScript:alert(1)", "\x01javascript:alert(1)", "data:text/html,<script>alert(1)</script>",
		"vbscript:x", "javascript://ana.example/%0aalert(1)", "//evil.example/x", "https://evil.example/\" onmouseover=\"x", breaking} {
		it := entry()
		for _, name := range []string{"name", "summary", "content", "category", "location", "start", "end", "rsvp", "checkin", "unknown"} {
			it.Properties[name] = []any{breaking, map[string]any{"html": "<script>alert(1)</script>", "value": breaking}}
		}
		card := map[string]any{"type": []any{"h-card"}, "properties": map[string]any{"name": []any{breaking}, "url": []any{address}, "photo": []any{address}, "latitude": []any{breaking}}}
		nested := map[string]any{"type": []any{"h-cite"}, "properties": map[string]any{"url": []any{address}, "name": []any{breaking}, "author": []any{card}, "content": []any{breaking}, "published": []any{breaking}}}
		for _, name := range []string{"in-reply-to", "like-of", "repost-of", "bookmark-of", "photo", "video", "audio", "category", "checkin", "location", "syndication"} {
			it.Properties[name] = append(it.Properties[name], address, nested, map[string]any{"value": address, "alt": breaking}, card, 42, nil, []any{address}, map[string]any{"alt": 1})
		}
		p := publish.Post{Permalink: "https://ana.example/2026/11/21/x/", Item: it, Kind: breaking, HTML: "<p>bien</p>", Published: noon,
			Revision: breaking, Syndication: []string{address}}
		c := change(p)
		c.Site.Name, c.Site.Language = breaking, breaking
		c.Site.Author.Properties = map[string][]any{"name": {breaking}, "note": {breaking}, "url": {address}, "photo": {address}}
		c.Site.Links = map[string]string{"webmention": address}
		dir := t.TempDir()
		if err := english(dir).Publish(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for name, body := range tree(t, dir) {
			if strings.HasSuffix(name, ".html") {
				inert(t, name, body)
			}
			if name == "feed.xml" {
				inert(t, name, feedOf(t, body).Entries[0].Content.Text)
			}
		}
	}
}

type feed struct {
	XMLName xml.Name  `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string    `xml:"id"`
	Title   string    `xml:"title"`
	Updated time.Time `xml:"updated"`
	Links   []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Author struct {
		Name string `xml:"name"`
	} `xml:"author"`
	Entries []struct {
		ID      string    `xml:"id"`
		Title   string    `xml:"title"`
		Updated time.Time `xml:"updated"`
		Content struct {
			Type string `xml:"type,attr"`
			Text string `xml:",chardata"`
		} `xml:"content"`
	} `xml:"entry"`
}

func feedOf(t *testing.T, body string) feed {
	t.Helper()
	var f feed
	if err := xml.Unmarshal([]byte(body), &f); err != nil {
		t.Fatalf("feed.xml: %v\n%s", err, body)
	}
	return f
}

func TestFeedIsAtomWithPermalinksAsIDs(t *testing.T) {
	p := note()
	p.Updated = noon.Add(2 * time.Hour)
	p.HTML = "<p>1 &lt; 2 ]]> &amp; \x01</p>"
	_, _, files := read(t, p)
	f := feedOf(t, files["feed.xml"])
	if f.ID != "https://ana.example/" || f.Title != "Ana's café" || f.Author.Name != "Ana" || !f.Updated.Equal(p.Updated) {
		t.Errorf("feed: got id %q, title %q, author %q, updated %v", f.ID, f.Title, f.Author.Name, f.Updated)
	}
	if len(f.Links) < 2 || f.Links[0].Rel != "self" || f.Links[0].Href != "https://ana.example/feed.xml" {
		t.Errorf("links: got %v", f.Links)
	}
	e := f.Entries[0]
	if e.ID != p.Permalink || e.Title == "" || e.Content.Type != "html" || !e.Updated.Equal(p.Updated) || !strings.Contains(e.Content.Text, "1 &lt; 2") {
		t.Errorf("entry: got %+v", e)
	}
}

// WebSub: the feed names its hub, so that readers find it.
func TestFeedNamesItsHub(t *testing.T) {
	dir, c := t.TempDir(), change(note())
	c.Site.Hub = "https://hub.example/"
	if err := english(dir).Publish(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(dir, "feed.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if links := feedOf(t, string(body)).Links; len(links) == 0 || links[len(links)-1].Rel != "hub" || links[len(links)-1].Href != "https://hub.example/" {
		t.Errorf("links: got %v", links)
	}
}

func TestListsAreBoundedAndLinked(t *testing.T) {
	dir := t.TempDir()
	c := change(note())
	for range 30 {
		c.Recent = append(c.Recent, note())
	}
	c.Months = []publish.Month{{Year: 2027, Month: 1, Posts: 4}, {Year: 2026, Month: 11, Posts: 1}, {Year: 2026, Month: 3, Posts: 2}}
	if err := english(dir).Publish(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	files := tree(t, dir)
	if n := strings.Count(files["index.html"], "<article"); n != 20 {
		t.Errorf("home page: got %d posts, want 20", n)
	}
	for name, want := range map[string][]string{
		"index.html":         {`href="https://ana.example/2027/"`, `href="https://ana.example/2026/"`},
		"2026/index.html":    {`href="https://ana.example/2026/11/"`, `href="https://ana.example/2026/03/"`, "[site.posts 2]"},
		"2026/11/index.html": {`href="https://ana.example/2027/01/" rel="next"`, `href="https://ana.example/2026/03/" rel="prev"`, `href="/2026/"`},
	} {
		for _, w := range want {
			if !strings.Contains(files[name], w) {
				t.Errorf("%s lacks %s in:\n%s", name, w, files[name])
			}
		}
	}
}

// A photo of which something is known is offered in sizes, and has its place on the page
// before it is there; any other is an address. The feed has addresses alone.
func TestPhotosAreOfferedInSizes(t *testing.T) {
	const address = "https://ana.example/-/media/f.jpg"
	smaller := func(widths ...int) (all []publish.Smaller) {
		for _, w := range widths {
			all = append(all, publish.Smaller{URL: fmt.Sprintf("https://ana.example/-/media/f-%d.jpg", w), Width: w})
		}
		return all
	}
	plain := ` loading="lazy" decoding="async">`
	for name, c := range map[string]struct {
		photo any
		known map[string]publish.Picture
		want  string // after src and alt
	}{
		"nothing known": {address, nil, plain},
		"elsewhere":     {"https://other.example/f.jpg", map[string]publish.Picture{address: {Width: 9, Height: 9}}, plain},
		"a line":        {address, map[string]publish.Picture{address: {Width: 1, Height: 9000}}, ` width="1" height="672"` + plain},
		"small":         {address, map[string]publish.Picture{address: {Width: 400, Height: 300}}, ` width="400" height="300"` + plain},
		"no size":       {address, map[string]publish.Picture{address: {Smaller: smaller(480)}}, plain},
		"large": {address, map[string]publish.Picture{address: {Width: 4000, Height: 3000, Smaller: smaller(480, 960, 1600)}},
			` width="896" height="672" srcset="https://ana.example/-/media/f-480.jpg 480w, https://ana.example/-/media/f-960.jpg 960w, ` +
				`https://ana.example/-/media/f-1600.jpg 1600w, https://ana.example/-/media/f.jpg 4000w" sizes="(min-width: 40.5rem) 38rem, calc(100vw - 2.5rem)"` + plain},
		"upright": {map[string]any{"value": address, "alt": ""}, map[string]publish.Picture{address: {Width: 3000, Height: 4000, Smaller: smaller(480)}},
			` width="504" height="672" srcset="https://ana.example/-/media/f-480.jpg 480w, https://ana.example/-/media/f.jpg 3000w" sizes="(min-width: 34rem) 31.5rem, calc(100vw - 2.5rem)"` + plain},
		"not as wide as the text": {address, map[string]publish.Picture{address: {Width: 500, Height: 100, Smaller: smaller(480)}},
			` width="500" height="100" srcset="https://ana.example/-/media/f-480.jpg 480w, https://ana.example/-/media/f.jpg 500w" sizes="(min-width: 33.75rem) 31.25rem, calc(100vw - 2.5rem)"` + plain},
		"an address that breaks out": {address, map[string]publish.Picture{address: {Width: 900, Height: 100, Smaller: []publish.Smaller{{URL: `javascript:alert(1)`, Width: 480}, {URL: `https://x.example/" onload="x`, Width: 481}}}},
			` width="900" height="100" srcset="#ZgotmplZ,#ZgotmplZ, https://ana.example/-/media/f.jpg 900w" sizes="(min-width: 40.5rem) 38rem, calc(100vw - 2.5rem)"` + plain},
	} {
		p := publish.Post{Permalink: "https://ana.example/2026/11/21/x/", Item: entry("photo", c.photo), Kind: "photo", Published: noon, Revision: "r", Pictures: c.known}
		page, home, files := read(t, p)
		src, _ := c.photo.(string)
		if src == "" {
			src = address
		}
		want := `<img class="u-photo" src="` + src + `" alt=""`
		for where, body := range map[string]string{"page": files["2026/11/21/x/index.html"], "home page": files["index.html"]} {
			if !strings.Contains(body, want+c.want) {
				t.Errorf("%s: the %s lacks %s in:\n%s", name, where, want+c.want, body)
			}
		}
		if content := feedOf(t, files["feed.xml"]).Entries[0].Content.Text; !strings.Contains(content, want+plain) {
			t.Errorf("%s: the feed lacks %s in:\n%s", name, want+plain, content)
		}
		for where, in := range map[string]mf2.Page{"page": page, "home page": home} {
			if got, _ := in.Entry(); !slices.Equal(got.URLs("photo"), []string{src}) {
				t.Errorf("%s: the photo on the %s is read as %v", name, where, got.URLs("photo"))
			}
		}
	}
}
