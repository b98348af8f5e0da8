package site

import (
	"slices"
	"time"

	"tertulia/store"
)

// compose makes the letters that are due. Those of the notices that were just found are counted
// in: state.Last is as it will be.
func (l *lookout) compose(tx *store.Tx) error {
	l.state.Last += uint64(len(l.found))
	if l.more {
		return nil // not before everything is seen
	}
	tell := l.site.Tell
	l.begin()
	if tell.To == "" {
		return nil
	}
	letters, err := tx.Letters()
	if err != nil {
		return err
	}
	unsent := func(mode Mode) bool {
		return slices.ContainsFunc(letters, func(o store.Letter) bool { return o.Mode == string(mode) && !o.Done() })
	}
	if l.mayWriteNow(tx.Now) && !unsent(Now) && l.write(tx, Now) {
		l.state.Sent = append(l.state.Sent, tx.Now)
	}
	since := l.state.Digest
	if since.After(tx.Now) {
		since = tx.Now // the clock was wrong
	}
	if !tell.Next(since).After(tx.Now) && !unsent(Digest) {
		l.write(tx, Digest)
		l.state.Digest, l.fresh = tx.Now, true
	}
	return nil
}

// begin starts with the kinds that are told by mail from now on, and forgets those that are not
// any more. What waits and what is broken is told although it is older.
func (l *lookout) begin() {
	for _, kind := range Kinds() {
		_, known := l.state.Mailed[kind]
		on := l.site.Tell.To != "" && l.site.Tell.How[kind] != Off && l.site.Tell.How[kind] != ""
		switch {
		case on == known:
		case !on:
			delete(l.state.Mailed, kind)
			l.fresh = true
		default:
			if l.state.Mailed == nil {
				l.state.Mailed = map[string]uint64{}
			}
			l.state.Mailed[kind], l.fresh = 0, true
			if kind == KindPublic || kind == KindAccess {
				l.state.Mailed[kind] = l.state.Last
			}
		}
	}
}

// mayWriteNow tells whether another mail may go at once: what is found beyond that goes together
// with the next one that may.
func (l *lookout) mayWriteNow(now time.Time) bool {
	recent := slices.DeleteFunc(slices.Clone(l.state.Sent), func(at time.Time) bool {
		return at.After(now) || now.Sub(at) >= time.Hour
	})
	if len(recent) >= mostNow {
		return false
	}
	if len(recent) < len(l.state.Sent) && l.fresh {
		l.state.Sent = recent
	}
	return true
}

// write makes a letter of what was not told yet in a mode, if there is any.
func (l *lookout) write(tx *store.Tx, mode Mode) bool {
	letter := store.Letter{ID: store.NewID(tx.Now), Mode: string(mode), Made: tx.Now}
	for _, kind := range l.site.Tell.in(mode) {
		after := l.state.Mailed[kind]
		if after == l.state.Last {
			continue
		}
		is := func(n *store.Notice) bool { return n.Kind == kind }
		found := slices.ContainsFunc(l.found, func(n store.Notice) bool { return is(&n) }) || len(tx.Notices(after, 1, is)) > 0
		l.state.Mailed[kind], l.fresh = l.state.Last, true
		if found {
			letter.Parts = append(letter.Parts, store.LetterPart{Kind: kind, After: after, UpTo: l.state.Last})
		}
	}
	if len(letter.Parts) > 0 {
		l.letters = append(l.letters, letter)
	}
	return len(letter.Parts) > 0
}
