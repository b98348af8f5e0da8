package publish

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"

	"tertulia/mf2"
)

// verbatim is the key of an object that holds, as JSON, a value that the formats of
// front matter cannot give back as it was: null, lists in lists, nameless keys, and numbers in an unusual spelling.
const verbatim = "$json"

// pack turns a JSON value into one that front matter can hold, and unpack turns that
// into the same value again, numbers as json.Number.
func pack(v any) any {
	switch v := v.(type) {
	case string, bool:
		return v
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil && strconv.FormatInt(n, 10) == v.String() {
			return n
		}
		if f, err := v.Float64(); err == nil && strings.Contains(v.String(), ".") && strconv.FormatFloat(f, 'f', -1, 64) == v.String() {
			return f
		}
	case []any:
		all := make([]any, len(v))
		for i, one := range v {
			if _, nested := one.([]any); nested { // no property has such a value; formats differ in it
				all[i] = map[string]any{verbatim: canonical(one)}
				continue
			}
			all[i] = pack(one)
		}
		return all
	case map[string]any:
		_, taken := v[verbatim]
		if _, nameless := v[""]; taken || nameless {
			break
		}
		all := make(map[string]any, len(v))
		for key, one := range v {
			all[key] = pack(one)
		}
		return all
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "" // no value of JSON, and none that was ever sent
	}
	return map[string]any{verbatim: string(b)}
}

// keyOf is a property as a key under mf2, and propertyOf the way back: not every reader
// of TOML takes a key without a name.
func keyOf(property string) string {
	if strings.Trim(property, "$") == "" {
		return property + "$"
	}
	return property
}

func propertyOf(key string) string {
	if strings.Trim(key, "$") == "" {
		return strings.TrimSuffix(key, "$")
	}
	return key
}

func unpack(v any) any {
	switch v := v.(type) {
	case int:
		return json.Number(strconv.Itoa(v))
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			break
		}
		return json.Number(strconv.FormatFloat(v, 'f', -1, 64))
	case string, bool:
		return v
	case []any:
		all := make([]any, len(v))
		for i, one := range v {
			all[i] = unpack(one)
		}
		return all
	case map[string]any:
		if text, ok := v[verbatim].(string); ok && len(v) == 1 {
			return decodeJSON(text)
		}
		all := make(map[string]any, len(v))
		for key, one := range v {
			all[key] = unpack(one)
		}
		return all
	}
	return scalar(plain(v))
}

// decodeJSON reads one JSON value; what is none is text.
func decodeJSON(text string) any {
	d := json.NewDecoder(bytes.NewBufferString(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return text
	}
	if _, err := d.Token(); err != io.EOF {
		return text
	}
	return v
}

// decodeInto reads what was kept of an item besides its properties.
func decodeInto(kept map[string]any, it *mf2.Item) bool {
	b, err := json.Marshal(map[string]any{"type": unpack(kept["type"]), "children": unpack(kept["children"])})
	if err != nil {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(it) == nil
}
