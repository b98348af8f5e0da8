package frontmatter

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pair is a key with its value in a block mapping. What lies from bound on belongs
// to the next.
type pair struct {
	key, value *yaml.Node
	before     *yaml.Node // the value of the key before, if there is one
	bound      int
}

// pairOf finds a mapping's own key; nil is for none.
func (d *yamlDoc) pairOf(n *yaml.Node, bound int, name string) *pair {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if is, ok := keyName(key); !ok || is != name || key.ShortTag() == "!!merge" {
			continue
		}
		if i+2 < len(n.Content) {
			bound = d.start(n.Content[i+2])
		}
		p := &pair{key: key, value: n.Content[i+1], bound: bound}
		if i > 0 {
			p.before = n.Content[i-1]
		}
		return p
	}
	return nil
}

// inFlow says whether a mapping or list stands in brackets.
func inFlow(n *yaml.Node) bool {
	return n.Style&yaml.FlowStyle != 0
}

// asFlow is the text for editing what stands in brackets.
func (d *yamlDoc) asFlow() flow { return flow{d.text, YAML, d.newline} }

func (d *yamlDoc) set(path []string, value any) (string, error) {
	if d.root == nil {
		text := d.text
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += d.newline
		}
		return text + strings.Join(yamlEntry(path[0], within(path[1:], value), ""), d.newline) + d.newline, nil
	}
	n, bound, old := d.root, len(d.text), any(d.vals)
	for {
		if n.Kind != yaml.MappingNode {
			return "", fmt.Errorf("%w: %s would go into an alias", ErrUneditable, path[0])
		}
		if inFlow(n) {
			f, err := d.flow(n)
			if err != nil {
				return "", err
			}
			return d.asFlow().set(f, path, old, value)
		}
		p := d.pairOf(n, bound, path[0])
		if p == nil {
			return d.insert(n, bound, path[0], within(path[1:], value))
		}
		old, _ = lookup(old, path[:1])
		m, _ := old.(map[string]any)
		if path = path[1:]; len(path) == 0 || len(m) == 0 {
			return d.put(p, old, within(path, value))
		}
		n, bound = p.value, p.bound
	}
}

// indentation is that of a key's line; false if the key does not begin it.
func (d *yamlDoc) indentation(key *yaml.Node) (string, bool) {
	at := d.start(key)
	pad := d.text[d.bol(at):at]
	return pad, strings.Trim(pad, " ") == ""
}

// insert adds a key at the end of a block mapping.
func (d *yamlDoc) insert(n *yaml.Node, bound int, name string, value any) (string, error) {
	pad, ok := d.indentation(n.Content[0])
	if !ok {
		return "", fmt.Errorf("%w: the first key does not begin its line", ErrUneditable)
	}
	end, err := d.end(n, bound, -1)
	if err != nil {
		return "", err
	}
	at := d.eol(end)
	return d.text[:at] + d.newline + strings.Join(yamlEntry(name, value, pad), d.newline) + d.text[at:], nil
}

// place says which text a pair's value takes up:
//
//	key: &anchor |+ # comment        from..to is what stands on the key's line
//	  text                           (nothing, or a block's header), line its end
//	next:                            last the end of the lines that belong to it
type place struct {
	from, to, line, last int
	pad                  string
}

// placeOf finds the place of a pair's value.
func (d *yamlDoc) placeOf(p *pair) (place, error) {
	pad, ok := d.indentation(p.key)
	colon, err := d.colon(p.key)
	if err != nil {
		return place{}, err
	}
	if !ok || colon == 0 || d.text[colon-1] != ':' {
		return place{}, fmt.Errorf("%w: key %.40q does not stand on a line with its colon", ErrUneditable, p.key.Value)
	}
	props := colon
	if hasProps(p.value) {
		props = d.props(p.value)
	}
	at, end := props, props
	if !isEmpty(p.value) {
		at = d.content(p.value)
		if end, err = d.end(p.value, p.bound, len(pad)); err != nil {
			return place{}, err
		}
	}
	if d.eol(colon) < props {
		return place{}, fmt.Errorf("%w: an anchor or tag stands on another line than its key", ErrUneditable)
	}
	switch {
	case d.eol(colon) < at:
		return place{props, props, d.eol(props), d.eol(end), pad}, nil
	case p.value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return place{at, d.word(at), d.eol(at), end, pad}, nil
	}
	return place{at, end, d.eol(end), d.eol(end), pad}, nil
}

