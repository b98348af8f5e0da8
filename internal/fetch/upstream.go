package fetch

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// patience is how long an upstream may take to begin with its answer.
const patience = time.Minute

// Upstream returns the way to the server that a reverse proxy stands in front of, as the
// settings name it: "http://127.0.0.1:1313". A request to any other place is refused.
// Nothing is followed, decoded or cut off: what comes back is for whoever has asked, also a
// connection that has changed to another protocol. Of o only the limits for connecting and
// for headers count.
func Upstream(origin *url.URL, o Options) http.RoundTripper {
	o = o.withDefaults()
	t := newTransport(o)
	t.DialContext = (&net.Dialer{Timeout: o.DialTimeout, Resolver: o.Resolver}).DialContext
	t.DisableCompression = true
	t.ResponseHeaderTimeout, t.ExpectContinueTimeout = patience, time.Second
	t.MaxIdleConnsPerHost, t.IdleConnTimeout = 64, 30*time.Second
	return upstream{scheme: origin.Scheme, host: HostPort(origin), next: t}
}

type upstream struct {
	scheme, host string
	next         http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (u upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	if host := HostPort(req.URL); host != u.host || req.URL.Scheme != u.scheme {
		if req.Body != nil {
			_ = req.Body.Close() // RoundTrip must close it; the refusal is the error to report
		}
		return nil, fmt.Errorf("%w: %q is not the upstream", ErrBlocked, host)
	}
	return u.next.RoundTrip(req)
}
