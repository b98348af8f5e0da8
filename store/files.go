package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The names of the files in a data directory that the store looks after.
const (
	databaseFile = "tertulia.db"
	pidFile      = "tertulia.pid"
	reserveFile  = "tertulia.reserve"
	mediaDir     = "media"
	siteDir      = "site"
	backupDir    = "backup"
	restoreDir   = "restore" // what is being unpacked
)

// kept are the names that only a service that has run leaves behind: beside
// them a missing database is a loss, not a beginning.
var kept = []string{mediaDir, siteDir, backupDir, restoreDir}

// MediaDir is the directory of a site's uploaded files in a data directory.
func MediaDir(dir, site string) string { return filepath.Join(dir, mediaDir, DirName(site)) }

// Pictures is the directory below a [MediaDir] where the pictures of authors lie.
const Pictures = "pictures"

// DirName is a site's key as the name of a directory.
func DirName(site string) string { return strings.NewReplacer(":", "_", "/", "_").Replace(site) }

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
		// These are made after the database: the first is always there, the second
		// after a process that was killed.
		for _, name := range []string{reserveFile, pidFile} {
			if exists(filepath.Join(dir, name)) {
				return "", fmt.Errorf("%s is missing, but %s is there: restore a backup, or move the directory away to begin anew", path, filepath.Join(dir, name))
			}
		}
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is a directory or the like, where the database should be", path)
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
