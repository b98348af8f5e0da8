package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// road is the way of one request: it is checked, sent, and its answer capped. It
// is the transport of the client, so every hop passes here, also when a caller
// puts another CheckRedirect into a copy of the client.
type road struct {
	options Options
	next    http.RoundTripper
	check   func(*url.URL) error
	plain   map[string]bool // host:ports whose https is spoken without TLS
}

// RoundTrip implements http.RoundTripper.
func (r *road) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := r.permit(req.URL); err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // RoundTrip must close it; the refusal is the error to report
		}
		return nil, err
	}
	out := req.Clone(req.Context())
	if r.options.UserAgent != "" && out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", r.options.UserAgent)
	}
	if host := HostPort(out.URL); out.URL.Scheme == "https" && r.plain[host] {
		if out.Host == "" {
			out.Host = out.URL.Host
		}
		out.URL.Scheme, out.URL.Host = "http", host
		// Without this, servers that send everybody to https do so for ever.
		out.Header.Set("X-Forwarded-Proto", "https")
	}
	resp, err := r.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// We never ask for it, and no deadline holds for what would follow.
		_ = resp.Body.Close() // the refusal is the error to report
		return nil, fmt.Errorf("fetch: %s without being asked to", resp.Status)
	}
	resp.Request = req
	resp.Body = r.cap(resp)
	return resp, nil
}

func (r *road) permit(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%w: scheme %q", ErrBlocked, u.Scheme)
	}
	return r.check(u)
}

// checkStranger refuses what no honest URL of a page has. The address is the
// guard's to judge.
func checkStranger(u *url.URL) error {
	if u.User != nil {
		return fmt.Errorf("%w: user name in the URL", ErrBlocked)
	}
	return nil
}

// cap limits the body to MaxBody bytes. A body in a coding that we did not ask
// for cannot be read at all: its bytes must not pass for a page without links.
func (r *road) cap(resp *http.Response) io.ReadCloser {
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return &capped{body: resp.Body, err: fmt.Errorf("fetch: body is encoded as %q", coding)}
	}
	return &capped{body: resp.Body, most: r.options.MaxBody, left: r.options.MaxBody, text: isText(resp.Header.Get("Content-Type"))}
}

// isText reports whether a Content-Type is one of those that are text underneath.
func isText(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	kind = strings.TrimSpace(kind)
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml")
}

// gzipped is how every gzip file begins, and no text does.
const gzipped = "\x1f\x8b\x08"

// capped is a body of at most left bytes. Closing it closes the connection and
// reads nothing more.
type capped struct {
	body io.ReadCloser
	most int64  // as at the beginning
	left int64  // of it
	text bool   // it says that it is text
	head []byte // its first bytes, as many as gzipped has
	err  error  // sticks
}

func (c *capped) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	// One byte more than allowed is asked for, to tell a full body from a longer one.
	if int64(len(p)) > c.left {
		p = p[:c.left+1]
	}
	n, err := c.body.Read(p)
	if int64(n) > c.left {
		n, err = int(c.left), fmt.Errorf("%w: %w", ErrTooLarge, &http.MaxBytesError{Limit: c.most})
	}
	c.left -= int64(n)
	if c.compressed(p[:n]) {
		n, err = 0, errors.New("fetch: body is compressed, and does not say so")
	}
	c.err = err
	return n, err
}

// compressed looks at what was read and reports whether a text is none: a server
// that compresses twice, or a file as it lies on the disk, must not pass for a page
// without links either.
func (c *capped) compressed(read []byte) bool {
	if !c.text || len(c.head) == len(gzipped) {
		return false
	}
	c.head = append(c.head, read[:min(len(read), len(gzipped)-len(c.head))]...)
	return string(c.head) == gzipped
}

func (c *capped) Close() error { return c.body.Close() }

// redirects limits the hops and what travels along them.
func redirects(most int) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) > most {
			return fmt.Errorf("stopped after %d redirects", max(most, 0))
		}
		if req.URL.User != nil {
			return fmt.Errorf("%w: user name in a redirect", ErrBlocked)
		}
		// The next host need not learn what led to it.
		req.Header.Del("Referer")
		if !moved(req, via) {
			return nil
		}
		for _, secret := range []string{"Authorization", "Cookie", "DPoP"} {
			req.Header.Del(secret)
		}
		// 307 and 308 repeat the request. Its body was meant for the first host.
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			return fmt.Errorf("%w: %s redirected to %s", ErrBlocked, req.Method, HostPort(req.URL))
		}
		return nil
	}
}

// moved reports whether a hop so far had another scheme, host or port.
func moved(req *http.Request, via []*http.Request) bool {
	for _, v := range via {
		if v.URL.Scheme != req.URL.Scheme || HostPort(v.URL) != HostPort(req.URL) {
			return true
		}
	}
	return false
}

// origins knows where hosts are found whose names lead elsewhere.
type origins struct {
	dial  map[string]string // host:port → host:port
	plain map[string]bool
}

func newOrigins(setting map[string]string) origins {
	o := origins{dial: map[string]string{}, plain: map[string]bool{}}
	for host, to := range setting {
		host = strings.ToLower(host)
		u, err := url.Parse(to)
		if err == nil && u.Host != "" {
			o.dial[host], o.plain[host] = HostPort(u), u.Scheme == "http"
			continue
		}
		o.dial[host] = to
	}
	return o
}

func (o origins) dialer(d *net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if to, ok := o.dial[addr]; ok {
			addr = to
		}
		return d.DialContext(ctx, network, addr)
	}
}
