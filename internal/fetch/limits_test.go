package fetch_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"tertulia/internal/fetch"
	"tertulia/internal/webtest"
)

// HOSTILE 15 to 17, T-WR23.
func TestBodiesAreCapped(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 64 {
		if _, err := z.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	coded := func(coding string, body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", coding)
			_, _ = w.Write(body) // the client hangs up early
		}
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}
	const most = 1 << 20
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		size    int
		err     error
	}{
		{"exactly the limit", say(strings.Repeat("x", most)), most, nil},
		{"one byte more", say(strings.Repeat("x", most+1)), most, fetch.ErrTooLarge},
		{"endless", endless, most, fetch.ErrTooLarge},
		{"gzip bomb", coded("gzip", bomb.Bytes()), most, fetch.ErrTooLarge},
		{"identity", coded("identity", []byte("hello")), 5, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			host := webtest.Serve(t, "127.0.2.1:0", test.handler)
			body, err := read(fetch.Strangers(options()), "http://"+host+"/")
			if !errors.Is(err, test.err) || len(body) != test.size {
				t.Errorf("got %d bytes, %v, want %d bytes, %v", len(body), err, test.size, test.err)
			}
		})
	}
	// A page that we cannot decode must not pass for a page without links.
	for _, coding := range []string{"br", "gzip, gzip", "zstd"} {
		host := webtest.Serve(t, "127.0.2.1:0", coded(coding, bomb.Bytes()))
		if body, err := read(fetch.Strangers(options()), "http://"+host+"/"); err == nil || body != "" {
			t.Errorf("%s: got %d bytes, %v, want an error", coding, len(body), err)
		}
	}
}

// HOSTILE 17: nor may one that was compressed twice, or without a word, however it
// trickles in; a compressed file may be what it is.
func TestHiddenCompressionIsAnError(t *testing.T) {
	const packed = "\x1f\x8b\x08 and so on"
	for _, test := range []struct {
		kind, body string
		ok         bool
	}{
		{"text/html; charset=utf-8", packed, false},
		{"TEXT/plain", packed, false},
		{"application/activity+json", packed, false},
		{"application/xhtml+xml", packed, false},
		{"application/gzip", packed, true},
		{"text/html", packed[:2], true},
		{"text/html", "\x1f\x8b\x09", true},
		{"text/html", " " + packed, true},
	} {
		host := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", test.kind)
			for i := range len(test.body) {
				say(test.body[i:i+1])(w, r)
				_ = http.NewResponseController(w).Flush() // the client may hang up
			}
		})
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "by bytes": iotest.OneByteReader,
		} {
			resp, err := fetch.Strangers(options()).Get("http://" + host + "/")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(reader(resp.Body))
			resp.Body.Close()
			if (err == nil) != test.ok || test.ok && string(body) != test.body {
				t.Errorf("%s %q %s: got %q, %v, want success %t", test.kind, test.body, name, body, err, test.ok)
			}
		}
	}
}

// HOSTILE 15: what comes after a switch of protocols is under no deadline.
func TestSwitchesOfProtocolAreRefused(t *testing.T) {
	host := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn) // until the client hangs up
	})
	resp, err := fetch.Strangers(options()).Get("http://" + host + "/")
	if err == nil {
		resp.Body.Close()
		t.Errorf("got %s, want an error", resp.Status)
	}
}

// A caller that does not know the client can still tell a long page from a broken one.
func TestTooLargeIsAMaxBytesError(t *testing.T) {
	host := webtest.Serve(t, "127.0.2.1:0", say("hello"))
	o := options()
	o.MaxBody = 4
	body, err := read(fetch.Strangers(o), "http://"+host+"/")
	var long *http.MaxBytesError
	if body != "hell" || !errors.As(err, &long) || long.Limit != 4 {
		t.Errorf("got %q, %v, want hell and a limit of 4 bytes", body, err)
	}
}

func TestTruncatedBodiesAreErrors(t *testing.T) {
	host := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		say("hello")(w, r)
	})
	if body, err := read(fetch.Strangers(options()), "http://"+host+"/"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %q, %v, want %v", body, err, io.ErrUnexpectedEOF)
	}
}

// HOSTILE 16.
func TestHeadersAreCapped(t *testing.T) {
	for name, fill := range map[string]func(http.Header){
		"one long line": func(h http.Header) { h.Set("X", strings.Repeat("x", 5<<20)) },
		"many lines": func(h http.Header) {
			for range 90_000 {
				h.Add("Link", `<http://a.example/>; rel="webmention"`)
			}
		},
	} {
		host := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
			fill(w.Header())
			say("hello")(w, r)
		})
		if _, err := read(fetch.Strangers(options()), "http://"+host+"/"); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// HOSTILE 15: whatever is slow ends with the total timeout.
func TestSlownessEnds(t *testing.T) {
	wait := func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		<-r.Context().Done()
	}
	for name, handler := range map[string]http.HandlerFunc{
		"header": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"body":   wait,
		"gzip": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			wait(w, r)
		},
	} {
		host := webtest.Serve(t, "127.0.2.1:0", handler)
		o := options()
		o.Timeout = 100 * time.Millisecond
		start := time.Now()
		_, err := read(fetch.Strangers(o), "http://"+host+"/")
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s: got %v, want a timeout", name, err)
		}
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}
