package store

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Restored is what came of a restore.
type Restored struct {
	Manifest Manifest
	Replaced string // where the data lies that was there before; "" when there was none
	Erased   int    // mentions left out because they were erased after the backup was made
}

// ErrNotEmpty is wrapped by the error of a Restore that would have replaced data.
var ErrNotEmpty = errors.New("there is data already")

// Restore brings the backup in a file back into a data directory that no service uses.
// The whole file is verified before anything is changed, and until the last step the old
// data is where it was; force moves it aside (never away).
//
// What is restored trusts nobody and sends nothing: sessions, tokens, codes and requests
// are gone, jobs wait for [DB.Resume], and what was erased (in the directory's ledger or
// in the backup's) stays away.
func Restore(ctx context.Context, file, dir string, force bool, opts Options) (done Restored, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore %s: %w", file, err)
		}
	}()
	f, err := os.Open(file)
	if err != nil {
		return done, err
	}
	defer f.Close()
	release, err := hold(filepath.Join(dir, databaseFile), cmp.Or(opts.LockTimeout, 5*time.Second))
	if err != nil {
		return done, err
	}
	defer release()
	there, err := present(dir)
	if err != nil {
		return done, err
	}
	if len(there) > 0 && !force {
		return done, fmt.Errorf("%w in %s", ErrNotEmpty, dir)
	}
	done.Manifest, err = verifyArchive(ctx, f)
	if err != nil {
		return done, fmt.Errorf("it is no whole backup: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, restoreDir), 0o700); err != nil {
		return done, err
	}
	tmp, err := os.MkdirTemp(filepath.Join(dir, restoreDir), "*")
	if err != nil {
		return done, err
	}
	defer func() {
		err = errors.Join(err, os.RemoveAll(tmp))
		_ = os.Remove(filepath.Dir(tmp)) // what an interrupted restore has left there keeps it
	}()
	if err := unpack(ctx, f, tmp, done.Manifest); err != nil {
		return done, err
	}
	if err := mergeLedgers(filepath.Join(tmp, ledgerFile), filepath.Join(dir, ledgerFile), filepath.Join(tmp, ledgerFile)); err != nil {
		return done, err
	}
	if done.Erased, err = tame(ctx, tmp, done.Manifest, opts); err != nil {
		return done, err
	}
	if len(there) > 0 {
		done.Replaced = filepath.Join(dir, "replaced-"+time.Now().UTC().Format("20060102T150405.000Z"))
	}
	return done, exchange(tmp, dir, there, done.Replaced)
}

// present lists what a restore would replace. Backups and the ledger are not among it:
// they stay.
func present(dir string) (names []string, err error) {
	if exists(filepath.Join(dir, databaseFile)) {
		names = append(names, databaseFile)
	}
	for _, name := range []string{mediaDir, siteDir} {
		entries, err := os.ReadDir(filepath.Join(dir, name))
		if ignoreGone(err) != nil {
			return nil, err
		}
		if len(entries) > 0 {
			names = append(names, name)
		}
	}
	return names, nil
}

// unpack writes the files of a verified archive into an empty directory, and verifies
// once more what it writes.
func unpack(ctx context.Context, f *os.File, dir string, m Manifest) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	at := 0
	err = eachArchived(ctx, f, info.Size(), func(head *tar.Header, content io.Reader) error {
		if head.Name == manifestName {
			return nil
		}
		written, err := unpackFile(root, head, content)
		if err != nil {
			return fmt.Errorf("unpack %s: %w", head.Name, err)
		}
		if at++; at > len(m.Files) || written != m.Files[at-1] {
			return fmt.Errorf("%s has changed while it was read", head.Name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = syncDir(name)
		}
		return err
	})
}

// unpackFile writes one file. Pages are for everybody, as the publisher makes them;
// everything else is the owner's.
func unpackFile(root *os.Root, head *tar.Header, content io.Reader) (written ArchivedFile, err error) {
	mode, dirMode := fs.FileMode(0o600), fs.FileMode(0o700)
	if strings.HasPrefix(head.Name, siteDir+"/") {
		mode, dirMode = 0o644, 0o755
	}
	if err := root.MkdirAll(path.Dir(head.Name), dirMode); err != nil {
		return written, err
	}
	f, err := root.OpenFile(head.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return written, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), content)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return written, err
	}
	written = ArchivedFile{Name: head.Name, Size: n, SHA256: hexSum(sum)}
	return written, root.Chtimes(head.Name, head.ModTime, head.ModTime)
}

// tame makes unpacked data harmless, in a directory that is not yet anybody's. It tells
// how many mentions it has erased.
func tame(ctx context.Context, dir string, m Manifest, opts Options) (erased int, err error) {
	db, err := Open(dir, opts)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sites, err := db.allSites()
	if err != nil {
		return 0, err
	}
	for _, site := range sites {
		if err := db.checkUploads(ctx, site, m); err != nil {
			return 0, err
		}
		for _, table := range []string{
			tokens.name, refreshes.name, codes.name, sessions.name, requests.name, devices.name, passphrases.name, passkeys.name,
			feedKeys.name, feedKeysHash,
			networks.name,   // the key that they are sealed with is in no backup, and the owner says anew where copies go
			dataStates.name, // the source of the site is not as old as this: its files are compared anew
		} {
			if err := db.empty(ctx, prefix(site, table)); err != nil {
				return 0, err
			}
		}
		if err := db.doubtCopies(ctx, site); err != nil {
			return 0, err
		}
		done, err := db.applyLedger(ctx, site)
		if err != nil {
			return 0, err
		}
		erased += done.Mentions
	}
	if err := db.freeLeases(ctx); err != nil {
		return 0, err
	}
	return erased, db.update(ctx, "", (*Tx).pause)
}

