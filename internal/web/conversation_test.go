package web_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/micropub"
)

// entry is a page with one response to target.
func entry(class, target, more string) string {
	return `<!doctype html><meta charset="utf-8"><div class="h-entry"><p class="p-author h-card"><a class="u-url p-name" href="/">Bea</a></p>
<a class="` + class + `" href="` + target + `">x</a>` + more + `</div>`
}

// gathering is a post with one public response of each kind.
func (w *world) gathering() string {
	w.Helper()
	post := w.post("Base camp", "The networks are loudspeakers.")
	for i, r := range []struct{ class, more string }{
		{"u-in-reply-to", `<p class="e-content" lang="en">I <b>agree</b>.</p><time class="dt-published" datetime="1999-12-31T23:00:00+01:00">then</time>`},
		{"u-like-of", ""}, {"u-repost-of", ""}, {"u-bookmark-of", ""},
		{"u-in-reply-to", `<data class="p-rsvp" value="yes">Coming</data>`},
		{"u-in-reply-to", `<data class="p-rsvp" value="interested">Perhaps</data>`},
		{"", `<p class="e-content">They wrote about it.</p>`},
	} {
		w.replied(fmt.Sprintf("https://host%d.example/%d", i, i), post, entry(r.class, post, r.more))
		time.Sleep(time.Minute)
	}
	return post
}

// The conversation is a page and a fragment that speak for themselves: semantic, in
// the right language, kept for a minute, validated after that.
func TestConversationPageAndFragment(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		b := w.visitor()
		page, fragment := w.ana().ConversationURL(post), w.ana().ConversationURL(post)+"&fragment=1"
		for _, address := range []string{page, fragment} {
			a := b.get(address, "Accept-Language", "es")
			h := a.header
			if a.status != 200 || !strings.HasPrefix(h.Get("Cache-Control"), "public, max-age=60, stale-while-revalidate") || h.Get("ETag") == "" || h.Get("Access-Control-Allow-Origin") != "*" || len(h.Values("Set-Cookie")) != 0 {
				t.Errorf("%s: got %d, %v", address, a.status, h)
			}
			if again := b.get(address, "Accept-Language", "es", "If-None-Match", h.Get("ETag")); again.status != 304 {
				t.Errorf("%s again: got %d", address, again.status)
			}
			for _, want := range []string{"u-comment h-cite", "u-like h-cite", "u-repost h-cite", "I <b>agree</b>.", "They wrote about it.", "A 1 persona le gusta", "1 persona asistirá"} {
				if !strings.Contains(a.body, want) {
					t.Errorf("%s lacks %q", address, want)
				}
			}
			inert(t, address, a.body)
		}
		// The page's form stays on its host, whose name may be another's for a browser;
		// the fragment's stands anywhere.
		formTo(t, b.get(page), "/-/webmention")
		formTo(t, b.get(fragment), endpoints["webmention"])
		if a := b.get(page); !strings.Contains(a.header.Get("Vary"), "Accept-Language") {
			t.Errorf("the page's language depends on the browser, but Vary is %q", a.header.Get("Vary"))
		}
		a := b.get(fragment)
		if strings.Contains(a.body, "<html") || !strings.HasPrefix(a.body, `<section class="tertulia"`) || a.header.Get("Vary") != "" {
			t.Errorf("fragment: got Vary %q\n%s", a.header.Get("Vary"), a.body)
		}
		tag := a.header.Get("ETag")
		w.replied("https://late.example/", post, entry("u-in-reply-to", post, `<p class="e-content">Me too.</p>`))
		if a := b.get(fragment, "If-None-Match", tag); a.status != 200 || !strings.Contains(a.body, "Me too.") {
			t.Errorf("after another reply: got %d", a.status)
		}
		// Every address of the page shows the same conversation (DESIGN section 3).
		for _, alias := range []string{strings.TrimSuffix(post, "/"), strings.Replace(post, "https:", "http:", 1), post + "?utm_source=x", post + "#tertulia-1", strings.Replace(post, "ana.", "ANA.", 1)} {
			if a := b.get(w.ana().ConversationURL(alias)); a.status != 200 || !strings.Contains(a.body, "Me too.") {
				t.Errorf("%s: got %d", alias, a.status)
			}
		}
	})
}

