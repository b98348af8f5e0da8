// Package frontmatter reads and edits the front matter of a file of a static
// site without touching what it does not change.
//
//	f, err := frontmatter.Parse(data)
//	err = f.Set([]string{"travel", "food"}, "tags")
//	err = os.WriteFile(name, f.Bytes(), 0o644)
//
// An edit replaces the text of one value, or the lines of one key: comments, blank
// lines, order, quoting and line ends of everything else stay byte for byte. After
// each edit the new text is read again, and unless it says exactly what was asked
// and nothing else changed, the edit is refused with [ErrUneditable] and the file
// stays as it was.
//
// It follows YAML 1.2 as go.yaml.in/yaml/v3 reads it (written so that readers of
// YAML 1.1 agree), TOML 1.0 and RFC 8259, and finds the fences where Hugo, Jekyll,
// gray-matter (Eleventy, Astro) and Zola find them.
package frontmatter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Format is how the front matter of a file is written.
type Format string

// The formats. JSON stands at the file's beginning without fences, as Hugo takes
// it, or between ---json and ---, as Eleventy does.
const (
	YAML Format = "yaml" // between lines of ---
	TOML Format = "toml" // between lines of +++
	JSON Format = "json"
	None Format = "" // no front matter: all is body
)

// ErrUneditable is an edit that cannot be made in place without touching something
// else, such as a key that comes in through an alias. The file is as it was.
var ErrUneditable = errors.New("front matter cannot be edited in place")

// maxFront is how many bytes of front matter are decoded and edited at most.
const maxFront = 4 << 20

// byteOrderMark may stand before everything else in a file.
const byteOrderMark = "\ufeff"

// File is a file with its front matter and its body. It is not for concurrent use.
//
//	byte order mark, opening fence   head
//	lines of the front matter        front
//	closing fence                    foot
//	everything after                 body
type File struct {
	format            Format
	head, front, foot string
	body              []byte
	fence, eol        string

	doc  document            // front, parsed; nil until asked for
	made map[string]struct{} // mappings that Set made, by joined path
}

// document is front matter that has been parsed. The edits return a new text and
// leave the document as it is.
type document interface {
	values() map[string]any
	set(path []string, value any) (string, error)
	remove(path []string) (string, error)
}

// New makes a file with empty front matter, an empty body and lines that end in LF.
func New(format Format) *File {
	f := &File{format: format, eol: "\n"}
	switch format {
	case YAML:
		f.fence, f.head, f.foot = "---", "---\n", "---\n"
	case TOML:
		f.fence, f.head, f.foot = "+++", "+++\n", "+++\n"
	case JSON:
		f.front, f.foot = "{\n}", "\n"
	}
	return f
}

// Format says how the front matter is written.
func (f *File) Format() Format { return f.format }

// Body is everything behind the front matter, as it stands in the file.
func (f *File) Body() []byte { return bytes.Clone(f.body) }

// SetBody replaces the body by b, byte for byte. Text from a client goes through
// [Inert] first.
func (f *File) SetBody(b []byte) {
	if f.format != None && len(b) > 0 && !strings.HasSuffix(f.foot, "\n") {
		f.foot += f.eol // the closing fence was the file's last line
	}
	f.body = bytes.Clone(b)
}

// Bytes is the whole file. For a file that was not changed it is what Parse was given.
func (f *File) Bytes() []byte {
	b := make([]byte, 0, len(f.head)+len(f.front)+len(f.foot)+len(f.body))
	return append(append(append(append(b, f.head...), f.front...), f.foot...), f.body...)
}

// opening is a first line that opens front matter. What follows --- is a language
// as gray-matter takes it.
var opening = regexp.MustCompile(`\A(?:(---)[ \t]*([a-z]*)|(\+\+\+))[ \t]*(\r?\n)`)

// Parse divides a file into front matter and body. Whether the front matter can be
// understood shows when it is asked for values or edited: until then a broken one is
// kept as it is. A file whose opening fence has no closing one has no front matter.
// Parse fails for front matter in a language that it does not know.
func Parse(data []byte) (*File, error) {
	text := string(data)
	f := &File{eol: "\n"}
	if strings.HasPrefix(text, byteOrderMark) {
		f.head, text = byteOrderMark, text[len(byteOrderMark):]
	}
	if strings.HasPrefix(text, "{") {
		f.splitObject(text)
		return f, nil
	}
	m := opening.FindStringSubmatch(text)
	if m == nil {
		f.body = []byte(text)
		return f, nil
	}
	fence := m[1] + m[3]
	start, end, ok := closing(text, len(m[0]), fence)
	if !ok {
		f.body = []byte(text)
		return f, nil
	}
	language := m[2]
	switch {
	case fence == "+++" || language == "toml":
		f.format = TOML
	case language == "json":
		f.format = JSON
	case language == "" || language == "yaml" || language == "yml":
		f.format = YAML
	default:
		return nil, fmt.Errorf("front matter is written in %q, not in YAML, TOML or JSON", language)
	}
	f.fence, f.eol = fence, m[4]
	f.head += m[0]
	f.front, f.foot, f.body = text[len(m[0]):start], text[start:end], []byte(text[end:])
	return f, nil
}

// closing finds the line that ends front matter: the fence again or, as Jekyll has
// it, three dots in place of hyphens. end is behind the line's break.
func closing(text string, from int, fence string) (start, end int, ok bool) {
	for start = from; start < len(text); start = end {
		end = len(text)
		if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
			end = start + i + 1
		}
		line := strings.TrimRight(text[start:end], " \t\r\n")
		if line == fence || line == "..." && fence == "---" {
			return start, end, true
		}
	}
	return 0, 0, false
}

// blankLine is what may stand behind an object on its last line.
var blankLine = regexp.MustCompile(`\A[ \t]*\r?\n`)

// splitObject takes an object at the beginning of the file for the front matter.
// Markdown that begins with a brace has none.
func (f *File) splitObject(text string) {
	f.body = []byte(text)
	var object json.RawMessage
	dec := json.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&object); err != nil {
		return
	}
	end := int(dec.InputOffset())
	f.format, f.front, f.foot = JSON, text[:end], blankLine.FindString(text[end:])
	f.body = []byte(text[end+len(f.foot):])
	if strings.Contains(text[:end+len(f.foot)], "\r\n") {
		f.eol = "\r\n"
	}
}
