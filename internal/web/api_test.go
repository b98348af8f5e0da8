package web_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const api = "https://ana.example/-/api/"

// token makes a token with scopes.
func (w *world) token(scopes ...string) string {
	w.Helper()
	secret, err := w.ana().Access.NewToken(w.Context(), "test", scopes)
	if err != nil {
		w.Fatal(err)
	}
	return secret
}

// jf2 is an answer of the API as its clients read it.
type jf2 struct {
	Type     string
	Children []struct {
		Type    string
		Author  struct{ Type, Name, Photo, URL *string }
		Content *struct{ HTML, Text string }
		Source  string `json:"wm-source"`
		Target  string `json:"wm-target"`
		ID      uint64 `json:"wm-id"`
		Got     string `json:"wm-received"`
		Prop    string `json:"wm-property"`
		Private *bool  `json:"wm-private"`
	}
	Paging struct {
		Total int
		Pages int `json:"total-pages"`
	}
}

func (b *browser) jf2(address string, header ...string) (feed jf2) {
	b.Helper()
	a := b.get(address, header...)
	if err := json.Unmarshal([]byte(a.body), &feed); err != nil || a.status != 200 || feed.Type != "feed" {
		b.Fatalf("%s: got %d %s", address, a.status, a.body)
	}
	return feed
}

// READ-API 7: what each client asks for, with its parameters and headers, and what it reads
// of the answer. Only the address before api/ is another.
func TestClientsOfTheReadAPI(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		in, token, b := url.QueryEscape(post), w.token("read"), w.visitor()
		both := "target[]=" + url.QueryEscape(strings.Replace(post, "https:", "http:", 1)) + "&target[]=" + in
		for client, tt := range map[string]struct {
			query string
			want  int
		}{
			"PlaidWeb webmention.js 0.5.6":           {"mentions.jf2?per-page=30&sort-by=published&sort-dir=up&" + both, 7},
			"webmention.io's webmention-render.js":   {"mentions.jf2?target=" + in + "&per-page=100&sort-dir=up", 7},
			"eleventy-cache-webmentions":             {"mentions.jf2?domain=ana.example&token=" + token + "&per-page=9001", 7},
			"eleventy-plugin-webmentions 2.1.0":      {"mentions.jf2?domain=ana.example&token=" + token + "&per-page=1000&page=0&since=" + url.QueryEscape("1999-01-01T00:00:00.000Z"), 7},
			"hand-written: of a page":                {"mentions.jf2?target=" + url.QueryEscape(post+"#top"), 7},
			"hand-written: domain and token":         {"mentions.jf2?domain=ana.example&token=" + token + "&per-page=3&page=2", 1},
			"hand-written: as many as nobody has":    {"mentions.jf2?token=" + token + "&per-page=90001", 7},
			"hand-written: domain and page, no more": {"mentions.jf2?domain=ana.example&target=" + in, 7},
			"hand-written: of a kind":                {"mentions.jf2?target=" + in + "&wm-property=like-of", 1},
			"Indiekit endpoint-webmention-io":        {"mentions.jf2?token=" + token + "&since_id=0&sort-dir=up", 7},
		} {
			feed := b.jf2(api+tt.query, "Accept", "application/json", "Origin", "https://preview.example")
			if len(feed.Children) != tt.want {
				t.Errorf("%s: got %d, want %d", client, len(feed.Children), tt.want)
			}
			for _, c := range feed.Children {
				if c.Type != "entry" || c.Author.Type == nil || c.Author.Name == nil || c.Author.Photo == nil || c.Author.URL == nil || c.Private == nil || *c.Private || c.Target != post {
					t.Errorf("%s: got %+v", client, c)
				}
			}
		}
		var count struct {
			Count int
			Type  map[string]int
		}
		if err := json.Unmarshal([]byte(b.get(api+"count.json?target="+in).body), &count); err != nil || count.Count != 7 || count.Type["reply"] != 1 {
			t.Errorf("count.json: %+v, %v", count, err)
		}
		jekyll(t, b, both)
	})
}

