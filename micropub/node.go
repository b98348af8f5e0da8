package micropub

import (
	"slices"
	"strconv"
	"strings"
)

// propertyPath makes the first step of a path one into the property's list: with
// nothing in the brackets, or none, to its end, and with a key to its first value.
func propertyPath(path []string) []string {
	switch {
	case len(path) == 0:
		return []string{""}
	case isIndex(path[0]):
		return path
	}
	return append([]string{"0"}, path...)
}

// isIndex says whether the key stands for a place in a list: "" is the next.
func isIndex(key string) bool {
	return len(key) <= 6 && strings.Trim(key, "0123456789") == ""
}

// node is a value of a form while it is being gathered: a text, a list, or an
// object, never two of these.
type node struct {
	text string
	set  bool // text counts
	list []element
	keys map[string]*node

	names spellings // of keys
}

// element is a member of a list; the list is kept in the order of index.
type element struct {
	index int
	*node
}

// put stores a text at the end of the path.
func (n *node) put(path []string, text string) error {
	if !n.takes(path) {
		return invalid("two fields of the form contradict each other")
	}
	if len(path) == 0 {
		n.text, n.set = text, true
		return nil
	}
	if isIndex(path[0]) {
		return n.member(path[0], path[1:]).put(path[1:], text)
	}
	if n.keys == nil {
		n.keys, n.names = map[string]*node{}, spellings{}
	}
	if n.keys[path[0]] == nil {
		if n.names.clash(path[0]) {
			return invalid("two fields differ only in the case of their names")
		}
		n.keys[path[0]] = &node{}
	}
	return n.keys[path[0]].put(path[1:], text)
}

// takes says whether nothing that is there stands in the way of the path.
func (n *node) takes(path []string) bool {
	switch {
	case n == nil:
		return true
	case n.set:
		return false
	case len(path) == 0:
		return n.list == nil && n.keys == nil
	case isIndex(path[0]):
		return n.keys == nil
	}
	return n.list == nil && n.keys[path[0]].takes(path[1:])
}

// member is the element of the list that key names. With "" it is a new one,
// except that a[][x]=1&a[][y]=2 is one object with two keys, and the next
// a[][x] begins another.
func (n *node) member(key string, rest []string) *node {
	last := len(n.list) - 1
	if key == "" {
		if last < 0 {
			key = "0"
		} else if len(rest) > 0 && n.list[last].takes(rest) {
			return n.list[last].node
		} else {
			key = strconv.Itoa(n.list[last].index + 1)
		}
	}
	index, _ := strconv.Atoi(key) // only digits, and few of them: isIndex
	at, found := slices.BinarySearchFunc(n.list, index, func(e element, i int) int { return e.index - i })
	if !found {
		n.list = slices.Insert(n.list, at, element{index, &node{}})
	}
	return n.list[at].node
}

func (n *node) values() []any {
	values := make([]any, len(n.list))
	for i, e := range n.list {
		values[i] = e.value()
	}
	return values
}

// places are the values with "" for each number that was left out, up to a number
// that no client means.
func (n *node) places() []any {
	var values []any
	for _, e := range n.list {
		for len(values) < min(e.index, maxPlaces) {
			values = append(values, "")
		}
		values = append(values, e.value())
	}
	return values
}

// maxPlaces is how many photos a post may have whose texts are found by number.
const maxPlaces = 1000

// spellings are the names that have been seen, by what they are when case is left
// out of account.
type spellings map[string]string

// clash notes a name, and tells whether another one differs from it only in case.
func (s spellings) clash(name string) bool {
	key := fold(name)
	if _, seen := s[key]; !seen {
		s[key] = name
	}
	return s[key] != name
}

func (n *node) value() any {
	switch {
	case n.list != nil:
		return n.values()
	case n.keys != nil:
		object := make(map[string]any, len(n.keys))
		for key, child := range n.keys {
			object[key] = child.value()
		}
		return object
	}
	return n.text
}
