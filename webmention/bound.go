package webmention

import (
	"context"
	"io"
	"net/http"
)

// bound gives the requests of a library that knows no context ours, and our name.
type bound struct {
	ctx       context.Context
	userAgent string
	next      http.RoundTripper // nil means http.DefaultTransport, as in http.Client
}

// RoundTrip sends req so that it ends when either context does: the client's
// Timeout is in that of req.
func (b bound) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	stop := context.AfterFunc(b.ctx, func() { cancel(context.Cause(b.ctx)) })
	release := func() {
		stop()
		cancel(nil)
	}
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	req = req.Clone(ctx)
	req.Header.Set("User-Agent", b.userAgent)
	resp, err := next.RoundTrip(req)
	if err != nil {
		release()
		return nil, err
	}
	resp.Body = releasing{resp.Body, release}
	return resp, nil
}

// releasing is a body that lets go of its context when it is closed.
type releasing struct {
	io.ReadCloser
	release func()
}

func (r releasing) Close() error {
	defer r.release()
	return r.ReadCloser.Close()
}
