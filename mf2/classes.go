package mf2

import (
	"slices"
	"strings"
)

var (
	// The names of the first microformats, which the parser still understands.
	// An "item" is one only in a review.
	classicRoots = set(`adr geo hentry hfeed hnews hproduct hrecipe hresume hreview
		hreview-aggregate vcard vevent`)
	classicProperties = set(`additional-name adr affiliation agent attendee author average bday best
		brand category class contact count country-name dateline description dtend dtreviewed
		dtstart duration education email entry entry-content entry-summary entry-title experience
		extended-address family-name fn geo given-name honorific-prefix honorific-suffix
		identifier ingredient instructions item key label latitude listing locality location logo
		longitude mailer nickname note nutrition org photo post-office-box postal-code price
		publications published rating region rev review reviewer role skill sort-string sound
		source-org street-address summary tel title tz uid updated url votes worst yield`)
)

func set(names string) map[string]bool {
	m := make(map[string]bool)
	for _, name := range strings.Fields(names) {
		m[name] = true
	}
	return m
}

func isRoot(class string) bool {
	prefix, name, _ := strings.Cut(class, "-")
	return prefix == "h" && isName(name)
}

func isProperty(class string) bool {
	prefix, name, _ := strings.Cut(class, "-")
	return (prefix == "p" || prefix == "u" || prefix == "dt" || prefix == "e") && isName(name)
}

// isName reports whether the rest of a class is a name that microformats may have:
// words of small letters, joined by hyphens, the first of several perhaps a vendor
// with digits. "h-full" is an item, therefore, and "h-4" is not.
//
// Spec: mf2#MF-18
func isName(s string) bool {
	for first := true; ; first = false {
		word, rest, more := strings.Cut(s, "-")
		for _, c := range []byte(word) {
			if (c < 'a' || c > 'z') && (!first || !more || c < '0' || c > '9') {
				return false
			}
		}
		if word == "" || !more {
			return word != ""
		}
		s = rest
	}
}

// isMeaningful reports whether the parser may do something because of a class.
func isMeaningful(class string) bool {
	return isRoot(class) || isProperty(class) || classicRoots[class] || classicProperties[class] ||
		class == "value" || class == "value-title"
}

func none(string) bool { return false }

func notProperty(class string) bool { return !isProperty(class) && !classicProperties[class] }

// era tells which vocabulary the classes in an item belong to.
type era uint8

const (
	outside era = iota // no item: a property would be nobody's
	current            // an item of today, with h- and p- classes
	classic            // an item of the first microformats
)

// classify counts what the classes mean to the parser inside an item of the given
// era: which item they begin (outside for none) and how many properties of the
// item around they are, of which so many take its HTML.
func classify(classes []string, around era) (root era, properties, markup int) {
	switch {
	case slices.ContainsFunc(classes, isRoot):
		root = current
	case slices.ContainsFunc(classes, func(c string) bool {
		return classicRoots[c] || c == "item" && around == classic
	}):
		root = classic
	}
	for _, class := range classes {
		switch {
		case around == current && isProperty(class):
			properties++
			if strings.HasPrefix(class, "e-") {
				markup++
			}
		case around == classic && classicProperties[class]:
			properties++
			markup++
		}
	}
	return root, properties, markup
}
