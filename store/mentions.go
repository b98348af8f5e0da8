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
	"time"

	"tertulia/mf2"
)

// State is where a mention stands.
type State string

// The life of a mention:
//
//	received ──verified──▶ pending ──owner──▶ approved ──owner──▶ rejected, deleted
//	    │         └──policy: trusted──▶ approved
//	    └──▶ failed (no link, or never reached)
//	pending, approved ──source answers 410, or the link is gone──▶ withdrawn
//	withdrawn ──verified again──▶ what the owner had decided, else by policy
//	any of these ──its person is blocked, muted──▶ rejected, muted ──not any more──▶ where it stood (Behind)
//	any of these ──another mention is the same entry──▶ duplicate ──that one has gone──▶ where it stood (Behind)
//
// A decision of the owner (approved, rejected, deleted) survives every re-send.
const (
	Received  State = "received"  // accepted, not yet looked at
	Pending   State = "pending"   // verified, waits for the owner
	Approved  State = "approved"  // public
	Rejected  State = "rejected"  // by the owner
	Deleted   State = "deleted"   // by the owner, never revived by a re-send
	Withdrawn State = "withdrawn" // by its source
	Failed    State = "failed"    // could not be verified

	Quarantined State = "quarantined" // pending, but not put before the owner: it looks like spam
	Silent      State = "muted"       // kept for nobody to see: its person or host is muted
	Duplicate   State = "duplicate"   // another mention of the page is the same entry
)

// Kind is how a mention came.
type Kind string

// A Webmention has a source elsewhere, which is asked what it says and asked again. A comment
// was written here: its source is the permalink that it has here, and nobody asks that anything. An
// answer was given on a network to a copy of a post: the network says that it is there, and what
// its source, the address that it has there, says.
//
// An answer of the owner's is a post of the site that replies to another mention of the page: its
// source is the permalink, and what it says is the post's.
const (
	Webmention Kind = ""
	Comment    Kind = "comment"
	Answer     Kind = "answer"
	OwnAnswer  Kind = "own"
)

// Asked tells whether the source of the mention is a page that can be asked what it says.
func (m *Mention) Asked() bool { return m.Kind == Webmention }

// Mention is one response to a page: a Webmention, which is a source that links there, a
// comment, or an answer on a network.
type Mention struct {
	ID       string `json:"id"`
	Kind     Kind   `json:"kind,omitempty"`
	Source   string `json:"source"` // as it was sent
	Target   string `json:"target"` // as it was sent, fragment included
	Page     string `json:"page"`   // id of the page
	State    State  `json:"state"`
	Decision State  `json:"decision,omitempty"` // the owner's last: approved, rejected or deleted
	Behind   State  `json:"behind,omitempty"`   // where it would stand but for its person or its twin; "": nothing is in the way
	ByTrust  bool   `json:"by_trust,omitempty"` // it is approved because its person is trusted, and for nothing else

	Cluster string `json:"cluster,omitempty"` // whose neighbourhood it comes from, as what waits is put together: the domain of its author or source; "": the host of its source

	Decided time.Time `json:"decided,omitzero"` // when Decision became what it is; PutMention keeps it
	Ours    bool      `json:"ours,omitempty"`   // it is by somebody who looks after the site
	Answer  string    `json:"answer,omitempty"` // what of the owner's answers it: a permalink, the address of a page, or the id of a mention; PutMention keeps it
	Aside   time.Time `json:"aside,omitzero"`   // since when the owner wants to leave it unanswered; zero: it is not so
	Folded  []string  `json:"folded,omitempty"` // ids of mentions of the same source that this one stands for since their pages were merged

	Shown *Version `json:"shown,omitempty"` // what readers see, or would see
	Held  *Version `json:"held,omitempty"`  // a changed text that waits for the owner
	Why   string   `json:"why,omitempty"`   // why it waits: a key of the catalogue

	Refused []string `json:"refused,omitempty"` // digests of the changed texts that the owner has rejected, the latest last
	Entry   string   `json:"entry,omitempty"`   // person and address of the entry that it is, of a comment what it says; "" when that is not known
	Twin    string   `json:"twin,omitempty"`    // id of the mention that is shown for it: the same entry
	Twins   []string `json:"twins,omitempty"`   // ids of those that it is shown for

	Origin *Origin `json:"origin,omitempty"` // of an answer: where it stands on the network

	Number   uint64    `json:"number,omitempty"`  // wm-id: the change at which it first became public; 0: never was
	Public   time.Time `json:"public,omitzero"`   // wm-received: that change's time
	Changed  uint64    `json:"changed,omitempty"` // the change at which readers last saw something else of it; 0: Number
	Received time.Time `json:"received"`
	Checked  time.Time `json:"checked,omitzero"` // the last answer of its source that counted

	Tried        time.Time `json:"tried,omitzero"`         // the last look at its source, whatever came of it
	Unreachable  time.Time `json:"unreachable,omitzero"`   // the first of the looks since Checked that came to nothing; zero: there was none
	Gone         time.Time `json:"gone,omitzero"`          // since when its source has taken it back; zero: it has not
	Missing      int       `json:"missing,omitempty"`      // answers 404 or 451 in a row
	MissingSince time.Time `json:"missing_since,omitzero"` // the first of them
	History      []Event   `json:"history,omitempty"`
}

