package frontmatter

import (
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// skip passes over bytes of set and counts them.
func (s *tomlScanner) skip(set string) int {
	rest := strings.TrimLeft(s.text[s.at:], set)
	n := len(s.text) - s.at - len(rest)
	s.at += n
	return n
}

// space passes over blanks, line breaks and comments.
func (s *tomlScanner) space() {
	for s.skip(" \t\r\n"); s.at < len(s.text) && s.text[s.at] == '#'; s.skip(" \t\r\n") {
		if i := strings.IndexByte(s.text[s.at:], '\n'); i >= 0 {
			s.at += i
		} else {
			s.at = len(s.text)
		}
	}
}

// keys reads a key with its dots.
func (s *tomlScanner) keys() ([]string, error) {
	var keys []string
	for {
		s.skip(" \t")
		start := s.at
		if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '\'') {
			if err := s.quoted(); err != nil {
				return nil, err
			}
			name, err := unquoteTOML(s.text[start:s.at])
			if err != nil {
				return nil, err
			}
			keys = append(keys, name)
		} else {
			end := strings.IndexAny(s.text[s.at:], ".=] \t\r\n")
			if end <= 0 {
				return nil, errTOML
			}
			s.at += end
			keys = append(keys, s.text[start:s.at])
		}
		s.skip(" \t")
		if s.at == len(s.text) || s.text[s.at] != '.' {
			return keys, nil
		}
		if s.at++; len(keys) > maxDepth {
			return nil, fmt.Errorf("a key has more than %d parts", maxDepth)
		}
	}
}

// unquoteTOML is a quoted key's name.
func unquoteTOML(s string) (string, error) {
	if s[0] == '\'' {
		return strings.Trim(s, "'"), nil
	}
	var v struct{ K string }
	_, err := toml.Decode("K = "+s, &v)
	return v.K, err
}

// quoted passes over a string of any of the four kinds.
func (s *tomlScanner) quoted() error {
	quote := s.text[s.at : s.at+1]
	if three := strings.Repeat(quote, 3); strings.HasPrefix(s.text[s.at:], three) {
		quote = three
	}
	for i := s.at + len(quote); i < len(s.text); i++ {
		switch {
		case s.text[i] == '\\' && quote[0] == '"':
			i++
		case strings.HasPrefix(s.text[i:], quote):
			s.at = i + len(quote)
			for range len(quote) - 1 { // up to two quotes may stand before the closing three
				if s.at < len(s.text) && s.text[s.at] == quote[0] {
					s.at++
				}
			}
			return nil
		case len(quote) == 1 && s.text[i] == '\n':
			return errTOML
		}
	}
	return errTOML
}

// value reads what stands right of an equals sign, or an item of it.
func (s *tomlScanner) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	if s.at == len(s.text) {
		return nil, errTOML
	}
	n := &node{start: s.at}
	var err error
	switch s.text[s.at] {
	case '"', '\'':
		err = s.quoted()
	case '[':
		n.kind = '['
		err = s.list(n, depth)
	case '{':
		n.kind = '{'
		err = s.table(n, depth)
	default:
		end := strings.IndexAny(s.text[s.at:], ",]}#\r\n")
		if end < 0 {
			end = len(s.text) - s.at
		}
		s.at += len(strings.TrimRight(s.text[s.at:s.at+end], " \t"))
	}
	n.end = s.at
	return n, err
}

// list reads an array.
func (s *tomlScanner) list(n *node, depth int) error {
	s.at++
	for s.space(); s.at < len(s.text); s.space() {
		if s.text[s.at] == ']' {
			s.at++
			return nil
		}
		start := s.at
		item, err := s.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
		if s.space(); s.at < len(s.text) && s.text[s.at] == ',' {
			s.at++
		}
		if s.at == start {
			return errTOML
		}
	}
	return errTOML
}

// table reads an inline table.
func (s *tomlScanner) table(n *node, depth int) error {
	s.at++
	for s.space(); s.at < len(s.text); s.space() {
		if s.text[s.at] == '}' {
			s.at++
			return nil
		}
		start := s.at
		keys, err := s.keys()
		if err != nil {
			return err
		}
		s.skip("= \t")
		value, err := s.value(depth + 1)
		if err != nil {
			return err
		}
		if len(keys) > 1 { // a dotted key stands for a table that has no place of its own
			value.kind, value.entries = 0, nil
		}
		n.entries = append(n.entries, entry{keys[0], start, value})
		if s.space(); s.at < len(s.text) && s.text[s.at] == ',' {
			s.at++
		}
	}
	return errTOML
}
