package sanitize

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxMarks is how many combining marks one letter keeps. Written languages use
// four at the most.
const maxMarks = 4

// Text makes one line of a stranger's name or title: at most maxRunes runes, cut
// with "…", in Unicode's form C, white space collapsed, without controls,
// directional overrides, invisible characters and heaps of accents. It is empty
// when nothing visible is left. It is text, not HTML: it is still to be escaped.
func Text(s string, maxRunes int) string {
	// A visible rune has at most maxMarks marks of four bytes; what is far longer
	// than that is not read to its end.
	s = cut(s, 64*(maxRunes+16))
	s = legible(norm.NFC.String(legible(s)))
	runes := []rune(s)
	if len(runes) <= maxRunes {
		return s
	}
	if maxRunes <= 0 {
		return ""
	}
	kept := strings.TrimRightFunc(string(runes[:maxRunes-1]), func(r rune) bool { return isSpace(r) || isJoiner(r) })
	return kept + "…"
}

// legible drops the runes that Text promises to drop, and collapses white space.
func legible(s string) string {
	var b strings.Builder
	var marks int
	var space bool // one is due
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case isSpace(r):
			space, marks = b.Len() > 0, maxMarks // a mark needs a letter
			continue
		case isHidden(r):
			continue
		case isJoiner(r):
			if b.Len() == 0 || space {
				continue // joins nothing
			}
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks || b.Len() == 0 || space {
				continue
			}
		default:
			marks = 0
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isSpace reports white space of every kind, and letters that look like it.
func isSpace(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800':
		return true
	}
	return unicode.IsSpace(r)
}

// isJoiner reports the invisible runes that emoji and some scripts are spelled with.
func isJoiner(r rune) bool {
	return r == '\u200c' || r == '\u200d' || r >= '\U000e0020' && r <= '\U000e007f'
}

// isHidden reports controls and invisible characters, directional overrides among them.
func isHidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && !isJoiner(r) || unicode.Is(unicode.Co, r) || r == '\u034f'
}

// visible drops from a longer text what could reach beyond it: controls, and
// directional marks that nothing need close.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
