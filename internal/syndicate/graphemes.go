package syndicate

import (
	"iter"

	"github.com/rivo/uniseg"
)

// clusters yields what a reader takes for one character each: extended grapheme clusters of
// UAX #29, but for conjuncts of Indic scripts (GB9c), whose parts count as some networks have it.
func clusters(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for state := -1; s != ""; {
			var one string
			if one, s, _, state = uniseg.FirstGraphemeClusterInString(s, state); !yield(one) {
				return
			}
		}
	}
}
