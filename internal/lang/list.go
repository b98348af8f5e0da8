package lang

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// List joins names as a sentence does: "Ana, Bruno y Carla", "Ana e Inés",
// "Ana, Bruno and Carla".
func (l Lang) List(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := names[len(names)-1]
	and := " and "
	switch {
	case l.spanish && soundsLikeI(last):
		and = " e "
	case l.spanish:
		and = " y "
	}
	return strings.Join(names[:len(names)-1], ", ") + and + last
}

// soundsLikeI reports whether a Spanish word begins with the sound i, before
// which "y" becomes "e": Inés, hijos, Yves; but not hielo, Iago or Yolanda, where
// a diphthong begins.
func soundsLikeI(word string) bool {
	word = strings.TrimPrefix(strings.ToLower(strings.TrimLeft(word, " \"'«“¿¡@#")), "h")
	r, size := utf8.DecodeRuneInString(word)
	next, _ := utf8.DecodeRuneInString(word[size:])
	vowel := strings.ContainsRune("aeouáéóú", next)
	switch r {
	case 'í':
		return true
	case 'i':
		return !vowel
	case 'y':
		return !vowel && next >= 'a' && next <= 'z'
	}
	return false
}

// Number writes an integer with its thousands apart: "12.345" in Spanish, where
// four digits stay together ("1234"), and "12,345" in English.
func (l Lang) Number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	separator := ","
	if l.spanish {
		separator = "."
		if len(digits) == 4 {
			return sign + digits
		}
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// Decimal writes x with the given number of places: "1,5" in Spanish, "1.5" in English.
func (l Lang) Decimal(x float64, places int) string {
	s := strconv.FormatFloat(x, 'f', places, 64)
	if l.spanish {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s
}
