package store

import (
	"bytes"
	"iter"
	"time"
)

// Gone is a mention that readers saw and see no more: taken back by its source, rejected,
// deleted, its person blocked, folded into another, erased. Who keeps copies learns from
// it what to let go of. It holds nothing that a stranger has said, so that it may stay
// when everything else of a mention goes; when it is public once more there is none.
type Gone struct {
	Number  uint64    `json:"number"` // wm-id
	Mention string    `json:"mention"`
	At      time.Time `json:"at"`
}

// goneLife is how long it is told that a mention has gone. Who comes later reads everything anew.
const goneLife = 365 * 24 * time.Hour

const goneTime = "gone_time" // time·number → number

var goneMentions = table[Gone]{
	name: "gone", kind: "gone", version: 1,
	key:     func(g *Gone) string { return numberPart(g.Number) },
	indexes: func(g *Gone) []indexEntry { return []indexEntry{{goneTime, timePart(g.At) + numberPart(g.Number)}} },
}

// markGone notes that readers see a mention no more, or again.
func (tx *Tx) markGone(m *Mention, before, after bool) error {
	switch {
	case before && !after:
		if err := tx.sweepGone(); err != nil {
			return err
		}
		return goneMentions.put(tx, Gone{Number: m.Number, Mention: m.ID, At: tx.Now})
	case after && m.Number > 0 && goneMentions.has(tx, numberPart(m.Number)):
		return goneMentions.delete(tx, numberPart(m.Number))
	}
	return nil
}

// sweepGone forgets a few of those that have been told long enough: more than come at a time.
func (tx *Tx) sweepGone() error {
	if tx.clock.check(tx.Now) != nil {
		return nil
	}
	pre := prefix(tx.Site, goneTime)
	var over []string
	for k, number := range tx.r.scan(pre, nil, false) {
		at, ok := timeAt(k, pre)
		if ok && tx.Now.Sub(at) < goneLife || len(over) == 2 {
			break
		}
		over = append(over, string(number))
	}
	for _, number := range over {
		if err := goneMentions.delete(tx, number); err != nil {
			return err
		}
	}
	return nil
}

// Gone goes through the mentions that readers see no more, in the order in which they went or
// the latest first: those that went after a time, or all. It does not read which mentions
// they were; that does [Tx.GoneMention].
func (tx *Tx) Gone(since time.Time, backward bool) iter.Seq[Gone] {
	return func(yield func(Gone) bool) {
		pre := prefix(tx.Site, goneTime)
		var from []byte
		if !since.IsZero() && !backward {
			from = append(bytes.Clone(pre), timePart(since)...)
		}
		for k, number := range tx.r.scan(pre, from, backward) {
			at, ok := timeAt(k, pre)
			if !ok || len(number) != 8 {
				tx.log.Error("entry passed over", "index", goneTime)
				continue
			}
			if !since.IsZero() && !at.After(since) {
				if backward {
					return
				}
				continue
			}
			if !yield(Gone{Number: parseNumberPart(string(number)), At: at}) {
				return
			}
		}
	}
}

// GoneMention is the id of the mention that had a wm-id, "" when it is not known that it has gone.
func (tx *Tx) GoneMention(number uint64) (id string) {
	g, err := goneMentions.find(tx, numberPart(number))
	if err != nil || g == nil {
		return ""
	}
	return g.Mention
}
