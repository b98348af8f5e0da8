package media

import "encoding/binary"

const (
	webpXMP  = 0x04 // the flags of VP8X (RFC 9649, section 2.7.1)
	webpEXIF = 0x08

	webpFlags = 20 // where they stand: after RIFF, size, WEBP, VP8X, size
)

// webpFile is a file on its way. The layout is that of RFC 9649, section 2.
type webpFile struct {
	*keeper
	extended bool
	wantEXIF bool
	flags    byte
	images   int
	perPixel int64 // bytes that decoding may take
}

// cleanWebP keeps the chunks that say how a picture looks. EXIF and XMP go, and
// what nobody knows; of EXIF the orientation stays. Sizes and flags follow.
func (k *keeper) cleanWebP() error {
	b, err := k.next(12)
	if err != nil {
		return err
	}
	left := int64(binary.LittleEndian.Uint32(b[4:])) - 4
	if err := k.write(b); err != nil {
		return err
	}
	w := &webpFile{keeper: k}
	for first := true; left > 0; first = false {
		name, n, head, err := w.chunk(&left)
		if err != nil {
			return err
		}
		if first {
			err = w.begin(name, head, n)
		} else {
			err = w.follow(name, head, n)
		}
		if err != nil {
			return err
		}
	}
	return w.end()
}

// begin keeps the first chunk, which is the picture, or says that there is more.
func (w *webpFile) begin(name string, head []byte, n int64) error {
	switch name {
	case "VP8X":
		return w.canvas(head, n)
	case "VP8 ", "VP8L":
		return w.image(name, head, n)
	}
	return malformed("a WebP without a picture")
}

// follow keeps or leaves out another chunk.
func (w *webpFile) follow(name string, head []byte, n int64) error {
	if name == "VP8 " || name == "VP8L" {
		return w.image(name, head, n)
	}
	if !w.extended {
		return w.skip(n + n&1) // a file of one chunk has no others
	}
	switch name {
	case "ANMF":
		return w.motion(head, n)
	case "ICCP":
		if n <= bufferSize {
			w.remember(w.peek(n))
		}
		return w.pass(head, n)
	case "ALPH":
		w.perPixel += webpBytes[name]
		return w.pass(head, n)
	case "ANIM":
		return w.pass(head, n)
	case "EXIF":
		return w.turn(n)
	}
	return w.skip(n + n&1)
}

// end writes down what is known now of the beginning.
func (w *webpFile) end() error {
	if w.images == 0 {
		return malformed("a WebP without a picture")
	}
	w.memory = w.area() * w.perPixel
	w.mends = append(w.mends, mend{4, binary.LittleEndian.AppendUint32(nil, uint32(w.kept-8))})
	if w.extended {
		w.mends = append(w.mends, mend{webpFlags, []byte{w.flags}})
	}
	return nil
}

// webpBytes are those that a pixel takes while a picture is decoded, with what the decoder
// needs besides; transparency is a picture of its own.
var webpBytes = map[string]int64{"VP8 ": 2, "VP8L": 8, "ALPH": 9}

// chunk reads the head of a chunk and takes the whole of it from what is left.
func (w *webpFile) chunk(left *int64) (name string, n int64, head []byte, err error) {
	b, err := w.next(8)
	if err != nil {
		return "", 0, nil, err
	}
	head = append(head, b...)
	n = int64(binary.LittleEndian.Uint32(b[4:]))
	if *left -= 8 + n + n&1; *left < 0 {
		return "", 0, nil, malformed("a WebP with a chunk that is too long")
	}
	return string(head[:4]), n, head, nil
}

// pass keeps a chunk and the zero that makes it even.
func (w *webpFile) pass(head []byte, n int64) error {
	if err := w.write(head); err != nil {
		return err
	}
	if err := w.copy(n); err != nil || n&1 == 0 {
		return err
	}
	if err := w.skip(1); err != nil {
		return err
	}
	return w.write([]byte{0})
}

// canvas reads VP8X, the size of the whole. Its flags are written anew at the end.
func (w *webpFile) canvas(head []byte, n int64) error {
	b := w.peek(n)
	if n != 10 || len(b) < 10 {
		return malformed("a WebP with a header that cannot be read")
	}
	w.extended, w.flags = true, b[0]&^(webpXMP|webpEXIF)
	w.wantEXIF = b[0]&webpEXIF != 0
	w.width, w.height = 1+uint24(b[4:]), 1+uint24(b[7:])
	if err := check(w.width, w.height); err != nil {
		return err
	}
	return w.pass(head, n)
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// image keeps the picture, which has the size of the canvas.
func (w *webpFile) image(name string, head []byte, n int64) error {
	if w.images > 0 {
		return malformed("a WebP with two pictures")
	}
	width, height := bitstreamSize(name, w.peek(min(n, 10)))
	if err := check(width, height); err != nil {
		return err
	}
	if !w.extended {
		w.width, w.height = width, height
	}
	if width != w.width || height != w.height {
		return malformed("a WebP with a picture larger or smaller than it says")
	}
	w.images++
	w.perPixel += webpBytes[name]
	return w.pass(head, n)
}

// bitstreamSize reads the size of a picture from its first ten bytes, of VP8 (RFC
// 6386, 9.1) or of VP8L (RFC 9649, 3.4). It is zero where they are no picture.
func bitstreamSize(name string, b []byte) (width, height int) {
	switch {
	case name == "VP8 " && len(b) == 10 && b[0]&1 == 0 && string(b[3:6]) == "\x9d\x01\x2a":
		return int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff)
	case name == "VP8L" && len(b) >= 5 && b[0] == 0x2f:
		bits := binary.LittleEndian.Uint32(b[1:])
		return 1 + int(bits&0x3fff), 1 + int(bits>>14&0x3fff)
	}
	return 0, 0
}

// motion keeps a frame, which has chunks of its own: a picture and its transparency.
func (w *webpFile) motion(head []byte, n int64) error {
	b := w.peek(min(n, 16))
	if len(b) < 16 || n&1 != 0 {
		return malformed("a WebP with a frame that cannot be read")
	}
	width, height := 1+uint24(b[6:]), 1+uint24(b[9:])
	if err := w.frame(width, height); err != nil {
		return err
	}
	if err := w.write(head); err != nil {
		return err
	}
	if err := w.copy(16); err != nil {
		return err
	}
	w.images++
	for left := n - 16; left > 0; {
		name, n, head, err := w.chunk(&left)
		if err != nil {
			return err
		}
		if name != "ALPH" {
			if inner, high := bitstreamSize(name, w.peek(min(n, 10))); inner != width || high != height {
				return malformed("a WebP with a frame that is no picture")
			}
		}
		if err := w.pass(head, n); err != nil {
			return err
		}
	}
	return nil
}

// turn leaves EXIF out and writes the orientation in its place. Where the header
// does not announce EXIF, browsers do not look for it.
func (w *webpFile) turn(n int64) error {
	var exif []byte
	if w.wantEXIF {
		exif = w.keeper.turn(w.peek(n))
	}
	if err := w.skip(n + n&1); err != nil || exif == nil {
		return err
	}
	w.flags |= webpEXIF
	return w.write(binary.LittleEndian.AppendUint32([]byte("EXIF"), uint32(len(exif))), exif)
}
