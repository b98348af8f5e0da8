package store

import (
	"errors"
	"io/fs"
	"time"
)

// Welcome is how far the first steps with a site have come. There is one record for a site,
// or none yet: the zero value is their beginning.
type Welcome struct {
	Name    string               `json:"name"`              // always welcome
	Skipped map[string]time.Time `json:"skipped,omitempty"` // steps that were passed over, since when
	Ended   time.Time            `json:"ended,omitzero"`    // when somebody had seen enough of them
	Check   Checkup              `json:"check,omitzero"`    // of what the site's front server and pages do
	Trial   Trial                `json:"trial,omitzero"`    // the test webmention
}

// Checkup is a check that was asked for, and what it has found.
type Checkup struct {
	Asked  time.Time    `json:"asked,omitzero"`
	Ended  time.Time    `json:"ended,omitzero"` // zero: not yet
	Points []CheckPoint `json:"points,omitempty"`
	Error  string       `json:"error,omitempty"` // why it came to no end
}

// CheckPoint is one thing that a check has looked at, in the site's language.
type CheckPoint struct {
	Name  string  `json:"name"`  // a word
	State string  `json:"state"` // ok, warning or fails
	Seen  string  `json:"seen"`
	Do    string  `json:"do,omitempty"`
	Paste []Paste `json:"paste,omitempty"` // what would mend it
}

// Paste is a text that somebody puts somewhere, as it is.
type Paste struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Trial is a test webmention: a page of our own that nobody can guess links to a page of the site
// for a while, and the service tells itself of it as a stranger would. No mention comes of it.
type Trial struct {
	ID     string    `json:"id"` // of the page; "" when there never was a trial
	Target string    `json:"target"`
	Began  time.Time `json:"began,omitzero"`
	Stages []Event   `json:"stages,omitempty"` // the words of [Trial.Ended] end it
}

// Ended tells whether a trial has come to its end, and whether all went well.
func (t Trial) Ended() (ended, well bool) {
	if len(t.Stages) == 0 {
		return false, false
	}
	switch t.Stages[len(t.Stages)-1].Stage {
	case "verified":
		return true, true
	case "failed":
		return true, false
	}
	return false, false
}

var welcomes = table[Welcome]{
	name: "welcome", kind: "welcome", version: 1,
	key: func(w *Welcome) string { return w.Name },
}

const theWelcome = "welcome"

// Welcome reads how far the first steps have come, and whether anything was written of them yet.
func (tx *Tx) Welcome() (w Welcome, begun bool, err error) {
	w, err = welcomes.get(tx, theWelcome)
	if errors.Is(err, fs.ErrNotExist) {
		return Welcome{}, false, nil
	}
	return w, err == nil, err
}

// PutWelcome writes it.
func (tx *Tx) PutWelcome(w Welcome) error {
	w.Name = theWelcome
	return welcomes.put(tx, w)
}
