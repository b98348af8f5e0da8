package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

const (
	mentionKey     = "mention_key"     // page·sha256(source) → id
	mentionsPage   = "mentions_page"   // page·received·number·dated·changed·type → id: the public ones
	mentionsState  = "mentions_state"  // state·time·id → id
	mentionsPerson = "mentions_person" // person·time·id → id
	mentionEntry   = "mention_entry"   // page·sha256(entry) → id: the one that is shown
	mentionsFolded = "mentions_folded" // id of a mention that was folded into another → id of that one
	counts         = "counts"          // page·type → number of public ones
)

var mentions = table[Mention]{
	name: "mentions", kind: "mention", version: 1,
	key: func(m *Mention) string { return m.ID },
	indexes: func(m *Mention) []indexEntry {
		at := timePart(m.Received)
		entries := []indexEntry{
			{mentionKey, join(m.Page, sourceKey(m.Source))},
			{mentionsState, join(string(m.State), at, m.ID)},
		}
		if m.IsPublic() {
			entries = append(entries, publicEntries(m)...)
		}
		if m.Held != nil && m.State == Approved {
			entries = append(entries, indexEntry{mentionsState, join(string(Pending), at, m.ID)})
		}
		if m.Shown != nil && m.Shown.Person != "" {
			entries = append(entries, indexEntry{mentionsPerson, join(m.Shown.Person, at, m.ID)})
		}
		if m.Entry != "" && m.Twin == "" {
			entries = append(entries, indexEntry{mentionEntry, join(m.Page, sourceKey(m.Entry))})
		}
		for _, photo := range m.photos() {
			entries = append(entries, indexEntry{mentionsPhoto, join(photoKey(photo), m.ID)})
		}
		entries = append(entries, waitingEntries(m)...)
		for _, id := range m.Folded {
			entries = append(entries, indexEntry{mentionsFolded, id})
		}
		return slices.Concat(entries, m.namedEntries(), m.openEntries(), m.answeringEntries(), m.Origin.entries())
	},
}

func sourceKey(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:])
}

// Mention reads a mention by its id, or by that of one that was folded into it.
func (tx *Tx) Mention(id string) (Mention, error) {
	m, err := mentions.get(tx, id)
	if errors.Is(err, fs.ErrNotExist) { // looked for after that: most are there, and are read by the dozen
		if into := tx.r.get(key(tx.Site, mentionsFolded, id)); into != nil {
			return mentions.get(tx, string(into))
		}
	}
	return m, err
}

// MentionFrom reads the mention of a page by its source as sent.
func (tx *Tx) MentionFrom(page, source string) (Mention, error) {
	return mentions.lookup(tx, mentionKey, page, sourceKey(source))
}

// MentionOf reads the mention of a page that is shown for an entry.
func (tx *Tx) MentionOf(page, entry string) (Mention, error) {
	return mentions.lookup(tx, mentionEntry, page, sourceKey(entry))
}

// PutMention writes a mention, keeps the counters, and records a change when what
// readers see is another than before. It fills in Decided when Decision is another than before,
// Changed when readers see something else, and Number and Public the first time the
// mention is public, unless it comes with those that Keepable has given it.
// What was erased is refused with [ErrErased].
func (tx *Tx) PutMention(m Mention) error {
	if tx.refused(&m) {
		return fmt.Errorf("mention %s: %w", m.ID, ErrErased)
	}
	was, err := mentions.find(tx, m.ID)
	if err != nil {
		return err
	}
	if m.State == Deleted || m.State == Rejected {
		tx.w.relief()
	}
	var before publicView
	if was != nil {
		before = publicPart(was)
	}
	if was != nil && was.Decision != m.Decision && was.Decided.Equal(m.Decided) {
		m.Decided = tx.Now
	}
	after := publicPart(&m)
	if before != after {
		if err := tx.showMention(&m, before, after); err != nil {
			return err
		}
	}
	m.Answer = tx.answerTo(&m)
	if err := mentions.replace(tx, was, &m); err != nil {
		return err
	}
	return cmp.Or(tx.mentionChanged(was, &m), tx.keepBeside(was, &m))
}

// keepBeside lets go of what lies beside a mention and is not wanted any more.
func (tx *Tx) keepBeside(was, m *Mention) error {
	if was != nil && was.Shown != nil {
		if err := tx.pruneOriginals(m.ID, m.Shown, m.Held); err != nil {
			return err
		}
	}
	return tx.keepPhotos(was, m)
}

// showMention records that readers see something else: on the page that the mention
// has left as well, when it was moved.
func (tx *Tx) showMention(m *Mention, before, after publicView) error {
	left, err := tx.leaves(before, after)
	if err != nil {
		return err
	}
	if left {
		if _, err := tx.change(Change{Page: before.page, Mention: m.ID}); err != nil {
			return err
		}
	}
	if err := tx.markGone(m, before.page != "", after.page != ""); err != nil {
		return err
	}
	if after.page != "" {
		seq, err := tx.change(Change{Number: m.Number, At: m.Public, Page: after.page, Mention: m.ID, Public: true})
		if err != nil {
			return err
		}
		if m.Number == 0 {
			m.Number, m.Public = seq, tx.Now
		} else if m.Number != seq {
			m.Changed = seq
		}
	}
	if err := tx.count(before, -1); err != nil {
		return err
	}
	return tx.count(after, +1)
}

// leaves tells whether a mention is not seen any more where it was. What goes along with
// a page that was merged stays in the same conversation.
func (tx *Tx) leaves(before, after publicView) (bool, error) {
	if before.page == "" || before.page == after.page {
		return false, nil
	}
	if after.page == "" {
		return true, nil
	}
	was, err := tx.Page(before.page)
	if err != nil {
		return false, err
	}
	is, err := tx.Page(after.page)
	return was.ID != is.ID, err
}

// DropMention removes a mention as if it had never been sent, and what is kept of its
// earlier texts.
func (tx *Tx) DropMention(id string) error {
	m, err := mentions.get(tx, id)
	if err != nil {
		return err
	}
	if view := publicPart(&m); view.typ != "" {
		if _, err := tx.change(Change{Page: m.Page, Mention: m.ID}); err != nil {
			return err
		}
		if err := tx.count(view, -1); err != nil {
			return err
		}
		if err := tx.markGone(&m, true, false); err != nil {
			return err
		}
	}
	if err := tx.ForgetBefore(id); err != nil {
		return err
	}
	if err := mentions.delete(tx, id); err != nil {
		return err
	}
	if err := tx.pruneOriginals(id); err != nil {
		return err
	}
	return cmp.Or(tx.mentionChanged(&m, nil), tx.keepPhotos(&m, nil))
}

// publicView is what decides whether readers see something new.
type publicView struct{ page, typ, digest, thread, photo string }

func publicPart(m *Mention) publicView {
	if !m.IsPublic() {
		return publicView{}
	}
	return publicView{m.Page, publicType(m), m.Shown.Digest, strings.Join(m.Shown.InReplyTo, " "), m.Shown.Author.Photo}
}

// publicType is what a mention that readers see counts as.
func publicType(m *Mention) string {
	if m.Shown.Type == "rsvp" {
		return "rsvp-" + m.Shown.RSVP
	}
	return m.Shown.Type
}

func (tx *Tx) count(v publicView, by int) error {
	if v.typ == "" {
		return nil
	}
	if err := tx.add(key(tx.Site, totals, v.typ), by); err != nil {
		return err
	}
	return tx.add(key(tx.Site, counts, v.page, v.typ), by)
}
