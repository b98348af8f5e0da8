package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/indieauth"
	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/micropub"
	"tertulia/store"
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
			"PlaidWeb webmention.js 0.5.6":           {"mentions?per-page=30&sort-by=published&sort-dir=up&" + both, 7},
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
			if strings.HasPrefix(tt.query, "mentions?") { // the old address, which this client reads as JF2 from where it is told to
				tt.query = strings.Replace(tt.query, "mentions?", "mentions.jf2?", 1)
			}
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

// READ-API 2: who may ask for a whole site, in which of three ways the token comes, and what
// those are told who may not.
func TestTokensOfTheReadAPI(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		read, write, b := w.token("read"), w.token("create", "update"), w.visitor()
		gone := w.token("read")
		for i, address := range []string{"mentions.jf2?token=" + read, "mentions.jf2?access_token=" + read, "mentions.jf2", "mentions.jf2?domain=ana.example", "mentions.jf2?domain=ANA.example."} {
			a := b.get(api+address, "Authorization", map[bool]string{true: "bearer " + read}[i >= 2])
			if a.status != 200 || !strings.Contains(a.body, `"total":7`) || a.header.Get("Cache-Control") != "no-store" || a.header.Get("ETag") != "" || a.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: got %d %v %s", address, a.status, a.header, a.body)
			}
		}
		tokens, err := w.ana().Access.Tokens(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range tokens {
			if one.LastUsed.IsZero() && slices.Contains(one.Scopes, "read") {
				if err := w.ana().Access.RevokeBy(t.Context(), one.Hash); err != nil {
					t.Fatal(err)
				}
			}
		}
		forbidden := `{"error":"forbidden","error_description":"Access token was not valid"}` + "\n"
		for _, tt := range []struct {
			query, bearer, body string
			status              int
		}{
			{"mentions.jf2", "", `{"error":"invalid_input","error_description":"Either a token or a target URL is required"}` + "\n", 400},
			{"mentions.jf2?domain=ana.example", "", `{"error":"invalid_input","error_description":"Either a token or a target URL is required"}` + "\n", 400},
			{"mentions.jf2?token=wrong", "", forbidden, 401}, {"mentions.jf2", "wrong", forbidden, 401}, {"mentions.jf2?token=" + gone, "", forbidden, 401},
			{"mentions.jf2?token=" + write, "", "", 403}, {"export?token=" + write, "", "", 403}, {"deleted?token=wrong", "", forbidden, 401},
			{"deleted", "", `{"error":"invalid_input","error_description":"A token is required"}` + "\n", 400},
			{"count?token=wrong", "", forbidden, 401}, {"count?token=" + read, "", `{"count":7,"type":{"bookmark":1,"like":1,"mention":1,"reply":1,"repost":1,"rsvp-interested":1,"rsvp-yes":1}}` + "\n", 200},
			{"count?domain=evil.test&token=" + read, "", `{"count":0,"type":{}}` + "\n", 200},
			{"mentions.jf2?domain=evil.test&token=" + read, "", `{"type":"feed","name":"Webmentions","children":[],"paging":{"per-page":20,"page":0,"total":0,"total-pages":0}}` + "\n", 200},
			{"mentions?domain=evil.test&token=" + read, "", `{"links":[]}` + "\n", 200},
			{"export?domain=evil.test&token=" + read, "", site.EmptyExport, 200},
			{"deleted?domain=evil.test&token=" + read, "", `{"type":"feed","name":"Deleted webmentions","children":[],"paging":{"per-page":20,"page":0,"total":0,"total-pages":0}}` + "\n", 200},
			// With a page the token is of no account; the page may be one that cannot be.
			{"count?token=wrong&target=" + url.QueryEscape(post), "", `{"count":7,"type":{"bookmark":1,"like":1,"mention":1,"reply":1,"repost":1,"rsvp-interested":1,"rsvp-yes":1}}` + "\n", 200},
			{"mentions?token=" + read + "&target=https://ana.example/" + strings.Repeat("x", 600), "", `{"links":[]}` + "\n", 200},
		} {
			a := b.get(api+tt.query, "Authorization", strings.TrimSuffix("Bearer "+tt.bearer, "Bearer "))
			if a.status != tt.status || tt.body != "" && a.body != tt.body || a.header.Get("Cache-Control") != "no-store" || !json.Valid([]byte(a.body)) {
				t.Errorf("%s: got %d %v %s, want %d %s", tt.query, a.status, a.header, a.body, tt.status, tt.body)
			}
		}
		if strings.Contains(w.log.String(), read) {
			t.Error("a token stands in the log")
		}
		if a := b.do("OPTIONS", api+"mentions.jf2", "", "Origin", "https://x.example", "Access-Control-Request-Headers", "authorization"); a.status != 204 || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("a script asks before it sends a token: got %d %v", a.status, a.header)
		}
	})
}

