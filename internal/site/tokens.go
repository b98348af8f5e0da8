package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/micropub"
	"tertulia/store"
)

// usedEvery is how often the last use of a token is written down at most: a durable write
// with each request would cost more than the request.
const usedEvery = time.Hour

// minTokenID is how many characters of a token's hash name it at least.
const minTokenID = 6

// Scopes are what a token may be made for, and what the metadata advertise. With read
// alone a token reads what its owner can, drafts included, and changes nothing.
func Scopes() []string {
	return []string{"create", "update", "delete", "undelete", "draft", "media", "profile", "email", "read"}
}

type senderKey struct{}

// WithSender tells those who look at a token where the request comes from.
func WithSender(ctx context.Context, from netip.Addr) context.Context {
	return context.WithValue(ctx, senderKey{}, from)
}

func senderOf(ctx context.Context) netip.Addr {
	from, _ := ctx.Value(senderKey{}).(netip.Addr) // the zero value when nobody has said
	return from
}

// Tokens lists the tokens that are valid, or can be refreshed: the newest first.
func (a *Access) Tokens(ctx context.Context) (tokens []indieauth.Token, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		tokens, err = tx.Tokens()
		return err
	})
	slices.SortFunc(tokens, func(a, b indieauth.Token) int {
		if c := b.Issued.Compare(a.Issued); c != 0 {
			return c
		}
		return strings.Compare(a.Hash, b.Hash)
	})
	return tokens, err
}

// NewToken makes a token for a script or an editor whose owner pastes it. It does
// not expire.
func (a *Access) NewToken(ctx context.Context, name string, scopes []string) (secret string, err error) {
	return a.NewTokenFor(ctx, name, scopes, 0)
}

// NewTokenFor is NewToken for a token that ends after a time; 0 is until it is revoked.
func (a *Access) NewTokenFor(ctx context.Context, name string, scopes []string, life time.Duration) (secret string, err error) {
	server := indieauth.Server{Me: a.Site.Me(), Storage: named{a, name, life}}
	return server.Issue(ctx, "", scopes)
}

// named is a storage that gives the tokens it keeps a name and an end.
type named struct {
	*Access
	name string
	life time.Duration
}

// PutToken keeps the token under the name.
func (n named) PutToken(ctx context.Context, token indieauth.Token) error {
	token.Name = n.name
	if n.life > 0 {
		token.Expires = token.Issued.Add(n.life)
	}
	return n.update(ctx, func(tx *store.Tx) error {
		if err := record(tx, changer(ctx), "make token", TokenID(token), summary(token)); err != nil {
			return err
		}
		return tx.PutToken(token)
	})
}

// summary says what a token is for and what it may do.
func summary(t indieauth.Token) string {
	return fmt.Sprintf("%s: %s", cmp.Or(t.Name, t.ClientID, "no name"), strings.Join(t.Granted(), " "))
}

// TokenBy finds the one token whose [TokenID] is id, or the hash of which or of whose code begins with it.
func (a *Access) TokenBy(ctx context.Context, id string) (token indieauth.Token, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		token, err = tokenBy(tx, id)
		return err
	})
	return token, err
}

func tokenBy(tx *store.Tx, id string) (indieauth.Token, error) {
	tokens, err := tx.Tokens()
	if err != nil {
		return indieauth.Token{}, err
	}
	tokens = slices.DeleteFunc(tokens, func(t indieauth.Token) bool {
		return !strings.HasPrefix(t.Hash, id) && !strings.HasPrefix(t.Family, id)
	})
	if len(tokens) != 1 || len(id) < minTokenID {
		return indieauth.Token{}, fmt.Errorf("%d tokens begin with %q; take the ID that token list shows: %w", len(tokens), id, fs.ErrNotExist)
	}
	return tokens[0], nil
}

// RevokeBy revokes the one token that id names (see [Access.TokenBy]), with all that came of
// the same consent.
func (a *Access) RevokeBy(ctx context.Context, id string) error {
	return a.update(ctx, func(tx *store.Tx) error {
		token, err := tokenBy(tx, id)
		if err != nil {
			return err
		}
		if err := record(tx, changer(ctx), "revoke token", TokenID(token), summary(token)); err != nil {
			return err
		}
		return tx.RevokeToken(token.Hash)
	})
}

