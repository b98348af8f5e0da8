package store

import "time"

// Seal is a key that the service signs with what it gives out and wants to know again, such
// as the time in a form. It proves nobody's identity and lets nobody in.
type Seal struct {
	Name string    `json:"name"` // what it is for
	Key  []byte    `json:"key"`
	Made time.Time `json:"made"`
}

var seals = table[Seal]{
	name: "seals", kind: "seal", version: 1,
	key: func(s *Seal) string { return s.Name },
}

// Seal reads a key by what it is for.
func (tx *Tx) Seal(name string) (Seal, error) { return seals.get(tx, name) }

// PutSeal writes a key.
func (tx *Tx) PutSeal(s Seal) error { return seals.put(tx, s) }
