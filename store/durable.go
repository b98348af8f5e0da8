package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// unfinished begins the names of files that are being written. One that a killed
// process has left behind is swept.
const unfinished = ".tertulia-"

// writeDurably writes a file whole or not at all: under another name first, synced,
// renamed, and its directory synced.
func writeDurably(path string, fill func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), unfinished+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // its contents do not matter any more
			err = errors.Join(err, ignoreGone(os.Remove(f.Name())))
		}
	}()
	if err := fill(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sweepUnfinished removes what processes before us have left half-written in dir.
func sweepUnfinished(dir string, before time.Time) error {
	left, err := filepath.Glob(filepath.Join(dir, unfinished+"*"))
	if err != nil {
		return err
	}
	for _, name := range left {
		info, err := os.Lstat(name)
		if err == nil && (info.Mode().IsRegular() || info.IsDir()) && info.ModTime().Before(before) {
			err = os.RemoveAll(name)
		}
		if ignoreGone(err) != nil {
			return err
		}
	}
	return nil
}
