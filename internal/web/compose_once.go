package web

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// onces sees to it that a form that is sent twice, by a finger that was too quick, makes one
// post. The endpoint knows the same create again, but of files that come anew it cannot know it.
type onces struct {
	mu    sync.Mutex
	known map[string]*once
	count atomic.Int64
	turn  sync.Mutex // of edits: each looks at what the post says now, and changes that
}

// once is a form that was sent.
type once struct {
	ready chan struct{} // closed when it is done
	to    string        // address of what was made; "" when that failed
	at    time.Time
}

// onceFor is how long a form is known, and mostOnces how many are.
const (
	onceFor   = 10 * time.Minute
	mostOnces = 1000
)

// name is a name for a form. It is no secret: it counts only together with a session.
func (o *onces) name() string {
	return strconv.FormatInt(time.Now().UnixNano(), 36) + "-" + strconv.FormatInt(o.count.Add(1), 36)
}

// do makes what a form asks for, unless the same form has made it: then it returns that, and
// again is true. Of two at once the second waits for the first.
func (o *onces) do(name string, run func() (to string, err error)) (to string, again bool, err error) {
	o.mu.Lock()
	for key, one := range o.known {
		if time.Since(one.at) > onceFor || len(o.known) > mostOnces {
			delete(o.known, key)
		}
	}
	if have := o.known[name]; have != nil {
		o.mu.Unlock()
		<-have.ready
		if have.to != "" {
			return have.to, true, nil
		}
		to, err = run()
		return to, false, err
	}
	one := &once{ready: make(chan struct{}), at: time.Now()}
	if o.known == nil {
		o.known = map[string]*once{}
	}
	o.known[name] = one
	o.mu.Unlock()
	defer func() {
		if one.to == "" {
			o.mu.Lock()
			delete(o.known, name)
			o.mu.Unlock()
		}
		close(one.ready)
	}()
	one.to, err = run()
	return one.to, false, err
}
