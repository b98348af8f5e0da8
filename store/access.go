package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tertulia/indieauth"
)

// What lets somebody in is kept under the SHA-256 of its secret, never the secret:
// tokens, refresh tokens, codes, sessions and requests. What has expired is not there any more,
// whether or not it was swept yet.

// Session is a signed-in browser of somebody who looks after the site.
type Session struct {
	Hash    string    `json:"hash"`
	Me      string    `json:"me"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	How     string    `json:"how,omitempty"`   // they signed in: link, passphrase, passkey, or a provider's name; "": link
	Seen    time.Time `json:"seen,omitzero"`   // last, to the hour; zero: not since Created
	From    string    `json:"from,omitempty"`  // network that it was last seen from, coarse; "" when not known
	Agent   string    `json:"agent,omitempty"` // browser and system, in a few words; "" when not known
}

// Request is something short-lived that waits for its second half: a one-time
// sign-in link, a consent that was asked for, a create that may be repeated.
type Request struct {
	Hash    string          `json:"hash"`
	Kind    string          `json:"kind"` // link, consent, create
	Data    json.RawMessage `json:"data,omitempty"`
	Session string          `json:"session,omitempty"` // hash of the session it is bound to
	Created time.Time       `json:"created"`
	Expires time.Time       `json:"expires"`
}

var tokens = table[indieauth.Token]{
	name: "tokens", kind: "token", version: 1,
	key: func(t *indieauth.Token) string { return t.Hash },
}

var refreshes = table[indieauth.Refresh]{
	name: "refreshes", kind: "refresh", version: 1,
	key: func(r *indieauth.Refresh) string { return r.Hash },
}

var codes = table[indieauth.Code]{
	name: "codes", kind: "code", version: 1,
	key: func(c *indieauth.Code) string { return c.Hash },
}

var sessions = table[Session]{
	name: "sessions", kind: "session", version: 1,
	key: func(s *Session) string { return s.Hash },
}

var requests = table[Request]{
	name: "requests", kind: "request", version: 1,
	key: func(r *Request) string { return r.Hash },
}

func (tx *Tx) fresh(what string, expires time.Time, err error) error {
	if err == nil && !expires.IsZero() && !tx.Now.Before(expires) {
		return fmt.Errorf("%s has expired: %w", what, fs.ErrNotExist)
	}
	return err
}

// Token reads a token by its hash.
func (tx *Tx) Token(hash string) (indieauth.Token, error) {
	t, err := tokens.get(tx, hash)
	return t, tx.fresh("token", t.Expires, err)
}

// KnownToken reads the token with the hash, or the one that came with the refresh token that
// has it, whether or not they have expired; of one that is gone only the family is known.
func (tx *Tx) KnownToken(hash string) (indieauth.Token, error) {
	t, err := tokens.get(tx, hash)
	if !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	r, err := refreshes.get(tx, hash)
	if err != nil {
		return indieauth.Token{}, err
	}
	if t, err = tokens.get(tx, r.Token); errors.Is(err, fs.ErrNotExist) {
		return indieauth.Token{Hash: r.Token, Family: r.Family}, nil
	}
	return t, err
}

// PutToken writes a token.
func (tx *Tx) PutToken(t indieauth.Token) error { return tokens.put(tx, t) }

// DropToken removes a token; one that is not there is fine.
func (tx *Tx) DropToken(hash string) error { return dropIfThere(tx, &tokens, hash) }

// Tokens lists the tokens that are valid, or can be refreshed.
func (tx *Tx) Tokens() ([]indieauth.Token, error) {
	return tokens.all(tx, func(t *indieauth.Token) bool { return tx.fresh("", t.Ends(), nil) == nil })
}

// Refresh reads a refresh token by its hash, used ones included, and the token that it
// can exchange, which may have expired; it is empty after the first use.
func (tx *Tx) Refresh(hash string) (indieauth.Refresh, indieauth.Token, error) {
	r, err := refreshes.get(tx, hash)
	if err = tx.fresh("refresh token", r.Expires, err); err != nil || !r.Used.IsZero() {
		return r, indieauth.Token{}, err
	}
	t, err := tokens.get(tx, r.Token)
	return r, t, err
}

// PutRefresh writes a refresh token.
func (tx *Tx) PutRefresh(r indieauth.Refresh) error { return refreshes.put(tx, r) }

// DropFamily removes all tokens and refresh tokens that came of one code.
func (tx *Tx) DropFamily(family string) error {
	if family == "" {
		return nil // those made by hand have nothing in common
	}
	if err := sweep(tx, &tokens, func(t *indieauth.Token) bool { return t.Family == family }); err != nil {
		return err
	}
	return sweep(tx, &refreshes, func(r *indieauth.Refresh) bool { return r.Family == family })
}

// RevokeToken removes the token or refresh token with the hash, and all of its family;
// one that is not there is fine.
func (tx *Tx) RevokeToken(hash string) error {
	var family string
	if t, err := tokens.get(tx, hash); err == nil {
		family = t.Family
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if r, err := refreshes.get(tx, hash); err == nil {
		family = r.Family
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := tx.DropToken(hash); err != nil {
		return err
	}
	return tx.DropFamily(family)
}

// Code reads an authorization code by its hash, used ones included.
func (tx *Tx) Code(hash string) (indieauth.Code, error) {
	c, err := codes.get(tx, hash)
	return c, tx.fresh("code", c.Expires, err)
}

// PutCode writes an authorization code.
func (tx *Tx) PutCode(c indieauth.Code) error { return codes.put(tx, c) }

// Session reads a session by the hash of its cookie.
func (tx *Tx) Session(hash string) (Session, error) {
	s, err := sessions.get(tx, hash)
	return s, tx.fresh("session", s.Expires, err)
}

// PutSession writes a session.
func (tx *Tx) PutSession(s Session) error { return sessions.put(tx, s) }

// Sessions lists the sessions that are valid.
func (tx *Tx) Sessions() ([]Session, error) {
	return sessions.all(tx, func(s *Session) bool { return tx.fresh("", s.Expires, nil) == nil })
}

// DropSession removes a session; one that is not there is fine.
func (tx *Tx) DropSession(hash string) error { return dropIfThere(tx, &sessions, hash) }

// Request reads a request of a kind by its hash.
func (tx *Tx) Request(kind, hash string) (Request, error) {
	r, err := requests.get(tx, hash)
	if err == nil && r.Kind != kind {
		return Request{}, fmt.Errorf("%s %q: %w", kind, hash, fs.ErrNotExist)
	}
	return r, tx.fresh(kind, r.Expires, err)
}

// PutRequest writes a request.
func (tx *Tx) PutRequest(r Request) error { return requests.put(tx, r) }

// TakeRequest reads a request and removes it: it can be had once.
func (tx *Tx) TakeRequest(kind, hash string) (Request, error) {
	r, err := tx.Request(kind, hash)
	if err != nil {
		return r, err
	}
	return r, requests.delete(tx, hash)
}

// SweepAccess removes what has expired before the given time, unless the clock is not
// to be believed ([ErrClock]).
func (tx *Tx) SweepAccess(before time.Time) error {
	if err := tx.clock.check(tx.Now); err != nil {
		return err
	}
	expired := func(t time.Time) bool { return !t.IsZero() && t.Before(before) }
	if err := sweep(tx, &tokens, func(t *indieauth.Token) bool { return expired(t.Ends()) }); err != nil {
		return err
	}
	if err := sweep(tx, &refreshes, func(r *indieauth.Refresh) bool { return expired(r.Expires) }); err != nil {
		return err
	}
	if err := sweep(tx, &codes, func(c *indieauth.Code) bool { return expired(c.Expires) }); err != nil {
		return err
	}
	if err := sweep(tx, &sessions, func(s *Session) bool { return expired(s.Expires) }); err != nil {
		return err
	}
	if err := sweep(tx, &devices, func(d *Device) bool { return expired(d.Expires) }); err != nil {
		return err
	}
	if err := sweep(tx, &guesses, func(g *Guesses) bool { return expired(g.Whole) }); err != nil {
		return err
	}
	return sweep(tx, &requests, func(r *Request) bool { return expired(r.Expires) })
}

func sweep[T any](tx *Tx, t *table[T], gone func(*T) bool) error {
	recs, err := t.all(tx, gone)
	if err != nil {
		return err
	}
	for _, rec := range recs {
		if err := t.delete(tx, t.key(&rec)); err != nil {
			return err
		}
	}
	return nil
}

func dropIfThere[T any](tx *Tx, t *table[T], k string) error {
	if !t.has(tx, k) {
		return nil
	}
	return t.delete(tx, k)
}
