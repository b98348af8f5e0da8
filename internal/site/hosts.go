package site

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"
)

// Hosts remembers which strangers' hosts are to be left alone for a while, and only in
// memory: after a start they have to disappoint anew.
//
// A page that says it was mentioned and does not link to us may be a victim that somebody
// points us at. So of a domain, under whatever names and through whatever redirects,
// at most ten pages are asked for in any minute that have not turned out to link here
// (HOSTILE 109); for those that hold what they promise there is no limit but the one at
// the door.
//
// A host that does not answer, time after time, is not asked for a growing while, so
// that what waits for it does not use up its attempts. Then one look is tried: its lane
// has no other.
type Hosts struct {
	mu      sync.Mutex
	domains map[string]*unproven
	broken  map[string]breaker // by host
}

// unproven are the looks at a domain that have not shown a link.
type unproven struct {
	begun  int         // under way
	failed []time.Time // the latest ten at most
}

// breaker counts how often in a row a host has not answered.
type breaker struct {
	failures int
	until    time.Time // it is left alone
}

const (
	failuresPerMinute = 10
	failuresInARow    = 3 // are borne
	shortestBreak     = time.Minute
	longestBreak      = 15 * time.Minute // more would let anybody silence a host with its slow pages
)

// errBusyHost is why a look waits.
var errBusyHost = errors.New("the host is left alone for a while")

// Busy tells whether the domain of a host is to be left alone for now.
func (h *Hosts) Busy(host string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.domains[domainOf(host)].wait(time.Now()) > 0
}

// down is how long a host that does not answer is to be left alone.
func (h *Hosts) down(host string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(0, time.Until(h.broken[host].until))
}

// wait is how long a domain is to be left alone. It may be called on nil.
func (u *unproven) wait(now time.Time) time.Duration {
	if u == nil {
		return 0
	}
	recent := 0
	for _, at := range u.failed {
		if now.Sub(at) < time.Minute {
			recent++
		}
	}
	switch {
	case recent+u.begun < failuresPerMinute:
		return 0
	case recent == 0 || u.begun > 0:
		return time.Second // one that is under way may prove good
	}
	return u.failed[len(u.failed)-recent].Add(time.Minute).Sub(now)
}

// enter begins a look at a host, if its domain is not to be left alone for a while.
func (h *Hosts) enter(host string) (wait time.Duration) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	domain := domainOf(host)
	u := h.domains[domain]
	if wait := u.wait(now); wait > 0 {
		return wait
	}
	if u == nil {
		if h.domains == nil {
			h.domains = map[string]*unproven{}
		}
		if len(h.domains) >= maxKeys && !h.forget(now) {
			return time.Minute // so many at once are no honest ones
		}
		u = &unproven{}
		h.domains[domain] = u
	}
	u.begun++
	return 0
}

// leave ends a look that has been entered.
func (h *Hosts) leave(host string, linked bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.domains[domainOf(host)]
	u.begun--
	if !linked {
		u.failed = append(u.failed, time.Now())
		u.failed = u.failed[max(0, len(u.failed)-failuresPerMinute):]
	} else if u.begun == 0 && len(u.failed) == 0 {
		delete(h.domains, domainOf(host))
	}
}

// disappoint counts a page at a host, asked for without a visit, that was not what it was
// said to be.
func (h *Hosts) disappoint(host string) {
	if h.enter(host) == 0 {
		h.leave(host, false)
	}
}

// answered notes whether a host has answered, whatever it said.
func (h *Hosts) answered(host string, ok bool) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if ok {
		delete(h.broken, host)
		return
	}
	b, known := h.broken[host]
	if !known && len(h.broken) >= maxKeys {
		h.mend(now)
		if len(h.broken) >= maxKeys {
			return
		}
	}
	if b.failures++; b.failures >= failuresInARow {
		pause := min(shortestBreak<<min(b.failures-failuresInARow, 8), longestBreak)
		b.until = now.Add(pause - rand.N(pause/4)) // those that fell together do not come back together
	} else {
		b.until = now
	}
	if h.broken == nil {
		h.broken = map[string]breaker{}
	}
	h.broken[host] = b
}

// mend forgets the hosts that have been in order, or not asked, for an hour.
func (h *Hosts) mend(now time.Time) {
	for host, b := range h.broken {
		if now.Sub(b.until) > time.Hour {
			delete(h.broken, host)
		}
	}
}

// forget drops the domains that have not disappointed for a minute, and tells whether
// there is room now.
func (h *Hosts) forget(now time.Time) bool {
	for domain, u := range h.domains {
		if u.begun == 0 && (len(u.failed) == 0 || now.Sub(u.failed[len(u.failed)-1]) >= time.Minute) {
			delete(h.domains, domain)
		}
	}
	return len(h.domains) < maxKeys
}

// domainOf is the registrable domain of a host: all names below it may be one machine. An
// address is its own.
func domainOf(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return domain
	}
	return host
}
