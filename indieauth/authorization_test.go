package indieauth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/indieauth"

	"github.com/google/go-cmp/cmp"
)

// wayBack is the query of the address that a page of ours offers, which leads to the client.
func wayBack(t *testing.T, w *httptest.ResponseRecorder) url.Values {
	t.Helper()
	_, at, _ := strings.Cut(strings.TrimSpace(w.Body.String()), "back to the application: ")
	u, err := url.Parse(at)
	if err != nil || w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" || w.Header().Get("Refresh") != "" || !strings.HasPrefix(at, callback+"?") {
		t.Fatalf("got %d, %v: %s", w.Code, w.Header(), w.Body)
	}
	return u.Query()
}

// What is wrong with the parameters of an otherwise good request, once client and
// redirect_uri are known to belong together, is the client's to hear: if the person goes there.
// Nobody is led there, since anybody can be a client (RFC 9700, section 4.11.2).
func TestMistakesInTheRequestGoBackToTheClient(t *testing.T) {
	for name, test := range map[string]struct {
		values url.Values
		want   string
	}{
		"no response_type":        {with(asking(), "response_type"), "invalid_request"},
		"implicit flow":           {with(asking(), "response_type", "token"), "unsupported_response_type"},
		"response_type twice":     {with(asking(), "response_type", "code", "code"), "invalid_request"},
		"no state":                {with(asking(), "state"), "invalid_request"},
		"empty state":             {with(asking(), "state", ""), "invalid_request"},
		"state twice":             {with(asking(), "state", "a", "b"), "invalid_request"},
		"no challenge":            {with(asking(), "code_challenge"), "invalid_request"},
		"challenge twice":         {with(asking(), "code_challenge", challenge, challenge), "invalid_request"},
		"short challenge":         {with(asking(), "code_challenge", challenge[1:]), "invalid_request"},
		"padded challenge":        {with(asking(), "code_challenge", challenge+"="), "invalid_request"},
		"challenge in plain":      {with(asking(), "code_challenge_method", "plain"), "invalid_request"}, // IA-15
		"method left out":         {with(asking(), "code_challenge_method"), "invalid_request"},          // means plain
		"unknown method":          {with(asking(), "code_challenge_method", "s256"), "invalid_request"},
		"scope twice":             {with(asking(), "scope", "create", "delete"), "invalid_request"},
		"scope with a quote":      {with(asking(), "scope", `create "`), "invalid_scope"},
		"scope beyond ASCII":      {with(asking(), "scope", "creaté"), "invalid_scope"},
		"scope with a NUL":        {with(asking(), "scope", "create\x00"), "invalid_scope"},
		"neither method nor code": {with(with(asking(), "code_challenge"), "code_challenge_method"), "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse()
			w := h.get("auth?" + test.values.Encode())
			back := wayBack(t, w)
			if back.Get("error") != test.want || back.Get("iss") != base || back.Has("code") {
				t.Errorf("got %v, want error %s and iss", back, test.want)
			}
			if state := test.values["state"]; len(state) == 1 && back.Get("state") != state[0] {
				t.Errorf("got state %q, want %q", back.Get("state"), state[0])
			}
			if len(h.asked) > 0 {
				t.Error("the owner was asked")
			}
		})
	}
}

// IA-13, HOSTILE 56, 59: a page, and never a redirect.
func TestMistakesAboutTheClientShowAPage(t *testing.T) {
	for name, values := range map[string]url.Values{
		"no client_id":          with(asking(), "client_id"),
		"client_id twice":       with(asking(), "client_id", app, app),
		"client_id no URL":      with(asking(), "client_id", "app"),
		"client_id in private":  with(asking(), "client_id", "https://10.0.0.1/"),
		"no redirect_uri":       with(asking(), "redirect_uri"),
		"redirect_uri twice":    with(asking(), "redirect_uri", callback, callback),
		"300 scopes":            with(asking(), "scope", strings.Repeat("s ", 300)),
		"2 KiB of one scope":    with(asking(), "scope", strings.Repeat("s", 2049)),
		"5 KB of state":         with(asking(), "state", strings.Repeat("s", 5000)),
		"20 KB of anything":     with(asking(), "more", strings.Repeat("s", 20000)),
		"bad at another origin": with(with(asking(), "redirect_uri", "https://other.example/cb"), "state"),
	} {
		w := newHouse().get("auth?" + values.Encode())
		if w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
			t.Errorf("%s: got %d %v, want a page with 400", name, w.Code, w.Header())
		}
	}
	if w := newHouse().get("auth?client_id=%zz&" + asking().Encode()); w.Code != http.StatusBadRequest {
		t.Errorf("broken escape: got %d, want 400", w.Code)
	}
}

