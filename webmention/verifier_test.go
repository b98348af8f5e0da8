package webmention_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/webmention"
)

func verify(t testing.TB, net web, src, dst string) webmention.Verification {
	t.Helper()
	v, err := (&webmention.Verifier{Client: net.client()}).Verify(t.Context(), mustURL(t, src), mustURL(t, dst))
	if err != nil {
		t.Errorf("Verify(%s, %s): %v", src, dst, err)
	}
	return v
}

// T-WR10, T-WR11, T-WR13, HOSTILE 43 and 44.
// Spec: webmention#updating-existing-webmentions-li-4
func TestVerifierJudgesByTheStatus(t *testing.T) {
	link := `<a href="` + target + `">x</a>`
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   webmention.Outcome
	}{
		{"200 with", status(200, link), webmention.Linked},
		{"200 without", status(200, ""), webmention.Unlinked},
		{"203 with", status(203, link), webmention.Linked},
		{"204", status(204, ""), webmention.Unavailable},
		{"206 without", status(206, ""), webmention.Unavailable},
		{"304", status(304, ""), webmention.Unavailable},
		{"401", status(401, link), webmention.Unavailable},
		{"403", status(403, link), webmention.Unavailable},
		{"404", status(404, link), webmention.Missing},
		{"410", status(410, link), webmention.Gone},
		{"429", status(429, link, "Retry-After", "120"), webmention.Unavailable},
		{"451", status(451, link), webmention.Missing},
		{"500", status(500, link), webmention.Unavailable},
		{"503", status(503, link), webmention.Unavailable},
		{"brotli", status(200, link, "Content-Encoding", "br"), webmention.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := verify(t, web{"friend.example": tt.answer}, source, target)
			if got.Outcome != tt.want || got.Reason == "" || got.Status == 0 {
				t.Errorf("got %v, status %d (%s), want %v", got.Outcome, got.Status, got.Reason, tt.want)
			}
			if asked := got.RetryAfter == 2*time.Minute; asked != (tt.name == "429") {
				t.Errorf("got RetryAfter %v", got.RetryAfter)
			}
		})
	}
}

// HOSTILE 18: a page that was cut short proves nothing but what is in it.
func TestVerifierNeverTakesATruncatedPageForAnUnlinkedOne(t *testing.T) {
	link := `<a href="` + target + `">x</a>`
	tests := []struct {
		name, contentType, body string
		want                    webmention.Outcome
		truncated               bool
	}{
		{"link before the cap", "text/html", link + strings.Repeat(" ", 1000), webmention.Linked, true},
		{"link behind the cap", "text/html", strings.Repeat(" ", 1000) + link, webmention.Unavailable, true},
		{"link across the cap", "text/html", strings.Repeat(" ", 480) + link, webmention.Unavailable, true},
		{"exactly as long as the cap", "text/html", strings.Repeat(" ", 500), webmention.Unlinked, false},
		{"JSON cut behind it", "application/json", `["` + target + `",` + strings.Repeat("1,", 500) + "1]", webmention.Linked, true},
		{"JSON cut before it", "application/json", "[" + strings.Repeat("1,", 500) + `"` + target + `"]`, webmention.Unavailable, true},
		{"text cut behind it", "text/plain", target + strings.Repeat(" ", 500), webmention.Linked, true},
		{"text cut in it", "text/plain", strings.Repeat(" ", 500-len(target)) + target + "0", webmention.Unavailable, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := &webmention.Verifier{Client: web{"friend.example": page(tt.contentType, tt.body)}.client(), MaxBytes: 500}
			got, err := v.Verify(t.Context(), mustURL(t, source), mustURL(t, target))
			if err != nil || got.Outcome != tt.want || got.Truncated != tt.truncated {
				t.Errorf("got %v, truncated %v (%s), %v; want %v, %v", got.Outcome, got.Truncated, got.Reason, err, tt.want, tt.truncated)
			}
		})
	}
}

