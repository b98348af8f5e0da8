package frontmatter

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxAliased is how many values a document's aliases may stand for together.
const maxAliased = 100_000

// yamlDoc is a YAML document whose root is a mapping, or nothing.
type yamlDoc struct {
	yamlText
	root    *yaml.Node // nil for nothing
	vals    map[string]any
	newline string
}

// readYAML parses one document.
func readYAML(text, eol string) (document, error) {
	if strings.Contains(text, byteOrderMark) {
		return nil, errors.New("a byte order mark stands in the front matter; write it as an escape")
	}
	if strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\r") {
		return nil, errors.New("a carriage return stands alone in the front matter: to YAML it ends a line, to the fences it does not")
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil && err != io.EOF {
		return nil, err
	}
	if err := dec.Decode(&more); err != io.EOF && doc.Kind != 0 {
		return nil, errors.New("front matter has more than one YAML document")
	}
	d := &yamlDoc{yamlText: newYAMLText(text), vals: map[string]any{}, newline: eol}
	if doc.Kind == 0 {
		return d, nil
	}
	root := doc.Content[0]
	if isEmpty(root) {
		return d, nil
	}
	r := yamlReader{left: maxAliased}
	v, err := r.value(root, 0)
	if err != nil {
		return nil, err
	}
	vals, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("front matter is no mapping")
	}
	d.root, d.vals = root, vals
	return d, nil
}

func (d *yamlDoc) values() map[string]any { return d.vals }

// yamlReader turns nodes into values.
type yamlReader struct {
	left    int // how many more values aliases may bring
	aliased int // how many aliases lead to the node being read
}

// value is a node's value with its aliases followed.
func (r *yamlReader) value(n *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: nested deeper than %d", n.Line, maxDepth)
	}
	if r.aliased > 0 {
		if r.left--; r.left < 0 {
			return nil, fmt.Errorf("line %d: aliases stand for more than %d values", n.Line, maxAliased)
		}
	}
	switch n.Kind {
	case yaml.AliasNode:
		r.aliased++
		defer func() { r.aliased-- }()
		return r.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	case yaml.MappingNode:
		return r.mapping(n, depth)
	}
	return yamlScalar(n)
}

// mapping reads a mapping; what << brings in gives way to its own keys.
func (r *yamlReader) mapping(n *yaml.Node, depth int) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		name, ok := keyName(key)
		if !ok {
			return nil, fmt.Errorf("line %d: a key is no scalar", key.Line)
		}
		if _, ok := m[name]; ok {
			return nil, fmt.Errorf("line %d: key %.40q comes twice", key.Line, name)
		}
		v, err := r.value(value, depth+1)
		if err != nil {
			return nil, err
		}
		m[name] = v
	}
	for _, n := range merged {
		v, err := r.value(n, depth+1)
		if err != nil {
			return nil, err
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, v := range list {
			from, ok := v.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("line %d: << takes mappings only", n.Line)
			}
			for k, v := range from {
				if _, ok := m[k]; !ok {
					m[k] = v
				}
			}
		}
	}
	return m, nil
}

// keyName is a key as text, as it stands in the file.
func keyName(n *yaml.Node) (string, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n.Value, n.Kind == yaml.ScalarNode
}

// isEmpty says whether a node is a value that is not written at all.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" &&
		n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// rubyTime is a time as Jekyll writes it, which YAML's own pattern nearly is.
var rubyTime = regexp.MustCompile(`^(\d{4}-\d{1,2}-\d{1,2})(?:[Tt]|[ \t]+)(\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?)[ \t]*(Z|[-+]\d{1,2}:?(?:\d\d)?)$`)

// yamlScalar is the value of a scalar.
func yamlScalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool", "!!int", "!!float", "!!timestamp":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case int:
			return int64(v), nil
		case uint64:
			return float64(v), nil
		case time.Time:
			return normalTime(v)
		}
		return v, nil
	case "!!str":
		if m := rubyTime.FindStringSubmatch(n.Value); m != nil && n.Style == 0 {
			if t, ok := parseRubyTime(m); ok {
				return normalTime(t)
			}
		}
	}
	return n.Value, nil
}

// parseRubyTime reads what rubyTime matched: day, time, offset.
func parseRubyTime(m []string) (time.Time, bool) {
	offset := m[3]
	if offset != "Z" {
		hours, minutes, ok := strings.Cut(offset[1:], ":")
		if !ok && len(hours) == 4 {
			hours, minutes = hours[:2], hours[2:]
		}
		offset = fmt.Sprintf("%s%02s:%02s", offset[:1], hours, minutes)
	}
	t, err := time.Parse("2006-1-2 15:04:05.999999999Z07:00", m[1]+" "+m[2]+offset)
	return t, err == nil
}
