package site

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io/fs"
	"net/url"
	"sync"
	"time"

	"tertulia/store"
)

// A form for a comment says when it was made, and for what page. Programs post at once, or
// with a form that they have once collected; people do neither. Nothing is asked of them for it.
//
//	8 bytes seconds since 1970 · 16 of HMAC-SHA-256 of these and the page
//
// The key is kept, so that a form that was open during a restart is good. A form may be used
// several times, because caches hand out one to many.
const (
	formLeast = 2 * time.Second
	formMost  = 24 * time.Hour
)

// formClock has the key of the forms once it was read.
type formClock struct {
	mu  sync.Mutex
	key []byte
}

const formSeal = "comment form"

// sealKey is the key of the forms of a site, which the first form makes.
func (c *Comments) sealKey(ctx context.Context) ([]byte, error) {
	c.clock.mu.Lock()
	defer c.clock.mu.Unlock()
	if c.clock.key != nil {
		return c.clock.key, nil
	}
	var seal store.Seal
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) (err error) {
		seal, err = tx.Seal(formSeal)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = c.DB.Update(ctx, c.Site.Key, func(tx *store.Tx) (err error) {
			if seal, err = tx.Seal(formSeal); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			seal = store.Seal{Name: formSeal, Key: make([]byte, 32), Made: tx.Now}
			_, _ = rand.Read(seal.Key) // it never fails
			return tx.PutSeal(seal)
		})
	}
	if err != nil {
		return nil, err
	}
	c.clock.key = seal.Key
	return seal.Key, nil
}

// Stamp is the time for a form that is made now for a page, given by any of its addresses.
func (c *Comments) Stamp(ctx context.Context, page string) (string, error) {
	u, err := url.Parse(page)
	if err != nil {
		return "", fs.ErrNotExist
	}
	folded, ok := c.Site.Fold(u)
	if !ok {
		return "", fs.ErrNotExist
	}
	return c.stamp(ctx, folded)
}

func (c *Comments) stamp(ctx context.Context, folded string) (string, error) {
	key, err := c.sealKey(ctx)
	if err != nil {
		return "", err
	}
	made := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()))
	return base64.RawURLEncoding.EncodeToString(signed(key, made, folded)), nil
}

func signed(key, made []byte, folded string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(made)
	mac.Write([]byte(folded))
	return append(made, mac.Sum(nil)[:16]...)
}

// onTime tells whether a form was made for the page, long enough ago and not too long. One
// that is not ours is as good as one that is too old: a new one is all that it takes.
func (c *Comments) onTime(ctx context.Context, stamp, folded string) error {
	key, err := c.sealKey(ctx)
	if err != nil {
		return err
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(stamp)
	if err != nil || len(raw) != 24 || !hmac.Equal(raw, signed(key, raw[:8:8], folded)) {
		return &Unfit{"old", ""}
	}
	switch age := time.Since(time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)); {
	case age > formMost || age < 0:
		return &Unfit{"old", ""}
	case age < formLeast:
		return &Unfit{"fast", ""}
	}
	return nil
}
