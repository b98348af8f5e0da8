package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// dailyName is what the backups of [DB.BackupDaily] are called: tertulia-2026-11-21.tar.
var dailyName = regexp.MustCompile(`^tertulia-\d{4}-\d{2}-\d{2}\.tar$`)

// BackupDaily makes the day's backup in the directory backup of the data, unless it is
// there, and then removes the oldest of those it has made, by their names, so that keep
// of them stay. Those of days to come, made while the clock was wrong, do not count and
// stay. Made is zero when there was nothing to do.
func (db *DB) BackupDaily(ctx context.Context, keep int) (Made, error) {
	dir := filepath.Join(db.dir, backupDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Made{}, err
	}
	if err := sweepUnfinished(dir, time.Now().Add(-24*time.Hour)); err != nil {
		return Made{}, err
	}
	today := "tertulia-" + db.Now().Format(time.DateOnly) + ".tar"
	made, err := db.Backup(ctx, filepath.Join(dir, today))
	if errors.Is(err, fs.ErrExist) {
		return Made{}, nil
	}
	if err != nil {
		return Made{}, err
	}
	return made, removeOldest(dir, today, keep)
}

// removeOldest leaves the newest backups up to today's. os.ReadDir sorts by name, and
// the names by day.
func removeOldest(dir, today string, keep int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return !e.Type().IsRegular() || !dailyName.MatchString(e.Name()) || e.Name() > today
	})
	for _, e := range entries[:max(0, len(entries)-keep)] {
		if err := os.Remove(filepath.Join(dir, e.Name())); ignoreGone(err) != nil {
			return err
		}
	}
	return nil
}
