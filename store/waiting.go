package store

import (
	"bytes"
	"cmp"
	"iter"
	"net/url"
	"strings"
	"time"
)

// What waits for the owner is listed by where it comes from, so that a flood can be told from the
// rest, counted and passed over without reading it.
const mentionsWaiting = "mentions_waiting" // state·cluster·person·page·time·id → id

// waitingEntries are the entries of a mention that waits, or is quarantined.
func waitingEntries(m *Mention) []indexEntry {
	state, v := m.State, m.Shown
	if m.Held != nil {
		v = m.Held
		if m.State == Approved {
			state = Pending
		}
	}
	if state != Pending && state != Quarantined {
		return nil
	}
	person := ""
	if v != nil {
		person = v.Person
	}
	return []indexEntry{{mentionsWaiting, join(string(state), cmp.Or(m.Cluster, sourceHost(m.Source)), person, m.Page, timePart(m.Received), m.ID)}}
}

// sourceHost is the host of a source, without its port.
func sourceHost(source string) string {
	u, err := url.Parse(source)
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(strings.ToLower(u.Hostname()), "\x00", "")
}

// Wait is a mention that waits as the index knows it.
type Wait struct {
	ID       string
	Cluster  string // as [Mention] has it
	Person   string // id; "": nobody was confirmed
	Page     string // id; it may have been merged since
	Received time.Time

	key string
}

// Cursor is where a list that ended before this one goes on.
func (w Wait) Cursor() string { return w.key }

// BehindCluster is where a list goes on behind all that comes from a cluster.
func BehindCluster(cluster string) string { return cluster + "\x01" }

// BehindPerson is where a list goes on behind all that comes from a person in a cluster.
func BehindPerson(cluster, person string) string { return join(cluster, person+"\x01") }

// Waits goes through what is in a state, pending or quarantined, by cluster, person, page and time
// of arrival; it reads none of them. It begins at a cursor, "" is the first, and stays within a
// cluster, and within a person of it, where these are given.
func (tx *Tx) Waits(state State, from string, within ...string) iter.Seq[Wait] {
	return func(yield func(Wait) bool) {
		whole, pre := prefix(tx.Site, mentionsWaiting, string(state)), prefix(tx.Site, mentionsWaiting, append([]string{string(state)}, within...)...)
		var start []byte
		if from != "" {
			if start = append(bytes.Clone(whole), from...); bytes.Compare(start, pre) < 0 {
				start = nil
			}
		}
		for k, id := range tx.r.scan(pre, start, false) {
			w, ok := readWait(string(k[len(whole):]), string(id))
			if !ok {
				tx.log.Error("entry passed over", "index", mentionsWaiting)
				continue
			}
			if !yield(w) {
				return
			}
		}
	}
}

// readWait reads an entry; false when it is cut off.
func readWait(key, id string) (w Wait, ok bool) {
	w = Wait{ID: id, key: key}
	rest := key
	for _, part := range []*string{&w.Cluster, &w.Person, &w.Page} {
		if *part, rest, ok = strings.Cut(rest, "\x00"); !ok {
			return w, false
		}
	}
	if len(rest) < 8 {
		return w, false
	}
	w.Received = parseTimePart(rest[:8])
	return w, true
}
