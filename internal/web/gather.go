package web

import (
	"errors"
	"io"
	"time"
)

// pageTime is how long a page may take to come before it goes through as it comes.
const pageTime = 10 * time.Second

// gather reads a page. One that is too large, too slow or broken off comes back as rest,
// with everything that was read of it at its beginning.
func gather(body io.ReadCloser) (page []byte, rest io.ReadCloser) {
	t := &tail{body: body, chunks: make(chan chunk), closed: make(chan struct{})}
	go t.pump()
	slow := time.NewTimer(pageTime)
	defer slow.Stop()
	for {
		select {
		case c := <-t.chunks:
			page = append(page, c.bytes...)
			switch {
			case errors.Is(c.err, io.EOF) && len(page) <= maxPage:
				_ = body.Close() // all of it is here
				return page, nil
			case c.err != nil || len(page) > maxPage:
				t.begun, t.err = page, c.err
				return nil, t
			}
		case <-slow.C:
			t.begun = page
			return nil, t
		}
	}
}

// tail is a body of which the beginning was read already.
type tail struct {
	begun  []byte
	err    error // of the end, once it was met
	body   io.ReadCloser
	chunks chan chunk
	closed chan struct{}
}

type chunk struct {
	bytes []byte
	err   error
}

// pump reads the body until it ends or is closed.
func (t *tail) pump() {
	for {
		buf := make([]byte, 32<<10)
		n, err := t.body.Read(buf)
		select {
		case t.chunks <- chunk{buf[:n], err}:
		case <-t.closed:
			return
		}
		if err != nil {
			return
		}
	}
}

// Read implements io.Reader.
func (t *tail) Read(p []byte) (int, error) {
	for len(t.begun) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		c := <-t.chunks
		t.begun, t.err = c.bytes, c.err
	}
	n := copy(p, t.begun)
	t.begun = t.begun[n:]
	return n, nil
}

// Close implements io.Closer.
func (t *tail) Close() error {
	close(t.closed)
	return t.body.Close()
}
