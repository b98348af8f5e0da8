package web

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A page stays below 50 KB whatever strangers write: its words have so many bytes, as HTML, and share
// them.
const (
	wordsOfPage  = 6 << 10
	wordsOfName  = 40
	wordsOfTitle = 80
	leastWords   = 40  // of what somebody says
	maxRepeated  = 160 // of an address; longer ones stand on the mention's own page
)

// excerpts are the rows of a page as they are made.
type excerpts struct {
	words   int  // bytes that each may have
	n       int  // how many there are
	answers bool // whoever reads them may answer
}

// shareOf is what each of some rows may have, up to a third of it all.
func shareOf(rows int) excerpts { return excerpts{words: wordsOfPage / max(rows, 3)} }

// brief is the beginning of a text on one line, of at most so many bytes when it is written as HTML.
func brief(text string, most int) string {
	var b strings.Builder
	size, space := 0, false
	for _, r := range text {
		if unicode.Is(unicode.Bidi_Control, r) {
			continue
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			space = b.Len() > 0
			continue
		}
		size += runeCost(r)
		if space {
			size++
		}
		if size > most {
			return b.String() + "…"
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cost is how many bytes a text has as HTML.
func cost(text string) (n int) {
	for _, r := range text {
		n += runeCost(r)
	}
	return n
}

func runeCost(r rune) int {
	if strings.ContainsRune("<>&\"'+", r) {
		return len("&#34;")
	}
	return utf8.RuneLen(max(r, 0))
}

// short is an address if it is short enough to be repeated, else "".
func short(address string) string {
	if len(address) > maxRepeated {
		return ""
	}
	return address
}

// hostOf is the host of an address as people read it.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Host, "www.")
}
