package mf2

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The budget of one page. The parser reads the text under every property anew, as
// deep as the page is nested, keeps what it finds in items that share their
// properties, and follows references from one element to another, so that a small
// page can cost minutes, or the process. So it is never given a stranger's tree: it
// is given a copy in which whatever exceeds the budget is plain HTML.
const (
	maxNodes      = 40_000   // of a page, in its order; the rest is not read
	maxLevels     = 1024     // elements around an element
	maxRoots      = 2000     // items on a page
	maxProperties = 2000     // properties on a page, and values in what is read from it
	maxClasses    = 64       // classes of one element
	maxRels       = 2000     // rel values on a page
	maxBaseURL    = 2048     // bytes of a base element's href, which every relative URL repeats
	maxWork       = 48 << 20 // bytes that the parser moves, in the weights of weigh
	maxOutput     = 2 << 20  // bytes of text in what is read from a page
)

// slot is a node of the copy with what reading it costs.
type slot struct {
	node    *html.Node
	parent  int      // index of the parent's slot; the document is its own
	classes []string // the ones that the parser sees
	rels    int

	text   int  // bytes of text under it
	copies int  // bytes moved to gather that text, level by level
	markup int  // weight of writing its HTML
	nested bool // an item stands inside it

	era   era  // of its children
	depth int  // items around its children
	mute  bool // neither it nor its children mean anything
}

// budgeted makes a copy of the tree that is affordable to read. base is the length of
// the page's address. The copy is given back when it has been read.
func budgeted(doc *html.Node, base int) *copier {
	n := 1
	for range doc.Descendants() {
		if n++; n == maxNodes {
			break
		}
	}
	c := copiers.Get().(*copier)
	c.slots, c.nodes, c.base = slices.Grow(c.slots, n), slices.Grow(c.nodes, n)[:n], base
	c.copy(doc, 0, 0)
	c.weigh()
	c.spend()
	return c
}

type copier struct {
	slots []slot // in document order
	nodes []html.Node
	base  int
}

// copiers keeps the room for copies of pages of usual size: it is a fifth of all that
// reading a page takes. What comes out of it is as new.
var copiers = sync.Pool{New: func() any { return new(copier) }}

func (c *copier) giveBack() {
	if len(c.nodes) > maxNodes/8 {
		return
	}
	clear(c.slots)
	clear(c.nodes)
	c.slots, c.nodes = c.slots[:0], c.nodes[:0]
	copiers.Put(c)
}

// copy copies a node and what is under it, so that the parser, which resolves URLs
// in place, changes nothing of the caller's.
func (c *copier) copy(n *html.Node, parent, level int) {
	i := len(c.slots)
	if i == len(c.nodes) || level > maxLevels {
		return
	}
	node := &c.nodes[i]
	*node = html.Node{Type: n.Type, DataAtom: n.DataAtom, Data: n.Data, Namespace: n.Namespace, Attr: slices.Clone(n.Attr)}
	s := slot{node: node, parent: parent}
	if n.Type == html.ElementNode {
		s.readAttributes()
		c.readBase(node)
	}
	c.slots = append(c.slots, s)
	if i > 0 {
		c.nodes[parent].AppendChild(node)
	}
	for child := range n.ChildNodes() {
		c.copy(child, i, level+1)
	}
}

// readAttributes collects what an element means, and removes what the parser must
// not follow: the include pattern of the first microformats joins elements by id,
// and two that include each other have no end.
func (s *slot) readAttributes() {
	s.node.Attr = slices.DeleteFunc(s.node.Attr, func(a html.Attribute) bool {
		return strings.EqualFold(a.Key, "itemref") || strings.EqualFold(a.Key, "headers") && s.node.DataAtom == atom.Td
	})
	for i := range s.node.Attr {
		switch a := &s.node.Attr[i]; strings.ToLower(a.Key) {
		case "class":
			s.classes = strings.Fields(a.Val)
			if len(s.classes) > maxClasses || slices.Contains(s.classes, "include") {
				s.keep(isMeaningful)
			}
		case "rel":
			s.rels += len(strings.Fields(a.Val))
		}
	}
}

// readBase notes the base element, whose address stands before every relative URL.
func (c *copier) readBase(node *html.Node) {
	if node.DataAtom != atom.Base {
		return
	}
	node.Attr = slices.DeleteFunc(node.Attr, func(a html.Attribute) bool {
		return strings.EqualFold(a.Key, "href") && len(a.Val) > maxBaseURL
	})
	for _, a := range node.Attr {
		c.base = max(c.base, min(len(a.Val), maxBaseURL))
	}
}

