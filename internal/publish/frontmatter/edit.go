package frontmatter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Values is the front matter decoded: string, bool, int64, float64, time.Time,
// []any, map[string]any and, for nothing, nil. A YAML or TOML time without an
// offset is in UTC; yes, no, on and off are strings, as in YAML 1.2; a number too
// large for int64 is a float64; a JSON time is a string. The caller may change it.
//
// It fails for what cannot be understood in one way only: broken syntax, a key twice,
// more than one document, invalid UTF-8, more than 4 MiB, aliases that multiply.
func (f *File) Values() (map[string]any, error) {
	if err := f.parse(); err != nil {
		return nil, err
	}
	return clone(f.doc.values()).(map[string]any), nil
}

// Get is the value at path, through mappings: Get("extra", "mf2"). It is false where
// there is none or Values fails.
func (f *File) Get(path ...string) (any, bool) {
	if f.parse() != nil {
		return nil, false
	}
	v, ok := lookup(f.doc.values(), path)
	return clone(v), ok
}

// Set makes value the value at path, which leads through mappings.
//
// An equal value changes nothing. A list that grew at its end gets the new items
// behind the others, a mapping is changed key by key; anything else is replaced. A
// new key goes to the end of its mapping (TOML: of its table), missing parents are
// made. Strings are quoted wherever a reader could take them for something else; times
// are RFC 3339 with their offset, in JSON as a string. Beside the types of Values,
// value may have int, json.Number, and slices and maps of these types. TOML has no nil.
//
// It fails with [ErrUneditable] where nothing can be done in place.
func (f *File) Set(value any, path ...string) error {
	value, err := f.settable(value, path)
	if err != nil {
		return fmt.Errorf("set %s: %w", strings.Join(path, "."), err)
	}
	before := *f
	before.made = maps.Clone(f.made)
	if err := f.setAny(value, path); err != nil {
		*f = before
		return fmt.Errorf("set %s: %w", strings.Join(path, "."), err)
	}
	return nil
}

// settable checks what Set was given.
func (f *File) settable(value any, path []string) (any, error) {
	if f.format == None {
		return nil, fmt.Errorf("%w: the file has none", ErrUneditable)
	}
	if len(path) == 0 || len(path) > maxDepth {
		return nil, errors.New("a path has 1 to 200 keys")
	}
	for _, key := range path {
		if err := checkKey(key); err != nil {
			return nil, err
		}
	}
	if err := f.parse(); err != nil {
		return nil, err
	}
	value, err := normal(value, len(path))
	if err != nil {
		return nil, err
	}
	if f.format == JSON {
		value, err = jsonValue(value)
	} else if f.format == TOML {
		err = tomlValue(value)
	}
	return value, err
}

// setAny sets a value of any kind: a mapping over a mapping key by key and, if that
// cannot be done, as a whole.
func (f *File) setAny(value any, path []string) error {
	old, _ := lookup(f.doc.values(), path)
	was, ok := old.(map[string]any)
	now, is := value.(map[string]any)
	if !ok || !is || len(was) == 0 || len(now) == 0 {
		return f.setOne(value, path)
	}
	before := *f
	before.made = maps.Clone(f.made)
	err := f.setKeys(was, now, path)
	if errors.Is(err, ErrUneditable) {
		*f = before
		return f.setOne(value, path)
	}
	return err
}

// setKeys makes the mapping at path, which was was, now.
func (f *File) setKeys(was, now map[string]any, path []string) error {
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if err := f.setAny(now[key], append(slices.Clip(path), key)); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if _, ok := now[key]; !ok {
			if err := f.removeOne(append(slices.Clip(path), key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// setOne sets one value in the text.
func (f *File) setOne(value any, path []string) error {
	values := f.doc.values()
	if old, ok := lookup(values, path); ok && equal(old, value) {
		return nil
	}
	for i := 1; i < len(path); i++ {
		parent, _ := lookup(values, path[:i])
		switch parent.(type) {
		case map[string]any:
		case nil:
			if f.made == nil {
				f.made = make(map[string]struct{})
			}
			f.made[joined(path[:i])] = struct{}{}
		default:
			return fmt.Errorf("%w: %s is no mapping", ErrUneditable, path[i-1])
		}
	}
	text, err := f.doc.set(path, value)
	if err != nil {
		return err
	}
	return f.replace(text, path, value, false)
}

// Delete removes the key at path with the lines of its value and the comment behind
// it on its own lines; comments above it stay. An absent key is no error. A mapping
// that becomes empty stays, as an empty one, unless a Set on this File made it.
//
// It fails with [ErrUneditable] where nothing can be done in place.
func (f *File) Delete(path ...string) error {
	if err := f.parse(); err != nil {
		return fmt.Errorf("delete %s: %w", strings.Join(path, "."), err)
	}
	if _, ok := lookup(f.doc.values(), path); !ok || len(path) == 0 {
		return nil
	}
	for len(path) > 1 {
		parent, _ := lookup(f.doc.values(), path[:len(path)-1])
		_, made := f.made[joined(path[:len(path)-1])]
		if m, ok := parent.(map[string]any); !ok || len(m) > 1 || !made {
			break
		}
		path = path[:len(path)-1]
	}
	if err := f.removeOne(path); err != nil {
		return fmt.Errorf("delete %s: %w", strings.Join(path, "."), err)
	}
	return nil
}

// removeOne removes one key from the text.
func (f *File) removeOne(path []string) error {
	text, err := f.doc.remove(path)
	if err != nil {
		return err
	}
	if err := f.replace(text, path, nil, true); err != nil {
		return err
	}
	maps.DeleteFunc(f.made, func(made string, _ struct{}) bool {
		return strings.HasPrefix(made, joined(path))
	})
	return nil
}

// replace takes a new text if it says what it should.
func (f *File) replace(text string, path []string, value any, gone bool) error {
	doc, err := f.read(text)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUneditable, err)
	}
	if !changedOnly(f.doc.values(), doc.values(), path, value, gone) {
		return fmt.Errorf("%w: something else would change", ErrUneditable)
	}
	if _, _, ok := closing(text, 0, f.fence); ok && f.fence != "" {
		return fmt.Errorf("%w: the front matter would end early", ErrUneditable)
	}
	f.front, f.doc = text, doc
	return nil
}

// parse reads the front matter unless that was done.
func (f *File) parse() error {
	if f.doc != nil {
		return nil
	}
	doc, err := f.read(f.front)
	if err != nil {
		return err
	}
	f.doc = doc
	return nil
}

// read parses text in the file's format.
func (f *File) read(text string) (document, error) {
	if len(text) > maxFront {
		return nil, fmt.Errorf("front matter has %d bytes, more than %d", len(text), maxFront)
	}
	if !utf8.ValidString(text) {
		return nil, errors.New("front matter is not valid UTF-8")
	}
	switch f.format {
	case YAML:
		return readYAML(text, f.eol)
	case TOML:
		return readTOML(text, f.eol)
	case JSON:
		return readJSON(text, f.eol)
	}
	return nothing{}, nil
}

// nothing is the front matter of a file that has none.
type nothing struct{}

func (nothing) values() map[string]any            { return map[string]any{} }
func (nothing) set([]string, any) (string, error) { return "", ErrUneditable }
func (nothing) remove([]string) (string, error)   { return "", ErrUneditable }

// joined is a path as a key of made; one path's key is a prefix of those below it.
func joined(path []string) string {
	var b strings.Builder
	for _, key := range path {
		fmt.Fprintf(&b, "%d:%s/", len(key), key)
	}
	return b.String()
}
