package site

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"tertulia/indieauth"
	"tertulia/store"
)

// A person has at most maxPasskeys, each with a name of at most maxPasskeyName runes.
const (
	maxPasskeys    = 20
	maxPasskeyName = 60
)

// ErrPasskeys is returned when somebody has as many passkeys as they may.
var ErrPasskeys = errors.New("there are too many passkeys")

// Passkey is a passkey as its person sees it.
type Passkey struct {
	ID      string
	Name    string
	Created time.Time
	Used    time.Time // to sign in, last; zero: never
}

// relyingParty is us, as passkeys know us: the host of the site's base. A host that is
// an address and no name can have none; then it is nil.
func (a *Access) relyingParty() (*webauthn.WebAuthn, error) {
	base, err := url.Parse(a.Site.Base)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(base.Hostname()); err == nil {
		return nil, nil
	}
	// A passkey stands for its person without a name or a passphrase beside it, so it must
	// know them and not only lie in somebody's hand.
	return webauthn.New(&webauthn.Config{
		RPID: hostName(base), RPDisplayName: a.Site.Name, RPOrigins: []string{base.Scheme + "://" + base.Host},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
		AttestationPreference: protocol.PreferNoAttestation,
	})
}

// holderOf is a person with their passkeys, as the library wants them: a webauthn.User.
type holderOf struct {
	site string
	Keeper
	keys []webauthn.Credential
}

// WebAuthnID is what the person's passkeys carry with them: it tells us whose they are,
// and nobody else.
func (h holderOf) WebAuthnID() []byte {
	sum := sha256.Sum256([]byte("passkey\x00" + h.site + "\x00" + h.Me))
	return sum[:]
}

// WebAuthnName is shown where somebody chooses among their passkeys: those of all the sites that
// share the service's host.
func (h holderOf) WebAuthnName() string {
	me := spelled(h.Me)
	if me == h.site {
		return me
	}
	return me + " (" + h.site + ")"
}

// WebAuthnDisplayName is shown there as well.
func (h holderOf) WebAuthnDisplayName() string { return h.Called() }

// WebAuthnCredentials are their public keys.
func (h holderOf) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// keysOf reads a person's passkeys.
func (a *Access) keysOf(tx *store.Tx, keeper Keeper) (holder holderOf, kept []store.Passkey, err error) {
	holder = holderOf{site: a.Site.Key, Keeper: keeper}
	all, err := tx.Passkeys()
	for _, k := range all {
		var c webauthn.Credential
		if k.Me != keeper.Me || json.Unmarshal(k.Credential, &c) != nil {
			continue
		}
		holder.keys, kept = append(holder.keys, c), append(kept, k)
	}
	return holder, kept, err
}

// Passkeys lists a person's passkeys, the oldest first.
func (a *Access) Passkeys(ctx context.Context, me string) (list []Passkey, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		_, kept, err := a.keysOf(tx, Keeper{Me: me})
		list = nil
		for _, k := range kept {
			list = append(list, Passkey{ID: k.ID, Name: k.Name, Created: k.Created, Used: k.Used})
		}
		return err
	})
	slices.SortStableFunc(list, func(a, b Passkey) int { return a.Created.Compare(b.Created) })
	return list, err
}

// PasskeyOptions are what a browser needs to sign in with a passkey, as JSON
// (PublicKeyCredentialRequestOptionsJSON); "" while nobody has one.
func (a *Access) PasskeyOptions(ctx context.Context) (string, error) {
	var some bool
	err := a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		all, err := tx.Passkeys()
		some = len(all) > 0
		return err
	})
	if err != nil || !some {
		return "", err
	}
	party, err := a.relyingParty()
	if err != nil || party == nil {
		return "", err
	}
	options, _, err := party.BeginDiscoverableLogin(webauthn.WithChallenge(a.challenges.make("sign in")), webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(options.Response)
	return string(raw), err
}

// TryPasskey signs in with what a browser has made of [Access.PasskeyOptions], as JSON.
// The error is ErrWrong when no passkey of somebody who looks after the site has signed it.
func (a *Access) TryPasskey(ctx context.Context, response string, from Arrival) (pass Pass, err error) {
	party, err := a.relyingParty()
	if err != nil {
		return Pass{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(response))
	if err != nil || party == nil {
		return Pass{}, fmt.Errorf("no passkey: %w", ErrWrong)
	}
	signed := parsed.Response.CollectedClientData.Challenge
	challenge, err := base64.RawURLEncoding.Strict().DecodeString(signed)
	if err != nil || !a.challenges.good(challenge, "sign in") {
		return Pass{}, fmt.Errorf("a challenge that is not ours, too old, or used: %w", ErrWrong)
	}
	session := webauthn.SessionData{Challenge: signed, RelyingPartyID: party.Config.RPID, UserVerification: protocol.VerificationRequired}
	err = a.update(ctx, func(tx *store.Tx) error {
		var holder holderOf
		key, err := tx.Passkey(base64.RawURLEncoding.EncodeToString(parsed.RawID))
		if err == nil {
			holder.Keeper, err = a.Site.Keeper(key.Me)
		}
		if errors.Is(err, fs.ErrNotExist) || err == nil && key.Me == "" {
			return fmt.Errorf("an unknown passkey: %w", ErrWrong)
		}
		if err != nil {
			return err
		}
		if holder, _, err = a.keysOf(tx, holder.Keeper); err != nil {
			return err
		}
		_, credential, err := party.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return holder, nil }, session, parsed)
		if err != nil {
			return fmt.Errorf("a passkey of %s: %w: %w", holder.Me, err, ErrWrong)
		}
		if credential.Authenticator.CloneWarning {
			return fmt.Errorf("a copy of a passkey of %s: %w", holder.Me, ErrWrong)
		}
		if key.Credential, err = json.Marshal(credential); err != nil {
			return err
		}
		key.Used = tx.Now
		if err := tx.PutPasskey(key); err != nil {
			return err
		}
		pass, err = begin(tx, holder.Keeper, "passkey", from)
		return err
	})
	if err == nil && !a.challenges.spend(challenge) {
		// The same answer came twice at once: one of them is signed in.
		_ = a.SignOut(ctx, pass.Session) // else nobody learns its secret, and it expires
		return Pass{}, fmt.Errorf("a challenge that is used: %w", ErrWrong)
	}
	return pass, err
}

