package site

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"tertulia/internal/syndicate"
	"tertulia/store"
)

// OAuth is how an account is connected where its owner says yes on the network itself.
type OAuth interface {
	// Begin introduces us to the network. to is where the owner is asked, kept what Finish has to
	// be given; redirect is where the answer goes, [OutOfBand] where the owner carries it.
	Begin(ctx context.Context, redirect, state string) (to string, kept []byte, err error)
	// Finish trades the owner's answer for the secret that lets us in.
	Finish(ctx context.Context, kept []byte, code string) (secret string, err error)
	// Revoke has the network forget the secret that Finish traded.
	Revoke(ctx context.Context, kept []byte, secret string) error
}

// OutOfBand is the redirect address with which a network shows its code to the owner.
const OutOfBand = "urn:ietf:wg:oauth:2.0:oob"

// Networks are the accounts of a site as their owner handles them.
type Networks struct {
	Site *Site
	DB   *store.DB
	Jobs *Jobs
}

// ErrWay is returned for an account that is connected in another way, or not here.
var ErrWay = errors.New("this account is connected in another way")

// ErrAnswer is returned for an answer of a network that nobody waits for, or not any more.
var ErrAnswer = errors.New("nobody waits for this answer: begin anew")

// ErrSecret is returned for a secret that the network does not take.
var ErrSecret = errors.New("the network does not take it")

// ErrOther is returned when it was somebody else who has said yes on the network than the account
// that the settings name.
var ErrOther = errors.New("the network has let us into another account")

// errNetwork is wrapped by what went wrong when a network was asked.
var errNetwork = errors.New("the network could not be asked")

// IsNetworkError tells whether it is a network's fault.
func IsNetworkError(err error) bool {
	var said *syndicate.Error
	return errors.As(err, &said) || errors.Is(err, errNetwork) || errors.Is(err, errNotConnected)
}

// connectTime is how long an owner may take to say yes on a network.
const connectTime = time.Hour

// begun is a connection whose owner is on the network.
type begun struct {
	State string `json:"state"`
	Kept  []byte `json:"kept"`
}

// account finds one of the site's; fs.ErrNotExist for others.
func (n *Networks) account(uid string) (*Account, error) {
	if a := n.Site.account(uid); a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("network %s: %w", uid, fs.ErrNotExist)
}

// AccountID names an account in addresses.
func AccountID(uid string) string { return copyKey("account", uid)[:16] }

// ByID finds the uid of an account by its name in addresses; fs.ErrNotExist for others.
func (n *Networks) ByID(id string) (uid string, err error) {
	for _, a := range n.Site.Accounts {
		if AccountID(a.UID) == id {
			return a.UID, nil
		}
	}
	return "", fmt.Errorf("network %s: %w", id, fs.ErrNotExist)
}

// Back is where a network sends the owner back to, after they were asked.
func (n *Networks) Back(uid string) string {
	return n.Site.Endpoint("admin/networks/back/" + AccountID(uid))
}

// Begin asks a network to ask its owner, and says where. What is begun anew replaces what was
// begun before.
func (n *Networks) Begin(ctx context.Context, uid, redirect string) (to string, err error) {
	a, err := n.account(uid)
	if err != nil {
		return "", err
	}
	if a.OAuth == nil || a.Secret != nil {
		return "", ErrWay
	}
	b := begun{State: rand.Text()}
	if to, b.Kept, err = a.OAuth.Begin(ctx, redirect, b.State); err != nil {
		return "", fmt.Errorf("%s: %w: %w", a.Name, errNetwork, err)
	}
	if redirect == OutOfBand {
		b.State = OutOfBand // the owner carries the code alone
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return "", err
	}
	sealed, err := n.DB.Seal(sealedFor(n.Site.Key, uid, "begun"), raw)
	if err != nil {
		return "", err
	}
	return to, n.change(ctx, uid, func(tx *store.Tx, k *store.Network) {
		k.Begun, k.BegunAt = sealed, tx.Now
	})
}

// Finish connects the account with the code that the network has given its owner. The state is
// what the network has sent back with it, or [OutOfBand] where the owner has typed the code: so it
// was begun then.
func (n *Networks) Finish(ctx context.Context, by, uid, state, code string) error {
	a, err := n.account(uid)
	if err != nil {
		return err
	}
	var known store.Network
	if err := n.DB.View(ctx, n.Site.Key, func(tx *store.Tx) error {
		known, err = tx.Network(uid)
		return err
	}); err != nil {
		return err
	}
	if a.OAuth == nil || len(known.Begun) == 0 || n.DB.Now().Sub(known.BegunAt) > connectTime || code == "" {
		return ErrAnswer
	}
	raw, err := n.DB.Unseal(sealedFor(n.Site.Key, uid, "begun"), known.Begun)
	if err != nil {
		return errors.Join(ErrAnswer, err)
	}
	var b begun
	if err := json.Unmarshal(raw, &b); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(state), []byte(b.State)) != 1 {
		return ErrAnswer
	}
	secret, err := a.OAuth.Finish(ctx, b.Kept, code)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", a.Name, errNetwork, err)
	}
	return n.keep(ctx, by, a, secret, b.Kept)
}

// Connect connects an account with the secret that its owner has typed. Where the settings name
// what lets us in, that is tried anew: a network may have refused it by mistake.
func (n *Networks) Connect(ctx context.Context, by, uid, secret string) error {
	a, err := n.account(uid)
	if err != nil {
		return err
	}
	if a.Way == "" || a.Secret != nil && secret != "" {
		return ErrWay
	}
	if a.Secret != nil {
		return n.again(ctx, a)
	}
	return n.keep(ctx, by, a, secret, nil)
}

