package media

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"
)

// pngKept are the chunks that say how a picture looks (PNG, third edition, 11.2 and
// 11.3), of those that move too. The others are texts, times and what programs add.
var pngKept = map[string]bool{
	"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true,
	"cHRM": true, "gAMA": true, "iCCP": true, "sBIT": true, "sRGB": true, "cICP": true, "mDCV": true, "cLLI": true,
	"bKGD": true, "hIST": true, "pHYs": true,
	"acTL": true, "fcTL": true, "fdAT": true,
}

// pngDepths are the bits that a sample may have, by colour type (table 8).
var pngDepths = map[byte]string{0: "\x01\x02\x04\x08\x10", 2: "\x08\x10", 3: "\x01\x02\x04\x08", 4: "\x08\x10", 6: "\x08\x10"}

// cleanPNG keeps the chunks that say how a picture looks, up to the last. Of EXIF
// the orientation stays.
func (k *keeper) cleanPNG() error {
	if err := k.copy(8); err != nil { // the signature, which sniff has seen
		return err
	}
	for seen := map[string]bool{}; ; {
		b, err := k.next(8)
		if err != nil {
			return err
		}
		head := [8]byte(b)
		n, name := int64(binary.BigEndian.Uint32(head[:])), string(head[4:])
		if n >= 1<<31 || seen["IHDR"] == (name == "IHDR") {
			return malformed("a PNG with a chunk out of place")
		}
		switch {
		case pngKept[name]:
			err = k.pngChunk(head[:], name, n)
			seen[name] = true
		case name == "eXIf":
			err = k.pngTurn(n)
		case name[0]&0x20 == 0: // critical: the picture is not the same without it (5.4)
			err = malformed("a PNG of a kind that browsers do not show")
		default:
			err = k.skip(n + 4)
		}
		if err != nil {
			return err
		}
		if name == "IEND" {
			if !seen["IDAT"] {
				return malformed("a PNG without a picture")
			}
			return nil
		}
	}
}

// pngChunk keeps a chunk and looks at what it declares.
func (k *keeper) pngChunk(head []byte, name string, n int64) error {
	b := k.peek(min(n, 26))
	switch {
	case name == "IHDR":
		if n != 13 || len(b) < 13 || !strings.Contains(pngDepths[b[9]], string(b[8:9])) {
			return malformed("a PNG with a header that cannot be read")
		}
		k.width, k.height = pngSize(b)
		if err := check(k.width, k.height); err != nil {
			return err
		}
		k.memory = k.area() * pngBytes(b[8], b[9])
		if b[12] != 0 {
			k.memory *= 2 // interlaced: every pass is a picture of its own
		}
	case name == "fcTL":
		if n != 26 || len(b) < 26 {
			return malformed("a PNG with a frame that cannot be read")
		}
		if err := k.frame(pngSize(b[4:])); err != nil {
			return err
		}
	case name == "IEND" && n != 0:
		return malformed("a PNG with an end that has something in it")
	case name == "iCCP" && k.wantProfile:
		k.remember(pngProfile(k.peek(n), n))
	}
	sum := crc32.NewIEEE()
	_, _ = sum.Write(head[4:]) // a hash takes everything
	if err := k.write(head); err != nil {
		return err
	}
	if err := k.copy(n, sum); err != nil {
		return err
	}
	if b = k.peek(4); len(b) == 4 && binary.BigEndian.Uint32(b) != sum.Sum32() {
		return malformed("a PNG with a wrong checksum")
	}
	return k.copy(4)
}

// pngBytes are those of a decoded pixel, which may be seen through.
func pngBytes(depth, colour byte) int64 {
	switch {
	case colour == 3: // palette
		return 1
	case depth == 16:
		return 8
	}
	return 4
}

func pngSize(b []byte) (width, height int) {
	return int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:]))
}

// pngTurn leaves a chunk of EXIF out and writes the orientation in its place.
func (k *keeper) pngTurn(n int64) error {
	exif := k.turn(k.peek(n))
	if err := k.skip(n + 4); err != nil || exif == nil {
		return err
	}
	return k.write(pngBlock("eXIf", exif))
}

// pngBlock makes a chunk.
func pngBlock(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// pngProfile unpacks the colour profile of an iCCP chunk of n bytes; nil where it
// is broken or large.
func pngProfile(b []byte, n int64) []byte {
	_, packed, found := bytes.Cut(b, []byte("\x00\x00")) // its name, method zero
	if !found || int64(len(b)) < n {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	profile, err := io.ReadAll(io.LimitReader(z, maxProfile))
	if err != nil {
		return nil
	}
	return profile
}
