package store

import (
	"time"

	"tertulia/mf2"
)

// Original is the post of a source as it was read, before anything was made of it: what
// a version was made from, kept beside it for the day its page is gone.
type Original struct {
	Mention string    `json:"mention"` // id
	Digest  string    `json:"digest"`  // of the version
	URL     string    `json:"url"`     // the page, after redirects
	Seen    time.Time `json:"seen"`
	Item    mf2.Item  `json:"item"`
	Cut     bool      `json:"cut,omitempty"` // properties that were too large are missing
}

// They lie in a table of their own, because pages are made of mentions, and need none.
var originals = table[Original]{
	name: "originals", kind: "original", version: 1,
	key: func(o *Original) string { return join(o.Mention, o.Digest) },
}

// PutOriginal keeps an original; one of the same version is kept as it was seen first.
func (tx *Tx) PutOriginal(o Original) error {
	if originals.has(tx, originals.key(&o)) {
		return nil
	}
	return originals.put(tx, o)
}

// Original reads what a version of a mention was made from.
func (tx *Tx) Original(mention, digest string) (Original, error) {
	return originals.get(tx, join(mention, digest))
}

// pruneOriginals removes those of versions that a mention does not have any more.
func (tx *Tx) pruneOriginals(id string, versions ...*Version) error {
	var gone [][]byte
	for k := range tx.r.scan(prefix(tx.Site, originals.name, id), nil, false) {
		wanted := false
		for _, v := range versions {
			wanted = wanted || v != nil && string(k) == string(key(tx.Site, originals.name, id, v.Digest))
		}
		if !wanted {
			gone = append(gone, append([]byte(nil), k...))
		}
	}
	for _, k := range gone {
		if err := tx.w.delete(k); err != nil {
			return err
		}
	}
	return nil
}
