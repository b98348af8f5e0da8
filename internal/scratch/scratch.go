// Package scratch lends room for bytes that are only passing through, such as the body of an
// answer of unknown length, so that the collector has less to do.
//
//	b := scratch.Lend()
//	b.ReadFrom(r)
//	body := scratch.Keep(b) // or scratch.Back(b), when nobody needs the bytes any more
package scratch

import (
	"bytes"
	"sync"
)

// kept is the most that is kept of one loan, in bytes: room for a page of usual size.
const kept = 256 << 10

var room = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Lend gives a buffer with nothing in it.
func Lend() *bytes.Buffer { return room.Get().(*bytes.Buffer) }

// Back takes a buffer back. Nobody may look at its bytes from then on.
func Back(b *bytes.Buffer) {
	if b.Cap() > kept {
		return
	}
	b.Reset()
	room.Put(b)
}

// Keep gives the bytes of a buffer to who borrowed it, and takes the buffer back. Few bytes
// come in a piece of their own size.
func Keep(b *bytes.Buffer) []byte {
	if b.Cap() > kept {
		return b.Bytes()
	}
	defer Back(b)
	return bytes.Clone(b.Bytes())
}
