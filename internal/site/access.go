package site

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"tertulia/indieauth"
	"tertulia/store"
)

// Access is who may do what on a site: an indieauth.Storage, how those who look after
// the site sign in, their sessions, and the grants behind tokens. Of every secret only
// the hash is kept. One Access belongs to a site while the service runs, because it
// counts guesses.
type Access struct {
	Site   *Site
	DB     *store.DB
	Client *indieauth.Client // asks other servers who somebody is; nil: none is asked
	// Providers are networks whose accounts sign in; they need Client as well.
	Providers []*Provider

	travellers travellers
	guesses    guesses
	hashing    sync.Mutex // one passphrase at a time: each takes 19 MiB
	challenges challenges
}

// consentLife is how long a consent may be before the owner.
const consentLife = 10 * time.Minute

func (a *Access) update(ctx context.Context, fn func(*store.Tx) error) error {
	return a.DB.Update(ctx, a.Site.Key, fn)
}

// PutCode is of indieauth.Storage.
func (a *Access) PutCode(ctx context.Context, code indieauth.Code) error {
	return a.update(ctx, func(tx *store.Tx) error {
		note := code.ClientID + ": " + cmp.Or(strings.Join(code.Scopes, " "), "who you are")
		if err := record(tx, changer(ctx), "let in", tokenID(code.Hash), note); err != nil {
			return err
		}
		return tx.PutCode(code)
	})
}

// Redeem is of indieauth.Storage: the code is marked used in the transaction that
// keeps its token.
func (a *Access) Redeem(ctx context.Context, hash string, now time.Time, decide func(indieauth.Code) (indieauth.Given, error)) error {
	var refused error
	err := a.update(ctx, func(tx *store.Tx) error {
		code, err := tx.Code(hash)
		if err != nil {
			return err
		}
		var given indieauth.Given
		var revoke string
		code, given, revoke, refused = indieauth.Redemption(code, now, decide)
		if err := keep(tx, given, revoke); err != nil {
			return err
		}
		return tx.PutCode(code)
	})
	return cmp.Or(err, refused)
}

// Renew is of indieauth.Storage: the refresh token is marked used in the transaction
// that keeps what it gives, and the token that it replaces goes.
func (a *Access) Renew(ctx context.Context, hash string, now time.Time, decide func(indieauth.Refresh, indieauth.Token) (indieauth.Given, error)) error {
	var refused error
	err := a.update(ctx, func(tx *store.Tx) error {
		old, token, err := tx.Refresh(hash)
		if err != nil {
			return err
		}
		var given indieauth.Given
		var revoke string
		old, given, revoke, refused = indieauth.Rotation(old, token, now, decide)
		switch {
		case revoke != "":
			return dropStolen(tx, revoke, "a refresh token came twice")
		case refused != nil:
			return nil
		}
		if err := tx.DropToken(token.Hash); err != nil {
			return err
		}
		if err := tx.PutRefresh(old); err != nil {
			return err
		}
		return keep(tx, given, "")
	})
	return cmp.Or(err, refused)
}

// keep writes what a code or a refresh token has given, and revokes a family.
func keep(tx *store.Tx, given indieauth.Given, revoke string) error {
	if given.Token != nil {
		if err := tx.PutToken(*given.Token); err != nil {
			return err
		}
	}
	if given.Refresh != nil {
		if err := tx.PutRefresh(*given.Refresh); err != nil {
			return err
		}
	}
	return dropStolen(tx, revoke, "a code came twice")
}

// dropStolen revokes what came of one code, since there are two who use it.
func dropStolen(tx *store.Tx, family, why string) error {
	if family == "" {
		return nil
	}
	tokens, err := tx.Tokens()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tokens, func(t indieauth.Token) bool { return t.Family == family })
	if i >= 0 { // else nothing is left, and strangers may bring the code as often as they like
		if err := record(tx, "", "revoke token", TokenID(tokens[i]), summary(tokens[i])+"; "+why); err != nil {
			return err
		}
	}
	return tx.DropFamily(family)
}

// PutToken is of indieauth.Storage.
func (a *Access) PutToken(ctx context.Context, token indieauth.Token) error {
	return a.update(ctx, func(tx *store.Tx) error { return tx.PutToken(token) })
}

// Token is of indieauth.Storage. Who looks at a token uses it: a server that asks about one,
// or the client itself.
func (a *Access) Token(ctx context.Context, hash string) (token indieauth.Token, err error) {
	var idle bool
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		token, err = tx.Token(hash)
		idle = err == nil && unused(tx, token)
		return err
	})
	if idle {
		_ = a.used(ctx, hash) // as in Grant
	}
	return token, err
}

// Revoke is of indieauth.Storage.
func (a *Access) Revoke(ctx context.Context, hash string) error {
	return a.update(ctx, func(tx *store.Tx) error {
		token, err := tx.KnownToken(hash)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // strangers may send what they like; nothing is written
		}
		if err != nil {
			return err
		}
		if err := record(tx, "whoever holds it", "revoke token", TokenID(token), summary(token)); err != nil {
			return err
		}
		return tx.RevokeToken(hash)
	})
}

// AskConsent keeps an authorization request while its page is before the owner,
// bound to the session, and returns what the form must bring back.
func (a *Access) AskConsent(ctx context.Context, session string, req indieauth.Request) (id string, err error) {
	id = rand.Text()
	return id, a.put(ctx, "consent", id, consentLife, indieauth.Hash(session), req)
}

// ErrOtherSession is returned when a form comes from another session than the one
// it was made for.
var ErrOtherSession = errors.New("the form belongs to another session")

// TakeConsent gives back the request that was shown, once, and only to the session
// that it was shown to.
func (a *Access) TakeConsent(ctx context.Context, session, id string) (req indieauth.Request, err error) {
	err = a.update(ctx, func(tx *store.Tx) error {
		r, err := tx.Request("consent", indieauth.Hash(id))
		if err != nil {
			return err
		}
		if r.Session != indieauth.Hash(session) {
			return ErrOtherSession
		}
		if _, err := tx.TakeRequest("consent", indieauth.Hash(id)); err != nil {
			return err
		}
		return json.Unmarshal(r.Data, &req)
	})
	return req, err
}

func (a *Access) put(ctx context.Context, kind, secret string, life time.Duration, session string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return a.update(ctx, func(tx *store.Tx) error {
		return tx.PutRequest(store.Request{
			Hash: indieauth.Hash(secret), Kind: kind, Data: raw, Session: session,
			Created: tx.Now, Expires: tx.Now.Add(life),
		})
	})
}

// Sweep removes what expired longer ago than age.
func (a *Access) Sweep(ctx context.Context, age time.Duration) error {
	return a.update(ctx, func(tx *store.Tx) error { return tx.SweepAccess(tx.Now.Add(-age)) })
}
