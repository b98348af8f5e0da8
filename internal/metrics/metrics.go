// Package metrics writes numbers in the text format that Prometheus reads.
//
//	var page metrics.Page
//	page.Family("tertulia_jobs", metrics.Gauge, "Jobs by kind.")
//	page.Sample(3, "kind", "verify")
//	w.Write(page.Bytes())
//
// It follows version 0.0.4 of the format. What counts while the program works, [Histogram]
// and [Tally], costs a request a few atomic additions. Labels are for values from the code:
// whoever asks for what a stranger can choose asks for a series for each.
package metrics

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ContentType is what a page is, for its header.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Kind is how a family is to be understood.
type Kind string

// A Counter only grows while the program runs, a Gauge goes up and down, Times is a
// histogram of seconds.
const (
	Counter Kind = "counter"
	Gauge   Kind = "gauge"
	Times   Kind = "histogram"
)

// Page collects what one answer says. The zero value is empty.
type Page struct {
	b      bytes.Buffer
	family string
}

// Family begins a family of samples: its name, in [a-z_] with its unit at the end, and a
// sentence about it. A page has each family once.
func (p *Page) Family(name string, kind Kind, help string) {
	p.family = name
	help = strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help)
	fmt.Fprintf(&p.b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// Sample is a value of the family with the labels that tell it from others: name, value,
// name, value…
func (p *Page) Sample(value float64, labels ...string) { p.line("", value, labels) }

// Histogram is a histogram of the family, with the labels of [Page.Sample].
func (p *Page) Histogram(h *Histogram, labels ...string) {
	var total uint64
	for i := range h.counts {
		total += h.counts[i].Load()
		le := "+Inf"
		if i < len(bounds) {
			le = number(bounds[i].Seconds())
		}
		p.line("_bucket", float64(total), append(slices.Clone(labels), "le", le))
	}
	p.line("_sum", time.Duration(h.sum.Load()).Seconds(), labels)
	p.line("_count", float64(total), labels) // of what the buckets say: it was not counted meanwhile
}

func (p *Page) line(suffix string, value float64, labels []string) {
	p.b.WriteString(p.family + suffix)
	for i := 0; i+1 < len(labels); i += 2 {
		p.b.WriteByte(map[bool]byte{true: '{', false: ','}[i == 0])
		fmt.Fprintf(&p.b, `%s="%s"`, labels[i], escape.Replace(strings.ToValidUTF8(labels[i+1], "�")))
	}
	if len(labels) > 0 {
		p.b.WriteByte('}')
	}
	p.b.WriteString(" " + number(value) + "\n")
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Bytes is the page as it is sent.
func (p *Page) Bytes() []byte { return p.b.Bytes() }

// bounds are the upper ends of a histogram's buckets: from a read in memory to an upload.
var bounds = [...]time.Duration{
	time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	250 * time.Millisecond, time.Second, 2500 * time.Millisecond, 10 * time.Second,
}

// Histogram counts how long things took. The zero value is empty; it may be used
// concurrently.
type Histogram struct {
	counts [len(bounds) + 1]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

// Observe counts one more.
func (h *Histogram) Observe(took time.Duration) {
	i := 0
	for i < len(bounds) && took > bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(took))
}

// Tally counts things by one or two words, for what does not happen with each request. The
// zero value is empty; it may be used concurrently.
type Tally struct {
	mu     sync.Mutex
	counts map[[2]string]uint64
}

// Add counts one more of a word; a second word may tell it apart.
func (t *Tally) Add(word string, second ...string) {
	key := [2]string{word, strings.Join(second, " ")}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[[2]string]uint64{}
	}
	t.counts[key]++
}

// Samples writes what was counted, in order, with its words under the names of one or two
// labels.
func (p *Page) Samples(t *Tally, names ...string) {
	t.mu.Lock()
	counts := maps.Clone(t.counts)
	t.mu.Unlock()
	order := slices.SortedFunc(maps.Keys(counts), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, words := range order {
		var labels []string
		for i, name := range names {
			labels = append(labels, name, words[i])
		}
		p.Sample(float64(counts[words]), labels...)
	}
}
