package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
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

	"tertulia/mf2"
	"tertulia/store"
)

// The benchmarks measure ratios: what the service does against a yardstick that is
// measured in turn with it, so that the machine's speed does not count. Each prints
// the median of its rounds. `make bench` runs them; docs/promises.md names the goals.

const rounds = 5

// roundTime is how long one measurement lasts.
const roundTime = time.Second

// bench is a service with data, on a real socket.
type bench struct {
	svc  *service
	db   *store.DB
	key  string
	home string
}

// newBench starts a service without its runner: what comes in is not verified.
func newBench(tb testing.TB) *bench {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	set := defaults()
	set.Data = tb.TempDir()
	set.Limits.PerSender, set.Limits.PerHost, set.Limits.Queue = 1<<30, 1<<30, 1<<30
	set.Listen = addresses{l.Addr().String()}
	home := fmt.Sprintf("http://localhost:%d/", l.Addr().(*net.TCPAddr).Port)
	set.Sites = []siteSettings{{URL: home, Name: "Bench", Language: "en", Publish: publishSettings{Preset: "html"}, Conversation: conversationSettings{Approve: "people"}}}
	db, err := store.Open(set.Data, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	svc, err := wire(set, db, newClients(set, log), log)
	if err != nil {
		tb.Fatal(err)
	}
	if err := svc.jobs.WriteHome(tb.Context(), svc.jobs.Sites[0]); err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: svc.http}
	go server.Serve(l)
	tb.Cleanup(func() { server.Close(); db.Close() })
	return &bench{svc: svc, db: db, key: svc.app.sites[0].Key, home: home}
}

