package store

import (
	"encoding/json"
	"time"
)

// What people sign in with. The sites' settings say who they are; each record belongs
// to the person with its Me, and none of them holds a secret.

// Device is a browser in which somebody has signed in before: its owner may still try
// passphrases when strangers have used up everybody's guesses.
type Device struct {
	Hash    string    `json:"hash"` // of its cookie
	Me      string    `json:"me"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// Passphrase is what is kept of a person's passphrase: Argon2id of it, with what it
// was made with.
type Passphrase struct {
	Me      string    `json:"me"`
	Salt    []byte    `json:"salt"`
	Passes  uint32    `json:"passes"`
	Memory  uint32    `json:"memory"` // KiB
	Threads uint8     `json:"threads"`
	Key     []byte    `json:"key"`
	Set     time.Time `json:"set"`
}

// Passkey is a key pair of a person's whose private half never leaves their device.
type Passkey struct {
	ID         string          `json:"id"` // of the credential, base64url
	Me         string          `json:"me"`
	Name       string          `json:"name"` // by which the person knows it
	Created    time.Time       `json:"created"`
	Used       time.Time       `json:"used,omitzero"` // to sign in, last; zero: never
	Credential json.RawMessage `json:"credential"`    // public key, counter and flags
}

// Guesses is how much has been guessed wrongly, by one of those who are counted together.
type Guesses struct {
	Slot  string    `json:"slot"`  // whose it is, in so few letters that nobody can be told by them
	Whole time.Time `json:"whole"` // when all of it may be guessed again
}

var guesses = table[Guesses]{
	name: "guesses", kind: "guesses", version: 1,
	key: func(g *Guesses) string { return g.Slot },
}

var devices = table[Device]{
	name: "devices", kind: "device", version: 1,
	key: func(d *Device) string { return d.Hash },
}

var passphrases = table[Passphrase]{
	name: "passphrases", kind: "passphrase", version: 1,
	key: func(p *Passphrase) string { return p.Me },
}

var passkeys = table[Passkey]{
	name: "passkeys", kind: "passkey", version: 1,
	key: func(p *Passkey) string { return p.ID },
}

// Device reads a known browser by the hash of its cookie.
func (tx *Tx) Device(hash string) (Device, error) {
	d, err := devices.get(tx, hash)
	return d, tx.fresh("device", d.Expires, err)
}

// PutDevice writes a known browser.
func (tx *Tx) PutDevice(d Device) error { return devices.put(tx, d) }

// DropDevices forgets the browsers of a person, or with "" of everybody.
func (tx *Tx) DropDevices(me string) error {
	return sweep(tx, &devices, func(d *Device) bool { return me == "" || d.Me == me })
}

// Guesses lists what has been guessed wrongly and counts still.
func (tx *Tx) Guesses() ([]Guesses, error) {
	return guesses.all(tx, func(g *Guesses) bool { return tx.Now.Before(g.Whole) })
}

// PutGuesses writes how much has been guessed.
func (tx *Tx) PutGuesses(g Guesses) error { return guesses.put(tx, g) }

// Passphrase reads what is kept of a person's passphrase.
func (tx *Tx) Passphrase(me string) (Passphrase, error) { return passphrases.get(tx, me) }

// Passphrases lists all of them.
func (tx *Tx) Passphrases() ([]Passphrase, error) { return passphrases.all(tx, nil) }

// PutPassphrase writes what is kept of a person's passphrase.
func (tx *Tx) PutPassphrase(p Passphrase) error { return passphrases.put(tx, p) }

// DropPassphrase removes a person's passphrase; none is fine.
func (tx *Tx) DropPassphrase(me string) error { return dropIfThere(tx, &passphrases, me) }

// Passkey reads a passkey by the id of its credential.
func (tx *Tx) Passkey(id string) (Passkey, error) { return passkeys.get(tx, id) }

// Passkeys lists all passkeys.
func (tx *Tx) Passkeys() ([]Passkey, error) { return passkeys.all(tx, nil) }

// PutPasskey writes a passkey.
func (tx *Tx) PutPasskey(p Passkey) error { return passkeys.put(tx, p) }

// DropPasskey removes a passkey; one that is not there is fine.
func (tx *Tx) DropPasskey(id string) error { return dropIfThere(tx, &passkeys, id) }
