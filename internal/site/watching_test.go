package site_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/internal/site"
)

// blog is a site of hand-written pages with an Atom feed.
type blog struct {
	*host
	w       *world
	entries []string // paths, the newest first
	dates   map[string]time.Time
}

func watched(s *site.Site) {
	s.Root, s.Watch, s.Publish = "", &site.Watch{}, nil
}

func (w *world) blog() *blog {
	b := &blog{host: w.host("me.example"), w: w, dates: map[string]time.Time{}}
	b.says("/", `<link rel="alternate" type="application/atom+xml; charset=utf-8" href="/feed.xml"><p>home <a href="https://home.example/">x</a>`)
	b.feed()
	return b
}

// writes puts a page on the site, and its entry at the top of the feed if it is new.
func (b *blog) writes(path, text string) {
	b.says(path, `<div class="h-entry"><p class="e-content">`+text+`</p></div>`)
	if _, known := b.dates[path]; !known {
		b.dates[path] = time.Now()
		b.entries = append([]string{path}, b.entries...)
	}
	b.feed()
}

// feed writes the feed as it is now. Each entry has all of its page, as feeds do.
func (b *blog) feed() {
	var f strings.Builder
	f.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom">`)
	for _, path := range b.entries {
		b.host.mu.Lock()
		body := b.pages[path].body
		b.host.mu.Unlock()
		fmt.Fprintf(&f, `<entry><link href="%s"/><published>%s</published><content>%x</content></entry>`, path, b.dates[path].Format(time.RFC3339), body)
	}
	body := f.String() + `</feed>`
	b.set("/feed.xml", answer{header: []string{"Content-Type", "application/atom+xml", "ETag", fmt.Sprintf("%q", fmt.Sprint(len(body)))}, body: body})
}

func link(host string) string { return `<a href="https://` + host + `.example/">x</a>` }

// begin starts the watch, as the service does.
func (b *blog) begin() {
	b.w.t.Helper()
	if err := b.w.jobs.Begin(b.w.t.Context(), b.w.site); err != nil {
		b.w.t.Fatal(err)
	}
	pass(5 * time.Minute)
}

// The first look sends nothing; after it new and changed pages are told, and only those.
func TestTheWatchTellsWhatIsNewAndChanged(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana, bob, home := w.inbox("ana.example"), w.inbox("bob.example"), w.inbox("home.example")
		b := w.blog()
		b.writes("/old", "old "+link("ana"))
		b.begin()
		pass(2 * time.Hour)
		ana.wantHeard("what was there before", 0)

		b.writes("/new", "new "+link("bob"))
		pass(time.Hour)
		bob.wantHeard("a new page", 1)
		if h := bob.heard()[0]; h.source != "https://me.example/new" || h.status != 200 {
			t.Errorf("bob was told %+v", h)
		}
		w.restart()
		b.begin()
		for range 3 { // other markup, the same words
			b.says("/old", `<!-- `+time.Now().String()+` --><div class="h-entry"><p class="e-content x">old `+link("ana")+`</p></div>`)
			b.feed()
			pass(time.Hour)
		}
		ana.wantHeard("a page that was built again", 0)
		bob.wantHeard("a page that was built again", 1)
		b.writes("/old", "old and changed "+link("bob"))
		pass(time.Hour)
		ana.wantHeard("a link that has gone", 1)
		bob.wantHeard("a page that has changed", 2)

		b.writes("/hook", "by the hook "+link("bob"))
		if err := w.outgoing().Built(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		bob.wantHeard("the hook of whoever builds", 3)
		home.wantHeard("the home page is no post", 0)
	}, watched)
}

// A feed that fails, is cut off or shrinks has not removed anything.
func TestAFeedThatFailsOrShrinksRemovesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		b := w.blog()
		for _, path := range []string{"/1", "/2", "/3"} {
			b.writes(path, path+link("ana"))
		}
		b.begin()
		for _, broken := range []answer{{status: 500}, {body: "<feed><entry>"}, {body: "<html><h1>error"}, {status: 404}, {body: `<feed></feed>`}} {
			b.set("/feed.xml", broken)
			pass(72 * time.Hour)
		}
		b.entries = b.entries[:1]
		b.feed()
		pass(72 * time.Hour)
		b.entries = []string{"/3", "/2", "/1"}
		b.feed()
		pass(72 * time.Hour)
		ana.wantHeard("while every page is there", 0)
	}, watched)
}

// A page has gone when it answers 404 or 410 twice over a day.
func TestAPageThatIsMissingForADayHasGone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		b := w.blog()
		b.writes("/1", link("ana"))
		b.writes("/2", "two")
		b.begin()
		page := b.pages["/1"]
		b.entries = []string{"/2"}
		b.feed()
		b.set("/1", answer{status: 404})
		pass(12 * time.Hour)
		b.set("/1", page)
		pass(36 * time.Hour)
		ana.wantHeard("it was away for hours", 0)
		b.entries = []string{"/2", "/1"}
		b.feed()
		pass(time.Hour)
		b.entries = []string{"/2"}
		b.feed()
		b.set("/1", answer{status: 410})
		pass(23 * time.Hour)
		w.restart()
		b.begin()
		ana.wantHeard("away for a day, almost", 0)
		pass(3 * time.Hour)
		ana.wantHeard("away for a day", 1)
		if h := ana.heard()[0]; h.status != 410 {
			t.Errorf("told when the page answered %d", h.status)
		}
		pass(72 * time.Hour)
		ana.wantHeard("once", 1)
	}, watched)
}

