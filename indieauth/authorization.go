package indieauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is an authorization request that has been checked, as far as it can be
// without the network. The application keeps it, on its own side, while the
// owner signs in. ClientID and Me are canonical, RedirectURI and State are as the
// client sent them.
type Request struct {
	ClientID    string   `json:"client_id"`
	RedirectURI string   `json:"redirect_uri"`
	State       string   `json:"state"`
	Challenge   string   `json:"code_challenge,omitempty"`        // empty only with AllowNoPKCE
	Method      string   `json:"code_challenge_method,omitempty"` // "S256" when there is a challenge
	Me          string   `json:"me,omitempty"`                    // what the client was told, a hint and no more; may be empty
	Scopes      []string `json:"scopes,omitempty"`                // none: the client only wants to know who it is
}

// Consent is the application's part: it makes sure that the owner is there, and
// asks. Its page names the client ([Server.ClientInfo], to be called only after
// the owner has signed in), shows client_id, redirect_uri and each scope, is
// protected against forged requests, and leads to [Server.Approve] or
// [Server.Deny]. The headers that keep it out of frames and its address out of
// Referer are set before Ask is called.
// Spec: indieauth#authorization-request-p-12
// Spec: indieauth#preventing-phishing-and-redirect-attacks-p-2
// Spec: micropub#scope-p-3
type Consent interface {
	Ask(w http.ResponseWriter, r *http.Request, req Request)
}

// ErrScope says that scopes were granted which the client did not ask for, or
// that are none at all.
var ErrScope = errors.New("scope was not asked for or is not a scope")

// Limits of what a client may send, in bytes where not said otherwise.
const (
	maxQuery  = 16 << 10
	maxState  = 4 << 10
	maxScope  = 2 << 10
	maxScopes = 50 // words
)

// Authorization is the authorization endpoint. GET begins an authorization, POST
// redeems a code for the profile URL alone.
func (s *Server) Authorization(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.ask(w, r)
	case http.MethodPost:
		s.redeemProfile(w, r)
	case http.MethodOptions:
		preflight(w)
	default:
		notAllowed(w, "GET, HEAD, POST, OPTIONS")
	}
}

// ask checks an authorization request and hands it to the application. A mistake is
// shown on a page of ours: anybody can be a client, so a redirect before the owner has
// said anything would let links to this server lead wherever a stranger likes (RFC
// 9700, section 4.11.2). Once client and redirect_uri are known to belong together the
// page can offer the way back, on which the client is told.
// Spec: indieauth#authorization-response-p-4
func (s *Server) ask(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", "frame-ancestors 'none'")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cache-Control", "no-store")
	if s.Successor.Authorization != "" {
		s.page(w, r, errors.New("this is not the server of "+s.Me+": it is "+s.Successor.Authorization), "")
		return
	}
	query, err := readQuery(r)
	if err != nil {
		s.page(w, r, err, "")
		return
	}
	req, err := identify(query)
	if err != nil {
		s.page(w, r, err, "")
		return
	}
	req, err = s.readRequest(req, query)
	var refused *fault
	switch {
	case err == nil:
		s.Consent.Ask(w, r, req)
	case errors.As(err, &refused) && ownRedirect(req):
		s.page(w, r, err, s.answerURL(req, url.Values{"error": {refused.code}, "error_description": {refused.description}}))
	default:
		s.page(w, r, err, "")
	}
}

// page shows the person what is wrong with the link that they followed.
func (s *Server) page(w http.ResponseWriter, r *http.Request, err error, back string) {
	if s.ErrorPage != nil {
		s.ErrorPage(w, r, http.StatusBadRequest, err.Error(), back)
		return
	}
	text := err.Error()
	if back != "" {
		text += "\nback to the application: " + back
	}
	http.Error(w, text, http.StatusBadRequest)
}

// readQuery reads the parameters of an authorization request. An empty one
// counts as absent.
func readQuery(r *http.Request) (url.Values, error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, errors.New("the request is too long")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errors.New("the request's parameters cannot be read")
	}
	if len(query.Get("scope")) > maxScope || len(strings.Fields(query.Get("scope"))) > maxScopes {
		return nil, errors.New("the request asks for too many scopes")
	}
	if len(query.Get("state")) > maxState {
		return nil, errors.New("state is too long")
	}
	return query, nil
}

// identify reads who asks and where the answer goes. Its errors are for a page.
func identify(query url.Values) (Request, error) {
	if len(query["client_id"]) > 1 || len(query["redirect_uri"]) > 1 {
		return Request{}, errors.New("client_id and redirect_uri must come once")
	}
	clientID, err := CheckClientID(query.Get("client_id"))
	if err != nil {
		return Request{}, err
	}
	if _, err := checkRedirectURI(query.Get("redirect_uri")); err != nil {
		return Request{}, err
	}
	return Request{ClientID: clientID, RedirectURI: query.Get("redirect_uri")}, nil
}