// A token of one site opens nothing of another of the service.
func TestTokensAreOfOneSite(t *testing.T) {
	inWorldOf(t, []house{{home: "https://ana.example/", language: "es"}, {home: "https://berta.example/", language: "en"}}, func(w *world) {
		token := w.token("read")
		if a := w.visitor().get("https://berta.example/-/api/mentions.jf2?token=" + token); a.status != 401 {
			w.Errorf("got %d %s", a.status, a.body)
		}
		if a := w.visitor().get("https://ana.example/-/api/mentions.jf2?domain=berta.example&token=" + token); a.status != 200 || !strings.Contains(a.body, `"total":0`) {
			w.Errorf("got %d %s", a.status, a.body)
		}
	})
}

// allAnswers are the addresses of everything that the API says about public mentions.
func allAnswers(post, token string) (all []string) {
	for _, end := range []string{"mentions", "mentions.json", "mentions.jf2", "mentions.mf2", "mentions.jsonfeed", "mentions.atom", "mentions.html", "feed.json", "links.jf2"} {
		all = append(all, api+end+"?per-page=100&target="+url.QueryEscape(post), api+end+"?per-page=100&token="+token)
	}
	return all
}

// Private, pending, rejected and deleted mentions, drafts and posts that are gone are in no
// answer, whatever the token.
func TestNoTokenOpensWhatIsNotPublic(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post, gone := w.post("Base camp", "The networks are loudspeakers."), w.post("Gone", "It goes.")
		secret := `<p class="e-content">Not public</p>`
		for i, decision := range []string{"", "reject", "delete"} {
			source := fmt.Sprintf("https://host%d.example/", i)
			w.say(source, entry("u-in-reply-to", post, secret))
			if status := w.mention(source, post); decision != "" {
				w.decide(status, decision)
			}
		}
		w.replied("https://gone.example/", gone, entry("u-in-reply-to", gone, secret))
		if err := w.ana().Posts.Delete(t.Context(), micropub.Grant{}, gone); err != nil {
			t.Fatal(err)
		}
		private := w.post("Private", "Soon private.")
		w.replied("https://friend.example/", private, entry("u-in-reply-to", private, secret))
		hide := micropub.Update{Replace: map[string][]any{"visibility": {"private"}}}
		if _, err := w.ana().Posts.Update(t.Context(), micropub.Grant{}, private, hide); err != nil {
			t.Fatal(err)
		}
		settle()
		token, b := w.token(site.Scopes()...), w.visitor()
		for _, page := range []string{post, gone, private} {
			for _, address := range append(allAnswers(page, token), api+"export?token="+w.token(site.Scopes()...)) {
				if a := b.get(address); a.status != 200 || strings.Contains(a.body, "Not public") || strings.Contains(a.body, "host0.example") || strings.Contains(a.body, "friend.example") {
					t.Errorf("%s: got %d\n%s", address, a.status, a.body)
				}
			}
		}
		if a := b.get(api + "count?token=" + token); a.body != `{"count":0,"type":{}}`+"\n" {
			t.Errorf("count: got %s", a.body)
		}
		if feed := b.jf2(api + "deleted?token=" + token); len(feed.Children) != 0 {
			t.Errorf("what never was public, or is of a post that went, has not gone: %+v", feed)
		}
	})
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

