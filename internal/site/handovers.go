package site

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"

	"tertulia/indieauth"
	"tertulia/mf2"
	"tertulia/store"
)

// handover is what a visitor leaves here on the way to their server, and what is known when
// they are back. It is kept, because it is what they have written, as a request that is sealed with
// the secret that only their browser has (at first the state of the flow, then one of its own): in the
// database nobody reads what has not been said yet, nor a verifier.
type handover struct {
	Draft    Draft           `json:"draft"`
	Place    place           `json:"place"`
	Withdraw string          `json:"withdraw,omitempty"` // id of a comment that is to be taken back instead
	Flow     *indieauth.Flow `json:"flow,omitempty"`     // they are on their way
	Me       string          `json:"me,omitempty"`       // who they are, proven
	Author   mf2.Author      `json:"author"`             // and how they are shown
	Problem  string          `json:"problem,omitempty"`  // why it is not known who they are
	Left     *Left           `json:"left,omitempty"`     // all is done
}

// put keeps a handover under a secret for an hour.
func (h handover) put(tx *store.Tx, secret string) error {
	raw, err := json.Marshal(h)
	if err != nil {
		return err
	}
	box, err := boxOf(secret)
	if err != nil {
		return err
	}
	data, err := json.Marshal(box.Seal(nil, nil, raw, nil))
	if err != nil {
		return err
	}
	return tx.PutRequest(store.Request{
		Hash: indieauth.Hash(secret), Kind: handoverKind, Data: data, Created: tx.Now, Expires: tx.Now.Add(handoverLife),
	})
}

// readHandover reads what a browser with a secret has left; fs.ErrNotExist when there is
// nothing.
func readHandover(tx *store.Tx, secret string) (h handover, err error) {
	r, err := tx.Request(handoverKind, indieauth.Hash(secret))
	if err != nil {
		return h, err
	}
	return h, h.open(r.Data, secret)
}

func (h *handover) open(data json.RawMessage, secret string) error {
	var sealed []byte
	if err := json.Unmarshal(data, &sealed); err != nil {
		return err
	}
	box, err := boxOf(secret)
	if err != nil {
		return err
	}
	raw, err := box.Open(nil, nil, sealed, nil)
	if err != nil {
		return fmt.Errorf("a handover does not open: %w", fs.ErrNotExist)
	}
	return json.Unmarshal(raw, h)
}

// boxOf seals with a key that follows from a secret; each box has a nonce of its own.
func boxOf(secret string) (cipher.AEAD, error) {
	key := sha256.Sum256([]byte("handover " + secret))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
