package web_test

import (
	"net/url"
	"strings"
	"testing"
)

// HOSTILE 85: no other site acts in the owner's name, and a cookie alone changes
// nothing.
func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		status := w.mentionOf(post)
		b := w.owner()
		fields := formTo(t, b.get("https://ana.example/-/admin/"), "/-/admin/decide")
		fields.Set("id", status[strings.LastIndex(status, "/")+1:])
		fields.Set("decision", "approve")
		without := url.Values{"id": fields["id"], "decision": {"approve"}}
		wrong := url.Values{"id": fields["id"], "decision": {"approve"}, "form": {strings.Repeat("0", 64)}}
		inQuery := "https://ana.example/-/admin/decide?" + fields.Encode()
		decide := "https://ana.example/-/admin/decide"
		for name, c := range map[string]struct {
			address string
			form    url.Values
			header  []string
		}{
			"cross-site":               {decide, fields, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}},
			"same-site":                {decide, fields, []string{"Sec-Fetch-Site", "same-site", "Origin", "https://sub.ana.example"}},
			"another port":             {decide, fields, []string{"Origin", "https://ana.example:8443"}},
			"origin of an old browser": {decide, fields, []string{"Origin", "https://evil.example"}},
			"no origin to speak of":    {decide, fields, []string{"Origin", "null"}},
			"cookie alone":             {decide, without, nil},
			"cookie alone, our origin": {decide, without, []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://ana.example"}},
			"wrong field":              {decide, wrong, nil},
			"fields in the query":      {inQuery, nil, nil},
			"sign out":                 {"https://ana.example/-/signout", nil, nil},
			"consent":                  {"https://ana.example/-/auth/decide", without, nil},
			"sessions":                 {"https://ana.example/-/admin/sessions", url.Values{"do": {"everywhere"}}, nil},
			"passphrase":               {"https://ana.example/-/admin/sessions", url.Values{"do": {"passphrase"}, "passphrase": {"of a stranger's"}}, nil},
			"huge":                     {decide, url.Values{"x": {strings.Repeat("x", 70<<10)}, "form": fields["form"]}, nil},
		} {
			if a := b.post(c.address, c.form, c.header...); a.status != 403 {
				t.Errorf("%s: got %d, want 403", name, a.status)
			}
		}
		if a := w.visitor().post(decide, fields); a.status != 403 {
			t.Errorf("field without cookie: got %d, want 403", a.status)
		}
		other := w.owner()
		if a := other.post(decide, fields); a.status != 403 {
			t.Errorf("field of another session: got %d, want 403", a.status)
		}
		if a := w.visitor().post(w.link(), nil, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 || a.cookie("session") != nil {
			t.Errorf("sign-in from elsewhere: got %d", a.status)
		}
		for _, path := range []string{"admin/decide?" + fields.Encode(), "signout", "auth/decide"} {
			if a := b.get("https://ana.example/-/" + path); a.status != 405 {
				t.Errorf("GET %s: got %d, want 405", path, a.status)
			}
		}
		if a := w.visitor().get(status, "Accept", "application/json"); !strings.Contains(a.body, `"status":"pending"`) {
			t.Fatalf("something was decided: %s", a.body)
		}
		if a := b.post(decide, fields, "Sec-Fetch-Site", "same-origin", "Origin", "https://ana.example"); a.status != 303 {
			t.Errorf("our own form: got %d", a.status)
		}
		if a := w.visitor().get(status, "Accept", "application/json"); !strings.Contains(a.body, `"status":"success"`) {
			t.Errorf("it was not approved: %s", a.body)
		}
	})
}

// A front server may call us by another name than browsers do.
func TestFormsBehindAFrontServer(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.visitor()
		if a := b.post(w.link(), nil, "Origin", "https://ana.example", "Host", "127.0.0.1:8080"); a.status != 303 {
			w.Errorf("got %d, want 303", a.status)
		}
	})
}

// HOSTILE 86: what other origins may do is not behind the owner's protection.
func TestProtocolsAnswerEveryOrigin(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		token, err := w.ana().Access.NewToken(w.Context(), "editor", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		b := w.owner()
		from := []string{"Origin", "https://editor.example", "Sec-Fetch-Site", "cross-site"}
		if a := b.post("https://ana.example/-/micropub", url.Values{"h": {"entry"}, "content": {"From a browser"}}, append(from, "Authorization", "Bearer "+token)...); a.status != 201 && a.status != 202 || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("micropub: got %d, %v", a.status, a.header)
		}
		// The owner's cookie is no token.
		if a := b.post("https://ana.example/-/micropub", url.Values{"h": {"entry"}, "content": {"With a cookie"}}); a.status != 401 {
			t.Errorf("micropub with a cookie: got %d", a.status)
		}
		w.say("https://bea.example/1", "x")
		if a := b.post("https://ana.example/-/webmention", url.Values{"source": {"https://bea.example/1"}, "target": {post}}, from...); a.status != 201 {
			t.Errorf("webmention: got %d", a.status)
		}
	})
}
