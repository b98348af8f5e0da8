package indieauth_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// mutations are the ways in which a parameter can be wrong. Each returns the values
// with one parameter changed, or nil where that changes nothing. other are the values
// of a second flow that is under way at the same time.
var mutations = map[string]func(values, other url.Values, name string) url.Values{
	"missing": func(values, _ url.Values, name string) url.Values { return set(values, name) },
	"empty":   func(values, _ url.Values, name string) url.Values { return set(values, name, "") },
	"doubled": func(values, _ url.Values, name string) url.Values {
		return set(values, name, values.Get(name), values.Get(name))
	},
	"doubled by another": func(values, other url.Values, name string) url.Values {
		return set(values, name, values.Get(name), other.Get(name)+"x")
	},
	"after an empty one": func(values, _ url.Values, name string) url.Values { return set(values, name, "", values.Get(name)) },
	"longer":             func(values, _ url.Values, name string) url.Values { return set(values, name, values.Get(name)+"x") },
	"shorter": func(values, _ url.Values, name string) url.Values { // by two: without its slash it is the same client
		return set(values, name, values.Get(name)[:len(values.Get(name))-2])
	},
	"with a space": func(values, _ url.Values, name string) url.Values { return set(values, name, values.Get(name)+" ") },
	"other letter": func(values, _ url.Values, name string) url.Values {
		text := []byte(values.Get(name))
		text[len(text)/2] ^= 1
		return set(values, name, string(text))
	},
	"swapped": func(values, other url.Values, name string) url.Values {
		if values.Get(name) == other.Get(name) {
			return nil
		}
		return set(values, name, other.Get(name))
	},
}

// set is with for a copy.
func set(values url.Values, name string, changed ...string) url.Values {
	values = maps.Clone(values)
	if len(changed) == 0 {
		delete(values, name)
		return values
	}
	return with(values, name, changed...)
}

// otherFlow is a second client with its own everything; its code is granted too.
const (
	otherApp       = "https://other.example/"
	otherVerifier  = "otherotherotherotherotherotherotherotherother"
	otherChallenge = "0rmP-5EJtYo9UFuqtmtd1OTTI7MO5ZsqGitj98jGweE"
)

func otherAsking() url.Values {
	values := with(with(asking(), "client_id", otherApp), "redirect_uri", otherApp+"cb")
	return with(with(with(values, "state", "other"), "code_challenge", otherChallenge), "scope", "create delete")
}

// HOSTILE 52, 57: each parameter of the request that redeems a code, in each way that
// it can be wrong, at both endpoints, while another client's code is good. Nothing is
// ever given, and the other client is not disturbed.
// harmless are changes that the standard's first editions had clients make.
func TestEveryMutationOfRedeemingIsRefused(t *testing.T) {
	harmless := []string{"grant_type missing", "grant_type empty"}
	for _, endpoint := range []string{"token", "auth"} {
		for name := range redeeming("") {
			for kind, change := range mutations {
				h := newHouse()
				values := redeeming(h.code(t, asking()))
				other := url.Values{
					"grant_type": {"authorization_code"}, "code": {h.code(t, otherAsking())}, "client_id": {otherApp},
					"redirect_uri": {otherApp + "cb"}, "code_verifier": {otherVerifier},
				}
				changed := change(values, other, name)
				if changed == nil {
					continue
				}
				w := h.post(endpoint, changed)
				if refused := w.Code == http.StatusBadRequest && len(h.storage.tokens) == 0; refused == slices.Contains(harmless, name+" "+kind) {
					t.Errorf("%s at %s, %s: got %d %s", name, endpoint, kind, w.Code, w.Body)
				}
				// Whose code was tried by mistake is thrown out by that, and nobody else.
				if name != "code" || kind != "swapped" {
					if w := h.post("token", other); w.Code != http.StatusOK {
						t.Errorf("%s at %s, %s: the other client got %d %s", name, endpoint, kind, w.Code, w.Body)
					}
				}
			}
		}
	}
}

// The same for a refresh token.
func TestEveryMutationOfRefreshingIsRefused(t *testing.T) {
	for name := range refreshing("") {
		for kind, change := range mutations {
			h := newRefreshing()
			h.web["other.example"] = says("application/json", `{"client_id":"`+otherApp+`","grant_types":["refresh_token"]}`)
			_, refresh := h.pair(t, "create")
			_, second := pairOf(t, h.post("token", url.Values{
				"code": {h.code(t, otherAsking())}, "client_id": {otherApp}, "redirect_uri": {otherApp + "cb"}, "code_verifier": {otherVerifier},
			}))
			other := with(refreshing(second), "client_id", otherApp)
			changed := change(refreshing(refresh), other, name)
			if changed == nil {
				continue
			}
			if w := h.post("token", changed); w.Code != http.StatusBadRequest {
				t.Errorf("%s %s: got %d %s", name, kind, w.Code, w.Body)
			}
			pairOf(t, h.post("token", other))
			pairOf(t, h.post("token", refreshing(refresh)))
		}
	}
}

// HOSTILE 52, 56, 58, 59: each parameter of the authorization request, in each way, and
// then an honest client that goes on with what it gets back: it ends without a token.
// harmless are those that the owner sees, and those that are hints.
func TestEveryMutationOfAskingEndsWithoutAToken(t *testing.T) {
	harmless := func(name, kind string) bool {
		twice := kind == "doubled" || kind == "doubled by another" || kind == "after an empty one"
		return name == "me" && !twice || name == "scope" && !twice && kind != "missing" && kind != "empty"
	}
	for name := range asking() {
		for kind, change := range mutations {
			h := newHouse()
			changed := change(asking(), otherAsking(), name)
			if changed == nil {
				continue
			}
			got := honest(t, h, changed)
			if got != harmless(name, kind) || !got && len(h.storage.tokens) > 0 {
				t.Errorf("%s %s: got a token %v", name, kind, got)
			}
		}
	}
	if !honest(t, newHouse(), asking()) {
		t.Error("the happy path gives no token")
	}
}

// honest is a client whose request was changed on its way: it knows what it asked for,
// and tells whether it got a token in the end.
func honest(t *testing.T, h *house, changed url.Values) bool {
	t.Helper()
	w := h.do(httptest.NewRequest("GET", base+"auth?"+changed.Encode(), nil))
	if w.Code != http.StatusSeeOther {
		return false
	}
	back := location(t, w)
	if back.Get("state") != asking().Get("state") || back.Get("iss") != base || back.Get("code") == "" {
		return false
	}
	// Wherever the code went: somebody brings it back.
	return h.post("token", redeeming(back.Get("code"))).Code == http.StatusOK
}

// A code, a token and a refresh token are three things: none does the work of another,
// anywhere.
func TestSecretsDoNoWorkOfAnother(t *testing.T) {
	h := newRefreshing()
	access, refresh := h.pair(t, "create profile")
	code := h.code(t, asking())
	for name, secret := range map[string]string{"code": code, "refresh token": refresh} {
		for _, path := range []string{"token", "userinfo"} {
			if w := h.get(path, "Authorization", "Bearer "+secret); w.Code != http.StatusUnauthorized {
				t.Errorf("%s as token at %s: got %d", name, path, w.Code)
			}
		}
	}
	for name, secret := range map[string]string{"access token": access, "refresh token": refresh} {
		h.refused(t, name+" as code", redeeming(secret), "invalid_grant")
	}
	for name, secret := range map[string]string{"access token": access, "code": code} {
		h.refused(t, name+" as refresh token", refreshing(secret), "invalid_grant")
	}
}

// FuzzToken posts whatever a stranger may: who has no secret gets none, and nothing
// that is sent makes the server fail.
func FuzzToken(f *testing.F) {
	f.Add(form, redeeming("tc_x").Encode(), "application/json", "Bearer x")
	f.Add(form+";charset=UTF-8", refreshing("tr_x").Encode()+"&", form, "Basic eDp5")
	f.Add(form, "action=revoke&token=tt_x", ";;;", "bearer  ")
	f.Add("application/json", "{}", form+";q=0.000", "Basic")
	f.Add(form, "grant_type=refresh_token&scope=%00&refresh_token=%zz&client_id=:", "", "")
	f.Fuzz(func(t *testing.T, contentType, body, accept, authorization string) {
		h := newHouse()
		token := h.token(t, "create")
		for _, path := range []string{"token", "auth", "introspect", "revoke", "userinfo"} {
			r := httptest.NewRequest("POST", base+path, strings.NewReader(body))
			r.Header = http.Header{"Content-Type": {contentType}, "Accept": {accept}, "Authorization": {authorization}}
			w := h.do(r)
			if w.Code >= 500 || strings.Contains(w.Body.String(), "access_token\"") || len(h.storage.tokens) != 1 || !h.works(t, token) {
				t.Errorf("%s: got %d %s", path, w.Code, w.Body)
			}
		}
	})
}
