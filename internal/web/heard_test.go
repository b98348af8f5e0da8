package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tertulia/internal/web"
)

// An upload that is refused is answered with the reason also to front servers, which send
// all of it before they read.
func TestRefusedUploadsAreHeardBehindAFrontServer(t *testing.T) {
	for name, refuse := range map[string]http.HandlerFunc{
		"at once": func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no token", http.StatusUnauthorized) },
		"after the beginning": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 4096)
			http.Error(w, "no such type", http.StatusUnsupportedMediaType)
		},
		"over a limit": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 4096))
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(web.Heard(refuse))
			defer srv.Close()
			for range 5 {
				conn, err := net.Dial("tcp", srv.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				const size = 12 << 20
				if _, err := fmt.Fprintf(conn, "POST /media HTTP/1.1\r\nHost: example.com\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size)); err != nil {
					t.Errorf("the front server cannot send: %v", err)
				}
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || resp.StatusCode < 400 || resp.StatusCode >= 500 {
					t.Errorf("got %v, %v, want the reason", resp, err)
				}
				conn.Close()
			}
		})
	}
}

// Who asks before sending is refused before sending.
func TestWhoAsksFirstSendsNothingInVain(t *testing.T) {
	srv := httptest.NewServer(web.Heard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no token", http.StatusUnauthorized) })))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /media HTTP/1.1\r\nHost: example.com\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %v, %v", resp, err)
	}
}
