package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"
	"willnorris.com/go/microformats"

	"tertulia/internal/site"
	"tertulia/store"
)

// page20k is a page of some 20 KB, with a reply to target in it.
func page20k(target string) []byte {
	var b bytes.Buffer
	b.WriteString(`<!doctype html><html><head><meta charset="utf-8"><title>A reply</title></head><body><nav><ul>`)
	for i := range 40 {
		fmt.Fprintf(&b, `<li><a href="/tag/%d">tag number %d</a></li>`, i, i)
	}
	fmt.Fprintf(&b, `</ul></nav><article class="h-entry"><p>In reply to <a class="u-in-reply-to" href=%q>a post</a></p>`, target)
	b.WriteString(`<div class="p-author h-card"><a class="p-name u-url" href="/">Bea</a></div><time class="dt-published" datetime="2026-11-21T18:05:00+01:00">today</time><div class="e-content">`)
	for i := range 60 {
		fmt.Fprintf(&b, `<p>Paragraph %d says <em>something</em> with a <a href="https://elsewhere.example/%d">link</a> and goes on for a while so that there is text.</p>`, i, i)
	}
	b.WriteString(`</div></article><footer>`)
	for b.Len() < 20_000 {
		b.WriteString(`<p class="small">More of the page that nobody reads.</p>`)
	}
	b.WriteString(`</footer></body></html>`)
	return b.Bytes()
}

// sources serves pages that reply to what their query names.
func sources(tb testing.TB) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	pages := page20k("TARGET")
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(bytes.Replace(pages, []byte("TARGET"), []byte(r.URL.Query().Get("to")), 1))
	})}
	go server.Serve(l)
	tb.Cleanup(func() { server.Close() })
	return "http://" + l.Addr().String()
}

// run lets the jobs of a bench run.
func (b *bench) run(tb testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.svc.runner.Run(ctx) }()
	tb.Cleanup(func() { cancel(); <-done })
}

func (b *bench) mention(tb testing.TB, source, target string) {
	resp, err := http.PostForm(b.home+"-/webmention", url.Values{"source": {source}, "target": {target}})
	if err != nil {
		tb.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 201 {
		tb.Fatalf("mention: got %s: %s", resp.Status, body)
	}
}

// ownCPU is the processor time of this process so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCPUPerMention: the service's processor time for an accepted and verified mention
// of a 20 KB page against tokenising plus parsing that page.
func BenchmarkCPUPerMention(b *testing.B) {
	const n = 400
	from := sources(b)
	var ratios []float64
	s := newBench(b)
	s.svc.app.sites[0].Approve = site.ApproveNone
	pages := s.fill(b, 1, 1)
	s.run(b)
	raw := page20k(pages[0])
	base, _ := url.Parse(from)
	for round := range rounds {
		// What the senders and the sources cost is measured without the service, and taken off.
		begin := ownCPU()
		for i := range n {
			resp, err := http.Get(fmt.Sprintf("%s/%d?to=%s", from, i, url.QueryEscape(pages[0])))
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		overhead := ownCPU() - begin
		begin = ownCPU()
		for i := range n {
			s.mention(b, fmt.Sprintf("%s/%d-%d?to=%s", from, round, i, url.QueryEscape(pages[0])), pages[0])
		}
		s.drain(b)
		ours := ownCPU() - begin - overhead
		begin = ownCPU()
		for range n {
			doc, err := html.Parse(bytes.NewReader(raw))
			if err != nil {
				b.Fatal(err)
			}
			microformats.ParseNode(doc, base)
			for z := html.NewTokenizer(bytes.NewReader(raw)); z.Next() != html.ErrorToken; {
			}
		}
		ratios = append(ratios, float64(ours)/float64(ownCPU()-begin))
	}
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op")
}

// drain waits until no job waits.
func (b *bench) drain(tb testing.TB) {
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
		n := 0
		if err := b.db.View(context.Background(), b.key, func(tx *store.Tx) error { n = tx.JobCount(); return nil }); err != nil {
			tb.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
	tb.Fatal("the queue does not drain")
}

// BenchmarkPostToVisible: from the sender's request to the mention of a trusted person being
// public, idle and with 32 sources that hang.
func BenchmarkPostToVisible(b *testing.B) {
	for _, hanging := range []int{0, 32} {
		b.Run(fmt.Sprintf("hanging=%d", hanging), func(b *testing.B) {
			from := sources(b)
			s := newBench(b)
			s.svc.app.sites[0].Approve = site.ApproveNone
			pages := s.fill(b, 1, 1)
			s.run(b)
			for i := range hanging {
				l, err := net.Listen("tcp", fmt.Sprintf("127.0.4.%d:0", i+1)) // accepts and says nothing
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { l.Close() })
				s.mention(b, fmt.Sprintf("http://%s/", l.Addr()), pages[0])
			}
			var took []time.Duration
			for i := range 200 {
				source := fmt.Sprintf("%s/%d?to=%s", from, i, url.QueryEscape(pages[0]))
				begin := time.Now()
				s.mention(b, source, pages[0])
				for {
					page, err := s.svc.app.sites[0].Conversation.Counts(context.Background(), pages[:1])
					if err != nil {
						b.Fatal(err)
					}
					if page["reply"] > i+1 {
						break
					}
					time.Sleep(50 * time.Microsecond)
				}
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkCreate: a durable Micropub create that is live when it is answered, against one
// commit plus one request.
func BenchmarkCreate(b *testing.B) {
	s := newBench(b)
	s.run(b)
	token, err := s.svc.app.sites[0].Access.NewToken(context.Background(), "bench", []string{"create"})
	if err != nil {
		b.Fatal(err)
	}
	bare := yardstick(b, hello)
	var n atomic.Int64
	create := func() {
		req, err := http.NewRequest("POST", s.home+"-/micropub", strings.NewReader(fmt.Sprintf("h=entry&content=Post+number+%d", n.Add(1))))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 201 {
			b.Fatalf("create: got %s", resp.Status)
		}
	}
	other := func() {
		if err := s.db.Update(context.Background(), s.key, func(tx *store.Tx) error {
			return tx.Record(store.Decision{By: "bench", Action: "none"})
		}); err != nil {
			b.Fatal(err)
		}
		resp, err := http.Get(bare)
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
	time1 := func(f func()) time.Duration {
		var all []time.Duration
		for range 60 {
			begin := time.Now()
			f()
			all = append(all, time.Since(begin))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	var ratios []float64
	for range rounds {
		ratios = append(ratios, float64(time1(create))/float64(time1(other)))
	}
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op")
}
