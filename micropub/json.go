package micropub

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"tertulia/mf2"
)

// maxDepth is how deep the arrays and objects of a JSON body may nest.
const maxDepth = 32

// strictJSON decodes one JSON value into any, numbers as json.Number. It refuses
// what two readers could read differently: keys that are equal but for case,
// bytes that are not UTF-8, anything after the value, a number that no float64 holds.
//
// Spec: micropub#conformance-classes-p-1
func strictJSON(body []byte) (any, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("it is not UTF-8")
	}
	if !json.Valid(body) {
		return nil, errors.New("it is not one JSON value")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	return strictValue(dec, maxDepth)
}

// strictValue reads the next value of a body that json.Valid has seen.
func strictValue(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Number:
		if _, err := t.Float64(); err != nil {
			return nil, errors.New("a number is too large")
		}
	case json.Delim:
		if depth == 0 {
			return nil, errors.New("it nests too deep")
		}
		if t == '{' {
			return strictObject(dec, depth-1)
		}
		list := []any{}
		for dec.More() {
			v, err := strictValue(dec, depth-1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	}
	return token, nil
}

func strictObject(dec *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string) // json.Valid: keys are strings
		folded := fold(key)
		if seen[folded] {
			return nil, errors.New("an object has a key twice")
		}
		seen[folded] = true
		if object[key], err = strictValue(dec, depth); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return object, err
}

// fold makes keys equal that another reader could take for one: those that differ in
// case, in any of the ways that Unicode has for it (encoding/json reads "ſ" as "s").
func fold(key string) string { return strings.ToLower(strings.ToUpper(key)) }

// The keys of a JSON request that have a meaning here.
var known = map[string]bool{
	"type": true, "properties": true, "children": true, accessToken: true,
	"action": true, "url": true, "replace": true, "add": true, "delete": true,
}

func (h *Handler) decodeJSON(body []byte) (request, error) {
	v, err := strictJSON(body)
	if err != nil {
		return request{}, invalid("the JSON cannot be read: %v", err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return request{}, invalid("the JSON must be an object")
	}
	return readJSON(object)
}

// readJSON turns a JSON object into a request. Unknown keys beside type and
// properties are ignored, but not beside an update: an operation that is not
// understood must not look as if it had been done.
//
// Spec: micropub#servers-li-5
func readJSON(object map[string]any) (request, error) {
	var req request
	properties, _ := object["properties"].(map[string]any)
	for _, v := range []any{object[accessToken], properties[accessToken]} {
		for _, token := range array(v) {
			s, ok := token.(string)
			if !ok {
				return request{}, invalid("access_token must be a string")
			}
			if s != "" {
				req.tokens = append(req.tokens, s)
			}
		}
	}
	commands := map[string][]any{}
	for key, v := range object {
		if folded := fold(key); folded != key && (known[folded] || isCommand(folded)) {
			return req, invalid("%q must be in lower case", clip(key))
		}
		if isCommand(key) {
			commands[key] = array(v)
		}
	}
	action, given := object["action"]
	if !given {
		it, err := readItem(object)
		if err != nil {
			return req, err
		}
		// Clients send commands beside the properties and among them. What stands in
		// both places is said once.
		for name, values := range commands {
			it.Properties[name] = union(values, it.Properties[name])
		}
		req.create, err = newCreate(it)
		return req, err
	}
	name, ok := action.(string)
	if !ok {
		return req, invalid("action must be a string")
	}
	if name != "update" {
		return req.act(name, array(object["url"]))
	}
	req.action = name
	var err error
	if req.url, err = postURL(object["url"]); err != nil {
		return req, err
	}
	req.update, err = readUpdate(object, commands)
	return req, err
}

// array is a property's values: a value without its array, as some clients send
// it, is an array of one.
func array(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// union is a list with the values of another that it does not have yet.
func union(list, more []any) []any {
	have := setOf(list)
	for _, v := range more {
		if !have[canonical(v)] {
			list = append(list, v)
		}
	}
	return list
}

// readItem reads type, properties and children of a new post. Events come from
// a client in use with bare strings and objects for values, and with a bare type.
//
// Spec: micropub#json-syntax-p-3
// Spec: micropub#nested-microformats-objects-p-4
func readItem(object map[string]any) (mf2.Item, error) {
	it := mf2.Item{Properties: map[string][]any{}}
	for _, t := range array(object["type"]) {
		typ, ok := t.(string)
		if !ok {
			return it, invalid("type must be an array of strings")
		}
		it.Type = append(it.Type, typ)
	}
	properties, ok := object["properties"].(map[string]any)
	if !ok {
		return it, invalid("properties must be an object")
	}
	for name, v := range properties {
		if v == nil {
			return it, invalid("%q is null", clip(name))
		}
		it.Properties[name] = array(v)
	}
	for _, v := range array(object["children"]) {
		child, ok := v.(map[string]any)
		if !ok {
			return it, invalid("children must be objects")
		}
		c, err := readItem(child)
		if err == nil {
			var made Create
			made, err = newCreate(c)
			c = made.Item
		}
		if err != nil {
			return it, err
		}
		it.Children = append(it.Children, c)
	}
	return it, nil
}

// readUpdate reads an update, strictly: nothing changes unless all of it is
// understood. Commands may also stand among the values to replace or add, or alone:
// a client whose person has only chosen where copies go sends no operation (CL-19).
//
// Spec: micropub#update-p-3
// Spec: micropub#update-p-4
func readUpdate(object map[string]any, commands map[string][]any) (Update, error) {
	u := Update{Commands: commands}
	operations := len(commands)
	for key, v := range object {
		var err error
		switch key {
		case "replace":
			u.Replace, err = operation(key, v, commands)
		case "add":
			u.Add, err = operation(key, v, commands)
		case "delete":
			if list, ok := v.([]any); ok {
				u.DeleteAll, err = names(list)
			} else {
				u.Delete, err = operation(key, v, nil)
			}
		default:
			if !beside[key] && !isCommand(key) {
				return Update{}, invalid("an update has no %q", clip(key))
			}
			continue
		}
		if err != nil {
			return Update{}, err
		}
		operations++
	}
	for name, values := range commands {
		command(commands, name, values)
	}
	if operations == 0 {
		return Update{}, invalid("an update needs replace, add or delete")
	}
	if len(u.Replace)+len(u.Add)+len(u.Delete)+len(u.DeleteAll)+len(commands) == 0 {
		return Update{}, invalid("the update changes nothing")
	}
	return u, u.check()
}

// What stands beside the operations of an update.
var beside = map[string]bool{"action": true, "url": true, accessToken: true}

// operation reads an object of arrays. Commands in it go to commands, if that
// is not nil.
func operation(key string, v any, commands map[string][]any) (map[string][]any, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("%s must be an object", key)
	}
	values := make(map[string][]any, len(object))
	for name, v := range object {
		list, ok := v.([]any)
		if !ok {
			return nil, invalid("the value of %q in %s must be an array", clip(name), key)
		}
		if isCommand(name) && commands != nil {
			commands[name] = union(commands[name], list)
			continue
		}
		values[name] = list
	}
	return values, nil
}

// names reads a list of properties to delete.
func names(list []any) ([]string, error) {
	all := make([]string, len(list))
	for i, v := range list {
		name, ok := v.(string)
		if !ok {
			return nil, invalid("delete must be a list of names, or an object of arrays")
		}
		all[i] = name
	}
	return all, nil
}
