package publish_test

import (
	"strings"
	"testing"
	"time"

	"tertulia/internal/publish"
)

// The address of a post that its owner has written stays, whatever it is made of: an update of
// that writes it down, and any other update leaves the file alone.
func TestAnAddressThatIsMadeOfFrontMatterStays(t *testing.T) {
	was := time.Date(2019, 5, 4, 23, 30, 0, 0, time.FixedZone("", -3*3600))
	title := func(p *publish.Post) { p.Item.Properties["name"] = []any{"Otra cosa"} }
	date := func(p *publish.Post) {
		p.Published = time.Date(2020, 6, 7, 12, 0, 0, 0, time.UTC)
		p.Item.Properties["published"] = []any{"2020-06-07T12:00:00Z"}
	}
	hour := func(p *publish.Post) {
		p.Published = was.Add(-time.Hour)
		p.Item.Properties["published"] = []any{p.Published.Format(time.RFC3339)}
	}
	tags := func(p *publish.Post) { p.Item.Properties["category"] = []any{"sal"} }
	text := func(p *publish.Post) { p.Item.Properties["content"] = []any{"Otro"} }
	for _, c := range []struct {
		preset, file, key string // of front matter besides
		at                string
		update            func(*publish.Post)
		want              string // the line with the address; "": none
	}{
		{"hugo", "content/posts/x.md", "", "2019/pan-y-cafe/", title, `url: "/2019/pan-y-cafe/"`},
		{"hugo", "content/posts/x.md", "", "2019/pan-y-café/", title, `url: "/2019/pan-y-café/"`},
		{"hugo", "content/posts/x.md", "", "2019/x/", title, ""},
		{"hugo", "content/posts/x.md", "", "2019/x/", date, `url: "/2019/x/"`},
		{"hugo", "content/posts/x.md", "", "posts/x/", date, ""},
		{"hugo", "content/posts/x.md", "", "2019/may/x/", date, `url: "/2019/may/x/"`},
		{"hugo", "content/posts/x.md", "", "2019/05/04/x/", hour, ""},
		{"hugo", "content/posts/x.md", "", "2019/05/05/x/", hour, ""},
		{"hugo", "content/posts/x.md", "", "pan/pan-y-cafe/", text, ""},
		{"hugo", "content/posts/x.md", "url: /pan-y-cafe/\n", "pan-y-cafe/", title, "url: /pan-y-cafe/"},
		{"hugo", "content/posts/x.md", "url: /:year/:title/\n", "2019/pan-y-cafe/", title, `url: "/2019/pan-y-cafe/"`},
		{"jekyll", "_posts/2019-05-04-x.md", "", "2019/05/04/pan-y-cafe.html", title, ""},
		{"jekyll", "_posts/2019-05-04-x.md", "", "2019/05/04/x.html", date, `permalink: "/2019/05/04/x.html"`},
		{"jekyll", "_posts/2019-05-04-x.md", "", "pan/2019/05/04/x.html", tags, `permalink: "/pan/2019/05/04/x.html"`},
		{"jekyll", "_posts/2019-05-04-x.md", "", "2019/05/04/x.html", tags, ""},
		{"eleventy", "posts/x.md", "permalink: /{{ title | slugify }}/\n", "pan-y-cafe/", title, `permalink: "/pan-y-cafe/"`},
		{"eleventy", "posts/x.md", "", "posts/x/", title, ""},
		{"zola", "content/x.md", "", "pan-y-cafe/", title, ""}, // of the file's name, or slug
		{"astro", "src/content/blog/x.md", "", "blog/pan-y-cafe/", title, ""},
		{"plain", "x.md", "", "2019/pan-y-cafe/", title, `permalink: "/2019/pan-y-cafe/"`},
	} {
		p := preset(t, c.preset)
		old := "---\ntitle: Pan & café\n# mine\n" + c.key + "tags: [pan]\n---\nHace mucho.\n"
		if strings.Contains(c.at, "pan-y") {
			old = strings.Replace(old, "&", "y", 1)
		}
		before := publish.Post{Permalink: home + strings.ReplaceAll(c.at, "é", "%C3%A9"), File: c.file, Kind: "article", Published: was}
		item, err := p.Decode(c.file, []byte(old), before.Permalink)
		if err != nil {
			t.Fatal(err)
		}
		before.Item = item
		after := before
		after.Item = item.Clone()
		c.update(&after)
		data, err := p.Patch([]byte(old), before, after)
		if err != nil {
			t.Errorf("%s %s: %v", c.preset, c.at, err)
			continue
		}
		got := ""
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, "url:") || strings.HasPrefix(line, "permalink:") || strings.HasPrefix(line, "path:") {
				got += strings.TrimSpace(line)
			}
		}
		if strings.ReplaceAll(got, `"`, "") != strings.ReplaceAll(c.want, `"`, "") || !strings.Contains(string(data), "# mine\n") {
			t.Errorf("%s at %s: got %q, want %q in\n%s", c.preset, c.at, got, c.want, data)
		}
	}
}
