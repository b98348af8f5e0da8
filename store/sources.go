package store

import (
	"cmp"
	"time"
)

// SourceFile is a file in the source of a site in which a post was found, so that the
// next look need not read it again.
type SourceFile struct {
	Name      string    `json:"name"` // in the source, with slashes
	Permalink string    `json:"permalink"`
	Kind      string    `json:"kind"`
	Published time.Time `json:"published,omitzero"`
	Draft     bool      `json:"draft,omitempty"`
	Channel   string    `json:"channel,omitempty"` // that it says it is in
	Own       bool      `json:"own,omitempty"`     // written by us
	Digest    string    `json:"digest"`            // of its bytes
	Stamp     string    `json:"stamp,omitempty"`   // changes when the file does
	Missed    bool      `json:"missed,omitempty"`  // it was not there at the last look
}

var files = table[SourceFile]{
	name: "files", kind: "file", version: 1,
	key: func(f *SourceFile) string { return f.Name },
}

// SourceFiles lists the files in which posts were found.
func (tx *Tx) SourceFiles() ([]SourceFile, error) { return files.all(tx, nil) }

// HasSourceFile tells whether a file is known.
func (tx *Tx) HasSourceFile(name string) bool { return files.has(tx, name) }

// PutSourceFile writes what was found in a file.
func (tx *Tx) PutSourceFile(f SourceFile) error { return files.put(tx, f) }

// DropSourceFile forgets a file; one that is not known is fine.
func (tx *Tx) DropSourceFile(name string) error { return dropIfThere(tx, &files, name) }

// DropPost removes a post as if it had never been: one that we had only adopted, and
// whose file has gone.
func (tx *Tx) DropPost(permalink string) error {
	p, err := posts.get(tx, permalink)
	if err != nil {
		return err
	}
	if p.Listed() {
		if err := tx.add(key(tx.Site, monthCounts, p.Month()), -1); err != nil {
			return err
		}
	}
	return cmp.Or(posts.delete(tx, permalink), tx.postChanged(&p, nil))
}
