package exchange

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
)

// maxElements is how deep elements may lie in each other.
const maxElements = 64

// element is an element of XML that holds something: its text, and its elements by name.
type element struct {
	name string // without its prefix
	attr map[string]string
	text string
	has  []*element
}

// one is the text of the first element of a name, "" when there is none.
func (e *element) one(name string) string {
	if found := e.find(name); found != nil {
		return found.text
	}
	return ""
}

func (e *element) find(name string) *element {
	for _, c := range e.has {
		if c.name == name {
			return c
		}
	}
	return nil
}

// eachElement goes through the elements of a file that lie in any of the containers, whole,
// in their order; parents are the names of those that they lie in. Entities are those of XML
// alone: a document that declares others is refused where it uses one, so that nothing in
// it grows.
func eachElement(file *os.File, containers map[string]bool, fn func(e *element, parents []string) error) error {
	m := meter(withoutBOM(file))
	var r io.Reader = plain{m}
	if !foreignText(file) {
		r = transform.NewReader(r, runes.ReplaceIllFormed())
	}
	dec := xml.NewDecoder(r)
	dec.CharsetReader, dec.Entity = charset.NewReaderLabel, xml.HTMLEntity
	var parents []string
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) && len(parents) == 0 {
			return nil
		}
		if err != nil {
			return cutOff(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if containers[t.Name.Local] {
				if parents = append(parents, t.Name.Local); len(parents) > maxElements {
					return errDeep
				}
				m.whole()
				continue
			}
			e, err := readElement(dec, t, maxElements)
			if err != nil {
				return cutOff(err)
			}
			m.whole()
			if err := fn(e, parents); err != nil {
				return err
			}
		case xml.EndElement:
			parents = parents[:len(parents)-1] // the decoder has seen it begin
		case xml.CharData, xml.Comment, xml.ProcInst, xml.Directive:
			m.whole()
		}
	}
}

// rootOf is the name of the element that all else lies in, "" in what is no XML. What people
// have written further on says nothing about what a file is.
func rootOf(head []byte) string {
	dec := xml.NewDecoder(withoutBOM(bytes.NewReader(head)))
	dec.CharsetReader = charset.NewReaderLabel
	for {
		token, err := dec.Token()
		if err != nil {
			return ""
		}
		if root, ok := token.(xml.StartElement); ok {
			return root.Name.Local
		}
		if text, ok := token.(xml.CharData); ok && len(bytes.TrimSpace(text)) > 0 {
			return ""
		}
	}
}

// foreignText tells whether a document says that it is in another encoding than UTF-8.
func foreignText(file io.ReaderAt) bool {
	head := make([]byte, 200)
	n, _ := file.ReadAt(head, 0) // what cannot be read, cannot be read later
	declared := encodingIn.FindSubmatch(head[:n])
	return declared != nil && !strings.EqualFold(string(declared[1]), "utf-8")
}

var encodingIn = regexp.MustCompile(`^[^>]*encoding=["']([^"']+)["']`)

var errDeep = fmt.Errorf("its elements lie more than %d deep", maxElements)

// readElement reads an element whole.
func readElement(dec *xml.Decoder, start xml.StartElement, depth int) (*element, error) {
	if depth == 0 {
		return nil, errDeep
	}
	e := &element{name: start.Name.Local, attr: map[string]string{}}
	for _, a := range start.Attr {
		e.attr[a.Name.Local] = a.Value
	}
	var text strings.Builder
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			inner, err := readElement(dec, t, depth-1)
			if err != nil {
				return nil, err
			}
			e.has = append(e.has, inner)
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			e.text = strings.TrimSpace(text.String())
			return e, nil
		}
	}
}

// plain is a reader without the control characters that XML forbids and that people's texts
// hold all the same.
type plain struct{ r io.Reader }

// Read implements [io.Reader].
func (p plain) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	for i, c := range b[:n] {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			b[i] = ' '
		}
	}
	return n, err
}
