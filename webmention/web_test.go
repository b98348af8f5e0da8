package webmention_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// web is an Internet in memory: what each host, with its port if it has one, answers.
type web map[string]http.HandlerFunc

func (w web) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	handler, ok := w[r.URL.Host]
	if !ok {
		return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: http.ErrServerClosed}
	}
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	handler(rec, served)
	served.Body.Close()
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// pages is an Internet in memory that is written down: "GET https://a.example/" and
// its answer, which is a status, headers, an empty line and a body. On a host that
// has any answer other pages are not found, and other methods not allowed.
type pages struct {
	answers map[string]string
	seen    []string
}

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	at := *r.URL
	at.Fragment, at.RawFragment = "", "" // which does not travel
	asked, body := r.Method+" "+at.String(), ""
	if r.Body != nil {
		read, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(read)
		r.Body.Close()
	}
	p.seen = append(p.seen, strings.TrimSpace(asked+" "+body))
	text, ok := p.answers[asked]
	if !ok {
		text = "404"
		if !p.knows(r.URL.Host) {
			return nil, fmt.Errorf("no such host: %s", r.URL.Host)
		}
		if r.Method != http.MethodGet {
			text = "405"
		}
	}
	head, content, _ := strings.Cut(text, "\n\n")
	code, headers, _ := strings.Cut(strings.TrimSpace(head), "\n")
	status, err := strconv.Atoi(code)
	if err != nil {
		return nil, err
	}
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(headers + "\n\n"))).ReadMIMEHeader()
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header(header), Request: r,
		Body: io.NopCloser(strings.NewReader(strings.TrimSuffix(content, "\n")))}, nil
}

func (p *pages) knows(host string) bool {
	for asked := range p.answers {
		if _, rest, _ := strings.Cut(asked, "://"); rest == host || strings.HasPrefix(rest, host+"/") || strings.HasPrefix(rest, host+"?") {
			return true
		}
	}
	return false
}

func (p *pages) client() *http.Client { return &http.Client{Transport: p} }

func (w web) client() *http.Client { return &http.Client{Transport: w} }

// page answers every path with status 200.
func page(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = []string{contentType}
		w.Write([]byte(body))
	}
}

// status answers every path with code and an HTML body.
func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(code)
		w.Write([]byte(body))
	}
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatalf("parse %q: %v", s, err)
	}
	return u
}
