package frontmatter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (d *tomlDoc) set(path []string, value any) (string, error) {
	for _, st := range d.statements {
		if st.value == nil || st.array || !under(path, st.keys) {
			continue
		}
		old, _ := lookup(d.vals, st.keys)
		return d.flow.set(st.value, path[len(st.keys):], old, value)
	}
	if _, ok := lookup(d.vals, path); ok { // tables give way to a value
		text, err := d.remove(path)
		if err != nil {
			return "", err
		}
		without, err := readTOML(text, d.eol)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrUneditable, err)
		}
		return without.set(path, value)
	}
	return d.insert(path, value)
}

// insert adds a key that is not there: beside the keys that share most of its path,
// else below a new header at the end.
func (d *tomlDoc) insert(path []string, value any) (string, error) {
	parent := path[:len(path)-1]
	at, table := -1, 0 // the statement to stand behind, the length of its table's path
	shared := -1
	for i, st := range d.statements {
		if st.array || !under(path, st.keys[:st.table]) {
			continue
		}
		common := st.table
		for st.value != nil && common < min(len(st.keys), len(path))-1 && st.keys[common] == path[common] {
			common++
		}
		if common >= shared {
			at, table, shared = i, st.table, common
		}
	}
	_, isTable := value.(map[string]any)
	if shared <= 0 && len(parent) == 0 && !isTable || shared > 0 && shared == len(parent) {
		return d.line(at, path[table:], value), nil
	}
	if shared > table { // the rest of the path belongs to a table made of dotted keys
		return d.line(at, path[table:shared+1], within(path[shared+1:], value)), nil
	}
	if isTable && len(parent) == 0 {
		return d.header(path, value.(map[string]any)), nil
	}
	return d.header(parent, map[string]any{path[len(parent)]: value}), nil
}

// line writes a key with its value behind statement at or, if that is -1, before
// the first table.
func (d *tomlDoc) line(at int, keys []string, value any) string {
	var b strings.Builder
	for i, key := range keys {
		name := TOML.key(key)
		if i < len(keys)-1 {
			name = strings.TrimSuffix(name, " = ") + "."
		}
		b.WriteString(name)
	}
	b.WriteString(TOML.inline(value, ""))
	if at >= 0 {
		end := d.lineEnd(d.statements[at].end)
		return d.text[:end] + d.eol + b.String() + d.text[end:]
	}
	if len(d.statements) == 0 {
		return d.closed() + b.String() + d.eol
	}
	// Comments right above the first header are the header's.
	start := d.lineStart(d.statements[0].start)
	for start > 0 && strings.HasPrefix(strings.TrimLeft(d.text[d.lineStart(start-1):], " \t"), "#") {
		start = d.lineStart(start - 1)
	}
	return d.text[:start] + b.String() + d.eol + d.eol + d.text[start:]
}

// header writes a table at the end.
func (d *tomlDoc) header(path []string, table map[string]any) string {
	names := make([]string, len(path))
	for i, key := range path {
		names[i] = strings.TrimSuffix(TOML.key(key), " = ")
	}
	text := d.closed()
	if text != "" {
		text += d.eol
	}
	text += "[" + strings.Join(names, ".") + "]" + d.eol
	for _, key := range slices.Sorted(maps.Keys(table)) {
		text += TOML.key(key) + TOML.inline(table[key], "") + d.eol
	}
	return text
}

// closed is the text with its last line ended.
func (d *tomlDoc) closed() string {
	if d.text == "" || strings.HasSuffix(d.text, "\n") {
		return d.text
	}
	return d.text + d.eol
}

// remove takes out a key, or every table and dotted key at path and below.
func (d *tomlDoc) remove(path []string) (string, error) {
	var b strings.Builder
	kept, removed := 0, false
	for i := 0; i < len(d.statements); i++ {
		st := d.statements[i]
		if st.value != nil && !st.array && len(st.keys) < len(path) && under(path, st.keys) {
			return d.flow.remove(st.value, path[len(st.keys):])
		}
		if !under(st.keys, path) {
			continue
		}
		end := st.end
		if st.value == nil { // a header goes with its table's keys and what stands between them
			for i+1 < len(d.statements) && d.statements[i+1].value != nil {
				i++
				end = d.statements[i].end
			}
		}
		end = d.lineEnd(end)
		if end += strings.IndexByte(d.text[end:]+"\n", '\n') + 1; end > len(d.text) {
			end = len(d.text)
		}
		b.WriteString(d.text[kept:d.lineStart(st.start)])
		kept, removed = end, true
	}
	if !removed {
		return "", fmt.Errorf("%w: %s does not stand here", ErrUneditable, path[len(path)-1])
	}
	b.WriteString(d.text[kept:])
	parent := path[:len(path)-1]
	for _, st := range d.statements {
		if len(parent) == 0 || under(st.keys, parent) && !under(st.keys, path) {
			return b.String(), nil
		}
	}
	// Nothing is left that would make the parent a table.
	rest := tomlDoc{flow: flow{text: b.String(), format: TOML, eol: d.eol}}
	return rest.header(parent, nil), nil
}

// lineEnd is the end of the line that at is in, before its break.
func (d *tomlDoc) lineEnd(at int) int {
	end := len(d.text)
	if i := strings.IndexByte(d.text[at:], '\n'); i >= 0 {
		end = at + i
	}
	if end > at && d.text[end-1] == '\r' {
		end--
	}
	return end
}

// lineStart is the start of the line that at is in.
func (d *tomlDoc) lineStart(at int) int { return strings.LastIndexByte(d.text[:at], '\n') + 1 }
