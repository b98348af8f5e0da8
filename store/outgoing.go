package store

import (
	"cmp"
	"time"
)

// Outgoing is a page of the site that is no [Post], somebody has written it by hand, and
// what those it links to were told about it.
//
//	listed (Seen zero) ──first look──▶ seen ──another digest──▶ told (Revision+1)
//	   Quiet: the first look tells nobody          │
//	                                               └──404 or 410──▶ Missing ──still so, a day later──▶ Gone
type Outgoing struct {
	URL      string    `json:"url"`                // its canonical address: the source of what is sent
	Seen     time.Time `json:"seen,omitzero"`      // when it was last read; zero: never
	Digest   string    `json:"digest,omitempty"`   // of what it said then; "": unknown
	Links    []string  `json:"links,omitempty"`    // those of that time
	Answers  []string  `json:"answers,omitempty"`  // those of them that it replies to
	Missing  time.Time `json:"missing,omitzero"`   // since when it answers 404 or 410; zero: it is there
	Gone     time.Time `json:"gone,omitzero"`      // when those it linked to were told so; zero: they were not
	Revision int       `json:"revision,omitempty"` // how often there was something to tell

	Stamp  string `json:"stamp,omitempty"`  // changes with its entry in the list that names it; "": that says nothing
	Listed bool   `json:"listed,omitempty"` // the last reading of the site's lists had it
	Look   bool   `json:"look,omitempty"`   // it is to be looked at, as soon as there is time
	Quiet  bool   `json:"quiet,omitempty"`  // it was there when the lists were first read, and nobody was told of it yet

	Sent    []Sent  `json:"sent,omitempty"` // one for each target ever told
	History []Event `json:"history,omitempty"`
}

// Feed is a list of the site's pages, a feed or a map, as it was last read.
type Feed struct {
	URL      string    `json:"url"`
	ETag     string    `json:"etag,omitempty"`     // for the next request
	Modified string    `json:"modified,omitempty"` // Last-Modified, to the letter
	Digest   string    `json:"digest,omitempty"`   // of its bytes
	Maps     []string  `json:"maps,omitempty"`     // the lists that it names
	Since    time.Time `json:"since,omitzero"`     // when it was first read
}

var outgoing = table[Outgoing]{
	name: "outgoing", kind: "outgoing", version: 1,
	key:     func(o *Outgoing) string { return o.URL },
	indexes: (*Outgoing).answeringEntries,
}

var feeds = table[Feed]{
	name: "feeds", kind: "feed", version: 1,
	key: func(f *Feed) string { return f.URL },
}

// Outgoing reads what is known of a page that is no post.
func (tx *Tx) Outgoing(url string) (Outgoing, error) { return outgoing.get(tx, url) }

// PutOutgoing writes it.
func (tx *Tx) PutOutgoing(o Outgoing) error {
	was, err := outgoing.find(tx, o.URL)
	if err != nil {
		return err
	}
	var before []indexEntry
	if was != nil {
		before = was.answeringEntries()
	}
	return cmp.Or(outgoing.replace(tx, was, &o), tx.answered(before, o.answeringEntries()))
}

// Outgoings lists the pages that keep wants, by address. keep may be nil.
func (tx *Tx) Outgoings(keep func(*Outgoing) bool) ([]Outgoing, error) { return outgoing.all(tx, keep) }

// Feeds lists the lists of pages.
func (tx *Tx) Feeds() ([]Feed, error) { return feeds.all(tx, nil) }

// Feed reads what is known of a list of pages.
func (tx *Tx) Feed(url string) (Feed, error) { return feeds.get(tx, url) }

// PutFeed writes it.
func (tx *Tx) PutFeed(f Feed) error { return feeds.put(tx, f) }
