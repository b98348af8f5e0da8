package indieauth_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/indieauth"

	"github.com/google/go-cmp/cmp"
)

const (
	base     = "https://ana.example/-/"
	me       = "https://ana.example/"
	app      = "https://app.example/"
	callback = "https://app.example/cb"
	// The pair of RFC 7636, appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

var form = "application/x-www-form-urlencoded"

// web is the rest of the world: a handler for each host, and no sockets.
type web map[string]http.HandlerFunc

func (w web) RoundTrip(r *http.Request) (*http.Response, error) {
	handler := w[r.URL.Host]
	if handler == nil {
		return nil, &url.Error{Op: r.Method, URL: r.URL.Host, Err: io.ErrUnexpectedEOF}
	}
	recorder := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	handler(recorder, r)
	return recorder.Result(), nil
}

// house is a server with its owner, who agrees to everything unless told otherwise.
type house struct {
	*indieauth.Server
	storage *Memory
	web     web
	log     bytes.Buffer
	asked   []indieauth.Request
	deny    bool
	life    time.Duration
	grant   func(asked []string) []string
}

func newHouse() *house {
	h := &house{storage: NewMemory(), web: web{}}
	h.Server = &indieauth.Server{
		Issuer: base,
		Me:     me,
		Endpoints: indieauth.Endpoints{
			Authorization: base + "auth", Token: base + "token", Introspection: base + "introspect",
			Revocation: base + "revoke", Userinfo: base + "userinfo", Metadata: base + "metadata", Micropub: base + "micropub",
		},
		Storage: h.storage,
		Consent: h,
		Client:  &http.Client{Transport: h.web},
		Scopes:  []string{"create", "profile", "email"},
		Log:     slog.New(slog.NewTextHandler(&h.log, nil)),
	}
	h.web["ana.example"] = h.ServeHTTP
	return h
}

func (h *house) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	map[string]http.HandlerFunc{
		"/-/auth": h.Authorization, "/-/token": h.Token, "/-/introspect": h.Introspection,
		"/-/revoke": h.Revocation, "/-/userinfo": h.Userinfo, "/-/metadata": h.Metadata,
	}[r.URL.Path](w, r)
}

func (h *house) Ask(w http.ResponseWriter, r *http.Request, req indieauth.Request) {
	h.asked = append(h.asked, req)
	if _, err := h.ClientInfo(r.Context(), req); err != nil {
		http.Error(w, "this application cannot be trusted", http.StatusForbidden)
		return
	}
	back := h.Deny(req)
	if !h.deny {
		scopes := req.Scopes
		if h.grant != nil {
			scopes = h.grant(scopes)
		}
		var err error
		if back, err = h.Approve(r.Context(), req, scopes, h.life); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// get sends a GET with the headers, which are names and values in turn.
func (h *house) get(path string, headers ...string) *httptest.ResponseRecorder {
	return h.do(httptest.NewRequest("GET", base+path, nil), headers...)
}

func (h *house) post(path string, values url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", base+path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", form)
	return h.do(r, headers...)
}

func (h *house) do(r *http.Request, headers ...string) *httptest.ResponseRecorder {
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// asking are the parameters of a good authorization request.
func asking() url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {app}, "redirect_uri": {callback}, "state": {"st&te= 1"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "scope": {"profile create"}, "me": {"https://somebody.example/"},
	}
}

// redeeming are the parameters of a good request to redeem a code.
func redeeming(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {app}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}
}

// with returns the values with one of them changed; none removes it.
func with(values url.Values, name string, changed ...string) url.Values {
	values[name] = changed
	return values
}

// code asks with the values and returns the code that the owner grants.
func (h *house) code(t *testing.T, values url.Values) string {
	t.Helper()
	w := h.get("auth?" + values.Encode())
	back := location(t, w)
	if back.Get("code") == "" {
		t.Fatalf("no code for %v: %d %s %v", values, w.Code, w.Body, back)
	}
	return back.Get("code")
}

// location returns the parameters that a redirect adds.
func location(t *testing.T, w *httptest.ResponseRecorder) url.Values {
	t.Helper()
	u, err := url.Parse(w.Header().Get("Location"))
	if w.Code != http.StatusSeeOther || err != nil {
		t.Fatalf("got %d %s, want a redirect", w.Code, w.Body)
	}
	return u.Query()
}

func decode(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	return body
}