// Who reads decides on the language of our pages; what stands under a page speaks
// the page's.
func TestLanguages(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		conversation := w.ana().ConversationURL(post)
		speaks := func(name string, a answer, want string) {
			t.Helper()
			if !strings.Contains(a.body, `lang="`+want+`"`) {
				t.Errorf("%s: not in %s:\n%s", name, want, a.body)
			}
			if html := find(a.doc(t), "html")[0]; strings.Contains(a.body, "<html") && attr(html, "lang") != want {
				t.Errorf("%s: got lang %q, want %q", name, attr(html, "lang"), want)
			}
		}
		b := w.visitor()
		speaks("nothing said", b.get(conversation), "es")
		speaks("browser", b.get(conversation, "Accept-Language", "en-GB,en;q=0.8"), "en")
		speaks("browser, two", b.get(conversation, "Accept-Language", "fr, es;q=0.9, en;q=0.5"), "es")
		speaks("nonsense", b.get(conversation, "Accept-Language", ";;;q=x"), "en")
		speaks("address", b.get(conversation+"&lang=es", "Accept-Language", "en"), "es")
		speaks("unknown in the address", b.get(conversation+"&lang=fr", "Accept-Language", "en"), "en")
		speaks("fragment, browser", b.get(conversation+"&fragment=1", "Accept-Language", "en"), "es")
		speaks("fragment, address", b.get(conversation+"&fragment=1&lang=en"), "en")
		if a := b.get(post, "Accept-Language", "en"); !strings.Contains(a.body, `<section class="tertulia" id="tertulia" lang="es"`) {
			t.Errorf("under the page: not in its language:\n%s", a.body)
		}
		// A choice is kept, on pages that no cache keeps.
		if a := b.get(conversation + "&lang=en"); a.cookie("lang") != nil {
			t.Error("a page that caches keep sets a cookie")
		}
		chosen := b.get("https://ana.example/-/webmention?lang=en", "Accept-Language", "es").cookie("lang")
		if chosen == nil || chosen.Value != "en" || !strings.HasPrefix(chosen.Name, "__Host-") || time.Until(chosen.Expires) < 300*24*time.Hour {
			t.Fatalf("got %v", chosen)
		}
		speaks("chosen", b.get("https://ana.example/-/webmention", "Accept-Language", "es"), "en")
		speaks("chosen, on a cached page", b.get(conversation, "Accept-Language", "es"), "en")
		speaks("chosen, on an error", b.get("https://ana.example/-/nothing", "Accept-Language", "es"), "en")
		if a := w.visitor().post("https://ana.example/-/signout?lang=en", nil); a.cookie("lang") != nil {
			t.Error("a POST sets a language")
		}
		// The switch leads to the same page in the other language, and nowhere else.
		a := w.visitor().get("https://ana.example//evil.example/%22%3E?a=1&lang=en&b=%22%3E%3Cscript%3E")
		inert(t, "error", a.body)
		if !strings.Contains(a.body, `href="?a=1&amp;b=%22%3E%3Cscript%3E&amp;lang=es"`) {
			t.Errorf("got\n%s", a.body)
		}
	})
}

