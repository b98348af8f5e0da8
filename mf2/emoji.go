package mf2

import (
	"strings"
	"unicode"
)

// emoji are the characters that stand for an emoji by themselves (Unicode's property
// Emoji), but for digits, signs and letters that are text until something follows, and
// for the halves of flags. Whole blocks that are reserved for pictographs are taken whole,
// so that the emoji of next year are known as well.
var emoji = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x203c, 0x203c, 1}, {0x2049, 0x2049, 1}, {0x2139, 0x2139, 1}, {0x2194, 0x2199, 1}, {0x21a9, 0x21aa, 1},
		{0x231a, 0x231b, 1}, {0x2328, 0x2328, 1}, {0x23cf, 0x23cf, 1}, {0x23e9, 0x23f3, 1}, {0x23f8, 0x23fa, 1},
		{0x24c2, 0x24c2, 1}, {0x25aa, 0x25ab, 1}, {0x25b6, 0x25b6, 1}, {0x25c0, 0x25c0, 1}, {0x25fb, 0x25fe, 1},
		{0x2600, 0x2604, 1}, {0x260e, 0x260e, 1}, {0x2611, 0x2611, 1}, {0x2614, 0x2615, 1}, {0x2618, 0x2618, 1},
		{0x261d, 0x261d, 1}, {0x2620, 0x2620, 1}, {0x2622, 0x2623, 1}, {0x2626, 0x2626, 1}, {0x262a, 0x262a, 1},
		{0x262e, 0x262f, 1}, {0x2638, 0x263a, 1}, {0x2640, 0x2640, 1}, {0x2642, 0x2642, 1}, {0x2648, 0x2653, 1},
		{0x265f, 0x2660, 1}, {0x2663, 0x2663, 1}, {0x2665, 0x2666, 1}, {0x2668, 0x2668, 1}, {0x267b, 0x267b, 1},
		{0x267e, 0x267f, 1}, {0x2692, 0x2697, 1}, {0x2699, 0x2699, 1}, {0x269b, 0x269c, 1}, {0x26a0, 0x26a1, 1},
		{0x26a7, 0x26a7, 1}, {0x26aa, 0x26ab, 1}, {0x26b0, 0x26b1, 1}, {0x26bd, 0x26be, 1}, {0x26c4, 0x26c5, 1},
		{0x26c8, 0x26c8, 1}, {0x26ce, 0x26cf, 1}, {0x26d1, 0x26d1, 1}, {0x26d3, 0x26d4, 1}, {0x26e9, 0x26ea, 1},
		{0x26f0, 0x26f5, 1}, {0x26f7, 0x26fa, 1}, {0x26fd, 0x26fd, 1}, {0x2702, 0x2702, 1}, {0x2705, 0x2705, 1},
		{0x2708, 0x270d, 1}, {0x270f, 0x270f, 1}, {0x2712, 0x2712, 1}, {0x2714, 0x2714, 1}, {0x2716, 0x2716, 1},
		{0x271d, 0x271d, 1}, {0x2721, 0x2721, 1}, {0x2728, 0x2728, 1}, {0x2733, 0x2734, 1}, {0x2744, 0x2744, 1},
		{0x2747, 0x2747, 1}, {0x274c, 0x274c, 1}, {0x274e, 0x274e, 1}, {0x2753, 0x2755, 1}, {0x2757, 0x2757, 1},
		{0x2763, 0x2764, 1}, {0x2795, 0x2797, 1}, {0x27a1, 0x27a1, 1}, {0x27b0, 0x27b0, 1}, {0x27bf, 0x27bf, 1},
		{0x2934, 0x2935, 1}, {0x2b05, 0x2b07, 1}, {0x2b1b, 0x2b1c, 1}, {0x2b50, 0x2b50, 1}, {0x2b55, 0x2b55, 1},
		{0x3030, 0x3030, 1}, {0x303d, 0x303d, 1}, {0x3297, 0x3297, 1}, {0x3299, 0x3299, 1},
	},
	R32: []unicode.Range32{
		{0x1f004, 0x1f004, 1}, {0x1f0cf, 0x1f0cf, 1}, {0x1f170, 0x1f171, 1}, {0x1f17e, 0x1f17f, 1}, {0x1f18e, 0x1f18e, 1},
		{0x1f191, 0x1f19a, 1}, {0x1f201, 0x1f202, 1}, {0x1f21a, 0x1f21a, 1}, {0x1f22f, 0x1f22f, 1}, {0x1f232, 0x1f23a, 1},
		{0x1f250, 0x1f251, 1}, {0x1f300, 0x1f3fa, 1}, {0x1f400, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f7e0, 0x1f7eb, 1},
		{0x1f7f0, 0x1f7f0, 1}, {0x1f90c, 0x1f9ff, 1}, {0x1fa70, 0x1faff, 1},
	},
}

// The parts that emoji are put together with (UTS #51, section 1.4.9).
const (
	joiner      = '\u200d'     // of several that are shown as one
	asText      = '\ufe0e'     // what comes before is a letter
	asEmoji     = '\ufe0f'     // what comes before is an emoji
	keycap      = '\u20e3'     // around a digit
	firstTag    = '\U000e0020' // flags of regions are spelled in these
	lastTag     = '\U000e007e'
	endOfTags   = '\U000e007f'
	maxTags     = 32
	maxJoined   = 10
	maxEmojiLen = 256 // bytes; more is no emoji, and is not looked at
)

// IsEmoji reports whether a text is one emoji and nothing else but white space around it:
// what a reader sees as one picture, of however many characters it is made (skin tones,
// families, flags, keycaps). A heart or a star without a selector is one too.
func IsEmoji(text string) bool {
	if text = strings.TrimSpace(text); text == "" || len(text) > maxEmojiLen {
		return false
	}
	rest := []rune(text)
	for range maxJoined {
		n := emojiElement(rest)
		if n == 0 || n == len(rest) {
			return n > 0
		}
		if rest[n] != joiner {
			return false
		}
		rest = rest[n+1:]
	}
	return false
}

// emojiElement returns how many characters at the beginning are one element of an emoji,
// 0 for none: a flag, a keycap, or a picture with what changes it.
func emojiElement(s []rune) int {
	at := func(i int) rune {
		if i < len(s) {
			return s[i]
		}
		return 0
	}
	switch {
	case isRegional(at(0)):
		if isRegional(at(1)) {
			return 2
		}
		return 0
	case strings.ContainsRune("0123456789#*", at(0)) && at(0) != 0:
		if at(1) == asEmoji && at(2) == keycap {
			return 3
		}
		if at(1) == keycap {
			return 2
		}
		return 0
	case strings.ContainsRune("©®™", at(0)) && at(1) == asEmoji:
		return 2
	case !unicode.Is(emoji, at(0)) && !isSkinTone(at(0)), at(1) == asText:
		return 0
	}
	n := 1
	if at(n) == asEmoji {
		n++
	}
	if isSkinTone(at(n)) {
		n++
	}
	return n + tags(s[n:])
}

// tags returns how many characters at the beginning spell a region, up to their end.
func tags(s []rune) int {
	for i, r := range s[:min(len(s), maxTags)] {
		switch {
		case r == endOfTags && i > 0:
			return i + 1
		case r < firstTag || r > lastTag:
			return 0
		}
	}
	return 0
}

func isRegional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }
func isSkinTone(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }
