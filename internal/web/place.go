package web

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// Selector says which element of a page its conversation goes into. It is one compound
// selector of CSS, without combinators, pseudo-classes and escapes:
//
//	selector = [ tag | "*" ] { "#" name | "." name | "[" name [ "=" ( name | '"' text '"' ) ] "]" }
//	name     = letters, digits, "-", "_" and whatever is not ASCII
//
// Tags and names of attributes are compared without regard to case, all else as it is
// written. The zero value chooses nothing.
type Selector struct {
	tag   string // in lower case, "" for any
	wants []want
}

// want is something that an attribute must have.
type want struct {
	key, value string
	how        byte // '.': one of its words is value; '=': it is value; '?': it is there
}

var errSelector = errors.New("it is no selector that is known here")

// ParseSelector reads a selector such as "#comments", "div.comments" or "section[data-talk]".
// The empty text chooses nothing. The error says what could not be read.
func ParseSelector(text string) (Selector, error) {
	var s Selector
	rest := text
	if name := rest[:nameEnd(rest)]; name != "" {
		s.tag, rest = strings.ToLower(name), rest[len(name):]
	} else if after, any := strings.CutPrefix(rest, "*"); any {
		rest = after
	}
	for rest != "" {
		one, after, ok := cutWant(rest)
		if !ok {
			return Selector{}, fmt.Errorf("%w, from %q on", errSelector, rest)
		}
		s.wants, rest = append(s.wants, one), after
	}
	if slices.Contains(unfit, s.tag) {
		return Selector{}, fmt.Errorf("<%s> cannot hold a conversation", s.tag)
	}
	return s, nil
}

// cutWant cuts #id, .class or [attribute] off the rest of a selector.
func cutWant(s string) (w want, rest string, ok bool) {
	name := s[1 : 1+nameEnd(s[1:])]
	rest = s[1+len(name):]
	if name == "" {
		return w, s, false
	}
	switch s[0] {
	case '#':
		return want{"id", name, '='}, rest, true
	case '.':
		return want{"class", name, '.'}, rest, true
	case '[':
		w = want{strings.ToLower(name), "", '?'}
		value, more, closed := strings.Cut(rest, "]")
		if quoted, is := strings.CutPrefix(rest, `="`); is {
			w.value, rest, closed = strings.Cut(quoted, `"]`)
			w.how = '='
			return w, rest, closed && !strings.Contains(w.value, `"`)
		}
		if plain, is := strings.CutPrefix(value, "="); is && plain != "" && nameEnd(plain) == len(plain) {
			w.value, w.how = plain, '='
			return w, more, closed
		}
		return w, more, closed && value == ""
	}
	return w, s, false
}

// nameEnd is where the name ends with which a text begins.
func nameEnd(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool {
		return r < utf8.RuneSelf && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		return len(s)
	}
	return end
}

// any tells whether there is something to choose.
func (s Selector) any() bool { return s.tag != "" || len(s.wants) > 0 }

// matches tells whether the selector chooses an element.
func (s Selector) matches(tag string, attrs map[string]string) bool {
	return (s.tag == "" || s.tag == tag) && !slices.ContainsFunc(s.wants, func(w want) bool {
		value, has := attrs[w.key]
		switch w.how {
		case '.':
			return !slices.Contains(strings.Fields(value), w.value)
		case '=':
			return !has || value != w.value
		}
		return !has
	})
}

// element is what always is the place of the conversation.
var element = Selector{tag: "tertulia-conversation"}

// place is where the conversation goes: the inside of an element.
type place struct {
	from, to int    // the bytes between its tags
	target   string // the page it names, "" when it is the page itself
}

// Elements that have no end tag, those in which a section cannot stand, and those whose
// inside is no part of the page as it is shown.
var (
	void      = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
	unfit     = append([]string{"html", "head", "p", "table", "tbody", "thead", "tfoot", "tr", "colgroup", "frameset", "ruby", "option", "optgroup"}, slices.Concat(void, raw, elsewhere)...)
	raw       = []string{"script", "style", "title", "textarea", "iframe", "noembed", "noframes", "xmp", "plaintext"}
	elsewhere = []string{"template", "svg", "math", "noscript", "select"}
)

// findPlace finds the first element of a page that a selector chooses, and whose inside
// can be told by the bytes of the page alone: it must have an end tag, and lie in the part
// of the page that is shown. Nothing in comments and scripts is an element.
func findPlace(page []byte, s Selector) (place, bool) {
	f := finder{open: map[string]int{}, chosen: -1}
	z := html.NewTokenizer(bytes.NewReader(page))
	for offset := 0; ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return place{}, false // io.EOF, or what only a stranger's file would have
		}
		begin := offset
		offset += len(z.Raw())
		if kind == html.SelfClosingTagToken && f.open["svg"]+f.open["math"] == 0 {
			kind = html.StartTagToken // HTML knows no other
		}
		if kind != html.StartTagToken && kind != html.EndTagToken {
			continue
		}
		name, more := z.TagName()
		tag := string(name)
		if kind == html.EndTagToken {
			if f.end(tag) {
				f.at.to = begin
				return f.at, true
			}
			continue
		}
		attrs := attributes(z, more)
		if f.chosen < 0 && f.hidden == 0 && s.matches(tag, attrs) && !slices.Contains(unfit, tag) {
			f.chosen, f.at = len(f.stack), place{from: offset, target: attrs["target"]}
			if tag != element.tag {
				f.at.target = "" // that of a link is something else
			}
		}
		f.start(tag)
	}
}

// attributes are those of the start tag that was just read. Of two with one name the
// first counts, as for browsers.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	attrs := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if _, twice := attrs[string(key)]; !twice {
			attrs[string(key)] = string(value)
		}
	}
	return attrs
}

// finder knows which elements are open. What browsers close by themselves, such as a
// paragraph before a list, stays open here until something around it is closed.
type finder struct {
	stack  []string
	open   map[string]int // how often each is on the stack
	hidden int            // how many of them are not shown
	chosen int            // where on the stack the chosen one is, -1 for none
	at     place
}

func (f *finder) start(tag string) {
	if slices.Contains(void, tag) {
		return
	}
	f.stack = append(f.stack, tag)
	f.count(tag, 1)
}

// end closes the nearest element of that name with all within it, and tells whether that
// was the chosen one. When what is around the chosen one is closed, it has no end tag, and
// another is looked for.
func (f *finder) end(tag string) bool {
	if f.open[tag] == 0 {
		return false // of nothing
	}
	for {
		last := len(f.stack) - 1
		top := f.stack[last]
		f.stack = f.stack[:last]
		f.count(top, -1)
		if top == tag {
			return last == f.chosen
		}
		if last == f.chosen {
			f.chosen = -1
		}
	}
}

func (f *finder) count(tag string, n int) {
	f.open[tag] += n
	if slices.Contains(elsewhere, tag) {
		f.hidden += n
	}
}
