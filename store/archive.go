package store

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// A backup is one tar file, not compressed, so that any tar lists it, tools that keep
// only what differs find what is the same, and nothing in it is larger than the file:
//
//	tertulia.db                        one moment's picture of the database
//	tertulia.erased                    the erasure ledger, if there is one
//	media/example.com/k3v…q.jpg        every uploaded file that the database names
//	site/example.com/…/index.html      the pages of the built-in preset
//	manifest                           last: without it the archive ends too early
//
// The manifest is a record like those of the database, checksum and all (record.go).
const manifestName = "manifest"

// archiveFormat is the version of this layout.
const archiveFormat = 1

// Manifest is what a backup says about itself.
type Manifest struct {
	Format  int            `json:"format"`
	Made    time.Time      `json:"made"`
	Program string         `json:"program"` // version of the program that made it
	Schema  int            `json:"schema"`  // of the database
	Files   []ArchivedFile `json:"files"`   // in the order of the archive
	Lost    []string       `json:"lost,omitempty"`
	// Lost are uploads that the database names and that were not there any more,
	// as media/example.com/k3v…q.jpg.
}

// ArchivedFile is one file of a backup.
type ArchivedFile struct {
	Name   string `json:"name"` // with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // lower-case hex
}

// archiveWriter writes a backup.
type archiveWriter struct {
	ctx      context.Context
	stopped  func() error // why to stop, if so
	tar      *tar.Writer
	manifest Manifest
}

// add appends what an open file holds now. Files are replaced, never changed, so it
// is whole.
func (w *archiveWriter) add(name string, f *os.File) (ArchivedFile, error) {
	info, err := f.Stat()
	if err != nil {
		return ArchivedFile{}, err
	}
	sum := sha256.New()
	err = w.append(name, info.Size(), info.ModTime(), io.TeeReader(f, sum))
	if err != nil {
		return ArchivedFile{}, fmt.Errorf("archive %s: %w", name, err)
	}
	added := ArchivedFile{Name: name, Size: info.Size(), SHA256: hex.EncodeToString(sum.Sum(nil))}
	w.manifest.Files = append(w.manifest.Files, added)
	return added, nil
}

func (w *archiveWriter) append(name string, size int64, at time.Time, src io.Reader) error {
	head := tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at}
	if err := w.tar.WriteHeader(&head); err != nil {
		return err
	}
	_, err := io.CopyN(writing{w.stopped, w.tar}, src, size)
	return err
}

// close writes the manifest and the end.
func (w *archiveWriter) close() error {
	raw, err := encodeManifest(w.manifest)
	if err != nil {
		return err
	}
	if err := w.append(manifestName, int64(len(raw)), w.manifest.Made, bytes.NewReader(raw)); err != nil {
		return err
	}
	return w.tar.Close()
}

func encodeManifest(m Manifest) ([]byte, error) { return encodeRecord(manifestName, 1, m) }

func decodeManifest(raw []byte) (m Manifest, err error) {
	return m, decodeRecord([]byte(manifestName), manifestName, 1, raw, &m)
}

// writing is a writer that fails when it has to stop.
type writing struct {
	stopped func() error
	io.Writer
}

func (w writing) Write(b []byte) (int, error) {
	if err := w.stopped(); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}

// reading is a reader that fails when it has to stop.
type reading struct {
	stopped func() error
	io.Reader
}

func (r reading) Read(b []byte) (int, error) {
	if err := r.stopped(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}

// verifyArchive reads a whole backup and compares it with its manifest.
func verifyArchive(ctx context.Context, f *os.File) (Manifest, error) {
	info, err := f.Stat()
	if err != nil {
		return Manifest{}, err
	}
	if !info.Mode().IsRegular() {
		return Manifest{}, errors.New("it is not a file")
	}
	var m Manifest
	var found []ArchivedFile
	names := map[string]bool{}
	err = eachArchived(ctx, f, info.Size(), func(head *tar.Header, content io.Reader) error {
		if names[head.Name] {
			return fmt.Errorf("%q is in it twice", head.Name)
		}
		names[head.Name] = true
		if head.Name == manifestName {
			raw, err := io.ReadAll(content)
			if err != nil {
				return err
			}
			m, err = decodeManifest(raw)
			return err
		}
		sum := sha256.New()
		n, err := io.Copy(sum, content)
		found = append(found, ArchivedFile{Name: head.Name, Size: n, SHA256: hexSum(sum)})
		return err
	})
	if err != nil {
		return Manifest{}, err
	}
	switch {
	case m.Format > archiveFormat || m.Schema > len(migrations):
		return m, fmt.Errorf("it was made by a newer version (format %d, schema %d; this version knows %d and %d): use that version", m.Format, m.Schema, archiveFormat, len(migrations))
	case m.Format != archiveFormat:
		return m, errors.New("its manifest has no format")
	case !slices.Equal(found, m.Files):
		return m, fmt.Errorf("%s is not as its manifest says", differing(found, m.Files))
	case !names[databaseFile]:
		return m, errors.New("it has no database")
	}
	return m, nil
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// differing names the first file that two lists do not agree on.
func differing(found, want []ArchivedFile) string {
	for i := range min(len(found), len(want)) {
		if found[i] != want[i] {
			return found[i].Name
		}
	}
	if len(found) > len(want) {
		return found[len(want)].Name
	}
	return want[len(found)].Name
}

// eachArchived goes through an archive of a size in bytes from its beginning. The
// manifest must come last, and nothing behind it but the end that belongs there.
func eachArchived(ctx context.Context, f *os.File, size int64, fn func(*tar.Header, io.Reader) error) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	archive := tar.NewReader(reading{ctx.Err, f}) // it reads in blocks, and never ahead
	for left := size; ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return errTooShort
		}
		if err != nil {
			return err
		}
		if err := checkArchived(head); err != nil {
			return err
		}
		// A sparse entry would be larger than what is there of it.
		if left -= head.Size; left < 0 {
			return fmt.Errorf("%q is larger than the archive", head.Name)
		}
		if err := fn(head, archive); err != nil {
			return err
		}
		if head.Name == manifestName {
			return checkEnd(archive, f, size)
		}
	}
}

var errTooShort = errors.New("it ends too early")

// checkEnd makes sure that an archive ends with the entry that was just read: what is
// left of its last block, and two blocks of zeros.
func checkEnd(archive *tar.Reader, f *os.File, size int64) error {
	const block = 512
	if _, err := io.Copy(io.Discard, archive); err != nil {
		return err
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	switch end := (at+block-1)/block*block + 2*block; {
	case size < end:
		return errTooShort
	case size > end:
		return errors.New("something comes behind its end")
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		return errors.New("something comes behind its manifest")
	}
	return nil
}

// checkArchived refuses entries that are not plain files in their places: whoever made
// the archive shall not write elsewhere.
func checkArchived(head *tar.Header) error {
	if head.Typeflag != tar.TypeReg {
		return fmt.Errorf("%q is not a plain file", head.Name)
	}
	name := head.Name
	top, below, nested := strings.Cut(name, "/")
	ok := fs.ValidPath(name) && !strings.Contains(name, `\`)
	switch top {
	case databaseFile, ledgerFile, manifestName:
		ok = ok && !nested
	case mediaDir:
		_, file, _ := strings.Cut(below, "/")
		ok = ok && strings.Count(strings.TrimPrefix(file, Pictures+"/"), "/") == 0 && strings.Contains(below, "/")
	case siteDir:
		ok = ok && nested
	default:
		ok = false
	}
	if !ok {
		return fmt.Errorf("%q has no place in a backup", name)
	}
	return nil
}
