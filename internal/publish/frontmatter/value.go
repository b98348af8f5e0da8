package frontmatter

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"
)

// maxDepth is how many collections may lie in each other, in a file and in a value.
const maxDepth = 200

// normal is v in the types that Values gives: string, bool, int64, float64,
// time.Time, []any, map[string]any, nil. It is a copy.
func normal(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("value is nested deeper than %d", maxDepth)
	}
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v, nil
	case string:
		if !utf8.ValidString(v) {
			return nil, fmt.Errorf("text is not valid UTF-8: %.40q", v)
		}
		return v, nil
	case int:
		return int64(v), nil
	case time.Time:
		return normalTime(v)
	case json.Number:
		return number(v.String())
	}
	rv := reflect.ValueOf(v)
	switch {
	case rv.Kind() == reflect.Slice && rv.Type().Elem().Kind() != reflect.Uint8:
		list := make([]any, rv.Len())
		for i := range list {
			item, err := normal(rv.Index(i).Interface(), depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = item
		}
		return list, nil
	case rv.Kind() == reflect.Map && rv.Type().Key().Kind() == reflect.String:
		m := make(map[string]any, rv.Len())
		for it := rv.MapRange(); it.Next(); {
			item, err := normal(it.Value().Interface(), depth+1)
			if err != nil {
				return nil, err
			}
			if err := checkKey(it.Key().String()); err != nil {
				return nil, err
			}
			m[it.Key().String()] = item
		}
		return m, nil
	}
	return nil, fmt.Errorf("front matter takes no %T", v)
}

// checkKey refuses keys that cannot be written: YAML readers take no key on one
// line that is longer than 1,024 characters.
func checkKey(key string) error {
	if !utf8.ValidString(key) {
		return fmt.Errorf("key is not valid UTF-8: %.40q", key)
	}
	if len(yamlQuote(key)) > 1000 {
		return fmt.Errorf("key is longer than 1,000 bytes: %.40q", key)
	}
	return nil
}

// normalTime is t with a bare offset of whole minutes, as RFC 3339 can say it.
func normalTime(t time.Time) (any, error) {
	_, offset := t.Zone()
	if offset%60 != 0 || offset <= -24*60*60 || offset >= 24*60*60 {
		t, offset = t.UTC(), 0
	}
	if t.Year() < 0 || t.Year() > 9999 {
		return nil, fmt.Errorf("time %s is not in the years 0 to 9999", t)
	}
	if offset == 0 {
		return t.UTC().Round(0), nil
	}
	return t.In(time.FixedZone("", offset)).Round(0), nil
}

// number is a JSON number as int64, else as float64.
func number(s string) (any, error) {
	var i int64
	if err := json.Unmarshal([]byte(s), &i); err == nil {
		return i, nil
	}
	var f float64
	if err := json.Unmarshal([]byte(s), &f); err != nil {
		return nil, fmt.Errorf("number %.40q: %w", s, err)
	}
	return f, nil
}

// equal says whether two normal values are the same; times, if they are the same
// instant at the same offset.
func equal(a, b any) bool {
	switch a := a.(type) {
	case time.Time:
		b, ok := b.(time.Time)
		if !ok || !a.Equal(b) {
			return false
		}
		_, offset := a.Zone()
		_, other := b.Zone()
		return offset == other
	case float64:
		b, ok := b.(float64)
		return ok && (math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b))
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// added returns what a list has gained at its end, and whether that is all that
// changed.
func added(old, value any) ([]any, bool) {
	a, ok := old.([]any)
	b, is := value.([]any)
	if !ok || !is || len(a) == 0 || len(b) <= len(a) || !slices.EqualFunc(a, b[:len(a)], equal) {
		return nil, false
	}
	return b[len(a):], true
}

// clone is a copy that shares nothing with v.
func clone(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = clone(v[i])
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for k := range v {
			m[k] = clone(v[k])
		}
		return m
	}
	return v
}

// lookup follows path through the mappings below v.
func lookup(v any, path []string) (any, bool) {
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[key]; !ok {
			return nil, false
		}
	}
	return v, true
}

// within is value below the missing mappings that path names.
func within(path []string, value any) any {
	for _, key := range slices.Backward(path) {
		value = map[string]any{key: value}
	}
	return value
}

// changedOnly says whether after is before with nothing changed but the value at path,
// which is now value or, if gone, absent.
func changedOnly(before, after any, path []string, value any, gone bool) bool {
	if len(path) == 0 {
		return equal(after, value)
	}
	a, ok := after.(map[string]any)
	if !ok {
		return false
	}
	b, _ := before.(map[string]any) // missing, or nothing yet
	for key := range a {
		if _, ok := b[key]; !ok && (gone || key != path[0]) {
			return false
		}
	}
	for key := range b {
		if key != path[0] {
			if v, ok := a[key]; !ok || !equal(v, b[key]) {
				return false
			}
		}
	}
	v, ok := a[path[0]]
	if gone && len(path) == 1 {
		return !ok
	}
	return ok && changedOnly(b[path[0]], v, path[1:], value, gone)
}
