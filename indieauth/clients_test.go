package indieauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// call is how a real client redeems its code, as SPECS section 10 has it.
type call struct {
	authorize string   // the query of its authorization request, as it builds it
	redeem    string   // the body, with CODE where the code goes
	headers   []string // beside Content-Type
	media     string   // its Content-Type
	want      string   // the Content-Type of the answer
}

const escapedChallenge = "&code_challenge=" + challenge + "&code_challenge_method=S256"

var realClients = map[string]call{
	"Quill": { // CL-2, CL-3
		authorize: "response_type=code&me=https%3A%2F%2Fana.example%2F&redirect_uri=https%3A%2F%2Fquill.p3k.io%2Fauth%2Fcallback&client_id=https%3A%2F%2Fquill.p3k.io%2F&state=0123456789abcdef&scope=create+update+media+profile" + escapedChallenge,
		redeem:    "grant_type=authorization_code&code=CODE&redirect_uri=https%3A%2F%2Fquill.p3k.io%2Fauth%2Fcallback&client_id=https%3A%2F%2Fquill.p3k.io%2F&code_verifier=" + verifier,
		headers:   []string{"Accept", "application/json, application/x-www-form-urlencoded;q=0.8"},
		media:     form,
		want:      "application/json",
	},
	"Micropublish": { // CL-14, CL-15: no Accept
		authorize: "me=https%3A%2F%2Fana.example%2F&client_id=https%3A%2F%2Fmicropublish.net%2F&state=x&scope=create%20update%20delete%20undelete&redirect_uri=https%3A%2F%2Fmicropublish.net%2Fauth%2Fcallback&response_type=code" + escapedChallenge,
		redeem:    "code=CODE&redirect_uri=https%3A%2F%2Fmicropublish.net%2Fauth%2Fcallback&client_id=https%3A%2F%2Fmicropublish.net%2F&grant_type=authorization_code&code_verifier=" + verifier,
		media:     form,
		want:      "application/json",
	},
	"Indigenous": { // CL-23, CL-24: nothing escaped, unknown scopes, me, a stray &
		authorize: "code_challenge_method=S256&code_challenge=" + challenge + "&response_type=code&redirect_uri=https://indigenous.realize.be/indigenous-callback.php&client_id=https://indigenous.realize.be/&me=https://ana.example/&scope=create+update+delete+media+read+follow+channels+mute+block&state=abc",
		redeem:    "grant_type=authorization_code&code=CODE&me=https%3A%2F%2Fana.example%2F&redirect_uri=https%3A%2F%2Findigenous.realize.be%2Findigenous-callback.php&client_id=https%3A%2F%2Findigenous.realize.be%2F&code_verifier=" + verifier + "&",
		headers:   []string{"Accept", "application/json"},
		media:     form + "; charset=UTF-8",
		want:      "application/json",
	},
	"grantcodes": { // CL-32: from a browser
		authorize: "me=https%3A%2F%2Fana.example%2F&client_id=https%3A%2F%2Fapp.example&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code&state=s&scope=create%20delete%20update" + escapedChallenge,
		redeem:    "grant_type=authorization_code&me=https%3A%2F%2Fana.example%2F&code=CODE&client_id=https%3A%2F%2Fapp.example&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier=" + verifier,
		headers:   []string{"Accept", "application/json, */*", "Origin", "https://app.example"},
		media:     form + ";charset=UTF-8",
		want:      "application/json",
	},
	"a client from before JSON": {
		authorize: asking().Encode(),
		redeem:    redeeming("CODE").Encode(),
		headers:   []string{"Accept", form},
		media:     form,
		want:      form,
	},
}

func TestRealClientsGetTheirTokens(t *testing.T) {
	for name, client := range realClients {
		h := newHouse()
		code := location(t, h.get("auth?"+client.authorize)).Get("code")
		r := httptest.NewRequest("POST", base+"token", strings.NewReader(strings.Replace(client.redeem, "CODE", code, 1)))
		r.Header.Set("Content-Type", client.media)
		w := h.do(r, client.headers...)
		if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || got != client.want {
			t.Errorf("%s: got %d %s %s", name, w.Code, got, w.Body)
			continue
		}
		// CL-3, CL-15, CL-32: they all fail without these three.
		body := map[string]any{}
		if client.want == form {
			values, err := url.ParseQuery(w.Body.String())
			if err != nil {
				t.Fatal(err)
			}
			for key := range values {
				body[key] = values.Get(key)
			}
		} else {
			body = decode(t, w)
		}
		for _, key := range []string{"access_token", "scope", "me", "token_type"} {
			if text, _ := body[key].(string); text == "" {
				t.Errorf("%s: no %s in %s", name, key, w.Body)
			}
		}
		// None of them knows how to refresh: they would lose their access.
		if body["expires_in"] != nil || body["refresh_token"] != nil {
			t.Errorf("%s: got %s, want a token that lasts", name, w.Body)
		}
	}
}

