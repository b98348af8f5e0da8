package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/oauth2"
)

const client = "https://app.example/"

// editor is a client that was not written for us: golang.org/x/oauth2 with its
// default style of authentication, told its endpoints by the metadata (HOSTILE 65).
func (w *world) editor(scopes ...string) *oauth2.Config {
	w.Helper()
	var metadata struct {
		Auth  string `json:"authorization_endpoint"`
		Token string `json:"token_endpoint"`
	}
	if err := json.Unmarshal([]byte(w.visitor().get(endpoints["indieauth-metadata"]).body), &metadata); err != nil {
		w.Fatal(err)
	}
	return &oauth2.Config{
		ClientID: client, RedirectURL: client + "callback?x=1", Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: metadata.Auth, TokenURL: metadata.Token},
	}
}

// publishes lets the client say who it is.
func (w *world) publishes(metadata map[string]any) {
	w.web.Handle("app.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		json.NewEncoder(rw).Encode(metadata)
	}))
}

func (w *world) exchange(conf *oauth2.Config, code, verifier string) (*oauth2.Token, error) {
	ctx := context.WithValue(w.Context(), oauth2.HTTPClient, w.web.Client())
	return conf.Exchange(ctx, code, oauth2.VerifierOption(verifier))
}

// consent opens the consent page of a request and returns its form.
func (b *browser) consent(authURL string) (page answer, form url.Values) {
	b.Helper()
	page = b.get(authURL)
	if page.status != 200 {
		b.Fatalf("consent page: got %d\n%s", page.status, page.body)
	}
	return page, formTo(b.T, page, "/-/auth/decide")
}

// approve presses the button, and returns where the browser is sent.
func (b *browser) approve(form url.Values) *url.URL {
	b.Helper()
	form.Set("decision", "approve")
	a := b.post("https://ana.example/-/auth/decide", form)
	if a.status != 303 || a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Cache-Control") != "no-store" {
		b.Fatalf("approve: got %d, %v\n%s", a.status, a.header, a.body)
	}
	return parse(b.T, a.header.Get("Location"))
}

// An editor that knows nothing of us gets its token, with the owner signing in in
// the middle, and posts with it.
func TestEditorGetsItsToken(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client, "client_name": "Pluma", "client_uri": client, "redirect_uris": []string{}})
		conf := w.editor("create", "update", "media", "invented")
		verifier := oauth2.GenerateVerifier()
		authURL := conf.AuthCodeURL("state&=%2F", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("me", "https://other.example/"))

		b := w.visitor()
		a := b.get(authURL, "Accept-Language", "en")
		if a.status != 401 || !strings.Contains(a.body, "tertulia link") || !strings.Contains(a.body, client) || a.header.Get("WWW-Authenticate") == "" {
			t.Fatalf("without a session: got %d\n%s", a.status, a.body)
		}
		if n := len(w.web.Requests("app.example")); n != 0 {
			t.Errorf("a stranger made us fetch the client (%d requests)", n)
		}
		signedIn := b.post(w.link(), nil)
		if to := signedIn.header.Get("Location"); "https://ana.example"+to != authURL {
			t.Fatalf("the link leads to\n%s, want\n%s", to, authURL)
		}
		page, form := b.consent("https://ana.example" + signedIn.header.Get("Location"))
		for _, want := range []string{"Pluma", client, client + "callback?x=1", "https://ana.example/", "create", "update", "media", "invented"} {
			if !strings.Contains(html.UnescapeString(page.body), want) {
				t.Errorf("the consent page lacks %q:\n%s", want, page.body)
			}
		}
		if got := form["scope"]; !slices.Equal(got, []string{"create", "update", "media", "invented"}) {
			t.Errorf("ticked: %q", got)
		}
		form["scope"] = []string{"create", "media"} // the owner unticks the others
		to := b.approve(form)
		q := to.Query()
		if to.Host != "app.example" || to.Path != "/callback" || q.Get("x") != "1" || q.Get("state") != "state&=%2F" || q.Get("iss") != "https://ana.example/-/" || q.Get("code") == "" {
			t.Fatalf("got %s", to)
		}
		token, err := w.exchange(conf, q.Get("code"), verifier)
		if err != nil {
			t.Fatal(err)
		}
		if token.Type() != "Bearer" || token.Extra("me") != "https://ana.example/" || token.Extra("scope") != "create media" {
			t.Errorf("got %s, me %v, scope %v", token.Type(), token.Extra("me"), token.Extra("scope"))
		}
		config := b.get(endpoints["micropub"]+"?q=config", "Authorization", "Bearer "+token.AccessToken)
		if config.status != 200 || !strings.Contains(config.body, "media-endpoint") {
			t.Errorf("q=config: got %d %s", config.status, config.body)
		}
		if a := b.post(endpoints["micropub"], url.Values{"h": {"entry"}, "content": {"Hola"}}, "Authorization", "Bearer "+token.AccessToken); a.status != 201 {
			t.Errorf("create: got %d %s", a.status, a.body)
		}
		// The code was good once; a second use also ends its token.
		if _, err := w.exchange(conf, q.Get("code"), verifier); err == nil {
			t.Error("the code worked twice")
		}
		if a := b.get(endpoints["micropub"]+"?q=config", "Authorization", "Bearer "+token.AccessToken); a.status != 401 {
			t.Errorf("after the second use: got %d", a.status)
		}
		if log := w.log.String(); strings.Contains(log, q.Get("code")) || strings.Contains(log, token.AccessToken) {
			t.Error("the log has a secret")
		}
	})
}

