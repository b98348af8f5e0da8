package indieauth

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Code is an authorization code as it is kept: by its hash, with what it is
// bound to.
type Code struct {
	Hash        string    `json:"hash"`
	ClientID    string    `json:"client_id"`
	RedirectURI string    `json:"redirect_uri"`
	Challenge   string    `json:"code_challenge,omitempty"`        // empty: the client uses no PKCE
	Method      string    `json:"code_challenge_method,omitempty"` // "S256" when there is a challenge
	Scopes      []string  `json:"scopes,omitempty"`                // as the owner granted them; none: profile URL only
	Issued      time.Time `json:"issued"`
	Expires     time.Time `json:"expires"`
	Used        time.Time `json:"used,omitzero"`   // zero: not yet
	Token       string    `json:"token,omitempty"` // hash of the token that the code gave
}

// Token is an access token as it is kept: by its hash, with what it may do.
type Token struct {
	Hash     string    `json:"hash"`
	Me       string    `json:"me"`
	ClientID string    `json:"client_id,omitempty"`
	Scopes   []string  `json:"scopes"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires,omitzero"` // zero: never
	// The rest is the application's; this package neither sets nor reads it.
	Name     string    `json:"name,omitempty"`     // what the owner calls it
	Lenient  bool      `json:"lenient,omitempty"`  // may come twice in one request
	LastUsed time.Time `json:"last_used,omitzero"` // when a resource server saw it last
}

// Allows reports whether the token carries the scope, in exactly this spelling.
func (t Token) Allows(scope string) bool { return slices.Contains(t.Scopes, scope) }

// Storage keeps codes and tokens under their hashes. Its methods may be called
// concurrently. What a method has accepted is durable when it returns.
type Storage interface {
	// PutCode keeps a new code, at least until it expires.
	PutCode(ctx context.Context, code Code) error
	// Redeem finds the code (fs.ErrNotExist if there is none), applies
	// [Redemption] to it and stores the outcome, all in one transaction, which
	// is committed also when Redemption returns an error. That error is returned
	// then. decide may run again if the transaction does.
	Redeem(ctx context.Context, hash string, now time.Time, decide func(Code) (*Token, error)) error
	// PutToken keeps a new token.
	PutToken(ctx context.Context, token Token) error
	// Token returns what was kept, expired or not; fs.ErrNotExist if it is
	// unknown or revoked.
	Token(ctx context.Context, hash string) (Token, error)
	// Revoke forgets a token. One that is unknown is no error.
	Revoke(ctx context.Context, hash string) error
}

// Errors of [Redemption], which a [Storage] returns from Redeem as they are.
var (
	ErrCodeUsed    = errors.New("authorization code was used before")
	ErrCodeExpired = errors.New("authorization code has expired")
)

// Redemption is the rule for redeeming a code, for use inside a [Storage]'s
// transaction. The storage then puts the returned code in place of the old one,
// adds token unless it is nil, revokes the token whose hash is revoke unless that
// is empty, commits, and only then returns err, if any.
//
//	used before           → ErrCodeUsed; the token it gave is to be revoked
//	expired               → ErrCodeExpired
//	decide says no        → its error; the code stays good, unless it is a [Burn]
//	decide says yes       → the code is used and knows its token
func Redemption(code Code, now time.Time, decide func(Code) (*Token, error)) (after Code, token *Token, revoke string, err error) {
	if !code.Used.IsZero() {
		// A code that comes twice was stolen, before or after its use.
		// Spec: indieauth#authorization-response-li-1
		return code, nil, code.Token, ErrCodeUsed
	}
	if !now.Before(code.Expires) {
		return code, nil, "", ErrCodeExpired
	}
	token, err = decide(code)
	var burned *burnedError
	switch {
	case errors.As(err, &burned):
		code.Used = now
		return code, nil, "", err
	case err != nil:
		return code, nil, "", err
	}
	code.Used = now
	if token != nil {
		code.Token = token.Hash
	}
	return code, token, "", nil
}

// Burn wraps the error of a decision that spends the code although nothing is
// given for it, so that a proof cannot be tried twice.
func Burn(err error) error { return &burnedError{err} }

type burnedError struct{ error }

func (b *burnedError) Unwrap() error { return b.error }
