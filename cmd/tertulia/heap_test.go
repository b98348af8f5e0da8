package main

import (
	"runtime/debug"
	"testing"
	"time"
)

// The heap has room when it is collected again and again, no more than twice what is alive when
// that is a lot, and none when nothing happens (docs/decisions/025).
func TestRoomForTheHeap(t *testing.T) { // not parallel: the collector is everybody's
	before := debug.SetGCPercent(100)
	own := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetGCPercent(before); debug.SetMemoryLimit(own) })
	now := func() int {
		percent := debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		return percent
	}
	r, at, small := &room{rest: time.NewTimer(time.Hour), own: own}, time.Now(), heap{alive: 8 << 20}
	r.collected(at, small)
	if got := now(); got != 100 {
		t.Errorf("after one collection: %d %%", got)
	}
	r.collected(at.Add(calm+time.Millisecond), small)
	if got := now(); got != 100 {
		t.Errorf("after another, long after the first: %d %%", got)
	}
	r.collected(at.Add(calm+time.Second), small)
	if got := now(); got <= 100 {
		t.Errorf("after two in a moment: %d %%", got)
	}
	for alive, want := range map[uint64]int{0: 1100, 4 << 20: 1100, 12 << 20: 300, roomBusy / 2: 100, 1 << 30: 100} {
		if r.allow(heap{alive: alive}); now() != want {
			t.Errorf("%d MiB are alive: %d %%, want %d", alive>>20, now(), want)
		}
	}
	// The collector takes its percentage of the stacks as well: a thousand readers have no more.
	if r.allow(heap{alive: 4 << 20, roots: 12 << 20}); now() != 275 {
		t.Errorf("4 MiB are alive, 12 of stacks: %d %%", now())
	}
	if got := debug.SetMemoryLimit(-1); got != 2*roomBusy {
		t.Errorf("while there is room: a limit of %d MiB", got>>20)
	}
	r.giveBack()
	if got, limit := now(), debug.SetMemoryLimit(-1); got != 100 || limit != own {
		t.Errorf("after a calm while: %d %%, a limit of %d MiB", got, limit>>20)
	}
	small.forced++ // by giveBack
	r.collected(at.Add(calm+time.Second+time.Millisecond), small)
	if got := now(); got != 100 {
		t.Errorf("after what was given back: %d %%", got)
	}
}