// The read API has the names, the order and the headers of webmention.io (READ-API
// sections 2, 3 and 5).
func TestReadAPI(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		b := w.visitor()
		api := "https://ana.example/-/api/"
		a := b.get(api + "count?target=" + url.QueryEscape(post))
		if want := `{"count":7,"type":{"bookmark":1,"like":1,"mention":1,"reply":1,"repost":1,"rsvp-interested":1,"rsvp-yes":1}}` + "\n"; a.body != want {
			t.Errorf("count: got %s, want %s", a.body, want)
		}
		for i, a := range []answer{a, b.get(api + "mentions.jf2?target=" + url.QueryEscape(post)), b.get(api + "mentions.jf2")} {
			h := a.header
			if want := []string{"public, max-age=30", "public, max-age=30", "no-store"}[i]; h.Get("Cache-Control") != want || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Content-Type") != "application/json;charset=UTF-8" {
				t.Errorf("headers: got %v", h)
			}
		}
		if a := b.get(api + "count?target=https://ana.example/nothing&base=x&targets=a,b"); a.body != `{"count":0,"type":{}}`+"\n" {
			t.Errorf("count of nothing: got %s", a.body)
		}
		if a := b.get(api + "mentions.jf2?token=&target="); a.status != 400 || a.body != `{"error":"invalid_input","error_description":"Either a token or a target URL is required"}`+"\n" {
			t.Errorf("no target: got %d %s", a.status, a.body)
		}
		a = b.get(api + "mentions.jf2?sort-dir=up&perPage=1&target=" + url.QueryEscape(post))
		want := `{"type":"feed","name":"Webmentions","children":[{"type":"entry","author":{"type":"card","name":"Bea","photo":"","url":"https://host0.example/"},` +
			`"url":"https://host0.example/0","published":"1999-12-31T23:00:00+01:00","wm-received":"RECEIVED","wm-id":ID,"wm-source":"https://host0.example/0","wm-target":"` + post + `","wm-protocol":"webmention",` +
			`"content":{"html":"I \u003cb\u003eagree\u003c/b\u003e.","text":"I agree."},"in-reply-to":"` + post + `","wm-property":"in-reply-to","wm-private":false}],` +
			`"paging":{"per-page":1,"page":0,"total":7,"total-pages":7}}` + "\n"
		var feed struct {
			Children []struct {
				Received time.Time `json:"wm-received"`
				ID       int       `json:"wm-id"`
			}
		}
		if err := json.Unmarshal([]byte(a.body), &feed); err != nil || len(feed.Children) != 1 {
			t.Fatalf("got %s, %v", a.body, err)
		}
		want = strings.Replace(want, "RECEIVED", feed.Children[0].Received.Format("2006-01-02T15:04:05Z"), 1)
		want = strings.Replace(want, "ID,", fmt.Sprint(feed.Children[0].ID)+",", 1)
		if diff := cmp.Diff(want, a.body); diff != "" {
			t.Errorf("jf2 (-want +got):\n%s", diff)
		}
	})
}

// properties asks the API and returns what each answer is, in its order.
func (b *browser) properties(query string) (list []string) {
	b.Helper()
	a := b.get("https://ana.example/-/api/mentions.jf2?" + query)
	var feed struct {
		Children []map[string]any
		Paging   map[string]int
	}
	if err := json.Unmarshal([]byte(a.body), &feed); err != nil || a.status != 200 {
		b.Fatalf("%s: got %d %s", query, a.status, a.body)
	}
	for _, c := range feed.Children {
		p, _ := c["wm-property"].(string)
		if c["rsvp"] != nil {
			p += "=" + fmt.Sprint(c["rsvp"])
		}
		list = append(list, p)
	}
	return list
}

