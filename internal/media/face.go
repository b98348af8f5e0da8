package media

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// faceSide is how wide and high the pictures of people are, in pixels: twice as much
	// as pages show, for screens with two pixels for one.
	faceSide = 128
	// maxFace is how many bytes a picture of a person may take while it is decoded.
	maxFace = 64 << 20
)

// Face keeps the picture of a person that src delivers, as a square of at most 128 pixels
// in dir, and returns the name under which Serve shows it. What is kept was drawn anew by
// us: of the bytes that came, which a stranger has chosen, none is left. The name follows
// from what is kept, so that the same picture is kept once.
//
// JPEG, PNG, GIF (its first frame) and WebP are taken, of at most so many bytes. Anything else
// is an ErrType, ErrMalformed, ErrEmpty, or ErrTooLarge, which a picture is also that says
// it has too many pixels: it is not decoded. An error of src is in the returned error's
// chain.
func (r *Resizer) Face(ctx context.Context, dir string, src io.Reader, most int64) (name string, info Info, err error) {
	came, ext, err := arrive(dir, src, most)
	if err != nil {
		return "", Info{}, err
	}
	defer func() { err = errors.Join(err, discard(came)) }()
	p, err := look(came, ext)
	if err != nil {
		return "", Info{}, err
	}
	if max(p.memory, 4*p.area()) > maxFace {
		return "", Info{}, fmt.Errorf("%w: %d×%d pixels", ErrTooLarge, p.width, p.height)
	}
	leave, err := r.enter(ctx)
	if err != nil {
		return "", Info{}, err
	}
	face, err := p.face()
	leave()
	if err != nil {
		return "", Info{}, err
	}
	return keepFace(dir, face)
}

// arrive writes src into a temporary file of a picture that can be decoded.
func arrive(dir string, src io.Reader, most int64) (f *os.File, ext string, err error) {
	from := &arriving{src: src, left: most}
	in := bufio.NewReaderSize(from, bufferSize)
	first, err := in.Peek(sniffLen)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", from.blame(err)
	}
	if len(first) == 0 {
		return nil, "", ErrEmpty
	}
	kind, err := sniff(first)
	if err != nil {
		return nil, "", err
	}
	if decoders[kind.ext] == nil {
		return nil, "", fmt.Errorf("%w: %s", ErrType, kind.mediaType)
	}
	if f, err = create(dir); err != nil {
		return nil, "", fmt.Errorf("receive media: %w", err)
	}
	if _, err = io.Copy(f, in); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, "", errors.Join(from.blame(err), discard(f))
	}
	return f, kind.ext, nil
}

// face draws the middle of a picture, upright and small.
func (p *picture) face() (image.Image, error) {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, err := decoders[p.ext](bufio.NewReader(p.file))
	if err != nil {
		return nil, malformed(err.Error())
	}
	width, shorter := p.shownWidth(), min(p.width, p.height)
	if shorter > faceSide {
		width = (width*faceSide + shorter/2) / shorter
		shorter = faceSide
	}
	small := p.scale(img, width)
	side := min(shorter, small.Rect.Dx(), small.Rect.Dy())
	x, y := (small.Rect.Dx()-side)/2, (small.Rect.Dy()-side)/2
	return small.SubImage(image.Rect(x, y, x+side, y+side)), nil
}

// keepFace writes a picture under the name that its bytes have.
func keepFace(dir string, face image.Image) (name string, info Info, err error) {
	f, err := create(dir)
	if err != nil {
		return "", Info{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, discard(f))
		}
	}()
	info = Info{Type: "image/png", Ext: ".png", Width: face.Bounds().Dx(), Height: face.Bounds().Dy()}
	if o, ok := face.(interface{ Opaque() bool }); ok && o.Opaque() {
		info.Type, info.Ext = "image/jpeg", ".jpg"
	}
	sum := sha256.New()
	w := bufio.NewWriter(io.MultiWriter(f, sum))
	if err := encode(w, info.Ext, face, nil); err != nil {
		return "", Info{}, err
	}
	if err := w.Flush(); err != nil {
		return "", Info{}, err
	}
	stat, err := f.Stat()
	if err != nil {
		return "", Info{}, err
	}
	digest := sum.Sum(nil)
	info.Size, info.SHA256 = stat.Size(), hex.EncodeToString(digest)
	name = strings.ToLower(base32.StdEncoding.EncodeToString(digest))[:26] + info.Ext
	path := filepath.Join(dir, name)
	if there, err := os.Stat(path); err == nil && there.Size() == info.Size {
		now := time.Now() // it is wanted again
		return name, info, errors.Join(os.Chtimes(path, now, now), discard(f))
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", Info{}, err
	}
	return name, info, place(f, path)
}

// enter waits for a picture's turn to be decoded.
func (r *Resizer) enter(ctx context.Context) (leave func(), err error) {
	r.once.Do(func() { r.slot = make(chan struct{}, 1) })
	select {
	case r.slot <- struct{}{}:
		return func() { <-r.slot }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
