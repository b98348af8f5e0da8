package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"tertulia/internal/failpoint"
)

// maxGroup is how many waiting updates share a commit at the most.
const maxGroup = 1024

// boltCall is one update on its way through the writer.
type boltCall struct {
	fn       func(writer) error
	err      error
	panic    any
	exit     bool // fn called runtime.Goexit
	eases    bool // it may use what is held back
	answered bool
	result   chan struct{}
}

func (c *boltCall) answer() {
	if !c.answered {
		c.answered = true
		close(c.result)
	}
}

func (e *boltEngine) update(ctx context.Context, fn func(writer) error) error {
	c := &boltCall{fn: fn, result: make(chan struct{})}
	select {
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	select {
	case e.calls <- c:
	case <-e.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	<-c.result
	switch {
	case c.panic != nil:
		panic(c.panic)
	case c.exit:
		runtime.Goexit() // of the goroutine that meant it
	}
	return c.err
}

// run is the one writer: it takes all that waits and commits it together. It begins
// with the calls that a writer before it has left.
func (e *boltEngine) run(group []*boltCall) {
	closed := false
	defer func() {
		if closed {
			close(e.done)
			return
		}
		// A function ended this goroutine (runtime.Goexit, which is what t.FailNow
		// does). That is its caller's affair; the writer and the others go on.
		go e.run(slices.DeleteFunc(group, func(c *boltCall) bool {
			if c.exit && !c.answered {
				c.answer()
			}
			return c.answered
		}))
	}()
	debug.SetPanicOnFault(true) // see damaged
	e.commit(group)
	for {
		select {
		case c := <-e.calls:
			group = append(group[:0:0], c)
		case <-e.closed:
			closed = true
			return
		}
		for waiting := true; waiting && len(group) < maxGroup; {
			select {
			case c := <-e.calls:
				group = append(group, c)
			default:
				waiting = false
			}
		}
		e.commit(group)
	}
}

// commit runs the calls of a group in one transaction. A call that fails before
// it wrote anything (the usual refusal) costs the others nothing; one that had
// written is taken out and the rest is run again. Nobody is answered before the commit,
// for what a call saw, and was refused for, may be what another one wrote. If there is no
// room for all, each is tried alone.
func (e *boltEngine) commit(group []*boltCall) {
	var err error
	for rest := group; len(rest) > 0; {
		var failed int
		if failed, err = e.try(rest); failed < 0 {
			break
		}
		rest = slices.Concat(rest[:failed], rest[failed+1:])
	}
	switch full := errors.Is(err, ErrFull); {
	case full && len(group) > 1:
		for _, c := range group {
			e.commit([]*boltCall{c})
		}
		return
	case full && group[0].eases:
		err = e.ease(group)
	case err == nil:
		e.spare.hold()
	}
	failpoint.Hit("store.committed")
	for _, c := range group {
		if err != nil && c.panic == nil {
			c.err = err
		}
		c.answer()
	}
}

// ease runs a call that makes room with what is held back for it.
func (e *boltEngine) ease(call []*boltCall) error {
	most := e.db.MaxSize
	e.db.MaxSize = 0
	defer func() { e.db.MaxSize = most }()
	e.spare.give()
	// As it has run before, it fails only together with its commit.
	_, err := e.try(call)
	return err
}

var (
	errRollback = errors.New("rolled back")      // a call failed after it had written
	errClean    = errors.New("nothing to write") // no call has written: no commit is owed
)

// try runs calls in one transaction and commits it. failed is the call that had
// written before it failed, for which it was rolled back, or -1.
func (e *boltEngine) try(calls []*boltCall) (failed int, err error) {
	if err := e.broken(); err != nil {
		return -1, err
	}
	failed = -1
	began := time.Now()
	err = e.transaction(func(tx *bolt.Tx) error {
		t, dirty := newTx(tx), false
		for i, c := range calls {
			c.run(t)
			if t.dirty && (c.err != nil || c.panic != nil) {
				failed = i
				return errRollback
			}
			dirty = dirty || t.dirty
		}
		switch {
		case !dirty:
			return errClean
		case e.fault != nil:
			return e.fault()
		case failpoint.On("store.answer-early"): // a mutant: the tests have to notice it
			for _, c := range calls {
				c.answer()
			}
		}
		return failpoint.Err("store.commit")
	})
	if !errors.Is(err, errClean) && !errors.Is(err, errRollback) {
		e.written.Add(1) // before anybody is answered; after an error it may have been, too
	}
	switch {
	case err == nil:
		e.latency.Observe(time.Since(began))
		e.refused.Store(nil)
		return failed, nil
	case errors.Is(err, errClean), errors.Is(err, errRollback):
		return failed, nil
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return -1, ErrClosed
	case full(err):
		err = &refusal{ErrFull, err}
		e.refused.Store(&crowding{err, time.Now()})
		return -1, err
	}
	e.cause = &refusal{ErrBroken, err}
	close(e.failed)
	return -1, e.cause
}

// transaction makes an error of a panic in bbolt's commit, which is how it meets a
// spoiled page. Those of the calls do not come this far.
func (e *boltEngine) transaction(fn func(*bolt.Tx) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return e.db.Update(fn)
}

func (e *boltEngine) failure() <-chan struct{} { return e.failed }

// broken is why nothing is written any more, or nil.
func (e *boltEngine) broken() error {
	select {
	case <-e.failed:
		return e.cause
	default:
		return nil
	}
}

func (c *boltCall) run(t *boltTx) {
	c.err, c.panic, c.exit = nil, nil, true
	t.dirty, t.eases = false, false
	defer func() {
		v := recover()
		c.eases = t.eases
		if v == nil {
			return
		}
		c.exit = false
		if d, ok := asDamage(v); ok {
			c.err = d
		} else {
			c.panic = v
		}
	}()
	c.err = c.fn(t)
	c.exit = false
}
