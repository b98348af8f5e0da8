package webmention_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/webmention"
)

const (
	source = "https://friend.example/reply"
	target = "https://me.example/post"
	form   = "application/x-www-form-urlencoded"
)

// inbox keeps what it is given, or fails.
type inbox struct {
	got     []webmention.Request
	host    string // whose pages it takes mentions of; "" means any
	receipt webmention.Receipt
	fail    error
}

func (in *inbox) Accept(ctx context.Context, r webmention.Request) (webmention.Receipt, error) {
	if in.fail != nil {
		return webmention.Receipt{}, in.fail
	}
	if in.host != "" && r.Target.Hostname() != in.host {
		return webmention.Receipt{}, &webmention.Error{Code: "unknown_target", Message: "No such page."}
	}
	in.got = append(in.got, r)
	return in.receipt, nil
}

func encode(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func post(rc *webmention.Receiver, contentType, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/webmention?source=https://query.example/", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, r)
	return w
}

// HOSTILE 38: the length is counted while reading, whatever Content-Length says.
func TestReceiverStopsAtMaxBytes(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(encode("source", source, "target", target)))
	r.Header.Set("Content-Type", form)
	r.ContentLength = -1
	w := httptest.NewRecorder()
	(&webmention.Receiver{Inbox: &inbox{}, MaxBytes: 20}).ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", w.Code)
	}
}

func TestReceiverShowsAFormToPeople(t *testing.T) {
	// T-WR27: GET on the endpoint from a browser is a form, filled in from the query.
	q := "?" + encode("source", `https://friend.example/"><script>`, "target", target)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		w := httptest.NewRecorder()
		(&webmention.Receiver{}).ServeHTTP(w, httptest.NewRequest(method, "/webmention"+q, nil))
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%s: got %d %s, want 200 text/html", method, w.Code, w.Header().Get("Content-Type"))
		}
		if body := w.Body.String(); !strings.Contains(body, target) || strings.Contains(body, "<script>") {
			t.Errorf("%s: the form is not filled in, or not escaped:\n%s", method, body)
		}
	}
}

func TestReceiverGivesPageTheWholeView(t *testing.T) {
	var views []webmention.View
	in := &inbox{receipt: webmention.Receipt{Status: "https://me.example/s/1"}}
	rc := &webmention.Receiver{Inbox: in, Page: func(w http.ResponseWriter, r *http.Request, status int, v webmention.View) {
		views = append(views, v)
		w.WriteHeader(status)
	}}
	browser := "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?source=a&target=b", nil))
	created := post(rc, form, encode("source", source, "target", target), "Accept", browser)
	post(rc, form, encode("source", "x", "target", target), "Accept", browser)
	post(rc, form, encode("source", source, "target", target), "Accept", "*/*")
	post(rc, form, encode("source", source, "target", target), "Accept", "application/json, text/html;q=0.5")
	post(rc, form, encode("source", source, "target", target), "Accept", "text/html;q=0")

	if created.Code != 201 || created.Header().Get("Location") != in.receipt.Status {
		t.Errorf("got %d %q, want 201 with its Location", created.Code, created.Header().Get("Location"))
	}
	want := []webmention.View{
		{Source: "a", Target: "b"},
		{Source: source, Target: target, Receipt: in.receipt},
		{Source: "x", Target: target, Err: &webmention.Error{Code: "invalid_source", Message: "source does not begin with http:// or https://"}},
	}
	if diff := cmp.Diff(want, views); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
}

