package indieauth_test

import (
	"net/url"
	"strings"
	"testing"

	"tertulia/indieauth"
)

// Where another server has taken over, this one gives out nothing more, neither for a code nor
// for a refresh token of before, and says where to go; what it gave is still checked and revoked.
func TestServerThatWasSucceededGivesOutNothing(t *testing.T) {
	h := newHouse()
	before := h.code(t, asking())
	token := h.token(t, "create")
	h.Successor = indieauth.Endpoints{
		Authorization: "https://auth.example/auth", Token: "https://auth.example/token", Introspection: "https://auth.example/introspect",
	}
	asked := len(h.asked)
	page := h.get("auth?" + asking().Encode())
	if page.Code != 400 || page.Header().Get("Location") != "" || !strings.Contains(page.Body.String(), "https://auth.example/auth") || len(h.asked) != asked {
		t.Errorf("authorization: got %d, %v: %s", page.Code, page.Header(), page.Body)
	}
	if _, err := h.Approve(t.Context(), h.asked[0], []string{"create"}, 0); err == nil {
		t.Error("a page that was open before still approves")
	}
	for name, c := range map[string]struct {
		path  string
		form  url.Values
		now   string
		token bool
	}{
		"a code":           {"token", redeeming(before), "https://auth.example/token", false},
		"a code for who":   {"auth", redeeming(before), "https://auth.example/auth", false},
		"a refresh token":  {"token", refreshing("tr_x"), "https://auth.example/token", false},
		"no grant":         {"token", url.Values{}, "https://auth.example/token", false},
		"an unknown token": {"introspect", url.Values{"token": {"theirs"}}, "https://auth.example/introspect", true},
	} {
		t.Run(name, func(t *testing.T) {
			var header []string
			if c.token {
				header = []string{"Authorization", "Bearer " + token}
			}
			a := h.post(c.path, c.form, header...)
			if a.Code != 400 || !strings.Contains(a.Body.String(), `"error":"invalid_request"`) || !strings.Contains(a.Body.String(), c.now) {
				t.Errorf("got %d %s, want an error that names %s", a.Code, a.Body, c.now)
			}
		})
	}
	if a := h.post("introspect", url.Values{"token": {token}}, "Authorization", "Bearer "+token); a.Code != 200 || !strings.Contains(a.Body.String(), `"active":true`) {
		t.Errorf("a token of before: got %d %s", a.Code, a.Body)
	}
	if a := h.post("token", url.Values{"action": {"revoke"}, "token": {token}}); a.Code != 200 {
		t.Errorf("revocation: got %d %s", a.Code, a.Body)
	}
	if _, err := h.Check(t.Context(), token); err == nil {
		t.Error("the token works after its revocation")
	}
}
