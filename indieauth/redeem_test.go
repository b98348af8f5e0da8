package indieauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/indieauth"
)

// HOSTILE 52, 57, IA-20: what each change to a good request gives, and whether the
// code is still good for the right client afterwards.
func TestRedeemingMutations(t *testing.T) {
	fresh := func() url.Values { return redeeming("") }
	for name, test := range map[string]struct {
		values url.Values
		want   string // the error
		burned bool
	}{
		"no grant_type needed":        {with(fresh(), "grant_type"), "", true},
		"another grant_type":          {with(fresh(), "grant_type", "password"), "unsupported_grant_type", false},
		"refresh":                     {with(fresh(), "grant_type", "refresh_token"), "invalid_request", false},
		"grant_type twice":            {with(fresh(), "grant_type", "authorization_code", "authorization_code"), "invalid_request", false},
		"no client_id":                {with(fresh(), "client_id"), "invalid_request", false},
		"client_id twice":             {with(fresh(), "client_id", app, app), "invalid_request", false},
		"another client_id":           {with(fresh(), "client_id", "https://evil.example/"), "invalid_grant", false},
		"client_id with path":         {with(fresh(), "client_id", app+"a"), "invalid_grant", false},
		"client_id with port":         {with(fresh(), "client_id", "https://app.example:443/"), "invalid_grant", false},
		"client_id in http":           {with(fresh(), "client_id", "http://app.example/"), "invalid_grant", false},
		"client_id with two slashes":  {with(fresh(), "client_id", app+"/"), "invalid_grant", false},
		"client_id no URL":            {with(fresh(), "client_id", "app"), "invalid_grant", false},
		"no redirect_uri":             {with(fresh(), "redirect_uri"), "invalid_request", false},
		"redirect_uri twice":          {with(fresh(), "redirect_uri", callback, callback), "invalid_request", false},
		"redirect_uri in capitals":    {with(fresh(), "redirect_uri", "https://APP.example/cb"), "invalid_grant", false},
		"redirect_uri with slash":     {with(fresh(), "redirect_uri", callback+"/"), "invalid_grant", false},
		"redirect_uri with port":      {with(fresh(), "redirect_uri", "https://app.example:443/cb"), "invalid_grant", false},
		"redirect_uri with query":     {with(fresh(), "redirect_uri", callback+"?"), "invalid_grant", false},
		"client and redirect swapped": {with(with(fresh(), "client_id", callback), "redirect_uri", app), "invalid_grant", false},
		"verifier twice":              {with(fresh(), "code_verifier", verifier, verifier), "invalid_request", false},
		"no verifier":                 {with(fresh(), "code_verifier"), "invalid_grant", true}, // T-IA06
		"another verifier":            {with(fresh(), "code_verifier", strings.ToLower(verifier)), "invalid_grant", true},
		"challenge as verifier":       {with(fresh(), "code_verifier", challenge), "invalid_grant", true}, // plain
		"short verifier":              {with(fresh(), "code_verifier", verifier[:42]), "invalid_grant", true},
		"long verifier":               {with(fresh(), "code_verifier", strings.Repeat("v", 129)), "invalid_grant", true},
		"verifier with a space":       {with(fresh(), "code_verifier", verifier+" "), "invalid_grant", true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse()
			code := h.code(t, asking())
			w := h.post("token", with(test.values, "code", code))
			got, _ := decode(t, w)["error"].(string)
			if got != test.want || (w.Code == http.StatusOK) != (test.want == "") {
				t.Errorf("got %d %s, want %q", w.Code, w.Body, test.want)
			}
			again := h.post("token", redeeming(code))
			if burned := again.Code != http.StatusOK; burned != test.burned {
				t.Errorf("burned: got %v, want %v (%s)", burned, test.burned, again.Body)
			}
		})
	}
	for name, code := range map[string][]string{"no code": nil, "empty code": {""}, "code twice": {"a", "b"}, "unknown code": {"tc_none"}} {
		w := newHouse().post("token", with(redeeming(""), "code", code...))
		if w.Code != http.StatusBadRequest || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %v, want 400, not stored", name, w.Code, w.Header())
		}
	}
}

// IA-15: a proof that is too weak is none, even if the client asked with it.
func TestVerifierMustBeLongAndPlain(t *testing.T) {
	for _, weak := range []string{"a", verifier[:42], strings.Repeat("v", 129), verifier + " ", verifier + "é"} {
		h := newHouse()
		sum := sha256.Sum256([]byte(weak))
		code := h.code(t, with(asking(), "code_challenge", base64.RawURLEncoding.EncodeToString(sum[:])))
		if w := h.post("token", with(redeeming(code), "code_verifier", weak)); w.Code != http.StatusBadRequest {
			t.Errorf("%q: got %d %s, want 400", weak, w.Code, w.Body)
		}
	}
}

// IA-3: these are the same client.
func TestClientIDIsComparedInCanonicalForm(t *testing.T) {
	for _, id := range []string{"https://app.example", "https://APP.example/", "HTTPS://app.example/"} {
		h := newHouse()
		w := h.post("token", with(redeeming(h.code(t, asking())), "client_id", id))
		if w.Code != http.StatusOK {
			t.Errorf("%s: got %d %s, want 200", id, w.Code, w.Body)
		}
	}
}