// request is an authorization request of the editor's with some parameters replaced.
func (w *world) request(scopes []string, with map[string]string) string {
	conf := w.editor(scopes...)
	var more []oauth2.AuthCodeOption
	for name, value := range with {
		more = append(more, oauth2.SetAuthURLParam(name, value))
	}
	return conf.AuthCodeURL("s", append(more, oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))...)
}

func TestOwnerSaysNo(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client})
		for _, decision := range []string{"deny", "", "approved", "APPROVE"} {
			b := w.owner()
			_, form := b.consent(w.request([]string{"create"}, nil))
			form.Set("decision", decision)
			a := b.post("https://ana.example/-/auth/decide", form)
			q := parse(t, a.header.Get("Location")).Query()
			if a.status != 303 || q.Get("error") != "access_denied" || q.Get("state") != "s" || q.Get("iss") != "https://ana.example/-/" || q.Get("code") != "" {
				t.Errorf("%q: got %d to %q", decision, a.status, a.header.Get("Location"))
			}
		}
	})
}

// Without any ticked scope the client learns who the owner is, and gets no token.
// Spec: indieauth#access-token-response-p-2
func TestNoScopeNoToken(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client})
		conf := w.editor("create")
		for _, at := range []string{endpoints["token_endpoint"], endpoints["authorization_endpoint"]} {
			verifier := oauth2.GenerateVerifier()
			b := w.owner()
			_, form := b.consent(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
			form.Del("scope")
			code := b.approve(form).Query().Get("code")
			a := w.visitor().post(at, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {client}, "redirect_uri": {conf.RedirectURL}, "code_verifier": {verifier}})
			if strings.Contains(a.body, "access_token") || (at == endpoints["authorization_endpoint"]) != strings.Contains(a.body, `"me":"https://ana.example/"`) {
				t.Errorf("%s: got %d %s", at, a.status, a.body)
			}
		}
	})
}

