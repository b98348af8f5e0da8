package media

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Copy brings a file that was kept in one directory into another, under the name that it
// has, and over one that is there. When it returns without an error file and name are on
// disk. fs.ErrNotExist when there is no such file.
func Copy(from, to, name string) (err error) {
	src, err := os.Open(filepath.Join(from, filepath.Base(name)))
	if err != nil {
		return fmt.Errorf("copy media: %w", err)
	}
	defer src.Close()
	dst, err := create(to)
	if err != nil {
		return fmt.Errorf("copy media: %w", err)
	}
	if _, err = io.Copy(dst, src); err == nil {
		err = place(dst, filepath.Join(to, filepath.Base(name)))
	}
	if err != nil {
		return fmt.Errorf("copy media: %w", errors.Join(err, discard(dst)))
	}
	return nil
}
