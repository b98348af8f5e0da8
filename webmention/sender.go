package webmention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/net/html/charset"
	"willnorris.com/go/webmention"
)

// ErrNoEndpoint says that a target does not take Webmentions.
var ErrNoEndpoint = webmention.ErrNoEndpointFound

// errRefused says that something about the other side rules out sending for good.
var errRefused = errors.New("not sent")

// Sender finds the endpoints of targets, notifies them, and reads their status
// pages. It may be used concurrently. Endpoints are strangers' choice, and names lead
// anywhere: the Client must refuse to dial what nobody outside should reach. Hosts
// that say so by themselves, as 127.0.0.1, 10.0.0.1 and localhost do, are refused
// before it is asked (T-WS06).
// Spec: webmention#limit-access-to-protected-resources-p-1
type Sender struct {
	Client    *http.Client   // must be set; its CheckRedirect is asked at each hop
	UserAgent string         // "" means DefaultUserAgent
	MaxBytes  int64          // of a target's page, after decoding; 0 means 1 MiB
	Allow     []netip.Prefix // networks that endpoints may be in although they are not public; localhost is in that of 127.0.0.1 or ::1
}

// Delivery is a notification that was accepted.
type Delivery struct {
	Endpoint *url.URL // where it was accepted
	Status   int      // of the answer, 200 to 299
	Location *url.URL // the status page that came with 201, absolute; nil: none
}

// SendError is the error of a [Sender].
type SendError struct {
	Status     int           // HTTP status of the answer that ended it; 0: there was none
	RetryAfter time.Duration // what that answer asked for; 0: nothing
	Err        error
}

// Error says what went wrong.
func (e *SendError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }

// Temporary reports whether sending again later can help: after 408, 425, 429, any
// 5xx and what happens on the network, but not after another refusal and not when
// there is no endpoint (T-WS08).
func (e *SendError) Temporary() bool {
	switch {
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly,
		e.Status == http.StatusTooManyRequests, e.Status >= 500:
		return true
	case e.Status != 0:
		return false
	}
	return !errors.Is(e.Err, ErrNoEndpoint) && !errors.Is(e.Err, errRefused)
}

// Discover finds the endpoint of target: the first Link header with the relation
// webmention, else the first <link> or <a> of the page. The header counts whatever
// the status is, a page only when it is 2xx. The error is a *[SendError].
//
// The sender must fetch the target, follow redirects and look in all three places,
// in this order.
// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-1
func (s *Sender) Discover(ctx context.Context, target *url.URL) (*url.URL, error) {
	endpoint, err := s.discover(ctx, target)
	if err != nil {
		return nil, sendError("discover the endpoint of", target, err)
	}
	return endpoint, nil
}

func (s *Sender) discover(ctx context.Context, target *url.URL) (*url.URL, error) {
	// One GET, no HEAD before it: servers that refuse HEAD are not worth a second
	// road (T-WS05), and the body is closed unread when a header answers.
	req, err := newGet(ctx, target, s.UserAgent, "text/html, application/xhtml+xml, */*;q=0.5")
	if err != nil {
		return nil, err
	}
	resp, err := following(s.Client, nil).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	final := *resp.Request.URL
	final.Fragment, final.RawFragment = "", "" // else "" would resolve to it
	// The endpoint may be relative: then to the target, after its redirects.
	// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-2
	if ref, ok := fromHeader(resp.Header, &final); ok {
		u, err := final.Parse(ref)
		return s.usable(u, err == nil)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, &SendError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header),
			Err: fmt.Errorf("target answered %d: %w", resp.StatusCode, ErrNoEndpoint)}
	}
	body, _, err := readUpTo(resp.Body, s.maxBytes())
	if err != nil {
		return nil, err
	}
	header := resp.Header.Get("Content-Type")
	if header == "" {
		header = http.DetectContentType(body)
	}
	if kindOf(header) != "html" || encoded(resp.Header) {
		return nil, ErrNoEndpoint
	}
	var page io.Reader = bytes.NewReader(body)
	if decoded, err := charset.NewReader(page, header); err == nil {
		page = decoded
	}
	u, ok := fromHTML(page, &final)
	return s.usable(u, ok)
}

// usable lets through endpoints that can and may be posted to. The first one counts:
// when that is none, there is none.
func (s *Sender) usable(u *url.URL, ok bool) (*url.URL, error) {
	if !ok {
		return nil, ErrNoEndpoint
	}
	if !isHTTP(u) {
		return nil, fmt.Errorf("%w: %q is no http or https URL", ErrNoEndpoint, u)
	}
	if err := s.outside(u); err != nil {
		return nil, err
	}
	return u, nil
}