// HOSTILE 61, 62, T-IA12: the client's own words are text, its scopes too; the page
// is in no frame, and its address in no Referer.
func TestConsentPageIsInert(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		evil := `x"'><script>alert(1)</script><img src=x onerror=alert(1)>`
		w.publishes(map[string]any{"client_id": client, "client_name": evil + "\u202etxt", "logo_uri": "javascript:alert(1)", "client_uri": "javascript:alert(1)"})
		b := w.owner()
		page, _ := b.consent(w.request([]string{"create", "<script>", "x'onclick='y"}, map[string]string{"state": evil}))
		inert(t, "consent", page.body)
		if !strings.Contains(html.UnescapeString(page.body), "x'onclick='y") {
			t.Error("a scope is not shown")
		}
		h := page.header
		if h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Frame-Options") != "DENY" || h.Get("Cache-Control") != "no-store" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("got %v", h)
		}
		for _, m := range find(page.doc(t), "meta") {
			if attr(m, "name") == "referrer" {
				t.Error("the page overrides its Referrer-Policy")
			}
		}
		// Browsers hold form-action against every redirect that follows, the client's
		// own included, so it must not be there.
		if strings.Contains(h.Get("Content-Security-Policy"), "form-action") {
			t.Errorf("got %s", h.Get("Content-Security-Policy"))
		}
		signIn := w.visitor().get(w.request([]string{"create"}, map[string]string{"client_id": "https://app.example/" + url.PathEscape(evil)}))
		inert(t, "sign in", signIn.body)
		if !strings.Contains(signIn.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("sign in: got %v", signIn.header)
		}
	})
}

// A client that cannot be asked is known by its address, and the owner is warned.
func TestClientThatCannotBeAsked(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		for name, publish := range map[string]func(){
			"unknown host": func() {},
			"500":          func() { w.web.Handle("app.example", http.NotFoundHandler()) },
			"another's":    func() { w.publishes(map[string]any{"client_id": "https://other.example/", "client_name": "Bank"}) },
			"huge":         func() { w.publishes(map[string]any{"client_id": client, "client_name": strings.Repeat("x", 6<<10)}) },
			"slow": func() {
				w.web.Handle("app.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					select {
					case <-r.Context().Done():
					case <-time.After(time.Minute):
					}
				}))
			},
			"redirect": func() {
				w.web.Handle("app.example", http.RedirectHandler("https://other.example/", http.StatusFound))
			},
		} {
			publish()
			began := time.Now()
			page, form := w.owner().consent(w.request([]string{"create"}, nil))
			if time.Since(began) > 6*time.Second {
				t.Errorf("%s: the owner waited %s", name, time.Since(began))
			}
			if len(form) == 0 || strings.Contains(page.body, "Bank") || !strings.Contains(page.body, "app.example") || !strings.Contains(page.body, `class="warning"`) {
				t.Errorf("%s: got\n%s", name, page.body)
			}
		}
	})
}

// A client for identity alone is told the profile that it may know, and no more.
func TestProfileAndRevocation(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client})
		conf := w.editor("profile", "create")
		verifier := oauth2.GenerateVerifier()
		b := w.owner()
		_, form := b.consent(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
		token, err := w.exchange(conf, b.approve(form).Query().Get("code"), verifier)
		if err != nil {
			t.Fatal(err)
		}
		bearer := []string{"Authorization", "Bearer " + token.AccessToken}
		for _, address := range []string{endpoints["token_endpoint"], "https://ana.example/-/userinfo"} {
			if a := w.visitor().get(address, bearer...); a.status != 200 {
				t.Errorf("%s: got %d %s", address, a.status, a.body)
			}
		}
		// CL-12, CL-25: older clients revoke at the token endpoint.
		if a := w.visitor().post(endpoints["token_endpoint"], url.Values{"action": {"revoke"}, "token": {token.AccessToken}}); a.status != 200 {
			t.Errorf("revoke: got %d", a.status)
		}
		for _, address := range []string{endpoints["token_endpoint"], endpoints["micropub"] + "?q=config"} {
			if a := w.visitor().get(address, bearer...); a.status != 401 {
				t.Errorf("%s after revocation: got %d", address, a.status)
			}
		}
	})
}
