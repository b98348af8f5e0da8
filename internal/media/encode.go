package media

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// quality is that of variants: what is lost below it shows on skies.
const quality = 82

// encode writes a JPEG or a PNG with a colour profile.
func encode(w io.Writer, ext string, img image.Image, profile []byte) error {
	if ext == ".jpg" {
		return jpeg.Encode(&splice{w: w, after: 2, what: jpegProfiles(profile)}, img, &jpeg.Options{Quality: quality})
	}
	const header = 8 + 8 + 13 + 4 // the signature and IHDR
	return png.Encode(&splice{w: w, after: header, what: pngProfiles(profile)}, img)
}

// jpegProfiles are the segments of a colour profile (ICC.1, B.4).
func jpegProfiles(profile []byte) (segments []byte) {
	const most = 65_000
	n := (len(profile) + most - 1) / most
	for i := range n {
		piece := profile[i*most : min((i+1)*most, len(profile))]
		segments = append(segments, 0xff, jpegAPP2)
		segments = binary.BigEndian.AppendUint16(segments, uint16(2+len(jpegProfile)+2+len(piece)))
		segments = append(append(segments, jpegProfile...), byte(i+1), byte(n))
		segments = append(segments, piece...)
	}
	return segments
}

// pngProfiles is the chunk of a colour profile (PNG, 11.3.2.3).
func pngProfiles(profile []byte) []byte {
	if profile == nil {
		return nil
	}
	var b bytes.Buffer
	b.WriteString("ICC\x00\x00") // its name, method zero
	z := zlib.NewWriter(&b)
	_, _ = z.Write(profile) // a Buffer takes everything
	_ = z.Close()
	return pngBlock("iCCP", b.Bytes())
}

// splice writes something into what is written after so many bytes.
type splice struct {
	w     io.Writer
	after int
	what  []byte
}

func (s *splice) Write(p []byte) (int, error) {
	if s.what == nil || len(p) < s.after {
		s.after -= len(p)
		return s.w.Write(p)
	}
	n, err := s.w.Write(p[:s.after])
	if err != nil {
		return n, err
	}
	if _, err := s.w.Write(s.what); err != nil {
		return n, err
	}
	s.what = nil
	more, err := s.w.Write(p[n:])
	return n + more, err
}
