package webtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/webtest"
)

var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s tls=%t", r.Host, r.TLS != nil)
})

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	return string(body)
}

func TestWebLeadsToHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := webtest.New(t)
		web.Handle("ana.example", hello)
		web.Handle("bea.example:8080", hello)
		for url, want := range map[string]string{
			"http://ana.example/":       "ana.example tls=false",
			"https://ana.example/x":     "ana.example tls=true",
			"https://ANA.example/":      "ANA.example tls=true",
			"http://bea.example:8080/":  "bea.example:8080 tls=false",
			"https://bea.example:8080/": "bea.example:8080 tls=true",
		} {
			if got := get(t, web.Client(), url); got != want {
				t.Errorf("%s: got %q, want %q", url, got, want)
			}
		}
	})
}

func TestWebFailsLikeTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := webtest.New(t)
		web.Handle("ana.example", hello)
		var dns *net.DNSError
		if _, err := web.Client().Get("https://nobody.example/"); !errors.As(err, &dns) || !dns.IsNotFound {
			t.Errorf("unknown host: got %v, want a DNS error", err)
		}
		if _, err := web.Client().Get("https://ana.example:444/"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("other port: got %v, want connection refused", err)
		}
		web.Down("ana.example", true)
		if _, err := web.Client().Get("https://ana.example/"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("down: got %v, want connection refused", err)
		}
		web.Down("ana.example", false)
		if got, want := get(t, web.Client(), "https://ana.example/"), "ana.example tls=true"; got != want {
			t.Errorf("up again: got %q, want %q", got, want)
		}
	})
}

func TestWebRecordsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := webtest.New(t)
		web.Handle("ana.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.FormValue("source"); r.Method == "POST" && got != "https://b.example/" {
				t.Errorf("handler sees source %q", got)
			}
			if r.URL.Path == "/old" {
				http.Redirect(w, r, "/new", http.StatusFound)
			}
		}))
		get(t, web.Client(), "https://ana.example/old?a=1")
		form := url.Values{"source": {"https://b.example/"}}
		resp, err := web.Client().PostForm("http://ana.example/webmention", form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()

		type line struct{ Method, URL, Body string }
		var got []line
		for _, r := range web.Requests("ana.example") {
			got = append(got, line{r.Method, r.URL, string(r.Body)})
			if r.Method == "POST" {
				if diff := cmp.Diff(form, r.Form); diff != "" {
					t.Errorf("form (-want +got):\n%s", diff)
				}
			}
			if !r.Time.Equal(time.Now()) {
				t.Errorf("time: got %v, want the bubble's %v", r.Time, time.Now())
			}
		}
		want := []line{
			{"GET", "https://ana.example/old?a=1", ""},
			{"GET", "https://ana.example/new", ""},
			{"POST", "http://ana.example/webmention", "source=https%3A%2F%2Fb.example%2F"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// Nothing may be left in the bubble, or synctest.Test would panic at its end.
func TestWebLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := webtest.New(t)
		web.Handle("slow.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(72 * time.Hour):
			case <-r.Context().Done():
			}
		}))
		web.Handle("endless.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
					return
				}
			}
		}))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", "https://slow.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := web.Client().Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		if got := time.Since(start); got != 10*time.Second {
			t.Errorf("waited %v of the bubble's time, want 10s", got)
		}
		// A body that is neither read nor closed.
		if _, err := web.Client().Get("https://endless.example/"); err != nil {
			t.Error(err)
		}
	})
}
