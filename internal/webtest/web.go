// Package webtest is an in-memory web for tests: many hosts, no ports.
//
//	web := webtest.New(t)
//	web.Handle("bea.example", handler)
//	resp, err := web.Client().Get("https://bea.example/hello")
//
// Requests travel as HTTP/1.1 over net.Pipe, so the package works in a
// testing/synctest bubble, where real sockets would freeze the clock. Where dialling
// itself is tested there are [Serve], [Canary] and [Names] on loopback. It follows no
// specification; only _test.go files use it.
package webtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Recorded is a request that a host has received.
type Recorded struct {
	Method string
	URL    string // absolute, as the client named it
	Header http.Header
	Body   []byte
	Form   url.Values // of a form-encoded body, else nil
	Time   time.Time
}

// Web is a set of hosts. Its methods may be called concurrently. Everything it
// started has ended when the test and its cleanup functions have.
type Web struct {
	t         testing.TB
	transport *http.Transport
	listener  *listener
	end       context.Context // done when the test is

	mu    sync.Mutex
	hosts map[string]*host // by the name given to Handle
}

type host struct {
	handler http.Handler
	down    bool
	seen    []Recorded
}

// New starts an empty web, where every name is unknown.
func New(t testing.TB) *Web {
	t.Helper()
	end, cancel := context.WithCancel(context.Background())
	w := &Web{
		t:        t,
		end:      end,
		listener: &listener{conns: make(chan net.Conn), done: make(chan struct{})},
		hosts:    map[string]*host{},
	}
	w.transport = &http.Transport{
		DialContext:    func(ctx context.Context, _, addr string) (net.Conn, error) { return w.dial(ctx, addr, false) },
		DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return w.dial(ctx, addr, true) },
		// No connection is kept: Down holds at once, and nothing idle outlives the test.
		DisableKeepAlives: true,
	}
	server := &http.Server{
		Handler:     http.HandlerFunc(w.serve),
		ErrorLog:    log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("webtest: serve: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := server.Close(); err != nil {
			t.Errorf("webtest: close: %v", err)
		}
		<-served
	})
	return w
}

// Handle lets h answer for host: "ana.example" on ports 80 and 443, or
// "ana.example:8080" on that port. Both http and https lead there; with https the
// handler sees a non-nil r.TLS. A second call for a host replaces its handler.
func (w *Web) Handle(name string, h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.host(name).handler = h
}

// Down makes connections to host fail as refused, or lets them through again.
func (w *Web) Down(name string, down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.host(name).down = down
}

// Requests returns what the host has received so far, in order of arrival.
func (w *Web) Requests(name string) []Recorded {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.hosts[strings.ToLower(name)]; h != nil {
		return slices.Clone(h.seen)
	}
	return nil
}

// Client returns a client for this web, of the caller's own to change. A name
// that no Handle knows fails as in the DNS.
func (w *Web) Client() *http.Client { return &http.Client{Transport: roundTripper{w}} }

// roundTripper ends its requests with the test, also those whose body the test forgot.
type roundTripper struct{ web *Web }

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	context.AfterFunc(rt.web.end, cancel)
	resp, err := rt.web.transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Request = r
	return resp, nil
}

// host returns the named host, made on first use. The caller holds w.mu.
func (w *Web) host(name string) *host {
	name = strings.ToLower(name)
	h := w.hosts[name]
	if h == nil {
		h = &host{}
		w.hosts[name] = h
	}
	return h
}

// lookup finds who answers at addr, a "host:port".
func (w *Web) lookup(addr string) (h *host, known bool) {
	addr = strings.ToLower(addr)
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, false
	}
	if h, known = w.hosts[addr]; known {
		return h, true
	}
	if h, known = w.hosts[name]; known && port != "80" && port != "443" {
		return nil, true // the host is there, nothing listens
	}
	return h, known
}

func (w *Web) dial(ctx context.Context, addr string, secure bool) (net.Conn, error) {
	w.mu.Lock()
	h, known := w.lookup(addr)
	refused := h == nil || h.down || h.handler == nil
	w.mu.Unlock()
	name, _, _ := strings.Cut(addr, ":")
	if !known {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}}
	}
	if refused {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ours, theirs := net.Pipe()
	select {
	case w.listener.conns <- &conn{Conn: theirs, host: h, secure: secure}:
		return ours, nil
	case <-w.listener.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *Web) serve(rw http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	scheme := "http"
	if c.secure {
		scheme = "https"
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: r.Host}
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
	seen := Recorded{
		Method: r.Method,
		URL:    scheme + "://" + r.Host + r.URL.RequestURI(),
		Header: r.Header.Clone(),
		Body:   body,
		Time:   time.Now(),
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" {
		// What is not a form has none; the handler will judge the body itself.
		seen.Form, _ = url.ParseQuery(string(body))
	}
	w.mu.Lock()
	c.host.seen = append(c.host.seen, seen)
	handler := c.host.handler
	w.mu.Unlock()

	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				w.t.Errorf("webtest: handler for %s panicked: %v", seen.URL, p)
			}
			panic(http.ErrAbortHandler)
		}
	}()
	handler.ServeHTTP(rw, r)
}

type connKey struct{}

// conn is the server's end of a connection, which remembers who was dialled.
type conn struct {
	net.Conn
	host   *host
	secure bool
}

// failing is the rest of a body that broke off with err, or its end.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// listener hands the dialled connections to the server.
type listener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "webtest" }
func (address) String() string  { return "webtest" }