// ErrNotGranted is returned when a token would get more than it has, or nothing.
var ErrNotGranted = errors.New("a token can only be narrowed to some of the scopes that it has")

// NarrowBy leaves the one token that id names some of its scopes; what it
// loses does not come back by refreshing.
func (a *Access) NarrowBy(ctx context.Context, id string, scopes []string) error {
	return a.update(ctx, func(tx *store.Tx) error {
		token, err := tokenBy(tx, id)
		if err != nil {
			return err
		}
		granted := token.Granted()
		if len(scopes) == 0 || slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(granted, s) }) {
			return fmt.Errorf("%w: %s", ErrNotGranted, strings.Join(granted, " "))
		}
		narrowed := token.Narrow(scopes)
		if err := record(tx, changer(ctx), "narrow token", TokenID(token), summary(narrowed)); err != nil {
			return err
		}
		return tx.PutToken(narrowed)
	})
}

// LetTwice says whether a token may come twice in one request, in the header and in the
// form (SPECS D1). For a token of an application it is said of the application, because
// the next time it signs in it has another token.
func (a *Access) LetTwice(ctx context.Context, id string, allow bool) error {
	return a.update(ctx, func(tx *store.Tx) error {
		token, err := tokenBy(tx, id)
		if err != nil {
			return err
		}
		action := map[bool]string{true: "allow twice", false: "forbid twice"}[allow]
		if err := record(tx, changer(ctx), action, TokenID(token), cmp.Or(token.ClientID, token.Name)); err != nil {
			return err
		}
		if token.ClientID != "" {
			return tx.PutClient(store.Client{ID: token.ClientID, Lenient: allow, Decided: tx.Now})
		}
		token.Lenient = allow
		return tx.PutToken(token)
	})
}

// Twice tells whether a token may come twice in one request: as the owner has said, else
// as the settings say of its client.
func (a *Access) Twice(ctx context.Context, token indieauth.Token) (lenient bool, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		lenient, err = a.twice(tx, token)
		return err
	})
	return lenient, err
}

func (a *Access) twice(tx *store.Tx, token indieauth.Token) (bool, error) {
	if token.ClientID == "" || token.Lenient {
		return token.Lenient, nil
	}
	client, err := tx.Client(token.ClientID)
	if errors.Is(err, fs.ErrNotExist) {
		return slices.Contains(a.Site.Lenient, token.ClientID), nil
	}
	return client.Lenient, err
}

// Grant is what a token lets its holder do through Micropub; fs.ErrNotExist when it is
// unknown, revoked or expired. A token that is not from here is asked about at the
// server of the owner's own, where there is one.
func (a *Access) Grant(ctx context.Context, token string) (micropub.Grant, error) {
	var t indieauth.Token
	var lenient, idle bool
	hash := indieauth.Hash(token)
	err := a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) (err error) {
		if t, err = tx.Token(hash); err != nil {
			return err
		}
		idle = unused(tx, t)
		lenient, err = a.twice(tx, t)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) && a.Site.Elsewhere != nil {
		if t, err = a.Site.Elsewhere.Check(ctx, token); err == nil {
			lenient, err = a.Twice(ctx, t)
		}
	}
	if err != nil {
		return micropub.Grant{}, err
	}
	if idle {
		// When this cannot be written down, the request is none the worse for it.
		_ = a.used(ctx, hash)
	}
	return micropub.Grant{Me: t.Me, ClientID: t.ClientID, Scopes: t.Scopes, TokenID: t.Hash, Lenient: lenient}, nil
}

// unused tells whether a token's last use is to be written down. One that lies ahead is of a
// clock that was wrong.
func unused(tx *store.Tx, t indieauth.Token) bool {
	since := tx.Now.Sub(t.LastUsed)
	return since < 0 || since >= usedEvery
}

// used writes down when and from where a token was last used, unless it was revoked
// meanwhile or somebody else has just done so.
func (a *Access) used(ctx context.Context, hash string) error {
	return a.update(ctx, func(tx *store.Tx) error {
		t, err := tx.Token(hash)
		if err != nil || !unused(tx, t) {
			return ignore(err, fs.ErrNotExist)
		}
		t.LastUsed, t.LastFrom = tx.Now, Network(senderOf(ctx))
		return tx.PutToken(t)
	})
}