// READ-API 6: everything, as a file, once in five minutes for each token.
func TestExport(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		one, other, b := w.token("read"), w.token("read"), w.visitor()
		for range 3 {
			if a := b.do("HEAD", api+"export.jf2?token="+one, ""); a.status != 200 || a.body != "" {
				t.Errorf("HEAD: got %d", a.status)
			}
		}
		a := b.get(api + "export.jf2?token=" + one)
		name := `attachment; filename="webmentions-ana.example-` + time.Now().UTC().Format(time.DateOnly) + `.jf2.json"`
		if a.status != 200 || a.header.Get("Content-Disposition") != name || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %d %v", a.status, a.header)
		}
		lines := strings.Split(strings.TrimSpace(a.body), "\n")
		if len(lines) != 9 || lines[0] != `{"type":"feed","name":"Webmentions","children":[` || lines[8] != "]}" || !json.Valid([]byte(a.body)) {
			t.Errorf("got %d lines\n%s", len(lines), a.body)
		}
		up := b.get(api + "mentions.jf2?sort-dir=up&target=" + url.QueryEscape(post)).body
		for _, line := range lines[1:8] {
			if !strings.Contains(up, strings.TrimSuffix(line, ",")) {
				t.Errorf("not as the feed has it: %s", line)
			}
		}
		again := b.get(api + "export?token=" + one)
		if again.status != 429 || again.header.Get("Retry-After") == "" || again.header.Get("Content-Disposition") != "" || !strings.Contains(again.body, "rate_limit_exceeded") {
			t.Errorf("at once: got %d %v %s", again.status, again.header, again.body)
		}
		if a := b.get(api + "export?token=" + other); a.status != 200 {
			t.Errorf("another token: got %d", a.status)
		}
		time.Sleep(5 * time.Minute)
		if a := b.get(api + "export?token=" + one); a.status != 200 {
			t.Errorf("after five minutes: got %d", a.status)
		}
		// Fifty at once: one of them gets it.
		time.Sleep(5 * time.Minute)
		var got [50]int
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() {
				rec := httptest.NewRecorder()
				w.handler.ServeHTTP(rec, httptest.NewRequest("GET", api+"export?token="+one, nil))
				got[i] = rec.Code
			})
		}
		all.Wait()
		slices.Sort(got[:])
		if got[0] != 200 || got[1] != 429 {
			t.Errorf("fifty at once: got %v", got)
		}
	})
}

// What cannot be read is not half an export: the client sees that it was cut off, or why, and may
// ask again.
func TestExportOfBrokenData(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gathering()
		token := w.token("read")
		ok, err := w.ana().Access.Grant(w.Context(), token)
		if err != nil || len(ok.Scopes) != 1 {
			w.Fatal(err)
		}
		w.db.Close()
		if a := w.visitor().get(api + "export?token=" + token); a.status != 500 || !json.Valid([]byte(a.body)) || a.header.Get("Content-Disposition") != "" {
			w.Errorf("got %d %v %s", a.status, a.header, a.body)
		}
	})
}

