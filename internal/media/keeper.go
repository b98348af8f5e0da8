package media

import (
	"bufio"
	"fmt"
	"io"
)

const (
	// bufferSize is what is read at once: the longest segment of a JPEG fits in.
	bufferSize = 64 << 10
	// maxPixels is the largest area that is kept: phones make 50 megapixels.
	maxPixels = 100_000_000
	// maxMoving is the largest area of all frames of a picture that moves together:
	// half an hour of film, but not what keeps a reader's browser busy for a day.
	maxMoving = 50 * maxPixels
	// maxProfile is how many bytes of a colour profile are read.
	maxProfile = 1 << 20
)

// facts are what a picture says of itself, of which no more is believed than that
// decoders will act on it.
type facts struct {
	width, height int
	rgb           bool  // a JPEG that may have its colours as they are
	orientation   int   // how it is shown, 1 to 8 as EXIF counts; 0 where nothing is said
	frames        int   // of a picture that moves
	moving        int64 // pixels of all frames
	memory        int64 // bytes that decoding it may take
}

// check refuses pictures that are too large to decode.
func check(width, height int) error {
	if width < 1 || height < 1 {
		return malformed("it has no size")
	}
	if int64(width)*int64(height) > maxPixels || width > maxPixels || height > maxPixels {
		return fmt.Errorf("%w: %d×%d pixels", ErrTooLarge, width, height)
	}
	return nil
}

// frame counts a frame of a picture that moves.
func (f *facts) frame(width, height int) error {
	if err := check(width, height); err != nil {
		return err
	}
	f.frames++
	f.moving += int64(width) * int64(height)
	if f.moving > maxMoving {
		return fmt.Errorf("%w: too many frames", ErrTooLarge)
	}
	return nil
}

// area is the number of pixels.
func (f *facts) area() int64 { return int64(f.width) * int64(f.height) }

// turned reports whether the picture is shown on its side.
func (f *facts) turned() bool { return f.orientation >= 5 }

// keeper carries a file from in to out and leaves out what is not to be kept. The
// functions that know a format return an error of in or out as it is.
type keeper struct {
	facts
	in    *bufio.Reader // of bufferSize
	out   *bufio.Writer
	kept  int64
	mends []mend

	wantProfile bool // whether the colour profile is remembered
	profile     []byte
}

// mend is what is known of the beginning of a file only at its end.
type mend struct {
	at    int64
	bytes []byte
}

// clean keeps a file of a type. What comes after the end of a picture is not read.
func (k *keeper) clean(mediaType string) error {
	switch mediaType {
	case "image/jpeg":
		return k.cleanJPEG()
	case "image/png":
		return k.cleanPNG()
	case "image/gif":
		return k.cleanGIF()
	case "image/webp":
		return k.cleanWebP()
	}
	n, err := io.Copy(k.out, k.in)
	k.kept = n
	return err
}

// next reads n bytes, at most bufferSize. They are good until more is read.
func (k *keeper) next(n int) ([]byte, error) {
	b, err := k.in.Peek(n)
	if err != nil {
		return nil, err
	}
	_, err = k.in.Discard(n)
	return b, err
}

// number reads a byte that says how many follow.
func (k *keeper) number() (int, error) {
	c, err := k.in.ReadByte()
	return int(c), err
}

// write keeps bytes.
func (k *keeper) write(parts ...[]byte) error {
	for _, b := range parts {
		n, err := k.out.Write(b)
		k.kept += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// copy keeps the next n bytes, and shows them to others besides.
func (k *keeper) copy(n int64, others ...io.Writer) error {
	for n > 0 {
		b, err := k.next(int(min(n, bufferSize/2)))
		if err != nil {
			return err
		}
		for _, w := range others {
			_, _ = w.Write(b) // a hash takes everything
		}
		if err := k.write(b); err != nil {
			return err
		}
		n -= int64(len(b))
	}
	return nil
}

// skip leaves the next n bytes out.
func (k *keeper) skip(n int64) error {
	_, err := io.CopyN(io.Discard, k.in, n)
	return err
}

// peek shows up to n of the bytes that come, for those who can do with fewer.
func (k *keeper) peek(n int64) []byte {
	b, _ := k.in.Peek(int(min(n, bufferSize))) // whoever reads them sees the error
	return b
}

// turn remembers the orientation that the first block of EXIF tells, and returns
// what is kept of it: nothing unless it turns the picture.
func (k *keeper) turn(exif []byte) []byte {
	if k.orientation != 0 {
		return nil
	}
	k.orientation = orientation(exif)
	if k.orientation < 2 {
		return nil
	}
	return turning(k.orientation)
}

// remember adds to the colour profile.
func (k *keeper) remember(profile []byte) {
	if k.wantProfile && len(k.profile)+len(profile) <= maxProfile {
		k.profile = append(k.profile, profile...)
	}
}

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }
