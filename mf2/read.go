package mf2

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"willnorris.com/go/microformats"
)

// Read reads the microformats of a parsed page, whose address is base (without one,
// relative URLs stay relative). The tree is not changed.
//
// What a hostile page has beyond the budget is not read: items more than ten deep,
// more than 2,000 properties, text that would have to be gathered hundreds of times
// over. The outer and the earlier win. Reading never fails: the worst page is one
// that says nothing.
func Read(doc *html.Node, base *url.URL) (page Page) {
	page = Page{URL: base, Rels: map[string][]string{}}
	if doc == nil {
		return page
	}
	defer func() {
		if recover() != nil { // the parser is not ours, and the page is a stranger's
			page = Page{URL: base, Rels: map[string][]string{}}
		}
	}()
	length := 0
	if base != nil {
		length = len(base.String())
	}
	affordable := budgeted(doc, length)
	data := microformats.ParseNode(&affordable.nodes[0], base)
	if data == nil {
		return page
	}
	page.Rels = data.Rels
	page.Items = plainItems(data.Items)
	affordable.giveBack()
	return page
}

// plainItems turns the parser's items into plain ones. The parser lets a property
// of one element share everything with its neighbours, so that ten nested elements
// may stand for a thousand million values: each item of the page is read level by
// level, from the outside, and values are taken only until there have been enough.
func plainItems(from []*microformats.Microformat) []Item {
	c := converter{values: maxProperties, bytes: maxOutput}
	items := make([]Item, 0, len(from))
	for _, mf := range from {
		top, ok := c.value(mf)
		for len(c.queue) > 0 {
			next := c.queue[0]
			c.queue = c.queue[1:]
			c.fill(next.to, next.from)
		}
		if it, isItem := AsItem(top); ok && isItem {
			items = append(items, it)
		}
	}
	return items
}

type converter struct {
	values, bytes int
	queue         []pending
}

type pending struct {
	from *microformats.Microformat
	to   map[string]any
}

// take reports whether a value with so many bytes of text may still be kept.
func (c *converter) take(size int) bool {
	if c.values == 0 || size > c.bytes {
		return false
	}
	c.values--
	c.bytes -= size
	return true
}

// fill writes an item as encoding/json would decode it.
func (c *converter) fill(to map[string]any, mf *microformats.Microformat) {
	types := make([]any, len(mf.Type))
	for i, typ := range mf.Type {
		types[i] = typ
	}
	properties := make(map[string]any, len(mf.Properties))
	to["type"], to["properties"] = types, properties
	take := func(name string, values []any) {
		kept, _ := properties[name].([]any)
		for _, v := range values {
			if value, ok := c.value(v); ok {
				kept = append(kept, value)
			}
		}
		if kept != nil {
			properties[name] = kept
		}
	}
	// Every property's first value comes before any second one.
	names := sortedKeys(mf.Properties)
	for _, name := range names {
		take(name, mf.Properties[name][:1])
	}
	for _, name := range names {
		take(name, mf.Properties[name][1:])
	}
	var children []any
	for _, child := range mf.Children {
		if value, ok := c.value(child); ok {
			children = append(children, value)
		}
	}
	if children != nil {
		to["children"] = children
	}
}

// value returns a property's value as a plain one; a nested item is filled later.
func (c *converter) value(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return valid(v), c.take(len(v))
	case map[string]string:
		object, size := make(map[string]any, len(v)), 0
		for key, s := range v {
			object[key] = valid(s)
			size += len(s)
		}
		return object, c.take(size)
	case *microformats.Microformat:
		if v == nil || !c.take(len(v.ID)+len(v.Value)+len(v.HTML)) {
			return nil, false
		}
		to := map[string]any{}
		for key, s := range map[string]string{"id": v.ID, "value": v.Value, "html": v.HTML} {
			if s != "" {
				to[key] = valid(s)
			}
		}
		c.queue = append(c.queue, pending{v, to})
		return to, true
	}
	return nil, false
}

// valid is for trees that somebody else parsed: Parse makes its own valid.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
