package site

import (
	"context"
	"errors"
	"sync"
	"time"
)

// turns lets requests to one host through one after the other. The zero value is ready.
type turns struct {
	mu   sync.Mutex
	line map[string]*turn
}

type turn struct {
	free    chan struct{} // holds a token while nobody asks the host
	holders int           // who asks or waits; the last one takes the turn away
}

// longestTurn is how long a request waits for its turn.
const longestTurn = 30 * time.Second

// errTurn says that a host is still busy with the requests before this one.
var errTurn = errors.New("others are before us at this host")

// take waits until nobody else asks a host. The error is errTurn when that takes too long.
func (t *turns) take(ctx context.Context, host string) (leave func(), err error) {
	t.mu.Lock()
	if t.line == nil {
		t.line = map[string]*turn{}
	}
	one := t.line[host]
	if one == nil {
		one = &turn{free: make(chan struct{}, 1)}
		one.free <- struct{}{}
		t.line[host] = one
	}
	one.holders++
	t.mu.Unlock()
	timer := time.NewTimer(longestTurn)
	defer timer.Stop()
	select {
	case <-one.free:
		return func() {
			one.free <- struct{}{}
			t.drop(host, one)
		}, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errTurn
	}
	t.drop(host, one)
	return nil, err
}

func (t *turns) drop(host string, one *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one.holders--; one.holders == 0 {
		delete(t.line, host)
	}
}
