package webmention_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

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

// HOSTILE 10: what the client forbids stays forbidden.
func TestVerifierKeepsTheClientsOwnCheck(t *testing.T) {
	client := web{"friend.example": status(302, "", "Location", "/x")}.client()
	forbidden := errors.New("forbidden")
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return forbidden }
	got, err := (&webmention.Verifier{Client: client}).Verify(t.Context(), mustURL(t, source), mustURL(t, target))
	if !errors.Is(err, forbidden) || got.Outcome != webmention.Unavailable {
		t.Errorf("got %v, %v, want what CheckRedirect says", got.Outcome, err)
	}
}

// T-WR23, HOSTILE 15: a body that comes drop by drop ends when the time does.
// Spec: webmention#limits-on-get-requests-p-4
func TestVerifierEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: io.NopCloser(drip{ctx}), Request: r}, nil
		})}
		began := time.Now()
		got, err := (&webmention.Verifier{Client: client}).Verify(ctx, mustURL(t, source), mustURL(t, target))
		if got.Outcome != webmention.Unavailable || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 6*time.Second {
			t.Errorf("got %v, %v after %v; want an error after 5 s", got.Outcome, err, time.Since(began))
		}
	})
}

// drip gives one byte in a second, as long as its context lasts.
type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	}
}

// HOSTILE 17: what counts is the length after decoding.
func TestVerifierUnpacksNoFurtherThanItMust(t *testing.T) {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	for range 16 {
		zip.Write(spaces)
	}
	zip.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	}))
	defer srv.Close()
	got, err := (&webmention.Verifier{Client: srv.Client()}).Verify(t.Context(), mustURL(t, srv.URL), mustURL(t, target))
	if err != nil || got.Outcome != webmention.Unavailable || !got.Truncated || len(got.Text) != 1<<20 {
		t.Errorf("got %v, truncated %v, %d bytes, %v; want 1 MiB of it", got.Outcome, got.Truncated, len(got.Text), err)
	}
}

// HOSTILE 24: text is searched in the characters that it means.
func TestVerifierDecodesText(t *testing.T) {
	utf16 := "\xff\xfe"
	for _, r := range "see " + target {
		utf16 += string(byte(r)) + "\x00"
	}
	for contentType, text := range map[string]string{
		"text/plain; charset=utf-16le":   utf16,
		"text/plain; charset=utf-8":      utf16,
		"text/plain; charset=iso-8859-1": "\xabs\xed: " + target + "\xbb",
		"text/plain; charset=nonsense":   "\xff" + target,
	} {
		got := verify(t, web{"friend.example": page(contentType, text)}, source, target)
		if got.Outcome != webmention.Linked || !utf8.Valid(got.Text) {
			t.Errorf("%s: got %v (%s), text %q", contentType, got.Outcome, got.Reason, got.Text)
		}
	}
}

// A page that only some may read is read as by anybody, and so never shown to all.
// Spec: webmention#webmention-verification-p-5
func TestVerifierHasNoCredentials(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(mustURL(t, source), []*http.Cookie{{Name: "session", Value: "secret"}})
	client := web{"friend.example": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") == "" && r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		page("text/html", `<a href="`+target+`">x</a>`)(w, r)
	}}.client()
	client.Jar = jar
	got, err := (&webmention.Verifier{Client: client}).Verify(t.Context(), mustURL(t, source), mustURL(t, target))
	if err != nil || got.Outcome != webmention.Unavailable || got.Status != http.StatusUnauthorized {
		t.Errorf("got %v, %d, %v; want what anybody gets, 401", got.Outcome, got.Status, err)
	}
}

// Parsing takes turns where the application says so.
func TestVerifierAsksTheGate(t *testing.T) {
	var steps []string
	v := &webmention.Verifier{Client: web{"friend.example": page("text/plain", target)}.client(), Gate: func() func() {
		steps = append(steps, "in")
		return func() { steps = append(steps, "out") }
	}}
	if _, err := v.Verify(t.Context(), mustURL(t, source), mustURL(t, target)); err != nil || !slices.Equal(steps, []string{"in", "out"}) {
		t.Errorf("got %v, %v", steps, err)
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
}

func TestOutcomesAndStatesHaveNames(t *testing.T) {
	got := fmt.Sprint(webmention.Moved, webmention.Outcome(9), webmention.StateGone, webmention.State(-1))
	if want := "moved outcome 9 gone state -1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The links can be read as far as they are wanted, and again.
func TestVerificationLinksCanBeLeftEarly(t *testing.T) {
	for contentType, text := range map[string]string{
		"text/html":        `<a href="https://a.example/"></a><a href="mailto:b@b.example"><a href="https://b.example/"></a>`,
		"application/json": `["https://a.example/", "mailto:b@b.example", {"https://x.example/": "https://b.example/"}]`,
		"text/plain":       "https://a.example/ mailto:b@b.example https://b.example/",
	} {
		got := verify(t, web{"friend.example": page(contentType, text)}, source, target)
		for range 2 {
			for u := range got.Links() {
				if u.Host != "a.example" {
					t.Errorf("%s: got %s first", contentType, u)
				}
				break
			}
		}
		if n := len(slices.Collect(got.Links())); n != 2 {
			t.Errorf("%s: got %d links, want 2", contentType, n)
		}
		if got.Doc, got.Text = nil, nil; len(slices.Collect(got.Links())) != 0 {
			t.Errorf("%s: got links of nothing", contentType)
		}
	}
}
