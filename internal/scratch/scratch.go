// Package scratch lends room for bytes that are only passing through, such as the body of an
// answer of unknown length, so that the collector has less to do.
package scratch

import (
	"bytes"
	"io"
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

// ReadAll reads r to its end, but no more than so many bytes. What it gives is a piece of memory
// of about their size. The error is r's own; what was read before it is given too.
func ReadAll(r io.Reader, most int64) ([]byte, error) {
	b := Lend()
	_, err := b.ReadFrom(io.LimitReader(r, min(most, kept-bytes.MinRead)))
	body := bytes.Clone(b.Bytes())
	Back(b)
	if n := int64(len(body)); err != nil || n == most || n < kept-bytes.MinRead {
		return body, err
	}
	for err == nil && int64(len(body)) < most {
		if len(body) == cap(body) {
			body = grown(body, most)
		}
		var n int
		n, err = r.Read(body[len(body):min(int64(cap(body)), most)])
		body = body[:len(body)+n]
	}
	if cap(body)-len(body) > len(body)/4 {
		body = bytes.Clone(body)
	}
	if err == io.EOF { // one that wraps it is a failure, as everywhere in io
		err = nil
	}
	return body, err
}

// grown has twice the room, or all that there may be when that is not much more.
func grown(body []byte, most int64) []byte {
	room := 2 * int64(len(body))
	if 2*room > most {
		room = most
	}
	return append(make([]byte, 0, room), body...)
}
