// Package fetch is the two HTTP clients of the program: one for strangers' URLs,
// one for the hosts that the settings name.
//
//	strangers := fetch.Strangers(fetch.Options{UserAgent: "Tertulia (Webmention)", Log: log})
//	owner := fetch.Owner([]string{"api.example:443"}, fetch.Options{})
//	resp, err := strangers.Get(source) // errors.Is(err, fetch.ErrBlocked): not a public address
//
// Both cap time, redirects, headers and the decoded body, know no proxy and keep
// no cookies. The guard follows the security considerations of the Webmention
// recommendation (webmention#security-considerations) and the IANA registries
// of special-purpose addresses.
package fetch

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

var (
	// ErrBlocked is in the chain of an error when the client refused to go where
	// a URL or a redirect pointed. Nothing was sent there.
	ErrBlocked = errors.New("fetch: blocked")
	// ErrTooLarge is what reading a body returns after MaxBody bytes. A caller
	// has then seen only the beginning of the page, which proves that something
	// is in it, but never that something is missing. The error is an
	// [http.MaxBytesError] too, for callers that do not know this package.
	ErrTooLarge = errors.New("fetch: body too large")
)

// Options are the limits of a client. The zero value has the defaults.
type Options struct {
	Allow        []netip.Prefix    // networks that Strangers may enter although they are not public, on any port
	Origin       map[string]string // Owner only: canonical host:port → where it is found instead, see [Owner]
	Timeout      time.Duration     // for a request with its redirects and the reading of its body; 0 is 10 s
	DialTimeout  time.Duration     // for looking up a name and connecting to one of its addresses; 0 is 3 s
	MaxRedirects int               // hops after the first request; 0 is 5, negative is none
	MaxHeader    int64             // bytes of an answer's header; 0 is 64 KiB
	MaxBody      int64             // bytes of a body after decoding; 0 is 1 MiB
	Resolver     *net.Resolver     // nil is the system's
	UserAgent    string            // for requests that bring none; WS-5 recommends the word Webmention
	Log          *slog.Logger      // nil discards
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = 3 * time.Second
	}
	if o.MaxRedirects == 0 {
		o.MaxRedirects = 5
	}
	if o.MaxHeader == 0 {
		o.MaxHeader = 64 << 10
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Strangers returns the client for URLs that outsiders choose: public addresses
// on ports 80 and 443, and whatever o.Allow lets in. The address is checked when
// it is dialled, after the name was looked up, for every hop. URLs with a user
// name or a scheme other than http and https are refused.
func Strangers(o Options) *http.Client {
	o = o.withDefaults()
	// A sender should be prevented from reaching loopback and internal resources.
	// Spec: webmention#avoid-sending-webmentions-to-localhost-p-1
	dialer := &net.Dialer{Timeout: o.DialTimeout, Resolver: o.Resolver, Control: newGuard(o).control}
	t := newTransport(o)
	t.DialContext = dialer.DialContext
	// Nothing is reused, so that every request has its address looked up and checked.
	t.DisableKeepAlives = true
	return newClient(o, &road{options: o, next: t, check: checkStranger})
}

// Owner returns the client for what the settings name: exactly these host:ports
// ("api.example:443", see [HostPort]), whatever their address. A request or a
// redirect to any other place is refused.
//
// o.Origin says where a host is found when its name does not lead there from
// this machine: "127.0.0.1:8081" is dialled in its stead; "http://127.0.0.1:8081"
// is dialled and spoken to without TLS, as behind a proxy. The request's URL and
// Host stay the public ones.
func Owner(hosts []string, o Options) *http.Client {
	o = o.withDefaults()
	allowed := make(map[string]bool, len(hosts))
	for _, host := range hosts {
		allowed[strings.ToLower(host)] = true
	}
	t := newTransport(o)
	origins := newOrigins(o.Origin)
	t.DialContext = origins.dialer(&net.Dialer{Timeout: o.DialTimeout, Resolver: o.Resolver})
	t.MaxIdleConnsPerHost, t.IdleConnTimeout = 2, 30*time.Second
	check := func(u *url.URL) error {
		if host := HostPort(u); !allowed[host] {
			return fmt.Errorf("%w: %q is not named in the settings", ErrBlocked, host)
		}
		return nil
	}
	return newClient(o, &road{options: o, next: t, check: check, plain: origins.plain})
}

// HostPort returns where an http or https URL leads as a canonical "host:port":
// lower case, punycode, default port written out. Without a host it is empty.
func HostPort(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if host == "" {
		return ""
	}
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "http":
		port = "80"
	case u.Scheme == "https":
		port = "443"
	}
	return net.JoinHostPort(host, port)
}

func newTransport(o Options) *http.Transport {
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  nil, // a proxy would be dialled instead of the address that we must see
		Protocols:              http1,
		MaxResponseHeaderBytes: o.MaxHeader,
		TLSHandshakeTimeout:    o.Timeout,
	}
}

func newClient(o Options, r *road) *http.Client {
	return &http.Client{Transport: r, Timeout: o.Timeout, CheckRedirect: redirects(o.MaxRedirects)}
}
