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
	r := &room{own: debug.SetMemoryLimit(-1)}
	r.set(400) // enough for a start
	r.rest = time.AfterFunc(calm, r.giveBack)
	r.watch()
}

// room is what the heap is allowed.
type room struct {
	sync.Mutex
	rest    *time.Timer
	percent int
	last    time.Time // when the heap was collected
	forced  uint64    // collections that somebody has asked for, such as giveBack, as far as we have heard
	own     int64     // the limit that the owner has set (GOMEMLIMIT)
}

// watch has every collection noted: it finds an object that nobody has.
func (r *room) watch() {
	runtime.AddCleanup(new([64]byte), func(r *room) {
		r.collected(time.Now(), heapNow())
		r.watch()
	}, r)
}

// heap is what the last collection has found.
type heap struct {
	alive  uint64 // bytes
	roots  uint64 // bytes of stacks and globals, which lead to the living
	forced uint64 // collections until now that somebody has asked for
}

func heapNow() heap {
	at := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/cycles/forced:gc-cycles"}}
	metrics.Read(at)
	return heap{alive: at[0].Value.Uint64(), roots: at[1].Value.Uint64() + at[2].Value.Uint64(), forced: at[3].Value.Uint64()}
}

// collected gives the heap room when it was collected a moment ago as well.
func (r *room) collected(now time.Time, found heap) {
	r.Lock()
	defer r.Unlock()
	if found.forced != r.forced {
		r.forced = found.forced
		return
	}
	if now.Sub(r.last) < calm {
		r.allow(found)
	}
	r.last = now
	r.rest.Reset(calm)
}

// allow has the heap collected when it has roomBusy bytes, or twice what is alive. The collector
// takes its percentage of what leads to the living as well: the stacks, of which there is one for
// each reader, and the globals.
func (r *room) allow(found heap) {
	alive := max(found.alive, 4<<20) // the collector takes so much for granted
	percent := 100
	if alive < roomBusy/2 {
		percent = max(percent, int(100*(roomBusy-alive)/(alive+found.roots)))
	}
	if percent != r.percent {
		r.set(percent)
	}
}

// giveBack returns to the system what the heap does not need.
func (r *room) giveBack() {
	r.Lock()
	r.set(100)
	r.Unlock()
	debug.FreeOSMemory()
}

// set has the heap collected at a percentage. A high one would give twelve times their size to
// hostile pages that come between two collections, until collected hears of the first: so there
// is a limit for as long, and no longer.
func (r *room) set(percent int) {
	limit := r.own
	if percent > 100 {
		limit = min(limit, 2*roomBusy)
	}
	r.percent = percent
	debug.SetGCPercent(percent)
	debug.SetMemoryLimit(limit)
}
