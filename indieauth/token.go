package indieauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Token is the token endpoint. POST redeems a code for a token, or a refresh token
// for a new pair. For older clients POST with action=revoke revokes one, and GET tells about the token in
// its Authorization header.
// Spec: indieauth#token-revocation-p-4
// Spec: indieauth#IA-28
func (s *Server) Token(w http.ResponseWriter, r *http.Request) {
	allowOrigins(w)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if token, ok := s.authenticate(w, r); ok {
			answer(w, r, http.StatusOK, s.describe(r.Context(), token))
		}
	case http.MethodPost:
		form, err := readForm(w, r, append([]string{"action", "token", "refresh_token", "scope"}, redemptionParams...)...)
		switch {
		case err != nil:
			s.fail(w, r, err)
		case form.Get("action") == "revoke":
			s.revoke(w, r, form)
		case s.Successor.Authorization != "":
			s.fail(w, r, succeeded(s.Successor.Token))
		case form.Get("grant_type") == "refresh_token":
			s.renewToken(w, r, form)
		default:
			s.redeemToken(w, r, form)
		}
	case http.MethodOptions:
		preflight(w)
	default:
		notAllowed(w, "GET, HEAD, POST, OPTIONS")
	}
}

// describe is what a token says about itself.
func (s *Server) describe(ctx context.Context, token Token) map[string]any {
	body := map[string]any{"me": token.Me, "client_id": token.ClientID, "scope": strings.Join(token.Scopes, " ")}
	if profile, ok := s.profile(ctx, token.Scopes); ok {
		body["profile"] = profile
	}
	return body
}

