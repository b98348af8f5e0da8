package mf2_test

import (
	"strings"
	"testing"

	"tertulia/mf2"
)

var emojiCases = []struct {
	text string
	want bool
}{
	{"👍", true},
	{" 👍\n", true},
	{"👍🏽", true},
	{"❤", true},
	{"❤️", true},
	{"❤️‍🔥", true},
	{"👩‍👩‍👧‍👦", true},
	{"🧑🏿‍🤝‍🧑🏻", true},
	{"🏳️‍🌈", true},
	{"🏴‍☠️", true},
	{"🇦🇷", true},
	{"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", true}, // Scotland
	{"5️⃣", true},
	{"#⃣", true},
	{"🏻", true},
	{"©️", true},
	{"🫠", true},
	{"", false},
	{"   ", false},
	{"a", false},
	{"5", false},
	{"#", false},
	{"©", false},
	{"❤︎", false}, // a letter
	{"👍👍", false},
	{"👍 👍", false},
	{"👍!", false},
	{"👍‍", false}, // joined with nothing
	{"\u200d👍", false},
	{"👍🏽🏽", false},
	{"🇦", false},
	{"🇦🇷🇦", false},
	{"🇦🇷🇺🇾", false},
	{"🏴\U000e0067\U000e0062", false},
	{"🏴\U000e007f", false},
	{"ñ", false},
	{"漢", false},
	{"\u200d", false},
	{"\ufe0f", false},
	{"☃ ok", false},
	{strings.Repeat("👩‍", 11) + "👩", false},
	{"👍" + strings.Repeat("\U000e0067", 1000), false},
}

// SPECS MF-11
func TestIsEmoji(t *testing.T) {
	for _, tt := range emojiCases {
		if got := mf2.IsEmoji(tt.text); got != tt.want {
			t.Errorf("%q (%+q): got %v, want %v", tt.text, tt.text, got, tt.want)
		}
	}
}

// Two emoji, or an emoji and a word, are never one.
func FuzzIsEmoji(f *testing.F) {
	for _, tt := range emojiCases {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !mf2.IsEmoji(text) {
			return
		}
		for _, more := range []string{text + " " + text, text + "x", "x" + text} {
			if mf2.IsEmoji(more) {
				t.Errorf("%+q is one, and so is %+q", text, more)
			}
		}
	})
}
