package indieauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// tokenMutations are the ways in which a token can be wrong that somebody shows or asks about.
// other is another client's, which is good.
var tokenMutations = map[string]func(token, other string) []string{
	"missing":            func(string, string) []string { return nil },
	"empty":              func(string, string) []string { return []string{""} },
	"doubled":            func(token, _ string) []string { return []string{token, token} },
	"doubled by another": func(token, other string) []string { return []string{token, other} },
	"after an empty one": func(token, _ string) []string { return []string{"", token} },
	"longer":             func(token, _ string) []string { return []string{token + "x"} },
	"shorter":            func(token, _ string) []string { return []string{token[:len(token)-1]} },
	"in other letters":   func(token, _ string) []string { return []string{strings.ToUpper(token)} },
	"without its prefix": func(token, _ string) []string { return []string{token[3:]} },
	"two in one":         func(token, other string) []string { return []string{token + "," + other} },
	"very long":          func(token, _ string) []string { return []string{strings.Repeat(token, 200)} },
}

// Whoever shows a token at the endpoints that want one must show exactly one that is good,
// in the Authorization header, with the scheme Bearer: in every other way there is nothing to
// be had (T-IA10).
func TestEveryMutationOfShowingATokenIsRefused(t *testing.T) {
	for name, send := range map[string]func(h *house, header http.Header, query string) *httptest.ResponseRecorder{
		"userinfo": func(h *house, header http.Header, q string) *httptest.ResponseRecorder {
			return h.show("GET", "userinfo"+q, "", header)
		},
		"token, GET": func(h *house, header http.Header, q string) *httptest.ResponseRecorder {
			return h.show("GET", "token"+q, "", header)
		},
		"introspection": func(h *house, header http.Header, q string) *httptest.ResponseRecorder {
			return h.show("POST", "introspect"+q, "token=tt_x", header)
		},
		"an empty form": func(h *house, header http.Header, q string) *httptest.ResponseRecorder {
			return h.show("POST", "introspect"+q, "", header)
		},
		"token in a form": func(h *house, header http.Header, q string) *httptest.ResponseRecorder {
			return h.show("POST", "introspect"+q, "token=tt_x&access_token=tt_y", header)
		},
	} {
		h := newHouse()
		token, other := h.token(t, "create profile"), h.token(t, "profile")
		refused := func(kind string, header http.Header, query string) {
			t.Helper()
			w := send(h, header, query)
			if w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") || strings.Contains(w.Body.String(), me) {
				t.Errorf("%s, %s: got %d %s", name, kind, w.Code, w.Body)
			}
		}
		for kind, change := range tokenMutations {
			header := http.Header{}
			for _, one := range change(token, other) {
				header.Add("Authorization", "Bearer "+one)
			}
			refused(kind, header, "")
		}
		for kind, value := range map[string]string{"no scheme": token, "another scheme": "Token " + token, "Basic": "Basic " + token, "no space": "Bearer" + token} {
			refused(kind, http.Header{"Authorization": {value}}, "")
		}
		refused("in the query", http.Header{}, "?access_token="+token+"&token="+token)
		refused("in a cookie", http.Header{"Cookie": {"access_token=" + token}}, "")
		if w := h.post("revoke", url.Values{"token": {token}}); w.Code != http.StatusOK {
			t.Errorf("revocation: got %d", w.Code)
		}
		refused("revoked", http.Header{"Authorization": {"Bearer " + token}}, "")
	}
}

// show is a request with these headers and no others.
func (h *house) show(method, path, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, base+path, strings.NewReader(body))
	r.Header = header.Clone()
	if method == "POST" {
		r.Header.Set("Content-Type", form)
	}
	return h.do(r)
}

// Who asks about a token learns of it only when it is asked about rightly; else it is as if
// there were none, or the question is refused.
func TestEveryMutationOfIntrospectionTellsNothing(t *testing.T) {
	h := newHouse()
	token, other := h.token(t, "create"), h.token(t, "profile")
	for kind, change := range tokenMutations {
		w := h.post("introspect", url.Values{"token": change(token, other)}, "Authorization", "Bearer "+other)
		nothing := w.Code == http.StatusBadRequest || w.Code == http.StatusOK && decode(t, w)["active"] == false && len(decode(t, w)) == 1
		if !nothing {
			t.Errorf("%s: got %d %s", kind, w.Code, w.Body)
		}
	}
	for kind, secret := range map[string]string{"a code": h.code(t, asking()), "a hash": strings.Repeat("a", 64)} {
		if w := h.post("introspect", url.Values{"token": {secret}}, "Authorization", "Bearer "+other); decode(t, w)["active"] != false {
			t.Errorf("%s: got %d %s", kind, w.Code, w.Body)
		}
	}
	if w := h.post("introspect?token="+token, url.Values{}, "Authorization", "Bearer "+other); w.Code != http.StatusBadRequest {
		t.Errorf("in the query: got %d %s", w.Code, w.Body)
	}
}

// A request to revoke that is not right revokes nothing, and says no more than that it was one;
// one that is right may come again and again.
func TestEveryMutationOfRevokingRevokesNothing(t *testing.T) {
	for _, place := range []struct {
		path string
		form url.Values
	}{{"revoke", nil}, {"token", url.Values{"action": {"revoke"}}}} {
		for kind, change := range tokenMutations {
			h := newHouse()
			token, other := h.token(t, "create"), h.token(t, "profile")
			values := url.Values{"token": change(token, other), "token_type_hint": {"nonsense"}}
			for name, value := range place.form {
				values[name] = value
			}
			if w := h.post(place.path, values); w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
				t.Errorf("%s, %s: got %d %s", place.path, kind, w.Code, w.Body)
			}
			if !h.works(t, token) || !h.works(t, other) {
				t.Errorf("%s, %s: a token was revoked", place.path, kind)
			}
		}
		h := newHouse()
		token := h.token(t, "create")
		for range 3 {
			values := url.Values{"token": {token}}
			for name, value := range place.form {
				values[name] = value
			}
			if w := h.post(place.path, values); w.Code != http.StatusOK || h.works(t, token) {
				t.Errorf("%s: got %d %s", place.path, w.Code, w.Body)
			}
		}
		if w := h.get("revoke?token=" + token); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("by GET: got %d", w.Code)
		}
	}
}

// A refused redemption takes as long whether or not there is such a code: the answers are the
// same to the letter, and nothing but a hash is looked up.
func TestRefusalsTellNothingOfWhatThereIs(t *testing.T) {
	h := newHouse()
	said := map[string]string{}
	old := h.code(t, asking())
	for hash, code := range h.storage.codes {
		code.Expires = time.Now().Add(-time.Second)
		h.storage.codes[hash] = code
	}
	for kind, code := range map[string]string{"unknown": "tc_x", "expired": old, "a hash": strings.Repeat("a", 64)} {
		w := h.post("token", redeeming(code))
		said[w.Body.String()] = kind
	}
	if len(said) != 1 {
		t.Errorf("got %v", said)
	}
}