// READ-API 6: what has gone, and is back.
func TestDeletedOfTheReadAPI(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		token, b := w.token("read"), w.visitor()
		w.say("https://bea.example/", entry("u-like-of", post, ""))
		status := w.mention("https://bea.example/", post)
		w.decide(status, "approve")
		id := b.jf2(api + "mentions.jf2?token=" + token).Children[0].ID
		if a := b.get(api + "deleted.jf2?token=" + token); a.body != `{"type":"feed","name":"Deleted webmentions","children":[],"paging":{"per-page":20,"page":0,"total":0,"total-pages":0}}`+"\n" {
			t.Errorf("before: got %s", a.body)
		}
		time.Sleep(time.Minute)
		w.decide(status, "reject")
		at := time.Now().UTC().Format("2006-01-02T15:04:05Z")
		want := fmt.Sprintf(`{"type":"feed","name":"Deleted webmentions","children":[{"wm-id":%d,"wm-source":"https://bea.example/","wm-target":"%s","wm-deleted":"%s"}],"paging":{"per-page":20,"page":0,"total":1,"total-pages":1}}`+"\n", id, post, at)
		if d := cmp.Diff(want, b.get(api+"deleted?token="+token).body); d != "" {
			t.Errorf("deleted (-want +got):\n%s", d)
		}
		w.decide(status, "approve")
		if feed := b.jf2(api + "deleted?token=" + token); len(feed.Children) != 0 {
			t.Errorf("it is back: got %+v", feed)
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

// FuzzAPIQuery asks whatever one likes: the answer is never that something went wrong, is always
// of its kind, and never says more than is public.
func FuzzAPIQuery(f *testing.F) {
	for _, seed := range []string{
		"target=https://ana.example/", "target[]=a&target[0]=b&target[=c", "token=x", "access_token=%00", "domain=%5B::1&token=TOKEN", "token=TOKEN&since=1999-01-01T00:00:00+00:00",
		"token=TOKEN&since_id=18446744073709551615", "token=TOKEN&page=9223372036854775807&per-page=9223372036854775807", "token=TOKEN&sort-by=rsvp&sort-dir=up&wm-property[]=rsvp",
		"token=TOKEN&since=9999-12-31&sort-by=published", "target=//ana.example/&jsonp=a.b", "target=%68ttps://ana.example/%2e%2e/x#y", "a;b", "token=TOKEN&TOKEN", "%zz", "jsonp=alert(1)&target=x",
	} {
		for i := range 6 {
			f.Add(i, seed)
		}
	}
	paths := []string{"mentions", "mentions.jf2", "mentions.atom", "count", "deleted", "example/mentions.jf2"}
	handler, token := small(f)
	f.Fuzz(func(t *testing.T, path int, query string) {
		r := httptest.NewRequest("GET", api+paths[uint(path)%uint(len(paths))], nil)
		r.URL.RawQuery = strings.ReplaceAll(query, "TOKEN", token)
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		if !slices.Contains([]int{200, 400, 401}, rec.Code) {
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
		body := strings.TrimSpace(rec.Body.String())
		asked := r.URL.Query()
		asked.Del("token")
		asked.Del("access_token")
		for _, secret := range []string{"waits.example", token} {
			if strings.Contains(body, secret) && !strings.Contains(asked.Encode(), secret) {
				t.Errorf("says what is not public: %s", body)
			}
		}
		switch kind := rec.Header().Get("Content-Type"); kind {
		case "application/atom+xml;charset=UTF-8":
			return
		case "text/javascript;charset=UTF-8":
			name := r.URL.Query().Get("jsonp")
			inner, ok := strings.CutPrefix(body, name+"(")
			if body, ok = strings.CutSuffix(inner, ")"); !ok || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.") != "" {
				t.Fatalf("calls %q: %s", name, inner)
			}
		case "application/json;charset=UTF-8":
		default:
			t.Fatalf("is %s", kind)
		}
		if !json.Valid([]byte(body)) || strings.ContainsAny(body, "<>") {
			t.Errorf("got %s", body)
		}
	})
}

// small is a service with one public mention and one that waits, in time as it is, and a
// token to read with.
func small(f *testing.F) (http.Handler, string) {
	f.Helper()
	db, err := store.Open(f.TempDir(), store.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	s := &site.Site{Key: "ana.example", URL: &url.URL{Scheme: "https", Host: "ana.example", Path: "/"}, Base: "https://ana.example/-/", Language: "es"}
	access := &site.Access{Site: s, DB: db}
	one := &web.Site{
		Site: s, Access: access, Conversation: &site.Conversation{Site: s, DB: db}, Mentions: &site.Mentions{Site: s, DB: db, Limits: &site.Limits{}},
		Posts: &site.Posts{Site: s, DB: db}, Micropub: &micropub.Handler{}, IndieAuth: &indieauth.Server{Issuer: s.Base}, Files: http.NotFoundHandler(),
	}
	err = db.Update(f.Context(), s.Key, func(tx *store.Tx) error {
		shown := &store.Version{Type: "reply", URL: "https://bea.example/", Text: "<hello>", Digest: "1"}
		return errors.Join(
			tx.PutPage(store.Page{ID: "p", URL: "https://ana.example/", Found: true}, "/"),
			tx.PutMention(store.Mention{ID: "1", Source: "https://bea.example/", Target: "https://ana.example/", Page: "p", State: store.Approved, Shown: shown, Received: tx.Now}),
			tx.PutMention(store.Mention{ID: "2", Source: "https://waits.example/", Target: "https://ana.example/", Page: "p", State: store.Pending, Shown: shown, Received: tx.Now}))
	})
	token, denied := access.NewToken(f.Context(), "fuzz", []string{"read"})
	if err := errors.Join(err, denied); err != nil {
		f.Fatal(err)
	}
	return (&web.Server{Sites: []*web.Site{one}}).Handler(), token
}