// JSON is the answer unless a client accepts a form and nothing else.
func TestAccept(t *testing.T) {
	h := newHouse()
	token := h.token(t, "create")
	for accept, want := range map[string]string{
		"":                                "application/json",
		"*/*":                             "application/json",
		"text/html":                       "application/json",
		";;;":                             "application/json",
		form + ", application/json":       "application/json",
		form + ", */*;q=0.1":              "application/json",
		form:                              form,
		form + ";q=0.8, text/plain":       form,
		form + ", application/json;q=0.0": form,
	} {
		if got := h.get("token", "Accept", accept, "Authorization", "Bearer "+token).Header().Get("Content-Type"); got != want {
			t.Errorf("Accept %q: got %q, want %q", accept, got, want)
		}
	}
	w := h.post("token", nil, "Accept", form)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "error=invalid_request") {
		t.Errorf("an error as a form: got %d %s", w.Code, w.Body)
	}
}

// HOSTILE 65: the common library, in the style we advise, in its default style
// (which tries HTTP Basic first), and in Basic alone.
func TestOAuth2LibraryAsClient(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{"params": oauth2.AuthStyleInParams, "default": oauth2.AuthStyleAutoDetect, "Basic": oauth2.AuthStyleInHeader} {
		h := newHouse()
		posts := 0
		h.web["ana.example"] = func(w http.ResponseWriter, r *http.Request) {
			posts++
			h.ServeHTTP(w, r)
		}
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: h.web})
		config := oauth2.Config{
			ClientID:    app,
			RedirectURL: callback,
			Scopes:      []string{"create", "profile"},
			Endpoint:    oauth2.Endpoint{AuthURL: base + "auth", TokenURL: base + "token", AuthStyle: style},
		}
		verifier := oauth2.GenerateVerifier()
		address := config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier))
		w := h.do(httptest.NewRequest("GET", address, nil))
		token, err := config.Exchange(ctx, location(t, w).Get("code"), oauth2.VerifierOption(verifier))
		if err != nil || posts != 1 {
			t.Errorf("%s: %v after %d posts, want a token after one", name, err, posts)
			continue
		}
		if token.Extra("me") != me || token.Extra("scope") != "create profile" || token.TokenType != "Bearer" {
			t.Errorf("%s: got %v %v %v", name, token.Extra("me"), token.Extra("scope"), token.TokenType)
		}
	}
}

// HOSTILE 65: a first attempt that fails for its client leaves the code alone, and
// an Authorization header that makes no sense does no harm.
func TestBasicDoesNotSpendTheCode(t *testing.T) {
	h := newHouse()
	code := h.code(t, asking())
	for _, attempt := range []struct {
		user   string
		values url.Values
		status int
	}{
		{"https%3A%2F%2Fevil.example%2F", with(redeeming(code), "client_id"), 400},
		{"%zz", with(redeeming(code), "client_id"), 400},
		{"https%3A%2F%2Fevil.example%2F", redeeming(code), 200}, // what the body says counts
	} {
		r := httptest.NewRequest("POST", base+"token", strings.NewReader(attempt.values.Encode()))
		r.Header.Set("Content-Type", form)
		r.SetBasicAuth(attempt.user, "")
		if w := h.do(r); w.Code != attempt.status {
			t.Errorf("Basic %s: got %d %s, want %d", attempt.user, w.Code, w.Body, attempt.status)
		}
	}
}

// The common library refreshes by itself.
func TestOAuth2LibraryRefreshes(t *testing.T) {
	h := newRefreshing()
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: h.web})
	for name, style := range map[string]oauth2.AuthStyle{"params": oauth2.AuthStyleInParams, "Basic": oauth2.AuthStyleInHeader} {
		config := oauth2.Config{ClientID: app, RedirectURL: callback, Endpoint: oauth2.Endpoint{TokenURL: base + "token", AuthStyle: style}}
		token, err := config.Exchange(ctx, h.code(t, asking()), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		old := token.AccessToken
		token.Expiry = time.Now().Add(-time.Second)
		token, err = config.TokenSource(ctx, token).Token()
		if err != nil || token.AccessToken == old || !h.works(t, token.AccessToken) || h.works(t, old) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
