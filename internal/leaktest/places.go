package leaktest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// Dir has everything in a directory searched when the test ends, after what the test itself
// has still to clear up. Whoever keeps data there calls it before opening it.
func Dir(t testing.TB, dir string) {
	t.Helper()
	t.Cleanup(func() {
		for _, leak := range run.search(dir) {
			t.Error(leak)
		}
	})
}

// Search searches everything at and below a path now, and says what was found where.
func Search(path string) (leaks []string) { return run.search(path) }

// Log is where logs go that nobody reads. They are searched when all tests have ended.
func Log() io.Writer { return logged{} }

type logged struct{}

// Write is of io.Writer.
func (logged) Write(b []byte) (int, error) {
	run.add("log", b)
	return len(b), nil
}

// Handler hands on requests, and keeps the answers that refuse or fail.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k := &keeping{ResponseWriter: w}
		defer k.keep(r)
		next.ServeHTTP(k, r)
	})
}

// keeping is an answer whose text is kept when its status is that of an error.
type keeping struct {
	http.ResponseWriter
	status int
	said   bytes.Buffer
}

// WriteHeader is of http.ResponseWriter.
func (k *keeping) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
	k.ResponseWriter.WriteHeader(status)
}

// Write is of http.ResponseWriter.
func (k *keeping) Write(b []byte) (int, error) {
	if k.status >= 400 {
		k.said.Write(b)
	}
	return k.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (k *keeping) Unwrap() http.ResponseWriter { return k.ResponseWriter }

func (k *keeping) keep(r *http.Request) {
	if k.status >= 400 {
		refusal(r.Method, k.status, k.Header(), k.said.Bytes())
	}
}

func refusal(method string, status int, header http.Header, said []byte) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %d\n", method, status)
	for name, values := range header {
		if name != "Set-Cookie" { // which is for the browser that asks
			fmt.Fprintf(&text, "%s: %q\n", name, values)
		}
	}
	text.Write(said)
	text.WriteByte('\n')
	run.add("refusals", text.Bytes())
}

// listening is the way to the network that tests take when they ask the program, with the
// answers kept that refuse or fail.
type listening struct{ http.RoundTripper }

// RoundTrip is of http.RoundTripper.
func (l listening) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err != nil || resp.StatusCode < 400 {
		return resp, err
	}
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	refusal(r.Method, resp.StatusCode, resp.Header, said)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(said), errorReader{err}, resp.Body), resp.Body}
	return resp, nil
}

// errorReader has the error that reading met, if any.
type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	return 0, io.EOF
}

// CloseIdleConnections is for http.Client.
func (l listening) CloseIdleConnections() {
	if c, ok := l.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
