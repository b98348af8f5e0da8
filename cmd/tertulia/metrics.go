package main

import (
	"context"
	"errors"
	"runtime"
	rt "runtime/metrics"
	"time"

	"tertulia/internal/metrics"
	"tertulia/internal/web"
)

// numbers adds what the service counts to a page for Prometheus; docs/metrics.md tells of each.
func (svc *service) numbers(ctx context.Context, page *metrics.Page) error {
	if err := svc.jobs.Write(ctx, page); err != nil {
		return err
	}
	kept, err := svc.app.db.Numbers()
	if err != nil {
		return err
	}
	page.Family("tertulia_store_bytes", metrics.Gauge, "Size of the database file.")
	page.Sample(float64(kept.Size))
	page.Family("tertulia_store_pages", metrics.Gauge, "Pages of the database file, those in use and those that are free.")
	page.Sample(float64(kept.Pages-kept.Free), "state", "used")
	page.Sample(float64(kept.Free), "state", "free")
	page.Family("tertulia_store_commit_seconds", metrics.Times, "How long commits took; one is shared by all updates that wait.")
	page.Histogram(kept.Commits)

	samples := []rt.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	rt.Read(samples)
	page.Family("go_memstats_heap_alloc_bytes", metrics.Gauge, "Memory in use by what the program has made.")
	page.Sample(float64(samples[0].Value.Uint64()))
	page.Family("go_memstats_sys_bytes", metrics.Gauge, "Memory that the program has from the system.")
	page.Sample(float64(samples[1].Value.Uint64()))
	page.Family("go_goroutines", metrics.Gauge, "Goroutines.")
	page.Sample(float64(runtime.NumGoroutine()))
	page.Family("process_start_time_seconds", metrics.Gauge, "When the service was started, since 1970.")
	page.Sample(float64(svc.began.Unix()))
	page.Family("tertulia_build_info", metrics.Gauge, "Always 1; its labels say what runs.")
	v, compiler := built()
	page.Sample(1, "version", v, "go", compiler)
	return nil
}

// alive notes that the queue has looked for jobs.
func (svc *service) alive() { svc.beat.Store(time.Now().UnixNano()) }

// longestBeat is how long the queue may go without looking for jobs: it rests for a minute
// at most.
const longestBeat = 3 * time.Minute

// probes are what must be well for the service to be ready.
func (svc *service) probes() []web.Probe {
	return []web.Probe{
		{Name: "stopping", Check: func(context.Context) error {
			if svc.stopping.Load() {
				return errors.New("the service is stopping")
			}
			return nil
		}},
		{Name: "data", Check: svc.app.db.Check},
		{Name: "disk", Check: func(context.Context) error { return svc.app.db.Crowded() }},
		{Name: "jobs", Check: func(context.Context) error {
			if since := time.Since(time.Unix(0, svc.beat.Load())); since > longestBeat {
				return errors.New("nobody has looked for jobs for " + since.Round(time.Second).String())
			}
			return nil
		}},
	}
}
