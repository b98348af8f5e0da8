package lang

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// words are sentences of somebody's own, by name.
type words struct{ by map[string]sentence }

// Mistake is what is wrong with a sentence of somebody's own.
type Mistake struct {
	Key  string // its name
	What string // in English, for whoever wrote it
	Nil  bool   // no sentence has that name
}

var placeholders = regexp.MustCompile(`\{[^}]*\}`)

// Saying is the language with sentences of somebody's own in the place of those with the
// same names. Each is a text, or its plural forms by CLDR's names; names may be dotted or
// tables in each other, as TOML reads them. It may leave out what stands for an argument
// or the number, and have nothing else in braces. What is wrong is left out, and told in
// the order of the names.
func (l Lang) Saying(own map[string]any) (Lang, []Mistake) {
	flat := map[string]sentence{}
	wrong := flatten(flat, "", own)
	for _, key := range slices.Sorted(maps.Keys(flat)) {
		if m := l.mistake(key, flat[key]); m.What != "" {
			wrong = append(wrong, m)
			delete(flat, key)
		}
	}
	slices.SortFunc(wrong, func(a, b Mistake) int { return strings.Compare(a.Key, b.Key) })
	return Lang{spanish: l.spanish, own: &words{flat}}, wrong
}

// mistake says what is wrong with a sentence of somebody's own, if anything is.
func (l Lang) mistake(key string, s sentence) Mistake {
	usual, ok := l.catalogue()[key]
	if !ok {
		return Mistake{Key: key, What: "there is no such sentence", Nil: true}
	}
	may := placeholders.FindAllString(usual["other"], -1)
	for _, form := range slices.Sorted(maps.Keys(s)) {
		if _, ok := usual[form]; !ok {
			return Mistake{Key: key, What: fmt.Sprintf("it has no form %q, only: %s", form, strings.Join(slices.Sorted(maps.Keys(usual)), ", "))}
		}
		if strings.TrimSpace(s[form]) == "" {
			return Mistake{Key: key, What: "it is empty"}
		}
		for _, p := range placeholders.FindAllString(s[form], -1) {
			if !slices.Contains(may, p) {
				return Mistake{Key: key, What: fmt.Sprintf("nothing stands for %s in it", p)}
			}
		}
	}
	return Mistake{}
}

// sentence is the sentence called key: somebody's own, else the usual one.
func (l Lang) sentence(key string) (sentence, bool) {
	if l.own != nil {
		if s, ok := l.own.by[key]; ok {
			return s, true
		}
	}
	s, ok := l.catalogue()[key]
	return s, ok
}
