// Package mf2 is the microformats2 value that the other packages speak.
//
// An [Item] is what a Micropub client sends, what a page says about itself and
// what the store keeps: types, properties whose values are plain JSON values,
// children. The package reads items from HTML within a budget ([Parse]), tells
// what kind of post or response an item is ([Item.Kind], [Item.ResponseKind]),
// who wrote it ([Page.Author]) and translates to and from JF2.
//
//	page, _, err := mf2.Parse(resp.Body, resp.Header.Get("Content-Type"), resp.Request.URL)
//	entry, ok := page.Entry()
//	fmt.Println(entry.Kind(), entry.Get("name"))
//
// It follows the microformats2 parsing rules, the post type discovery note, the
// authorship algorithm and the JF2 note.
package mf2

import (
	"maps"
	"slices"
)

// Item is one microformats2 object.
//
// The values in Properties are JSON values as encoding/json decodes them into
// any: string, json.Number or float64, bool, nil, []any and map[string]any. A
// nested item is a map with "type" and "properties" ([AsItem] reads it), marked-up
// text a map with "html" and "value", a picture with a description a map with
// "value" and "alt". They are kept as they came, so that what was sent can be
// given back.
type Item struct {
	Type       []string         `json:"type"`
	Properties map[string][]any `json:"properties"`
	Children   []Item           `json:"children,omitempty"`
}

// Is reports whether the item has the type, which is written in full: "h-entry".
func (it Item) Is(typ string) bool { return slices.Contains(it.Type, typ) }

// Get returns the property's first value as plain text: a string as it is, a
// number or a bool as JSON writes it, of an object its "value" (or the text of its
// "html"), of a nested item its name, else its url, else its value. It is "" when
// there is no such property or its value says nothing.
func (it Item) Get(name string) string {
	if values := it.Properties[name]; len(values) > 0 {
		return text(values[0], maxDepth)
	}
	return ""
}

// Strings returns all values of the property as [Item.Get] would read each,
// without the empty ones.
func (it Item) Strings(name string) []string {
	return it.each(name, text)
}

// URLs returns the values of the property as addresses, each once and in order: a
// string as it is, of an object its "value", of a nested item (an h-cite) its
// first url, else its value. They are not checked or resolved: a stranger may have
// written anything there.
func (it Item) URLs(name string) []string {
	var urls []string
	for _, u := range it.each(name, address) {
		if !slices.Contains(urls, u) {
			urls = append(urls, u)
		}
	}
	return urls
}

// HTML returns the markup of the property's first value, and whether it has any.
// The markup is as its author wrote it: make it harmless before showing it.
func (it Item) HTML(name string) (string, bool) {
	values := it.Properties[name]
	if len(values) == 0 {
		return "", false
	}
	object, _ := values[0].(map[string]any)
	markup, ok := object["html"].(string)
	return markup, ok
}

// Clone returns a copy that shares nothing with the item.
func (it Item) Clone() Item {
	clone := Item{Type: slices.Clone(it.Type)}
	if it.Properties != nil {
		clone.Properties = make(map[string][]any, len(it.Properties))
	}
	for name, values := range it.Properties {
		clone.Properties[name] = cloneSlice(values)
	}
	if it.Children != nil {
		clone.Children = make([]Item, len(it.Children))
	}
	for i, child := range it.Children {
		clone.Children[i] = child.Clone()
	}
	return clone
}

func (it Item) each(name string, read func(v any, depth int) string) []string {
	var out []string
	for _, v := range it.Properties[name] {
		if s := read(v, maxDepth); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		clone := maps.Clone(v)
		for key, value := range clone {
			clone[key] = cloneValue(value)
		}
		return clone
	case []any:
		return cloneSlice(v)
	case Item:
		return v.Clone()
	}
	return v
}

func cloneSlice(values []any) []any {
	clone := slices.Clone(values)
	for i, v := range clone {
		clone[i] = cloneValue(v)
	}
	return clone
}
