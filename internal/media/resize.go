package media

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/webp"
)

// sized is where variants lie, beside the files they were made of.
const sized = "sized"

// decoders read the pictures that variants can be made of.
var decoders = map[string]func(io.Reader) (image.Image, error){
	".jpg":  jpeg.Decode,
	".png":  png.Decode,
	".gif":  gif.Decode,
	".webp": webp.Decode,
}

// Variant is a smaller copy of a picture. Serve shows it under its name.
type Variant struct {
	Name   string // "k3v…q-640.jpg" for the picture "k3v…q.webp"
	Width  int    // pixels, as it is shown
	Height int
	Size   int64 // bytes
}

// In is the file of a variant, beside the picture in dir.
func (v Variant) In(dir string) string { return filepath.Join(dir, sized, v.Name) }

// Widths are those of the copies that sites show, in pixels: of a telephone, of a column
// of text, and of both on a screen with two pixels for one.
func Widths() []int { return []int{480, 960, 1600} }

// Smaller are the copies that a page can offer of a picture that is shown so wide, if
// Resize can make them: those of Widths that are narrower, under names that Serve answers
// to from the beginning, made or not. Height and Size are not known. There are none of a
// GIF, for most of them move.
func Smaller(name string, width int) (offers []Variant) {
	match := shape.FindStringSubmatch(name)
	if match == nil || match[2] != "" || match[3] == ".gif" || decoders[match[3]] == nil {
		return nil
	}
	for _, w := range Widths() {
		if w < width {
			offers = append(offers, Variant{Name: variantName(match[1], w, match[3]), Width: w})
		}
	}
	return offers
}

// Missing tells whether one of the Smaller copies of a picture in dir is not there.
func Missing(dir, name string, width int) bool {
	return slices.ContainsFunc(Smaller(name, width), func(v Variant) bool {
		_, standsIn := find(dir, v.Name)
		return standsIn
	})
}

// Look is what can be told of a picture without decoding it.
type Look struct {
	Width, Height int  // pixels, as it is shown: upright, whichever way the camera was held
	Whole         bool // there will be no smaller copies: it moves, it is too large, or it is narrow
}

// LookAt looks at a picture that Receive has kept in dir. Of what Resize cannot make
// smaller, such as sound and film, it is an ErrType.
func LookAt(dir, name string) (Look, error) {
	match := shape.FindStringSubmatch(name)
	if match == nil || match[2] != "" || decoders[match[3]] == nil {
		return Look{}, fmt.Errorf("look at %q: %w", name, ErrType)
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return Look{}, fmt.Errorf("look at a picture: %w", err)
	}
	defer f.Close()
	p, err := look(f, match[3])
	if err != nil {
		return Look{}, err
	}
	l := Look{Width: p.width, Height: p.height}
	if p.turned() {
		l.Width, l.Height = p.height, p.width
	}
	var widths []int
	for _, v := range Smaller(name, l.Width) {
		widths = append(widths, v.Width)
	}
	l.Whole = len(widths) == 0 || p.moves() || p.needs(widths) > most
	return l, nil
}

// most is what a picture may take while copies are made of it, in bytes: a photo of 50
// megapixels as telephones make them, one of 12 that is progressive, a drawing of 20. It is
// a good part of what a small machine has for everything.
const most = 100 << 20

// Resizer makes smaller copies of pictures, one at a time: they need up to 100 MiB. Its zero
// value is good, and its methods may be called at the same time.
type Resizer struct {
	once sync.Once
	slot chan struct{}
}

// Resize makes variants of a picture that Receive has kept in dir, as wide as asked
// for, and returns those that there are. They are upright, whichever way the camera
// was held, and have the picture's colour profile: JPEG, or PNG where something is
// transparent. There is none wider than the picture, nor of what moves, of AVIF, of
// sound and of film. A variant that is there already is not made again.
//
// A picture that needs too much memory is ErrTooLarge, one that cannot be decoded
// ErrMalformed, one that is not there fs.ErrNotExist.
func (r *Resizer) Resize(ctx context.Context, dir, name string, widths []int) ([]Variant, error) {
	match := shape.FindStringSubmatch(name)
	if match == nil || match[2] != "" {
		return nil, fmt.Errorf("resize %q: %w", name, fs.ErrNotExist)
	}
	stem, ext := match[1], match[3]
	if decoders[ext] == nil {
		return nil, nil
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("resize: %w", err)
	}
	defer f.Close()
	p, err := look(f, ext)
	if err != nil || p.moves() {
		return nil, err
	}
	var variants []Variant
	var missing []int
	widths = slices.Compact(slices.Sorted(slices.Values(widths)))
	for _, width := range widths {
		if width < 1 || width >= p.shownWidth() {
			continue
		}
		v, err := made(dir, stem, width)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, width)
		case err != nil:
			return nil, fmt.Errorf("resize %s: %w", name, err)
		default:
			variants = append(variants, v)
		}
	}
	if len(missing) == 0 {
		return variants, nil
	}
	more, err := r.make(ctx, dir, stem, p, missing)
	if err != nil {
		return nil, fmt.Errorf("resize %s: %w", name, err)
	}
	variants = append(variants, more...)
	slices.SortFunc(variants, func(a, b Variant) int { return a.Width - b.Width })
	return variants, nil
}

