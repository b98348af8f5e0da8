// Package lang says things in Spanish or English: sentences, plurals, lists,
// numbers and dates.
//
// Every sentence has a name and stands in es.toml and en.toml; a test keeps both
// files complete and used.
//
//	l := lang.Match(r.Header.Get("Accept-Language"))
//	l.T("inbox.title-inbox")                 // "Pendientes de revisión"
//	l.N("conversation.replies", 3)         // "3 respuestas"
//
// Plural forms, numbers and dates follow CLDR for es and en.
package lang

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
	"golang.org/x/text/language"
)

//go:embed es.toml en.toml
var files embed.FS

// sentence is one entry of a catalogue: its plural forms by CLDR's names, or
// only "other" when it has none.
type sentence map[string]string

// spanish and english hold every sentence by its name; nothing changes them. They are read
// when somebody is first told something in the language.
var (
	spanish = sync.OnceValue(func() map[string]sentence { return load("es") })
	english = sync.OnceValue(func() map[string]sentence { return load("en") })
)

var matcher = language.NewMatcher([]language.Tag{language.English, language.Spanish})

// maxAccept bounds the Accept-Language header that is looked at, in bytes.
const maxAccept = 512

// Lang is a language that the program speaks. The zero value is English.
// It is comparable, and safe for concurrent use.
type Lang struct {
	spanish bool
	own     *words // said in the place of the usual sentences; nil: none
}

// For is the language of a BCP 47 tag: Spanish for "es" and its variants such
// as "es-AR", English for everything else.
func For(tag string) Lang {
	base, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	return Lang{spanish: strings.EqualFold(base, "es")}
}

// Match is the language that suits an Accept-Language header best; English when
// the header is empty or makes no sense.
func Match(accept string) Lang {
	if len(accept) > maxAccept {
		accept = accept[:maxAccept]
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return Lang{} // a header that cannot be read expresses no wish
	}
	_, i, _ := matcher.Match(tags...)
	return Lang{spanish: i == 1}
}

// Tag is "es" or "en", for lang attributes and for [For].
func (l Lang) Tag() string {
	if l.spanish {
		return "es"
	}
	return "en"
}

// T is the sentence called key. {1}, {2}, … in it stand for the arguments;
// integers are written as [Lang.Number] does. A key that is in no catalogue comes
// back as it is, so that the omission is seen rather than fatal.
func (l Lang) T(key string, args ...any) string {
	s, ok := l.sentence(key)
	if !ok {
		return key
	}
	return l.fill(s["other"], args)
}

// N is the sentence called key in the plural form for n. {n} stands for the
// number, {1}, {2}, … for the further arguments.
func (l Lang) N(key string, n int, args ...any) string {
	s, ok := l.sentence(key)
	if !ok {
		return key
	}
	form, ok := s[l.plural(n)]
	if !ok {
		form = s["other"]
	}
	return l.fill(form, args, "{n}", l.Number(n))
}

// catalogue holds the usual sentences of the language.
func (l Lang) catalogue() map[string]sentence {
	if l.spanish {
		return spanish()
	}
	return english()
}

// Has reports whether a sentence is called key, for keys that are put together
// from data, such as "scope." + name.
func (l Lang) Has(key string) bool {
	_, ok := l.catalogue()[key]
	return ok
}

// Keys lists the names of all sentences in order.
func (l Lang) Keys() []string { return slices.Sorted(maps.Keys(l.catalogue())) }

// Forms is the sentence called key by plural form ("one", "many", "other"); a
// sentence without plurals has only "other".
func (l Lang) Forms(key string) map[string]string { return maps.Clone(l.catalogue()[key]) }

// plural is the CLDR plural category of an integer. In Spanish whole millions
// are their own category, because a "de" follows them.
func (l Lang) plural(n int) string {
	switch {
	case n == 1 || !l.spanish && n == -1:
		return "one"
	case l.spanish && n != 0 && n%1_000_000 == 0:
		return "many"
	}
	return "other"
}

// fill puts the arguments into a sentence in one pass, so that an argument which
// itself contains "{1}" stays what it is.
func (l Lang) fill(s string, args []any, pairs ...string) string {
	for i, a := range args {
		text := ""
		switch a := a.(type) {
		case string:
			text = a
		case int:
			text = l.Number(a)
		default:
			text = fmt.Sprint(a)
		}
		pairs = append(pairs, "{"+strconv.Itoa(i+1)+"}", text)
	}
	if len(pairs) == 0 {
		return s
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// load reads an embedded catalogue. It panics on a malformed one, which no
// program that passed its tests contains.
func load(tag string) map[string]sentence {
	var tree map[string]any
	if _, err := toml.DecodeFS(files, tag+".toml", &tree); err != nil {
		panic("lang: " + tag + ".toml: " + err.Error())
	}
	flat := map[string]sentence{}
	if wrong := flatten(flat, "", tree); len(wrong) > 0 {
		panic(fmt.Sprintf("lang: %s.toml: %v", tag, wrong))
	}
	return flat
}

// flatten names the leaves of a tree of tables: [inbox] title = "…" becomes
// "inbox.title". A table with the key "other" is one sentence in its plural forms.
func flatten(flat map[string]sentence, name string, tree map[string]any) (wrong []Mistake) {
	_, plural := tree["other"].(string)
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		v, at := tree[key], key
		if plural {
			at = name
		} else if name != "" {
			at = name + "." + key
		}
		switch v := v.(type) {
		case map[string]any:
			wrong = append(wrong, flatten(flat, at, v)...)
		case string:
			if !plural {
				flat[at] = sentence{"other": v}
				continue
			}
			if flat[at] == nil {
				flat[at] = sentence{}
			}
			flat[at][key] = v
		default:
			wrong = append(wrong, Mistake{Key: at, What: "it must be a text, or a table of its plural forms with \"other\" among them"})
		}
	}
	return wrong
}
