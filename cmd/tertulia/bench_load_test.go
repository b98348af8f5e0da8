package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/net/html"
	"willnorris.com/go/microformats"
)

// cpuPerMention: the service's processor time for an accepted and verified mention of a
// 20 KB page, against tokenising and parsing that page. Only the service runs in the
// process that is measured; nothing is taken off.
func (r *rig) cpuPerMention(b *testing.B) {
	const n = 1000
	p, from := filled(b, 1, 1), newSources(b, 100, 20_000)
	m := r.serveApart(b, p)
	m.start()
	send := mentions(p.endpoint("webmention"), 201, func() string { return from.next(p.permalink(0)) }, func(int64) string { return p.permalink(0) })
	page := replyPage(p.permalink(0), 20_000)
	base, err := url.Parse("http://127.10.0.1/1")
	if err != nil {
		b.Fatal(err)
	}
	var ratios, each []float64
	for range rounds {
		begin := m.cpu()
		send.all(b, func(i int64) bool { return i <= n })
		from.await(b, p, 1)
		m.settle() // a group of commits may be under way
		ours := m.cpu() - begin
		begin = ownCPU()
		for range n {
			doc, err := html.Parse(bytes.NewReader(page))
			if err != nil {
				b.Fatal(err)
			}
			microformats.ParseNode(doc, base)
			for z := html.NewTokenizer(bytes.NewReader(page)); z.Next() != html.ErrorToken; {
			}
		}
		ratios, each = append(ratios, float64(ours)/float64(ownCPU()-begin)), append(each, ms(ours)/n)
	}
	b.ReportMetric(median(ratios), "ratio≤1.7")
	b.ReportMetric(median(each), "cpu-ms")
}

// await waits until all that was made is public on the first post, beside what was
// stored there before. While pages are still fetched the service is asked nothing.
func (s *sources) await(b *testing.B, p venue, stored int) {
	b.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); ; <-tick.C {
		if time.Now().After(deadline) {
			b.Fatalf("of %d sources %d were visited", s.made.Load(), s.served.Load())
		}
		if s.served.Load() >= s.made.Load() && p.count(b, 0) >= stored+int(s.made.Load()) {
			return
		}
	}
}

// count asks how many mentions of a post are public.
func (p venue) count(b *testing.B, i int) int {
	b.Helper()
	resp, err := http.Get(p.endpoint("api/count?target=") + url.QueryEscape(p.permalink(i)))
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Count int }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		b.Fatal(err)
	}
	return answer.Count
}

// readUnderLoad: how long the slowest hundredth of the readers of a page with ten
// mentions wait while 1,000 mentions a second come and are verified, against how long it
// does when nothing else happens. The readers come at a steady 500 a second, which is far
// from all that can be answered: what is asked for is how long one waits behind the work,
// not how much is done. Senders and sources take their share of the same processors.
func (r *rig) readUnderLoad(b *testing.B) {
	const arrivals, readers = 1000, 500
	const long = 3 * time.Second
	p, from := filled(b, 100, 10), newSources(b, 1000, 4000)
	m := r.serveApart(b, p)
	m.start()
	send := mentions(p.endpoint("webmention"), 201, func() string { return from.next(p.permalink(0)) }, func(int64) string { return p.permalink(0) })
	read := get(p.conversation(50), 200)
	read.rate(b) // warm up
	var ratios, quiet, busy, arrived, verified, cores []float64
	for range rounds {
		_, alone := read.paced(b, connections, readers, long)
		before, begin := from.made.Load(), time.Now()
		sent := make(chan float64, 1)
		go func() {
			defer close(sent)
			rate, _ := send.paced(b, 4*connections, arrivals, long+time.Second)
			sent <- rate
		}()
		<-time.After(500 * time.Millisecond)
		work := m.cpu()
		_, under := read.paced(b, connections, readers, long)
		cores = append(cores, float64(m.cpu()-work)/float64(long))
		arrived = append(arrived, <-sent)
		from.await(b, p, 10)
		verified = append(verified, float64(from.made.Load()-before)/time.Since(begin).Seconds())
		m.settle()
		quiet, busy = append(quiet, ms(percentile(alone, 99))), append(busy, ms(percentile(under, 99)))
		ratios = append(ratios, busy[len(busy)-1]/quiet[len(quiet)-1])
	}
	b.ReportMetric(median(ratios), "ratio≤4")
	b.ReportMetric(median(quiet), "p99-alone-ms")
	b.ReportMetric(median(busy), "p99-ms")
	b.ReportMetric(median(arrived), "arrived/s")
	b.ReportMetric(median(verified), "verified/s")
	b.ReportMetric(median(cores), "cores")
}