// Spec: webmention#error-responses-p-1
// Spec: webmention#error-responses-p-6
func TestReceiverTellsTheSenderWhatTheInboxSays(t *testing.T) {
	secret := errors.New("disk /dev/sda1 is on fire")
	tests := []struct {
		name       string
		fail       error
		status     int
		text       string
		retryAfter string
		logged     bool
	}{
		{"refused", &webmention.Error{Code: "unknown_target", Message: "No such page."}, 400, "No such page.\n", "", false},
		{"wrapped", fmt.Errorf("accept: %w", &webmention.Error{Message: "No.", Err: secret}), 400, "No.\n", "", false},
		{"bare", &webmention.Error{}, 400, "Bad Request\n", "", false},
		{"flood", &webmention.Error{Status: 429, Message: "Slowly.", RetryAfter: 1500 * time.Millisecond}, 429, "Slowly.\n", "2", false},
		{"full", &webmention.Error{Status: 503, Message: "Full.", Err: secret}, 503, "Full.\n", "60", true},
		{"ours", secret, 500, "The Webmention could not be kept. Please send it again later.\n", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			rc := &webmention.Receiver{Inbox: &inbox{fail: tt.fail}, Log: slog.New(slog.NewTextHandler(&log, nil))}
			w := post(rc, form, encode("source", source, "target", target))
			if w.Code != tt.status || w.Body.String() != tt.text || w.Header().Get("Retry-After") != tt.retryAfter {
				t.Errorf("got %d %q Retry-After %q, want %d %q %q",
					w.Code, w.Body, w.Header().Get("Retry-After"), tt.status, tt.text, tt.retryAfter)
			}
			if logged := strings.Contains(log.String(), secret.Error()); logged != tt.logged {
				t.Errorf("cause logged: %v, want %v; log: %s", logged, tt.logged, &log)
			}
		})
	}
}

// HOSTILE 86: any page may post, no cookie is set or wanted.
// Spec: webmention#cross-site-request-forgery-p-1
func TestReceiverAnswersEveryOrigin(t *testing.T) {
	tests := []struct {
		method string
		status int
		allow  bool
	}{{"OPTIONS", 204, true}, {"GET", 200, false}, {"PUT", 405, true}, {"DELETE", 405, true}, {"POST", 400, false}}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, "/", nil)
		r.Header.Set("Origin", "https://anywhere.example")
		w := httptest.NewRecorder()
		(&webmention.Receiver{Inbox: &inbox{}}).ServeHTTP(w, r)
		h := w.Header()
		if w.Code != tt.status || h.Get("Access-Control-Allow-Origin") != "*" || (h.Get("Allow") != "") != tt.allow {
			t.Errorf("%s: got %d, headers %v; want %d", tt.method, w.Code, h, tt.status)
		}
		if h.Get("Set-Cookie") != "" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: credentials in %v", tt.method, h)
		}
	}
}

func TestReceiverKeepsToItsOwnMaxURL(t *testing.T) {
	rc := &webmention.Receiver{Inbox: &inbox{}, MaxURL: len(source)}
	for _, tt := range []struct {
		source string
		status int
	}{{source, 202}, {source + "x", 400}} {
		if w := post(rc, form, encode("source", tt.source, "target", target)); w.Code != tt.status {
			t.Errorf("%s: got %d, want %d", tt.source, w.Code, tt.status)
		}
		// A form is not filled in with what could not be sent.
		w := httptest.NewRecorder()
		rc.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?"+encode("source", tt.source), nil))
		if filled := strings.Contains(w.Body.String(), tt.source); filled != (tt.status == 202) {
			t.Errorf("%s: filled in %v", tt.source, filled)
		}
	}
}

func TestErrorSaysItsCause(t *testing.T) {
	err := &webmention.Error{Code: "full", Err: http.ErrBodyNotAllowed}
	if !errors.Is(err, http.ErrBodyNotAllowed) || err.Error() != "full: "+http.ErrBodyNotAllowed.Error() {
		t.Errorf("got %q", err)
	}
}

func TestReceiverAsksTheApplicationWhoSends(t *testing.T) {
	in := &inbox{}
	rc := &webmention.Receiver{Inbox: in, From: func(r *http.Request) netip.Addr {
		return netip.MustParseAddr(r.Header.Get("X-Forwarded-For"))
	}}
	post(rc, form, encode("source", source, "target", target), "X-Forwarded-For", "203.0.113.7")
	if len(in.got) != 1 || in.got[0].From != netip.MustParseAddr("203.0.113.7") {
		t.Errorf("got %v, want one request from 203.0.113.7", in.got)
	}
}