// token goes the whole way and returns a token with the scopes.
func (h *house) token(t *testing.T, scope string) string {
	t.Helper()
	w := h.post("token", redeeming(h.code(t, with(asking(), "scope", scope))))
	token, _ := decode(t, w)["access_token"].(string)
	if w.Code != http.StatusOK || token == "" {
		t.Fatalf("no token: %d %s", w.Code, w.Body)
	}
	return token
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// IA-14 to IA-22, IA-27: from the request to the token that a resource server sees.
func TestFlowEndToEnd(t *testing.T) {
	h := newHouse()
	w := h.get("auth?" + asking().Encode())
	back := location(t, w)
	// IA-18: the state as it was, and iss.
	want(t, "answer", url.Values{"code": back["code"], "state": {"st&te= 1"}, "iss": {base}}, back)
	if !strings.HasPrefix(w.Header().Get("Location"), callback+"?") {
		t.Errorf("got %s, want the redirect_uri", w.Header().Get("Location"))
	}
	want(t, "the request that the owner sees", []indieauth.Request{{
		ClientID: app, RedirectURI: callback, State: "st&te= 1", Challenge: challenge, Method: "S256",
		Me: "https://somebody.example/", Scopes: []string{"profile", "create"},
	}}, h.asked)

	w = h.post("token", redeeming(back.Get("code")))
	body := decode(t, w)
	token, _ := body["access_token"].(string)
	// HOSTILE 58: me is the owner, whatever was asked. IA-22: scope is always there.
	want(t, "token response", map[string]any{
		"access_token": token, "token_type": "Bearer", "scope": "profile create", "me": me, "client_id": app,
		"profile": map[string]any{"url": me},
	}, body)
	want(t, "Cache-Control", "no-store", w.Header().Get("Cache-Control"))

	got, err := h.Check(t.Context(), token)
	if err != nil || got.Me != me || got.ClientID != app || !got.Allows("create") || got.Allows("CREATE") || got.Allows("delete") {
		t.Errorf("got %+v, %v", got, err)
	}
	// HOSTILE 115: secrets are neither kept nor logged.
	kept, _ := json.Marshal([]any{h.storage.codes, h.storage.tokens, h.storage.refreshes})
	for _, secret := range []string{token, back.Get("code")} {
		if len(secret) < 46 || strings.Contains(h.log.String(), secret) || bytes.Contains(kept, []byte(secret)) {
			t.Errorf("%q is short, kept or logged", secret)
		}
	}
}

// IA-6, CL-13: everything that a client or a resource server looks for.
func TestMetadata(t *testing.T) {
	h := newHouse()
	w := h.get("metadata")
	want(t, "metadata", map[string]any{
		"issuer":                           base,
		"authorization_endpoint":           base + "auth",
		"token_endpoint":                   base + "token",
		"introspection_endpoint":           base + "introspect",
		"revocation_endpoint":              base + "revoke",
		"userinfo_endpoint":                base + "userinfo",
		"micropub":                         base + "micropub",
		"scopes_supported":                 []any{"create", "profile", "email"},
		"code_challenge_methods_supported": []any{"S256"},
		"response_types_supported":         []any{"code"},
		"grant_types_supported":            []any{"authorization_code", "refresh_token"},
		"service_documentation":            "https://indieauth.spec.indieweb.org/",
		"authorization_response_iss_parameter_supported": true,
		"client_id_metadata_document_supported":          true,
		"introspection_endpoint_auth_methods_supported":  []any{"Bearer"},
		"revocation_endpoint_auth_methods_supported":     []any{"none"},
	}, decode(t, w))
	want(t, "Content-Type", "application/json", w.Header().Get("Content-Type"))
}

// CL-31: browsers may read, and may ask first without a token.
func TestScriptsOfAnyOriginMayCall(t *testing.T) {
	h := newHouse()
	for _, path := range []string{"metadata", "token", "revoke", "userinfo", "auth"} {
		w := h.do(httptest.NewRequest("OPTIONS", base+path, nil), "Origin", "https://app.example", "Access-Control-Request-Headers", "authorization")
		header := w.Header()
		if w.Code != http.StatusNoContent || header.Get("Access-Control-Allow-Origin") != "*" ||
			header.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type" || header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: got %d %v", path, w.Code, header)
		}
		w = h.post(path, nil)
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("%s: got origin %q on an error, want *", path, got)
		}
	}
	w := h.get("auth?" + asking().Encode())
	want(t, "origin on the consent page", "", w.Header().Get("Access-Control-Allow-Origin"))
}

func TestMethodsThatAnEndpointDoesNotKnow(t *testing.T) {
	h := newHouse()
	for path, methods := range map[string]string{
		"metadata": "POST PUT", "auth": "PUT DELETE", "token": "PUT DELETE", "introspect": "GET OPTIONS", "revoke": "GET PUT", "userinfo": "POST PUT",
	} {
		for method := range strings.FieldsSeq(methods) {
			w := h.do(httptest.NewRequest(method, base+path, nil))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
				t.Errorf("%s %s: got %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
	}
}

// IA-4, D8.
func TestValidate(t *testing.T) {
	if err := newHouse().Validate(); err != nil {
		t.Errorf("a good server: %v", err)
	}
	for name, spoil := range map[string]func(*indieauth.Server){
		"issuer with query":       func(s *indieauth.Server) { s.Issuer += "?a" },
		"issuer without TLS":      func(s *indieauth.Server) { s.Issuer = "http://ana.example/-/" },
		"issuer is no prefix":     func(s *indieauth.Server) { s.Issuer = "https://ana.example/auth/" },
		"me with a port":          func(s *indieauth.Server) { s.Me = "https://ana.example:8443/" },
		"me without path":         func(s *indieauth.Server) { s.Me = "https://ana.example" },
		"no introspection":        func(s *indieauth.Server) { s.Endpoints.Introspection = "" },
		"nowhere to keep a token": func(s *indieauth.Server) { s.Storage = nil },
	} {
		h := newHouse()
		spoil(h.Server)
		if h.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	local := newHouse()
	local.Issuer, local.Me, local.Endpoints.Metadata = "http://localhost:8080/-/", "http://localhost:8080/", "http://localhost:8080/-/metadata"
	if err := local.Validate(); err != nil {
		t.Errorf("a local server: %v", err)
	}
}

func TestIssueMakesATokenByHand(t *testing.T) {
	h := newHouse()
	secret, err := h.Issue(t.Context(), "", []string{"create", "media"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := h.Check(t.Context(), secret)
	if err != nil || !token.Allows("media") || !token.Expires.IsZero() || token.Me != me {
		t.Errorf("got %+v, %v", token, err)
	}
	for _, scopes := range [][]string{nil, {""}, {"create delete"}, {`"`}} {
		if _, err := h.Issue(t.Context(), "", scopes); err == nil {
			t.Errorf("scopes %q: accepted", scopes)
		}
	}
	if _, err := h.Issue(t.Context(), "ftp://x/", []string{"create"}); err == nil {
		t.Error("a client_id that is none: accepted")
	}
}
