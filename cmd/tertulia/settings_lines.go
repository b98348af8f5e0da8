package main

import (
	"fmt"
	"slices"
	"strings"
)

// keyLines tells in which line of a settings file each key stands, by its label as [loader.section]
// has it: "site.url of site 2". A key that cannot be told from another is not there. The file is
// known to be TOML; what is written in an unusual way is not found, and costs no more than the line.
func keyLines(text string) map[string]int {
	s := lineScanner{counts: map[string]int{}}
	for i, line := range strings.Split(text, "\n") {
		s.line(i+1, line)
	}
	found := map[string]int{}
	for _, k := range s.keys {
		label := k.path
		if k.list != "" {
			noun := "site"
			if k.list == "person" || k.list == "signin" {
				noun = k.list
			}
			label += nth(noun, k.index, s.counts[k.parent])
		}
		if _, twice := found[label]; twice {
			found[label] = 0
			continue
		}
		found[label] = k.line
	}
	for label, line := range found {
		if line == 0 {
			delete(found, label)
		}
	}
	return found
}

// lineScanner goes through a file line by line.
type lineScanner struct {
	table  []string       // of the last header
	list   string         // the innermost list that the table is in, "" for none
	parent string         // that list below the members of the lists around it
	index  int            // of the member
	counts map[string]int // members of each list
	keys   []keyLine
	until  string // what ends the text that a line before has begun; "": none has
	depth  int    // of the brackets that lines before have opened
}

type keyLine struct {
	path, list, parent string
	index, line        int
}

func (s *lineScanner) line(n int, line string) {
	if s.until != "" || s.depth > 0 {
		s.value(line)
		return
	}
	line = strings.TrimSpace(line)
	switch name, value, ok := strings.Cut(line, "="); {
	case line == "" || line[0] == '#':
	case line[0] == '[':
		s.header(line)
	case ok:
		path := strings.Join(append(slices.Clone(s.table), keyParts(name)...), ".")
		s.keys = append(s.keys, keyLine{path, s.list, s.parent, s.index, n})
		s.value(value)
	}
}

// header begins a table: [fetch], or a member of a list: [[site]].
func (s *lineScanner) header(line string) {
	line, _, _ = strings.Cut(line, "]")
	name := strings.TrimLeft(line, "[")
	parts := keyParts(name)
	full := strings.Join(parts, ".")
	if strings.HasPrefix(line, "[[") {
		parent := full
		if s.list != "" && strings.HasPrefix(full, s.list+".") {
			parent = fmt.Sprintf("%s[%d].%s", s.list, s.index, full)
		}
		s.list, s.parent, s.index = full, parent, s.counts[parent]
		s.counts[parent]++
	} else if s.list != "" && full != s.list && !strings.HasPrefix(full, s.list+".") {
		if outer, _, nested := strings.Cut(s.list, "."); nested && strings.HasPrefix(full, outer+".") {
			// Back from a list within a member to that member.
			s.list, s.parent, s.index = outer, outer, s.counts[outer]-1
		} else {
			s.list, s.parent, s.index = "", "", 0
		}
	}
	s.table = parts
}

// keyParts are the parts of a dotted key without their quotes.
func keyParts(name string) (parts []string) {
	for part := range strings.SplitSeq(name, ".") {
		parts = append(parts, strings.Trim(strings.TrimSpace(part), `"'`))
	}
	return parts
}

// value goes through what stands behind a key, or in the lines after it, to know where it ends.
func (s *lineScanner) value(rest string) {
	for rest != "" {
		if s.until != "" {
			if s.until[0] == '"' && rest[0] == '\\' {
				rest = rest[min(2, len(rest)):]
				continue
			}
			if strings.HasPrefix(rest, s.until) {
				rest, s.until = rest[len(s.until):], ""
				continue
			}
			rest = rest[1:]
			continue
		}
		switch rest[0] {
		case '#':
			return
		case '[', '{':
			s.depth++
		case ']', '}':
			s.depth--
		case '"', '\'':
			if s.until = rest[:1]; strings.HasPrefix(rest, strings.Repeat(s.until, 3)) {
				s.until = rest[:3]
			}
			rest = rest[len(s.until):]
			continue
		}
		rest = rest[1:]
	}
	if len(s.until) == 1 {
		s.until = "" // a text of one line ends with it
	}
}
