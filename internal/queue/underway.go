package queue

import "sync"

// underway is what is being worked on, and what places are left.
type underway struct {
	*Runner
	mu      sync.Mutex
	jobs    int
	lanes   map[string]bool
	ended   chan struct{} // holds a token after a job has ended
	stopped bool          // nothing is taken any more
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
	}
	u.all.Add(1)
	u.jobs++
	return true
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
