package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
)

// SPECS D12: where the owner keeps a server of their own, its tokens open Micropub, and an
// outage there is one here, never an open door.
func TestTokensOfTheOwnersServer(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		status, body := 200, `{"me":"https://ana.example/","client_id":"https://app.example/","scope":"create"}`
		w.web.Handle("auth.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			rw.Write([]byte(body))
		}))
		w.ana().Site.Elsewhere = &site.Elsewhere{Authorization: "https://auth.example/auth", Token: "https://auth.example/token", Me: w.ana().Me(), Client: w.web.Client()}
		home := w.visitor().get("https://ana.example/")
		links := strings.Join(home.header.Values("Link"), ", ")
		if !strings.Contains(links, `<https://auth.example/token>; rel="token_endpoint"`) || strings.Contains(links, "/-/token") || strings.Contains(links, "indieauth-metadata") {
			t.Errorf("the home page has %s", links)
		}
		bearer := []string{"Authorization", "Bearer theirs"}
		if a := w.visitor().post(endpoints["micropub"], url.Values{"h": {"entry"}, "content": {"Hola"}}, bearer...); a.status != 201 && a.status != 202 {
			t.Errorf("create: got %d %s", a.status, a.body)
		}
		if a := w.visitor().post(endpoints["micropub"], url.Values{"action": {"delete"}, "url": {"https://ana.example/x"}}, bearer...); a.status != 401 || !strings.Contains(a.body, "insufficient_scope") {
			t.Errorf("delete: got %d %s", a.status, a.body)
		}
		time.Sleep(2 * time.Minute)
		status = 502
		a := w.visitor().get(endpoints["micropub"]+"?q=config", bearer...)
		if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "temporarily_unavailable") || strings.Contains(a.body, "theirs") {
			t.Errorf("outage: got %d, %v, %s", a.status, a.header, a.body)
		}
		if page := w.owner().get(tokensPage); !strings.Contains(page.body, "auth.example") {
			t.Errorf("the page of tokens does not say where theirs are")
		}
	})
}

// Where the owner keeps a server of their own, this one signs nobody in to applications any
// more, and says in words where they ask now; a token made by hand works, and can be revoked.
func TestOwnersServerIsNamedAtOurEndpoints(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		secret, err := w.ana().Access.NewToken(w.Context(), "script", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		e := &site.Elsewhere{Authorization: "https://auth.example/auth", Token: "https://auth.example/token", Me: w.ana().Me(), Client: w.web.Client()}
		w.ana().Elsewhere, w.ana().IndieAuth.Successor = e, e.Endpoints()
		owner := w.owner()
		for tag, words := range map[string]string{"es": "su propio servidor IndieAuth", "en": "its own IndieAuth server"} {
			a := owner.get(endpoints["authorization_endpoint"]+"?response_type=code&client_id=https%3A%2F%2Fapp.example%2F", "Accept-Language", tag)
			if a.status != 404 || !strings.Contains(a.body, words) || !strings.Contains(a.body, "https://auth.example/auth") || strings.Contains(a.body, "auth/decide") {
				t.Errorf("%s: got %d %s", tag, a.status, a.body)
			}
		}
		a := owner.post(endpoints["token_endpoint"], url.Values{"grant_type": {"authorization_code"}, "code": {"tc_x"}, "client_id": {"https://app.example/"}})
		if a.status != 400 || !strings.Contains(a.body, "https://auth.example/token") || !strings.Contains(a.header.Get("Content-Type"), "json") {
			t.Errorf("token: got %d %s", a.status, a.body)
		}
		bearer := []string{"Authorization", "Bearer " + secret}
		if a := w.visitor().get(endpoints["micropub"]+"?q=config", bearer...); a.status != 200 {
			t.Errorf("a token by hand: got %d %s", a.status, a.body)
		}
		if a := w.visitor().post("https://ana.example/-/revoke", url.Values{"token": {secret}}); a.status != 200 {
			t.Errorf("revoke: got %d %s", a.status, a.body)
		}
		w.web.Handle("auth.example", http.NotFoundHandler())
		if a := w.visitor().get(endpoints["micropub"]+"?q=config", bearer...); a.status == 200 {
			t.Error("the token works after it was revoked")
		}
	})
}
