package webmention_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/webmention"
)

// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-7
func TestSenderSaysWhoItIs(t *testing.T) {
	var agents []string
	net := web{"t.example": func(w http.ResponseWriter, r *http.Request) {
		agents = append(agents, r.Header.Get("User-Agent"))
		w.Header().Set("Link", "</wm>; rel=webmention")
	}}
	for name, want := range map[string]string{"": webmention.DefaultUserAgent, "Me/1.0 Webmention": "Me/1.0 Webmention"} {
		agents = nil
		s := &webmention.Sender{Client: net.client(), UserAgent: name}
		if _, err := s.Send(t.Context(), mustURL(t, source), mustURL(t, "https://t.example/")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{want, want}, agents); diff != "" {
			t.Errorf("User-Agents of discovery and delivery (-want +got):\n%s", diff)
		}
	}
}

// Retry-After may be a date.
func TestSenderWaitsUntilADate(t *testing.T) {
	net := web{"me.example": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusServiceUnavailable)
	}}
	_, err := (&webmention.Sender{Client: net.client()}).Discover(t.Context(), mustURL(t, target))
	var se *webmention.SendError
	if !errors.As(err, &se) || se.RetryAfter < 50*time.Minute || se.RetryAfter > time.Hour {
		t.Errorf("got %#v, want to wait for an hour", err)
	}
}

// HOSTILE 10: what the client forbids stays forbidden, for all three.
func TestSenderKeepsTheClientsOwnCheck(t *testing.T) {
	var seen []string
	forbidden := errors.New("forbidden")
	client := web{"me.example": func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.Path)
		if w.Header().Set("Link", "</wm>; rel=webmention"); r.URL.Path != "/post" {
			w.Header().Set("Location", "/x")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}}.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return forbidden }
	s := &webmention.Sender{Client: client}
	_, sent := s.Send(t.Context(), mustURL(t, source), mustURL(t, target))
	_, discovered := s.Discover(t.Context(), mustURL(t, "https://me.example/moved"))
	_, asked := s.Status(t.Context(), mustURL(t, "https://me.example/status"))
	for name, err := range map[string]error{"Send": sent, "Discover": discovered, "Status": asked} {
		if !errors.Is(err, forbidden) {
			t.Errorf("%s: got %v, want what CheckRedirect says", name, err)
		}
	}
	if diff := cmp.Diff([]string{"GET /post", "POST /wm", "GET /moved", "GET /status"}, seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// The library that posts knows no context: ours must end the request all the same.
func TestSenderEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			return &http.Response{StatusCode: 200, Header: http.Header{"Link": {"</wm>; rel=webmention"}}, Body: http.NoBody, Request: r}, nil
		}
		cancel()
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	})}
	_, err := (&webmention.Sender{Client: client}).Send(ctx, mustURL(t, source), mustURL(t, target))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if se := (*webmention.SendError)(nil); !errors.As(err, &se) || !se.Temporary() {
		t.Errorf("being stopped is for good: %v", err)
	}
}

// Neither a target nor an endpoint learns more than what is sent.
func TestSenderHasNoCredentials(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(mustURL(t, target), []*http.Cookie{{Name: "session", Value: "secret"}})
	client := web{"me.example": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("%s %s came with %v", r.Method, r.URL, r.Header)
		}
		w.Header().Set("Link", "</wm>; rel=webmention")
	}}.client()
	client.Jar = jar
	if _, err := (&webmention.Sender{Client: client}).Send(t.Context(), mustURL(t, source), mustURL(t, target)); err != nil {
		t.Error(err)
	}
}