// again tries what the settings name. What has waited for it goes on.
func (n *Networks) again(ctx context.Context, a *Account) error {
	secret, err := n.Site.secretOf(n.DB, a, store.Network{})
	if err != nil {
		return err
	}
	if _, err := n.tries(ctx, a, secret); err != nil {
		return err
	}
	if err := n.change(ctx, a.UID, func(_ *store.Tx, k *store.Network) { k.Refused, k.RefusedAt = "", time.Time{} }); err != nil {
		return err
	}
	return n.goesOn(ctx, a)
}

// tries asks the network whose account a secret lets us into.
func (n *Networks) tries(ctx context.Context, a *Account, secret string) (syndicate.Author, error) {
	who, err := n.whose(ctx, a.Open(secret, forgetful{}))
	var said *syndicate.Error
	switch {
	case errors.As(err, &said) && said.Login:
		return who, fmt.Errorf("%s: %w: %w", a.Name, ErrSecret, err)
	case err != nil:
		return who, fmt.Errorf("%s: %w: %w", a.Name, errNetwork, err)
	}
	return who, nil
}

// goesOn has what waited for an account go on, with nothing of what its target believed before,
// such as that it is locked out.
func (n *Networks) goesOn(ctx context.Context, a *Account) error {
	n.Jobs.opened.close(n.Site.Key + " " + a.UID + " ")
	return n.Jobs.revive(ctx, n.Site, a.UID)
}

// keep tests a secret, and keeps it sealed, with what a network wants to be given when it is to
// forget it. What has waited for it goes on.
func (n *Networks) keep(ctx context.Context, by string, a *Account, secret string, kept []byte) error {
	secret = strings.TrimSpace(secret)
	if secret == "" {
		return ErrSecret
	}
	who, err := n.tries(ctx, a, secret)
	switch {
	case err != nil:
		return err
	case kept != nil && !isNamed(who.Handle, a.User):
		n.revoke(ctx, a, kept, secret)
		return fmt.Errorf("%s: %w, that of %s", a.Name, ErrOther, who.Handle)
	}
	sealed, err := n.DB.Seal(sealedFor(n.Site.Key, a.UID, "secret"), []byte(secret))
	if err != nil {
		return err
	}
	app, err := n.DB.Seal(sealedFor(n.Site.Key, a.UID, "app"), kept)
	if err != nil {
		return err
	}
	if err := n.change(ctx, a.UID, func(tx *store.Tx, k *store.Network) {
		*k = store.Network{
			Target: a.UID, Secret: sealed, App: app, Connected: tx.Now, By: by,
			Name: who.Name, Profile: who.URL, Handle: who.Handle,
		}
	}); err != nil {
		return err
	}
	return n.goesOn(ctx, a)
}

// isNamed tells whether a handle is that of whom the settings name; they need not name anybody.
func isNamed(handle, user string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(handle, "@"), "@")
	local, _, _ := strings.Cut(user, "@")
	return user == "" || name == "" || strings.EqualFold(name, local)
}

// whose asks a network whose account it is, or at least whether it lets us in.
func (n *Networks) whose(ctx context.Context, to syndicate.Target) (syndicate.Author, error) {
	if c, ok := to.(syndicate.Connector); ok {
		return c.Who(ctx)
	}
	_, err := to.Abilities(ctx)
	return syndicate.Author{}, err
}

// Disconnect forgets what lets us into an account, for good, and has the network forget it where
// that can be asked. What is published there stays.
func (n *Networks) Disconnect(ctx context.Context, uid string) error {
	var known store.Network
	if err := n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) (err error) {
		known, err = tx.Network(uid)
		return cmp.Or(err, tx.DropNetwork(uid))
	}); err != nil {
		return err
	}
	n.Jobs.opened.close(n.Site.Key + " " + uid + " ")
	a := n.Site.account(uid)
	if a == nil || a.OAuth == nil || len(known.App) == 0 || len(known.Secret) == 0 {
		return nil
	}
	kept, err1 := n.DB.Unseal(sealedFor(n.Site.Key, uid, "app"), known.App)
	secret, err2 := n.DB.Unseal(sealedFor(n.Site.Key, uid, "secret"), known.Secret)
	if err1 == nil && err2 == nil && len(kept) > 0 {
		n.revoke(ctx, a, kept, string(secret))
	}
	return nil
}

// revoke has a network forget a secret. One that cannot be asked does not keep the owner: here it
// is forgotten.
func (n *Networks) revoke(ctx context.Context, a *Account, kept []byte, secret string) {
	if err := a.OAuth.Revoke(ctx, kept, secret); err != nil {
		n.Jobs.log().Warn("the network still knows our token: its settings list the applications that are let in", "target", a.UID, "error", err)
	}
}

func (n *Networks) change(ctx context.Context, uid string, change func(*store.Tx, *store.Network)) error {
	return n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		k, err := tx.Network(uid)
		if err != nil {
			return err
		}
		change(tx, &k)
		return tx.PutNetwork(k)
	})
}

// forgetful keeps nothing, for a target that is only tried.
type forgetful struct{}

// Load is of [Keeping].
func (forgetful) Load(context.Context) ([]byte, error) { return nil, fs.ErrNotExist }

// Save is of [Keeping].
func (forgetful) Save(context.Context, []byte) error { return nil }
