package webmention

import (
	"net/url"

	"tertulia/mf2"
)

// Memory is what a source has said, to be looked at again for other targets without asking
// it again. It holds the bytes as they came and nothing of their tree, which would take ten
// times as much.
type Memory struct{ seen Verification }

// Memory keeps what was read. It is empty when nothing was.
func (v Verification) Memory() Memory {
	v.Doc, v.Text, v.Page = nil, nil, mf2.Page{}
	return Memory{v}
}

// Size is how much it holds, in bytes; 0 when the source has said nothing that was read.
func (m Memory) Size() int { return m.seen.Size }

// Again looks into what was read for another target. It is false when that does not link
// there, which proves nothing: the page may be another by now.
func (v *Verifier) Again(m Memory, target *url.URL) (Verification, bool) {
	got := m.seen
	if m.Size() == 0 {
		return Verification{}, false
	}
	v.understand(&got, target, int64(m.Size()))
	if !got.Linked {
		return Verification{}, false
	}
	if m.seen.Outcome == Moved {
		got.Outcome, got.Reason = Moved, m.seen.Reason
	}
	return got, true
}
