package store

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Copies are the copies of the data that lie beside it, as names below the data directory.
type Copies struct {
	Cleaned []string `json:"cleaned"` // daily backups that were written anew, without what was erased
	Left    []string `json:"left"`    // what may still hold it: the owner's to keep or delete
}

// EraseFromCopies writes the daily backups anew, without what the ledger has as erased, each
// whole or not at all; one that knows of it all is left as it is. What else lies beside the data
// it names: databases from before an upgrade, data that a restore has put aside. Copies
// elsewhere it cannot know of.
func (db *DB) EraseFromCopies(ctx context.Context) (done Copies, err error) {
	stopped, end, err := db.backups.begin(ctx)
	if err != nil {
		return done, err
	}
	defer end()
	daily, err := filepath.Glob(filepath.Join(db.dir, backupDir, "*"))
	if err != nil {
		return done, err
	}
	for _, file := range daily {
		if err := stopped(); err != nil {
			return done, err
		}
		name := path.Join(backupDir, filepath.Base(file))
		if !dailyName.MatchString(filepath.Base(file)) {
			done.Left = append(done.Left, name)
			continue
		}
		changed, err := db.cleanBackup(ctx, file)
		switch {
		case stopped() != nil:
			return done, stopped()
		case errors.Is(err, os.ErrNotExist): // swept meanwhile, being the oldest
		case err != nil:
			db.log.Error("a backup cannot be written anew", "file", file, "error", err)
			done.Left = append(done.Left, name)
		case changed:
			done.Cleaned = append(done.Cleaned, name)
		}
	}
	for _, pattern := range []string{"replaced-*", path.Join(restoreDir, "*")} {
		found, err := filepath.Glob(filepath.Join(db.dir, pattern))
		if err != nil {
			return done, err
		}
		for _, file := range found {
			done.Left = append(done.Left, strings.TrimPrefix(filepath.ToSlash(file), filepath.ToSlash(db.dir)+"/"))
		}
	}
	return done, nil
}

// cleanBackup writes one backup anew, unless it knows all that the ledger does.
func (db *DB) cleanBackup(ctx context.Context, file string) (changed bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	dir, err := os.MkdirTemp(filepath.Dir(file), unfinished+"*")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	knows, err := db.knownBy(ctx, f, dir)
	if err != nil || knows {
		return false, err
	}
	manifest, err := verifyArchive(ctx, f)
	if err != nil {
		return false, err
	}
	named, err := db.cleanDatabase(ctx, f, dir)
	if err != nil {
		return false, err
	}
	return true, db.archiveAnew(ctx, f, file, dir, manifest, named)
}

// knownBy tells whether the ledger in a backup has all that ours has. It unpacks that
// ledger into dir.
func (db *DB) knownBy(ctx context.Context, f *os.File, dir string) (bool, error) {
	if err := unpackOne(ctx, f, ledgerFile, dir); err != nil {
		return false, err
	}
	theirs, err := openLedger(filepath.Join(dir, ledgerFile))
	if err != nil {
		return false, err
	}
	db.ledger.mu.Lock()
	defer db.ledger.mu.Unlock()
	for salt, hashes := range db.ledger.salts {
		for hash, how := range hashes {
			if was, known := theirs.salts[salt][hash]; !known || was.before(how) {
				return false, nil
			}
		}
	}
	return true, nil
}

// unpackOne unpacks one file of a backup into a directory, if it is there.
func unpackOne(ctx context.Context, f *os.File, name, dir string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for archive := tar.NewReader(f); ctx.Err() == nil; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if head.Name != name {
			continue
		}
		to, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, archive)
		return errors.Join(err, to.Close())
	}
	return ctx.Err()
}

// cleanDatabase unpacks the database of a backup into dir, erases what either ledger has, and
// tells which uploads it still names.
func (db *DB) cleanDatabase(ctx context.Context, f *os.File, dir string) (named map[string]bool, err error) {
	ledger := filepath.Join(dir, ledgerFile)
	if err := mergeLedgers(ledger, db.ledger.path, ledger); err != nil {
		return nil, err
	}
	if err := unpackOne(ctx, f, databaseFile, dir); err != nil {
		return nil, err
	}
	old, err := Open(dir, Options{Now: db.now, Log: db.log})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	sites, err := old.allSites()
	if err != nil {
		return nil, err
	}
	named = map[string]bool{}
	for _, site := range sites {
		if _, err := old.applyLedger(ctx, site); err != nil {
			return nil, err
		}
		err := old.View(ctx, site, func(tx *Tx) error {
			uploads, err := uploadsOf(tx)
			for _, u := range uploads {
				named[u.name()] = true
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return named, old.Scrub(ctx)
}

// archiveAnew writes a backup in the place of one: with the database and the ledger that lie
// in dir, and of its other files all but the pictures that nobody names any more.
func (db *DB) archiveAnew(ctx context.Context, f *os.File, file, dir string, old Manifest, named map[string]bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return writeDurably(file, func(to *os.File) error {
		w := &archiveWriter{ctx: ctx, stopped: ctx.Err, tar: tar.NewWriter(slowly(to)),
			manifest: Manifest{Format: archiveFormat, Made: old.Made, Program: program(), Schema: len(migrations), Lost: old.Lost}}
		if err := w.addFile(databaseFile, filepath.Join(dir, databaseFile)); err != nil {
			return err
		}
		if err := w.addFile(ledgerFile, filepath.Join(dir, ledgerFile)); err != nil {
			return err
		}
		at := -1
		err := eachArchived(ctx, f, info.Size(), func(head *tar.Header, content io.Reader) error {
			if at++; head.Name == databaseFile || head.Name == ledgerFile || head.Name == manifestName ||
				path.Base(path.Dir(head.Name)) == Pictures && !named[head.Name] {
				return nil
			}
			w.manifest.Files = append(w.manifest.Files, old.Files[at]) // verifyArchive has compared them
			return w.append(head.Name, head.Size, head.ModTime, content)
		})
		if err != nil {
			return fmt.Errorf("write %s anew: %w", file, err)
		}
		return w.close()
	})
}
