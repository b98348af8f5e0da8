package site

import (
	"regexp"
	"slices"
	"strings"

	"tertulia/internal/lang"
	"tertulia/store"
)

// reasons are what a look at a source can come to, as webmention.Verification says it, and the
// keys of the same in the reader's language.
var reasons = []struct {
	said *regexp.Regexp
	key  string
}{
	{regexp.MustCompile(`^the page could not be fetched$`), "reason.unreached"},
	{regexp.MustCompile(`^the page could not be read to its end$`), "reason.broken"},
	{regexp.MustCompile(`^the page was deleted \(410\)$`), "reason.deleted"},
	{regexp.MustCompile(`^the page was not found \((\d+)\)$`), "reason.missing"},
	{regexp.MustCompile(`^the server answered (\d+)(?: without the link)?$`), "reason.status"},
	{regexp.MustCompile(`^the page moved from (\S+) to (\S+)$`), "reason.moved"},
	{regexp.MustCompile(`^the page is neither HTML nor JSON nor plain text$`), "reason.type"},
	{regexp.MustCompile(`^the page (?:cannot be understood|is encoded in a way that was not asked for)$`), "reason.unclear"},
	{regexp.MustCompile(`^the beginning of the page, (\d+) bytes at most, has no link, and the rest was not read$`), "reason.cut"},
	{regexp.MustCompile(`^the page does not link here$`), "reason.unlinked"},
}

// Reason says in a reader's language why a source could not be verified, or was taken back;
// "" when there is nothing to say.
func Reason(l lang.Lang, why string) string {
	for _, r := range reasons {
		if found := r.said.FindStringSubmatch(why); found != nil {
			var args []any
			for _, part := range found[1:] {
				args = append(args, part)
			}
			return l.T(r.key, args...)
		}
	}
	return ""
}

// lastReason is why a mention has failed or was withdrawn, or could not be read so far: of no
// other is it anybody's business but the owner's.
func lastReason(m store.Mention) string {
	switch m.State {
	case store.Failed, store.Withdrawn:
		return m.Why
	case store.Received:
		for _, e := range slices.Backward(m.History) {
			if e.Stage == "looked at" {
				_, why, _ := strings.Cut(e.Note, ": ")
				return why
			}
		}
	}
	return ""
}
