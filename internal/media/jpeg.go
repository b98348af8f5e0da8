package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
)

// The markers of ITU T.81, table B.1, that mean something here.
const (
	jpegSOF0  = 0xc0
	jpegSOF2  = 0xc2
	jpegDHT   = 0xc4
	jpegRST0  = 0xd0
	jpegRST7  = 0xd7
	jpegEOI   = 0xd9
	jpegSOS   = 0xda
	jpegDQT   = 0xdb
	jpegDNL   = 0xdc
	jpegDRI   = 0xdd
	jpegAPP0  = 0xe0
	jpegAPP1  = 0xe1
	jpegAPP2  = 0xe2
	jpegAPP14 = 0xee
	jpegAPP15 = 0xef
	jpegCOM   = 0xfe
)

// maxScans is how often a progressive picture may go over all its pixels. Encoders
// make about ten scans; every one of thousands would cost a decoder as much as a picture.
const maxScans = 200

// jpegProfile begins a segment with a piece of the colour profile, then come its
// number and how many there are (ICC.1, B.4).
const jpegProfile = "ICC_PROFILE\x00"

// cleanJPEG keeps the segments that a decoder needs, JFIF, the colour profile, and
// Adobe's, which says how colours are coded. Everything else goes: EXIF and XMP in
// APP1, further pictures (MPF) in APP2, credentials in APP11, IPTC in APP13, comments.
// Of EXIF the orientation stays. The file ends where the picture does: what phones
// put behind it, a film or a second picture, has a place in it too.
func (k *keeper) cleanJPEG() error {
	if err := k.copy(2); err != nil { // SOI, which sniff has seen
		return err
	}
	scans, inScan := 0, false
	for {
		marker, fill, err := k.jpegMarker(inScan)
		if err != nil {
			return err
		}
		inScan = false
		if marker == 0 {
			continue // no marker: left out
		}
		if marker == jpegEOI {
			if scans == 0 {
				return malformed("a JPEG without a picture")
			}
			if k.rgb {
				k.memory += 4 * k.area()
			}
			return k.write(fill, []byte{0xff, jpegEOI})
		}
		payload, err := k.jpegSegment(marker)
		if err != nil {
			return err
		}
		if payload != nil {
			n := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(payload)+2))
			if err := k.write(fill, n, payload); err != nil {
				return err
			}
		}
		if marker == jpegSOS {
			if scans++; scans > maxScans || k.width == 0 {
				return malformed("a JPEG with scans that make no picture")
			}
			if err := k.jpegScan(); err != nil {
				return err
			}
			inScan = true
		}
	}
}

// jpegMarker reads the next marker, 0 for none, and the fill bytes before it. Stray
// bytes between segments are passed over, as decoders do. After a scan its first
// byte is read already.
func (k *keeper) jpegMarker(begun bool) (marker byte, fill []byte, err error) {
	for !begun {
		c, err := k.in.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		begun = c == 0xff
	}
	for {
		c, err := k.in.ReadByte()
		if err != nil || c != 0xff {
			return c, fill, err
		}
		if len(fill) < 255 {
			fill = append(fill, 0xff)
		}
	}
}

// jpegSegment reads a segment and returns what of it is kept, nil for nothing.
func (k *keeper) jpegSegment(marker byte) ([]byte, error) {
	if marker < jpegSOF0 || marker >= jpegRST0 && marker <= jpegEOI {
		return nil, malformed("a JPEG with a marker out of place")
	}
	length, err := k.next(2)
	if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(length)) - 2
	if n < 0 {
		return nil, malformed("a JPEG with a segment of no length")
	}
	b, err := k.next(n)
	switch {
	case err != nil:
		return nil, err
	case marker <= jpegSOF2:
		return b, k.jpegFrame(marker, b)
	case marker == jpegDHT, marker == jpegSOS, marker == jpegDQT, marker == jpegDNL, marker == jpegDRI:
		return b, nil
	case marker >= jpegAPP0 && marker <= jpegAPP15:
		return k.jpegApplication(marker, b), nil
	case marker == jpegCOM:
		return nil, nil
	}
	return nil, malformed("a JPEG of a kind that browsers do not show")
}

// jpegApplication returns what is kept of a segment that applications write.
func (k *keeper) jpegApplication(marker byte, b []byte) []byte {
	switch {
	case marker == jpegAPP0 && bytes.HasPrefix(b, []byte("JFIF\x00")) && len(b) >= 14:
		return append(bytes.Clone(b[:12]), 0, 0) // without the preview
	case marker == jpegAPP1 && bytes.HasPrefix(b, []byte("Exif\x00\x00")):
		if exif := k.turn(b); exif != nil {
			return append([]byte("Exif\x00\x00"), exif...)
		}
	case marker == jpegAPP2 && bytes.HasPrefix(b, []byte(jpegProfile)) && len(b) > len(jpegProfile)+2:
		k.remember(b[len(jpegProfile)+2:])
		return b
	case marker == jpegAPP14 && bytes.HasPrefix(b, []byte("Adobe")) && len(b) >= 12:
		k.rgb = k.rgb || b[11] == 0
		return b[:12]
	}
	return nil
}

// jpegFrame reads a frame header (T.81, B.2.2).
func (k *keeper) jpegFrame(marker byte, b []byte) error {
	if k.width != 0 || len(b) < 6 || len(b) != 6+3*int(b[5]) || b[0] != 8 {
		return malformed("a JPEG with a frame that cannot be read")
	}
	k.height, k.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	if err := check(k.width, k.height); err != nil {
		return err
	}
	k.memory = jpegSamples(k.width, k.height, b[6:])
	if marker == jpegSOF2 {
		k.memory *= 5 // every coefficient waits for the last scan, in four bytes
	}
	if b[5] == 4 || b[5] == 3 && b[6] == 'R' {
		k.memory += 4 * k.area() // inks, or colours that are not coded, become pixels
	}
	return nil
}

// jpegSamples counts the samples of all components, each with so many in a block of the
// picture (T.81, A.1.1): most pictures have half as many of the two colours in a row, and
// half the rows of them.
func jpegSamples(width, height int, components []byte) (n int64) {
	if len(components) == 3 { // one component is not divided, whatever it says
		components = []byte{0, 0x11, 0}
	}
	across, down := 1, 1
	for i := 1; i < len(components); i += 3 {
		across, down = max(across, int(components[i]>>4)), max(down, int(components[i]&15))
	}
	blocks := int64((width+8*across-1)/(8*across)) * int64((height+8*down-1)/(8*down))
	for i := 1; i < len(components); i += 3 {
		n += blocks * 64 * int64(components[i]>>4) * int64(components[i]&15)
	}
	return n
}

// jpegScan keeps what is coded up to the next marker, of which it reads the first
// byte. A zero or a restart after that byte belongs to what is coded.
func (k *keeper) jpegScan() error {
	for {
		b, err := k.in.ReadSlice(0xff)
		if errors.Is(err, bufio.ErrBufferFull) {
			if err := k.write(b); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := k.write(b[:len(b)-1]); err != nil {
			return err
		}
		follows, err := k.in.Peek(1)
		if err != nil {
			return err
		}
		if c := follows[0]; c != 0 && (c < jpegRST0 || c > jpegRST7) {
			return nil
		}
		if err := k.write([]byte{0xff}); err != nil {
			return err
		}
		if err := k.copy(1); err != nil {
			return err
		}
	}
}