// keep leaves an element only the classes that meaning accepts.
func (s *slot) keep(meaning func(class string) bool) {
	s.classes = slices.DeleteFunc(s.classes, func(class string) bool { return !meaning(class) })
	s.classes = s.classes[:min(len(s.classes), maxClasses)]
	value := strings.Join(s.classes, " ")
	for i := range s.node.Attr {
		if strings.EqualFold(s.node.Attr[i].Key, "class") {
			s.node.Attr[i].Val = value
		}
	}
}

func (s *slot) removeRel() {
	s.node.Attr = slices.DeleteFunc(s.node.Attr, func(a html.Attribute) bool {
		return strings.EqualFold(a.Key, "rel")
	})
	s.rels = 0
}

// weigh adds up, from the leaves to the root, what it costs to read the text and
// the HTML under each element.
func (c *copier) weigh() {
	for i := len(c.slots) - 1; i >= 0; i-- {
		s := &c.slots[i]
		if s.node.Type == html.TextNode {
			s.text = len(s.node.Data)
		}
		s.markup += 64
		if s.node.Type != html.ElementNode {
			s.markup += 4 * len(s.node.Data)
		}
		for _, a := range s.node.Attr {
			s.markup += 4 * len(a.Val)
			if s.node.DataAtom == atom.Img {
				s.text += len(a.Val) + c.base // its alt, or else its address, is text
			}
			switch a.Key {
			case "href", "src", "cite", "data", "action", "formaction", "ping", "poster":
				s.markup += 256 + c.base // resolved
			}
		}
		s.copies += s.text + 32
		switch s.node.DataAtom {
		case atom.Script, atom.Style, atom.Template:
			s.text, s.copies, s.nested = 0, 0, false // the parser looks away
		}
		if i == 0 {
			return
		}
		p := &c.slots[s.parent]
		p.text += s.text
		p.copies += s.copies
		p.markup += s.markup
		root, _, _ := classify(s.classes, outside)
		p.nested = p.nested || s.nested || root != outside && s.node.DataAtom != atom.Template
	}
}

// spend walks the page from its beginning and pays for what the parser will read;
// what cannot be paid for loses its meaning. So the outer and the earlier come
// first, and a page within the budget, which is any page that a person made, is
// read as it is.
func (c *copier) spend() {
	p := purse{work: maxWork, roots: maxRoots, properties: maxProperties, rels: maxRels}
	for i := 1; i < len(c.slots); i++ {
		s, around := &c.slots[i], c.slots[c.slots[i].parent]
		s.era, s.depth, s.mute = around.era, around.depth, around.mute
		if s.rels > 0 && !p.payRels(s) {
			s.removeRel()
		}
		if s.mute {
			s.keep(none)
			continue
		}
		root, n, markup := classify(s.classes, around.era)
		if around.era == classic {
			n += s.rels // some of which are properties
		}
		affordable := p.payProperties(s, n, markup)
		switch {
		case root != outside:
			s.era, s.depth = root, s.depth+1
			if !affordable || !p.payRoot(s) {
				s.mute = true
				s.keep(none)
			}
		case !affordable:
			s.removeRel()
			s.keep(notProperty)
		case around.era == outside && slices.ContainsFunc(s.classes, isProperty):
			s.keep(notProperty) // nobody's, and yet the parser would read it
		}
	}
}

// purse is what is left of a page's budget.
type purse struct{ work, roots, properties, rels int }

func (p *purse) pay(price int) bool {
	if price > p.work {
		return false
	}
	p.work -= price
	return true
}

// payRels pays for the relations of an element, whose text the parser keeps.
func (p *purse) payRels(s *slot) bool {
	p.rels -= s.rels
	return p.rels >= 0 && p.pay(s.copies)
}

// payProperties pays for an element that is n properties, of which so many take its
// HTML.
func (p *purse) payProperties(s *slot, n, markup int) bool {
	if n > p.properties || !p.pay(n*(s.copies+64)+markup*s.markup) {
		return false
	}
	p.properties -= n
	return true
}

// payRoot pays for an element that begins an item. Where no item stands inside, or
// none will be read, its whole text may become its name.
func (p *purse) payRoot(s *slot) bool {
	p.roots--
	if s.depth > maxDepth || p.roots < 0 {
		return false
	}
	if (!s.nested || s.depth == maxDepth || p.roots == 0) && !p.pay(s.copies) {
		s.node.FirstChild, s.node.LastChild = nil, nil // nor may it be the name of the item around
		return false
	}
	return true
}
