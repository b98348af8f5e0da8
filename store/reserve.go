package store

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// A deletion writes too: the engine never writes over what is there. So that a full disk
// can be emptied from within, some of it is held back in a file, which is given up when
// an update of that kind finds no room, and made again when there is some.
const (
	reserveSize  = 256 << 10 // some ten times what the largest deletion writes
	reserveEvery = time.Minute
)

// reserve belongs to the writer.
type reserve struct {
	path string
	held bool
	next time.Time // when to try again
}

// hold makes the file if it is not there. That it cannot be made changes nothing else.
func (r *reserve) hold() {
	if r.held || time.Now().Before(r.next) {
		return
	}
	r.next = time.Now().Add(reserveEvery)
	if _, err := os.Stat(r.path); err == nil {
		r.held = true
	} else if errors.Is(err, fs.ErrNotExist) {
		r.held = writeDurably(r.path, func(f *os.File) error {
			_, err := io.CopyN(f, rand.Reader, reserveSize) // what cannot be compressed away
			return err
		}) == nil
	}
}

// give gives the room up; false when there was none.
func (r *reserve) give() bool {
	given := r.held && os.Remove(r.path) == nil
	r.held, r.next = false, time.Now().Add(reserveEvery)
	return given
}
