package site

import (
	"slices"

	"tertulia/internal/lang"
	"tertulia/store"
)

// Answer says to the owner, in plain words, why a mention is not shown, or that it is.
// There is one for whatever a mention's state, reason and history can be. Its sender is told the
// same, as far as it is not the owner's business alone ([Conversation.Status]).
func Answer(l lang.Lang, m store.Mention) string {
	said := l.T("answer." + answer(m))
	if own := "answer.comment-" + answer(m); m.Kind == store.Comment && l.Has(own) {
		said = l.T(own)
	}
	if m.State == store.Pending || m.State == store.Quarantined || m.Held != nil {
		if why := "why." + m.Why; m.Why != "" && l.Has(why) {
			return said + " " + l.T(why)
		}
	}
	if why := Reason(l, lastReason(m)); why != "" {
		return why + " " + said
	}
	return said
}

// answer is the key of an answer, below "answer.".
func answer(m store.Mention) string {
	switch m.State {
	case store.Approved:
		if m.Held != nil {
			return "held"
		}
		return "shown"
	case store.Received:
		if lookedAt(m) {
			return "again"
		}
		return "unseen"
	case store.Pending, store.Quarantined:
		return "waits"
	case store.Silent:
		return "muted"
	case store.Duplicate:
		return "twin"
	case store.Rejected:
		if !m.Gone.IsZero() {
			return "rejected-gone"
		}
		if m.Decision == store.Rejected {
			return "rejected"
		}
		return "blocked"
	case store.Deleted:
		return "deleted"
	case store.Withdrawn:
		return "withdrawn"
	}
	return "failed"
}

// lookedAt tells whether the source was looked at, as far as the history remembers.
func lookedAt(m store.Mention) bool {
	return slices.ContainsFunc(m.History, func(e store.Event) bool { return e.Stage == "looked at" })
}
