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
	Hash        string        `json:"hash"`
	ClientID    string        `json:"client_id"`
	RedirectURI string        `json:"redirect_uri"`
	Challenge   string        `json:"code_challenge,omitempty"`        // empty: the client uses no PKCE
	Method      string        `json:"code_challenge_method,omitempty"` // "S256" when there is a challenge
	Scopes      []string      `json:"scopes,omitempty"`                // as the owner granted them; none: profile URL only
	Life        time.Duration `json:"life,omitempty"`                  // of the access that it gives; 0: until revoked
	Refreshes   bool          `json:"refreshes,omitempty"`             // the client says that it can use a refresh token
	Issued      time.Time     `json:"issued"`
	Expires     time.Time     `json:"expires"`
	Used        time.Time     `json:"used,omitzero"` // zero: not yet
}

// Token is an access token as it is kept: by its hash, with what it may do.
type Token struct {
	Hash     string    `json:"hash"`
	Me       string    `json:"me"`
	ClientID string    `json:"client_id,omitempty"`
	Scopes   []string  `json:"scopes"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires,omitzero"` // zero: never
	// Family is what a token has in common with all that came of the same code;
	// empty for a token made by hand.
	Family string `json:"family,omitempty"`
	// Renewable is until when the refresh token works that came with it; zero: none
	// came. Until then the token is kept, though it has expired.
	Renewable time.Time `json:"renewable,omitzero"`
	// Grant is what the owner granted, if the client asked for less when it last
	// refreshed; nil: Scopes.
	Grant []string `json:"grant,omitempty"`
	// The rest is the application's; this package neither sets nor reads it, and a
	// token that is refreshed keeps it.
	Name     string    `json:"name,omitempty"`      // what the owner calls it
	Lenient  bool      `json:"lenient,omitempty"`   // may come twice in one request
	LastUsed time.Time `json:"last_used,omitzero"`  // when a resource server saw it last
	LastFrom string    `json:"last_from,omitempty"` // the network that it was used from then
}

// Allows reports whether the token carries the scope, in exactly this spelling.
func (t Token) Allows(scope string) bool { return slices.Contains(t.Scopes, scope) }

// Ends is when the client must ask the owner again if it does nothing; zero: never.
func (t Token) Ends() time.Time {
	if t.Renewable.After(t.Expires) {
		return t.Renewable
	}
	return t.Expires
}

// Granted is what the client has now, or can have by refreshing.
func (t Token) Granted() []string {
	if t.Grant != nil {
		return t.Grant
	}
	return t.Scopes
}

// Narrow returns the token with those of its scopes that are in kept; what is
// narrowed does not come back by refreshing.
func (t Token) Narrow(kept []string) Token {
	dropped := func(scope string) bool { return !slices.Contains(kept, scope) }
	t.Scopes = slices.DeleteFunc(slices.Clone(t.Scopes), dropped)
	t.Grant = slices.DeleteFunc(slices.Clone(t.Grant), dropped)
	return t
}

// Refresh is a refresh token as it is kept: by its hash. It works once, and is kept
// until it expires, so that a second use is noticed. What it can give stands in
// the token that came with it.
type Refresh struct {
	Hash    string    `json:"hash"`
	Family  string    `json:"family"`        // as in [Token]
	Token   string    `json:"token"`         // hash of the access token that came with it
	Expires time.Time `json:"expires"`       // when it was idle for too long
	End     time.Time `json:"end,omitzero"`  // when the owner's grant ends, which no refreshing moves; zero: never
	Used    time.Time `json:"used,omitzero"` // zero: not yet
}

// Given is what a code or a refresh token is exchanged for.
type Given struct {
	Token   *Token   // nil: the client learns who the owner is, and nothing is kept
	Refresh *Refresh // nil: the token cannot be refreshed
}

// Storage keeps codes and tokens under their hashes. Its methods may be called
// concurrently. What a method has accepted is durable when it returns.
type Storage interface {
	// PutCode keeps a new code, at least until it expires.
	PutCode(ctx context.Context, code Code) error
	// Redeem finds the code (fs.ErrNotExist if there is none), applies
	// [Redemption] to it and stores the outcome, all in one transaction, which
	// is committed also when Redemption returns an error. That error is returned
	// then. decide may run again if the transaction does.
	Redeem(ctx context.Context, hash string, now time.Time, decide func(Code) (Given, error)) error
	// Renew does the same for a refresh token and the token that came with it, with
	// [Rotation].
	Renew(ctx context.Context, hash string, now time.Time, decide func(Refresh, Token) (Given, error)) error
	// PutToken keeps a new token.
	PutToken(ctx context.Context, token Token) error
	// Token returns what was kept, expired or not; fs.ErrNotExist if it is
	// unknown or revoked.
	Token(ctx context.Context, hash string) (Token, error)
	// Revoke forgets the token or refresh token with the hash, and all of its
	// family. One that is unknown is no error.
	Revoke(ctx context.Context, hash string) error
}

// Errors of [Redemption] and [Rotation], which a [Storage] returns as they are.
var (
	ErrUsed    = errors.New("it was used before")
	ErrExpired = errors.New("it has expired")
)

// Redemption is the rule for redeeming a code, for use inside a [Storage]'s
// transaction. The storage then puts the returned code in place of the old one,
// adds what is given, revokes the family that revoke names unless that is empty,
// commits, and only then returns err, if any.
//
//	used before           → ErrUsed; all that it gave is to be revoked
//	expired               → ErrExpired
//	decide says no        → its error; the code stays good, unless it is a [Burn]
//	decide says yes       → the code is used
func Redemption(code Code, now time.Time, decide func(Code) (Given, error)) (after Code, given Given, revoke string, err error) {
	if !code.Used.IsZero() {
		// A code that comes twice was stolen, before or after its use.
		// Spec: indieauth#authorization-response-li-1
		return code, Given{}, code.Hash, ErrUsed
	}
	if !now.Before(code.Expires) {
		return code, Given{}, "", ErrExpired
	}
	given, err = decide(code)
	var burned *burnedError
	if err != nil && !errors.As(err, &burned) {
		return code, Given{}, "", err
	}
	code.Used = now
	if err != nil {
		return code, Given{}, "", err
	}
	return code, given, "", nil
}

// Rotation is the rule for exchanging a refresh token, as [Redemption] is for a code.
// token is the one that came with it, whether or not it has expired; when something
// is given the storage forgets it.
//
//	used before           → ErrUsed; the family is to be revoked: there are two who use it
//	expired               → ErrExpired
//	decide says no        → its error; the refresh token stays good
//	decide says yes       → the refresh token is used
//
// Spec: indieauth#refresh-tokens-p-3
func Rotation(old Refresh, token Token, now time.Time, decide func(Refresh, Token) (Given, error)) (after Refresh, given Given, revoke string, err error) {
	switch {
	case !old.Used.IsZero():
		return old, Given{}, old.Family, ErrUsed
	case !now.Before(old.Expires):
		return old, Given{}, "", ErrExpired
	}
	if given, err = decide(old, token); err != nil {
		return old, Given{}, "", err
	}
	old.Used = now
	return old, given, "", nil
}

// Burn wraps the error of a decision that spends the code although nothing is
// given for it, so that a proof cannot be tried twice.
func Burn(err error) error { return &burnedError{err} }

type burnedError struct{ error }

func (b *burnedError) Unwrap() error { return b.error }
