package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// keyFile holds the key of what is sealed. No backup has it: who finds a backup, or the
// database alone, cannot post in the owner's name (docs/decisions/023).
const keyFile = "tertulia.key"

const keyBytes = 32

// ErrUnsealed is returned for what cannot be opened: the key is another than it was sealed with,
// or it is not what it is said to be.
var ErrUnsealed = errors.New("it was sealed with another key")

// sealing is the key, read when it is first needed.
type sealing struct {
	mu  sync.Mutex
	key []byte
}

// Seal makes of a secret what only [DB.Unseal] can read, and only for the same purpose. The key is
// made when there is none. AES-256-GCM with a nonce of its own each time.
func (db *DB) Seal(purpose string, secret []byte) ([]byte, error) {
	aead, err := db.sealing.open(db.dir, true)
	if err != nil {
		return nil, fmt.Errorf("seal a secret: %w", err)
	}
	return aead.Seal(nil, nil, secret, []byte(purpose)), nil
}

// Unseal reads what Seal has made; ErrUnsealed when it was not made here, or for something else.
func (db *DB) Unseal(purpose string, sealed []byte) ([]byte, error) {
	aead, err := db.sealing.open(db.dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrUnsealed
	}
	if err != nil {
		return nil, fmt.Errorf("open a secret: %w", err)
	}
	secret, err := aead.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return nil, ErrUnsealed
	}
	return secret, nil
}

func (s *sealing) open(dir string, create bool) (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == nil {
		key, err := os.ReadFile(filepath.Join(dir, keyFile))
		if errors.Is(err, fs.ErrNotExist) && create {
			key, err = s.create(dir)
		}
		if err != nil {
			return nil, err
		}
		if len(key) != keyBytes {
			return nil, fmt.Errorf("%s is no key: remove it and connect the networks anew", filepath.Join(dir, keyFile))
		}
		s.key = key
	}
	block, err := aes.NewCipher(s.key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// create makes the key, whole or not at all.
func (s *sealing) create(dir string) ([]byte, error) {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, keyFile+".*") // 0600
	if err != nil {
		return nil, err
	}
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, keyFile))
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	return key, syncDir(dir)
}
