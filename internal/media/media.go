// Package media is what happens to an uploaded or fetched picture, recording or
// film: its first step, from a stream to a file that may be shown.
//
//	name, info, err := media.Receive(dir, part, 32<<20)
//	mux.Handle("/media/", http.StripPrefix("/media/", media.Serve(dir)))
//	removed, err := media.Sweep(dir, time.Now().Add(-24*time.Hour))
//
// The type of a file is what its bytes say, never what the sender says. Files lie
// in dir under random names; dir/tmp holds what is still arriving. It serves the
// media endpoint (micropub#media-endpoint).
package media

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tertulia/internal/failpoint"
)

var (
	// ErrType is returned for a file of a kind that is not kept (415).
	ErrType = errors.New("media: type not accepted")
	// ErrTooLarge is returned for too many bytes or too many pixels (413).
	ErrTooLarge = errors.New("media: file too large")
	// ErrEmpty is returned for a file of zero bytes (400).
	ErrEmpty = errors.New("media: file is empty")
)

// Info is what is known of a received file.
type Info struct {
	Type   string // media type by its bytes: "image/jpeg"
	Ext    string // with the dot: ".jpg"
	Size   int64  // bytes
	SHA256 string // lower-case hex
	Width  int    // pixels as declared, before any EXIF rotation; 0 where not known
	Height int
}

// Receive keeps what src delivers as a file in dir and returns its name, which
// cannot be guessed. When it returns without an error the file and its name are
// on disk; when it returns an error nothing is left of it.
//
// At most max bytes are accepted. An error of src is in the returned error's chain.
func Receive(dir string, src io.Reader, max int64) (name string, info Info, err error) {
	head := bufio.NewReaderSize(src, sniffLen)
	first, err := head.Peek(sniffLen)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", Info{}, fmt.Errorf("receive media: %w", err)
	}
	if len(first) == 0 {
		return "", Info{}, ErrEmpty
	}
	kind, err := sniff(first)
	if err != nil {
		return "", Info{}, err
	}
	info = Info{Type: kind.mediaType, Ext: kind.ext}

	tmp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return "", Info{}, fmt.Errorf("receive media: %w", err)
	}
	f, err := os.CreateTemp(tmp, "*")
	if err != nil {
		return "", Info{}, fmt.Errorf("receive media: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, discard(f))
		}
	}()
	if err := info.fill(f, head, max); err != nil {
		return "", Info{}, err
	}
	// The order of writing is what makes an acknowledged file safe: data, name, directory.
	if err := cmp.Or(f.Sync(), failpoint.Err("media.write")); err != nil {
		return "", Info{}, fmt.Errorf("receive media: %w", err)
	}
	if err := f.Close(); err != nil {
		return "", Info{}, fmt.Errorf("receive media: %w", err)
	}
	// The URL should be unguessable.
	// Spec: micropub#response-3-p-1
	name = strings.ToLower(rand.Text()) + info.Ext
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return "", Info{}, fmt.Errorf("receive media: %w", err)
	}
	if err := cmp.Or(failpoint.Err("media.rename"), syncDir(dir)); err != nil {
		return "", Info{}, errors.Join(err, os.Remove(filepath.Join(dir, name)))
	}
	return name, info, nil
}

// fill copies src to f and completes the rest of info from it.
func (info *Info) fill(f *os.File, src io.Reader, max int64) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(src, max))
	if err != nil {
		return fmt.Errorf("receive media: %w", err)
	}
	if n >= max {
		var more [1]byte
		switch _, err := io.ReadFull(src, more[:]); {
		case err == nil:
			return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, max)
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("receive media: %w", err)
		}
	}
	info.Size, info.SHA256 = n, hex.EncodeToString(sum.Sum(nil))
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("receive media: %w", err)
	}
	info.Width, info.Height, err = dimensions(info.Type, f)
	if err != nil {
		return err
	}
	if area := int64(info.Width) * int64(info.Height); area > maxPixels {
		return fmt.Errorf("%w: %d×%d pixels", ErrTooLarge, info.Width, info.Height)
	}
	return nil
}

// discard removes a temporary file that may be closed or renamed already.
func discard(f *os.File) error {
	_ = f.Close() // its contents no longer matter
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("receive media: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("receive media: sync %s: %w", dir, err)
	}
	return nil
}

// Sweep removes what uploads that never finished have left in dir/tmp, if it was
// last written before olderThan, and returns how many files that were. Files that
// no record names are the store's to find.
func Sweep(dir string, olderThan time.Time) (int, error) {
	tmp := filepath.Join(dir, "tmp")
	entries, err := os.ReadDir(tmp)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sweep media: %w", err)
	}
	removed := 0
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || !info.ModTime().Before(olderThan)) {
			continue // finished meanwhile, or still arriving
		}
		if err == nil {
			err = os.Remove(filepath.Join(tmp, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fmt.Errorf("sweep media: %w", err)
		}
		removed++
	}
	return removed, nil
}
