package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tertulia/internal/lang"
)

// words checks what a site says in the owner's own words.
func (l *loader) words(c conversationSettings, where string) {
	for _, tag := range slices.Sorted(maps.Keys(c.Strings)) {
		key := "site.conversation.strings." + tag
		own, ok := c.Strings[tag].(map[string]any)
		switch {
		case tag != "es" && tag != "en":
			l.wrong(key+where, "there is no such language", "one of: en, es")
			continue
		case !ok:
			l.wrong(key+where, "it must be a table of texts", `write it like es = { "conversation.title" = "Charla" }`)
			continue
		}
		_, mistakes := lang.For(tag).Saying(own)
		for _, m := range mistakes {
			hint := fmt.Sprintf("the usual one is: %s", lang.For(tag).Forms(m.Key)["other"])
			if m.Nil {
				hint = nearestWord(m.Key)
			}
			l.wrong(key+"."+m.Key+where, m.What, hint)
		}
	}
}

// words are the languages with the owner's own words.
func (c conversationSettings) words() (all []lang.Lang) {
	for _, tag := range slices.Sorted(maps.Keys(c.Strings)) {
		own, _ := c.Strings[tag].(map[string]any) // as was checked
		said, _ := lang.For(tag).Saying(own)
		all = append(all, said)
	}
	return all
}

// nearestWord is a hint for the name of a sentence that does not exist: the one that was
// perhaps meant, or those that stand beside it.
func nearestWord(key string) string {
	section, name := splitKey(key)
	best, least := "", 3
	var beside []string
	for _, known := range lang.For("en").Keys() {
		there, _ := splitKey(known)
		if d := slips(key, known); d < least || d == least && best == "" {
			best, least = known, d
		}
		if there == section {
			beside = append(beside, known)
		}
	}
	if readers := "conversation." + name; best == "" && lang.For("en").Has(readers) {
		best = readers
	}
	switch {
	case best != "":
		return "did you mean " + best + "?"
	case len(beside) > 0:
		return "there are: " + strings.Join(beside, ", ")
	}
	return `write it like "conversation.title"`
}
