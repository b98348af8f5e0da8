package main

import (
	"reflect"
	"strings"
)

// nearest is a hint for a key that does not exist: the one that was perhaps meant,
// or those that there are in its section.
func nearest(key string) string {
	section, name := splitKey(strings.ToLower(key))
	best, least := "", 3 // more than two slips are another word
	var beside []string
	for _, known := range keys(reflect.TypeFor[settings](), "") {
		there, word := splitKey(known)
		d := slips(name, word)
		if d < least && d < len(name) || d == least && d < 3 && there == section {
			best, least = known, d
		}
		if there == section {
			beside = append(beside, word)
		}
	}
	switch {
	case best != "":
		return "did you mean " + best + "?"
	case section == "":
		return "there are: " + strings.Join(beside, ", ")
	}
	return "in " + section + " there are: " + strings.Join(beside, ", ")
}

// splitKey splits a key into its section and its own name.
func splitKey(key string) (section, name string) {
	dot := strings.LastIndexByte(key, '.')
	return key[:max(dot, 0)], key[dot+1:]
}

// keys are all keys that there are: sections before what is in them.
func keys(t reflect.Type, prefix string) []string {
	var all []string
	for name, field := range fields(reflect.New(t).Elem()) {
		all = append(all, prefix+name)
		switch {
		case isSection(field.Type()):
			all = append(all, keys(field.Type(), prefix+name+".")...)
		case isSections(field.Type()):
			all = append(all, keys(field.Type().Elem(), prefix+name+".")...)
		}
	}
	return all
}

// slips counts the letters that must be put in, left out or exchanged to make one
// word of the other.
func slips(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
