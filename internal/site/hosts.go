package site

import (
	"sync"
	"time"
)

// Hosts remembers which strangers' hosts have disappointed us lately. A page that says
// it was mentioned and does not link to us may be a victim that somebody points us at,
// so a host is asked for at most ten such pages in any minute (HOSTILE 109); for those
// that hold what they promise there is no limit but the one at the door.
type Hosts struct {
	mu       sync.Mutex
	failures map[string][]time.Time // by host, the latest ten at most
}

const failuresPerMinute = 10

// Busy tells whether a host is to be left alone for now.
func (h *Hosts) Busy(host string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.failures[host]
	return len(at) == failuresPerMinute && time.Since(at[0]) < time.Minute
}

// disappoint counts a page that was not what it was said to be.
func (h *Hosts) disappoint(host string) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failures == nil {
		h.failures = map[string][]time.Time{}
	}
	at := append(h.failures[host], now)
	if len(at) == 1 && len(h.failures) >= maxKeys && !h.forget(now) {
		return // so many at once are no victims, and cost no memory
	}
	h.failures[host] = at[max(0, len(at)-failuresPerMinute):]
}

// forget drops the hosts that have not disappointed for a minute, and tells whether
// there is room now.
func (h *Hosts) forget(now time.Time) bool {
	for host, at := range h.failures {
		if now.Sub(at[len(at)-1]) >= time.Minute {
			delete(h.failures, host)
		}
	}
	return len(h.failures) < maxKeys
}
