package store

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
)

// Made is a backup that was written.
type Made struct {
	File     string // where it is
	Size     int64  // bytes
	Manifest Manifest
	Problems []string // uploads that are missing, or are not what was once received
}

// Backup writes everything that is kept into a new file, while writers go on: what
// was acknowledged before it began is in it. A backup that fails or is interrupted
// leaves nothing; one that is there is never written over (fs.ErrExist).
//
// The database is copied beside itself first, so that a slow place for the file does not
// hold up the writers.
func (db *DB) Backup(ctx context.Context, file string) (made Made, err error) {
	defer func() {
		if err != nil {
			made, err = Made{}, fmt.Errorf("back up to %s: %w", file, err)
		}
	}()
	stopped, end, err := db.backups.begin(ctx)
	if err != nil {
		return made, err
	}
	defer end()
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fs.ErrExist
		}
		return made, err
	}
	dir := filepath.Join(db.dir, backupDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return made, err
	}
	copied, err := os.CreateTemp(dir, unfinished+"*")
	if err != nil {
		return made, err
	}
	defer func() {
		_ = copied.Close() // it was only read since
		err = errors.Join(err, ignoreGone(os.Remove(copied.Name())))
	}()
	uploads, err := db.copyTo(stopped, copied)
	if err != nil {
		return made, fmt.Errorf("copy the database: %w", err)
	}
	made = Made{File: file, Manifest: Manifest{Format: archiveFormat, Made: db.Now(), Program: program(), Schema: len(migrations)}}
	err = writeDurably(file, func(f *os.File) error {
		w := &archiveWriter{ctx: ctx, stopped: stopped, tar: tar.NewWriter(slowly(f)), manifest: made.Manifest}
		if err := db.archive(w, &made, copied, uploads); err != nil {
			return err
		}
		made.Manifest = w.manifest
		made.Size, err = f.Seek(0, io.SeekCurrent)
		return err
	})
	return made, err
}

// upload is a file that a row names, and where it belongs.
type upload struct {
	site, dir    string // dir is below the site's media: "" or Pictures
	Name, SHA256 string
}

func (u upload) name() string { return path.Join(mediaDir, DirName(u.site), u.dir, u.Name) }

// copyTo writes one moment's picture of the database to a file and lists the uploads
// of that moment.
func (db *DB) copyTo(stopped func() error, f *os.File) (uploads []upload, err error) {
	err = db.engine.backup(writing{stopped, slowly(f)}, func(r reader) error {
		for _, site := range sites(r) {
			some, err := uploadsOf(&Tx{Site: site, Now: db.Now(), r: r, log: db.log})
			if err != nil {
				return err
			}
			uploads = append(uploads, some...)
		}
		return nil
	})
	if why := stopped(); why != nil {
		err = why // the engine makes a text of it
	}
	return uploads, err
}

// uploadsOf lists the files that the rows of a site name, each once.
func uploadsOf(tx *Tx) (uploads []upload, err error) {
	files, err := media.all(tx, nil)
	if err != nil {
		return nil, err
	}
	for _, m := range files {
		uploads = append(uploads, upload{tx.Site, "", m.Name, m.SHA256})
	}
	faces, err := pictures.all(tx, nil)
	seen := map[string]bool{"": true}
	for _, p := range faces {
		if !seen[p.Name] {
			seen[p.Name] = true
			uploads = append(uploads, upload{tx.Site, Pictures, p.Name, p.SHA256})
		}
	}
	return uploads, err
}

// archive writes all files of a backup. What the database names was written before its
// row was, so it is there, unless it has been deleted since: then it is left out, row and
// all (the manifest says so).
func (db *DB) archive(w *archiveWriter, made *Made, database *os.File, uploads []upload) error {
	if _, err := database.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := w.add(databaseFile, database); err != nil {
		return err
	}
	if err := w.addFile(ledgerFile, db.ledger.path); ignoreGone(err) != nil {
		return err
	}
	for _, u := range uploads {
		if err := w.stopped(); err != nil {
			return err
		}
		if err := db.addUpload(w, made, u); err != nil {
			return err
		}
	}
	pages := filepath.Join(db.dir, siteDir)
	err := filepath.WalkDir(pages, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return ignoreGone(err) // taken away since
		}
		if temporary := strings.HasPrefix(entry.Name(), ".") && strings.HasSuffix(name, ".tmp"); temporary || !entry.Type().IsRegular() {
			return nil
		}
		below, err := filepath.Rel(pages, name)
		if err != nil {
			return err
		}
		return ignoreGone(w.addFile(path.Join(siteDir, filepath.ToSlash(below)), name))
	})
	if err != nil {
		return err
	}
	return w.close()
}

// addUpload archives one upload, and notes what is wrong with it.
func (db *DB) addUpload(w *archiveWriter, made *Made, u upload) error {
	if !filepath.IsLocal(u.Name) || strings.ContainsAny(u.Name, `/\`) {
		return fmt.Errorf("the row of %q leads out of the media directory", u.Name)
	}
	err := w.addFile(u.name(), filepath.Join(MediaDir(db.dir, u.site), u.dir, u.Name))
	if errors.Is(err, fs.ErrNotExist) {
		w.manifest.Lost = append(w.manifest.Lost, u.name())
		err = db.View(w.ctx, u.site, func(tx *Tx) error {
			if u.dir == Pictures {
				if tx.HasPictureFile(u.Name) {
					return nil
				}
				return fs.ErrNotExist
			}
			_, err := tx.Media(u.Name)
			return err
		})
		if err == nil {
			made.Problems = append(made.Problems, u.name()+" is missing")
		}
		return ignoreGone(err)
	}
	if err != nil {
		return err
	}
	if added := w.manifest.Files[len(w.manifest.Files)-1]; u.SHA256 != "" && added.SHA256 != u.SHA256 {
		made.Problems = append(made.Problems, u.name()+" is not what was received")
	}
	return nil
}

func (w *archiveWriter) addFile(name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = w.add(name, f)
	return err
}

// backups are those under way. Whoever closes the store cuts them off, and waits until
// nothing is left of them.
type backups struct {
	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
}

// begin counts one more, until end is called. stopped tells it why it must stop.
func (b *backups) begin(ctx context.Context) (stopped func() error, end func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, ErrClosed
	}
	b.all.Add(1)
	return func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.closed {
			return ErrClosed
		}
		return ctx.Err()
	}, b.all.Done, nil
}

func (b *backups) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.all.Wait()
}

// slowly is a writer to a file that syncs as it goes: a large file that is synced only
// at its end has everybody else's commits wait behind it.
func slowly(f *os.File) io.Writer { return &syncing{f: f} }

type syncing struct {
	f    *os.File
	owed int
}

const syncEvery = 8 << 20

func (s *syncing) Write(b []byte) (int, error) {
	n, err := s.f.Write(b)
	if s.owed += n; err == nil && s.owed >= syncEvery {
		s.owed = 0
		err = s.f.Sync()
	}
	return n, err
}

// program is the version of the program.
func program() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "devel"
}