func TestReadAPIParameters(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		start := time.Now().UTC()
		post := w.gathering()
		other := w.post("Another", "Words.")
		w.replied("https://other.example/1", other, entry("u-like-of", other, ""))
		in, up := url.QueryEscape(post), []string{"in-reply-to", "like-of", "repost-of", "bookmark-of", "rsvp=yes", "rsvp=interested", "mention-of"}
		b := w.visitor()
		three := start.Add(3 * time.Minute)
		for query, want := range map[string][]string{
			"sort-dir=up&target=" + in:                                                                     up,
			"sort-dir=anything&target=" + in:                                                               up,
			"target=" + in:                                                                                 {"mention-of", "rsvp=interested", "rsvp=yes", "bookmark-of", "repost-of", "like-of", "in-reply-to"},
			"sort-dir=down&per-page=2&target=" + in:                                                        {"mention-of", "rsvp=interested"},
			"per-page=2&page=1&sort-dir=up&target=" + in:                                                   {"repost-of", "bookmark-of"},
			"per-page=2&perPage=1&sort-dir=up&target=" + in:                                                {"in-reply-to"},
			"per-page=9999&sort-dir=up&target=" + in:                                                       up,
			"per-page=99999999999999999999&sort-dir=up&target=" + in:                                       up,
			"per_page=1&sort-dir=up&target=" + in:                                                          up,
			"per-page=x&page=-3&sort-dir=up&target=" + in:                                                  up,
			"page=99999999999999999999&target=" + in:                                                       nil,
			"wm-property=like-of&target=" + in:                                                             {"like-of"},
			"wm-property[]=like-of&wm-property[]=mention-of&sort-dir=up&target=" + in:                      {"like-of", "mention-of"},
			"wm-property[0]=rsvp&sort-dir=up&target=" + in:                                                 {"rsvp=yes", "rsvp=interested"},
			"wm-property=nothing&target=" + in:                                                             nil,
			"sort-by=rsvp&wm-property=rsvp&sort-dir=up&target=" + in:                                       {"rsvp=interested", "rsvp=yes"},
			"sort-by=published&sort-dir=up&per-page=1&target=" + in:                                        {"in-reply-to"},
			"target[]=" + in + "&target[]=" + url.QueryEscape(other) + "&wm-property=like-of":              {"like-of", "like-of"},
			"target[0]=" + in + "&target[1]=" + in + "&wm-property=like-of":                                {"like-of"},
			"target=" + url.QueryEscape(strings.TrimPrefix(post, "https:")) + "&sort-dir=up":               up,
			"target=" + url.QueryEscape(post+"#c1") + "&sort-dir=up":                                       up,
			"target=" + url.QueryEscape(post+strings.Repeat("x", 600)) + "&target[]=" + in + "&per-page=1": {"mention-of"},
			"since=" + three.Format("2006-01-02T15:04:05Z") + "&sort-dir=up&target=" + in:                  up[3:],
			"since=" + three.Format("2006-01-02T15:04:05.000Z") + "&sort-dir=up&target=" + in:              up[3:],
			"since=" + three.Format("2006-01-02T15:04:05+00:00") + "&sort-dir=up&target=" + in:             up[3:],
			"since=" + three.Format("2006-01-02T15:04:05+0000") + "&sort-dir=up&target=" + in:              up[3:],
			"since=" + url.QueryEscape(three.Format(time.DateTime)) + "&sort-dir=up&target=" + in:          up[3:],
			"since=" + start.AddDate(0, 0, -1).Format(time.DateOnly) + "&sort-dir=up&target=" + in:         up,
			"since=yesterday-ish&sort-dir=up&target=" + in:                                                 up,
			"since_id=x&sort-dir=up&target=" + in:                                                          up,
			"since_id=99999&target=" + in:                                                                  nil,
			// What PlaidWeb's webmention.js sends.
			"per-page=30&sort-by=published&sort-dir=up&wm-property[]=like-of&target[]=" + url.QueryEscape(strings.Replace(post, "https", "http", 1)) + "&target[]=" + in: {"like-of"},
		} {
			if diff := cmp.Diff(want, b.properties(query)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
		}
	})
}

// Old pages load their mentions as a script. No other name than that of a function
// gets into it (READ-API section 2).
func TestJSONP(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		api := "https://ana.example/-/api/count?target=https://ana.example/&jsonp="
		b := w.visitor()
		for name, want := range map[string]bool{
			"window.JekyllWebmentionIO.processWebmentions": true, "_f": true, "$": true, "": false, "a.": false, "1a": false, "a-b": false,
			"alert(1)//": false, "a\nb": false, "a;b": false, "á": false, strings.Repeat("a", 129): false,
		} {
			a := b.get(api + url.QueryEscape(name))
			script := strings.HasPrefix(a.header.Get("Content-Type"), "text/javascript")
			if script != want || want && a.body != name+`({"count":0,"type":{}})`+"\n" || !want && a.body != `{"count":0,"type":{}}`+"\n" || a.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%q: got %s %s", name, a.header.Get("Content-Type"), a.body)
			}
		}
	})
}

