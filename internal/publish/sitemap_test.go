package publish_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish"
	"tertulia/internal/webtest"
)

// A site's map, and those that it names, tell where its pages are; other sites' maps, pages
// that are not there and nonsense tell nothing, and what is down is an error.
func TestSiteAddresses(t *testing.T) {
	web := webtest.New(t)
	answers := map[string]string{
		"/sitemap.xml": `<?xml version="1.0"?><sitemapindex><sitemap><loc> /posts.xml </loc></sitemap><sitemap><loc>https://evil.example/map.xml</loc></sitemap><sitemap><loc>/none.xml</loc></sitemap></sitemapindex>`,
		"/posts.xml":   `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://ana.example/posts/mano.html</loc><lastmod>2020</lastmod></url><url><loc>https://ana.example/b/?a=1&amp;b=2</loc></url></urlset>`,
	}
	web.Handle("ana.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(body))
	}))
	got, err := publish.SiteAddresses(web.Client(), "https://ana.example/")(t.Context())
	want := []string{"https://ana.example/posts/mano.html", "https://ana.example/b/?a=1&b=2"}
	if d := cmp.Diff(want, got.URLs); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if n := len(web.Requests("evil.example")); n != 0 {
		t.Errorf("another site was asked %d times", n)
	}
	answers["/sitemap.xml"] = "<urlset><url><loc>https://ana.example/</l"
	if got, err := publish.SiteAddresses(web.Client(), "https://ana.example/")(t.Context()); err == nil {
		t.Errorf("half a map: got %v", got)
	}
	delete(answers, "/sitemap.xml")
	if got, err := publish.SiteAddresses(web.Client(), "https://ana.example/")(t.Context()); err != nil || got.URLs != nil {
		t.Errorf("no map: got %v, %v", got, err)
	}
	web.Down("ana.example", true)
	if _, err := publish.SiteAddresses(web.Client(), "https://ana.example/")(t.Context()); err == nil {
		t.Error("a site that is down: got no error")
	}
}

// A site without a map has the addresses of its newest pages in its feeds; what its home page
// does not call one, and another's, is not read.
func TestAddressesFromFeeds(t *testing.T) {
	web := webtest.New(t)
	answers := map[string]string{
		"/": `<!doctype html><link rel="alternate" type="application/atom+xml" href="/feed.xml"><LINK REL="Alternate" TYPE="application/rss+xml" HREF="https://ana.example/rss">
<link rel="alternate" type="text/html" href="/en/"><link rel="alternate" type="application/atom+xml" href="https://evil.example/feed"><link rel="alternate" type="application/atom+xml" href="/none">`,
		"/feed.xml": `<feed xmlns="http://www.w3.org/2005/Atom"><link href="/feed.xml" rel="self"/><link href="https://ana.example/"/>
<entry><link rel="enclosure" href="/a.mp3"/><link href="https://ana.example/posts/mano/"/></entry><entry><link rel="alternate" href="/posts/b/"/></entry></feed>`,
		"/rss": `<rss><channel><link>https://ana.example/</link><item><link> https://ana.example/posts/c.html </link><guid>x</guid></item><item><link>https://evil.example/d</link></item></channel></rss>`,
	}
	web.Handle("ana.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(body))
	}))
	got, err := publish.SiteAddresses(web.Client(), "https://ana.example/")(t.Context())
	want := []string{"https://ana.example/posts/mano/", "https://ana.example/posts/b/", "https://ana.example/posts/c.html"}
	if d := cmp.Diff(want, got.URLs); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if n := len(web.Requests("evil.example")); n != 0 {
		t.Errorf("another site was asked %d times", n)
	}
}
