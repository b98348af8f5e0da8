package site_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/site"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
)

// signer is a client that signs in at the site's own authorization server, whose
// tokens are in the store.
type signer struct {
	*indieauth.Server
	access *site.Access
}

const signerID = "https://editor.example/"

func newSigner(w *world) *signer {
	access := &site.Access{Site: w.site, DB: w.db}
	w.web.Handle("editor.example", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"client_id":"` + signerID + `","grant_types":["refresh_token"]}`))
	}))
	return &signer{&indieauth.Server{Issuer: w.site.Base, Me: w.site.Me(), Storage: access, Client: w.web.Client()}, access}
}

// begin asks and is granted, and returns what redeems the code.
func (e *signer) begin(t *testing.T) url.Values {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	to, err := e.Approve(t.Context(), indieauth.Request{
		ClientID: signerID, RedirectURI: signerID + "cb", State: "s", Scopes: []string{"create"},
		Challenge: oauth2.S256ChallengeFromVerifier(verifier), Method: "S256",
	}, []string{"create"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "client_id": {signerID},
		"redirect_uri": {signerID + "cb"}, "code_verifier": {verifier},
	}
}

func refresh(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {signerID}}
}

// ask posts to the token endpoint; the tokens are empty when it refuses.
func (e *signer) ask(values url.Values) (access, refresh string) {
	r := httptest.NewRequest("POST", "/-/token", strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	e.Token(w, r)
	var body struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &body) != nil {
		return "", ""
	}
	return body.Access, body.Refresh
}

func (e *signer) listed(t *testing.T) int {
	t.Helper()
	tokens, err := e.access.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(tokens)
}

// IA-21, IA-26, T-IA05: fifty at once give one token, and then it is revoked, for
// somebody else had the same secret.
func TestFiftyAtOnceGetOneToken(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		e := newSigner(w)
		code := e.begin(t)
		_, another := e.ask(e.begin(t))
		for name, values := range map[string]url.Values{"code": code, "refresh token": refresh(another)} {
			var wg sync.WaitGroup
			var mu sync.Mutex
			var given []string
			for range 50 {
				wg.Go(func() {
					if access, _ := e.ask(values); access != "" {
						mu.Lock()
						defer mu.Unlock()
						given = append(given, access)
					}
				})
			}
			wg.Wait()
			if len(given) != 1 {
				t.Errorf("%s: %d tokens were given, want one", name, len(given))
			}
			for _, token := range given {
				if _, err := e.Check(t.Context(), token); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: the token still works: %v", name, err)
				}
			}
		}
		if n := e.listed(t); n != 0 {
			t.Errorf("%d tokens are left", n)
		}
		// The owner reads of it, once each: whoever goes on trying writes nothing.
		lines, err := e.access.Audit(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		revoked := map[string]int{}
		for _, d := range lines {
			if d.Action == "revoke token" {
				revoked[d.By+d.Note]++
			}
		}
		want := map[string]int{signerID + ": create; a code came twice": 1, signerID + ": create; a refresh token came twice": 1}
		if diff := cmp.Diff(want, revoked); diff != "" {
			t.Error(diff)
		}
	})
}

// IA-26: who can refresh is listed as long as that is so, over sweeps and restarts,
// and keeps the name that the owner gave.
func TestRefreshTokensAreKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		e := newSigner(w)
		access, next := e.ask(e.begin(t))
		token, err := e.Check(t.Context(), access)
		if err != nil {
			t.Fatal(err)
		}
		token.Name = "phone"
		if err := e.access.PutToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		first := next
		for range 3 {
			pass(20 * 24 * time.Hour)
			if err := e.access.Sweep(t.Context(), time.Hour); err != nil {
				t.Fatal(err)
			}
			if _, err := e.access.Grant(t.Context(), access); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("an access token of twenty days ago: %v", err)
			}
			if n := e.listed(t); n != 1 {
				t.Errorf("%d tokens are listed, want the one that can be refreshed", n)
			}
			w.close()
			w.open()
			w.start()
			e = newSigner(w)
			if access, next = e.ask(refresh(next)); access == "" || next == "" {
				t.Fatal("it could not be refreshed")
			}
		}
		if tokens, err := e.access.Tokens(t.Context()); err != nil || len(tokens) != 1 || tokens[0].Name != "phone" {
			t.Errorf("got %+v, %v", tokens, err)
		}
		// Forgotten after its thirty days: known no more, and nobody is thrown out.
		if again, _ := e.ask(refresh(first)); again != "" || e.listed(t) != 1 {
			t.Error("the first refresh token did something")
		}
		pass(31 * 24 * time.Hour)
		if again, _ := e.ask(refresh(next)); again != "" || e.listed(t) != 0 {
			t.Error("a refresh token that was idle for a month did something")
		}
	})
}

// IA-29: the owner, or the client, revokes one of a pair, and both are gone; a token
// made by hand is nobody's family.
func TestRevokingTakesTheFamily(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		e := newSigner(w)
		script, err := e.access.NewToken(t.Context(), "script", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		other, err := e.access.NewToken(t.Context(), "other", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		for _, which := range []func(access, next string) error{
			func(access, _ string) error { return e.access.Revoke(t.Context(), indieauth.Hash(access)) },
			func(_, next string) error { return e.access.Revoke(t.Context(), indieauth.Hash(next)) },
			func(access, _ string) error { return e.access.RevokeBy(t.Context(), indieauth.Hash(access)[:12]) },
		} {
			access, next := e.ask(e.begin(t))
			if err := which(access, next); err != nil {
				t.Fatal(err)
			}
			if again, _ := e.ask(refresh(next)); again != "" || e.listed(t) != 2 {
				t.Errorf("%d tokens are listed, want the two scripts", e.listed(t))
			}
		}
		if err := e.access.Revoke(t.Context(), indieauth.Hash(script)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Check(t.Context(), other); err != nil || e.listed(t) != 1 {
			t.Errorf("another script lost its token: %v", err)
		}
	})
}
