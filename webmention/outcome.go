package webmention

import (
	"net/url"
	"strconv"
	"time"

	"golang.org/x/net/html"

	"tertulia/mf2"
)

// Outcome is what a look at the source says about a mention.
type Outcome int

// A mention is kept on Linked, withdrawn on Unlinked and Gone, and on Missing when
// that repeats. Unavailable says nothing about it: ask again later. Moved is for a
// person to judge: the old domain may be in other hands.
const (
	Unavailable Outcome = iota // no answer, or none that proves anything: 5xx, 403, 429, an unknown type, a page cut short without the link
	Linked                     // the source links to the target
	Unlinked                   // 200, all of it was read, and there is no such link
	Gone                       // 410
	Missing                    // 404 or 451
	Moved                      // one of the above but Unavailable, after a redirect to another registrable domain
)

var outcomes = [...]string{"unavailable", "linked", "unlinked", "gone", "missing", "moved"}

// String is the outcome in one lower-case word.
func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomes) {
		return "outcome " + strconv.Itoa(int(o))
	}
	return outcomes[o]
}

// Verification is what a [Verifier] found.
type Verification struct {
	Outcome Outcome
	Linked  bool     // the target is linked from what was read, also when Outcome is Moved
	Status  int      // HTTP status of the last answer; 0: there was none
	Final   *url.URL // where that answer came from, after redirects

	// Permanent lists the addresses that the source has moved to for good (301,
	// 308), in order, up to the first redirect that may change.
	Permanent []string

	Type      string     // "html", "json" or "text"; "" when nothing was read
	Page      mf2.Page   // its microformats, when Type is "html"
	Doc       *html.Node // its tree, when Type is "html", so that nobody parses it again; do not alter
	Text      []byte     // as UTF-8, when Type is "json" or "text"
	Truncated bool       // it is longer than what was read
	Size      int        // bytes that were read, after decoding

	RetryAfter time.Duration // as asked for by a 429 or 503; 0: not asked
	Reason     string        // one plain sentence in English, for the history of the mention

	read answer // what Memory keeps
}
