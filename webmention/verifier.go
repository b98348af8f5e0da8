package webmention

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/html/charset"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"tertulia/mf2"
)

const (
	maxBody = 1 << 20 // bytes of a page that are read
	maxHops = 5       // redirects that are followed
)

// Verifier asks a source whether it really links to a target. It may be used
// concurrently.
type Verifier struct {
	Client    *http.Client // must be set; its CheckRedirect is asked at each hop
	UserAgent string       // "" means DefaultUserAgent
	MaxBytes  int64        // of a page, after decoding; 0 means 1 MiB
	Log       *slog.Logger // nil: nothing is logged

	// Gate, when it is set, is asked to let a page be parsed, which takes processor
	// time and memory but no waiting; what it returns is called when that is done.
	Gate func() (leave func())
}

// Verify fetches source, follows at most five redirects, and looks for an exact
// link to target: in HTML among the attributes that link or embed, in JSON among
// the string values, in plain text among the URLs. "Exact" allows for what is one
// URL in two spellings ([mf2.SameURL]). When target has a fragment, a link without
// any is good enough, since it leads to the same page; a link with another is not,
// nor a link with a fragment when target has none.
//
// The error is for the log and comes only from the network or ctx, always together
// with Unavailable; every other verdict is in the Verification, the error nil.
//
// A receiver must verify a Webmention, and should do so later than it accepts it.
// Spec: webmention#preventing-abuse-li-2
// Spec: webmention#webmention-verification-p-1
func (v *Verifier) Verify(ctx context.Context, source, target *url.URL) (Verification, error) {
	got, err := v.verify(ctx, source, target)
	logger(v.Log).Debug("webmention source looked at", "source", source, "target", target,
		"outcome", got.Outcome, "status", got.Status, "reason", got.Reason, "err", err)
	if err != nil {
		return got, fmt.Errorf("verify %s: %w", source, err)
	}
	return got, nil
}

func (v *Verifier) verify(ctx context.Context, source, target *url.URL) (Verification, error) {
	got := Verification{Final: source}
	resp, err := v.fetch(ctx, source, &got)
	if err != nil {
		got.Reason = "the page could not be fetched"
		return got, err
	}
	defer resp.Body.Close() // closed, not drained: what is left may be endless
	got.Status, got.Final = resp.StatusCode, resp.Request.URL

	switch code := resp.StatusCode; {
	case code == http.StatusGone:
		got.Outcome, got.Reason = Gone, "the page was deleted (410)"
	case code == http.StatusNotFound || code == http.StatusUnavailableForLegalReasons:
		got.Outcome, got.Reason = Missing, fmt.Sprintf("the page was not found (%d)", code)
	case code < 200 || code > 299:
		// An error page may have the link in it, and proves nothing (T-WR10).
		got.Reason = fmt.Sprintf("the server answered %d", code)
		got.RetryAfter = retryAfter(resp.Header)
	default:
		if err := v.read(resp, &got, target); err != nil {
			got.Reason = "the page could not be read to its end"
			return got, err
		}
	}
	if got.Outcome != Unavailable && domain(source) != domain(got.Final) {
		got.Outcome = Moved
		got.Reason = fmt.Sprintf("the page moved from %s to %s", source.Host, got.Final.Host)
	}
	return got, nil
}

