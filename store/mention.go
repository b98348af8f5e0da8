package store

import (
	"cmp"
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

// Stands is where the mention would stand if nothing were in its way.
func (m *Mention) Stands() State { return cmp.Or(m.Behind, m.State) }

// IsPublic tells whether readers see the mention.
func (m *Mention) IsPublic() bool { return m.State == Approved && m.Shown != nil }
