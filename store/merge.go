package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// Pages that turn out to be one are merged: at once every address of the one leads to
// the other, and then its mentions follow, a few in each transaction. Until one has
// followed readers see it nowhere; they never see it twice.

// Merge lets every address of page from lead to page into. MoveMentions then takes its
// mentions there.
func (tx *Tx) Merge(from, into string) error {
	a, err := tx.Page(from)
	if err != nil {
		return err
	}
	b, err := tx.Page(into)
	if err != nil || a.ID == b.ID {
		return err
	}
	a.Merged = b.ID
	return tx.PutPage(a)
}

// MoveMentions takes up to most mentions that are still filed under a page to the one
// that it was merged into, and tells whether there may be more. A source that
// mentioned both is one mention from then on.
func (tx *Tx) MoveMentions(from string, most int) (more bool, err error) {
	into, err := tx.Page(from)
	if err != nil || into.ID == from {
		return false, err
	}
	moving := tx.filed(from, most)
	for _, one := range moving {
		m, err := tx.Mention(one.ID) // it may have changed as the twin of one before
		if err != nil {
			return false, err
		}
		gone := ""
		if same, err := tx.MentionFrom(into.ID, m.Source); err == nil {
			if m, gone, err = tx.foldInto(m, same); err != nil {
				return false, err
			}
		}
		m.Page = into.ID
		m.History = AddEvent(m.History, Event{At: tx.Now, Stage: "page merged", Note: "into " + into.URL})
		if err := tx.arrive(m); err != nil {
			return false, err
		}
		if gone == "" {
			continue
		}
		// Last, because pictures go with the last mention that shows them.
		if err := tx.DropMention(gone); err != nil {
			return false, err
		}
	}
	return len(moving) == most, nil
}

// foldInto makes one mention of two by the same source, and names the one that is to be
// dropped. What stood behind that one, and the original of its text, are the other's.
func (tx *Tx) foldInto(a, b Mention) (kept Mention, drop string, err error) {
	kept, gone := fold(a, b)
	if err := tx.standBehind(gone.Twins, kept.ID); err != nil {
		return kept, "", err
	}
	for _, v := range []*Version{kept.Shown, kept.Held} {
		if v == nil {
			continue
		}
		if o, err := tx.Original(gone.ID, v.Digest); err == nil {
			o.Mention = kept.ID
			if err := tx.PutOriginal(o); err != nil {
				return kept, "", err
			}
		}
	}
	gone.Entry, gone.Twin, gone.Twins = "", "", nil
	return kept, gone.ID, tx.PutMention(gone)
}

// standBehind lets mentions stand behind another than before.
func (tx *Tx) standBehind(ids []string, first string) error {
	for _, id := range ids {
		twin, err := tx.Mention(id)
		if errors.Is(err, fs.ErrNotExist) || err == nil && twin.Twin == "" || twin.ID == first {
			continue
		}
		if err != nil {
			return err
		}
		twin.Twin = first
		if err := tx.PutMention(twin); err != nil {
			return err
		}
	}
	return nil
}

// maxTwins is how many mentions are remembered to stand behind one.
const maxTwins = 20

