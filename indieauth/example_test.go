package indieauth_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"tertulia/indieauth"
)

// Memory is a Storage that forgets everything when the program ends.
type Memory struct {
	mu     sync.Mutex
	codes  map[string]indieauth.Code
	tokens map[string]indieauth.Token
}

func NewMemory() *Memory {
	return &Memory{codes: map[string]indieauth.Code{}, tokens: map[string]indieauth.Token{}}
}

func (m *Memory) PutCode(_ context.Context, code indieauth.Code) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes[code.Hash] = code
	return nil
}

func (m *Memory) Redeem(_ context.Context, hash string, now time.Time, decide func(indieauth.Code) (*indieauth.Token, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	code, ok := m.codes[hash]
	if !ok {
		return fs.ErrNotExist
	}
	code, token, revoke, err := indieauth.Redemption(code, now, decide)
	m.codes[hash] = code
	if token != nil {
		m.tokens[token.Hash] = *token
	}
	delete(m.tokens, revoke)
	return err
}

func (m *Memory) PutToken(_ context.Context, token indieauth.Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[token.Hash] = token
	return nil
}

func (m *Memory) Token(_ context.Context, hash string) (indieauth.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	token, ok := m.tokens[hash]
	if !ok {
		return indieauth.Token{}, fs.ErrNotExist
	}
	return token, nil
}

func (m *Memory) Revoke(_ context.Context, hash string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tokens, hash)
	return nil
}

// Yes is an owner who agrees to everything. A real one signs in first, and reads.
type Yes struct{ server *indieauth.Server }

func (y Yes) Ask(w http.ResponseWriter, r *http.Request, req indieauth.Request) {
	if _, err := y.server.ClientInfo(r.Context(), req); err != nil {
		http.Error(w, "this application cannot be trusted", http.StatusForbidden)
		return
	}
	back, err := y.server.Approve(r.Context(), req, req.Scopes)
	if err != nil {
		http.Error(w, "please try again", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, back, http.StatusFound)
}

func Example() {
	server := &indieauth.Server{Issuer: "https://ana.example/", Me: "https://ana.example/", Storage: NewMemory()}
	server.Consent = Yes{server}
	mux := http.NewServeMux()
	mux.HandleFunc("/auth", server.Authorization)
	mux.HandleFunc("/token", server.Token)

	// The client sends the owner's browser to the authorization endpoint …
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	params := url.Values{
		"response_type": {"code"}, "client_id": {"https://app.example/"}, "redirect_uri": {"https://app.example/cb"},
		"state": {"1234"}, "scope": {"create"}, "code_challenge_method": {"S256"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/auth?"+params.Encode(), nil))
	back, _ := url.Parse(w.Header().Get("Location"))
	fmt.Println(w.Code, back.Host, back.Query().Get("state"), back.Query().Get("iss"))

	// … and with the code that comes back it gets a token,
	params.Set("code", back.Query().Get("code"))
	params.Set("code_verifier", verifier)
	r := httptest.NewRequest("POST", "/token", strings.NewReader(params.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/x-www-form-urlencoded") // easily read in this example
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	answer, _ := url.ParseQuery(string(body))

	// which a resource server checks.
	token, err := server.Check(context.Background(), answer.Get("access_token"))
	fmt.Println(token.Me, token.ClientID, token.Allows("create"), token.Allows("delete"), err)
	// Output:
	// 302 app.example 1234 https://ana.example/
	// https://ana.example/ https://app.example/ true false <nil>
}
