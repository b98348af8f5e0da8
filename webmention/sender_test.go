package webmention_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/webmention"
)

// got is a request that an endpoint saw.
type got struct{ Method, URL, Body string }

// endpoint makes a web of two hosts: me.example, whose pages advertise wm, and that
// answers there and elsewhere by path. Everything but the discovery is kept in seen.
func endpoint(wm string, seen *[]got, paths map[string]http.HandlerFunc) web {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/post" {
			w.Header().Set("Link", "<"+wm+">; rel=webmention")
			return
		}
		body, _ := io.ReadAll(r.Body)
		*seen = append(*seen, got{r.Method, r.URL.String(), string(body)})
		paths[r.Host+r.URL.Path](w, r)
	}
	return web{"me.example": handler, "evil.example": handler}
}

var wanted = encode("source", source, "target", target+"#c-12")

// WS-4, WS-6, WS-9, T-WS04: to exactly the endpoint, query and all, discovered anew.
// Spec: webmention#sender-notifies-receiver-p-1
// Spec: webmention#sender-notifies-receiver-p-2
// Spec: webmention#sending-webmentions-for-updated-posts-p-3
func TestSenderPostsSourceAndTarget(t *testing.T) {
	var seen []got
	discovered := 0
	net := endpoint("/wm?a=1&source=x", &seen, map[string]http.HandlerFunc{"me.example/wm": func(w http.ResponseWriter, r *http.Request) {
		if kind := r.Header.Get("Content-Type"); kind != form {
			t.Errorf("got Content-Type %q, want %q", kind, form)
		}
		w.WriteHeader(http.StatusAccepted)
	}})
	handler := net["me.example"]
	net["me.example"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			discovered++
		}
		handler(w, r)
	}
	s := &webmention.Sender{Client: net.client()}
	for range 2 {
		d, err := s.Send(t.Context(), mustURL(t, source), mustURL(t, target+"#c-12"))
		if err != nil || d.Status != 202 || d.Endpoint.String() != "https://me.example/wm?a=1&source=x" || d.Location != nil {
			t.Errorf("got %+v, %v", d, err)
		}
	}
	one := got{"POST", "https://me.example/wm?a=1&source=x", wanted}
	if diff := cmp.Diff([]got{one, one}, seen); diff != "" || discovered != 2 {
		t.Errorf("%d discoveries; requests (-want +got):\n%s", discovered, diff)
	}
}