// An old post comes up again when a feed shows more, or when another was deleted.
func TestOldEntriesThatComeUpAreNotNew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		b := w.blog()
		for _, path := range []string{"/1", "/2", "/3"} {
			b.writes(path, path+link("ana"))
		}
		b.entries = []string{"/3", "/2"}
		b.feed()
		pass(48 * time.Hour)
		b.begin()
		b.entries = []string{"/3", "/1"}
		b.feed()
		pass(time.Hour)
		ana.wantHeard("an old post", 0)
	}, watched)
}

// "send --backlog" tells what was there before.
func TestTheBacklogIsToldWhenItsOwnerSaysSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		b := w.blog()
		b.writes("/1", link("ana"))
		b.writes("/2", "no links")
		b.begin()
		all, waiting, err := w.outgoing().Backlog(t.Context())
		if err != nil || waiting != 0 || len(all) != 1 || len(all[0].Targets) != 1 || all[0].Page != "https://me.example/1" {
			t.Fatalf("got %+v, %d, %v", all, waiting, err)
		}
		for range 2 {
			if err := w.outgoing().SendBacklog(t.Context(), all); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		ana.wantHeard("the backlog", 1)
		if all, _, err := w.outgoing().Backlog(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("after it: %+v, %v", all, err)
		}
	}, watched)
}

// Lists are asked with what they gave the last time, and all of a site's pages never at once.
func TestTheWatchIsPolite(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		b := w.blog()
		b.set("/sitemap.xml", answer{body: `<sitemapindex><sitemap><loc>https://me.example/pages.xml</loc></sitemap><sitemap><loc>https://evil.example/x.xml</loc></sitemap></sitemapindex>`})
		var pages strings.Builder
		for n := range 300 {
			fmt.Fprintf(&pages, `<url><loc>https://me.example/%d</loc></url>`, n)
			b.says(fmt.Sprintf("/%d", n), "<main>x"+link("ana"))
		}
		b.set("/pages.xml", answer{header: []string{"ETag", `"1"`, "Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT"}, body: `<urlset>` + pages.String() + `</urlset>`})
		b.begin()
		if jobs := w.jobList(); len(jobs) > 1 {
			t.Errorf("%d jobs after five minutes", len(jobs))
		}
		asked := 0
		for _, r := range w.web.Requests("me.example") {
			switch r.URL {
			case "https://me.example/sitemap.xml":
			case "https://me.example/pages.xml":
				if r.Time.After(time.Now().Add(-time.Minute)) && r.Header.Get("If-None-Match") != `"1"` {
					t.Errorf("asked without a condition: %v", r.Header)
				}
			default:
				asked++
			}
		}
		if asked != 300 {
			t.Errorf("%d looks at 300 pages", asked)
		}
		if n := len(w.web.Requests("evil.example")); n > 0 {
			t.Errorf("a map of another host was asked for %d times", n)
		}
		ana := w.inbox("ana.example")
		b.says("/300", "<main>x"+link("ana"))
		b.set("/pages.xml", answer{body: `<urlset>` + pages.String() + `<url><loc>https://me.example/300</loc></url></urlset>`})
		pass(time.Hour)
		ana.wantHeard("a page that is new in the map", 1)
	}, watched, func(s *site.Site) { s.Watch.Sitemap = "https://me.example/sitemap.xml" })
}

// WebSub: the hub hears once of each change of the feed, after it can be fetched.
func TestTheHubHearsOfEachChangeOnce(t *testing.T) {
	for name, own := range map[string]bool{"our own feed": true, "a feed that is watched": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				var mu sync.Mutex
				var pings []string
				failing := 2
				w.web.Handle("hub.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					if failing--; failing >= 0 {
						rw.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					pings = append(pings, r.PostFormValue("hub.mode")+" "+r.PostFormValue("hub.url")+" "+r.PostFormValue("hub.topic"))
					rw.WriteHeader(http.StatusNoContent)
				}))
				want := func(when string, n int) {
					t.Helper()
					mu.Lock()
					defer mu.Unlock()
					const feed = "https://me.example/feed.xml"
					if len(pings) != n || n > 0 && pings[n-1] != "publish "+feed+" "+feed {
						t.Errorf("%s: the hub was told %q, want %d", when, pings, n)
					}
				}
				if own {
					for range 3 {
						w.create(entry("content", "hello"))
					}
					pass(time.Hour)
					want("three posts", 1)
					w.create(entry("content", "hello"))
					pass(time.Minute)
					want("another", 2)
					return
				}
				b := w.blog()
				b.writes("/1", "one")
				b.begin()
				pass(3 * time.Hour)
				want("the first look", 0)
				b.writes("/2", "two")
				pass(time.Hour)
				want("a change", 1)
			}, func(s *site.Site) {
				if s.Hub = "https://hub.example/"; own {
					s.Dir = s.Root
				} else {
					watched(s)
				}
			})
		})
	}
}
