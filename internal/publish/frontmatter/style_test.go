package frontmatter_test

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"tertulia/internal/publish/frontmatter"
)

// writer makes YAML as people write it, in every style and with numbered comments.
type writer struct {
	t        *rapid.T
	comments int
}

func (w *writer) comment(name string) string {
	if !rapid.Bool().Draw(w.t, name) {
		return ""
	}
	w.comments++
	return fmt.Sprintf("# comment %d.", w.comments)
}

func (w *writer) node(depth int, flow bool) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	kind := rapid.IntRange(0, 2).Draw(w.t, "kind")
	if depth == 0 || kind == 0 {
		n.Value = rapid.SampledFrom([]string{"text", "two\nlines\n", "no newline\nat end", "# no comment", "a # b", "kept\n\n\n", "  indented\n# x\n", "it's", "say \"x\"", "long " + strings.Repeat("word ", 30), "1", "", "trail\n \n"}).Draw(w.t, "text")
		n.Style = rapid.SampledFrom([]yaml.Style{0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle}).Draw(w.t, "style")
		if n.Value == "" || strings.HasPrefix(n.Value, " ") {
			n.Style = yaml.DoubleQuotedStyle
		}
		n.Tag = "!!str"
		if strings.IndexByte(n.Value, '\n') < 0 && !flow { // a comment in a flow may be refused
			n.LineComment = w.comment("behind")
		}
		return n
	}
	if flow = flow || rapid.IntRange(0, 3).Draw(w.t, "flow") == 0; flow {
		n.Style = yaml.FlowStyle
	}
	for i := range rapid.IntRange(0, 3).Draw(w.t, "items") {
		if kind == 1 {
			n.Kind = yaml.MappingNode
			key := &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprintf("k%d", i)}
			if depth > 1 && n.Style == 0 {
				key.HeadComment = w.comment("above")
			}
			n.Content = append(n.Content, key)
		} else {
			n.Kind = yaml.SequenceNode
		}
		n.Content = append(n.Content, w.node(depth-1, flow))
	}
	if len(n.Content) == 0 {
		n.Kind, n.Style = yaml.SequenceNode, yaml.FlowStyle
	}
	return n
}

// commentsOf are the comments in a text that are no text.
func commentsOf(text string) map[string]bool {
	found := make(map[string]bool)
	for line := range strings.Lines(text) {
		if i := strings.Index(line, "# comment "); i >= 0 {
			found[strings.TrimSpace(line[i:])] = true
		}
	}
	return found
}

// Every key of a file in any style can be set and deleted, and the comments that
// belong to others stay.
func TestEveryStyleIsEdited(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{t: t}
		root := &yaml.Node{Kind: yaml.MappingNode}
		for i := range rapid.IntRange(1, 4).Draw(t, "keys") {
			root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprintf("k%d", i), HeadComment: w.comment("above")}, w.node(3, false))
		}
		var text strings.Builder
		enc := yaml.NewEncoder(&text)
		enc.SetIndent(rapid.IntRange(2, 4).Draw(t, "indent"))
		if rapid.Bool().Draw(t, "dashes below their key") {
			enc.CompactSeqIndent()
		}
		if err := enc.Encode(root); err != nil {
			t.Skip(err)
		}
		file := "---\n" + text.String() + "# end.\n---\nbody"
		if rapid.Bool().Draw(t, "CRLF") {
			file = strings.ReplaceAll(file, "\n", "\r\n")
		}
		for i := 0; i < len(root.Content); i += 2 {
			tryEdits(t, file, []string{root.Content[i].Value}, root.Content[i+1])
			if n := root.Content[i+1]; n.Kind == yaml.MappingNode {
				for j := 0; j < len(n.Content); j += 2 {
					tryEdits(t, file, []string{root.Content[i].Value, n.Content[j].Value}, n.Content[j+1])
				}
				tryEdits(t, file, []string{root.Content[i].Value, "new"}, nil)
			}
		}
	})
}

// tryEdits sets and deletes one key, whose value is n, in ways that must not be refused.
func tryEdits(t *rapid.T, file string, path []string, n *yaml.Node) {
	own := make(map[string]bool)
	if n != nil {
		collect(n, own)
	}
	for _, value := range []any{"new", []string{"new"}, map[string]any{"new": 1}, gone{}} {
		f, err := frontmatter.Parse([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Values(); err != nil {
			t.Skip(err)
		}
		if _, ok := value.(gone); ok {
			err = f.Delete(path...)
		} else {
			err = f.Set(value, path...)
		}
		if err != nil {
			t.Fatalf("%v to %v: %v\n%s", path, value, err, file)
		}
		left := commentsOf(string(f.Bytes()))
		for comment := range commentsOf(file) {
			if !left[comment] && !own[comment] {
				t.Fatalf("%v to %v: %q is gone\n%s\nis now\n%s", path, value, comment, file, f.Bytes())
			}
		}
		end := strings.ReplaceAll(string(f.Bytes()), "\r\n", "\n")
		if strings.Contains(file, "\r") && strings.Count(string(f.Bytes()), "\r") != strings.Count(end, "\n") {
			t.Fatalf("%v to %v: line ends are mixed\n%q", path, value, f.Bytes())
		}
		if !strings.HasSuffix(end, "# end.\n---\nbody") && value != any(gone{}) && n != nil {
			t.Fatalf("%v to %v: the end is gone\n%s", path, value, f.Bytes())
		}
	}
}

// collect gathers the comments of a node and all below it.
func collect(n *yaml.Node, into map[string]bool) {
	for _, comment := range []string{n.HeadComment, n.LineComment, n.FootComment} {
		into[comment] = true
	}
	for _, child := range n.Content {
		collect(child, into)
	}
}
