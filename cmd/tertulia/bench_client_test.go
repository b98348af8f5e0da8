package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// connections is how many readers or senders there are at once.
const connections = 16

// raw is a client that costs little, so that what is measured is the server.
type raw struct {
	conn net.Conn
	r    *bufio.Reader
}

func dialRaw(tb testing.TB, host string) *raw {
	tb.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		tb.Fatal(err)
	}
	return newRaw(conn)
}

func newRaw(conn net.Conn) *raw { return &raw{conn, bufio.NewReaderSize(conn, 64<<10)} }

// ask sends a request that was written beforehand and returns the status.
func (c *raw) ask(request []byte) (status int, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("the answer begins with %q", line)
	}
	status, _ = strconv.Atoi(string(line[9:12])) // 0 is no status either
	length := 0
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if n, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			if length, err = strconv.Atoi(strings.TrimSpace(n)); err != nil {
				return 0, err
			}
		}
	}
	_, err = c.r.Discard(length)
	return status, err
}

// traffic is a stream of requests.
type traffic struct {
	host    string
	want    int                  // the status of every answer
	request func(n int64) []byte // the n-th
}

// get is the same request again and again.
func get(address string, want int, header ...string) traffic {
	t, request := to(address, want)
	whole := []byte(request + strings.Join(header, "") + "\r\n")
	t.request = func(int64) []byte { return whole }
	return t
}

// to is traffic for the host of an address, and how a GET of it begins.
func to(address string, want int) (t traffic, request string) {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return traffic{host: u.Host, want: want}, "GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n"
}

// mentions sends a mention of one of the targets each time. source is new whenever it
// is called, for a known one costs less.
func mentions(endpoint string, want int, source func() string, target func(n int64) string) traffic {
	t, _ := to(endpoint, want)
	u, _ := url.Parse(endpoint) // to has parsed it
	t.request = func(n int64) []byte {
		body := "source=" + url.QueryEscape(source()) + "&target=" + url.QueryEscape(target(n))
		return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", u.Path, u.Host, len(body), body)
	}
	return t
}

// nobody makes sources that are not looked at, on a thousand hosts.
func nobody() func() string {
	var n atomic.Int64
	return func() string {
		i := n.Add(1)
		return fmt.Sprintf("https://host-%d.example/%d", i%1000, i)
	}
}

// all sends requests over all connections while there are more, and returns the
// latencies in order.
func (t traffic) all(tb testing.TB, more func(n int64) bool) (latencies []time.Duration) {
	tb.Helper()
	var sent atomic.Int64
	return t.work(tb, connections, func(_ int, ask func(n int64) time.Duration) (mine []time.Duration) {
		for n := sent.Add(1); more(n) && !tb.Failed(); n = sent.Add(1) {
			mine = append(mine, ask(n))
		}
		return mine
	})
}

// rate sends requests for a second and returns how many were answered.
func (t traffic) rate(tb testing.TB) (perSecond float64, latencies []time.Duration) {
	tb.Helper()
	begin := time.Now()
	latencies = t.all(tb, func(int64) bool { return time.Since(begin) < time.Second })
	return float64(len(latencies)) / time.Since(begin).Seconds(), latencies
}

// paced sends so many requests a second, whatever becomes of those before. A latency is
// from when a request was sent, or was to be sent had the one before it on its connection
// been answered by then.
func (t traffic) paced(tb testing.TB, workers, perSecond int, long time.Duration) (perSecondDone float64, latencies []time.Duration) {
	tb.Helper()
	total := int64(long.Seconds() * float64(perSecond))
	begin := time.Now()
	latencies = t.work(tb, workers, func(worker int, ask func(n int64) time.Duration) (mine []time.Duration) {
		for n := int64(worker); n < total && !tb.Failed(); n += int64(workers) {
			late := time.Since(begin) - time.Duration(n)*time.Second/time.Duration(perSecond)
			if late < 0 {
				<-time.After(-late)
			}
			mine = append(mine, ask(n)+max(late, 0))
		}
		return mine
	})
	return float64(len(latencies)) / time.Since(begin).Seconds(), latencies
}

// work lets workers ask, each over its own connection.
func (t traffic) work(tb testing.TB, workers int, work func(worker int, ask func(n int64) time.Duration) []time.Duration) (latencies []time.Duration) {
	tb.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for worker := range workers {
		c := dialRaw(tb, t.host)
		wg.Go(func() {
			defer c.conn.Close()
			mine := work(worker, func(n int64) time.Duration {
				request, begin := t.request(n), time.Now()
				if status, err := c.ask(request); err != nil || status != t.want {
					tb.Errorf("got status %d, error %v, want %d", status, err, t.want)
				}
				return time.Since(begin)
			})
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, mine...)
		})
	}
	wg.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
	slices.Sort(latencies)
	return latencies
}

// yardstick serves a bare handler.
func yardstick(tb testing.TB, h http.HandlerFunc) (address string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	tb.Cleanup(func() { server.Close() })
	return "http://" + l.Addr().String() + "/"
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello, world\n") }
