// Package indieauth makes a person's own address their account.
//
// A [Server] is the authorization server of a site with one owner. It holds the
// settings and offers one handler per endpoint. The application keeps codes and tokens
// (a [Storage]) and shows the page on which the owner says yes or no (a [Consent]);
// everything between is done here.
//
//	auth := &indieauth.Server{Issuer: base, Me: me, Endpoints: urls, Storage: db, Consent: pages, Client: guarded}
//	mux.HandleFunc("/auth", auth.Authorization) // and Token, Metadata, Introspection, Revocation, Userinfo
//	grant, err := auth.Check(ctx, token)        // in the resource server
//
// A [Client] signs people in with theirs, wherever their server is.
//
//	to, flow, err := client.Begin(ctx, "bea.example")
//	who, err := client.Finish(ctx, flow, r.URL.Query())
//
// Both follow the IndieAuth living standard of 11 July 2024
// (https://indieauth.spec.indieweb.org/), RFC 6749, RFC 7636 (PKCE), RFC 7009
// (revocation), RFC 7662 (introspection), RFC 9207 (iss) and RFC 9700 (best practice).
package indieauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Server is an authorization server for one owner. Its methods are handlers and
// may be called concurrently once the fields are set. Issuer, Me, Endpoints,
// Storage and Consent are required.
type Server struct {
	// Issuer identifies the server, "https://example.com/-/". It has neither
	// query nor fragment, and the metadata URL begins with it.
	// Spec: indieauth#issuer-identifier-p-1
	Issuer string
	// Me is the owner's profile URL. Every answer and every token says this,
	// whatever the client asked for.
	Me string
	// Endpoints are the addresses that the metadata advertises.
	Endpoints Endpoints
	// Storage keeps codes and tokens.
	Storage Storage
	// Consent signs the owner in and asks.
	Consent Consent
	// Successor are the endpoints of another server that speaks for Me now, as far as they are
	// known. Where its Authorization is set, this server gives out neither codes nor tokens and
	// says where to go; what it gave before can still be checked and revoked here.
	Successor Endpoints
	// Client fetches what clients publish about themselves, at addresses that
	// strangers choose: hand in one that refuses private networks when it dials.
	// Nil fetches nothing, so that only redirects within the client's own origin pass.
	Client *http.Client
	// Scopes are advertised as scopes_supported. Others may be asked for too:
	// it is the owner who decides.
	Scopes []string
	// AllowNoPKCE accepts clients that send no code challenge, as old ones do.
	AllowNoPKCE bool
	// CodeLife is how long a code can be redeemed; 0 is 10 minutes, the longest
	// that the standard recommends.
	CodeLife time.Duration
	// AccessLife is how long the access token of a client works that can refresh it;
	// 0 is an hour. RefreshLife is how long it may leave a refresh token unused; 0 is
	// thirty days. The tokens of other clients last as [Server.Approve] is told.
	AccessLife, RefreshLife time.Duration
	// Profile tells what the scopes profile and email reveal; nil reveals Me alone.
	Profile func(ctx context.Context) Profile
	// ErrorPage shows the person what is wrong with the link that they followed; message is
	// English text without anything that a stranger sent. back is where the client reads of
	// it, "" where that is not known: offer it as a link, and lead nobody there. Nil answers
	// in plain text.
	ErrorPage func(w http.ResponseWriter, r *http.Request, status int, message, back string)
	// Log is told what the owner would want to know, never a code or a token;
	// nil discards.
	Log *slog.Logger

	clients clientCache
}

// Endpoints are absolute URLs. One that is empty is not advertised;
// Authorization, Token and Introspection are required by the standard.
type Endpoints struct {
	Authorization, Token, Introspection, Revocation, Userinfo, Metadata string
	// Micropub is no part of IndieAuth, but clients look for it in the metadata.
	Micropub string
}

// Profile is what the owner lets clients show. It is informational: a person is
// identified by me alone.
// Spec: indieauth#profile-information-p-7
type Profile struct {
	Name  string `json:"name,omitempty"`
	URL   string `json:"url,omitempty"`
	Photo string `json:"photo,omitempty"`
	Email string `json:"email,omitempty"`
}

// Validate reports every setting that the standard does not allow, or that is
// missing. Run it once, at the start.
func (s *Server) Validate() error {
	var problems []error
	issuer, err := url.Parse(s.Issuer)
	// Spec: indieauth#issuer-identifier-p-1
	switch {
	case err != nil || issuer.Host == "" || strings.ContainsAny(s.Issuer, "?#"):
		problems = append(problems, fmt.Errorf("issuer %q: it must be a URL without query and fragment", s.Issuer))
	case issuer.Scheme != "https" && (issuer.Scheme != "http" || !isLoopback(issuer.Hostname())):
		problems = append(problems, fmt.Errorf("issuer %q: it must be https, but for a loopback host", s.Issuer))
	case !strings.HasPrefix(s.Endpoints.Metadata, s.Issuer):
		problems = append(problems, fmt.Errorf("metadata %q: it must begin with the issuer %q", s.Endpoints.Metadata, s.Issuer))
	}
	if me, err := CheckProfileURL(s.Me); err != nil || me != s.Me {
		problems = append(problems, fmt.Errorf("me %q: it must be a profile URL in canonical form", s.Me))
	}
	if s.Endpoints.Authorization == "" || s.Endpoints.Token == "" || s.Endpoints.Introspection == "" {
		problems = append(problems, errors.New("endpoints: authorization, token and introspection are required"))
	}
	if s.Storage == nil || s.Consent == nil {
		problems = append(problems, errors.New("storage and consent are required"))
	}
	return errors.Join(problems...)
}

// Hash is how codes and tokens are named in a [Storage]: the hex SHA-256 of the
// secret. The secrets are random and long, so a plain hash reveals nothing.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// newSecret returns 256 random bits as text, with a prefix that tells a reader
// (and a scanner for leaked secrets) what it is.
func newSecret(prefix string) string {
	var b [32]byte
	rand.Read(b[:]) // never fails: it ends the program instead
	return prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

const (
	codePrefix    = "tc_"
	tokenPrefix   = "tt_"
	refreshPrefix = "tr_"
)

// Issue makes a token without any client: for a script, or for an editor whose
// owner pastes it. clientID may be empty. It does not expire, and it needs at
// least one scope ([ErrScope] otherwise).
func (s *Server) Issue(ctx context.Context, clientID string, scopes []string) (string, error) {
	if clientID != "" {
		var err error
		if clientID, err = CheckClientID(clientID); err != nil {
			return "", fmt.Errorf("issue token: %w", err)
		}
	}
	if len(scopes) == 0 || slices.ContainsFunc(scopes, malformedScope) {
		return "", fmt.Errorf("issue token: %w", ErrScope)
	}
	secret := newSecret(tokenPrefix)
	token := Token{Hash: Hash(secret), Me: s.Me, ClientID: clientID, Scopes: slices.Clone(scopes), Issued: time.Now()}
	if err := s.Storage.PutToken(ctx, token); err != nil {
		return "", fmt.Errorf("issue token: %w", err)
	}
	return secret, nil
}
