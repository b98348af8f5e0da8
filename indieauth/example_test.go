package indieauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"tertulia/indieauth"
)

// Yes is an owner who agrees to everything. A real one signs in first, and reads.
type Yes struct{ server *indieauth.Server }

func (y Yes) Ask(w http.ResponseWriter, r *http.Request, req indieauth.Request) {
	if _, err := y.server.ClientInfo(r.Context(), req); err != nil {
		http.Error(w, "this application cannot be trusted", http.StatusForbidden)
		return
	}
	back, err := y.server.Approve(r.Context(), req, req.Scopes, 0)
	if err != nil {
		http.Error(w, "please try again", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
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
	// 303 app.example 1234 https://ana.example/
	// https://ana.example/ https://app.example/ true false <nil>
}
