package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt believes its file. It would follow a branch that leads back to itself for
// ever, and give out pages as free that are not, so what its whole tree hangs on is
// looked at before it is opened: the heads, the list of free pages, and the branches.
// What is wrong with a leaf is said, but stays the damage of its records. Of a large
// file only as much is looked at as can be read in a moment, from the root downwards.
//
//	page    id 8 · kind 2 · count 2 · further pages 4 · elements…
//	head    magic 4 · version 4 · page size 4 · flags 4 · root 8 · sequence 8 · free list 8 · pages 8 · commit 8 · FNV-1a 8
//	branch  element: offset of its key 4 · length 4 · page 8
//	leaf    element: flags 4 · offset of its key 4 · length 4 · length of the value 4
//
// Numbers have the byte order of the machine.

// errRestore says what to do about a file that is not whole.
var errRestore = errors.New("restore a backup")

// The format, as far as it is looked at.
const (
	branchPage  = 0x01
	leafPage    = 0x02
	freePage    = 0x10
	pageHeader  = 16
	boltMagic   = 0xED0CDAED
	boltVersion = 2
)

// maxLooks is how many pages are looked at, in a millisecond or two: all of some thousand
// mentions, of a million the upper branches.
const maxLooks = 256

// head is one of the two heads of a file: where a commit's tree begins.
type head struct{ pageSize, root, free, pages, commit uint64 }

// whole is a file that is looked at, by its newest head.
type whole struct {
	f io.ReaderAt
	head
	looks   int
	damaged []error
}

// verdict is what was seen of a file that can be opened.
type verdict struct {
	empty   bool    // nothing was written to it since it was made
	damaged []error // what is wrong and can be lived with
}

// intact tells whether bbolt can be let loose on a file.
func intact(f *os.File) (seen verdict, err error) {
	info, err := f.Stat()
	if err != nil {
		return seen, err
	}
	newest, spare, err := readHeads(f)
	if err != nil {
		return seen, err
	}
	if !spare {
		seen.damaged = append(seen.damaged, errors.New("one of its two heads: perhaps the newer one, with the last commit"))
	}
	if newest.pageSize == 0 || newest.pages > uint64(info.Size())/newest.pageSize {
		return seen, fmt.Errorf("the file is cut off (%d bytes of %d pages): %w", info.Size(), newest.pages, errRestore)
	}
	w := &whole{f: f, head: newest}
	seen.empty, err = w.check()
	if err != nil {
		return seen, fmt.Errorf("the file is damaged (%w): %w", err, errRestore)
	}
	seen.damaged = append(seen.damaged, w.damaged...)
	return seen, nil
}

// readHeads reads the newer of the two heads, and whether the other one is whole.
func readHeads(f io.ReaderAt) (newest head, spare bool, err error) {
	a, okA := readHead(f, 0)
	b, okB := head{}, false
	// The second head is a page behind the first, however long that one's page is.
	for size := int64(1 << 10); size <= 16<<20 && !okB; size <<= 1 {
		if b, okB = readHead(f, size); okB && b.pageSize != uint64(size) {
			okB = false
		}
	}
	switch {
	case !okA && !okB:
		return head{}, false, fmt.Errorf("the file is damaged or no database: %w", errRestore)
	case !okA || okB && b.commit > a.commit:
		return b, okA, nil
	}
	return a, okB, nil
}

func readHead(f io.ReaderAt, at int64) (h head, ok bool) {
	var b [64]byte
	if _, err := f.ReadAt(b[:], at+pageHeader); err != nil {
		return h, false
	}
	n := binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(b[:56])
	ok = n.Uint32(b[:]) == boltMagic && n.Uint32(b[4:]) == boltVersion && n.Uint64(b[56:]) == sum.Sum64()
	h = head{
		pageSize: uint64(n.Uint32(b[8:])), root: n.Uint64(b[16:]), free: n.Uint64(b[32:]),
		pages: n.Uint64(b[40:]), commit: n.Uint64(b[48:]),
	}
	return h, ok
}

// check looks at what the tree hangs on.
func (w *whole) check() (empty bool, err error) {
	top, err := w.page(w.root, leafPage)
	if err != nil {
		return false, err
	}
	if top.count() == 0 && w.commit <= 1 {
		return true, nil
	}
	// The one bucket: its value begins with its root, 0 when its keys are in the value.
	key, value, ok := top.leaf(0)
	if !ok || !bytes.Equal(key, bucket) || len(value) < 16 {
		return false, errors.New("its records are missing")
	}
	if err := w.freeList(); err != nil {
		return false, err
	}
	root := binary.NativeEndian.Uint64(value)
	if root == 0 {
		return false, nil
	}
	return false, w.branches(root)
}

// freeList looks at the pages that the next commit will write over.
func (w *whole) freeList() error {
	p, err := w.page(w.free, freePage)
	if err != nil {
		return err
	}
	ids := p.data[pageHeader:]
	n := uint64(p.count())
	if n == 0xffff && len(ids) >= 8 { // then it is the first number
		n, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids))/8 {
		return fmt.Errorf("page %d: %d free pages", p.id, n)
	}
	last := uint64(1)
	for ; n > 0; n, ids = n-1, ids[8:] {
		id := binary.NativeEndian.Uint64(ids)
		if id <= last || id >= w.pages {
			return fmt.Errorf("page %d: the free pages are out of their order", p.id)
		}
		last = id
	}
	return nil
}