// What is not public is nowhere: pending, rejected and deleted mentions, drafts, and
// the fact that there are any.
func TestOnlyWhatIsPublicIsShown(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		var all []string
		for i, decision := range []string{"", "reject", "delete"} {
			source := fmt.Sprintf("https://host%d.example/", i)
			w.say(source, entry("u-in-reply-to", post, `<p class="e-content">Not public</p>`))
			all = append(all, w.mention(source, post))
			if decision != "" {
				w.decide(all[i], decision)
			}
		}
		b := w.visitor()
		for _, address := range []string{post, w.ana().ConversationURL(post), w.ana().ConversationURL(post) + "&fragment=1", "https://ana.example/-/api/mentions.jf2?target=" + url.QueryEscape(post)} {
			if a := b.get(address); a.status != 200 || strings.Contains(a.body, "Not public") || strings.Contains(a.body, "host1") {
				t.Errorf("%s: got %d\n%s", address, a.status, a.body)
			}
		}
		item := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Secret"}, "post-status": {"draft"}}}
		draft, err := w.ana().Posts.Create(w.Context(), micropub.Grant{}, micropub.Create{Item: item, Digest: "draft"})
		if err != nil {
			t.Fatal(err)
		}
		settle()
		// HOSTILE 40: a draft is answered as an address that never was.
		for _, form := range []string{"%s", "https://ana.example/-/conversation?url=%s", "https://ana.example/-/conversation?fragment=1&url=%s", "https://ana.example/-/api/count?target=%s", "https://ana.example/-/api/mentions.jf2?target=%s", "https://ana.example/-/webmention?source=x&target=%s"} {
			a := b.get(fmt.Sprintf(form, draft.URL))
			never := b.get(fmt.Sprintf(form, strings.TrimSuffix(draft.URL, "/")+"never/"))
			if a.status != never.status || strings.ReplaceAll(never.body, "never", "") != a.body {
				t.Errorf(form+": got %d, never: %d\n%s\n%s", draft.URL, a.status, never.status, a.body, never.body)
			}
		}
		a := b.post(endpoints["webmention"], url.Values{"source": {"https://bea.example/"}, "target": {draft.URL}}, "Accept", "text/html")
		never := b.post(endpoints["webmention"], url.Values{"source": {"https://bea.example/"}, "target": {draft.URL + "never/"}}, "Accept", "text/html")
		if a.status != 400 || never.status != 400 || strings.ReplaceAll(never.body, "never/", "") != a.body {
			t.Errorf("webmention to a draft: got %d, never: %d", a.status, never.status)
		}
	})
}

// The data may fail: readers get the page without its conversation, programs JSON.
func TestBrokenData(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		b := w.owner()
		w.db.Close()
		if a := b.get(post); a.status != 200 || !strings.Contains(a.body, "loudspeakers") {
			t.Errorf("page: got %d", a.status)
		}
		for _, path := range []string{"conversation?url=" + post, "conversation?fragment=1&url=" + post, "webmention/x", "admin/", "api/count?target=" + post, "api/mentions.jf2?target=" + post} {
			a := b.get("https://ana.example/-/" + path)
			if a.status != 500 || strings.Contains(a.body, "closed") || a.header.Get("Cache-Control") != "no-store" || strings.HasPrefix(path, "api/") != json.Valid([]byte(a.body)) {
				t.Errorf("%s: got %d, %v\n%s", path, a.status, a.header, a.body)
			}
		}
		if a := b.post("https://ana.example/-/signout", nil); a.status != 500 {
			t.Errorf("sign out: got %d", a.status)
		}
	})
}
