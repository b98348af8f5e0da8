package frontmatter

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// colon is the place behind the colon that follows a key, or the key's end if
// there is none.
func (t *yamlText) colon(key *yaml.Node) (int, error) {
	at := t.content(key)
	end := at
	switch {
	case key.Kind == yaml.AliasNode:
		end = t.word(at)
	case key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		var err error
		if end, err = t.quoteEnd(at); err != nil {
			return 0, err
		}
	case key.Kind == yaml.ScalarNode && strings.HasPrefix(t.text[at:], key.Value):
		end = at + len(key.Value)
	default:
		return 0, fmt.Errorf("%w: key %.40q is written over several lines", ErrUneditable, key.Value)
	}
	if colon := t.skip(end, blanks); colon < len(t.text) && t.text[colon] == ':' {
		return colon + 1, nil
	}
	return end, nil
}

// flow reads a node in flow style, or one that lies in such a node.
func (t *yamlText) flow(n *yaml.Node) (*node, error) {
	f := &node{start: t.content(n)}
	var err error
	switch {
	case n.Kind == yaml.AliasNode || isEmpty(n):
		f.end, err = t.end(n, len(t.text), 0)
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		f.end, err = t.quoteEnd(f.start)
	case n.Kind == yaml.ScalarNode:
		f.end = t.plainEnd(f.start, len(t.text), ",[]{}")
	case n.Kind == yaml.SequenceNode:
		err = t.flowList(f, n)
	default:
		err = t.flowMapping(f, n)
	}
	return f, err
}

// flowList reads what is in brackets.
func (t *yamlText) flowList(f *node, n *yaml.Node) error {
	f.kind = '['
	last := f.start + 1
	for _, item := range n.Content {
		i, err := t.flow(item)
		if err != nil {
			return err
		}
		f.items, last = append(f.items, i), i.end
	}
	var err error
	f.end, err = t.bracket(last, ']')
	return err
}

// flowMapping reads what is in braces, or a pair that stands in brackets alone.
func (t *yamlText) flowMapping(f *node, n *yaml.Node) error {
	f.end = f.start + 1
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, _ := keyName(n.Content[i])
		colon, err := t.colon(n.Content[i])
		if err != nil {
			return err
		}
		value := &node{start: colon, end: colon}
		if v := n.Content[i+1]; !isEmpty(v) || hasProps(v) {
			if value, err = t.flow(v); err != nil {
				return err
			}
		}
		f.entries = append(f.entries, entry{name, t.start(n.Content[i]), value})
		f.end = value.end
	}
	if !strings.HasPrefix(t.text[f.start:], "{") {
		return nil
	}
	var err error
	f.kind = '{'
	f.end, err = t.bracket(f.end, '}')
	return err
}

// bracket is the place behind the closing bracket that comes next.
func (t *yamlText) bracket(at int, bracket byte) (int, error) {
	for at < len(t.text) {
		at = t.gap(at)
		if at == len(t.text) {
			break
		}
		if t.text[at] == bracket {
			return at + 1, nil
		}
		if strings.IndexByte(",:?", t.text[at]) < 0 {
			break
		}
		at++
	}
	return 0, fmt.Errorf("%w: the end of a list or mapping was not found", ErrUneditable)
}