// jekyll asks as jekyll-webmention_io does: for the old JSON when it builds, as a script from
// its pages.
func jekyll(t *testing.T, b *browser, both string) {
	t.Helper()
	var old struct {
		Links []struct {
			ID       uint64
			Source   string
			Verified string `json:"verified_date"`
			Data     struct {
				Author *struct{ Name, URL, Photo string }
				URL    string
				TS     *int64  `json:"published_ts"`
				RSVP   *string `json:"rsvp"`
			}
			Activity struct{ Type string }
		}
	}
	a := b.get(api + "mentions?" + both + "&since_id=&sort-by=published&perPage=9999")
	if err := json.Unmarshal([]byte(a.body), &old); err != nil || len(old.Links) != 7 {
		t.Fatalf("got %d %s, %v", a.status, a.body, err)
	}
	var kinds []string
	for _, l := range old.Links {
		kinds = append(kinds, l.Activity.Type)
		if _, err := time.Parse(time.RFC3339, l.Verified); err != nil || l.ID == 0 || l.Data.Author == nil || l.Data.URL == "" {
			t.Errorf("got %+v", l)
		}
		if rsvp := l.Data.RSVP; rsvp != nil && *rsvp == "interested" {
			t.Error("data.rsvp says interested, which it never did")
		}
	}
	slices.Sort(kinds)
	if want := []string{"bookmark", "like", "link", "reply", "repost", "rsvp", "rsvp"}; !slices.Equal(kinds, want) {
		t.Errorf("got %v, want %v", kinds, want)
	}
	a = b.get(api+"mentions?jsonp=window.JekyllWebmentionIO.processWebmentions&"+both+"&perPage=9999", "Accept", "*/*")
	if !strings.HasPrefix(a.body, `window.JekyllWebmentionIO.processWebmentions({"links":[{`) || !strings.HasPrefix(a.header.Get("Content-Type"), "text/javascript") {
		t.Errorf("as a script: got %v %.90s", a.header, a.body)
	}
	if aliases := b.get(api + "links?" + both + "&since_id=&sort-by=published&perPage=9999"); aliases.body != b.get(api+"mentions.json?"+both+"&since_id=&sort-by=published&perPage=9999").body {
		t.Error("links and mentions.json differ")
	}
}

// allAnswers are the addresses of everything that the API says about public mentions.
func allAnswers(post, token string) (all []string) {
	for _, end := range []string{"mentions", "mentions.json", "mentions.jf2", "mentions.mf2", "mentions.jsonfeed", "mentions.atom", "mentions.html", "feed.json", "links.jf2"} {
		all = append(all, api+end+"?per-page=100&target="+url.QueryEscape(post), api+end+"?per-page=100&token="+token)
	}
	return all
}

// People who open an address of the API see a page, in their language, with what it says.
func TestAPIForPeople(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		in, token, b := url.QueryEscape(post), w.token("read"), w.visitor()
		const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
		for _, path := range []string{"mentions", "mentions.json", "mentions.jf2", "links.jf2", "mentions.html"} {
			for _, query := range []string{"?target=" + in, "?token=" + token} {
				a := b.get(api+path+query, "Accept", browser, "Accept-Language", "es")
				if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(a.body, "7 webmentions") || !strings.Contains(a.body, `lang="es"`) || !strings.Contains(a.body, "I <b>agree</b>.") {
					t.Errorf("%s%s: got %d %v\n%s", path, query, a.status, a.header, a.body)
				}
				if cache := a.header.Get("Cache-Control"); strings.Contains(query, "token") != (cache == "no-store") {
					t.Errorf("%s%s: Cache-Control %q", path, query, cache)
				}
				if path != "mentions.html" && !slices.Contains(a.header.Values("Vary"), "Accept") {
					t.Errorf("%s: Vary is %v", path, a.header.Values("Vary"))
				}
				inert(t, path, a.body)
			}
		}
		if a := b.get(api+"mentions.jf2?token="+token, "Accept", browser); a.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("Referrer-Policy is %q", a.header.Get("Referrer-Policy"))
		}
		if a := b.get(api+"mentions.jf2?target="+in, "Accept", "*/*"); !slices.Contains(a.header.Values("Vary"), "Accept") || !json.Valid([]byte(a.body)) {
			t.Errorf("programs: got %v", a.header)
		}
		if a := b.get(api+"mentions?jsonp=f&target="+in, "Accept", browser); !strings.HasPrefix(a.body, "f({") {
			t.Errorf("a script is a script: got %.60s", a.body)
		}
		for _, wrong := range []string{"mentions", "mentions.html?token=wrong", "mentions.jf2?token=wrong"} {
			if a := b.get(api+wrong, "Accept", browser); a.status != 400 && a.status != 401 || !strings.Contains(a.body, "<h1") {
				t.Errorf("%s: got %d\n%s", wrong, a.status, a.body)
			}
		}
		// From one page to the next, and back.
		a := b.get(api + "mentions.html?per-page=3&page=1&sort-dir=up&target=" + in)
		for _, want := range []string{`href="?page=0&amp;per-page=3&amp;sort-dir=up&amp;target=`, `href="?page=2&amp;per-page=3&amp;sort-dir=up&amp;target=`} {
			if !strings.Contains(a.body, want) {
				t.Errorf("lacks %s\n%s", want, a.body)
			}
		}
		if a := b.get(api + "mentions.html?per-page=3&page=99999999999999999999&target=" + in); a.status != 200 || !strings.Contains(a.body, `href="?page=2&amp;`) || strings.Contains(a.body, `rel="next"`) {
			t.Errorf("beyond the last page: got %d\n%s", a.status, a.body)
		}
		if a := b.get(api + "mentions.html?target=https://ana.example/nothing"); !strings.Contains(a.body, "Aquí no hay ninguna.") {
			t.Errorf("nothing: got %s", a.body)
		}
	})
}

