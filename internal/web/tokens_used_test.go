package web_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// The last use and where it came from are those of any endpoint that looks at the token: a
// server that asks about it, the profile that it opens, the hook of whoever builds the site.
func TestLastUseIsSeenAtEveryEndpoint(t *testing.T) {
	for name, c := range map[string]struct{ method, path, body string }{
		"token endpoint": {"GET", "token", ""},
		"introspection":  {"POST", "introspect", "token="},
		"userinfo":       {"GET", "userinfo", ""},
		"micropub":       {"GET", "micropub?q=config", ""},
		"read API":       {"GET", "api/mentions.jf2", ""},
		"hook":           {"POST", "built/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				t := w.T
				secret, err := w.ana().Access.NewToken(w.Context(), "script", []string{"read", "profile", "deploy"})
				if err != nil {
					t.Fatal(err)
				}
				if c.body != "" {
					c.body += secret
				}
				if strings.HasSuffix(c.path, "/") {
					c.path += secret
				}
				r := httptest.NewRequest(c.method, w.ana().Endpoint(c.path), strings.NewReader(c.body))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Authorization", "Bearer "+secret)
				r.RemoteAddr = "203.0.113.7:1234"
				rec := httptest.NewRecorder()
				w.handler.ServeHTTP(rec, r)
				if rec.Code/100 != 2 {
					t.Fatalf("got %d %s", rec.Code, rec.Body)
				}
				tokens, err := w.ana().Access.Tokens(w.Context())
				if err != nil || len(tokens) != 1 {
					t.Fatalf("%d tokens, %v", len(tokens), err)
				}
				if got := tokens[0]; got.LastUsed.IsZero() || got.LastFrom != "203.0.113.0/24" {
					t.Errorf("last used %v from %q", got.LastUsed, got.LastFrom)
				}
			})
		})
	}
}
