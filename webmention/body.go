package webmention

import (
	"bytes"
	"io"
	"sync"
)

// pooled is the most that a page of usual size takes, in bytes.
const pooled = 256 << 10

// room is for pages whose length is not known before they have been read.
var room = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readAll reads r to its end, but no more than so many bytes. What it gives is a piece of memory
// of about their size. The error is r's own; what was read before it is given too.
func readAll(r io.Reader, most int64) ([]byte, error) {
	b := room.Get().(*bytes.Buffer)
	_, err := b.ReadFrom(io.LimitReader(r, min(most, pooled-bytes.MinRead)))
	body := bytes.Clone(b.Bytes())
	if b.Cap() <= pooled {
		b.Reset()
		room.Put(b)
	}
	if n := int64(len(body)); err != nil || n == most || n < pooled-bytes.MinRead {
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
