package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
)

// readSizes: what readers get of a page with ten, a hundred and a thousand mentions, of 10,000 or
// more that are stored, on 64 connections: by API, as the bare fragment and as a page, each
// against its own bytes from memory.
func readSizes(b *testing.B) {
	for _, mentions := range []int{10, 100, 1000} {
		s := serveHere(b, filled(b, 10_000/mentions, mentions))
		page := url.QueryEscape(s.permalink(3))
		for _, one := range []struct{ name, address string }{
			{"api", s.endpoint("api/mentions.jf2?per-page=1000&target=") + page},
			{"fragment", s.endpoint("conversation?fragment=1&url=") + page},
			{"page", s.endpoint("conversation?url=") + page},
		} {
			name := fmt.Sprintf("%s-%d", one.name, mentions)
			ours, bare := get(one.address, 200), get(yardstick(b, fromMemory(b, one.address)), 200)
			ours.rate(b) // warm up
			bare.rate(b)
			var ratios, rates, slow, slowBare []float64
			for range rounds {
				rate, all := ours.rate(b)
				other, allOther := bare.rate(b)
				ratios, rates = append(ratios, rate/other), append(rates, rate)
				slow, slowBare = append(slow, ms(percentile(all, 99))), append(slowBare, ms(percentile(allOther, 99)))
			}
			b.ReportMetric(median(ratios), name+"-ratio≥0.8")
			b.ReportMetric(median(rates), name+"/s")
			b.ReportMetric(median(slow), name+"-p99-ms")
			b.ReportMetric(median(slowBare), name+"-p99-bare-ms")
		}
	}
}

// fromMemory answers with what an address answers now.
func fromMemory(b *testing.B, address string) http.HandlerFunc {
	b.Helper()
	resp, err := http.Get(address)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: got %s, error %v", address, resp.Status, err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	}
}
