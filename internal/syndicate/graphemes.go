package syndicate

import (
	"iter"
	"unicode"
	"unicode/utf8"
)

// class is how a character joins its neighbours in a grapheme cluster (UAX #29, table 2).
type class uint8

const (
	other class = iota
	carriage
	newline
	control
	extend
	zeroJoiner
	regional
	prepend
	spacing
	hangulL
	hangulV
	hangulT
	hangulLV
	hangulLVT
	pictograph
)

// prepended are the characters that join what comes after them.
var prepended = &unicode.RangeTable{
	R16: []unicode.Range16{{0x600, 0x605, 1}, {0x6dd, 0x6dd, 1}, {0x70f, 0x70f, 1}, {0x890, 0x891, 1}, {0x8e2, 0x8e2, 1}, {0xd4e, 0xd4e, 1}},
	R32: []unicode.Range32{{0x110bd, 0x110bd, 1}, {0x110cd, 0x110cd, 1}, {0x111c2, 0x111c3, 1}, {0x1193f, 0x1193f, 1}, {0x11941, 0x11941, 1},
		{0x11a3a, 0x11a3a, 1}, {0x11a84, 0x11a89, 1}, {0x11d46, 0x11d46, 1}, {0x11f02, 0x11f02, 1}},
}

// standing are the spacing marks (Mc) that join nothing.
var standing = &unicode.RangeTable{
	R16: []unicode.Range16{{0x102b, 0x102c, 1}, {0x1038, 0x1038, 1}, {0x1062, 0x1064, 1}, {0x1067, 0x106d, 1}, {0x1083, 0x1083, 1},
		{0x1087, 0x108c, 1}, {0x108f, 0x108f, 1}, {0x109a, 0x109c, 1}, {0x1a61, 0x1a61, 1}, {0x1a63, 0x1a64, 1}, {0xaa7b, 0xaa7b, 1}, {0xaa7d, 0xaa7d, 1}},
	R32: []unicode.Range32{{0x11720, 0x11721, 1}},
}

func classOf(r rune) class {
	switch {
	case r == '\r':
		return carriage
	case r == '\n':
		return newline
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return control
	case r < 0xa9:
		return other
	case r == '\u200d':
		return zeroJoiner
	case r >= 0x1f1e6 && r <= 0x1f1ff:
		return regional
	case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r), unicode.Is(unicode.Other_Grapheme_Extend, r), r >= 0x1f3fb && r <= 0x1f3ff:
		return extend
	case unicode.Is(prepended, r):
		return prepend
	case r == 0xe33, r == 0xeb3, unicode.Is(unicode.Mc, r) && !unicode.Is(standing, r):
		return spacing
	case unicode.Is(pictographs, r):
		return pictograph
	case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp),
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && !unicode.IsLetter(r):
		return control
	}
	return hangul(r)
}

// hangul is the class of a syllable or of a part of one, other for anything else.
func hangul(r rune) class {
	switch {
	case r >= 0x1100 && r <= 0x115f, r >= 0xa960 && r <= 0xa97c:
		return hangulL
	case r >= 0x1160 && r <= 0x11a7, r >= 0xd7b0 && r <= 0xd7c6:
		return hangulV
	case r >= 0x11a8 && r <= 0x11ff, r >= 0xd7cb && r <= 0xd7fb:
		return hangulT
	case r < 0xac00 || r > 0xd7a3:
		return other
	case (r-0xac00)%28 == 0:
		return hangulLV
	}
	return hangulLVT
}

// joins are the pairs of classes that one cluster may hold side by side (GB3, GB6 to GB8).
var joins = map[[2]class]bool{
	{carriage, newline}: true,
	{hangulL, hangulL}:  true, {hangulL, hangulV}: true, {hangulL, hangulLV}: true, {hangulL, hangulLVT}: true,
	{hangulV, hangulV}: true, {hangulV, hangulT}: true, {hangulLV, hangulV}: true, {hangulLV, hangulT}: true,
	{hangulT, hangulT}: true, {hangulLVT, hangulT}: true,
}

// clusters yields what a reader takes for one character each: extended grapheme clusters of
// UAX #29, but for conjuncts of Indic scripts (GB9c), whose parts count as some networks have it.
func clusters(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s != "" {
			n := firstCluster(s)
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}

// firstCluster is the length in bytes of the first cluster of a text that is not empty.
func firstCluster(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	before := classOf(r)
	flags := 0               // regional indicators so far
	picture := pictographNot // whether a pictograph and what extends it stand before
	for {
		flags, picture = follow(before, flags, picture)
		if n == len(s) {
			return n
		}
		r, size := utf8.DecodeRuneInString(s[n:])
		after := classOf(r)
		if !together(before, after, flags, picture) {
			return n
		}
		before, n = after, n+size
	}
}

// How far a joined emoji has come (GB11).
const (
	pictographNot = iota
	pictographSeen
	pictographJoiner
)

func follow(c class, flags, picture int) (int, int) {
	switch {
	case c == pictograph:
		return 0, pictographSeen
	case c == regional:
		return flags + 1, pictographNot
	case c == extend && picture == pictographSeen:
		return 0, pictographSeen
	case c == zeroJoiner && picture == pictographSeen:
		return 0, pictographJoiner
	}
	return 0, pictographNot
}

// together says whether no cluster ends between two characters.
func together(before, after class, flags, picture int) bool {
	switch {
	case joins[[2]class{before, after}]:
		return true
	case before == carriage, before == newline, before == control:
		return false
	case after == carriage, after == newline, after == control:
		return false
	case after == extend, after == zeroJoiner, after == spacing, before == prepend:
		return true
	case after == pictograph:
		return picture == pictographJoiner
	case before == regional && after == regional:
		return flags%2 == 1
	}
	return false
}
