// Package media is what happens to an uploaded or fetched picture, recording or
// film: its first step, from a stream to a file that may be shown.
//
//	name, info, err := media.Receive(dir, part, 32<<20)
//	variants, err := resizer.Resize(ctx, dir, name, []int{640, 1280})
//	mux.Handle("/media/", http.StripPrefix("/media/", media.Serve(dir)))
//	removed, err := media.Sweep(dir, time.Now().Add(-24*time.Hour))
//
// The type of a file is what its bytes say, never what the sender says. What a
// picture or a film tells besides what it shows is taken out as it arrives: place,
// time, camera, author, comments, previews, and whatever comes after its end. Kept
// are the turn it is shown with and its colours. A file whose structure cannot be
// followed to its end is refused, because nobody knows what it would give away.
// Other files keep their tags, which hold the title and the artist that people put
// there: recorders write no place into MP3, Ogg, FLAC, WAV and WebM.
//
// Files lie in dir under random names; dir/tmp holds what is still arriving,
// dir/sized the smaller copies. No file is ever whole in memory, but for the
// pictures that Resize decodes. It serves the media endpoint (micropub#media-endpoint).
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

	"tertulia/internal/failpoint"
)

var (
	// ErrType is returned for a file of a kind that is not kept (415).
	ErrType = errors.New("media: type not accepted")
	// ErrMalformed is returned for a file that is not what it begins as (400). It is
	// an ErrType to those who do not tell them apart.
	ErrMalformed = fmt.Errorf("%w: the file is broken", ErrType)
	// ErrTooLarge is returned for too many bytes, or for too many pixels in a picture
	// or in all frames of one that moves (413).
	ErrTooLarge = errors.New("media: file too large")
	// ErrEmpty is returned for a file of zero bytes (400).
	ErrEmpty = errors.New("media: file is empty")
)

// Info is what is known of a received file, as it is kept.
type Info struct {
	Type   string // media type by its bytes: "image/jpeg"
	Ext    string // with the dot: ".jpg"
	Size   int64  // bytes
	SHA256 string // lower-case hex
	Width  int    // pixels as declared, before any EXIF rotation; 0 where not known
	Height int
}

// Receive keeps what src delivers as a file in dir, without what it gives away, and
// returns its name, which cannot be guessed. When it returns without an error the
// file and its name are on disk; when it returns an error nothing is left of it.
// A file that has nothing to take out keeps its bytes.
//
// At most max bytes are accepted. An error of src is in the returned error's chain.
func Receive(dir string, src io.Reader, max int64) (name string, info Info, err error) {
	from := &arriving{src: src, left: max}
	in := bufio.NewReaderSize(from, bufferSize)
	first, err := in.Peek(sniffLen)
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
	f, err := create(dir)
	if err != nil {
		return "", Info{}, fmt.Errorf("receive media: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, discard(f))
		}
	}()
	info = Info{Type: kind.mediaType, Ext: kind.ext}
	if err := info.fill(f, in); err != nil {
		return "", Info{}, from.blame(err)
	}
	// The URL should be unguessable.
	// Spec: micropub#response-3-p-1
	name = strings.ToLower(rand.Text()) + info.Ext
	if err := place(f, filepath.Join(dir, name)); err != nil {
		return "", Info{}, fmt.Errorf("receive media: %w", err)
	}
	return name, info, nil
}

// fill writes to f what of in is to be kept, and completes info from it.
func (info *Info) fill(f *os.File, in *bufio.Reader) error {
	k := &keeper{in: in, out: bufio.NewWriter(f)}
	if err := k.clean(info.Type); err != nil {
		return err
	}
	// What comes after the end is dropped, but it counts, and it may break.
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	if err := k.out.Flush(); err != nil {
		return err
	}
	for _, m := range k.mends {
		if _, err := f.WriteAt(m.bytes, m.at); err != nil {
			return err
		}
	}
	if boxed[info.Type] {
		if err := cleanBoxes(f, k.kept, info.Type == "image/avif", &k.facts); err != nil {
			return err
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	info.Size, info.SHA256 = k.kept, hex.EncodeToString(sum.Sum(nil))
	info.Width, info.Height = k.width, k.height
	return nil
}

// arriving reads src up to a limit and remembers how it ended.
type arriving struct {
	src  io.Reader
	left int64
	err  error
}

func (a *arriving) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	n, err := a.src.Read(p[:min(int64(len(p)), a.left+1)])
	if int64(n) > a.left {
		n, err = int(a.left), fmt.Errorf("%w: more bytes than are accepted", ErrTooLarge)
	}
	a.left -= int64(n)
	a.err = err
	return n, err
}

// blame says whose fault an early end is: the sender's line or the file.
func (a *arriving) blame(err error) error {
	if a.err != nil && a.err != io.EOF {
		err = a.err
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = malformed("it ends too soon")
	}
	if errors.Is(err, ErrType) || errors.Is(err, ErrTooLarge) {
		return err
	}
	return fmt.Errorf("receive media: %w", err)
}

// create makes a temporary file, which a Sweep would find.
func create(dir string) (*os.File, error) {
	tmp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return nil, err
	}
	return os.CreateTemp(tmp, "*")
}

// place gives a written file its name for good. The order of writing is what makes
// an acknowledged file safe: data, name, directory.
func place(f *os.File, path string) error {
	if err := cmp.Or(f.Sync(), failpoint.Err("media.write")); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if err := cmp.Or(failpoint.Err("media.rename"), syncDir(filepath.Dir(path))); err != nil {
		return errors.Join(err, os.Remove(path))
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
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
