package site

import (
	"errors"
	"io/fs"
	"net/url"
	"slices"

	"tertulia/store"
)

// The same entry can come by two sources: http and https, with www and without, a bridge
// and its other host. When its person and its address are the same on the same page, it is one entry
// of the conversation (TRAPS T-WR17): the first that came is shown, the others stand behind it
// as duplicates, and when its source takes it back the next takes its place.

// maxTwins is how many duplicates of a mention are remembered to take its place.
const maxTwins = 20

// sameEntry is what an entry is told by: its person and its address. Gestures of one person at one
// address are as many as there are kinds of them.
func sameEntry(v *store.Version) string {
	u, err := url.Parse(v.URL)
	if v.Person == "" || err != nil {
		return ""
	}
	if v.Type == "like" || v.Type == "repost" {
		return v.Person + " " + profileID(u) + " " + v.Type // whose address is that of what they are about
	}
	return v.Person + " " + profileID(u)
}

// standFor finds out whether a mention is an entry that is there already.
func (s *Site) standFor(tx *store.Tx, m *store.Mention) error {
	if m.Kind == store.Comment || m.Kind == store.OwnAnswer {
		return nil // it is told by what it says, or by its post
	}
	v := m.Shown
	if m.Held != nil {
		v = m.Held
	}
	entry := sameEntry(v)
	if entry != m.Entry {
		if err := s.standDown(tx, m); err != nil {
			return err
		}
	}
	m.Entry, m.Twin = entry, ""
	if entry == "" {
		return nil
	}
	first, err := tx.MentionOf(m.Page, entry)
	if errors.Is(err, fs.ErrNotExist) || err == nil && first.ID == m.ID {
		return nil
	}
	if err != nil {
		return err
	}
	m.Twin = first.ID
	if slices.Contains(first.Twins, m.ID) || len(first.Twins) >= maxTwins {
		return nil
	}
	first.Twins = append(first.Twins, m.ID)
	return tx.PutMention(first)
}

// standDown has a mention stand for its entry no longer. The next of its twins takes its
// place, with what the owner decided about it if it says the same.
func (s *Site) standDown(tx *store.Tx, m *store.Mention) error {
	left := *m
	m.Entry, m.Twin, m.Twins = "", "", nil
	if left.Twin != "" || len(left.Twins) == 0 {
		return nil
	}
	// Its place in the index has to be free before another takes it.
	if kept, err := tx.Mention(m.ID); err == nil {
		kept.Entry, kept.Twins = "", nil
		if err := tx.PutMention(kept); err != nil {
			return err
		}
	}
	first := ""
	for i, id := range left.Twins {
		twin, err := tx.Mention(id)
		if errors.Is(err, fs.ErrNotExist) || err == nil && twin.Twin != left.ID {
			continue
		}
		if err != nil {
			return err
		}
		if twin.Twin = first; first == "" {
			first, twin.Twins = id, left.Twins[i+1:]
			inherit(&twin, &left)
		}
		if err := s.settle(tx, &twin); err != nil {
			return err
		}
		twin.History = store.AddEvent(twin.History, store.Event{At: tx.Now, Stage: string(twin.State), Note: "the mention that was shown for it has gone"})
		if err := tx.PutMention(twin); err != nil {
			return err
		}
	}
	return nil
}

// inherit gives a twin what was decided about the mention that it takes the place of.
func inherit(twin, left *store.Mention) {
	if twin.Decision != "" || left.Decision == "" || twin.Shown == nil || left.Shown == nil || twin.Shown.Text != left.Shown.Text {
		return
	}
	twin.Decision, twin.Why = left.Decision, ""
	if twin.Behind = left.Decision; twin.Behind == store.Deleted {
		twin.Behind = store.Rejected
	}
}
