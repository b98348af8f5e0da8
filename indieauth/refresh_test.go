package indieauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/indieauth"
)

// newRefreshing is a house whose client at app says that it can refresh.
func newRefreshing() *house {
	h := newHouse()
	h.web["app.example"] = says("application/json", `{"client_id":"`+app+`","grant_types":["authorization_code","refresh_token"]}`)
	return h
}

func refreshing(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {app}}
}

// pair redeems a code with the scopes, and returns access and refresh token.
func (h *house) pair(t *testing.T, scope string) (access, refresh string) {
	t.Helper()
	return pairOf(t, h.post("token", redeeming(h.code(t, with(asking(), "scope", scope)))))
}

func pairOf(t *testing.T, w *httptest.ResponseRecorder) (access, refresh string) {
	t.Helper()
	body := decode(t, w)
	access, _ = body["access_token"].(string)
	refresh, _ = body["refresh_token"].(string)
	if w.Code != http.StatusOK || !strings.HasPrefix(access, "tt_") || !strings.HasPrefix(refresh, "tr_") {
		t.Fatalf("got %d %s, want a pair of tokens", w.Code, w.Body)
	}
	return access, refresh
}

// works tells whether an access token does.
func (h *house) works(t *testing.T, token string) bool {
	t.Helper()
	_, err := h.Check(t.Context(), token)
	return err == nil
}

func (h *house) refused(t *testing.T, what string, values url.Values, want string) {
	t.Helper()
	w := h.post("token", values)
	if got := decode(t, w)["error"]; w.Code != http.StatusBadRequest || got != want {
		t.Errorf("%s: got %d %s, want %s", what, w.Code, w.Body, want)
	}
}

// Clients that know no refresh keep their access until it is revoked, or until the
// end that the owner chose; nobody loses it after an hour.
func TestHowLongATokenWorks(t *testing.T) {
	for name, test := range map[string]struct {
		page http.HandlerFunc
		life time.Duration
		want any // expires_in
		pair bool
	}{
		"a client from before metadata":       {says("text/html", appPage), 0, nil, false},
		"and the owner chose a day":           {says("text/html", appPage), 24 * time.Hour, 86400.0, false},
		"metadata that name no grant":         {says("application/json", metadata), 0, nil, false},
		"nobody there":                        {nil, 0, nil, false},
		"a client that can refresh":           {newRefreshing().web["app.example"], 0, 3600.0, true},
		"and the owner chose a day for it":    {newRefreshing().web["app.example"], 24 * time.Hour, 3600.0, true},
		"and the owner chose ten minutes":     {newRefreshing().web["app.example"], 10 * time.Minute, 600.0, true},
		"grant_types that are not believed":   {says("application/json", `{"client_id":"`+app+`","grant_types":"refresh_token"}`), 0, nil, false},
		"another grant":                       {says("application/json", `{"client_id":"`+app+`","grant_types":["password"]}`), 0, nil, false},
		"metadata that are somebody's else":   {says("application/json", `{"client_id":"https://x.example/","grant_types":["refresh_token"]}`), 0, nil, false},
		"a client with a secret for everyone": {says("application/json", `{"client_id":"`+app+`","client_secret":"x","grant_types":["refresh_token"]}`), 0, nil, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse()
			h.web["app.example"], h.life = test.page, test.life
			body := decode(t, h.post("token", redeeming(h.code(t, asking()))))
			_, pair := body["refresh_token"]
			if body["expires_in"] != test.want || pair != test.pair {
				t.Errorf("%s: got expires_in %v, refresh token %v", name, body["expires_in"], pair)
			}
		})
	}
	if to, err := newHouse().Approve(t.Context(), indieauth.Request{ClientID: app, RedirectURI: callback}, nil, -1); err == nil {
		t.Errorf("a negative life: got %s", to)
	}
}

// IA-26: access tokens are short-lived, each refresh gives a new pair, and the old
// pair is dead.
// Spec: indieauth#refresh-tokens-p-2
func TestRefreshRotates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newRefreshing()
		access, refresh := h.pair(t, "create media profile")
		for range 3 {
			time.Sleep(time.Hour - time.Second)
			if !h.works(t, access) {
				t.Error("the access token does not last its hour")
			}
			time.Sleep(time.Second)
			if h.works(t, access) {
				t.Error("the access token lasts longer than its hour")
			}
			w := h.post("token", refreshing(refresh))
			body := decode(t, w)
			newAccess, newRefresh := pairOf(t, w)
			if newRefresh == refresh || newAccess == access || !h.works(t, newAccess) {
				t.Errorf("got %s", w.Body)
			}
			want(t, "response", map[string]any{
				"access_token": newAccess, "refresh_token": newRefresh, "token_type": "Bearer", "expires_in": 3600.0,
				"scope": "create media profile", "me": me, "client_id": app, "profile": map[string]any{"url": me},
			}, body)
			want(t, "Cache-Control", "no-store", w.Header().Get("Cache-Control"))
			access, refresh = newAccess, newRefresh
		}
		next, _ := pairOf(t, h.post("token", refreshing(refresh)))
		if h.works(t, access) || !h.works(t, next) {
			t.Error("a token that was replaced still works")
		}
		if len(h.storage.tokens) != 1 {
			t.Errorf("%d tokens are kept for one client", len(h.storage.tokens))
		}
	})
}

