package site

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rates counts per key. It remembers a bounded number of keys: when there are more,
// those that have been idle for a minute are forgotten, and if that does not help
// new keys share one count, so that no flood of names costs memory.
type rates struct {
	mu   sync.Mutex
	keys map[string]*bucket
}

type bucket struct {
	limiter *rate.Limiter
	last    time.Time
}

const (
	maxKeys = 10_000
	overall = "" // the shared count
)

// allow takes one of perMinute from the key's count, at once up to a minute's worth.
func (r *rates) allow(key string, perMinute int) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil {
		r.keys = map[string]*bucket{}
	}
	b := r.keys[key]
	if b == nil && len(r.keys) >= maxKeys {
		r.forget(now)
		if len(r.keys) >= maxKeys {
			key = overall
			b = r.keys[key]
		}
	}
	if b == nil {
		b = &bucket{limiter: rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)}
		r.keys[key] = b
	}
	b.last = now
	return b.limiter.AllowN(now, 1)
}

func (r *rates) forget(now time.Time) {
	for key, b := range r.keys {
		if now.Sub(b.last) > time.Minute {
			delete(r.keys, key)
		}
	}
}
