package site

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tertulia/store"
)

// unanswered finds what has waited for an answer for longer than its owner's patience, and had not
// at the last look. It reads no mention.
func (l *lookout) unanswered(tx *store.Tx) {
	var ids []string
	if l.wants(KindUnanswered) {
		ids = tx.OpenSince(store.Unanswered, tx.Now.Add(-l.site.Tell.Patience), mostWaiting)
		slices.Reverse(ids) // the last comes first, as in the other lists
	}
	l.state.Open = l.compare(KindUnanswered, ids, l.state.Open, strings.Clone)
}

// troubling are the states in which a copy wants its owner without being expected to; those that
// are parked are told of by their jobs.
var troubling = []store.CopyState{store.CopyUnclear, store.CopyRefused}

// copies finds copies that want their owner.
func (l *lookout) copies(tx *store.Tx) error {
	var ids []string
	if l.wants(KindTrouble) {
		for _, a := range l.site.Accounts {
			for _, state := range troubling {
				some, _, err := tx.CopiesIn(a.UID, state, store.Range{Limit: mostParked, Backward: true})
				if err != nil {
					return err
				}
				for _, c := range some {
					ids = append(ids, fmt.Sprintf("%s\n%s %s", copyRef(c), state, c.Since.Format(time.RFC3339Nano)))
				}
			}
		}
	}
	l.state.Copies = l.compare(KindTrouble, ids, l.state.Copies, func(id string) string {
		ref, _, _ := strings.Cut(id, "\n")
		return ref
	})
	return nil
}

// copyRef names a copy in a notice.
func copyRef(c store.Copy) string { return "copy " + c.Post + " " + c.Target }

// copyOf reads the copy that a notice names, if it wants its owner still.
func copyOf(tx *store.Tx, ref string) (c store.Copy, ok bool) {
	parts := strings.SplitN(ref, " ", 3)
	if len(parts) < 3 || parts[0] != "copy" {
		return c, false
	}
	c, err := tx.Copy(parts[1], parts[2])
	return c, err == nil && slices.Contains(troubling, c.State)
}

// open tells whether a mention waits for an answer. What an import brought is old, and no news.
func open(m *store.Mention) bool {
	asks, _ := m.Asks()
	return asks && !m.Shown.Imported && m.Answer == "" && m.Aside.IsZero()
}