// Version is what a source said at one time: the response, read and made harmless.
type Version struct {
	Type      string     `json:"type"`           // reply, reaction, like, repost, bookmark, follow, tag, rsvp, mention
	RSVP      string     `json:"rsvp,omitempty"` // yes, no, maybe, interested
	Author    mf2.Author `json:"author"`
	Person    string     `json:"person,omitempty"`      // id; "" when the author could not be confirmed
	URL       string     `json:"url"`                   // where readers are led: u-url if the source may speak for its host, else the source
	Bridge    string     `json:"bridge,omitempty"`      // the host that has brought it here, when URL is on the network it comes from; "": the source speaks for itself
	InReplyTo []string   `json:"in_reply_to,omitempty"` // what it answers besides the page itself: other pages, comments on this one
	Name      string     `json:"name,omitempty"`
	HTML      string     `json:"html,omitempty"` // sanitised
	Text      string     `json:"text,omitempty"`
	Summary   string     `json:"summary,omitempty"` // of a text that is too long to be shown whole
	Language  string     `json:"language,omitempty"`
	Published time.Time  `json:"published,omitzero"`
	Edited    time.Time  `json:"edited,omitzero"`    // when we saw that it says something else than what readers had; zero: never
	Own       bool       `json:"own,omitempty"`      // the owner says it, with an account on a network
	Imported  bool       `json:"imported,omitempty"` // another service has read the source, which may have put it differently
	Digest    string     `json:"digest"`             // of what readers would see: two versions with the same are one
}

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

// Stands is where the mention would stand if nothing were in its way.
func (m *Mention) Stands() State { return cmp.Or(m.Behind, m.State) }

// IsPublic tells whether readers see the mention.
func (m *Mention) IsPublic() bool { return m.State == Approved && m.Shown != nil }

func sourceKey(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:])
}

// Mention reads a mention by its id, or by that of one that was folded into it.
func (tx *Tx) Mention(id string) (Mention, error) {
	m, err := mentions.get(tx, id)
	if into := tx.r.get(key(tx.Site, mentionsFolded, id)); into != nil && errors.Is(err, fs.ErrNotExist) {
		return mentions.get(tx, string(into))
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

// Counts tells how many public mentions of each type a page has. RSVPs count by
// their answer: rsvp-yes, rsvp-no, rsvp-maybe, rsvp-interested.
func (tx *Tx) Counts(page string) map[string]int { return tx.numbers(counts, page) }

// MentionsOf lists the public mentions of a page in order of arrival.
func (tx *Tx) MentionsOf(page string, r Range) ([]Mention, string, error) {
	return mentions.list(tx, r, nil, mentionsPage, page)
}

// MentionsIn lists the mentions in a state; Pending includes approved ones of
// which a changed text waits.
func (tx *Tx) MentionsIn(state State, r Range) ([]Mention, string, error) {
	return mentions.list(tx, r, nil, mentionsState, string(state))
}

// CursorAt is the cursor of a list by [Tx.MentionsIn] or [Tx.MentionsBy] that begins with a mention.
func CursorAt(m Mention) string { return join(timePart(m.Received), m.ID) }

// MentionsBy lists the mentions of a person.
func (tx *Tx) MentionsBy(person string, r Range) ([]Mention, string, error) {
	return mentions.list(tx, r, nil, mentionsPerson, person)
}

// EachMention lists the mentions of the site in order of arrival, whatever their state:
// at most limit of them after an id ("" begins at the first). There are none after the
// last when fewer come.
func (tx *Tx) EachMention(after string, limit int) []Mention {
	var found []Mention
	var from []byte
	if after != "" {
		from = append(key(tx.Site, mentions.name, after), 0)
	}
	pre := prefix(tx.Site, mentions.name)
	for k, v := range tx.r.scan(pre, from, false) {
		if len(found) == limit {
			break
		}
		m, err := mentions.decode(k, string(k[len(pre):]), v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		found = append(found, *m)
	}
	return found
}

// LatestMentions lists the mentions of the site, the newest first, whatever their state: at most
// limit of them before an id ("" begins at the last).
func (tx *Tx) LatestMentions(before string, limit int) []Mention {
	var found []Mention
	var from []byte
	if before != "" {
		from = key(tx.Site, mentions.name, before)
	}
	pre := prefix(tx.Site, mentions.name)
	for k, v := range tx.r.scan(pre, from, true) {
		id := string(k[len(pre):])
		if id == before {
			continue
		}
		if len(found) == limit {
			break
		}
		m, err := mentions.decode(k, id, v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		found = append(found, *m)
	}
	return found
}

// CountBy counts the mentions of a person, up to most, and tells when the newest arrived; zero when
// there is none. It reads none of them.
func (tx *Tx) CountBy(person string, most int) (n int, newest Wait) {
	pre := prefix(tx.Site, mentionsPerson, person)
	for k, id := range tx.r.scan(pre, nil, true) {
		if at, ok := timeAt(k, pre); ok && n == 0 {
			newest = Wait{ID: string(id), Person: person, Received: at}
		}
		if n++; n >= most {
			break
		}
	}
	return n, newest
}

// CountIn counts the mentions in a state, up to most.
func (tx *Tx) CountIn(state State, most int) int {
	n := 0
	for range tx.r.scan(prefix(tx.Site, mentionsState, string(state)), nil, false) {
		if n++; n >= most {
			break
		}
	}
	return n
}
