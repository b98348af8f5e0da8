package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tertulia/internal/site"
)

// Whoever builds the site may say that it is live, with a token that is good for nothing
// else, in a header or in the address.
func TestWhoBuildsTheSiteSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		token := func(scope string) string {
			secret, err := w.ana().Access.NewToken(w.Context(), "hook", []string{scope})
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
		deploy, create := token("deploy"), token("create")
		const at = "https://ana.example/-/built"
		for _, c := range []struct {
			address, bearer string
			want            int
		}{
			{at, deploy, 202},
			{at + "/" + deploy, "", 202},
			{at, "", 401},
			{at, "nonsense", 401},
			{at + "/nonsense", "", 401},
			{at, create, 403},
			{at + "/" + create, "", 403},
		} {
			var header []string
			if c.bearer != "" {
				header = []string{"Authorization", "Bearer " + c.bearer}
			}
			if a := w.visitor().post(c.address, url.Values{}, header...); a.status != c.want {
				t.Errorf("%s with %q: got %d, want %d: %s", c.address, c.bearer, a.status, c.want, a.body)
			}
		}
		if a := w.visitor().get(at); a.status != 405 {
			t.Errorf("GET: got %d", a.status)
		}
		if a := w.visitor().post("https://ana.example/-/micropub", url.Values{"h": {"entry"}, "content": {"x"}}, "Authorization", "Bearer "+deploy); a.status != 401 {
			t.Errorf("a post with it: got %d, want that it is good for nothing else", a.status)
		}
	})
}

// HOSTILE 115: what fails behind a hook's address is logged without its token.
func TestTokensInAddressesAreNotLogged(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		const secret = "a-token-of-the-owners-own-server"
		w.web.Handle("auth.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(502) }))
		w.ana().Elsewhere = &site.Elsewhere{Authorization: "https://auth.example/auth", Token: "https://auth.example/token", Me: w.ana().Me(), Client: w.web.Client()}
		if a := w.visitor().post("https://ana.example/-/built/"+secret, nil); a.status != 503 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		if log := w.log.String(); strings.Contains(log, secret) || !strings.Contains(log, "/-/built/") {
			t.Errorf("the log has the token, or nothing: %s", log)
		}
	})
}

// The page of tokens has words for what such a token may do.
func TestHooksTokenIsExplained(t *testing.T) {
	inWorld(t, func(w *world) {
		if _, err := w.ana().Access.NewToken(w.Context(), "hook", []string{"deploy"}); err != nil {
			w.Fatal(err)
		}
		for tag, unknown := range map[string]string{"es": "no conoce", "en": "does not know"} {
			if a := w.owner().get(tokensPage, "Accept-Language", tag); !strings.Contains(a.body, "deploy") || strings.Contains(a.body, unknown) {
				w.Errorf("%s: got %s", tag, a.body)
			}
		}
	})
}
