package syndicate_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
)

// roundTrip is a client's road.
type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is an account on a server that answers each method as it is told.
func answering(t testing.TB, answer func(method string) (status int, body string)) *syndicate.Bluesky {
	t.Helper()
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body) // a bytes.Reader
		}
		status, body := answer(strings.TrimPrefix(r.URL.Path, "/xrpc/"))
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r}, nil
	})}
	return &syndicate.Bluesky{Client: client, Server: "https://pds.example", Account: "ana.test", Password: "abcd", AppView: "https://appview.example"}
}

// HOSTILE F8, 104: what a network says, and what the caller decides by.
func TestBlueskyFaults(t *testing.T) {
	const put = "com.atproto.repo.putRecord"
	reset := strconv.FormatInt(time.Now().Add(20*time.Minute).Unix(), 10)
	say := func(status int, headers map[string]string, body string) faketest.Fault {
		return faketest.Fault{Path: put, Status: status, Header: headers, Body: body}
	}
	for name, c := range map[string]struct {
		fault faketest.Fault
		want  func(e *syndicate.Error) bool
	}{
		"cut before it is done":      {faketest.Fault{Path: put, Drop: true}, func(e *syndicate.Error) bool { return e.Unclear && e.Status == 0 }},
		"500":                        {say(500, nil, `{"error":"InternalServerError"}`), func(e *syndicate.Error) bool { return e.Unclear && e.Status == 500 }},
		"502 of a proxy":             {say(502, nil, "<html>Bad gateway"), func(e *syndicate.Error) bool { return e.Unclear && !e.Refused }},
		"503 with a time":            {say(503, map[string]string{"Retry-After": "120"}, ""), func(e *syndicate.Error) bool { return e.After == 2*time.Minute }},
		"429 with seconds":           {say(429, map[string]string{"Retry-After": "3600"}, ""), func(e *syndicate.Error) bool { return e.After == time.Hour && !e.Refused && !e.Unclear }},
		"429 with the limit's reset": {say(429, map[string]string{"RateLimit-Reset": reset}, `{"error":"RateLimitExceeded"}`), func(e *syndicate.Error) bool { return e.After > 15*time.Minute && e.After <= 20*time.Minute }},
		"429 with nonsense":          {say(429, map[string]string{"Retry-After": "-1", "RateLimit-Reset": "99999999999999"}, ""), func(e *syndicate.Error) bool { return e.After == time.Minute }},
		"a wait of years":            {say(429, map[string]string{"Retry-After": "999999999"}, ""), func(e *syndicate.Error) bool { return e.After == 24*time.Hour }},
		"401":                        {say(401, nil, `{"error":"AccountTakedown"}`), func(e *syndicate.Error) bool { return e.Login && !e.Unclear }},
		"400":                        {say(400, nil, `{"error":"InvalidRequest","message":"no"}`), func(e *syndicate.Error) bool { return e.Refused }},
		"another server":             {say(404, nil, "<html>"), func(e *syndicate.Error) bool { return e.Refused }},
		"malformed":                  {say(200, nil, `{"uri":`), func(e *syndicate.Error) bool { return e.Unclear }},
		"endless":                    {say(200, nil, strings.Repeat("[", 9<<20)), func(e *syndicate.Error) bool { return e.Unclear }},
	} {
		t.Run(name, func(t *testing.T) {
			n := fakeNetwork(t)
			ana := n.person(t, "ana")
			target := ana.target()
			n.door.Break(c.fault)
			_, err := target.Publish(context.Background(), nota("hola"))
			var e *syndicate.Error
			if !errors.As(err, &e) || !c.want(e) || e.Doing != "publish" || len(err.Error()) > 500 {
				t.Fatalf("got %+v, %v", e, err)
			}
			publish(t, target, nota("hola"))
			if got := ana.records(t, bskyPost); len(got) != 1 {
				t.Errorf("afterwards: got %d records, want 1", len(got))
			}
		})
	}
}

// T-PO01, HOSTILE F8: a request is done and its answer lost, at each step of the way.
func TestBlueskyMakesNoSecondCopyAfterACut(t *testing.T) {
	for _, cut := range []string{"com.atproto.server.createSession", "com.atproto.repo.uploadBlob", "com.atproto.repo.putRecord"} {
		t.Run(cut, func(t *testing.T) {
			n := fakeNetwork(t)
			ana := n.person(t, "ana")
			p := nota("con foto")
			p.Photos = []syndicate.Photo{shot(t, "una", 4, 4, 0)}
			n.door.Break(faketest.Fault{Path: cut, Cut: true})
			_, err := ana.target().Publish(context.Background(), p)
			var e *syndicate.Error
			if !errors.As(err, &e) || e.Login || e.Refused {
				t.Fatalf("got %v, want no answer", err)
			}
			publish(t, ana.target(), p) // another process
			if got := ana.records(t, bskyPost); len(got) != 1 {
				t.Errorf("got %d records, want 1", len(got))
			}
		})
	}
}

func TestBlueskyStopsWithItsContext(t *testing.T) {
	n := fakeNetwork(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	target := n.person(t, "ana").target()
	if _, err := target.Publish(ctx, nota("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	publish(t, target, nota("a"))
}

// watching is a road on which somebody sees what is sent.
func watching(next http.RoundTripper, see func(path string, body []byte)) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			see(r.URL.Path, body)
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return next.RoundTrip(r)
	}
}