// put replaces the value of a pair, or adds to it what a list has gained.
func (d *yamlDoc) put(p *pair, old, value any) (string, error) {
	at, err := d.placeOf(p)
	if err != nil {
		return "", err
	}
	items, grown := added(old, value)
	list := p.value.Kind == yaml.SequenceNode
	switch {
	case list && inFlow(p.value) && (grown || flat(value)):
		f, err := d.flow(p.value)
		if err != nil {
			return "", err
		}
		return d.asFlow().put(f, old, value), nil
	case list && grown:
		lines := yamlLines(items, d.dashes(p.value))
		return d.text[:at.last] + d.newline + strings.Join(lines, d.newline) + d.text[at.last:], nil
	}
	before, behind, after := d.text[:at.from], d.text[at.to:at.line], d.text[at.last:]
	if !isBlock(value) {
		if c := before[len(before)-1]; c != ' ' && c != '\t' {
			before += " "
		}
		return before + YAML.inline(value, "") + behind + after, nil
	}
	pad := at.pad + "  "
	if _, ok := value.([]any); ok && list && !inFlow(p.value) {
		pad = d.dashes(p.value)
	}
	lines := yamlLines(value, pad)
	return strings.TrimRight(before, " \t") + behind + d.newline + strings.Join(lines, d.newline) + after, nil
}

// flat says whether a value is a list of scalars.
func flat(value any) bool {
	items, ok := value.([]any)
	for _, item := range items {
		ok = ok && !isBlock(item)
	}
	return ok
}

// dashes is the indentation of a block list.
func (d *yamlDoc) dashes(n *yaml.Node) string {
	return strings.Repeat(" ", d.column0(d.content(n)))
}

func (d *yamlDoc) remove(path []string) (string, error) {
	n, bound := d.root, len(d.text)
	for parent := (*pair)(nil); ; path = path[1:] {
		if n.Kind != yaml.MappingNode {
			return "", fmt.Errorf("%w: %s comes in through an alias", ErrUneditable, path[0])
		}
		if inFlow(n) {
			f, err := d.flow(n)
			if err != nil {
				return "", err
			}
			return d.asFlow().remove(f, path)
		}
		p := d.pairOf(n, bound, path[0])
		if p == nil {
			return "", fmt.Errorf("%w: %s comes in through <<", ErrUneditable, path[0])
		}
		if len(path) > 1 {
			n, bound, parent = p.value, p.bound, p
			continue
		}
		at, err := d.placeOf(p)
		if err != nil {
			return "", err
		}
		line := d.bol(d.start(p.key))
		end := at.last + breakAt(d.text, at.last)
		if p.before != nil && d.keeps(p.before) { // it would take in blank lines that follow
			end = d.bol(d.skip(end, blanks))
		}
		if parent == nil || len(n.Content) > 2 {
			return d.text[:line] + d.text[end:], nil
		}
		above, err := d.placeOf(parent)
		if err != nil {
			return "", err
		}
		return d.text[:above.from] + " {}" + d.text[above.from:line] + d.text[end:], nil
	}
}

// keeps says whether a node ends with a block scalar that keeps the blank lines
// behind it.
func (d *yamlDoc) keeps(n *yaml.Node) bool {
	for !inFlow(n) && len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return false
	}
	at := d.content(n)
	return strings.Contains(d.text[at:d.word(at)], "+")
}