// redeemToken gives a token for a code.
// Spec: indieauth#access-token-response-p-4
func (s *Server) redeemToken(w http.ResponseWriter, r *http.Request, form url.Values) {
	in, err := readRedemption(r, form)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := newPair()
	err = s.redeem(r.Context(), in, func(code Code) (Given, error) {
		// Spec: indieauth#authorization-request-li-7
		// Spec: indieauth#access-token-response-p-2
		if len(code.Scopes) == 0 {
			return Given{}, invalidGrant("the code was issued without scope: it is good at the authorization endpoint only")
		}
		p.given = s.first(code, p)
		return p.given, nil
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.log().Info("token issued", "client_id", p.given.Token.ClientID, "scopes", p.given.Token.Scopes)
	s.answerToken(w, r, p)
}

// answerToken hands out what was given.
func (s *Server) answerToken(w http.ResponseWriter, r *http.Request, p *pair) {
	token := *p.given.Token
	body := s.describe(r.Context(), token)
	body["access_token"], body["token_type"] = p.access, "Bearer"
	// Spec: indieauth#access-token-response-li-4
	if !token.Expires.IsZero() {
		body["expires_in"] = int64(token.Expires.Sub(token.Issued) / time.Second)
	}
	if p.given.Refresh != nil {
		body["refresh_token"] = p.refresh
	}
	answer(w, r, http.StatusOK, body)
}

// redeemProfile tells who the owner is for a code, at the authorization
// endpoint, and gives no token.
// Spec: indieauth#request-p-2
// Spec: indieauth#profile-url-response-p-2
func (s *Server) redeemProfile(w http.ResponseWriter, r *http.Request) {
	allowOrigins(w)
	form, err := readForm(w, r, redemptionParams...)
	if err == nil && s.Successor.Authorization != "" {
		err = succeeded(s.Successor.Authorization)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	in, err := readRedemption(r, form)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var scopes []string
	err = s.redeem(r.Context(), in, func(code Code) (Given, error) {
		scopes = code.Scopes
		return Given{}, nil
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.log().Info("profile URL told", "client_id", in.clientID)
	body := map[string]any{"me": s.Me}
	if profile, ok := s.profile(r.Context(), scopes); ok {
		body["profile"] = profile
	}
	answer(w, r, http.StatusOK, body)
}

// redemption is a request to redeem a code.
type redemption struct {
	code, clientID, redirectURI, verifier string
}

var redemptionParams = []string{"grant_type", "code", "client_id", "redirect_uri", "code_verifier"}

// readRedemption reads the parameters. A missing grant_type counts as
// authorization_code, as in the first editions of the standard.
func readRedemption(r *http.Request, form url.Values) (redemption, error) {
	in := redemption{code: form.Get("code"), clientID: clientID(r, form), redirectURI: form.Get("redirect_uri"), verifier: form.Get("code_verifier")}
	if grant := form.Get("grant_type"); grant != "authorization_code" && (grant != "" || in.code == "") {
		if grant == "" {
			return in, invalidRequest("grant_type is missing")
		}
		return in, &fault{http.StatusBadRequest, "unsupported_grant_type", "grant_type must be authorization_code"}
	}
	switch {
	case in.code == "":
		return in, invalidRequest("code is missing")
	case in.clientID == "":
		return in, invalidRequest("client_id is missing")
	case in.redirectURI == "":
		return in, invalidRequest("redirect_uri is missing")
	}
	return in, nil
}

// clientID reads who asks. A client that authenticates by HTTP Basic, as OAuth
// libraries try at first, has its client_id there; clients have no secrets here, so
// what it sends as one is not looked at.
func clientID(r *http.Request, form url.Values) string {
	if user, _, ok := r.BasicAuth(); ok && form.Get("client_id") == "" {
		if id, err := url.QueryUnescape(user); err == nil {
			return id
		}
	}
	return form.Get("client_id")
}

// sameClient compares client_ids in canonical form.
func sameClient(sent, kept string) bool {
	id, err := CheckClientID(sent)
	return err == nil && id == kept
}

// redeem spends a code. grant says what is given for it once client and proof
// are right. A wrong client leaves the code to the right one; a failed proof
// spends it, so that nobody can try twice.
func (s *Server) redeem(ctx context.Context, in redemption, grant func(Code) (Given, error)) error {
	err := s.Storage.Redeem(ctx, Hash(in.code), time.Now(), func(code Code) (Given, error) {
		// client_id is compared in canonical form, redirect_uri to the letter.
		// Spec: indieauth#request-li-3
		// Spec: indieauth#request-li-4
		if !sameClient(in.clientID, code.ClientID) {
			return Given{}, invalidGrant("the code was issued to another client_id")
		}
		if in.redirectURI != code.RedirectURI {
			return Given{}, invalidGrant("the code was issued for another redirect_uri")
		}
		if err := checkVerifier(code.Challenge, in.verifier); err != nil {
			return Given{}, Burn(err)
		}
		return grant(code)
	})
	switch {
	case errors.Is(err, ErrUsed):
		s.log().Warn("authorization code came twice; what it gave is revoked", "client_id", in.clientID)
		return invalidGrant("the code was used before")
	case errors.Is(err, ErrExpired), errors.Is(err, fs.ErrNotExist):
		return invalidGrant("the code is unknown or has expired")
	case err != nil:
		return fmt.Errorf("redeem code: %w", err)
	}
	return nil
}

// challengeLen is the length of a SHA-256 digest in base64url.
const challengeLen = 43

// checkVerifier is PKCE's proof that who redeems is who asked.
// Spec: indieauth#redeeming-the-authorization-code-p-5
func checkVerifier(challenge, verifier string) error {
	switch {
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		return invalidGrant("code_verifier was sent, but the request had no code_challenge")
	case verifier == "":
		return invalidGrant("code_verifier is missing")
	case len(verifier) < 43 || len(verifier) > 128 || strings.ContainsFunc(verifier, func(r rune) bool { return !isAlnum(r) && !strings.ContainsRune("-._~", r) }):
		// Spec: indieauth#authorization-request-p-4
		return invalidGrant("code_verifier must be 43 to 128 letters, digits, or any of -._~")
	}
	sum := sha256.Sum256([]byte(verifier))
	// Spec: indieauth#authorization-request-p-5
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 0 {
		return invalidGrant("code_verifier does not match the code_challenge")
	}
	return nil
}

// profile is what the scopes let a client know about the owner; email only
// comes with profile.
// Spec: indieauth#profile-information-p-2
func (s *Server) profile(ctx context.Context, scopes []string) (Profile, bool) {
	if !slices.Contains(scopes, "profile") {
		return Profile{}, false
	}
	profile := Profile{URL: s.Me}
	if s.Profile != nil {
		profile = s.Profile(ctx)
	}
	if !slices.Contains(scopes, "email") {
		profile.Email = ""
	}
	return profile, true
}

// maxToken is longer, in bytes, than any token that we or an import ever made.
const maxToken = 1 << 10

// Check is for the resource server: it returns what a token may do. One that is
// unknown, revoked or expired is fs.ErrNotExist.
// Spec: indieauth#accessing-protected-resources-p-1
func (s *Server) Check(ctx context.Context, secret string) (Token, error) {
	if secret == "" || len(secret) > maxToken {
		return Token{}, fmt.Errorf("check token: %w", fs.ErrNotExist)
	}
	hash := Hash(secret)
	token, err := s.Storage.Token(ctx, hash)
	if err != nil {
		return Token{}, fmt.Errorf("check token: %w", err)
	}
	expired := !token.Expires.IsZero() && !time.Now().Before(token.Expires)
	if expired || subtle.ConstantTimeCompare([]byte(hash), []byte(token.Hash)) == 0 {
		return Token{}, fmt.Errorf("check token: %w", fs.ErrNotExist)
	}
	return token, nil
}
