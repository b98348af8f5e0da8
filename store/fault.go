package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	berrors "go.etcd.io/bbolt/errors"
)

// ErrFull is wrapped by the error of an Update for which there was no room: the disk,
// a quota or Options.MaxSize. Nothing of it was kept, reading goes on, and the same
// Update succeeds when there is room again, without a restart.
var ErrFull = errors.New("there is no room left for the data")

// ErrBroken is wrapped by the error of every Update after a commit failed in a way that
// leaves open what is on disk. A sync is not tried again: the system may have
// dropped what it could not write, and say yes the second time (HOSTILE R5). What
// was committed before can still be read; the process must end.
var ErrBroken = errors.New("the data can no longer be written")

// refusal is the error of a commit that failed: a kind of failure, and its cause.
type refusal struct{ kind, cause error }

func (e *refusal) Error() string { return "commit: " + e.kind.Error() + ": " + e.cause.Error() }

func (e *refusal) Unwrap() []error { return []error{e.kind, e.cause} }

// RetryAfter is when the same request may fare better: it is no fault of whoever made
// it. Servers answer 503 with it.
func (e *refusal) RetryAfter() time.Duration {
	if e.kind == ErrBroken {
		return 10 * time.Second // the next process may be there
	}
	return time.Minute
}

// noRoom are the ways in which a system says that there is no room.
var noRoom = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// full tells whether a commit failed for want of room, before anything was promised.
func full(err error) bool {
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		return true
	}
	// Only a write: a sync that finds no room has lost what was written before it.
	if write, ok := errors.AsType[*fs.PathError](err); ok && write.Op == "write" {
		for _, errno := range noRoom {
			if errors.Is(write.Err, errno) {
				return true
			}
		}
	}
	// bbolt makes a text of the error when it makes the file longer.
	if text, ok := strings.CutPrefix(err.Error(), "file resize error: "); ok {
		for _, errno := range noRoom {
			if strings.HasSuffix(text, errno.Error()) {
				return true
			}
		}
	}
	return false
}

// damaged is what a panic inside the engine says about the data under a key. The
// engine checks its pages by assertion, and reads them from mapped memory, where a
// spoiled length leads anywhere.
func damaged(key []byte, v any) *DamagedError {
	if e, ok := v.(*DamagedError); ok {
		return e
	}
	return &DamagedError{Key: readable(key), Reason: fmt.Sprintf("its page cannot be read (%v)", v)}
}

// asDamage tells damage from the other panics of a transaction's function.
func asDamage(v any) (*DamagedError, bool) {
	switch v := v.(type) {
	case *DamagedError:
		return v, true
	case interface{ Addr() uintptr }: // a fault, not a nil pointer: those have no address
		return damaged(nil, v), true
	}
	return nil, false
}

// readable is a key as messages show it.
func readable(key []byte) string {
	return strings.ToValidUTF8(string(bytes.ReplaceAll(key, []byte{0}, []byte{'/'})), "?")
}