// IA-26: a client may ask for less, never for more; the refresh token stays good for
// all that was granted.
// Spec: indieauth#refreshing-an-access-token-p-3
func TestRefreshKeepsTheScope(t *testing.T) {
	h := newRefreshing()
	_, refresh := h.pair(t, "create media")
	for _, scope := range []string{"delete", "create delete", "CREATE", "create,media"} {
		h.refused(t, scope, with(refreshing(refresh), "scope", scope), "invalid_scope")
	}
	h.refused(t, "scope twice", with(refreshing(refresh), "scope", "create", "media"), "invalid_request")
	for _, test := range [][2]string{{"media", "media"}, {"", "create media"}, {"media create", "create media"}, {"create", "create"}, {"create media", "create media"}} {
		values := refreshing(refresh)
		if test[0] != "" {
			values.Set("scope", test[0])
		}
		w := h.post("token", values)
		want(t, "scope "+test[0], any(test[1]), decode(t, w)["scope"])
		var access string
		access, refresh = pairOf(t, w)
		if token, err := h.Check(t.Context(), access); err != nil || strings.Join(token.Scopes, " ") != test[1] || len(token.Granted()) != 2 {
			t.Errorf("scope %s: got %+v, %v", test[0], token, err)
		}
	}
}

// What the owner narrows stays narrow, whatever the client asks.
func TestNarrowedTokensStayNarrow(t *testing.T) {
	for _, asked := range []string{"", "create"} { // the client has all, or less, when the owner narrows
		h := newRefreshing()
		_, refresh := h.pair(t, "create media delete")
		values := refreshing(refresh)
		if asked != "" {
			values.Set("scope", asked)
		}
		access, refresh := pairOf(t, h.post("token", values))
		token, err := h.Check(t.Context(), access)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.storage.PutToken(t.Context(), token.Narrow([]string{"create", "update"})); err != nil {
			t.Fatal(err)
		}
		h.refused(t, "what was taken away", with(refreshing(refresh), "scope", "media"), "invalid_scope")
		want(t, "scope", any("create"), decode(t, h.post("token", refreshing(refresh)))["scope"])
	}
}

// IA-26: a refresh token dies when it is idle, and no refreshing moves the end that
// the owner chose.
func TestRefreshTokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newRefreshing()
		_, refresh := h.pair(t, "create")
		time.Sleep(30*24*time.Hour - time.Second)
		_, refresh = pairOf(t, h.post("token", refreshing(refresh)))
		time.Sleep(30 * 24 * time.Hour)
		h.refused(t, "idle for thirty days", refreshing(refresh), "invalid_grant")

		h.life = 150 * time.Minute
		access, refresh := h.pair(t, "create")
		for range 2 {
			time.Sleep(time.Hour)
			access, refresh = pairOf(t, h.post("token", refreshing(refresh)))
		}
		time.Sleep(30*time.Minute - time.Second)
		if !h.works(t, access) {
			t.Error("ended before its end")
		}
		time.Sleep(time.Second)
		if h.works(t, access) {
			t.Error("outlived the end that the owner chose")
		}
		h.refused(t, "after the end", refreshing(refresh), "invalid_grant")
	})
}

// RFC 9700, section 4.14: a refresh token that comes again takes the family with it,
// and so does the code that it all began with.
func TestReuseRevokesTheFamily(t *testing.T) {
	for name, again := range map[string]func(code, first, second string) url.Values{
		"the first refresh token": func(_, first, _ string) url.Values { return refreshing(first) },
		"the second":              func(_, _, second string) url.Values { return refreshing(second) },
		"by another client": func(_, first, _ string) url.Values {
			return with(refreshing(first), "client_id", "https://evil.example/")
		},
		"the code":                  func(code, _, _ string) url.Values { return redeeming(code) },
		"the code, and no verifier": func(code, _, _ string) url.Values { return with(redeeming(code), "code_verifier") },
	} {
		h := newRefreshing()
		other, otherRefresh := h.pair(t, "create")
		code := h.code(t, asking())
		_, first := pairOf(t, h.post("token", redeeming(code)))
		_, second := pairOf(t, h.post("token", refreshing(first)))
		access, third := pairOf(t, h.post("token", refreshing(second)))
		h.refused(t, name, again(code, first, second), "invalid_grant")
		if h.works(t, access) {
			t.Errorf("%s: the access token still works", name)
		}
		h.refused(t, name+", then the live one", refreshing(third), "invalid_grant")
		if !h.works(t, other) {
			t.Errorf("%s: another sign-in of the same client ended too", name)
		}
		pairOf(t, h.post("token", refreshing(otherRefresh)))
	}
}

