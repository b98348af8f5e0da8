package site

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"tertulia/indieauth"
	"tertulia/store"
)

// A passphrase has at least MinPassphrase characters, and at most so many bytes that
// nobody keeps us busy with it.
const (
	MinPassphrase = 12
	maxPassphrase = 1024
)

var (
	// ErrPassphrase is returned for a passphrase that is too short or too long to be one.
	ErrPassphrase = errors.New("a passphrase has at least 12 characters and at most 1,024 bytes")
	// ErrWrong is returned when who signs in has not shown who they are.
	ErrWrong = errors.New("that is not right")
)

// work is what a guess costs: the second of the choices that OWASP gives for Argon2id.
// A record has its own, so that it can be raised.
var work = store.Passphrase{Passes: 2, Memory: 19 << 10, Threads: 1, Salt: make([]byte, 16), Key: make([]byte, 32)}

// stretch makes the key of a passphrase, with what p says. Letters that look the same
// and are typed differently are the same.
func (a *Access) stretch(p store.Passphrase, phrase string) []byte {
	a.hashing.Lock()
	defer a.hashing.Unlock()
	return argon2.IDKey([]byte(norm.NFKC.String(phrase)), p.Salt, p.Passes, p.Memory, p.Threads, uint32(len(p.Key)))
}

// SetPassphrase gives somebody who looks after the site a passphrase, in place of the
// one they had, and ends their sessions but for the one with the secret keep.
func (a *Access) SetPassphrase(ctx context.Context, me, phrase, keep string) error {
	keeper, err := a.Site.Keeper(me)
	if err != nil {
		return err
	}
	if !utf8.ValidString(phrase) || len(phrase) > maxPassphrase || utf8.RuneCountInString(phrase) < MinPassphrase {
		return ErrPassphrase
	}
	p := work
	p.Me, p.Salt = keeper.Me, make([]byte, len(work.Salt))
	_, _ = rand.Read(p.Salt) // it never fails
	p.Key = a.stretch(p, phrase)
	return a.update(ctx, func(tx *store.Tx) error {
		p.Set = tx.Now
		if err := tx.PutPassphrase(p); err != nil {
			return err
		}
		if err := record(tx, changer(ctx), "set passphrase", keeper.Me, "their sessions end"); err != nil {
			return err
		}
		return endBrowsers(tx, keeper.Me, keep)
	})
}

// NewPassphrase makes up a passphrase for somebody and sets it.
func (a *Access) NewPassphrase(ctx context.Context, me string) (string, error) {
	text := strings.ToLower(rand.Text()) // 26 characters of 5 bits
	phrase := strings.Join([]string{text[:5], text[5:10], text[10:15], text[15:20]}, "-")
	return phrase, a.SetPassphrase(ctx, me, phrase, "")
}

// DropPassphrase takes somebody's passphrase away; their sessions stay.
func (a *Access) DropPassphrase(ctx context.Context, me string) error {
	keeper, err := a.Site.Keeper(me)
	if err != nil {
		return err
	}
	return a.update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Passphrase(keeper.Me); err != nil {
			return err
		}
		if err := record(tx, changer(ctx), "remove passphrase", keeper.Me, ""); err != nil {
			return err
		}
		return tx.DropPassphrase(keeper.Me)
	})
}

// HasPassphrase tells whether somebody has a passphrase; "" asks for anybody.
func (a *Access) HasPassphrase(ctx context.Context, me string) (has bool, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		all, err := tx.Passphrases()
		has = false
		for _, p := range all {
			_, gone := a.Site.Keeper(p.Me)
			has = has || gone == nil && (me == "" || p.Me == me)
		}
		return err
	})
	return has, err
}

// TryPassphrase signs in with a passphrase. The error is ErrWrong when it is not that
// person's, there is no such person, or they have none: each takes the same time
// (HOSTILE 66). It is a [*TooMany] when too much was guessed.
func (a *Access) TryPassphrase(ctx context.Context, me, phrase string, from Arrival) (pass Pass, err error) {
	keeper, unknown := a.Site.Keeper(me)
	if unknown != nil {
		keeper = Keeper{Me: spelled(me)}
	}
	kept := work
	known := false
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		p, err := tx.Passphrase(keeper.Me)
		if err == nil && unknown == nil {
			kept = p
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		device, err := tx.Device(indieauth.Hash(from.Device))
		known = err == nil && device.Me == keeper.Me
		return nil
	})
	if err != nil {
		return Pass{}, err
	}
	taken := budgetsOf(keeper.Me, known, from)
	if err := a.recallGuesses(ctx); err != nil {
		return Pass{}, err
	}
	if err := a.guesses.take(taken...); err != nil {
		return Pass{}, err
	}
	if len(phrase) > maxPassphrase {
		phrase = "" // it is nobody's, and costs the same
	}
	if subtle.ConstantTimeCompare(a.stretch(kept, phrase), kept.Key) != 1 || kept.Me == "" {
		if err := a.guessedWrong(ctx, taken); err != nil {
			return Pass{}, err
		}
		return Pass{}, fmt.Errorf("the passphrase of %q: %w", keeper.Me, ErrWrong)
	}
	err = a.update(ctx, func(tx *store.Tx) error {
		now, err := tx.Passphrase(keeper.Me)
		if err != nil || subtle.ConstantTimeCompare(now.Key, kept.Key) != 1 {
			return fmt.Errorf("the passphrase has changed meanwhile: %w", ErrWrong)
		}
		pass, err = begin(tx, keeper, "passphrase", from)
		return err
	})
	return pass, err
}

// budgetsOf are the budgets that a guess is taken from.
func budgetsOf(me string, known bool, from Arrival) []spend {
	if known {
		return []spend{{"device: " + from.Device, perDevice}}
	}
	return []spend{{"from: " + one(from.From), perNetwork}, {"person: " + me, perPerson}, {"site", perSite}}
}
