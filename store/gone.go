package store

import "time"

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

// GoneMentions lists the mentions that readers see no more, the latest first with Backward.
func (tx *Tx) GoneMentions(r Range) ([]Gone, string, error) {
	return goneMentions.list(tx, r, nil, goneTime)
}
