package main

import (
	"sync/atomic"
	"testing"
	"time"
)

// few is from where growth is measured. Both sizes are served at the same time and asked
// in turn, so that what else the machine does counts for neither.
const few = 1000

// growthOfRead: the time for a page of ten mentions, and how long the slowest hundredth
// takes. Each answer is made of what is stored, and of another page than the one before.
func (r *rig) growthOfRead(b *testing.B) {
	small := serveHere(b, filled(b, few/10, 10)).anew(few / 10)
	large := serveHere(b, must(b, r.million)).anew(*stored / 10)
	small.rate(b) // warm up
	large.rate(b)
	var exponents, slower []float64
	for range rounds {
		fast, low := small.rate(b)
		slow, high := large.rate(b)
		exponents = append(exponents, exponent(few, float64(*stored), 1/fast, 1/slow))
		slower = append(slower, float64(percentile(high, 99))/float64(percentile(low, 99)))
	}
	b.ReportMetric(median(exponents), "exponent≤0.03")
	b.ReportMetric(median(slower), "p99-ratio≤1.3")
}

// growthOfAccept: the time for a durable accept. What is accepted counts as stored: the
// small one grows while it is measured.
func (r *rig) growthOfAccept(b *testing.B) {
	const n = 1000
	type one struct {
		traffic
		stored float64
		round  float64 // how long the last one took
	}
	service := func(p venue, stored int) *one {
		s := serveHere(b, p)
		source, posts := nobody(), int64(stored/10)
		return &one{traffic: mentions(s.endpoint("webmention"), 201, source, func(n int64) string { return p.permalink(int(n * 7919 % posts)) }), stored: float64(stored)}
	}
	sizes := []*one{service(filled(b, few/10, 10), few), service(must(b, r.million), *stored)}
	var exponents []float64
	for round := range 2*rounds + 1 {
		for _, s := range sizes {
			begin := time.Now()
			s.all(b, func(i int64) bool { return i <= n })
			s.round = time.Since(begin).Seconds()
		}
		if round > 0 { // the first is to warm up
			exponents = append(exponents, exponent(sizes[0].stored+n/2, sizes[1].stored+n/2, sizes[0].round, sizes[1].round))
		}
		for _, s := range sizes {
			s.stored += n
		}
	}
	b.ReportMetric(median(exponents), "exponent≤0.05")
}

// growthOfCreate: the time until a new post is live.
func growthOfCreate(b *testing.B) {
	const many = 100_000
	var n atomic.Int64
	small, large := newEditor(b, filled(b, few, 0), &n), newEditor(b, filled(b, many, 0), &n)
	var exponents []float64
	for range rounds {
		var fast, slow []float64
		for range 40 {
			fast, slow = append(fast, ms(took(small.create))), append(slow, ms(took(large.create)))
		}
		exponents = append(exponents, exponent(few, many, median(fast), median(slow)))
	}
	b.ReportMetric(median(exponents), "exponent≤0.15")
}