// picture is a file and what it says of itself.
type picture struct {
	facts
	file    *os.File
	ext     string
	profile []byte // ICC, of RGB; nil for none
}

// look reads a picture through without decoding it.
func look(f *os.File, ext string) (*picture, error) {
	k := &keeper{in: bufio.NewReaderSize(f, bufferSize), out: bufio.NewWriter(io.Discard), wantProfile: true}
	err := k.clean(mediaTypes[ext])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = malformed("it ends too soon")
	}
	if err != nil {
		return nil, fmt.Errorf("resize: %w", err)
	}
	p := &picture{facts: k.facts, file: f, ext: ext}
	if len(k.profile) > 20 && string(k.profile[16:20]) == "RGB " {
		p.profile = k.profile
	}
	return p, nil
}

// shownWidth is how wide the picture is when it stands upright.
func (p *picture) shownWidth() int {
	if p.turned() {
		return p.height
	}
	return p.width
}

// moves tells whether the picture has more than one frame, or is a WebP of frames, which
// nothing here can decode.
func (p *picture) moves() bool { return p.frames > 1 || p.ext == ".webp" && p.frames > 0 }

// needs is how many bytes the picture and its copies take. Those of one that is very much
// higher than wide may be larger than most pictures.
func (p *picture) needs(widths []int) int64 {
	n := p.memory
	for _, width := range widths {
		w, h := p.sizeOf(width)
		n += 4 * int64(w) * int64(h)
	}
	return n
}

// variantExts are what variants are kept as.
var variantExts = []string{".jpg", ".png"}

// made finds a variant that was made before.
func made(dir, stem string, width int) (Variant, error) {
	var v Variant
	err := error(fs.ErrNotExist)
	for _, ext := range variantExts {
		v.Name = variantName(stem, width, ext)
		var f *os.File
		if f, err = os.Open(filepath.Join(dir, sized, v.Name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Variant{}, err
		}
		defer f.Close()
		stat, err := f.Stat()
		if err != nil {
			return Variant{}, err
		}
		config, _, err := image.DecodeConfig(bufio.NewReader(f))
		v.Width, v.Height, v.Size = config.Width, config.Height, stat.Size()
		return v, err
	}
	return Variant{}, err
}

func variantName(stem string, width int, ext string) string {
	return stem + "-" + strconv.Itoa(width) + ext
}

// make decodes a picture when it is its turn, and writes variants of it.
func (r *Resizer) make(ctx context.Context, dir, stem string, p *picture, widths []int) ([]Variant, error) {
	if p.needs(widths) > most {
		return nil, fmt.Errorf("%w: %d×%d pixels", ErrTooLarge, p.width, p.height)
	}
	leave, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if p.memory > most/8 {
		// Else it would stay until as much again is asked for, most likely by the next one.
		defer debug.FreeOSMemory()
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, err := decoders[p.ext](bufio.NewReader(p.file))
	if err != nil {
		return nil, malformed(err.Error())
	}
	var variants []Variant
	for _, width := range widths {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		small := p.scale(img, width)
		v := Variant{Width: small.Rect.Dx(), Height: small.Rect.Dy()}
		if v.Name, v.Size, err = keepVariant(dir, stem, small, p.profile); err != nil {
			return nil, err
		}
		variants = append(variants, v)
	}
	return variants, nil
}

// keepVariant writes a variant as Receive writes a file.
func keepVariant(dir, stem string, img *image.RGBA, profile []byte) (name string, size int64, err error) {
	if err := os.Mkdir(filepath.Join(dir, sized), 0o700); err == nil {
		err = syncDir(dir)
		if err != nil {
			return "", 0, err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return "", 0, err
	}
	f, err := create(dir)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, discard(f))
		}
	}()
	ext := ".png"
	if img.Opaque() {
		ext = ".jpg"
	}
	w := bufio.NewWriter(f)
	if err := encode(w, ext, img, profile); err != nil {
		return "", 0, err
	}
	if err := w.Flush(); err != nil {
		return "", 0, err
	}
	stat, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	name = variantName(stem, img.Rect.Dx(), ext)
	return name, stat.Size(), place(f, filepath.Join(dir, sized, name))
}

// original finds the file that a variant was made of, "" where it is gone.
func original(dir, variant string) string {
	stem, _, _ := strings.Cut(variant, "-")
	for ext := range decoders {
		if _, err := os.Lstat(filepath.Join(dir, stem+ext)); err == nil {
			return stem + ext
		}
	}
	return ""
}
