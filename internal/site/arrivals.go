package site

import (
	"context"
	"sync"
	"time"

	"tertulia/store"
)

// Arrivals tells those who wait that a post's page is live. It holds nothing that
// must outlive the process: who waits in vain answers 202.
type Arrivals struct {
	mu      sync.Mutex
	waiting map[string][]chan struct{} // by permalink
}

func (a *Arrivals) wait(permalink string) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = map[string][]chan struct{}{}
	}
	c := make(chan struct{})
	a.waiting[permalink] = append(a.waiting[permalink], c)
	return c
}

func (a *Arrivals) forget(permalink string, c <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	left := a.waiting[permalink][:0]
	for _, w := range a.waiting[permalink] {
		if w != c {
			left = append(left, w)
		}
	}
	if a.waiting[permalink] = left; len(left) == 0 {
		delete(a.waiting, permalink)
	}
}

// tell wakes all who wait for a permalink.
func (a *Arrivals) tell(permalink string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.waiting[permalink] {
		close(c)
	}
	delete(a.waiting, permalink)
}

// awaitLive waits until the post's first revision is live, and tells whether it is.
func (p *Posts) awaitLive(ctx context.Context, post store.Post) bool {
	if !post.Visible() {
		return false
	}
	wait := p.Wait
	if wait == 0 {
		wait = 2 * time.Second
	}
	arrived := p.Live.wait(post.Permalink)
	defer p.Live.forget(post.Permalink, arrived)
	// It may have arrived before we began to wait.
	err := p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) (err error) {
		post, err = tx.Post(post.Permalink)
		return err
	})
	if err != nil || post.Live > 0 {
		return err == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-arrived:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
