package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// Benchmark holds the service to its goals. What it prints is a table of what was
// reached, with the goal in the unit: "0.71 ratio≥0.55". A ratio is to a yardstick that is
// measured in turn with the service in the same run, so that the machine's speed does not
// count; each figure is the median of rounds. `make bench` runs all of it in some minutes;
// `go test -run '^$' -bench /ReadTen ./cmd/tertulia` runs one.
func Benchmark(b *testing.B) {
	r := newRig(b)
	for _, one := range []struct {
		name string
		run  func(*testing.B)
	}{
		{"ReadTen", readTen},                 // ten mentions of a page / a bare handler
		{"ReadThousand", readThousand},       // a thousand / their bytes from memory
		{"ReadUnchanged", readUnchanged},     // 304 / a bare handler
		{"ReadSizes", readSizes},             // ten, a hundred, a thousand; API, fragment, page
		{"Accept", accept},                   // durable accepts / a handler that reads the form
		{"CPUPerMention", r.cpuPerMention},   // processor time / tokenising and parsing the page
		{"PostToVisible", postToVisible},     // from the sender's request to the readers
		{"Create", create},                   // a post that is live / a commit and a request
		{"Creates", r.creates},               // by sixteen at once / syncs of the disk
		{"Uploads", r.uploads},               // ten of 50 MB at once
		{"ReadUnderLoad", r.readUnderLoad},   // p99 while 1,000 mentions a second come / alone
		{"Start", r.start},                   // with a million stored, to the first answer
		{"IdleMemory", r.idleMemory},         // with a million stored
		{"HostilePages", r.hostilePages},     // eight of 64 MB at once, with a million stored
		{"GrowthOfRead", r.growthOfRead},     // from a thousand stored to a million
		{"GrowthOfAccept", r.growthOfAccept}, // the same; it leaves jobs behind, so it is the last with the million
		{"GrowthOfCreate", growthOfCreate},   // from a thousand posts to a hundred thousand
	} {
		b.Run(one.name, func(b *testing.B) {
			one.run(b)
			b.ReportMetric(0, "ns/op") // which says nothing here
		})
	}
}

// rounds is how often everything is measured.
const rounds = 5

// rig is what benchmarks share and is made when the first of them needs it.
type rig struct {
	program func() (string, error) // the program, built as for a release
	million func() (venue, error)  // data with *stored mentions
}

func newRig(b *testing.B) *rig {
	dir := b.TempDir()
	return &rig{
		program: sync.OnceValues(func() (string, error) {
			program := filepath.Join(dir, "tertulia")
			cmd := exec.Command("go", "build", "-trimpath", "-o", program, ".")
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("build: %w\n%s", err, out)
			}
			return program, nil
		}),
		million: sync.OnceValues(func() (venue, error) {
			p, err := newVenue(filepath.Join(dir, "million"))
			return p, errors.Join(err, p.fill(*stored/10, 10))
		}),
	}
}

// must is a value of the rig.
func must[T any](b *testing.B, make func() (T, error)) T {
	b.Helper()
	value, err := make()
	if err != nil {
		b.Fatal(err)
	}
	return value
}

// compare measures two streams of requests in turn and reports how many of ours are
// answered for each of the other's.
func compare(b *testing.B, unit string, ours, bare traffic) {
	b.Helper()
	ours.rate(b) // warm up
	bare.rate(b)
	var ratios []float64
	for range rounds {
		o, _ := ours.rate(b)
		y, _ := bare.rate(b)
		ratios = append(ratios, o/y)
	}
	b.ReportMetric(median(ratios), unit)
}

// exponent is how time grows with what is stored: 0 not at all, 1 in step.
func exponent(few, many, timeFew, timeMany float64) float64 {
	return math.Log(timeMany/timeFew) / math.Log(many/few)
}

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// percentile is of times in order.
func percentile(sorted []time.Duration, p int) time.Duration { return sorted[len(sorted)*p/100] }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