// arrive writes a mention that comes to a page. If its entry is there already by
// another source, the better of the two is shown, and the other stands behind it.
func (tx *Tx) arrive(m Mention) error {
	if m.Entry == "" || m.Twin != "" {
		return tx.PutMention(m)
	}
	shown := m
	behind, err := tx.MentionOf(m.Page, m.Entry)
	if err != nil || behind.ID == m.ID {
		return cmp.Or(tx.PutMention(m), ignoreMissing(err))
	}
	if better(behind, shown) {
		shown, behind = behind, shown
	}
	follow := behind.Twins
	behind.Twin, behind.Twins = shown.ID, nil
	switch behind.State {
	case Approved, Pending, Quarantined:
		behind.State, behind.Behind = Duplicate, behind.State
	}
	shown.Twins = slices.Concat(shown.Twins, []string{behind.ID}, follow)
	shown.Twins = shown.Twins[:min(len(shown.Twins), maxTwins)]
	// Its place in the index has to be free before the other takes it.
	if err := tx.PutMention(behind); err != nil {
		return err
	}
	return cmp.Or(tx.PutMention(shown), tx.standBehind(follow, shown.ID))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// filed reads up to most mentions of a page in any state. A damaged one is passed over,
// and stays.
func (tx *Tx) filed(page string, most int) []Mention {
	var found []Mention
	for _, id := range tx.r.scan(prefix(tx.Site, mentionKey, page), nil, false) {
		m, err := mentions.get(tx, string(id))
		if err != nil {
			tx.log.Error("mention passed over", "error", err)
			continue
		}
		if m.Page != page {
			continue
		}
		if found = append(found, m); len(found) == most {
			break
		}
	}
	return found
}

// CountFiled counts the mentions of a page in any state, up to most.
func (tx *Tx) CountFiled(page string, most int) int {
	n := 0
	for range tx.r.scan(prefix(tx.Site, mentionKey, page), nil, false) {
		if n++; n >= most {
			break
		}
	}
	return n
}

// ranks order the states of two mentions of one source, the better first: what was
// seen to link is true of the source whichever of its links was looked for.
var ranks = map[State]int{Approved: 0, Pending: 1, Quarantined: 2, Received: 3, Silent: 4, Duplicate: 4, Withdrawn: 5, Failed: 6, Rejected: 7, Deleted: 8}

// fold makes one mention of two by the same source.
//
// The one that was public first stays, with its id and wm-id; if neither was, the older.
// What the owner decided last about either stands, and a rejection or deletion hides
// both. Where nothing was decided what is public stays public. The text is that of the
// better state, or where it is more than a link, and an approval reaches no text but the one that was approved. What was
// decided about the one that goes cannot be undone any more.
func fold(a, b Mention) (kept, gone Mention) {
	first, other := a, b
	// Number 0, never public, becomes the highest of all.
	if cmp.Or(cmp.Compare(a.Number-1, b.Number-1), a.Received.Compare(b.Received), cmp.Compare(a.ID, b.ID)) > 0 {
		first, other = b, a
	}
	kept = first
	if better(other, first) {
		kept = other
	}
	kept.ID, kept.Number, kept.Public = first.ID, first.Number, first.Public
	kept.Received = earlier(a.Received, b.Received)
	kept.Folded = slices.Concat(first.Folded, []string{other.ID}, other.Folded)
	kept.History = mergeHistories(first.History, other.History, fmt.Sprintf("%s, %s", other.ID, other.Target))
	kept.Twins = slices.Concat(first.Twins, other.Twins)
	kept.Twins = slices.DeleteFunc(kept.Twins, func(id string) bool { return id == first.ID || id == other.ID })
	kept.Twins = kept.Twins[:min(len(kept.Twins), maxTwins)]
	if first.Twin == "" || other.Twin == "" || kept.Twin == first.ID || kept.Twin == other.ID {
		kept.Twin = ""
		if kept.State == Duplicate {
			kept.State, kept.Behind = kept.Stands(), ""
		}
	}
	decide(&kept, lastDecided(a, b))
	return kept, other
}

// decide lets a decision about one of two mentions stand for both.
func decide(m *Mention, last Mention) {
	m.Decision, m.Decided = last.Decision, last.Decided
	switch last.Decision {
	case Rejected, Deleted:
		m.State, m.Behind, m.Held, m.Why = last.Decision, "", nil, ""
	case Approved:
		same := m.Shown != nil && last.Shown != nil && m.Shown.Digest == last.Shown.Digest
		switch {
		case same && m.Behind == Pending:
			m.Behind, m.Why = Approved, ""
		case same && m.State == Pending:
			m.State, m.Why = Approved, ""
		case !same && m.Stands() != Approved:
			m.Decision = ""
		}
	}
}

// lastDecided is the one of two mentions whose decision the owner made last; of two at
// one time, or of which it is not known, the one that hides more.
func lastDecided(a, b Mention) Mention {
	switch {
	case a.Decision == "":
		return b
	case b.Decision == "":
		return a
	case cmp.Or(a.Decided.Compare(b.Decided), cmp.Compare(ranks[a.Decision], ranks[b.Decision])) < 0:
		return b
	}
	return a
}

func better(a, b Mention) bool {
	return cmp.Or(cmp.Compare(ranks[a.State], ranks[b.State]), cmp.Compare(ranks[a.Stands()], ranks[b.Stands()]),
		vague(a)-vague(b), b.Checked.Compare(a.Checked)) < 0
}

// vague is 1 for a mention that is no more than a link: what a source is to one of two pages that
// are one, such as a reply, it is to both.
func vague(m Mention) int {
	if m.Shown == nil || m.Shown.Type == "mention" {
		return 1
	}
	return 0
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// mergeHistories puts two histories in the order of time, and says of whom the other was.
func mergeHistories(first, other []Event, whose string) []Event {
	all := slices.Concat(first, other)
	slices.SortStableFunc(all, func(x, y Event) int { return x.At.Compare(y.At) })
	var kept []Event
	for _, e := range all {
		kept = AddEvent(kept, e)
	}
	if len(kept) == 0 {
		return nil
	}
	return AddEvent(kept, Event{At: kept[len(kept)-1].At, Stage: "folded", Note: "with " + whose})
}
