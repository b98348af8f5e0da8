package media

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Sweep removes what uploads that never finished have left in dir/tmp, if it was
// last written before olderThan, and the smaller copies of files that are gone. It
// returns how many files that were. Files that no record names are the store's to find.
func Sweep(dir string, olderThan time.Time) (int, error) {
	unfinished, err := sweep(filepath.Join(dir, "tmp"), func(info fs.FileInfo) bool {
		return info.ModTime().Before(olderThan) // or it is still arriving
	})
	if err != nil {
		return unfinished, fmt.Errorf("sweep media: %w", err)
	}
	orphans, err := sweep(filepath.Join(dir, sized), func(info fs.FileInfo) bool {
		return original(dir, info.Name()) == ""
	})
	if err != nil {
		err = fmt.Errorf("sweep media: %w", err)
	}
	return unfinished + orphans, err
}

// Remove removes a file that Receive has kept in dir, and the smaller copies of it. The
// error is fs.ErrNotExist when it is not there.
func Remove(dir, name string) error {
	match := shape.FindStringSubmatch(name)
	if match == nil || match[2] != "" {
		return fmt.Errorf("remove %q: %w", name, fs.ErrNotExist)
	}
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		return err
	}
	for _, width := range Widths() {
		for _, ext := range variantExts {
			err := os.Remove(filepath.Join(dir, sized, variantName(match[1], width, ext)))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// sweep removes the files of a directory that are old.
func sweep(dir string, old func(fs.FileInfo) bool) (removed int, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || !old(info)) {
			continue // it went meanwhile, or is no file of ours, or is wanted
		}
		if err == nil {
			err = os.Remove(filepath.Join(dir, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