// IA-18: the redirect_uri's own query stays as it was, to the letter.
func TestAnswerKeepsTheQueryOfTheRedirectURI(t *testing.T) {
	for uri, prefix := range map[string]string{
		callback:                callback + "?code=",
		callback + "?":          callback + "?code=",
		callback + "?b=2&a=%7e": callback + "?b=2&a=%7e&code=",
		callback + "?a&":        callback + "?a&code=",
	} {
		w := newHouse().get("auth?" + with(asking(), "redirect_uri", uri).Encode())
		if to := w.Header().Get("Location"); !strings.HasPrefix(to, prefix) {
			t.Errorf("%s: got %s, want %s…", uri, to, prefix)
		}
	}
}

// IA-19.
func TestDenialIsToldToTheClient(t *testing.T) {
	h := newHouse()
	h.deny = true
	back := location(t, h.get("auth?"+asking().Encode()))
	if back.Get("error") != "access_denied" || back.Get("state") != "st&te= 1" || back.Get("iss") != base || back.Has("code") {
		t.Errorf("got %v", back)
	}
}

// HOSTILE 59: the owner sees what was asked for, unknown words too, each once.
// Spec: micropub#scope-p-3
func TestScopesAreShownAsAsked(t *testing.T) {
	for scope, want := range map[string][]string{
		"":                           nil,
		"   ":                        nil,
		"create read follow channel": {"create", "read", "follow", "channel"},
		"CREATE create":              {"CREATE", "create"},
		" create  create delete":     {"create", "delete"},
	} {
		h := newHouse()
		h.get("auth?" + with(asking(), "scope", scope).Encode())
		if len(h.asked) != 1 || !slices.Equal(h.asked[0].Scopes, want) {
			t.Errorf("scope %q: got %+v, want %q", scope, h.asked, want)
		}
	}
}

// HOSTILE 60: only what was asked for can be granted, and fewer is fine (IA-23).
func TestApproveGrantsOnlyWhatWasAskedFor(t *testing.T) {
	h := newHouse()
	h.grant = func([]string) []string { return []string{"create"} }
	body := decode(t, h.post("token", redeeming(h.code(t, asking()))))
	want(t, "scope", any("create"), body["scope"])

	req := h.asked[0]
	for _, scopes := range [][]string{{"delete"}, {"create", "delete"}, {"CREATE"}, {"profile create"}} {
		if to, err := h.Approve(t.Context(), req, scopes, 0); !errors.Is(err, indieauth.ErrScope) || to != "" {
			t.Errorf("%q: got %q, %v, want ErrScope", scopes, to, err)
		}
	}
}

// A request that changed on its way through the application goes nowhere.
func TestApproveChecksTheRedirectAgain(t *testing.T) {
	h := newHouse()
	h.get("auth?" + asking().Encode())
	req := h.asked[0]
	req.RedirectURI = "https://evil.example/"
	if to, err := h.Approve(t.Context(), req, nil, 0); !errors.Is(err, indieauth.ErrRedirect) || to != "" {
		t.Errorf("got %q, %v, want ErrRedirect", to, err)
	}
}