// Parameters count in the body only, and only as a form.
func TestRedeemingReadsTheBodyAlone(t *testing.T) {
	h := newHouse()
	code := h.code(t, asking())
	for name, r := range map[string]*http.Request{
		"query":            httptest.NewRequest("POST", base+"token?"+redeeming(code).Encode(), nil),
		"JSON":             httptest.NewRequest("POST", base+"token", strings.NewReader(`{"code":"`+code+`"}`)),
		"too much":         httptest.NewRequest("POST", base+"token", strings.NewReader(redeeming(code).Encode()+"&x="+strings.Repeat("x", 20000))),
		"no Content-Type":  httptest.NewRequest("POST", base+"token", strings.NewReader(redeeming(code).Encode())),
		"broken escape":    httptest.NewRequest("POST", base+"token", strings.NewReader(redeeming(code).Encode()+"&%zz")),
		"query and a body": httptest.NewRequest("POST", base+"token?code="+code, strings.NewReader(with(redeeming(""), "code").Encode())),
	} {
		if name == "JSON" {
			r.Header.Set("Content-Type", "application/json")
		} else if name != "no Content-Type" {
			r.Header.Set("Content-Type", form)
		}
		if w := h.do(r); w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge || decode(t, w)["error"] != "invalid_request" {
			t.Errorf("%s: got %d %s, want invalid_request", name, w.Code, w.Body)
		}
	}
}

// T-IA05, IA-21: who brings a code twice loses the token.
func TestCodeReuseRevokesTheToken(t *testing.T) {
	h := newHouse()
	code := h.code(t, asking())
	token := decode(t, h.post("token", redeeming(code)))["access_token"].(string)
	for _, values := range []url.Values{with(redeeming(code), "code_verifier"), redeeming(code)} {
		if w := h.post("token", values); w.Code != http.StatusBadRequest || decode(t, w)["error"] != "invalid_grant" {
			t.Errorf("got %d %s, want invalid_grant", w.Code, w.Body)
		}
	}
	if _, err := h.Check(t.Context(), token); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the token still works: %v", err)
	}
}

func TestFiftyRedemptionsAtOnceGiveOneToken(t *testing.T) {
	h := newHouse()
	code := h.code(t, asking())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var tokens []string
	for range 50 {
		wg.Go(func() {
			if w := h.post("token", redeeming(code)); w.Code == http.StatusOK {
				mu.Lock()
				defer mu.Unlock()
				tokens = append(tokens, decode(t, w)["access_token"].(string))
			}
		})
	}
	wg.Wait()
	if len(tokens) != 1 {
		t.Fatalf("got %d tokens, want 1", len(tokens))
	}
	if _, err := h.Check(t.Context(), tokens[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the token of a code that came fifty times still works: %v", err)
	}
}

// IA-22: expires_in, and what it promises.
func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		h.life = time.Hour
		body := decode(t, h.post("token", redeeming(h.code(t, asking()))))
		want(t, "expires_in", any(3600.0), body["expires_in"])
		token := body["access_token"].(string)
		time.Sleep(time.Hour - time.Second)
		if _, err := h.Check(t.Context(), token); err != nil {
			t.Errorf("just before: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := h.Check(t.Context(), token); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("at its end: got %v, want fs.ErrNotExist", err)
		}
	})
}

// IA-23, IA-24: profile data comes with the scope profile, email with both, at
// either endpoint.
func TestProfileComesWithItsScopes(t *testing.T) {
	full := indieauth.Profile{Name: "Ana", URL: me, Photo: me + "ana.jpg", Email: "ana@ana.example"}
	public := map[string]any{"name": "Ana", "url": me, "photo": me + "ana.jpg"}
	for scope, want := range map[string]any{
		"profile":              public,
		"profile create":       public,
		"profile email":        map[string]any{"name": "Ana", "url": me, "photo": me + "ana.jpg", "email": "ana@ana.example"},
		"email":                nil,
		"create":               nil,
		"profiles not-profile": nil,
	} {
		for _, endpoint := range []string{"token", "auth"} {
			h := newHouse()
			h.Profile = func(context.Context) indieauth.Profile { return full }
			body := decode(t, h.post(endpoint, redeeming(h.code(t, with(asking(), "scope", scope)))))
			if body["me"] != me {
				t.Errorf("%s at %s: got me %v", scope, endpoint, body["me"])
			}
			if endpoint == "auth" && body["access_token"] != nil {
				t.Errorf("%s: the authorization endpoint gave a token", scope)
			}
			compare(t, scope+" at "+endpoint, body["profile"], want)
		}
	}
}

// compare is want for values that may be nil.
func compare(t *testing.T, what string, got, expected any) {
	t.Helper()
	want(t, what, []any{got}, []any{expected})
}

// failing is a Storage whose disk is full.
type failing struct{ *Memory }

func (failing) Redeem(context.Context, string, time.Time, func(indieauth.Code) (indieauth.Given, error)) error {
	return errors.New("disk full at /var/lib")
}

func (failing) Revoke(context.Context, string) error { return errors.New("disk full at /var/lib") }

func (failing) Token(context.Context, string) (indieauth.Token, error) {
	return indieauth.Token{}, errors.New("disk full at /var/lib")
}

func TestStorageFailureIsNotTheClientsFault(t *testing.T) {
	h := newHouse()
	h.Storage = failing{h.storage}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"redeem":       h.post("token", redeeming("tc_x")),
		"profile":      h.post("auth", redeeming("tc_x")),
		"revoke":       h.post("revoke", url.Values{"token": {"tt_x"}}),
		"userinfo":     h.get("userinfo", "Authorization", "Bearer tt_x"),
		"introspect":   h.post("introspect", url.Values{"token": {"tt_x"}}, "Authorization", "Bearer tt_x"),
		"verification": h.get("token", "Authorization", "Bearer tt_x"),
	} {
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "disk") {
			t.Errorf("%s: got %d %s, want 500 without the cause", name, w.Code, w.Body)
		}
	}
	if !strings.Contains(h.log.String(), "disk full") {
		t.Error("the cause was not logged")
	}
}
