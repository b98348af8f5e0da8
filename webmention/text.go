package webmention

import (
	"iter"
	"regexp"
	"strings"
	"unicode"
)

var textURL = regexp.MustCompile(`(?i)https?://`)

// textURLs yields the URLs that stand in a plain text and where each ends. One
// begins at a word boundary and runs to white space, a quote, an angle bracket or
// a closing bracket that was not opened in it: "(see https://a.example/b)". What
// follows it in the sentence may be at its end still: [withoutPunctuation].
func textURLs(text string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for pos := 0; pos < len(text); {
			hit := textURL.FindStringIndex(text[pos:])
			if hit == nil {
				return
			}
			start := pos + hit[0]
			end := start + urlLength(text[start:])
			if !inWord(text, start) && !yield(text[start:end], end) {
				return
			}
			pos = end
		}
	}
}

// urlLength is how much of s, which begins with a URL, can belong to it.
func urlLength(s string) int {
	depth := map[rune]int{}
	for i, r := range s {
		switch r {
		case '<', '>', '"', '`', '\\', '«', '»', '“', '”', '\ufffd':
			return i
		case '(', '[', '{':
			depth[r]++
		case ')', ']', '}':
			opener := map[rune]rune{')': '(', ']': '[', '}': '{'}[r]
			if depth[opener]--; depth[opener] < 0 {
				return i
			}
		default:
			if unicode.IsSpace(r) || unicode.IsControl(r) {
				return i
			}
		}
	}
	return len(s)
}

func inWord(text string, start int) bool {
	if start == 0 {
		return false
	}
	c := text[start-1]
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// withoutPunctuation gives ref as it stands and with its closing punctuation taken
// off one mark at a time, longest first: "/post-1." is a URL, and so is "/post-1".
func withoutPunctuation(ref string) []string {
	spellings := []string{ref}
	for len(ref) > 0 && len(spellings) <= 8 && strings.IndexByte(".,;:!?'*_~", ref[len(ref)-1]) >= 0 {
		ref = ref[:len(ref)-1]
		spellings = append(spellings, ref)
	}
	return spellings
}