// branches goes through the tree level by level, down to the leaves, which are all
// on one.
func (w *whole) branches(root uint64) error {
	seen := make([]bool, w.pages) // there is a byte of the file for each, and many more
	for _, id := range []uint64{0, 1, w.root, w.free, root} {
		if id < w.pages {
			seen[id] = true
		}
	}
	level := []child{{root, nil}}
	for !w.areLeaves(level) {
		var below []child
		for _, c := range level {
			p, err := w.page(c.id, branchPage)
			if err != nil {
				return err
			}
			if w.looks++; w.looks > maxLooks {
				return nil
			}
			children, err := p.children(c.key)
			if err != nil {
				return err
			}
			for _, next := range children {
				if next.id >= w.pages || seen[next.id] {
					return fmt.Errorf("page %d leads to page %d", c.id, next.id)
				}
				seen[next.id] = true
			}
			below = append(below, children...)
		}
		level = below
	}
	w.leaves(level)
	return nil
}

// areLeaves judges a level by the first page of it that can be read.
func (w *whole) areLeaves(level []child) bool {
	for _, c := range level {
		if p, err := w.page(c.id, branchPage|leafPage); err == nil {
			return p.kind() == leafPage
		}
	}
	return false
}

// leaves notes which of the leaves are damaged, and which a branch would not find.
func (w *whole) leaves(level []child) {
	var last []byte
	for _, c := range level {
		if w.looks++; w.looks > maxLooks {
			return
		}
		if bytes.Compare(c.key, last) <= 0 && last != nil {
			w.damaged = append(w.damaged, fmt.Errorf("page %d: it is out of its order", c.id))
		}
		p, err := w.page(c.id, leafPage)
		if err == nil {
			last, err = p.keys(c.key, last)
		}
		if err != nil {
			w.damaged = append(w.damaged, err)
		}
	}
}

// keys goes through a leaf, whose keys come after those of the one before, and not
// before the one that its branch leads to it by. Keys and values lie behind the
// elements without a gap, so a wrong number shows.
func (p page) keys(from, last []byte) ([]byte, error) {
	next := 16 * p.count()
	for i := range p.count() {
		e, _, ok := p.element(i)
		key, value, fits := p.leaf(i)
		if !ok || !fits || 16*i+int(binary.NativeEndian.Uint32(e[4:])) != next {
			return last, fmt.Errorf("page %d: its parts do not fit", p.id)
		}
		if bytes.Compare(key, last) <= 0 || bytes.Compare(key, from) < 0 {
			return last, fmt.Errorf("page %d: its keys are out of their order", p.id)
		}
		last, next = key, next+len(key)+len(value)
	}
	return last, nil
}

// page is a page with all that belongs to it.
type page struct {
	id   uint64
	data []byte
}

// page reads one that must be of a kind.
func (w *whole) page(id uint64, kinds uint16) (page, error) {
	p := page{id, make([]byte, w.pageSize)}
	if id >= w.pages {
		return p, fmt.Errorf("page %d of %d", id, w.pages)
	}
	at := int64(id * w.pageSize)
	if _, err := w.f.ReadAt(p.data, at); err != nil {
		return p, err
	}
	n := binary.NativeEndian
	more := uint64(n.Uint32(p.data[12:]))
	if n.Uint64(p.data) != id || p.kind()&kinds == 0 || p.kind()&(p.kind()-1) != 0 || more >= w.pages-id {
		return p, fmt.Errorf("page %d is another than it should be", id)
	}
	if more > 0 {
		p.data = make([]byte, (more+1)*w.pageSize)
		if _, err := w.f.ReadAt(p.data, at); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (p page) kind() uint16 { return binary.NativeEndian.Uint16(p.data[8:]) }

func (p page) count() int { return int(binary.NativeEndian.Uint16(p.data[10:])) }

// element is the one with the number i, and what of the page lies behind its beginning.
func (p page) element(i int) (fields, rest []byte, ok bool) {
	at := pageHeader + 16*i
	if i >= p.count() || at+16 > len(p.data) {
		return nil, nil, false
	}
	return p.data[at : at+16], p.data[at:], true
}

// cut is a part of what lies behind an element.
func cut(rest []byte, offset, length uint32) ([]byte, bool) {
	end := uint64(offset) + uint64(length)
	if end > uint64(len(rest)) {
		return nil, false
	}
	return rest[offset:end], true
}

// leaf is an element of a leaf.
func (p page) leaf(i int) (key, value []byte, ok bool) {
	e, rest, ok := p.element(i)
	if !ok {
		return nil, nil, false
	}
	n := binary.NativeEndian
	offset, length := n.Uint32(e[4:]), n.Uint32(e[8:])
	if key, ok = cut(rest, offset, length); ok {
		value, ok = cut(rest[len(key):], offset, n.Uint32(e[12:]))
	}
	return key, value, ok
}

// child is a page that a branch leads to, and the first key that is looked for there.
type child struct {
	id  uint64
	key []byte
}

// children are where a branch leads, by keys in their order.
func (p page) children(from []byte) ([]child, error) {
	var found []child
	last := from
	for i := range p.count() {
		e, rest, ok := p.element(i)
		if !ok {
			return nil, fmt.Errorf("page %d is too full", p.id)
		}
		n := binary.NativeEndian
		key, ok := cut(rest, n.Uint32(e), n.Uint32(e[4:]))
		if order := bytes.Compare(key, last); !ok || order < 0 || i > 0 && order == 0 {
			return nil, fmt.Errorf("page %d: its keys are out of their order", p.id)
		}
		found, last = append(found, child{n.Uint64(e[8:]), key}), key
	}
	if found == nil {
		return nil, fmt.Errorf("page %d leads nowhere", p.id)
	}
	return found, nil
}
