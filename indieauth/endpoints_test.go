package indieauth_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// IA-28, T-IA09: how older resource servers and clients verify.
func TestTokenEndpointTellsAboutTheTokenInTheHeader(t *testing.T) {
	h := newHouse()
	token := h.token(t, "profile create")
	w := h.get("token", "Authorization", "bearer "+token)
	want(t, "answer", map[string]any{"me": me, "client_id": app, "scope": "profile create", "profile": map[string]any{"url": me}}, decode(t, w))
}

// IA-30, IA-31: no credentials, no word about why; otherwise what is wrong.
func TestTokensThatAreNone(t *testing.T) {
	h := newHouse()
	token := h.token(t, "profile")
	for _, path := range []string{"token", "userinfo", "introspect"} {
		for name, test := range map[string]struct {
			headers []string
			bare    bool
		}{
			"none":        {nil, true},
			"Basic":       {[]string{"Authorization", "Basic eDp5"}, true},
			"two headers": {[]string{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token}, true},
			"empty":       {[]string{"Authorization", "Bearer "}, true},
			"unknown":     {[]string{"Authorization", "Bearer tt_unknown"}, false},
			"its hash":    {[]string{"Authorization", "Bearer " + strings.Repeat("0", 64)}, false},
			"huge":        {[]string{"Authorization", "Bearer " + strings.Repeat("t", 5000)}, false},
		} {
			w := h.get(path, test.headers...)
			if path == "introspect" {
				w = h.post(path, url.Values{"token": {token}}, test.headers...)
			}
			challenge := w.Header().Get("WWW-Authenticate")
			if w.Code != http.StatusUnauthorized || test.bare != (challenge == "Bearer") || test.bare != (w.Body.Len() == 0) {
				t.Errorf("%s, %s: got %d %q %s", path, name, w.Code, challenge, w.Body)
			}
		}
	}
}

// IA-27, T-IA10, HOSTILE 63.
func TestIntrospection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		h.life = time.Hour
		issued := time.Now().Unix()
		token := h.token(t, "create media")
		own, err := h.Issue(t.Context(), "", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(token string) map[string]any {
			t.Helper()
			w := h.post("introspect", url.Values{"token": {token}}, "Authorization", "Bearer "+own)
			if w.Code != http.StatusOK {
				t.Errorf("got %d %s, want 200", w.Code, w.Body)
			}
			return decode(t, w)
		}
		want(t, "a good token", map[string]any{
			"active": true, "me": me, "client_id": app, "scope": "create media", "iat": float64(issued), "exp": float64(issued + 3600),
		}, ask(token))
		inactive := map[string]any{"active": false}
		want(t, "an unknown token", inactive, ask("tt_unknown"))
		want(t, "a code", inactive, ask(h.code(t, asking())))
		// D12: the token as its own authorization.
		w := h.post("introspect", url.Values{"token": {token}}, "Authorization", "Bearer "+token)
		want(t, "its own", any(true), decode(t, w)["active"])
		// A missing or doubled token is a mistake of the caller's.
		for _, values := range []url.Values{nil, {"token": {token, token}}} {
			if w := h.post("introspect", values, "Authorization", "Bearer "+own); w.Code != http.StatusBadRequest {
				t.Errorf("%v: got %d, want 400", values, w.Code)
			}
		}
		time.Sleep(time.Hour)
		want(t, "an expired token", inactive, ask(token))
	})
}

// IA-29, HOSTILE 63, T-IA09: each way to revoke, and none says whether there was anything.
func TestRevocation(t *testing.T) {
	for name, send := range map[string]func(h *house, token string) int{
		"revocation endpoint": func(h *house, token string) int { return h.post("revoke", url.Values{"token": {token}}).Code },
		"Quill, CL-12": func(h *house, token string) int {
			return h.post("token", url.Values{"action": {"revoke"}, "token": {token}}).Code
		},
		"Indigenous, CL-25": func(h *house, token string) int {
			return h.post("token", url.Values{"action": {"revoke"}}, "Authorization", "Bearer "+token).Code
		},
	} {
		h := newHouse()
		token, other := h.token(t, "create"), h.token(t, "create")
		for range 2 {
			if status := send(h, token); status != http.StatusOK {
				t.Errorf("%s: got %d, want 200", name, status)
			}
		}
		if _, err := h.Check(t.Context(), token); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the token still works: %v", name, err)
		}
		if _, err := h.Check(t.Context(), other); err != nil {
			t.Errorf("%s: another token went too: %v", name, err)
		}
		if status := send(h, "tt_unknown"); status != http.StatusOK {
			t.Errorf("%s: unknown token: got %d, want 200", name, status)
		}
		if status := send(h, ""); status != http.StatusBadRequest {
			t.Errorf("%s: no token: got %d, want 400", name, status)
		}
	}
}

// IA-31, D2.
// Spec: indieauth#error-responses-li-3
func TestUserinfoNeedsTheScopeProfile(t *testing.T) {
	h := newHouse()
	w := h.get("userinfo", "Authorization", "Bearer "+h.token(t, "profile"))
	want(t, "profile", map[string]any{"url": me}, decode(t, w))
	w = h.get("userinfo", "Authorization", "Bearer "+h.token(t, "create email"))
	if w.Code != http.StatusForbidden || decode(t, w)["error"] != "insufficient_scope" || !strings.Contains(w.Header().Get("WWW-Authenticate"), `scope="profile"`) {
		t.Errorf("got %d %s %v, want 403 insufficient_scope", w.Code, w.Body, w.Header())
	}
}
