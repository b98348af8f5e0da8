package frontmatter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// jsonDoc is a JSON object with the places of its values.
type jsonDoc struct {
	flow
	root *node
	vals map[string]any
}

// jsonReader reads tokens and notes where they stand.
type jsonReader struct {
	dec  *json.Decoder
	text string
}

// readJSON parses an object. Nothing but white space may stand around it.
func readJSON(text, eol string) (document, error) {
	r := jsonReader{json.NewDecoder(strings.NewReader(text)), text}
	r.dec.UseNumber()
	root, v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	vals, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("front matter is no mapping")
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return nil, errors.New("something stands behind the object")
	}
	return &jsonDoc{flow{text, JSON, eol}, root, vals}, nil
}

func (d *jsonDoc) values() map[string]any { return d.vals }

func (d *jsonDoc) set(path []string, value any) (string, error) {
	return d.flow.set(d.root, path, d.vals, value)
}

func (d *jsonDoc) remove(path []string) (string, error) { return d.flow.remove(d.root, path) }

// token reads one token; start is where it begins.
func (r jsonReader) token() (t json.Token, start int, err error) {
	start = int(r.dec.InputOffset())
	if t, err = r.dec.Token(); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	for start < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[start]) >= 0 {
		start++
	}
	return t, start, err
}

// value reads a value with all that lies in it.
func (r jsonReader) value(depth int) (*node, any, error) {
	t, start, err := r.token()
	if err != nil {
		return nil, nil, err
	}
	if depth > maxDepth {
		return nil, nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	n := &node{start: start}
	var v any = t
	switch t := t.(type) {
	case json.Delim:
		n.kind = byte(t)
		if t == '{' {
			v, err = r.object(n, depth)
		} else {
			v, err = r.list(n, depth)
		}
	case json.Number:
		v, err = number(t.String())
	}
	n.end = int(r.dec.InputOffset())
	return n, v, err
}

// object reads what lies behind an opening brace.
func (r jsonReader) object(n *node, depth int) (any, error) {
	m := make(map[string]any)
	for r.dec.More() {
		t, start, err := r.token()
		if err != nil {
			return nil, err
		}
		name := t.(string)
		value, v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if _, ok := m[name]; ok {
			return nil, fmt.Errorf("key %.40q comes twice", name)
		}
		n.entries = append(n.entries, entry{name, start, value})
		m[name] = v
	}
	_, _, err := r.token()
	return m, err
}

// list reads what lies behind an opening bracket.
func (r jsonReader) list(n *node, depth int) (any, error) {
	items := []any{}
	for r.dec.More() {
		item, v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items, items = append(n.items, item), append(items, v)
	}
	_, _, err := r.token()
	return items, err
}