// A refresh token is bound to its client, and a mistake does not spend it.
func TestRefreshMistakesSpendNothing(t *testing.T) {
	h := newRefreshing()
	access, refresh := h.pair(t, "create")
	code := h.code(t, asking())
	for name, test := range map[string]struct {
		values url.Values
		want   string
	}{
		"another client":      {with(refreshing(refresh), "client_id", "https://evil.example/"), "invalid_grant"},
		"no client":           {with(refreshing(refresh), "client_id"), "invalid_request"},
		"no refresh token":    {with(refreshing(refresh), "refresh_token"), "invalid_request"},
		"refresh token twice": {with(refreshing(refresh), "refresh_token", refresh, refresh), "invalid_request"},
		"grant_type twice":    {with(refreshing(refresh), "grant_type", "refresh_token", "refresh_token"), "invalid_request"},
		"as a code":           {with(redeeming(""), "code", refresh), "invalid_grant"},
		"a code":              {refreshing(code), "invalid_grant"},
		"an access token":     {refreshing(access), "invalid_grant"},
		"unknown":             {refreshing("tr_unknown"), "invalid_grant"},
		"its hash":            {refreshing(indieauth.Hash(refresh)), "invalid_grant"},
	} {
		h.refused(t, name, test.values, test.want)
	}
	// It lets nobody in, and introspection does not tell what it is.
	if h.works(t, refresh) {
		t.Error("a refresh token works as an access token")
	}
	w := h.post("introspect", url.Values{"token": {refresh}}, "Authorization", "Bearer "+access)
	want(t, "introspection", map[string]any{"active": false}, decode(t, w))
	if !h.works(t, access) {
		t.Error("the access token was lost on the way")
	}
	pairOf(t, h.post("token", refreshing(refresh)))
}

func TestFiftyRefreshesAtOnceGiveOnePair(t *testing.T) {
	h := newRefreshing()
	_, refresh := h.pair(t, "create")
	var wg sync.WaitGroup
	var given atomic.Int32
	for range 50 {
		wg.Go(func() {
			if h.post("token", refreshing(refresh)).Code == http.StatusOK {
				given.Add(1)
			}
		})
	}
	wg.Wait()
	if given.Load() != 1 || len(h.storage.tokens) != 0 || len(h.storage.refreshes) != 0 {
		t.Errorf("got %d pairs and %d live tokens, want one that is revoked", given.Load(), len(h.storage.tokens))
	}
}

// IA-29: whichever of the two is revoked, both are dead at once (HOSTILE 63).
func TestRevokingEitherRevokesBoth(t *testing.T) {
	for name, values := range map[string]func(access, refresh string) url.Values{
		"access token":  func(access, _ string) url.Values { return url.Values{"token": {access}} },
		"refresh token": func(_, refresh string) url.Values { return url.Values{"token": {refresh}} },
		"refresh token, with hint": func(_, refresh string) url.Values {
			return url.Values{"token": {refresh}, "token_type_hint": {"access_token"}}
		},
	} {
		h := newRefreshing()
		other, _ := h.pair(t, "create")
		access, refresh := h.pair(t, "create")
		for range 2 {
			if w := h.post("revoke", values(access, refresh)); w.Code != http.StatusOK {
				t.Errorf("%s: got %d, want 200", name, w.Code)
			}
		}
		if h.works(t, access) || !h.works(t, other) {
			t.Errorf("%s: this one works %v, another %v", name, h.works(t, access), h.works(t, other))
		}
		h.refused(t, name, refreshing(refresh), "invalid_grant")
	}
}

// What the application has written on a token stays on it.
func TestRefreshKeepsWhatTheApplicationWrote(t *testing.T) {
	h := newRefreshing()
	access, refresh := h.pair(t, "create")
	token, err := h.Check(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	used := time.Now().UTC()
	token.Name, token.Lenient, token.LastUsed = "phone", true, used
	if err := h.storage.PutToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	access, _ = pairOf(t, h.post("token", refreshing(refresh)))
	token, err = h.Check(t.Context(), access)
	if err != nil || token.Name != "phone" || !token.Lenient || !token.LastUsed.Equal(used) || !token.Ends().Equal(token.Renewable) {
		t.Errorf("got %+v, %v", token, err)
	}
}
