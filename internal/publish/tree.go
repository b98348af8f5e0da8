package publish

import (
	"context"
	"errors"
	"iter"
)

// Tree is where the files of a site's source lie: a [Directory], or a working tree of
// git. Names are relative, with slashes, and never lead outside.
type Tree interface {
	// Read gives the bytes of a file; one that is not there is fs.ErrNotExist.
	Read(name string) ([]byte, error)

	// Files lists the regular files below a directory ("" is the whole tree), in order,
	// without what begins with a dot, node_modules and the directories that builds write.
	Files(ctx context.Context, under string) iter.Seq2[string, error]

	// Apply writes and removes files, and returns when all of that is on the disk (and
	// committed, where there is a history; message says why). A file that has its bytes
	// already is left alone, so that the same call again changes nothing. A file that is
	// neither as it was when it was read nor as it shall be is [ErrChanged], one that
	// lies where there should be none is [ErrForeign]; then nothing is written.
	Apply(ctx context.Context, message string, files []File) error
}

// opener is a Tree that has to be made ready before it is used, which may take as long as a
// clone does. To be open already is no error.
type opener interface {
	Open(ctx context.Context) error
}

// File is a change to one file of a [Tree].
type File struct {
	Name string
	Data []byte // what it shall hold; nil removes it
	Was  []byte // what the caller has read there; nil when there was no file
}

// What stands in the way of a change to a file. Read it again, then decide.
var (
	ErrChanged = errors.New("the file has changed since it was read")
	ErrForeign = errors.New("there is a file that this service has not written")
)
