package queue

import (
	"sync"
	"time"
)

// underway is what is being worked on, and what places are left.
type underway struct {
	*Runner
	mu      sync.Mutex
	jobs    int
	lanes   map[string]bool
	turns   map[string]time.Time // when each lane last had a place
	ended   chan struct{}        // holds a token after a job has ended
	stopped bool                 // nothing is taken any more
	all     sync.WaitGroup
}

// full tells whether no job at all can be taken.
func (u *underway) full() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stopped || u.jobs >= u.workers()
}

// take keeps a place for a job of a lane, if there is one: each lane has one, and all
// together leave some to the jobs without.
func (u *underway) take(lane string) bool {
	if lane != "" && u.Busy != nil && u.Busy(lane) {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.stopped || u.jobs >= u.workers():
		return false
	case lane == "":
	case u.lanes[lane] || len(u.lanes) >= u.workers()-u.reserved():
		return false
	default:
		u.lanes[lane] = true
		u.served(lane)
	}
	u.all.Add(1)
	u.jobs++
	return true
}

// maxTurns is how many lanes are remembered; then it begins anew, and they are served in
// the order of their jobs for once.
const maxTurns = 10_000

// served notes that it was a lane's turn.
func (u *underway) served(lane string) {
	if u.turns == nil || len(u.turns) >= maxTurns {
		u.turns = map[string]time.Time{}
	}
	u.turns[lane] = time.Now()
}

// last tells when a lane last had a place.
func (u *underway) last(lane string) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.turns[lane]
}

// giveBack frees a place.
func (u *underway) giveBack(lane string) {
	u.mu.Lock()
	u.jobs--
	delete(u.lanes, lane)
	u.mu.Unlock()
	u.all.Done()
	select {
	case u.ended <- struct{}{}:
	default:
	}
}

// drain takes nothing any more and waits for what is under way.
func (u *underway) drain() {
	u.mu.Lock()
	u.stopped = true
	u.mu.Unlock()
	u.all.Wait()
}
