package web_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tertulia/internal/site"
	"tertulia/micropub"
)

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
