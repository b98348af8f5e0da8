package metrics_test

import (
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/metrics"
)

func TestPageIsInTheFormatThatPrometheusReads(t *testing.T) {
	var h metrics.Histogram
	for _, d := range []time.Duration{time.Millisecond, 3 * time.Millisecond, time.Second, time.Minute} {
		h.Observe(d)
	}
	var tally metrics.Tally
	tally.Add("sent")
	tally.Add("failed")
	tally.Add("sent")
	var p metrics.Page
	p.Family("a_jobs", metrics.Gauge, "Jobs.\nAnd a \\.")
	p.Sample(0)
	p.Sample(1.5, "kind", "with \"quotes\", a \\ and\na line", "bad", "\xff")
	p.Sample(math.Inf(1), "kind", "endless")
	p.Family("a_seconds", metrics.Times, "Times.")
	p.Histogram(&h, "group", "api")
	p.Family("a_sent_total", metrics.Counter, "Sent.")
	p.Samples(&tally, "outcome")
	want := `# HELP a_jobs Jobs.\nAnd a \\.
# TYPE a_jobs gauge
a_jobs 0
a_jobs{kind="with \"quotes\", a \\ and\na line",bad="�"} 1.5
a_jobs{kind="endless"} +Inf
# HELP a_seconds Times.
# TYPE a_seconds histogram
a_seconds_bucket{group="api",le="0.001"} 1
a_seconds_bucket{group="api",le="0.005"} 2
a_seconds_bucket{group="api",le="0.02"} 2
a_seconds_bucket{group="api",le="0.05"} 2
a_seconds_bucket{group="api",le="0.1"} 2
a_seconds_bucket{group="api",le="0.25"} 2
a_seconds_bucket{group="api",le="1"} 3
a_seconds_bucket{group="api",le="2.5"} 3
a_seconds_bucket{group="api",le="10"} 3
a_seconds_bucket{group="api",le="+Inf"} 4
a_seconds_sum{group="api"} 61.004
a_seconds_count{group="api"} 4
# HELP a_sent_total Sent.
# TYPE a_sent_total counter
a_sent_total{outcome="failed"} 1
a_sent_total{outcome="sent"} 2
`
	if diff := cmp.Diff(want, string(p.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Everything is counted once, however many count at the same time.
func TestCountingAtOnce(t *testing.T) {
	var h metrics.Histogram
	var tally metrics.Tally
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 100 {
				h.Observe(time.Microsecond)
				tally.Add("a", "b")
			}
		})
	}
	wg.Wait()
	var p metrics.Page
	p.Family("h", metrics.Times, "H.")
	p.Histogram(&h)
	p.Samples(&tally, "one", "two")
	for _, want := range []string{"h_count 5000\n", `h_bucket{le="0.001"} 5000`, `h{one="a",two="b"} 5000`} {
		if !strings.Contains(string(p.Bytes()), want) {
			t.Errorf("there is no %q in\n%s", want, p.Bytes())
		}
	}
}
