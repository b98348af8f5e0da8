package mf2

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// reserved are the names that JF2 keeps for itself, so that no property has them.
//
// Spec: jf2#J-3
var reserved = []string{"type", "children", "references", "@context"}

// ErrBadJF2 is what an object gives that is no JF2 post.
var ErrBadJF2 = errors.New("mf2: not JF2")

// JF2 returns the item in the simpler form of the JF2 note: one type, without "h-";
// a single value without its array; marked-up text as "html" and "text". A nested
// h-cite, whose authority is elsewhere, is its url, with the copy that we have under
// "references". Further types, and properties with a name that JF2 reserves, have no
// place there. The result shares nothing with the item.
//
// Spec: jf2#J-1, jf2#J-2, jf2#J-4, jf2#J-5, jf2#J-6
func (it Item) JF2() map[string]any {
	references := map[string]any{}
	object := it.jf2(references, maxDepth)
	if len(references) > 0 {
		object["references"] = references
	}
	return object
}

// jf2 writes the item; references collects the cites, and is nil where they stay in
// place: inside a reference.
func (it Item) jf2(references map[string]any, depth int) map[string]any {
	object := make(map[string]any, len(it.Properties)+1)
	if len(it.Type) > 0 {
		if typ := bareType(it.Type[0]); typ != "" {
			object["type"] = typ
		}
	}
	for _, name := range sortedKeys(it.Properties) {
		if slices.Contains(reserved, name) {
			continue
		}
		values := make([]any, len(it.Properties[name]))
		for i, v := range it.Properties[name] {
			values[i] = jf2Value(v, references, depth)
		}
		object[name] = values
		if len(values) == 1 {
			if _, isList := values[0].([]any); !isList {
				object[name] = values[0]
			}
		}
	}
	var children []any
	for _, child := range it.Children {
		if depth > 0 {
			children = append(children, child.jf2(references, depth-1))
		}
	}
	if children != nil {
		object["children"] = children
	}
	return object
}

func jf2Value(v any, references map[string]any, depth int) any {
	nested, ok := AsItem(v)
	if !ok || depth == 0 {
		return jf2Plain(v)
	}
	u := address(v, maxDepth)
	if references == nil || !nested.Is("h-cite") || !isWeb(u) {
		return nested.jf2(references, depth-1)
	}
	object := nested.jf2(nil, depth-1)
	if known, taken := references[u]; taken && !reflect.DeepEqual(known, object) {
		return object
	}
	references[u] = object
	return u
}

// jf2Plain writes a value that is no item: marked-up text has "text" where
// microformats have "value".
func jf2Plain(v any) any {
	clone := cloneValue(v)
	if object, ok := clone.(map[string]any); ok {
		rename(object, "value", "text")
	}
	return clone
}

// rename renames a key of an object of marked-up text.
func rename(object map[string]any, from, to string) {
	value, ok := object[from]
	if _, taken := object[to]; ok && !taken && object["html"] != nil {
		delete(object, from)
		object[to] = value
	}
}

// FromJF2 returns the item that a JF2 object stands for. Single values and arrays
// are both understood, unknown types and properties are kept. An address that
// "references" describes becomes a nested item where it first stands, properties
// taken by name; an item's own url and uid stay as they are.
// The result shares nothing with the object. An object whose type is no string or
// whose children are no objects is [ErrBadJF2], and one that nests more than ten
// items is [ErrTooDeep].
//
// Spec: jf2#J-2, jf2#J-5, jf2#J-7
func FromJF2(object map[string]any) (Item, error) {
	references, _ := object["references"].(map[string]any)
	return fromJF2(object, maps.Clone(references), maxDepth+1)
}

// fromJF2 reads an object; references are the ones that have not been used yet. Each
// is used once, so that what is read is never larger than what was sent.
func fromJF2(object, references map[string]any, depth int) (Item, error) {
	if depth == 0 {
		return Item{}, fmt.Errorf("read JF2: %w", ErrTooDeep)
	}
	it := Item{Properties: make(map[string][]any, len(object))}
	if v, ok := object["type"]; ok {
		types := strs(v)
		if len(types) == 0 || bareType(types[0]) == "" {
			return Item{}, fmt.Errorf("read JF2: type is %.40v: %w", v, ErrBadJF2)
		}
		it.Type = []string{"h-" + bareType(types[0])}
	}
	for _, name := range sortedKeys(object) {
		if slices.Contains(reserved, name) {
			continue
		}
		known := references
		if name == "url" || name == "uid" {
			known = nil
		}
		values := slices.Clone(list(object[name]))
		for i, v := range values {
			var err error
			if values[i], err = fromJF2Value(v, known, depth); err != nil {
				return Item{}, err
			}
		}
		it.Properties[name] = values
	}
	children, ok := object["children"]
	if !ok {
		return it, nil
	}
	for _, c := range list(children) {
		child, ok := c.(map[string]any)
		if !ok {
			return Item{}, fmt.Errorf("read JF2: a child is a %T: %w", c, ErrBadJF2)
		}
		nested, err := fromJF2(child, references, depth-1)
		if err != nil {
			return Item{}, err
		}
		it.Children = append(it.Children, nested)
	}
	return it, nil
}

func fromJF2Value(v any, references map[string]any, depth int) (any, error) {
	if u, ok := v.(string); ok {
		if reference, ok := references[u].(map[string]any); ok && isNested(reference) {
			delete(references, u)
			// What a reference refers to stays an address: it may refer to itself.
			object, err := nest(reference, nil, depth-1)
			if err != nil {
				return nil, err
			}
			object["value"] = u
			return object, nil
		}
		return v, nil
	}
	object, ok := v.(map[string]any)
	if ok && isNested(object) {
		return nest(object, references, depth-1)
	}
	clone := cloneValue(v)
	if object, ok := clone.(map[string]any); ok {
		rename(object, "text", "value")
	}
	return clone, nil
}

// isNested reports whether an object in a property is an item of its own. One that
// is already a microformats2 item is left as it is.
func isNested(object map[string]any) bool {
	types := strs(object["type"])
	_, already := AsItem(object)
	return !already && len(types) > 0 && bareType(types[0]) != ""
}

// bareType is a type as JF2 writes it.
func bareType(s string) string {
	for strings.HasPrefix(s, "h-") {
		s = s[len("h-"):]
	}
	return s
}

// nest reads a JF2 object as the value that a nested item is.
func nest(object, references map[string]any, depth int) (map[string]any, error) {
	it, err := fromJF2(object, references, depth)
	if err != nil {
		return nil, err
	}
	return it.Value(), nil
}
