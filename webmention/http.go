package webmention

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// following is a copy of client that follows at most five redirects, asks the
// client's own CheckRedirect about each, and tells hop about those it follows. It
// has no cookies.
// Spec: webmention#limits-on-get-requests-p-3
func following(client *http.Client, hop func(*http.Request)) *http.Client {
	c := *client
	c.Jar = nil
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > maxHops {
			return fmt.Errorf("stopped after %d redirects", maxHops)
		}
		if client.CheckRedirect != nil {
			if err := client.CheckRedirect(req, via); err != nil {
				return err
			}
		}
		if hop != nil {
			hop(req)
		}
		return nil
	}
	return &c
}

// newGet is a request without any credentials: what only some may read is not read,
// and so never shown to all.
// Spec: webmention#webmention-verification-p-5
func newGet(ctx context.Context, u *url.URL, userAgent, accept string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", agent(userAgent))
	return req, nil
}

func agent(userAgent string) string {
	if userAgent == "" {
		return DefaultUserAgent
	}
	return userAgent
}

// encoded reports whether a body is compressed in a way that we did not ask for and
// that the client did not undo.
func encoded(h http.Header) bool {
	coding := h.Get("Content-Encoding")
	return coding != "" && coding != "identity"
}

// retryAfter is how long a server asks to wait, in seconds or until a date; 0 when
// it does not ask, or not for the future.
func retryAfter(h http.Header) time.Duration {
	s := h.Get("Retry-After")
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return time.Duration(max(n, 0)) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(time.Until(t), 0)
	}
	return 0
}
