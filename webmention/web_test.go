package webmention_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
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
