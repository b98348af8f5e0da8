package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/store"
)

// postToVisible: from the sender's request to the mention being public, idle and while 32
// sources on as many hosts hang.
func postToVisible(b *testing.B) {
	var idle, busy struct{ p50, p99 []float64 }
	alone, crowded := newSender(b, 0), newSender(b, 32)
	for range rounds {
		for _, one := range []struct {
			*sender
			p50, p99 *[]float64
		}{{alone, &idle.p50, &idle.p99}, {crowded, &busy.p50, &busy.p99}} {
			var all []time.Duration
			for range 200 {
				all = append(all, took(one.send))
			}
			slices.Sort(all)
			*one.p50, *one.p99 = append(*one.p50, ms(percentile(all, 50))), append(*one.p99, ms(percentile(all, 99)))
		}
	}
	b.ReportMetric(median(idle.p50), "p50-ms≤3")
	b.ReportMetric(median(idle.p99), "p99-ms≤15")
	b.ReportMetric(median(busy.p50), "p50-hanging-ms≤6")
	b.ReportMetric(median(busy.p99), "p99-hanging-ms≤30")
}

// sender mentions the first post of a service, and waits until readers see it.
type sender struct {
	b       *testing.B
	service *bench
	conn    *raw
	traffic traffic
	sent    int
}

// newSender starts a service that so many sources keep waiting.
func newSender(b *testing.B, hanging int) *sender {
	b.Helper()
	s := serveHere(b, filled(b, 1, 0))
	s.run(b)
	target := func(int64) string { return s.permalink(0) }
	wait := mentions(s.endpoint("webmention"), 201, hang(b, hanging), target)
	wait.all(b, func(n int64) bool { return n <= int64(hanging) })
	from, conn := newSources(b, 1, 20_000), dialRaw(b, s.address)
	b.Cleanup(func() { conn.conn.Close() })
	return &sender{b, s, conn, mentions(s.endpoint("webmention"), 201, func() string { return from.next(s.permalink(0)) }, target), 0}
}

func (s *sender) send() {
	s.b.Helper()
	if status, err := s.conn.ask(s.traffic.request(0)); err != nil || status != s.traffic.want {
		s.b.Fatalf("mention: got status %d, error %v", status, err)
	}
	for s.sent++; s.visible() < s.sent; {
		<-time.After(50 * time.Microsecond)
	}
}

// visible is how many mentions are public.
func (s *sender) visible() int {
	s.b.Helper()
	counts, err := s.service.svc.app.sites[0].Conversation.Counts(context.Background(), []string{s.service.permalink(0)})
	if err != nil {
		s.b.Fatal(err)
	}
	return counts["reply"]
}

// hang makes sources that accept connections and say nothing.
func hang(b *testing.B, n int) func() string {
	b.Helper()
	var found []string
	for i := range n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.4.%d:0", i+1))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { l.Close() })
		found = append(found, "http://"+l.Addr().String()+"/")
	}
	var next atomic.Int64
	return func() string { return found[next.Add(1)-1] }
}

// create: a durable Micropub create that is live when it is answered, against one commit
// plus one request.
func create(b *testing.B) {
	var n atomic.Int64
	e, bare := newEditor(b, filled(b, 1, 1), &n), yardstick(b, hello)
	other := func() {
		if err := e.service.db.Update(context.Background(), e.service.address, func(tx *store.Tx) error {
			return tx.Record(store.Decision{By: "bench", Action: "none"})
		}); err != nil {
			b.Fatal(err)
		}
		resp, err := http.Get(bare)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	var ratios []float64
	for range rounds {
		var ours, bare []float64
		for range 60 {
			ours, bare = append(ours, ms(took(e.create))), append(bare, ms(took(other)))
		}
		ratios = append(ratios, median(ours)/median(bare))
	}
	b.ReportMetric(median(ratios), "ratio≤3")
}

// editor posts to a service.
type editor struct {
	b       *testing.B
	service *bench
	token   string
	count   *atomic.Int64 // so that no two posts are the same
}

func newEditor(b *testing.B, p venue, count *atomic.Int64) *editor {
	b.Helper()
	s := serveHere(b, p)
	s.run(b)
	token, err := s.svc.app.sites[0].Access.NewToken(context.Background(), "bench", []string{"create"})
	if err != nil {
		b.Fatal(err)
	}
	return &editor{b, s, token, count}
}

func (e *editor) create() {
	e.b.Helper()
	req, err := http.NewRequest("POST", e.service.endpoint("micropub"), strings.NewReader(fmt.Sprintf("h=entry&content=Post+number+%d", e.count.Add(1))))
	if err != nil {
		e.b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+e.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.b.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 201 {
		e.b.Fatalf("create: got %s", resp.Status)
	}
}

func took(f func()) time.Duration {
	begin := time.Now()
	f()
	return time.Since(begin)
}