// Send tells the endpoint of target that source links to it. target is as the
// source has it, fragment included. The endpoint is discovered anew each time, as
// it must be for updates. The error is a *[SendError].
// Spec: webmention#sending-webmentions-for-updated-posts-p-3
func (s *Sender) Send(ctx context.Context, source, target *url.URL) (Delivery, error) {
	endpoint, err := s.Discover(ctx, target)
	if err != nil {
		return Delivery{}, err
	}
	return s.Deliver(ctx, endpoint, source, target)
}

// deliver posts to endpoint and goes with it when it moves. Any 2xx is a success.
//
// A redirect of a POST is a trap either way. To follow it as browsers do turns it
// into a GET, and the form found there answers 200 though nobody took the mention;
// to post again elsewhere lets a stranger aim our requests. So the mention is
// posted again on the same host only, and followed only where 303 says that it was
// taken (or 302, on the same host, which older programs say for the same).
// Spec: webmention#sender-notifies-receiver-p-4
func (s *Sender) deliver(ctx context.Context, endpoint, source, target *url.URL) (Delivery, error) {
	for range maxHops + 1 {
		resp, err := s.post(ctx, endpoint, source, target)
		if err != nil {
			return Delivery{}, err
		}
		if resp.StatusCode < 300 || resp.StatusCode > 399 {
			return delivery(resp, endpoint)
		}
		next, err := resp.Location()
		if err != nil || !isHTTP(next) {
			return Delivery{}, &SendError{Status: resp.StatusCode,
				Err: fmt.Errorf("answered %d without a place to go", resp.StatusCode)}
		}
		same := sameHost(endpoint, next)
		taken := resp.StatusCode == http.StatusSeeOther ||
			resp.StatusCode == http.StatusFound && same && !onlyScheme(endpoint, next)
		switch {
		case taken:
			if err := s.outside(next); err != nil {
				return Delivery{}, err
			}
			return s.outcome(ctx, endpoint, next)
		case !same:
			return Delivery{}, &SendError{Status: resp.StatusCode,
				Err: fmt.Errorf("answered %d: %w again to another host, %s", resp.StatusCode, errRefused, next.Host)}
		}
		endpoint = next
	}
	return Delivery{}, fmt.Errorf("%w: more than %d redirects", errRefused, maxHops)
}

// onlyScheme reports whether a redirect only moves a to https or http.
func onlyScheme(a, b *url.URL) bool {
	return a.Scheme != b.Scheme && a.EscapedPath() == b.EscapedPath() && a.RawQuery == b.RawQuery
}

// post makes the one request that the protocol is about, without following.
//
// source and target must be posted form-encoded, and the endpoint's own query be
// left where it is; the library does both.
// Spec: webmention#sender-notifies-receiver-p-1
// Spec: webmention#sender-notifies-receiver-p-2
func (s *Sender) post(ctx context.Context, endpoint, source, target *url.URL) (*http.Response, error) {
	client := *s.Client
	client.Jar = nil
	client.Transport = bound{ctx, agent(s.UserAgent), s.Client.Transport}
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if s.Client.CheckRedirect != nil {
			if err := s.Client.CheckRedirect(req, via); err != nil {
				return err
			}
		}
		return http.ErrUseLastResponse
	}
	resp, err := webmention.New(&client).SendWebmention(endpoint.String(), source.String(), target.String())
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return nil, err
	}
	// Any other error only says that the answer is no 2xx: that is ours to judge.
	_ = resp.Body.Close() // nothing of it is used
	return resp, nil
}

// outcome asks for the page that an endpoint points to after it took a mention:
// it may say 2xx, or that something was wrong.
func (s *Sender) outcome(ctx context.Context, endpoint, page *url.URL) (Delivery, error) {
	req, err := newGet(ctx, page, s.UserAgent, "*/*")
	if err != nil {
		return Delivery{}, err
	}
	resp, err := following(s.Client, nil).Do(req)
	if err != nil {
		return Delivery{}, err
	}
	_ = resp.Body.Close() // nothing of it is used
	return delivery(resp, endpoint)
}

// delivery turns the last answer into a result.
func delivery(resp *http.Response, endpoint *url.URL) (Delivery, error) {
	code := resp.StatusCode
	if code < 200 || code > 299 {
		return Delivery{}, &SendError{Status: code, RetryAfter: retryAfter(resp.Header), Err: fmt.Errorf("answered %d", code)}
	}
	d := Delivery{Endpoint: endpoint, Status: code}
	if u, err := resp.Location(); code == http.StatusCreated && err == nil && isHTTP(u) {
		d.Location = u
	}
	return d, nil
}

// sendError adds what was being done to err, and keeps what a SendError knows.
func sendError(doing string, u *url.URL, err error) *SendError {
	out := SendError{Err: fmt.Errorf("%s %s: %w", doing, u, err)}
	if e := (*SendError)(nil); errors.As(err, &e) {
		out.Status, out.RetryAfter = e.Status, e.RetryAfter
	}
	return &out
}

func (s *Sender) maxBytes() int64 {
	if s.MaxBytes > 0 {
		return s.MaxBytes
	}
	return maxBody
}
