package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// The names of the files in a data directory that the store looks after.
const (
	databaseFile = "tertulia.db"
	pidFile      = "tertulia.pid"
)

// kept are the names that only a service that has run leaves behind: beside
// them a missing database is a loss, not a beginning.
var kept = []string{"media", "site", "backup"}

// prepare makes the directory if need be and refuses what must not be opened.
func prepare(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the data directory: %w", err)
	}
	path := filepath.Join(dir, databaseFile)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		for _, name := range kept {
			if entries, err := os.ReadDir(filepath.Join(dir, name)); err == nil && len(entries) > 0 {
				return "", fmt.Errorf("%s is missing, but %s is not empty: restore a backup, or move the directory away to begin anew", path, filepath.Join(dir, name))
			}
		}
	case err != nil:
		return "", err
	case info.Size() == 0:
		return "", fmt.Errorf("%s is empty: restore a backup, or move the directory away to begin anew", path)
	}
	return path, nil
}

// writePID leaves our process number for the message of a second process. It is
// a courtesy: the lock is the database's own, so a failure changes nothing.
func writePID(dir string) {
	_ = os.WriteFile(filepath.Join(dir, pidFile), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
}

func removePID(dir string) {
	_ = os.Remove(filepath.Join(dir, pidFile)) // the lock is what counts
}
