package mf2

import (
	"encoding/json"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// maxDepth is how far items may stand inside one another. Deeper ones are not
// read: nobody writes them, and reading them is where a small page becomes a large
// bill.
const maxDepth = 10

// AsItem reads a property's value as a nested item. It is one when it is an object
// with a type and with properties, as the parser and Micropub clients write them; a
// type that is a single string, or a property whose value is not in an array, are
// taken as if they were. The item shares its values with v.
func AsItem(v any) (Item, bool) { return asItem(v, maxDepth) }

func asItem(v any, depth int) (Item, bool) {
	if it, ok := v.(Item); ok {
		return it, true
	}
	object, ok := v.(map[string]any)
	if !ok || depth == 0 {
		return Item{}, false
	}
	properties, ok := object["properties"].(map[string]any)
	types := strs(object["type"])
	if !ok || len(types) == 0 {
		return Item{}, false
	}
	it := Item{Type: types, Properties: make(map[string][]any, len(properties))}
	for name, value := range properties {
		it.Properties[name] = list(value)
	}
	children, _ := object["children"].([]any)
	for _, c := range children {
		if child, ok := asItem(c, depth-1); ok {
			it.Children = append(it.Children, child)
		}
	}
	return it, true
}

// Value returns the item as it stands in another item's property: an object with
// "type", "properties" and, where it has any, "children". It is what [AsItem] reads,
// and shares its values with the item.
func (it Item) Value() map[string]any {
	types := make([]any, len(it.Type))
	for i, typ := range it.Type {
		types[i] = typ
	}
	properties := make(map[string]any, len(it.Properties))
	for name, values := range it.Properties {
		properties[name] = values
	}
	object := map[string]any{"type": types, "properties": properties}
	if it.Children != nil {
		children := make([]any, len(it.Children))
		for i, child := range it.Children {
			children[i] = child.Value()
		}
		object["children"] = children
	}
	return object
}

// text reads a value as Item.Get promises. depth ends a name that is an item whose
// name is an item.
func text(v any, depth int) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		return v.String()
	case map[string]any, Item:
		if depth == 0 {
			return ""
		}
		if it, ok := AsItem(v); ok {
			for _, name := range []string{"name", "url"} {
				if values := it.Properties[name]; len(values) > 0 {
					if s := text(values[0], depth-1); s != "" {
						return s
					}
				}
			}
		}
		return plain(v)
	}
	return ""
}

// address reads a value as Item.URLs promises.
//
// Spec: mf2#MF-12, mf2#MF-14
func address(v any, depth int) string {
	if s, ok := v.(string); ok {
		return strings.TrimSpace(s)
	}
	if depth == 0 {
		return ""
	}
	if it, ok := AsItem(v); ok {
		if urls := it.Properties["url"]; len(urls) > 0 {
			if s := address(urls[0], depth-1); s != "" {
				return s
			}
		}
	}
	object, _ := v.(map[string]any)
	s, _ := object["value"].(string)
	return strings.TrimSpace(s)
}

// plain is the text of an object that is no item: its value, else its markup's text.
func plain(v any) string {
	object, _ := v.(map[string]any)
	if s, ok := object["value"].(string); ok {
		return s
	}
	markup, _ := object["html"].(string)
	return stripTags(markup)
}

// stripTags returns the text of a fragment of HTML, for comparing and counting. It
// is not a way to make HTML harmless.
func stripTags(markup string) string {
	if !strings.ContainsAny(markup, "<&") {
		return markup
	}
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(markup))
	for hidden := ""; ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return strings.TrimSpace(b.String())
		}
		name, _ := z.TagName()
		switch {
		case hidden != "":
			if kind == html.EndTagToken && string(name) == hidden {
				hidden = ""
			}
		case kind == html.TextToken:
			b.WriteString(z.Token().Data)
		case kind == html.StartTagToken:
			switch string(name) {
			case "script", "style", "template":
				hidden = string(name)
			case "br", "p", "div", "li", "blockquote", "h1", "h2", "h3", "pre", "tr":
				b.WriteByte('\n')
			}
		}
	}
}

// strs reads a string, or the strings of an array.
func strs(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func list(v any) []any {
	if values, ok := v.([]any); ok {
		return values
	}
	return []any{v}
}