// doubtCopies writes down of the copies that were waiting that they may be out since: whether they
// are is looked up before they are made (HOSTILE F16).
func (db *DB) doubtCopies(ctx context.Context, site string) error {
	var waiting []Copy
	err := eachRecord(ctx, db, site, &copies, func(c Copy) {
		if c.Ref == (Ref{}) && c.Begun.IsZero() && (c.State == CopyWaiting || c.State == CopyParked) {
			c.Begun = c.Since
			waiting = append(waiting, c)
		}
	})
	for some := range slices.Chunk(waiting, batch) {
		if err != nil {
			break
		}
		err = db.Update(ctx, site, func(tx *Tx) error {
			for _, c := range some {
				if err := tx.PutCopy(c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return err
}

// checkUploads makes sure that every upload that a site's rows name is there, and drops
// the rows of those that were gone when the backup was made.
func (db *DB) checkUploads(ctx context.Context, site string, m Manifest) error {
	there := make(map[string]bool, len(m.Files))
	for _, f := range m.Files {
		there[f.Name] = true
	}
	var lost, faceless, missing []string
	err := eachRecord(ctx, db, site, &media, func(row Media) {
		switch name := (upload{site: site, Name: row.Name}).name(); {
		case there[name]:
		case slices.Contains(m.Lost, name):
			lost = append(lost, row.Name)
		default:
			missing = append(missing, name)
		}
	})
	if err != nil {
		return err
	}
	if err := eachRecord(ctx, db, site, &pictures, func(row Picture) {
		// A picture of somebody's can be fetched again, or done without.
		if row.Name != "" && !there[upload{site: site, dir: Pictures, Name: row.Name}.name()] {
			faceless = append(faceless, row.Key)
		}
	}); err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("the database names %s, which the backup does not have", missing[0])
	}
	if err := db.dropAll(ctx, site, lost, (*Tx).DropMedia); err != nil {
		return err
	}
	return db.dropAll(ctx, site, faceless, func(tx *Tx, k string) error { return dropIfThere(tx, &pictures, k) })
}

// empty deletes all keys with a prefix, of tables without indexes.
func (db *DB) empty(ctx context.Context, prefix []byte) error {
	for {
		n := 0
		err := db.update(ctx, "", func(tx *Tx) error {
			found := pairs(tx.r, prefix, nil)
			for _, p := range found {
				if err := tx.w.delete(p.key); err != nil {
					return err
				}
			}
			n = len(found)
			return nil
		})
		if err != nil || n < batch {
			return err
		}
	}
}

// freeLeases gives back the jobs that ran when the backup was made: those who had them
// went on with theirs. It is not [DB.Release], which suspects them.
func (db *DB) freeLeases(ctx context.Context) error {
	var leased []Job
	if err := eachRecord(ctx, db, "", &jobs, func(j Job) {
		if j.Owner != "" {
			leased = append(leased, j)
		}
	}); err != nil {
		return err
	}
	return db.update(ctx, "", func(tx *Tx) error {
		for _, j := range leased {
			j.Owner, j.Until, j.Due = "", time.Time{}, tx.Now
			j.Attempts--
			if err := jobs.put(tx, j); err != nil {
				return err
			}
		}
		return nil
	})
}

// rename is os.Rename, until a test has a disk fail or a process die.
var rename = os.Rename

// exchange puts what lies in tmp in its place in dir, and what is there aside. The
// database goes first and comes last, so that a crash in between leaves a directory that
// Open refuses, never one that is half old and half new. After an error all is as it was.
func exchange(tmp, dir string, there []string, aside string) (err error) {
	var undo []func() error
	defer func() {
		if err == nil {
			return
		}
		for _, back := range slices.Backward(undo) {
			err = errors.Join(err, back())
		}
	}()
	move := func(from, to string) error {
		if !exists(from) {
			return nil
		}
		if err := rename(from, to); err != nil {
			return err
		}
		undo = append(undo, func() error { return os.Rename(to, from) })
		return nil
	}
	if aside != "" {
		if err := os.Mkdir(aside, 0o700); err != nil {
			return err
		}
		undo = append(undo, func() error { return os.Remove(aside) })
	}
	for _, name := range there {
		if err := move(filepath.Join(dir, name), filepath.Join(aside, name)); err != nil {
			return err
		}
	}
	for _, name := range []string{mediaDir, siteDir} {
		_ = os.Remove(filepath.Join(dir, name)) // an empty one; anything else was moved
		if err := move(filepath.Join(tmp, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	// The merged ledger holds all that the old one did: it stays whatever comes.
	if merged := filepath.Join(tmp, ledgerFile); exists(merged) {
		if err := rename(merged, filepath.Join(dir, ledgerFile)); err != nil {
			return err
		}
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	if err := move(filepath.Join(tmp, databaseFile), filepath.Join(dir, databaseFile)); err != nil {
		return err
	}
	return syncDir(dir)
}
