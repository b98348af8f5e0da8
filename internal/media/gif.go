package media

import (
	"encoding/binary"
	"io"
)

// gifKept are the application extensions that say how a picture looks: how often
// it is repeated, and its colour profile.
var gifKept = map[string]bool{"NETSCAPE2.0": true, "ANIMEXTS1.0": true, "ICCRGBG1012": true}

const (
	gifExtension   = 0x21
	gifImage       = 0x2c
	gifTrailer     = 0x3b
	gifControl     = 0xf9
	gifApplication = 0xff
)

// cleanGIF keeps the pictures and what says how they are shown, up to the trailer.
// Comments, texts and the extensions of programs go, XMP among them (GIF89a, 23 to 26).
func (k *keeper) cleanGIF() error {
	b := k.peek(13)
	if len(b) < 13 {
		return malformed("a GIF without a picture")
	}
	k.width, k.height = int(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[8:]))
	if err := check(k.width, k.height); err != nil {
		return err
	}
	k.memory = k.area()
	if err := k.copy(13 + colours(b[10])); err != nil {
		return err
	}
	for {
		kind, err := k.in.ReadByte()
		if err == io.EOF && k.frames > 0 {
			kind, err = gifTrailer, nil // some programs forget it
		}
		if err != nil {
			return err
		}
		switch kind {
		case gifExtension:
			err = k.gifExtension()
		case gifImage:
			err = k.gifImage()
		case gifTrailer:
			if k.frames == 0 {
				return malformed("a GIF without a picture")
			}
			return k.write([]byte{gifTrailer})
		default:
			return malformed("a GIF with a block that nobody knows")
		}
		if err != nil {
			return err
		}
	}
}

// colours is the length of the colour table that flags announce.
func colours(flags byte) int64 {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

func (k *keeper) gifExtension() error {
	label, err := k.in.ReadByte()
	if err != nil {
		return err
	}
	name := ""
	if b := k.peek(12); label == gifApplication && len(b) == 12 && b[0] == 11 {
		name = string(b[1:])
	}
	if label != gifControl && !gifKept[name] {
		return k.gifBlocks(false)
	}
	if err := k.write([]byte{gifExtension, label}); err != nil {
		return err
	}
	return k.gifBlocks(true)
}

func (k *keeper) gifImage() error {
	b := k.peek(9)
	if len(b) < 9 {
		return malformed("a GIF with a picture cut short")
	}
	if err := k.frame(int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))); err != nil {
		return err
	}
	if err := k.write([]byte{gifImage}); err != nil {
		return err
	}
	if err := k.copy(9 + colours(b[8]) + 1); err != nil { // and the size of the first code
		return err
	}
	return k.gifBlocks(true)
}

// gifBlocks keeps or leaves out blocks of data up to an empty one.
func (k *keeper) gifBlocks(keep bool) error {
	for {
		n, err := k.number()
		if err != nil {
			return err
		}
		if !keep {
			err = k.skip(int64(n))
		} else if err = k.write([]byte{byte(n)}); err == nil {
			err = k.copy(int64(n))
		}
		if err != nil || n == 0 {
			return err
		}
	}
}
