package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// creates: how many posts sixteen editors create a second, each kept, written as a page and
// live when it is answered, beside how often the same disk syncs 4 KiB in the same
// directory: what a program that syncs once for each could reach at best. They are
// measured in turn.
func (r *rig) creates(b *testing.B) {
	p := filled(b, 1, 0)
	m := r.serveApart(b, p)
	m.start()
	token := m.must("token", "new", "--scope", "create")
	post, _ := to(p.endpoint("micropub"), 201)
	post.request = func(n int64) []byte {
		body := fmt.Sprintf("h=entry&content=Post+%d+of+%d", n, time.Now().UnixNano())
		return fmt.Appendf(nil, "POST /-/micropub HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
			p.address, token, len(body), body)
	}
	const n = 320
	some := func(i int64) bool { return i <= n }
	post.all(b, some) // warm up
	var created, synced, ratios, cores []float64
	for range rounds {
		m.settle() // lists may be under way
		disk := syncs(b, p.dir)
		work, begin := m.cpu(), time.Now()
		post.all(b, some)
		perSecond := n / time.Since(begin).Seconds()
		cores = append(cores, float64(m.cpu()-work)/float64(time.Since(begin)))
		created, synced = append(created, perSecond), append(synced, disk)
		ratios = append(ratios, perSecond/disk)
	}
	b.ReportMetric(median(created), "creates/s")
	b.ReportMetric(median(synced), "fsyncs/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(cores), "cores")
}

// syncs is how often a second 4 KiB are written in a directory and synced.
func syncs(b *testing.B, dir string) float64 {
	b.Helper()
	f, err := os.Create(filepath.Join(dir, "syncs"))
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page, n := make([]byte, 4<<10), 0
	begin := time.Now()
	for ; time.Since(begin) < time.Second; n++ {
		page[0] = byte(n)
		if _, err := f.WriteAt(page, 0); err != nil {
			b.Fatal(err)
		}
		if err := syncData(f); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(begin).Seconds()
}
