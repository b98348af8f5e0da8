package site

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// givenName is what somebody is called in company: of a name as it stands on a profile the
// first part, without what would lead to them. It is "" when that cannot be told: readers see
// "somebody" rather than a family name, a handle or an address.
//
//	Bruno Díaz 🦊          Bruno       pictures, pronouns and titles are no names
//	Díaz, Bruno            Bruno       a comma behind the first part turns it round
//	BRUNO DÍAZ             Bruno
//	bruno_diaz, @bruno     ""          a handle: so are bruno82, brunodiaz, brunoDiaz and bruno.example
//	de la Vega, van Dyck   ""          begins with what only family names begin with
//	Dr. Pérez              ""          a title and one more is a family name
//	山田太郎, 山田 太郎      ""          family names come first, and nothing says where they end
func givenName(name string) string {
	words, titled := nameWords(name)
	if len(words) == 0 || titled && len(words) == 1 {
		return ""
	}
	first, alone := words[0], len(words) == 1
	if family, ok := strings.CutSuffix(first, ","); ok {
		if alone || !isNameWord(family) {
			return ""
		}
		first, alone = words[1], false
	}
	first = strings.TrimRight(first, ",;:")
	switch {
	case !isNameWord(first), utf8.RuneCountInString(first) > maxGiven, beginsFamily(first):
		return ""
	case alone && strings.ToUpper(first) != first && !unicode.IsUpper(firstRune(first)) && unicode.IsLower(firstRune(first)):
		return "" // people write their names large, and handles small
	}
	return capitalised(first)
}

// maxGiven is the longest given name, in characters.
const maxGiven = 24

// nameWords are the words of a name without decoration, and whether a title stood before them.
func nameWords(name string) (words []string, titled bool) {
	depth := 0
	for word := range strings.FieldsSeq(strings.NewReplacer("(", " ( ", ")", " ) ", "[", " [ ", "]", " ] ", "“", " ", "”", " ", `"`, " ").Replace(name)) {
		switch word {
		case "(", "[":
			depth++
			continue
		case ")", "]":
			depth = max(0, depth-1)
			continue
		}
		bare := undecorated(word)
		switch {
		case depth > 0 || bare == "":
		case len(words) == 0 && titles[strings.ToLower(strings.TrimSuffix(bare, "."))]:
			titled = true
		default:
			words = append(words, bare)
		}
	}
	return words, titled
}

// undecorated is a word without the emoji and signs around it; "" for what has no letter in
// it, and for the short codes of emoji, as :verified:.
func undecorated(word string) string {
	if len(word) > 2 && strings.HasPrefix(word, ":") && strings.HasSuffix(word, ":") {
		return ""
	}
	if strings.ContainsAny(word, "@#/") || strings.IndexFunc(word, unicode.IsLetter) < 0 && strings.IndexFunc(word, unicode.IsDigit) >= 0 {
		return word // not decoration: a handle or an address, which no name is made of
	}
	word = strings.TrimFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_.,'’", r)
	})
	if strings.IndexFunc(word, unicode.IsLetter) < 0 {
		return ""
	}
	return strings.TrimLeft(word, "'’.,")
}

// isNameWord tells whether a word can be a given name: letters of scripts in which it comes
// first, perhaps joined, as in María-José, D'Arcy and J.R., and written as names are.
func isNameWord(word string) bool {
	before, after := rune(0), false // the letter before, and a sign that joins
	for i, r := range word {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo):
			return false
		case unicode.IsLetter(r):
			if unicode.IsUpper(r) && unicode.IsLower(before) && !after && word[:i] != "Mc" && word[:i] != "Mac" {
				return false // brunoDiaz
			}
			if before != 0 && after && unicode.IsLower(r) && strings.HasSuffix(word[:i], ".") {
				return false // bruno.example
			}
			before, after = r, false
		case unicode.IsMark(r):
		case strings.ContainsRune("-'’.‐", r) && before != 0 && !after:
			after = true
		default:
			return false
		}
	}
	// Behind a point there may only be more initials: J., J.R.
	return before != 0 && (!strings.Contains(word, ".") || initials(word))
}

// initials tells whether a word is made of single letters with points behind them.
func initials(word string) bool {
	for part := range strings.SplitSeq(strings.TrimSuffix(word, "."), ".") {
		if utf8.RuneCountInString(part) != 1 {
			return false
		}
	}
	return true
}

// capitalised writes a name that is all large or all small as names are written.
func capitalised(word string) string {
	if strings.Contains(word, ".") || utf8.RuneCountInString(word) == 1 || strings.ToUpper(word) != word && strings.ToLower(word) != word {
		return word
	}
	var b strings.Builder
	start := true
	for _, r := range word {
		if start {
			b.WriteRune(unicode.ToTitle(r))
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
		start = !unicode.IsLetter(r) && !unicode.IsMark(r)
	}
	return b.String()
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// titles stand before a name.
var titles = wordSet("dr dra mr mrs ms miss mx sr sra srta prof profa profe ing lic don doña fr sir dame herr frau mme mlle m")

// beginsFamily tells whether a word begins a family name, or the name of something: the
// one kind however it is written, the other, which people are called as well, when it is small.
func beginsFamily(word string) bool {
	return articles[strings.ToLower(word)] || particles[word]
}

var (
	articles  = wordSet("de del la las los el lo da das dos di du des le les der den the o")
	particles = wordSet("van von al ben bin bint ibn abu ter ten do zu zum zur af av y e i d'")
)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
