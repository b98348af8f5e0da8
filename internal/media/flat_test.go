package media_test

import (
	"bytes"
	"compress/zlib"
	"strings"
)

// Pictures of one colour, as large as wanted, which are made without one in memory.

const sof0, sof2 = 0xc0, 0xc2 // a JPEG all at once, and a progressive one

// flatJPEG has components with these sampling factors (T.81, B.2.2). In each of its
// blocks a zero says that it is as bright as the one before, another that this is all.
func flatJPEG(sof byte, w, h int, sampling ...byte) string {
	n := byte(len(sampling))
	frame, scan := "\x08"+be16(uint16(h), uint16(w))+string([]byte{n}), string([]byte{n})
	across, down, perMCU := 1, 1, 0
	for i, s := range sampling {
		frame += string([]byte{byte(i + 1), s, 0})
		scan += string([]byte{byte(i + 1), 0})
		if n > 1 {
			across, down = max(across, int(s>>4)), max(down, int(s&15))
			perMCU += int(s>>4) * int(s&15)
		}
	}
	bits := max(perMCU, 1) * ((w + 8*across - 1) / (8 * across)) * ((h + 8*down - 1) / (8 * down))
	last := "\x00\x3f\x00"
	if sof == sof2 {
		last = "\x00\x00\x00" // brightness alone
	} else {
		bits *= 2
	}
	oneCode := "\x01" + strings.Repeat("\x00", 16) // of one bit, for zero
	return "\xff\xd8" + segment(0xdb, "\x00"+strings.Repeat("\x01", 64)) + segment(sof, frame) +
		segment(0xc4, "\x00"+oneCode+"\x10"+oneCode) + segment(0xda, scan+last) +
		strings.Repeat("\x00", (bits+7)/8) + "\xff\xd9"
}

// turnedJPEG says how a picture was held.
func turnedJPEG(jpeg string, orientation uint16) string {
	return jpeg[:2] + segment(0xe1, "Exif\x00\x00"+turned(orientation)) + jpeg[2:]
}

// inked says that the four components are inks, as Adobe codes them.
func inked(jpeg string) string {
	return jpeg[:2] + segment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x02") + jpeg[2:]
}

// blankPNG is seen through, of four bytes for a pixel.
func blankPNG(w, h int) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	row := make([]byte, 1+4*w)
	for range h {
		_, _ = z.Write(row) // a Buffer takes everything
	}
	_ = z.Close()
	return pngOf(w, h, 8, 6, 0, b.String())
}

// pngOf says what it is; who does not decode it believes that.
func pngOf(w, h int, depth, colour, interlaced byte, data string) string {
	return "\x89PNG\r\n\x1a\n" + chunk("IHDR", be(uint32(w), uint32(h))+string([]byte{depth, colour, 0, 0, interlaced})) +
		chunk("IDAT", data) + chunk("IEND", "")
}

// blankAPNG moves between two frames.
func blankAPNG(w, h int) string {
	still := blankPNG(w, h)
	at := strings.Index(still, "IDAT") - 4
	frame := chunk("fcTL", be(0, uint32(w), uint32(h), 0, 0)+"\x00\x01\x00\x0a\x00\x00")
	return still[:at] + chunk("acTL", be(2, 0)) + frame + still[at:len(still)-12] + frame + chunk("fdAT", be(2)) + chunk("IEND", "")
}
