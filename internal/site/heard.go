package site

import (
	"net/url"
	"sync"
	"time"

	"tertulia/webmention"
)

// hearsay remembers for a moment what sources have said: one that mentions fifty of our
// pages is asked once.
//
// What is remembered serves each mention at most once, so that whoever sends the same
// again has their page read again; and only a link that is there is believed, since a
// page that has none may have got it meanwhile. It is in memory, and bounded.
type hearsay struct {
	mu      sync.Mutex
	sources map[string]*saying
	weight  int
	swept   time.Time
}

// saying is what a source has said.
type saying struct {
	memory webmention.Memory
	at     time.Time
	served map[string]bool // ids of mentions
	led    map[string]any  // what it has led to
	weight int
}

const (
	heardTime   = 30 * time.Second
	heardWeight = 4 << 20 // bytes of pages, as they came
	heardLeast  = 4 << 10 // of them, however small a page is
	heardServed = 1000    // mentions
)

// linked is what a source has said lately, if that links to the target and has not
// served the mention before.
func (h *hearsay) linked(v *webmention.Verifier, source string, target *url.URL, mention string) (seen webmention.Verification, ok bool) {
	memory, ok := h.recall(source, mention)
	if !ok {
		return seen, false
	}
	return v.Again(memory, target)
}

// recall is what a source has said lately, once for each mention.
func (h *hearsay) recall(source, mention string) (m webmention.Memory, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.forget(now)
	s := h.sources[source]
	if s == nil || now.Sub(s.at) >= heardTime || s.served[mention] || len(s.served) >= heardServed {
		return m, false
	}
	s.served[mention] = true
	return s.memory, true
}

// keep remembers what a source has just said to a mention.
func (h *hearsay) keep(source string, seen webmention.Verification, mention string) {
	memory := seen.Memory()
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.drop(source)
	h.forget(now)
	weight := memory.Size() + heardLeast
	if memory.Size() == 0 || h.weight+weight > heardWeight {
		return // the next ones ask for themselves
	}
	if h.sources == nil {
		h.sources = map[string]*saying{}
	}
	h.sources[source] = &saying{memory: memory, at: now, served: map[string]bool{mention: true}, led: map[string]any{}, weight: weight}
	h.weight += weight
}

// once gets something that what a source says leads to, such as its author's page, once
// for as long as the source is remembered. Its weight is that of a page that was read.
func once[T any](h *hearsay, source, what string, get func() (got T, weight int, err error)) (T, error) {
	h.mu.Lock()
	s := h.sources[source]
	if s != nil {
		if known, ok := s.led[what].(T); ok {
			h.mu.Unlock()
			return known, nil
		}
	}
	h.mu.Unlock()
	got, weight, err := get()
	h.mu.Lock()
	defer h.mu.Unlock()
	if s != nil && h.sources[source] == s && err == nil && h.weight+weight <= heardWeight {
		s.led[what] = got
		s.weight += weight
		h.weight += weight
	}
	return got, err
}

// forget drops what is old, all of it once a second.
func (h *hearsay) forget(now time.Time) {
	if now.Sub(h.swept) < time.Second {
		return
	}
	h.swept = now
	for source, s := range h.sources {
		if now.Sub(s.at) >= heardTime {
			h.drop(source)
		}
	}
}

// clear forgets everything.
func (h *hearsay) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sources, h.weight = nil, 0
}

func (h *hearsay) drop(source string) {
	if s := h.sources[source]; s != nil {
		h.weight -= s.weight
		delete(h.sources, source)
	}
}
