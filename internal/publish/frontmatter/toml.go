package frontmatter

import (
	"errors"
	"fmt"
	"time"

	"github.com/BurntSushi/toml"
)

// tomlDoc is a TOML document with its statements in the order they stand in.
type tomlDoc struct {
	flow
	statements []statement
	vals       map[string]any
}

// statement is a key with its value, or a table's header. Places are bytes from the
// text's start.
type statement struct {
	keys       []string // the whole path, its table's included
	table      int      // how many of keys are the table's
	start, end int      // from the first byte of the line's own text to behind the value
	value      *node    // nil for a header
	array      bool     // a [[header]], or below one
}

// readTOML parses a document: its values with the library, their places here.
func readTOML(text, eol string) (document, error) {
	// The library does not limit how deep values lie in each other; the scanner does.
	s := tomlScanner{text: text}
	if err := s.document(); err != nil {
		return nil, err
	}
	var raw map[string]any
	if _, err := toml.Decode(text, &raw); err != nil {
		return nil, err
	}
	vals, err := tomlPlain(raw)
	if err != nil {
		return nil, err
	}
	return &tomlDoc{flow{text, TOML, eol}, s.statements, vals.(map[string]any)}, nil
}

func (d *tomlDoc) values() map[string]any { return d.vals }

// tomlPlain turns what the library gives into the types of Values.
func tomlPlain(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case time.Time:
		return tomlTime(v)
	case map[string]any:
		m := make(map[string]any, len(v))
		for k := range v {
			if m[k], err = tomlPlain(v[k]); err != nil {
				return nil, err
			}
		}
		return m, nil
	case []map[string]any:
		list := make([]any, len(v))
		for i := range v {
			if list[i], err = tomlPlain(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case []any:
		list := make([]any, len(v))
		for i := range v {
			if list[i], err = tomlPlain(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case string, bool, int64, float64:
		return v, nil
	}
	return nil, fmt.Errorf("TOML value of type %T", v)
}

// tomlTime is a time in UTC where the file names no offset. A time of day has no
// date and is kept as text.
func tomlTime(t time.Time) (any, error) {
	switch t.Location().String() {
	case "time-local":
		return t.Format("15:04:05.999999999"), nil
	case "datetime-local", "date-local":
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	}
	return normalTime(t)
}

// tomlScanner finds where statements and values stand. It may take for TOML what is
// none: the library decides on that.
type tomlScanner struct {
	text       string
	at         int
	statements []statement
}

var errTOML = errors.New("TOML ends where more was expected")

// document reads all statements.
func (s *tomlScanner) document() error {
	var table []string
	var array [][]string // the tables that are items of a list
	for s.space(); s.at < len(s.text); s.space() {
		st := statement{start: s.at}
		brackets := s.skip("[")
		keys, err := s.keys()
		if err != nil {
			return err
		}
		if brackets == 0 {
			s.skip("= \t")
			if st.value, err = s.value(0); err != nil {
				return err
			}
			st.keys, st.table = append(table[:len(table):len(table)], keys...), len(table)
		} else {
			s.skip("] \t")
			table = keys
			st.keys, st.table = keys, len(keys)
			if brackets > 1 {
				array = append(array, keys)
			}
		}
		for _, a := range array {
			st.array = st.array || under(st.keys, a)
		}
		if len(st.keys) > maxDepth {
			return fmt.Errorf("nested deeper than %d", maxDepth)
		}
		if st.end = s.at; st.value == nil {
			for st.end > st.start && (s.text[st.end-1] == ' ' || s.text[st.end-1] == '\t') {
				st.end--
			}
		} else {
			st.end = st.value.end
		}
		s.statements = append(s.statements, st)
		if s.at == st.start {
			return fmt.Errorf("byte %d is neither key nor value", s.at)
		}
	}
	return nil
}

// under says whether path is prefix or lies below it.
func under(path, prefix []string) bool {
	if len(path) < len(prefix) {
		return false
	}
	for i := range prefix {
		if path[i] != prefix[i] {
			return false
		}
	}
	return true
}