// Feeds name themselves, without the token that they were asked for with, and readers that have
// them are told so.
func TestFeedsOfTheAPI(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		in, token, b := url.QueryEscape(post), w.token("read"), w.visitor()
		for path, kind := range map[string]string{"mentions.atom": "application/atom+xml", "feed.json": "application/feed+json", "mentions.jsonfeed": "application/feed+json", "mentions.mf2": "application/mf2+json"} {
			a := b.get(api + path + "?target=" + in)
			if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), kind) || a.header.Get("Cache-Control") != "public, max-age=30" {
				t.Errorf("%s: got %d %v", path, a.status, a.header)
			}
			if again := b.get(api+path+"?target="+in, "If-None-Match", a.header.Get("ETag")); again.status != 304 {
				t.Errorf("%s again: got %d", path, again.status)
			}
			self := api + path + "?target=" + in
			if path != "mentions.mf2" && !strings.Contains(a.body, self) {
				t.Errorf("%s does not name itself %s", path, self)
			}
			whole := b.get(api + path + "?token=" + token)
			if whole.status != 200 || strings.Contains(whole.body, token) || whole.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s of the site: got %d %v %s", path, whole.status, whole.header, whole.body)
			}
		}
		if a, other := b.get(api+"mentions.atom?target="+in), b.get(api+"mentions.jf2?target="+in); a.header.Get("ETag") == other.header.Get("ETag") {
			t.Error("two shapes have one ETag")
		}
	})
}

// READ-API 6: the example is there for everybody, with the page's own address in it, and the
// same for the same seed.
func TestExampleOfTheReadAPI(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.visitor()
		feed := b.jf2(api + "example/mentions.jf2?seed=7&target=" + url.QueryEscape("https://example.com/x?a=b"))
		if len(feed.Children) != 21 || feed.Children[0].Target != "https://example.com/x?a=b" || feed.Children[20].ID != 1001 {
			t.Errorf("got %d: %+v", len(feed.Children), feed.Children)
		}
		one, again := b.get(api+"example/mentions.jf2?seed=7"), b.get(api+"example/mentions.jf2?seed=7")
		if one.body != again.body || one.header.Get("ETag") == "" || !strings.HasPrefix(one.header.Get("Cache-Control"), "public") {
			t.Errorf("got %v", one.header)
		}
		for _, target := range []string{"", "javascript:alert(1)", "//x", "::", strings.Repeat("https://x.example/", 100)} {
			if feed := b.jf2(api + "example/mentions.jf2?seed=x&target=" + url.QueryEscape(target)); feed.Children[0].Target != "https://ana.example/" {
				t.Errorf("%q: got %s", target, feed.Children[0].Target)
			}
		}
		if a := b.get(api + "example/count"); a.body != `{"count":21,"type":{"bookmark":1,"like":2,"mention":3,"reply":9,"repost":2,"rsvp-interested":1,"rsvp-maybe":1,"rsvp-no":1,"rsvp-yes":1}}`+"\n" {
			t.Errorf("count: got %s", a.body)
		}
		if a := b.get(api + "example/mentions.jf2?jsonp=f"); !strings.HasPrefix(a.body, "f({") {
			t.Errorf("as a script: got %.50s", a.body)
		}
	})
}

// T-UI04: a client that pages through has everything once, whatever its pages hold.
func TestPagingOfTheReadAPI(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		token, b := w.token("read"), w.visitor()
		for _, of := range []string{"token=" + token, "target=" + url.QueryEscape(post)} {
			for _, sort := range []string{"created", "published", "rsvp", "updated", "nonsense"} {
				seen := map[uint64]int{}
				for page := 0; ; page++ {
					feed := b.jf2(fmt.Sprintf("%smentions.jf2?per-page=2&page=%d&sort-by=%s&%s", api, page, sort, of))
					for _, c := range feed.Children {
						seen[c.ID]++
					}
					if page+1 >= feed.Paging.Pages {
						break
					}
				}
				if len(seen) != 7 {
					t.Errorf("%s by %s: got %v", of, sort, seen)
				}
			}
		}
	})
}
