package feeds_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/feeds"
)

const home = "https://me.example/blog/index.xml"

// documents are lists of all kinds, with the pages that they name.
var documents = map[string]struct {
	kind, body string
	want       []string
}{
	"atom": {"application/atom+xml", `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><link href="https://me.example/"/>
		<entry><id>tag:1</id><link rel="self" href="/x.atom"/><link rel="alternate" type="text/html" href="/1"/><updated>2026</updated></entry>
		<entry><id>https://me.example/2</id><content type="xhtml"><div><a href="/no">x</a><entry/></div></content></entry>
		<entry xml:base="/deep/"><link href="3#part"/></entry><entry><title>nowhere</title></entry></feed>`,
		[]string{"https://me.example/1", "https://me.example/2", "https://me.example/deep/3"}},
	"rss": {"text/xml", `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><link>https://me.example/</link>
		<atom:link rel="self" href="https://me.example/feed"/><item><link> https://me.example/1 </link><guid isPermaLink="false">77</guid></item>
		<item><guid>https://me.example/2</guid></item><item><guid isPermaLink="false">https://me.example/no</guid></item>
		<item><link>https://me.example/1</link></item><item><link>javascript:alert(1)</link></item></channel></rss>`,
		[]string{"https://me.example/1", "https://me.example/2"}},
	"latin-1": {"text/xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><rss><channel><item><title>ma\xf1ana</title><link>/1</link></item></channel></rss>",
		[]string{"https://me.example/1"}},
	"rdf": {"text/xml", `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><item rdf:about="https://me.example/1"><title>x</title></item></rdf:RDF>`,
		[]string{"https://me.example/1"}},
	"json": {"application/feed+json", `{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","url":"/1"},{"id":"https://me.example/2"},{"id":3},7]}`,
		[]string{"https://me.example/1", "https://me.example/2"}},
	"h-feed": {"text/html; charset=utf-8", `<!doctype html><div class="h-feed"><div class="h-entry"><a class="u-url" href="/1">1</a></div>
		<div class="h-entry"><p class="p-name">no address</p></div></div><div class="h-entry"><a class="u-url" href="/no">no</a></div>`,
		[]string{"https://me.example/1"}},
	"posts of a page":   {"text/html", `<div class="h-entry"><a class="u-url" href="1">1</a></div>`, []string{"https://me.example/blog/1"}},
	"said to be a page": {"text/html", `<urlset><url><loc>/1</loc></url></urlset>`, []string{"https://me.example/1"}},
	"sitemap": {"application/xml", `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://me.example/1</loc><lastmod>2026-11-21</lastmod></url>
		<url><loc>https://me.example/2</loc></url></urlset>`, []string{"https://me.example/1", "https://me.example/2"}},
	"an empty feed": {"text/xml", `<rss><channel></channel></rss>`, nil},
}

func TestReadFindsThePages(t *testing.T) {
	for name, tt := range documents {
		t.Run(name, func(t *testing.T) {
			list, err := feeds.Read([]byte(tt.body), tt.kind, base(t))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range list.Entries {
				got = append(got, e.URL)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("pages (-want +got):\n%s", d)
			}
		})
	}
}

func TestReadOfASitemapIndex(t *testing.T) {
	list, err := feeds.Read([]byte(`<sitemapindex><sitemap><loc>/a.xml</loc></sitemap><sitemap><loc></loc></sitemap></sitemapindex>`), "", base(t))
	if err != nil || len(list.Entries) > 0 || len(list.Maps) != 2 || list.Maps[0] != "https://me.example/a.xml" {
		t.Errorf("got %+v, %v", list, err)
	}
}

// A stamp changes with its entry and with nothing else.
func TestStampsTellWhatHasChanged(t *testing.T) {
	for name, tt := range documents {
		if len(tt.want) == 0 || name == "sitemap" || name == "said to be a page" || name == "rdf" {
			continue
		}
		before, err1 := feeds.Read([]byte(tt.body), tt.kind, base(t))
		again, err2 := feeds.Read([]byte(tt.body), tt.kind, base(t))
		if d := cmp.Diff(before, again); d != "" || errors.Join(err1, err2) != nil {
			t.Errorf("%s: the same bytes give another list: %s %v %v", name, d, err1, err2)
		}
	}
	one := `<rss><channel><item><link>/1</link><description>a</description></item><item><link>/2</link></item></channel></rss>`
	a, _ := feeds.Read([]byte(one), "", base(t))
	b, _ := feeds.Read([]byte(strings.Replace(one, ">a<", ">b<", 1)), "", base(t))
	if a.Entries[0].Stamp == b.Entries[0].Stamp || a.Entries[1].Stamp != b.Entries[1].Stamp {
		t.Errorf("stamps: %+v and %+v", a, b)
	}
}

// Half a list would look like one from which pages have gone.
func TestBrokenListsAreNoLists(t *testing.T) {
	for name, body := range map[string]string{
		"cut off": `<rss><channel><item><link>/1</link></item><item><li`, "cut between two": `<rss><channel><item><link>/1</link></item>`, "cut JSON": `{"version":"https://jsonfeed.org/version/1.1","items":[{`,
		"other JSON": `{"a":1}`, "other XML": `<html xmlns="x"/>`, "text": "hello", "nothing": "", "an error page": "<!DOCTYPE html><h1>502</h1>",
	} {
		if list, err := feeds.Read([]byte(body), "", base(t)); err == nil {
			t.Errorf("%s: got %+v", name, list)
		}
	}
}

func TestReadTellsWhenEntriesWerePublished(t *testing.T) {
	want := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	for name, body := range map[string]string{
		"atom": `<feed><entry><link href="/1"/><published>2026-11-02T11:00:00+01:00</published></entry></feed>`,
		"rss":  `<rss><channel><item><link>/1</link><pubDate>Mon, 2 Nov 2026 10:00:00 +0000</pubDate></item></channel></rss>`,
		"dc":   `<rss xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><item><link>/1</link><dc:date>2026-11-02T10:00:00Z</dc:date></item></channel></rss>`,
		"json": `{"version":"https://jsonfeed.org/version/1","items":[{"url":"/1","date_published":"2026-11-02T10:00:00Z"}]}`,
		"html": `<!doctype html><div class="h-feed"><div class="h-entry"><a class="u-url" href="/1"><time class="dt-published" datetime="2026-11-02T10:00:00Z">x</time></a></div></div>`,
	} {
		list, err := feeds.Read([]byte(body), "", base(t))
		if err != nil || len(list.Entries) != 1 || !list.Entries[0].Published.Equal(want) {
			t.Errorf("%s: got %+v, %v", name, list, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, d := range documents {
		f.Add(d.body, d.kind)
	}
	u, err := url.Parse(home)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body, kind string) {
		list, err := feeds.Read([]byte(body), kind, u)
		if err != nil && len(list.Entries)+len(list.Maps) > 0 {
			t.Errorf("an error and a list: %v", err)
		}
		for _, e := range list.Entries {
			if at, err := url.Parse(e.URL); err != nil || !at.IsAbs() || at.Host == "" {
				t.Errorf("no address: %q", e.URL)
			}
		}
	})
}

func base(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse(home)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
