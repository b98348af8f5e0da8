package main

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

var stored = flag.Int("stored", 1_000_000, "how `many` mentions, ten for each post, Benchmark stores to measure what a lot of them costs")

// start: from the start of the program to its first answer to a reader.
func (r *rig) start(b *testing.B) {
	const starts = 31
	p := must(b, r.million)
	m := r.serveApart(b, p)
	read := get(p.conversation(*stored/20), 200)
	var took []float64
	for range starts {
		began := time.Now()
		m.launch()
		for !read.answered() {
			if !m.alive() || time.Since(began) > time.Minute {
				b.Fatalf("the program does not answer:\n%s", m.said())
			}
			<-time.After(100 * time.Microsecond)
		}
		took = append(took, ms(time.Since(began)))
		m.stop()
	}
	b.ReportMetric(median(took), "ms≤20")
}

// answered tries a request once.
func (t traffic) answered() bool {
	conn, err := net.Dial("tcp", t.host)
	if err != nil {
		return false
	}
	defer conn.Close()
	status, err := newRaw(conn).ask(t.request(0))
	return err == nil && status == t.want
}

// idleMemory: what the program has for itself some seconds after its start, and after it
// has answered a thousand readers of as many pages.
func (r *rig) idleMemory(b *testing.B) {
	p := must(b, r.million)
	m := r.serveApart(b, p)
	m.start()
	<-time.After(3 * time.Second)
	b.ReportMetric(m.memory("RssAnon"), "MiB≤25")
	b.ReportMetric(m.memory("VmRSS"), "MiB-with-files")
	p.anew(*stored/10).all(b, func(n int64) bool { return n <= 1000 })
	<-time.After(3 * time.Second)
	b.ReportMetric(m.memory("RssAnon"), "MiB-after-reads")
}

// floods are what hostile pages are full of, each something else that costs memory.
var floods = []string{
	"<b><p>", "<a href=/a>a</a>", "<table>", "<!--&amp;-->&notit;&#x0;", "<br>",
	"<div class=h-entry>", `<p class="p-name e-content u-url">a</p>`, `<i class="h-card p-author">`,
}

// hostilePages: what eight pages of 64 MB that come at the same moment add to what the
// idle program has for itself. All eight are of one kind, and what the worst kind adds
// counts; each meets a program that has just started.
func (r *rig) hostilePages(b *testing.B) {
	const pages = 8
	p := must(b, r.million)
	m := r.serveApart(b, p)
	from, worst := newFlooder(b, pages), 0.0
	for i, flood := range floods {
		from.flood.Store(&flood)
		send := mentions(p.endpoint("webmention"), 201, func() string { return from.next(p.permalink(i)) }, func(int64) string { return p.permalink(i) })
		m.start()
		m.settle()
		idle, done := m.memory("RssAnon"), make(chan struct{})
		peak := m.watch("RssAnon", done)
		from.wanted.Add(pages)
		send.all(b, func(n int64) bool { return n <= pages })
		waitFor(b, func() bool { return from.ended.Load() >= from.wanted.Load() })
		m.settle()
		close(done)
		added := <-peak - idle
		m.stop()
		b.Logf("%.0f MiB by %s", added, flood)
		worst = max(worst, added)
	}
	b.ReportMetric(worst, "MiB≤64")
}

// watch notes the most that a figure of memory is, until done.
func (m *mortal) watch(name string, done <-chan struct{}) <-chan float64 {
	most := make(chan float64, 1)
	go func() {
		defer close(most) // it may end without a figure, when the program has
		peak := 0.0
		for {
			peak = max(peak, m.memory(name))
			select {
			case <-done:
				most <- peak
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return most
}

// flooder is a server of hostile pages: each links to what its query names and then goes
// on for 64 MB. None begins before all have been asked for.
type flooder struct {
	sources
	flood  atomic.Pointer[string]
	wanted atomic.Int64 // how many are to be asked for
	ended  atomic.Int64
}

func newFlooder(b *testing.B, hosts int64) *flooder {
	f := &flooder{sources: sources{hosts: hosts}}
	f.listen(b, func(w http.ResponseWriter, r *http.Request) {
		defer f.ended.Add(1)
		f.served.Add(1)
		waitFor(b, func() bool { return f.served.Load() >= f.wanted.Load() })
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<div class="h-entry"><a class="u-in-reply-to" href=%q>re</a><div class="e-content">`, r.URL.Query().Get("to"))
		flood := *f.flood.Load()
		chunk := bytes.Repeat([]byte(flood), 64<<10/len(flood))
		for sent := 0; sent < 64<<20; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return // the visitor has seen enough
			}
		}
	})
	return f
}

// waitFor waits until something has happened, without asking the service.
func waitFor(b *testing.B, happened func() bool) {
	b.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !happened(); <-tick.C {
		if time.Now().After(deadline) {
			b.Error("waited in vain for a minute")
			return
		}
	}
}
