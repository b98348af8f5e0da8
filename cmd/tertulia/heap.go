package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// A heap as small as ours would be collected dozens of times a second while mentions come in,
// and a fixed percentage that prevents it gives hostile pages as many times their size. So it
// has room while there is a lot to do, and gives all of it back when there is nothing
// (docs/decisions/025).
const (
	roomBusy = 48 << 20    // bytes that the heap may have before it is collected, when less than half is alive
	calm     = time.Second // after a collection, without another
)

// roomy tends to the collector for the life of the process, which begins with a lot to do.
func roomy() {
	r := &room{}
	r.allow(0)
	r.rest = time.AfterFunc(calm, r.giveBack)
	r.watch()
}

// room is what the heap is allowed.
type room struct {
	sync.Mutex
	rest    *time.Timer
	percent int
	last    time.Time // when the heap was collected
	forced  uint64    // collections that giveBack has caused
}

// watch has every collection noted: it finds an object that nobody has.
func (r *room) watch() {
	runtime.AddCleanup(new([64]byte), func(r *room) {
		r.collected(time.Now())
		r.watch()
	}, r)
}

// collected gives the heap room when it was collected a moment ago as well.
func (r *room) collected(now time.Time) {
	r.Lock()
	defer r.Unlock()
	at := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/cycles/forced:gc-cycles"}}
	metrics.Read(at)
	if forced := at[1].Value.Uint64(); forced != r.forced {
		r.forced = forced
		return
	}
	if now.Sub(r.last) < calm {
		r.allow(at[0].Value.Uint64())
	}
	r.last = now
	r.rest.Reset(calm)
}

// allow has the heap collected when it has roomBusy bytes, or twice what is alive.
func (r *room) allow(alive uint64) {
	alive = max(alive, 4<<20) // the collector takes so much for granted
	percent := 100
	if alive < roomBusy/2 {
		percent = int(100 * (roomBusy - alive) / alive)
	}
	if percent != r.percent {
		r.percent = percent
		debug.SetGCPercent(percent)
	}
}

// giveBack returns to the system what the heap does not need.
func (r *room) giveBack() {
	r.Lock()
	r.percent = 100
	debug.SetGCPercent(r.percent)
	r.Unlock()
	debug.FreeOSMemory()
}
