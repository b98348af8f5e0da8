package syndicate

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"tertulia/mf2"
)

// Measure says what a text counts on a network. The whole counts what its grapheme clusters
// count together.
type Measure func(text string) int

// Graphemes counts what readers take for one character each (UAX #29).
func Graphemes(text string) int {
	n := 0
	for range clusters(text) {
		n++
	}
	return n
}

// CodePoints counts the characters of Unicode.
func CodePoints(text string) int { return utf8.RuneCountInString(text) }

// UTF16 counts code units, as JavaScript and Telegram do.
func UTF16(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// Bytes counts those of UTF-8.
func Bytes(text string) int { return len(text) }

// single are the characters that count one on X; all others count two.
var single = &unicode.RangeTable{
	R16: []unicode.Range16{{0, 0x10ff, 1}, {0x2000, 0x200d, 1}, {0x2010, 0x201f, 1}, {0x2032, 0x2037, 1}},
}

// Weighted counts as X does: two for an emoji, whatever it is made of, and for characters of
// scripts that say much with few.
func Weighted(text string) int {
	n := 0
	for c := range clusters(text) {
		if mf2.IsEmoji(c) {
			n += 2
			continue
		}
		for _, r := range c {
			if n++; !unicode.Is(single, r) {
				n++
			}
		}
	}
	return n
}

// EmojiBytes counts as Threads does: an emoji by its bytes, everything else by its characters.
func EmojiBytes(text string) int {
	n := 0
	for c := range clusters(text) {
		if mf2.IsEmoji(c) {
			n += len(c)
		} else {
			n += utf8.RuneCountInString(c)
		}
	}
	return n
}
