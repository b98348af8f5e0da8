package site

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// challengeLife is how long a page may be open before its passkey button is pressed.
const challengeLife = time.Hour

// challenges are what passkeys sign. Nothing is kept of those that are given out, which
// strangers may ask for as often as they like: a challenge says itself until when and for
// what it is good, and has a seal.
//
//	8 bytes seconds since 1970 · 16 random · 16 of HMAC-SHA-256
//
// Those that have signed somebody in are remembered until they expire, so each does once.
// A restart makes all of them void.
type challenges struct {
	mu   sync.Mutex
	key  []byte
	used map[[40]byte]time.Time // until when
}

// make makes a challenge for a purpose.
func (c *challenges) make(purpose string) []byte {
	challenge := make([]byte, 24, 40)
	binary.BigEndian.PutUint64(challenge, uint64(time.Now().Add(challengeLife).Unix()))
	_, _ = rand.Read(challenge[8:]) // it never fails
	return append(challenge, c.seal(challenge, purpose)...)
}

// good tells whether a challenge is ours, for this purpose, and neither too old nor used.
func (c *challenges) good(challenge []byte, purpose string) bool {
	if len(challenge) != 40 || !hmac.Equal(challenge[24:], c.seal(challenge[:24], purpose)) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, used := c.used[[40]byte(challenge)]
	return !used && time.Now().Before(until(challenge))
}

// spend uses a good challenge up; false when somebody else was faster.
func (c *challenges) spend(challenge []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for old, end := range c.used {
		if now.After(end) {
			delete(c.used, old)
		}
	}
	if _, used := c.used[[40]byte(challenge)]; used {
		return false
	}
	if c.used == nil {
		c.used = map[[40]byte]time.Time{}
	}
	c.used[[40]byte(challenge)] = until(challenge)
	return true
}

func until(challenge []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(challenge)), 0)
}

func (c *challenges) seal(b []byte, purpose string) []byte {
	c.mu.Lock()
	if c.key == nil {
		c.key = make([]byte, 32)
		_, _ = rand.Read(c.key) // it never fails
	}
	mac := hmac.New(sha256.New, c.key)
	c.mu.Unlock()
	mac.Write(b)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)[:16]
}
