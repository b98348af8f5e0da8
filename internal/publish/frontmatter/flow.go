package frontmatter

import (
	"fmt"
	"strings"
)

// node is a value in a text where brackets and commas divide it: JSON, a YAML flow,
// what stands right of a TOML equals sign. Places are bytes from the text's start.
type node struct {
	kind       byte // '{', '[' or 0 for a scalar
	start, end int
	entries    []entry
	items      []*node
}

// entry is a key of a mapping and its value; start is where the key begins.
type entry struct {
	name  string
	start int
	value *node
}

// find is the index of the entry called name, or -1.
func (n *node) find(name string) int {
	for i, e := range n.entries {
		if e.name == name {
			return i
		}
	}
	return -1
}

// flow edits a text made of nodes.
type flow struct {
	text   string
	format Format
	eol    string
}

// set makes value the value at path below n, where old is now.
func (f flow) set(n *node, path []string, old, value any) (string, error) {
	if len(path) == 0 {
		return f.put(n, old, value), nil
	}
	if n.kind != '{' {
		if n.kind == 0 && old == nil { // null, or TOML's nothing
			return f.put(n, nil, within(path, value)), nil
		}
		return "", fmt.Errorf("%w: no mapping to take %s", ErrUneditable, path[0])
	}
	m, _ := old.(map[string]any)
	if i := n.find(path[0]); i >= 0 {
		return f.set(n.entries[i].value, path[1:], m[path[0]], value)
	}
	ends := make([]span, len(n.entries))
	for i, e := range n.entries {
		ends[i] = span{e.start, e.value.end}
	}
	value = within(path[1:], value)
	return f.append(n, ends, func(pad string) string { return f.format.key(path[0]) + f.format.inline(value, pad) }), nil
}

// span is a piece of a text.
type span struct{ start, end int }

// put replaces n, or adds to it what a list has gained.
func (f flow) put(n *node, old, value any) string {
	if items, ok := added(old, value); ok && n.kind == '[' && len(n.items) > 0 {
		for _, item := range items {
			ends := make([]span, len(n.items))
			for i := range n.items {
				ends[i] = span{n.items[i].start, n.items[i].end}
			}
			before := len(f.text)
			f.text = f.append(n, ends, func(pad string) string { return f.format.inline(item, pad) })
			last := ends[len(ends)-1].end
			n = &node{kind: '[', start: n.start, end: n.end + len(f.text) - before,
				items: append(n.items[:len(n.items):len(n.items)], &node{start: ends[len(ends)-1].start, end: last + len(f.text) - before})}
		}
		return f.text
	}
	gap := ""
	if n.start == n.end && n.start > 0 && f.text[n.start-1] == ':' { // {key:}
		gap = " "
	}
	return f.text[:n.start] + gap + f.format.inline(value, f.pad(n.start)) + f.text[n.end:]
}

// append adds text behind the last of what a collection has, on a line of its
// own where the last one has that.
func (f flow) append(n *node, has []span, write func(pad string) string) string {
	if len(has) == 0 {
		if pad := f.pad(n.start); pad != "" {
			return f.text[:n.start+1] + pad + "  " + write(pad+"  ") + pad + f.text[n.end-1:]
		}
		rest := f.text[n.start+1:]
		if strings.Trim(f.text[n.start+1:n.end-1], " \t\r\n") == "" { // no comment inside
			rest = f.text[n.end-1:]
		}
		return f.text[:n.start+1] + write("") + rest
	}
	last := has[len(has)-1]
	line := strings.LastIndexAny(f.text[:last.start], "\r\n") + 1
	before := f.text[line:last.start]
	if line <= n.start || strings.TrimLeft(before, " \t") != "" {
		return f.text[:last.end] + ", " + write("") + f.text[last.end:]
	}
	pad := ""
	if f.format == JSON {
		pad = f.eol + before
	}
	return f.text[:last.end] + "," + f.eol + before + write(pad) + f.text[last.end:]
}

// pad is the line break and indentation for what is written over several lines at
// place at. Only JSON is, and only where the key has a line of its own.
func (f flow) pad(at int) string {
	if f.format != JSON {
		return ""
	}
	line := strings.LastIndexAny(f.text[:at], "\r\n") + 1
	if line == 0 && at > 0 {
		return ""
	}
	rest := f.text[line:at]
	return f.eol + rest[:len(rest)-len(strings.TrimLeft(rest, " \t"))]
}

// remove takes the key at path out of n.
func (f flow) remove(n *node, path []string) (string, error) {
	i := n.find(path[0])
	if i < 0 {
		return "", fmt.Errorf("%w: %s does not stand here", ErrUneditable, path[0])
	}
	e := n.entries[i]
	if len(path) > 1 {
		return f.remove(e.value, path[1:])
	}
	start, end := e.start, e.value.end
	switch {
	case i+1 < len(n.entries):
		end = n.entries[i+1].start
	case i > 0:
		start = n.entries[i-1].value.end
	default:
		start, end = n.start+1, n.end-1
	}
	if strings.Contains(f.text[start:e.start], "#") || strings.Contains(f.text[e.value.end:end], "#") {
		return "", fmt.Errorf("%w: a comment stands between the values", ErrUneditable)
	}
	return f.text[:start] + f.text[end:], nil
}
