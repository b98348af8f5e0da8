package fetch_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tertulia/internal/fetch"
	"tertulia/internal/webtest"
)

// The way to an upstream leads there alone, follows nothing, and takes nothing off an answer.
func TestUpstreamGoesToOnePlace(t *testing.T) {
	canary := webtest.Canary(t, "127.0.0.1:0")
	at := webtest.Serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			http.Redirect(w, r, "http://"+canary+"/", http.StatusFound)
		case "/large":
			w.Header().Set("Content-Encoding", "gzip") // which it is not: nobody looks
			io.WriteString(w, strings.Repeat("x", 2<<20))
		}
	})
	up := fetch.Upstream(&url.URL{Scheme: "http", Host: at}, fetch.Options{MaxBody: 1})
	ask := func(address string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		return up.RoundTrip(req)
	}
	resp, err := ask("http://" + at + "/elsewhere")
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Fatalf("a redirect: got %v, %v", resp, err)
	}
	resp.Body.Close()
	resp, err = ask("http://" + at + "/large")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != 2<<20 || err != nil {
		t.Errorf("a large answer: got %d bytes, %v", n, err)
	}
	resp.Body.Close()
	for _, address := range []string{"http://" + canary + "/", "https://" + at + "/"} {
		if _, err := ask(address); !errors.Is(err, fetch.ErrBlocked) {
			t.Errorf("%s: got %v", address, err)
		}
	}
}
