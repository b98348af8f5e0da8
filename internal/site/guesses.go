package site

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// TooMany is returned when nobody may guess any more for a while.
type TooMany struct{ After time.Duration }

// Error is of error: how long to wait, in English.
func (e *TooMany) Error() string {
	return fmt.Sprintf("too many guesses; the next in %s", e.After.Round(time.Second))
}

// RetryAfter is how long to wait.
func (e *TooMany) RetryAfter() time.Duration { return e.After }

// budget is so many guesses, which come back one by one within a time.
type budget struct {
	most int
	per  time.Duration
}

// How much may be guessed (HOSTILE 66). A browser that has signed in before draws on its
// own budget, so that nobody can use up its person's.
var (
	perDevice  = budget{10, 15 * time.Minute}
	perNetwork = budget{10, 15 * time.Minute} // an IPv4 address, or a /64
	perPerson  = budget{30, time.Hour}        // whether or not there is such a person
	perSite    = budget{60, time.Minute}
)

// guesses counts guesses by key, in memory: who can restart the service need not guess.
// It remembers a bounded number of keys. What has its whole budget back is forgotten
// first; if that does not help, new keys share one budget.
type guesses struct {
	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

// spend is one budget to draw on.
type spend struct {
	key string
	budget
}

// take takes a guess from each budget, and stops at the first that has none left.
func (g *guesses) take(from ...spend) error {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range from {
		r := g.limiter(now, s).ReserveN(now, 1)
		if wait := r.DelayFrom(now); wait > 0 {
			r.CancelAt(now)
			return &TooMany{wait}
		}
	}
	return nil
}

func (g *guesses) limiter(now time.Time, s spend) *rate.Limiter {
	if g.keys == nil {
		g.keys = map[string]*rate.Limiter{}
	}
	if g.keys[s.key] == nil && len(g.keys) >= maxKeys {
		for key, l := range g.keys {
			if l.TokensAt(now) >= float64(l.Burst()) {
				delete(g.keys, key)
			}
		}
		if len(g.keys) >= maxKeys {
			s.key = overall
		}
	}
	if g.keys[s.key] == nil {
		g.keys[s.key] = rate.NewLimiter(rate.Every(s.per/time.Duration(s.most)), s.most)
	}
	return g.keys[s.key]
}

// one is the network that counts as one guesser: an IPv4 address, or the /64 that every
// IPv6 customer has at least.
func one(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
