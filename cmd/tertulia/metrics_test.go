package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/webtest"
	"tertulia/store"
)

// here is what a program on this machine is answered.
func here(svc *service, path string) (int, string) {
	r := httptest.NewRequest("GET", "http://127.0.0.1:8080"+path, nil)
	r.RemoteAddr = "127.0.0.1:4711"
	w := httptest.NewRecorder()
	svc.http.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// series are the samples of a page of numbers, which are held against the rules of the format
// while they are read: each family is described once and before its samples, which stand
// together; no series comes twice; the buckets of a histogram grow up to its count.
func series(t *testing.T, page string) map[string]float64 {
	t.Helper()
	found, kinds, done := map[string]float64{}, map[string]string{}, map[string]bool{}
	family, last := "", 0.0
	sample := regexp.MustCompile(`^([a-z_]+)((?:\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})?) (\S+)$`)
	if !strings.HasSuffix(page, "\n") {
		t.Error("the last line has no end")
	}
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			done[family] = true
			family, _, _ = strings.Cut(rest, " ")
			if done[family] {
				t.Errorf("%s is there twice", family)
			}
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			if name != family || kinds[name] != "" {
				t.Errorf("misplaced: %s", line)
			}
			kinds[name] = kind
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("this is no sample: %q", line)
			continue
		}
		name := m[1]
		if kinds[family] == "histogram" {
			name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if _, twice := found[m[1]+m[2]]; name != family || err != nil || twice {
			t.Errorf("below %s, %v: %s", family, err, line)
		}
		if strings.HasSuffix(m[1], "_bucket") && !strings.Contains(m[2], `le="0.001"`) && value < last {
			t.Errorf("it is less than the one before: %s", line)
		}
		last = value
		found[m[1]+m[2]] = value
		if kinds[family] == "counter" && !strings.HasSuffix(family, "_total") {
			t.Errorf("a counter is called %s", family)
		}
	}
	for name, count := range found {
		if base, labels, ok := strings.Cut(name, "_count"); ok && kinds[base] == "histogram" {
			inf := base + "_bucket" + strings.TrimSuffix(labels, "}")
			inf += map[bool]string{true: "{", false: ","}[labels == ""] + `le="+Inf"}`
			if found[inf] != count {
				t.Errorf("%s is %v, the last bucket %v", name, count, found[inf])
			}
		}
	}
	return found
}

// A site at work says in numbers what it does, by names that docs/metrics.md explains; what
// strangers send makes no new series.
func TestNumbersSayWhatTheServiceDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := webtest.New(t)
		ana := newPerson(t, web, "ana.example")
		web.Handle("deaf.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }))
		post := ana.micropub(201, "h=entry&content=Hola+https://deaf.example/1")
		mention := func(source string) {
			resp, err := web.Client().Post("https://ana.example/-/webmention", "application/x-www-form-urlencoded", strings.NewReader("source="+source+"&target="+post))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		web.Handle("bea.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, `<p class="h-entry"><a class="u-in-reply-to" href="`+post+`">yes</a>`)
		}))
		mention("https://bea.example/1")
		mention("https://deaf.example/2")
		if err := ana.svc.app.db.Update(t.Context(), "ana.example", func(tx *store.Tx) error {
			return tx.Enqueue(store.Job{Kind: "of another version", Key: "k"})
		}); err != nil {
			t.Fatal(err)
		}
		settle()
		status, page := here(ana.svc, "/metrics")
		if status != 200 {
			t.Fatalf("got %d", status)
		}
		got := series(t, page)
		for name, want := range map[string]float64{
			`tertulia_jobs{kind="other",state="parked"}`: 1, `tertulia_jobs{kind="verify",state="waiting"}`: 1, "tertulia_jobs_paused": 0,
			`tertulia_decisions_waiting{site="ana.example"}`: 1, `tertulia_webmentions_looked_at_total{outcome="linked",cause=""}`: 1,
			`tertulia_webmentions_looked_at_total{outcome="missing",cause="missing"}`: 1, `tertulia_webmentions_sent_total{outcome="no endpoint"}`: 1,
		} {
			if have, ok := got[name]; !ok || have != want {
				t.Errorf("%s: got %v (%v), want %v", name, have, ok, want)
			}
		}
		for _, name := range []string{"tertulia_store_bytes", "tertulia_store_commit_seconds_count", "go_goroutines", "go_memstats_heap_alloc_bytes", "process_start_time_seconds"} {
			if got[name] <= 0 {
				t.Errorf("%s: got %v", name, got[name])
			}
		}
		docs, err := os.ReadFile("../../docs/metrics.md")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(page, -1) {
			if !strings.Contains(string(docs), "| `"+m[1]+"` | "+m[2]+" |") {
				t.Errorf("docs/metrics.md does not explain the %s %s", m[2], m[1])
			}
		}
		before := len(got)
		for i := range 30 {
			mention(fmt.Sprintf("https://host-%d.example/x", i))
		}
		settle()
		_, page = here(ana.svc, "/metrics")
		if after := series(t, page); len(after) > before+5 || strings.Contains(page, "host-") {
			t.Errorf("there were %d series and are %d", before, len(after))
		}
	})
}

// HOSTILE F15: the service says that it is not ready when the disk is full, when nobody looks for
// jobs, and from the moment on in which it is told to stop.
func TestReadinessFollowsTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ana := newPerson(t, webtest.New(t), "ana.example")
		settle()
		time.Sleep(time.Hour)
		if status, body := here(ana.svc, "/healthz?verbose"); status != 200 || !strings.Contains(body, `"jobs":"ok"`) {
			t.Errorf("after an idle hour: %d %s", status, body)
		}
		if err := ana.svc.app.db.Update(t.Context(), "ana.example", func(tx *store.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		ana.svc.stopping.Store(true)
		if status, body := here(ana.svc, "/healthz"); status != 503 || body != "not ready: stopping\n" {
			t.Errorf("stopping: %d %q", status, body)
		}
		if status, _ := here(ana.svc, "/healthz?live"); status != 200 {
			t.Errorf("stopping, live: %d", status)
		}
		ana.svc.stopping.Store(false)
		beat := ana.svc.beat.Load()
		ana.svc.beat.Store(beat - int64(longestBeat) - int64(time.Minute))
		if status, body := here(ana.svc, "/healthz"); status != 503 || body != "not ready: jobs\n" {
			t.Errorf("with a queue that stands still: %d %q", status, body)
		}
		names := []string{}
		for _, p := range ana.svc.probes() {
			names = append(names, p.Name)
		}
		if !slices.Equal(names, []string{"stopping", "data", "disk", "jobs"}) {
			t.Errorf("looked at: %v", names)
		}
	})
}