// readRequest reads the rest of an authorization request into req. Its errors
// are faults, for the client.
// Spec: indieauth#authorization-request-li-1
func (s *Server) readRequest(req Request, query url.Values) (Request, error) {
	if len(query["state"]) == 1 {
		req.State = query.Get("state")
	}
	if err := once(query, "response_type", "state", "code_challenge", "code_challenge_method", "scope", "me"); err != nil {
		return req, err
	}
	if req.State == "" {
		return req, invalidRequest("state is missing")
	}
	// Spec: indieauth#authorization-request-p-11
	if me, err := CheckProfileURL(query.Get("me")); err == nil {
		req.Me = me
	}
	switch query.Get("response_type") {
	case "code":
		req.Scopes = unique(strings.Fields(query.Get("scope")))
	case "id": // what clients sent before 2020 that only want to know who it is
	case "":
		return req, invalidRequest("response_type is missing")
	default:
		return req, &fault{http.StatusBadRequest, "unsupported_response_type", "response_type must be code"}
	}
	if slices.ContainsFunc(req.Scopes, malformedScope) {
		return req, &fault{http.StatusBadRequest, "invalid_scope", "scope has characters that it cannot have"}
	}
	req.Challenge, req.Method = query.Get("code_challenge"), query.Get("code_challenge_method")
	return req, s.checkChallenge(req)
}

// checkChallenge demands a SHA-256 challenge. The method may not be left out:
// RFC 7636 then assumes "plain", which protects nothing.
func (s *Server) checkChallenge(req Request) error {
	switch {
	case req.Challenge == "" && req.Method == "" && s.AllowNoPKCE:
		// Spec: indieauth#authorization-request-p-6
		return nil
	case req.Challenge == "":
		// Spec: indieauth#authorization-request-p-2
		return invalidRequest("code_challenge is missing: this server requires PKCE")
	case req.Method != "S256":
		return invalidRequest("code_challenge_method must be S256")
	case len(req.Challenge) != challengeLen || strings.ContainsFunc(req.Challenge, func(r rune) bool { return !isAlnum(r) && r != '-' && r != '_' }):
		return invalidRequest("code_challenge is not a SHA-256 digest in base64url")
	}
	return nil
}

// malformedScope tells what RFC 6749 allows in a scope: printable ASCII but
// space, quote and backslash.
func malformedScope(scope string) bool {
	return scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

// unique keeps the first of equal words.
func unique(words []string) []string {
	var kept []string
	for _, word := range words {
		if !slices.Contains(kept, word) {
			kept = append(kept, word)
		}
	}
	return kept
}

// ownRedirect tells whether the redirect_uri has the client's own scheme, host
// and port, so that nobody needs to be asked about it.
func ownRedirect(req Request) bool {
	client, err := url.Parse(req.ClientID)
	if err != nil {
		return false
	}
	redirect, err := checkRedirectURI(req.RedirectURI)
	return err == nil && sameOrigin(client, redirect)
}

// Approve records that the owner grants scopes to the request, for as long as life
// says or, if it is 0, until the owner revokes them, and returns the URL to redirect
// the browser to, which carries code, state and iss. No scopes let the client know
// who the owner is, and nothing else. A scope that was not asked for is [ErrScope]. A
// redirect_uri outside the client's own origin is looked up again, because it may
// have changed since the owner saw it; see [ErrRedirect].
func (s *Server) Approve(ctx context.Context, req Request, scopes []string, life time.Duration) (string, error) {
	if s.Successor.Authorization != "" { // since the owner was asked
		return "", fmt.Errorf("approve %s: %w", req.ClientID, succeeded(s.Successor.Authorization))
	}
	for _, scope := range scopes {
		if !slices.Contains(req.Scopes, scope) {
			return "", fmt.Errorf("approve %s: %w", req.ClientID, ErrScope)
		}
	}
	if life < 0 {
		return "", fmt.Errorf("approve %s: a life of %v", req.ClientID, life)
	}
	client, err := s.lookUp(ctx, req, !ownRedirect(req))
	if err != nil {
		return "", fmt.Errorf("approve: %w", err)
	}
	secret, now := newSecret(codePrefix), time.Now()
	err = s.Storage.PutCode(ctx, Code{
		Hash:        Hash(secret),
		ClientID:    req.ClientID,
		RedirectURI: req.RedirectURI,
		Challenge:   req.Challenge,
		Method:      req.Method,
		Scopes:      unique(scopes),
		Life:        life,
		Refreshes:   client.refreshes,
		Issued:      now,
		Expires:     now.Add(cmp.Or(s.CodeLife, 10*time.Minute)),
	})
	if err != nil {
		return "", fmt.Errorf("approve %s: %w", req.ClientID, err)
	}
	s.log().Info("authorization granted", "client_id", req.ClientID, "scopes", scopes)
	return s.answerURL(req, url.Values{"code": {secret}}), nil
}

// Deny returns the URL to redirect the browser to when the owner says no. Use it
// only with a request for which [Server.ClientInfo] gave no error.
// Spec: rfc6749#section-4.1.2.1
func (s *Server) Deny(req Request) string {
	return s.answerURL(req, url.Values{"error": {"access_denied"}, "error_description": {"the owner said no"}})
}

// answerURL is the redirect_uri, its own query as it was, with the answer, the
// state and our name added.
// Spec: indieauth#authorization-response-p-2
func (s *Server) answerURL(req Request, answer url.Values) string {
	if req.State != "" {
		// Spec: indieauth#authorization-response-li-2
		answer.Set("state", req.State)
	}
	answer.Set("iss", s.Issuer)
	separator := "&"
	switch {
	case !strings.Contains(req.RedirectURI, "?"):
		separator = "?"
	case strings.HasSuffix(req.RedirectURI, "?"), strings.HasSuffix(req.RedirectURI, "&"):
		separator = ""
	}
	return req.RedirectURI + separator + answer.Encode()
}
