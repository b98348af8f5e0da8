package micropub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tertulia/mf2"
)

// Update is a change of a post: which properties are replaced, added to, or
// lose values. A property is in at most one of Replace and the two deletes.
type Update struct {
	Replace   map[string][]any // all values of the property; none removes it
	Add       map[string][]any // values the property also gets
	Delete    map[string][]any // values the property loses
	DeleteAll []string         // properties that are removed
	// Commands are the mp-* instructions of the request ("mp-syndicate-to");
	// Apply does not look at them.
	Commands map[string][]any
}

// Apply returns the item with the change made, and leaves the item and the
// update untouched: nothing is shared. The change happens whole or, with an
// *Error, not at all.
//
// Deletes come first, then replacements, then additions, so that what a client
// asks to be there is there. Deleting what is not there, and adding a value that
// is already there, change nothing. Values are equal when they are the same
// JSON, whatever the order of keys or the spelling of numbers.
func (u Update) Apply(it mf2.Item) (mf2.Item, error) {
	if err := u.check(); err != nil {
		return mf2.Item{}, err
	}
	it = it.Clone()
	if it.Properties == nil {
		it.Properties = map[string][]any{}
	}
	u = Update{Replace: cloneValues(u.Replace), Add: cloneValues(u.Add), Delete: u.Delete, DeleteAll: u.DeleteAll}

	// Spec: micropub#remove-p-1
	for _, name := range u.DeleteAll {
		delete(it.Properties, name)
	}
	// Spec: micropub#remove-p-4
	for name, values := range u.Delete {
		had, ok := it.Properties[name]
		if !ok {
			continue
		}
		gone := setOf(values)
		kept := slices.DeleteFunc(had, func(v any) bool { return gone[canonical(v)] })
		setValues(it.Properties, name, kept)
	}
	// Spec: micropub#replace-p-1
	for name, values := range u.Replace {
		setValues(it.Properties, name, values)
	}
	// Spec: micropub#add-p-1
	for name, values := range u.Add {
		all := it.Properties[name]
		there := setOf(all)
		for _, v := range values {
			if key := canonical(v); !there[key] {
				there[key] = true
				all = append(all, v)
			}
		}
		setValues(it.Properties, name, all)
	}
	return it, nil
}

// check refuses an update that contradicts itself or touches reserved names.
func (u Update) check() error {
	for _, m := range []map[string][]any{u.Replace, u.Add, u.Delete} {
		for name, values := range m {
			if err := checkProperty(name, values); err != nil {
				return err
			}
		}
	}
	for _, name := range u.DeleteAll {
		if err := checkProperty(name, nil); err != nil {
			return err
		}
	}
	for name, values := range u.Commands {
		if !isCommand(name) {
			return invalid("%q is not a command", clip(name))
		}
		if err := cmp.Or(checkName(name), checkValues(name, values)); err != nil {
			return err
		}
	}
	for _, name := range append(slices.Collect(maps.Keys(u.Delete)), u.DeleteAll...) {
		if _, both := u.Replace[name]; both {
			return invalid("%q is both replaced and deleted", clip(name))
		}
	}
	return nil
}

// publishes tells whether the update may turn a draft into a post for everybody: it
// sets another post-status, or takes the one away that says so.
func (u Update) publishes() bool {
	const name = "post-status"
	public := func(v any) bool { return v != any("draft") }
	values, replaced := u.Replace[name]
	return replaced && len(values) == 0 || slices.ContainsFunc(append(slices.Clone(values), u.Add[name]...), public) ||
		u.Delete[name] != nil || slices.Contains(u.DeleteAll, name)
}

// checkProperty refuses what a post may not have as a property.
func checkProperty(name string, values []any) error {
	if err := checkName(name); err != nil {
		return err
	}
	if name == accessToken || isCommand(name) {
		return invalid("%q is not a property", clip(name))
	}
	return checkValues(name, values)
}

// setValues leaves no property without a value behind.
func setValues(properties map[string][]any, name string, values []any) {
	if len(values) == 0 {
		delete(properties, name)
		return
	}
	properties[name] = values
}

func cloneValues(properties map[string][]any) map[string][]any {
	return mf2.Item{Properties: properties}.Clone().Properties
}

// valueSet are JSON values by their canonical text, so that a long list costs no
// more than its length.
type valueSet map[string]bool

func setOf(values []any) valueSet {
	set := make(valueSet, len(values))
	for _, v := range values {
		set[canonical(v)] = true
	}
	return set
}

// canonical is one spelling of a JSON value: keys sorted, numbers as float64s,
// since one side of a comparison may have been through a store.
func canonical(v any) string {
	text, err := json.Marshal(plainNumbers(v))
	if err != nil {
		return fmt.Sprintf("%T %v", v, v) // not a JSON value; equal to itself
	}
	return string(text)
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = plainNumbers(e)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for k, e := range v {
			object[k] = plainNumbers(e)
		}
		return object
	}
	return v
}

const accessToken = "access_token"

func isCommand(name string) bool { return strings.HasPrefix(name, "mp-") }