// fill stores posts with so many public mentions each.
func (b *bench) fill(tb testing.TB, posts, mentions int) (permalinks []string) {
	tb.Helper()
	for i := range posts {
		permalink := fmt.Sprintf("%s2026/01/01/post-%d/", b.home, i)
		permalinks = append(permalinks, permalink)
		err := b.db.Update(context.Background(), b.key, func(tx *store.Tx) error {
			page := store.Page{ID: fmt.Sprintf("page-%d", i), URL: permalink, Found: true, Created: tx.Now}
			if err := tx.PutPage(page, fmt.Sprintf("/2026/01/01/post-%d", i)); err != nil {
				return err
			}
			if err := tx.PutPost(store.Post{Permalink: permalink, Date: tx.Now, Created: tx.Now, Promised: true, Revision: 1, Published: 1, Live: 1, Announced: 1}); err != nil {
				return err
			}
			for m := range mentions {
				if err := tx.PutMention(benchMention(tx.Now, page.ID, permalink, i, m)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return permalinks
}

func benchMention(now time.Time, page, target string, i, m int) store.Mention {
	source := fmt.Sprintf("https://friend-%d.example/reply-%d", m, i)
	text := fmt.Sprintf("Reply number %d to post %d. %s", m, i, strings.Repeat("All work and no play. ", 8))
	return store.Mention{
		ID: store.NewID(now), Source: source, Target: target, Page: page, State: store.Approved, Decision: store.Approved, Received: now,
		Shown: &store.Version{
			Type: "reply", Author: mf2.Author{Name: fmt.Sprintf("Friend %d", m), URL: fmt.Sprintf("https://friend-%d.example/", m)},
			URL: source, HTML: "<p>" + text + "</p>", Text: text, Published: now, Digest: strconv.Itoa(m),
		},
		History: []store.Event{{At: now, Stage: "received"}, {At: now, Stage: "looked at", Note: "linked: the page links to the target"}, {At: now, Stage: "approve", Note: "by " + target}},
	}
}

// raw is a client that costs little, so that what is measured is the server.
type raw struct {
	conn net.Conn
	r    *bufio.Reader
}

func dialRaw(tb testing.TB, host string) *raw {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return &raw{conn, bufio.NewReaderSize(conn, 64<<10)}
}

// ask sends a request that was written beforehand and returns the status.
func (c *raw) ask(request []byte) (status int, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	status, _ = strconv.Atoi(string(line[9:12]))
	length := 0
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if n, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(n))
		}
	}
	_, err = c.r.Discard(length)
	return status, err
}

// traffic is a stream of requests.
type traffic struct {
	host    string
	want    int
	request func(n int64) []byte
}

// rate sends requests over so many connections for roundTime and returns how many a
// second were answered, and their latencies in order.
func (l traffic) rate(tb testing.TB, connections int) (perSecond float64, latencies []time.Duration) {
	tb.Helper()
	var sent atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	begin := time.Now()
	for range connections {
		c := dialRaw(tb, l.host)
		wg.Go(func() {
			var mine []time.Duration
			for time.Since(begin) < roundTime {
				asked := time.Now()
				status, err := c.ask(l.request(sent.Add(1)))
				if err != nil || status != l.want {
					tb.Errorf("got status %d, error %v, want %d", status, err, l.want)
					return
				}
				mine = append(mine, time.Since(asked))
			}
			mu.Lock()
			latencies = append(latencies, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	perSecond = float64(len(latencies)) / time.Since(begin).Seconds()
	slices.Sort(latencies)
	return perSecond, latencies
}

// get is the same request again and again.
func get(address string, want int, header ...string) traffic {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	request := []byte("GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n" + strings.Join(header, "") + "\r\n")
	return traffic{host: "127.0.0.1:" + u.Port(), want: want, request: func(int64) []byte { return request }}
}

// yardstick serves a bare handler.
func yardstick(tb testing.TB, h http.HandlerFunc) (address string) {
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

// compare measures two loads in turn and reports the median of the ratios.
func compare(b *testing.B, connections int, ours, bare traffic) {
	b.Helper()
	ours.rate(b, connections) // warm up
	bare.rate(b, connections)
	var ratios []float64
	var last time.Duration
	var perSecond []float64
	for range rounds {
		o, lat := ours.rate(b, connections)
		y, _ := bare.rate(b, connections)
		perSecond = append(perSecond, o)
		ratios = append(ratios, o/y)
		last = lat[len(lat)*99/100]
	}
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(perSecond), "per-s")
	b.ReportMetric(float64(last.Microseconds()), "p99-µs")
	b.ReportMetric(0, "ns/op")
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func apiURL(home, permalink string) string {
	return home + "-/api/mentions.jf2?target=" + url.QueryEscape(permalink)
}

// BenchmarkReadTen: reading the ten mentions of a page against a bare handler.
func BenchmarkReadTen(b *testing.B) {
	s := newBench(b)
	pages := s.fill(b, 1000, 10)
	ours := get(apiURL(s.home, pages[500]), 200)
	compare(b, 16, ours, get(yardstick(b, hello), 200))
}

// BenchmarkReadThousand: a page of a thousand mentions in full against its bytes from memory.
func BenchmarkReadThousand(b *testing.B) {
	s := newBench(b)
	pages := s.fill(b, 1, 1000)
	address := apiURL(s.home, pages[0]) + "&per-page=1000"
	resp, err := http.Get(address)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	if resp.ContentLength != int64(len(body)) {
		b.Errorf("Content-Length is %d, the body has %d bytes", resp.ContentLength, len(body))
	}
	memory := yardstick(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	})
	b.Run("full", func(b *testing.B) { compare(b, 16, get(address, 200), get(memory, 200)) })
	b.Run("304", func(b *testing.B) {
		compare(b, 16, get(address, 304, "If-None-Match: "+resp.Header.Get("ETag")+"\r\n"), get(yardstick(b, hello), 200))
	})
}

// BenchmarkAccept: durable accepts from 16 senders against a handler that only reads the form.
func BenchmarkAccept(b *testing.B) {
	s := newBench(b)
	pages := s.fill(b, 10, 1)
	form := yardstick(b, func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("source") == "" || r.PostFormValue("target") == "" {
			w.WriteHeader(400)
			return
		}
		w.WriteHeader(202)
	})
	compare(b, 16, sender(s.home+"-/webmention", 201, pages[3]), sender(form, 202, pages[3]))
}

func sender(endpoint string, want int, target string) traffic {
	u, err := url.Parse(endpoint)
	if err != nil {
		panic(err)
	}
	run := store.NewID(time.Now())
	var next atomic.Int64 // of all rounds, so that every mention is a new one
	return traffic{host: "127.0.0.1:" + u.Port(), want: want, request: func(int64) []byte {
		n := next.Add(1)
		body := fmt.Sprintf("source=https%%3A%%2F%%2Fhost-%d.example%%2F%s-%d&target=%s", n%1000, run, n, url.QueryEscape(target))
		return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", u.Path, u.Host, len(body), body)
	}}
}