// HOSTILE 62, IA-17.
func TestConsentCannotBeFramedNorLeak(t *testing.T) {
	for _, query := range []string{asking().Encode(), ""} {
		header := newHouse().get("auth?" + query).Header()
		want(t, "headers", []string{"no-referrer", "frame-ancestors 'none'", "DENY", "no-store"}, []string{
			header.Get("Referrer-Policy"), header.Get("Content-Security-Policy"), header.Get("X-Frame-Options"), header.Get("Cache-Control"),
		})
	}
}

// The application may show its own page; the message never repeats the request.
func TestErrorPageIsTheApplications(t *testing.T) {
	h := newHouse()
	h.ErrorPage = func(w http.ResponseWriter, _ *http.Request, status int, message, back string) {
		w.WriteHeader(status)
		w.Write([]byte("page: " + message + back))
	}
	for _, id := range []string{"<script>", "https://x:<script>/", "https://%zz/"} {
		w := h.get("auth?" + with(asking(), "client_id", id).Encode())
		if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), "page: client_id: ") || strings.Contains(w.Body.String(), id) {
			t.Errorf("%s: got %d %q", id, w.Code, w.Body)
		}
	}
}

// D4: what an owner may allow for an old client.
func TestPKCEIsOptionalOnlyIfTheOwnerSaysSo(t *testing.T) {
	h := newHouse()
	h.AllowNoPKCE = true
	plain := with(with(asking(), "code_challenge"), "code_challenge_method")
	for name, test := range map[string]struct {
		ask, redeem url.Values
		status      int
	}{
		"neither":                          {plain, with(redeeming(""), "code_verifier"), 200},
		"verifier without challenge":       {plain, redeeming(""), 400}, // IA-20
		"challenge and verifier":           {asking(), redeeming(""), 200},
		"challenge without verifier":       {asking(), with(redeeming(""), "code_verifier"), 400}, // T-IA06
		"challenge with an empty verifier": {asking(), with(redeeming(""), "code_verifier", ""), 400},
	} {
		w := h.post("token", with(test.redeem, "code", h.code(t, test.ask)))
		if w.Code != test.status {
			t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, test.status)
		}
	}
	back := wayBack(t, h.get("auth?"+with(asking(), "code_challenge").Encode()))
	want(t, "a method without a challenge", "invalid_request", back.Get("error"))
}

// IA-16, IA-21, T-IA08: without scope there is no token, but the authorization
// endpoint says who it is.
func TestNoScopeGivesTheProfileURLAlone(t *testing.T) {
	for name, values := range map[string]url.Values{
		"no scope":         with(asking(), "scope"),
		"response_type=id": with(asking(), "response_type", "id"),
	} {
		h := newHouse()
		code := h.code(t, values)
		w := h.post("token", redeeming(code))
		if w.Code != http.StatusBadRequest || decode(t, w)["error"] != "invalid_grant" {
			t.Errorf("%s: token endpoint: got %d %s, want invalid_grant", name, w.Code, w.Body)
		}
		w = h.post("auth", redeeming(code))
		if diff := cmp.Diff(map[string]any{"me": me}, decode(t, w)); w.Code != http.StatusOK || diff != "" {
			t.Errorf("%s: authorization endpoint: got %d %s", name, w.Code, diff)
		}
		if w = h.post("auth", redeeming(code)); w.Code != http.StatusBadRequest {
			t.Errorf("%s: second time: got %d, want 400", name, w.Code)
		}
		if len(h.storage.tokens) > 0 {
			t.Errorf("%s: a token was made", name)
		}
	}
}

// IA-18, T-IA05: ten minutes if nothing else is said.
func TestCodeExpires(t *testing.T) {
	for _, test := range []struct {
		life, wait time.Duration
		status     int
	}{
		{0, 10*time.Minute - time.Second, 200},
		{0, 10 * time.Minute, 400},
		{time.Minute, time.Minute, 400},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse()
			h.CodeLife = test.life
			code := h.code(t, asking())
			time.Sleep(test.wait)
			if w := h.post("token", redeeming(code)); w.Code != test.status {
				t.Errorf("life %v, after %v: got %d %s, want %d", test.life, test.wait, w.Code, w.Body, test.status)
			}
		})
	}
}