// WS-7, T-WS07, T-WS08.
// Spec: webmention#sender-notifies-receiver-p-4
func TestSenderJudgesByTheStatus(t *testing.T) {
	tests := []struct {
		answer             http.HandlerFunc
		ok, temporary      bool
		location           string
		retryAfterAtLeast  time.Duration
		retryAfterIsExact  bool
		wantEndpointStatus int
	}{
		{answer: status(200, ""), ok: true, wantEndpointStatus: 200},
		{answer: status(201, "", "Location", "status/1"), ok: true, location: "https://me.example/status/1", wantEndpointStatus: 201},
		{answer: status(201, "", "Location", "javascript:x"), ok: true, wantEndpointStatus: 201},
		{answer: status(202, "", "Location", "/x"), ok: true, wantEndpointStatus: 202},
		{answer: status(204, ""), ok: true, wantEndpointStatus: 204},
		{answer: status(299, ""), ok: true, wantEndpointStatus: 299},
		{answer: status(400, ""), wantEndpointStatus: 400},
		{answer: status(404, ""), wantEndpointStatus: 404},
		{answer: status(405, ""), wantEndpointStatus: 405},
		{answer: status(408, ""), temporary: true, wantEndpointStatus: 408},
		{answer: status(410, ""), wantEndpointStatus: 410},
		{answer: status(425, ""), temporary: true, wantEndpointStatus: 425},
		{answer: status(429, "", "Retry-After", "90"), temporary: true, retryAfterAtLeast: 90 * time.Second, retryAfterIsExact: true, wantEndpointStatus: 429},
		{answer: status(429, "", "Retry-After", "-1"), temporary: true, retryAfterIsExact: true, wantEndpointStatus: 429},
		{answer: status(500, ""), temporary: true, wantEndpointStatus: 500},
		{answer: status(503, "", "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)),
			temporary: true, retryAfterAtLeast: 50 * time.Minute, wantEndpointStatus: 503},
		{answer: status(304, ""), wantEndpointStatus: 304},
		{answer: status(302, "", "Location", "ftp://me.example/"), wantEndpointStatus: 302},
	}
	for _, tt := range tests {
		var seen []got
		net := endpoint("/wm", &seen, map[string]http.HandlerFunc{"me.example/wm": tt.answer})
		d, err := (&webmention.Sender{Client: net.client()}).Send(t.Context(), mustURL(t, source), mustURL(t, target))
		if (err == nil) != tt.ok {
			t.Errorf("%d: got %+v, %v; want success: %v", tt.wantEndpointStatus, d, err, tt.ok)
			continue
		}
		if tt.ok {
			location := ""
			if d.Location != nil {
				location = d.Location.String()
			}
			if d.Status != tt.wantEndpointStatus || location != tt.location {
				t.Errorf("got %d with status page %q, want %d with %q", d.Status, location, tt.wantEndpointStatus, tt.location)
			}
			continue
		}
		var se *webmention.SendError
		if !errors.As(err, &se) || se.Status != tt.wantEndpointStatus || se.Temporary() != tt.temporary {
			t.Errorf("got %#v, want status %d, temporary %v", err, tt.wantEndpointStatus, tt.temporary)
			continue
		}
		if se.RetryAfter < tt.retryAfterAtLeast || tt.retryAfterIsExact && se.RetryAfter != tt.retryAfterAtLeast {
			t.Errorf("%d: got RetryAfter %v, want %v", se.Status, se.RetryAfter, tt.retryAfterAtLeast)
		}
	}
}

// HOSTILE 14, and what a redirect does to a POST.
func TestSenderPostsAgainOnTheSameHostOnly(t *testing.T) {
	to := func(code int, url string) http.HandlerFunc { return status(code, "", "Location", url) }
	post := func(url string) got { return got{"POST", url, wanted} }
	get := func(url string) got { return got{"GET", url, ""} }
	tests := []struct {
		name, wm string
		paths    map[string]http.HandlerFunc
		ok       bool
		seen     []got
	}{
		{"307 to another host", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(307, "https://evil.example/wm")},
			false, []got{post("https://me.example/wm")}},
		{"308 to another host", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(308, "//evil.example/wm")},
			false, []got{post("https://me.example/wm")}},
		{"301 to another host", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(301, "https://evil.example/wm")},
			false, []got{post("https://me.example/wm")}},
		{"302 to another host", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(302, "https://evil.example/wm")},
			false, []got{post("https://me.example/wm")}},
		{"307 to another port", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(307, "https://me.example:8443/wm")},
			false, []got{post("https://me.example/wm")}},
		{"307 on the same host", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(307, "/wm2?q"), "me.example/wm2": status(202, "")},
			true, []got{post("https://me.example/wm"), post("https://me.example/wm2?q")}},
		{"301 from http to https", "http://me.example/wm", map[string]http.HandlerFunc{"me.example/wm": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Scheme == "http" {
				to(301, "https://me.example/wm")(w, r)
			}
		}}, true, []got{post("http://me.example/wm"), post("https://me.example/wm")}},
		{"302 from http to https", "http://me.example/wm", map[string]http.HandlerFunc{"me.example/wm": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Scheme == "http" {
				to(302, "https://me.example/wm")(w, r)
			}
		}}, true, []got{post("http://me.example/wm"), post("https://me.example/wm")}},
		{"302 to a page of thanks", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(302, "/thanks"), "me.example/thanks": status(200, "")},
			true, []got{post("https://me.example/wm"), get("https://me.example/thanks")}},
		{"303 to a page elsewhere", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(303, "https://evil.example/thanks"), "evil.example/thanks": status(200, "")},
			true, []got{post("https://me.example/wm"), get("https://evil.example/thanks")}},
		{"303 to an error", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(303, "/error"), "me.example/error": status(400, "")},
			false, []got{post("https://me.example/wm"), get("https://me.example/error")}},
		{"endless", "/wm", map[string]http.HandlerFunc{"me.example/wm": to(307, "/wm")}, false,
			[]got{post("https://me.example/wm"), post("https://me.example/wm"), post("https://me.example/wm"),
				post("https://me.example/wm"), post("https://me.example/wm"), post("https://me.example/wm")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var seen []got
			net := endpoint(tt.wm, &seen, tt.paths)
			_, err := (&webmention.Sender{Client: net.client()}).Send(t.Context(), mustURL(t, source), mustURL(t, target+"#c-12"))
			if (err == nil) != tt.ok {
				t.Errorf("got error %v, want success: %v", err, tt.ok)
			}
			if se := (*webmention.SendError)(nil); errors.As(err, &se) && se.Temporary() {
				t.Errorf("%v is temporary", err)
			}
			if diff := cmp.Diff(tt.seen, seen); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSenderKeepsTheClientsOwnCheck(t *testing.T) {
	var seen []got
	forbidden := errors.New("forbidden")
	client := endpoint("/wm", &seen, map[string]http.HandlerFunc{"me.example/wm": status(307, "", "Location", "/x")}).client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return forbidden }
	_, err := (&webmention.Sender{Client: client}).Send(t.Context(), mustURL(t, source), mustURL(t, target))
	if !errors.Is(err, forbidden) || len(seen) != 1 {
		t.Errorf("got %v after %d requests, want what CheckRedirect says after 1", err, len(seen))
	}
}

// T-WS13: what happens on the network may pass.
func TestSenderTakesTheNetworkForTemporary(t *testing.T) {
	var seen []got
	gone := endpoint("https://gone.example/wm", &seen, nil)
	for name, dst := range map[string]string{"target": "https://gone.example/", "endpoint": target} {
		_, err := (&webmention.Sender{Client: gone.client()}).Send(t.Context(), mustURL(t, source), mustURL(t, dst))
		var se *webmention.SendError
		if !errors.As(err, &se) || !se.Temporary() || se.Status != 0 {
			t.Errorf("%s unreachable: got %#v, want a temporary SendError without a status", name, err)
		}
	}
}

// The library that posts knows no context: ours must end the request all the same.
func TestSenderEndsWithItsContext(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Link", "</wm>; rel=webmention")
			return
		}
		close(reached)
		<-release
	}))
	defer srv.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reached
		cancel()
	}()
	_, err := (&webmention.Sender{Client: srv.Client()}).Send(ctx, mustURL(t, source), mustURL(t, srv.URL))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if se := (*webmention.SendError)(nil); !errors.As(err, &se) || !se.Temporary() {
		t.Errorf("being stopped is for good: %v", err)
	}
}