// roundTrip is a transport that is one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// body fails after its text, and knows how it was treated.
type body struct {
	io.Reader
	fail   error
	read   int
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.read += n; err == io.EOF && b.fail != nil {
		err = b.fail
	}
	return n, err
}

func (b *body) Close() error { b.closed = true; return nil }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// T-WR23, HOSTILE 15 and 17: an endless body is closed, not drained; one that breaks off is no page.
func TestVerifierReadsNoFurtherThanItMust(t *testing.T) {
	tests := []struct {
		name string
		body *body
		want webmention.Outcome
		err  bool
	}{
		{"endless", &body{Reader: endless{}}, webmention.Unavailable, false},
		{"broken off", &body{Reader: strings.NewReader(`<a href="` + target + `">`), fail: io.ErrUnexpectedEOF}, webmention.Unavailable, true},
		{"cut off by the client", &body{Reader: strings.NewReader("<p>"), fail: &http.MaxBytesError{Limit: 3}}, webmention.Unavailable, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: tt.body, Request: r}, nil
			})}
			got, err := (&webmention.Verifier{Client: client, MaxBytes: 4096}).Verify(t.Context(), mustURL(t, source), mustURL(t, target))
			if got.Outcome != tt.want || (err != nil) != tt.err {
				t.Errorf("got %v (%s), error %v; want %v, error %v", got.Outcome, got.Reason, err, tt.want, tt.err)
			}
			if !tt.body.closed || tt.body.read > 4097+512 {
				t.Errorf("closed: %v after %d bytes, want true after 4097", tt.body.closed, tt.body.read)
			}
		})
	}
}

func TestVerifierReportsTheNetworkAsUnavailable(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{t.Context(), canceled} {
		v := &webmention.Verifier{Client: web{}.client()}
		got, err := v.Verify(ctx, mustURL(t, source), mustURL(t, target))
		if err == nil || got.Outcome != webmention.Unavailable || got.Status != 0 || got.Final.String() != source {
			t.Errorf("got %+v, %v; want Unavailable and an error", got, err)
		}
		if ctx.Err() != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	}
}

