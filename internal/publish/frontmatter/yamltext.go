package frontmatter

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// yamlText finds where the nodes of a YAML text stand. The parser tells the line
// and the column where a node begins; where it ends is found here. All of it may
// trust that the text has been parsed, and an edit made with it is read again.
type yamlText struct {
	text  string
	lines []int // where lines begin, as the parser counts them

	line, column, at int // the last place asked for: in a long line the next is near
}

// newYAMLText counts lines as the parser does: CR, LF, CRLF, NEL, LS and PS end one.
func newYAMLText(text string) yamlText {
	lines := []int{0}
	for i := 0; i < len(text); {
		n := breakAt(text, i)
		if n == 0 {
			i++
			continue
		}
		i += n
		lines = append(lines, i)
	}
	return yamlText{text: text, lines: lines, line: -1}
}

// breakAt is how many bytes of line break stand at i.
func breakAt(text string, i int) int {
	for _, b := range [...]string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"} {
		if strings.HasPrefix(text[i:], b) {
			return len(b)
		}
	}
	return 0
}

// blanks are what a value's text may be followed by.
const blanks = " \t\r\n\u0085\u2028\u2029"

// start is where a node begins, with its anchor and tag.
func (t *yamlText) start(n *yaml.Node) int {
	line, column := n.Line-1, n.Column-1
	if line < 0 || line >= len(t.lines) {
		return len(t.text)
	}
	if t.line != line || t.column > column {
		t.line, t.column, t.at = line, 0, t.lines[line]
	}
	for ; t.column < column && t.at < len(t.text); t.column++ {
		_, size := utf8.DecodeRuneInString(t.text[t.at:])
		t.at += size
	}
	return t.at
}

// props is where a node's anchor and tag end, or where it begins if it has none.
func (t *yamlText) props(n *yaml.Node) int {
	end := t.start(n)
	for at := end; hasProps(n) && at < len(t.text) && (t.text[at] == '&' || t.text[at] == '!'); at = t.gap(end) {
		end = t.word(at)
	}
	return end
}

// hasProps says whether a node has an anchor or a tag.
func hasProps(n *yaml.Node) bool {
	return n.Kind != yaml.AliasNode && (n.Anchor != "" || n.Style&yaml.TaggedStyle != 0)
}

// content is where a node's own text begins, behind anchor and tag.
func (t *yamlText) content(n *yaml.Node) int {
	if !hasProps(n) || isEmpty(n) {
		return t.props(n)
	}
	return t.gap(t.props(n))
}

// word is the end of what has no blank and no bracket or comma in it.
func (t *yamlText) word(at int) int {
	if i := strings.IndexAny(t.text[at:], blanks+",[]{}"); i >= 0 {
		return at + i
	}
	return len(t.text)
}

// skip is the first place from at on that holds none of set.
func (t *yamlText) skip(at int, set string) int {
	return len(t.text) - len(strings.TrimLeft(t.text[at:], set))
}

// gap skips blanks, line breaks and comments.
func (t *yamlText) gap(at int) int {
	for {
		at = t.skip(at, blanks)
		if at == len(t.text) || t.text[at] != '#' {
			return at
		}
		at = t.eol(at)
	}
}

// eol is the end of the line that at is in, before its break.
func (t *yamlText) eol(at int) int {
	for ; at < len(t.text); at++ {
		if breakAt(t.text, at) > 0 {
			return at
		}
	}
	return at
}

// bol is the start of the line that at is in.
func (t *yamlText) bol(at int) int {
	return t.lines[sort.SearchInts(t.lines, at+1)-1]
}

// end is where a node's text ends. What lies from bound on belongs to others;
// parent is the column of the key that the node is the value of.
func (t *yamlText) end(n *yaml.Node, bound, parent int) (int, error) {
	at := t.content(n)
	switch {
	case n.Kind == yaml.AliasNode:
		return t.word(at), nil
	case isEmpty(n):
		return at, nil
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return t.blockEnd(at, bound, parent), nil
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return t.quoteEnd(at)
	case n.Kind == yaml.ScalarNode:
		return t.plainEnd(at, bound, ""), nil
	case n.Style&yaml.FlowStyle != 0 || len(n.Content) == 0:
		flow, err := t.flow(n)
		if err != nil {
			return 0, err
		}
		return flow.end, nil
	}
	last := n.Content[len(n.Content)-1]
	if n.Kind == yaml.SequenceNode {
		if isEmpty(last) {
			return t.lastText(at, bound), nil
		}
		return t.end(last, bound, t.column0(at))
	}
	key := n.Content[len(n.Content)-2]
	if isEmpty(last) {
		colon, err := t.colon(key)
		if hasProps(last) {
			return t.props(last), err
		}
		return colon, err
	}
	return t.end(last, bound, t.column0(t.start(key)))
}

// column0 is how many bytes of its line stand before at.
func (t *yamlText) column0(at int) int { return at - t.bol(at) }

// lastText is the end of the last line before bound that has more than a comment.
// There is no quote in it.
func (t *yamlText) lastText(at, bound int) int {
	end := at
	for line := t.bol(at); line < bound; {
		eol := min(t.eol(line), bound)
		if e := t.plainEnd(max(line, at), eol, ""); strings.Trim(t.text[max(line, at):e], blanks) != "" {
			end = e
		}
		line = eol + max(1, breakAt(t.text, eol))
	}
	return end
}

// plainEnd is the end of a plain scalar: before a comment, one of stops, or bound.
func (t *yamlText) plainEnd(at, bound int, stops string) int {
	end := at
	for ; end < bound; end++ {
		c := t.text[end]
		if c == '#' && (end == at || strings.ContainsRune(" \t\r\n", rune(t.text[end-1])) || strings.HasSuffix(t.text[:end], "\u0085") ||
			strings.HasSuffix(t.text[:end], "\u2028") || strings.HasSuffix(t.text[:end], "\u2029")) {
			break
		}
		if stops != "" && strings.IndexByte(stops, c) >= 0 {
			break
		}
	}
	return at + len(strings.TrimRight(t.text[at:end], blanks))
}

// quoteEnd is behind the closing quote of a scalar whose opening one is at at.
func (t *yamlText) quoteEnd(at int) (int, error) {
	if at >= len(t.text) {
		return 0, fmt.Errorf("%w: a quote was not found", ErrUneditable)
	}
	quote := t.text[at]
	for i := at + 1; i < len(t.text); i++ {
		switch {
		case t.text[i] == '\\' && quote == '"':
			i++
		case t.text[i] == quote && quote == '\'' && strings.HasPrefix(t.text[i:], "''"):
			i++
		case t.text[i] == quote:
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("%w: a quote was not found", ErrUneditable)
}

// blockEnd is the end of a block scalar's last line, its break not included. Its
// lines are indented as its first one is; blank ones at its end belong to it when
// its header says that they are kept.
func (t *yamlText) blockEnd(at, bound, parent int) int {
	header := t.text[at:t.word(at)]
	indent, end := -1, t.eol(at)
	if strings.ContainsAny(header, "123456789") {
		indent = parent + 1
	}
	for line := end + breakAt(t.text, end); line < bound; {
		eol := t.eol(line)
		spaces := min(t.skip(line, " "), eol) - line
		switch {
		case line+spaces == eol && (indent < 0 || spaces <= indent):
			if strings.Contains(header, "+") {
				end = eol
			}
		case indent < 0 && spaces > parent:
			indent = spaces
			end = eol
		case indent < 0 || spaces < indent:
			return end
		default:
			end = eol
		}
		if line = eol + breakAt(t.text, eol); line == eol {
			break
		}
	}
	return end
}