// register begins the making of a passkey in a session, for the challenge.
func (a *Access) register(ctx context.Context, me string, challenge []byte) (party *webauthn.WebAuthn, holder holderOf, options *protocol.CredentialCreation, session *webauthn.SessionData, err error) {
	keeper, err := a.Site.Keeper(me)
	if err == nil {
		party, err = a.relyingParty()
	}
	if err != nil || party == nil {
		return party, holder, nil, nil, err
	}
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) (err error) {
		holder, _, err = a.keysOf(tx, keeper)
		return err
	})
	if err != nil {
		return party, holder, nil, nil, err
	}
	options, session, err = party.BeginRegistration(holder,
		webauthn.WithExclusions(webauthn.Credentials(holder.keys).CredentialDescriptors()),
		func(o *protocol.PublicKeyCredentialCreationOptions) error {
			o.Challenge = challenge
			return nil
		})
	return party, holder, options, session, err
}

// NewPasskeyOptions are what a browser needs to make a passkey, as JSON
// (PublicKeyCredentialCreationOptionsJSON), good in the session with this secret; ""
// where the site can have none.
func (a *Access) NewPasskeyOptions(ctx context.Context, me, session string) (string, error) {
	_, _, options, _, err := a.register(ctx, me, a.challenges.make("register "+indieauth.Hash(session)))
	if err != nil || options == nil {
		return "", err
	}
	raw, err := json.Marshal(options.Response)
	return string(raw), err
}

// AddPasskey keeps the passkey that a browser has made of [Access.NewPasskeyOptions] in
// the same session, as JSON. The error is ErrWrong when it is none, ErrPasskeys when
// there are too many.
func (a *Access) AddPasskey(ctx context.Context, me, session, name, response string) error {
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(response))
	if err != nil {
		return fmt.Errorf("no passkey: %w", ErrWrong)
	}
	challenge, err := base64.RawURLEncoding.Strict().DecodeString(parsed.Response.CollectedClientData.Challenge)
	if err != nil || !a.challenges.good(challenge, "register "+indieauth.Hash(session)) {
		return fmt.Errorf("a challenge that is not ours, too old, or used: %w", ErrWrong)
	}
	party, holder, _, data, err := a.register(ctx, me, challenge)
	if err != nil {
		return err
	}
	if party == nil {
		return fmt.Errorf("no passkeys here: %w", ErrWrong)
	}
	credential, err := party.CreateCredential(holder, *data, parsed)
	if err != nil {
		return fmt.Errorf("a new passkey: %w: %w", err, ErrWrong)
	}
	if !a.challenges.spend(challenge) {
		return fmt.Errorf("a challenge that is used: %w", ErrWrong)
	}
	credential.Attestation = webauthn.CredentialAttestation{} // we ask nobody who has made the device
	raw, err := json.Marshal(credential)
	if err != nil {
		return err
	}
	return a.update(ctx, func(tx *store.Tx) error {
		_, kept, err := a.keysOf(tx, holder.Keeper)
		if err != nil {
			return err
		}
		id := base64.RawURLEncoding.EncodeToString(credential.ID)
		if _, err := tx.Passkey(id); err == nil || len(kept) >= maxPasskeys {
			return ErrPasskeys
		}
		if err := record(tx, changer(ctx), "add passkey", holder.Me, passkeyName(name)); err != nil {
			return err
		}
		return tx.PutPasskey(store.Passkey{ID: id, Me: holder.Me, Name: passkeyName(name), Created: tx.Now, Credential: raw})
	})
}

// passkeyName is a name as it is kept: one line.
func passkeyName(name string) string {
	name = strings.Join(strings.Fields(strings.ToValidUTF8(name, "")), " ")
	if runes := []rune(name); len(runes) > maxPasskeyName {
		name = string(runes[:maxPasskeyName])
	}
	return name
}

// DropPasskey removes a person's passkey; fs.ErrNotExist when they have none with that ID.
func (a *Access) DropPasskey(ctx context.Context, me, id string) error {
	return a.update(ctx, func(tx *store.Tx) error {
		key, err := tx.Passkey(id)
		if err == nil && key.Me != me {
			err = fmt.Errorf("passkey %q of %s: %w", id, me, fs.ErrNotExist)
		}
		if err != nil {
			return err
		}
		if err := record(tx, changer(ctx), "remove passkey", me, key.Name); err != nil {
			return err
		}
		return tx.DropPasskey(id)
	})
}