// fetch asks for source, following redirects.
//
// The receiver must perform a GET request on source and follow redirects, should
// limit their number and should say which types it takes.
// Spec: webmention#webmention-verification-p-2
func (v *Verifier) fetch(ctx context.Context, source *url.URL, got *Verification) (*http.Response, error) {
	temporary := false
	client := following(v.Client, func(req *http.Request) {
		permanent := req.Response.StatusCode == http.StatusMovedPermanently ||
			req.Response.StatusCode == http.StatusPermanentRedirect
		if temporary = temporary || !permanent; !temporary {
			got.Permanent = append(got.Permanent, req.URL.String())
		}
	})
	req, err := newGet(ctx, source, v.UserAgent,
		"text/html, application/xhtml+xml, application/json;q=0.9, text/plain;q=0.8")
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

// read reads the page and looks for the link in it. Only a page that was read to
// its end proves that a link is not there.
func (v *Verifier) read(resp *http.Response, got *Verification, target *url.URL) error {
	if encoded(resp.Header) {
		got.Reason = "the page is encoded in a way that was not asked for"
		return nil
	}
	limit := v.MaxBytes
	if limit <= 0 {
		limit = maxBody
	}
	body, truncated, err := readUpTo(resp.Body, limit)
	if err != nil {
		return err
	}
	got.Size = len(body)
	got.read = answer{body: body, truncated: truncated, header: resp.Header.Get("Content-Type")}
	if got.read.header == "" {
		got.read.header = http.DetectContentType(body)
	}
	v.understand(got, target, limit)
	return nil
}

// answer is what a source said, as it came.
type answer struct {
	body      []byte // after decoding
	truncated bool
	header    string // Content-Type
}

// understand parses what was read and looks for the link in it.
func (v *Verifier) understand(got *Verification, target *url.URL, limit int64) {
	body, header := got.read.body, got.read.header
	got.Truncated = got.read.truncated
	if v.Gate != nil {
		defer v.Gate()()
	}
	// The receiver should use rules for each media type.
	// Spec: webmention#webmention-verification-p-3
	understood := true
	switch got.Type = kindOf(header); got.Type {
	case "html":
		var err error
		got.Page, got.Doc, err = mf2.Parse(bytes.NewReader(body), header, got.Final)
		understood, got.Truncated = err == nil, got.Truncated || got.Page.Cut
	case "json":
		got.Text = bytes.ToValidUTF8(bytes.TrimPrefix(body, []byte("\ufeff")), []byte("\ufffd"))
		understood = json.Valid(got.Text)
	case "text":
		got.Text = decodeText(body, header)
	default:
		got.Reason = "the page is neither HTML nor JSON nor plain text"
		return
	}
	got.Linked = newMatcher(target).in(got.Links())
	switch {
	case got.Linked:
		got.Outcome, got.Reason = Linked, "the page links here"
	case got.Truncated:
		got.Reason = fmt.Sprintf("the beginning of the page, %d bytes at most, has no link, and the rest was not read", limit)
	case !understood:
		got.Reason = "the page cannot be understood"
	case got.Status != http.StatusOK:
		got.Reason = fmt.Sprintf("the server answered %d without the link", got.Status)
	default:
		got.Outcome, got.Reason = Unlinked, "the page does not link here"
	}
}

// kindOf sorts a Content-Type into the three kinds that can be searched.
func kindOf(contentType string) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	switch {
	case kind == "text/html" || kind == "application/xhtml+xml":
		return "html"
	case kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"):
		return "json"
	case kind == "text/plain" || kind == "text/markdown":
		return "text"
	}
	return ""
}

// decodeText turns text in any charset into UTF-8.
func decodeText(body []byte, contentType string) []byte {
	if r, err := charset.NewReader(bytes.NewReader(body), contentType); err == nil {
		if decoded, err := io.ReadAll(r); err == nil {
			body = decoded
		}
	}
	return bytes.ToValidUTF8(body, []byte("\ufffd"))
}

// readUpTo reads at most limit bytes and reports whether there would be more. A
// body that the client itself cuts off there is truncated too, not broken.
// Spec: webmention#limits-on-get-requests-p-4
func readUpTo(r io.Reader, limit int64) (body []byte, truncated bool, err error) {
	body, err = readAll(r, limit+1)
	long := (*http.MaxBytesError)(nil)
	switch {
	case int64(len(body)) > limit:
		return body[:limit], true, nil
	case err == nil:
		return body, false, nil
	case int64(len(body)) == limit || errors.As(err, &long):
		return body, true, nil
	}
	return nil, false, err
}

// domain is what redirects may stay within: the registrable domain of u, or for an
// address or a name that has none, the host and port.
func domain(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if _, err := netip.ParseAddr(host); err != nil {
		if ascii, err := idna.ToASCII(host); err == nil {
			host = ascii
		}
		if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
			return d
		}
	}
	return host + ":" + effectivePort(u)
}
