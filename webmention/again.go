package webmention

import "net/url"

// For is the same look at a source for another target: what was read is searched again,
// and nothing is fetched. It is false when that does not link there, which proves nothing:
// the page may be another by now.
func (v Verification) For(target *url.URL) (Verification, bool) {
	if !newMatcher(target).in(v.Links()) {
		return Verification{}, false
	}
	v.Linked = true
	if v.Outcome != Moved {
		v.Outcome, v.Reason = Linked, "the page links here"
	}
	return v, true
}