// Spec: webmention#webmention-verification-p-2
func TestVerifierFollowsRedirects(t *testing.T) {
	to := func(code int, url string) http.HandlerFunc { return status(code, "", "Location", url) }
	linked := status(200, `<a href="https://me.example/post">x</a><a href="here">x</a>`)
	net := web{
		"friend.example": func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/perm":
				to(301, "/perm2")(w, r)
			case "/perm2":
				to(308, "https://www.friend.example/new/")(w, r)
			case "/mixed":
				to(302, "/perm")(w, r)
			case "/away":
				to(301, "https://other.example/")(w, r)
			case "/away-broken":
				to(301, "https://broken.example/")(w, r)
			case "/away-gone":
				to(301, "https://gone.example/")(w, r)
			case "/loop":
				to(302, "/loop")(w, r)
			case "/file":
				to(302, "file:///etc/passwd")(w, r)
			}
		},
		"www.friend.example": linked, "other.example": linked,
		"gone.example": status(410, ""), "broken.example": status(500, ""),
		"a.github.io": to(302, "https://b.github.io/"), "b.github.io": linked,
		"127.0.0.1:8001": to(302, "http://127.0.0.1:8002/"), "127.0.0.1:8002": linked,
		"127.0.0.1": linked,
	}
	tests := []struct {
		source, target string
		want           webmention.Outcome
		linked         bool
		final          string
		permanent      []string
	}{
		{"https://friend.example/perm", target, webmention.Linked, true, "https://www.friend.example/new/",
			[]string{"https://friend.example/perm2", "https://www.friend.example/new/"}},
		// T-WR09: links are relative to the final address.
		{"https://friend.example/perm", "https://www.friend.example/new/here", webmention.Linked, true, "https://www.friend.example/new/",
			[]string{"https://friend.example/perm2", "https://www.friend.example/new/"}},
		{"https://friend.example/mixed", target, webmention.Linked, true, "https://www.friend.example/new/", nil},
		{"https://friend.example/away", target, webmention.Moved, true, "https://other.example/", []string{"https://other.example/"}},
		{"https://friend.example/away", target + "9", webmention.Moved, false, "https://other.example/", []string{"https://other.example/"}},
		{"https://friend.example/away-gone", target, webmention.Moved, false, "https://gone.example/", []string{"https://gone.example/"}},
		{"https://friend.example/away-broken", target, webmention.Unavailable, false, "https://broken.example/", []string{"https://broken.example/"}},
		{"https://a.github.io/", target, webmention.Moved, true, "https://b.github.io/", nil},
		{"http://127.0.0.1:8001/", target, webmention.Moved, true, "http://127.0.0.1:8002/", nil},
		{"http://127.0.0.1/", target, webmention.Linked, true, "http://127.0.0.1/", nil},
	}
	for _, tt := range tests {
		got := verify(t, net, tt.source, tt.target)
		if got.Outcome != tt.want || got.Linked != tt.linked || got.Final.String() != tt.final {
			t.Errorf("%s: got %v, linked %v at %s; want %v, %v at %s", tt.source, got.Outcome, got.Linked, got.Final, tt.want, tt.linked, tt.final)
		}
		if diff := cmp.Diff(tt.permanent, got.Permanent); diff != "" {
			t.Errorf("%s: permanent addresses (-want +got):\n%s", tt.source, diff)
		}
	}
	// HOSTILE 4: loops and other schemes end it; what the client forbids stays forbidden.
	for _, src := range []string{"https://friend.example/loop", "https://friend.example/file"} {
		got, err := (&webmention.Verifier{Client: net.client()}).Verify(t.Context(), mustURL(t, src), mustURL(t, target))
		if err == nil || got.Outcome != webmention.Unavailable {
			t.Errorf("%s: got %v, %v; want Unavailable and an error", src, got.Outcome, err)
		}
	}
	client := net.client()
	forbidden := errors.New("forbidden")
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return forbidden }
	_, err := (&webmention.Verifier{Client: client}).Verify(t.Context(), mustURL(t, "https://friend.example/perm"), mustURL(t, target))
	if !errors.Is(err, forbidden) {
		t.Errorf("got %v, want what CheckRedirect says", err)
	}
}

// WR-8: five redirects are followed, a sixth is not.
// Spec: webmention#limits-on-get-requests-p-3
func TestVerifierCountsRedirects(t *testing.T) {
	hops := 0
	net := web{"friend.example": func(w http.ResponseWriter, r *http.Request) {
		if hops == 0 {
			page("text/html", `<a href="`+target+`">x</a>`)(w, r)
			return
		}
		hops--
		http.Redirect(w, r, "/x", http.StatusFound)
	}}
	for n, want := range map[int]webmention.Outcome{5: webmention.Linked, 6: webmention.Unavailable} {
		hops = n
		got, _ := (&webmention.Verifier{Client: net.client()}).Verify(t.Context(), mustURL(t, source), mustURL(t, target))
		if got.Outcome != want {
			t.Errorf("%d redirects: got %v, want %v", n, got.Outcome, want)
		}
	}
}

// Spec: webmention#webmention-verification-p-2
func TestVerifierGivesThePageThatItRead(t *testing.T) {
	var asked http.Header
	net := web{"friend.example": func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header
		page("text/html", `<div class="h-entry"><p class="p-name">Hi</p><a class="u-in-reply-to" href="`+target+`">x</a></div>`)(w, r)
	}}
	got := verify(t, net, source, target)
	if entry, ok := got.Page.Entry(); !ok || entry.Get("name") != "Hi" || got.Doc == nil {
		t.Errorf("got page %+v, tree %v", got.Page, got.Doc)
	}
	if !strings.Contains(asked.Get("User-Agent"), "Webmention") || !strings.HasPrefix(asked.Get("Accept"), "text/html") {
		t.Errorf("asked with %v", asked)
	}
	if got := webmention.Moved.String() + " " + webmention.Outcome(9).String(); got != "moved outcome 9" {
		t.Errorf("got %q", got)
	}
}
