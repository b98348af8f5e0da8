package indieauth

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxClients  = 256             // kept at once
	defaultLife = 5 * time.Minute // without cache headers: the length of a visit to the consent page
	longestLife = 24 * time.Hour  // whatever the headers say
)

// clientCache keeps what clients have published, as long as their cache headers
// allow. What could not be had, or was not believed, is not kept.
// Spec: indieauth#client-metadata-p-2
type clientCache struct {
	mu   sync.Mutex
	kept map[string]keptClient // by client_id
}

type keptClient struct {
	published
	until time.Time
}

func (c *clientCache) get(id string) (published, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, ok := c.kept[id]
	return kept.published, ok && time.Now().Before(kept.until)
}

func (c *clientCache) put(id string, found published, life time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.kept, id)
	if life <= 0 {
		return
	}
	if c.kept == nil {
		c.kept = map[string]keptClient{}
	}
	if len(c.kept) >= maxClients {
		delete(c.kept, c.soonest())
	}
	c.kept[id] = keptClient{found, time.Now().Add(life)}
}

func (c *clientCache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.kept, id)
}

// soonest is the client_id that is kept for the shortest time from now.
func (c *clientCache) soonest() string {
	var soonest string
	for id, kept := range c.kept {
		if soonest == "" || kept.until.Before(c.kept[soonest].until) {
			soonest = id
		}
	}
	return soonest
}

// freshness is how long an answer may be kept (RFC 9111, section 4.2.1).
func freshness(header http.Header) time.Duration {
	life := defaultLife
	if at, err := http.ParseTime(header.Get("Expires")); err == nil {
		life = time.Until(at)
	} else if header.Get("Expires") != "" {
		life = 0 // what cannot be read has expired
	}
	for directive := range strings.SplitSeq(strings.ToLower(strings.Join(header.Values("Cache-Control"), ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return 0
			}
			life = time.Duration(seconds) * time.Second
		}
	}
	if age, err := strconv.ParseUint(header.Get("Age"), 10, 31); err == nil {
		life -= time.Duration(age) * time.Second
	}
	return min(life, longestLife)
}
