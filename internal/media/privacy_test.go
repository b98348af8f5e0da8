package media_test

import (
	"bytes"
	"errors"
	"image"
	"image/draw"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	_ "golang.org/x/image/webp"

	"tertulia/internal/media"
)

// receive keeps a file and reads it back.
func receive(t testing.TB, b string) (kept string, info media.Info, err error) {
	t.Helper()
	dir := t.TempDir()
	name, info, err := media.Receive(dir, iotest.HalfReader(strings.NewReader(b)), 64<<20)
	if err != nil {
		return "", info, err
	}
	whole, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(whole), info, nil
}

// cases are files that give away a place, and what is kept of them.
func cases(t testing.TB) map[string][2]string {
	mp4, cleanMP4 := film("isomiso2avc1")
	mov, cleanMOV := film("qt  qt  ")
	m4a, cleanM4A := film("M4A mp42")
	still, cleanStill := avif()
	upright := plainJPEG(t, 16, 8)
	scans := flatJPEG(sof2, 64, 64, 0x22, 0x11, 0x11)
	scans = scans[:len(scans)-2] + segment(0xda, "\x01\x01\x00\x00\x00\x01") + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\xff\xd9"
	cut := strings.LastIndex(scans, "\xff\xda")
	head, rest := plainPNG(t, 16, 8, 255)
	end := chunk("IEND", "")
	return map[string][2]string{
		"jpeg":             {cameraJPEG(t, 16, 8, 6), keptJPEG(t, 16, 8, 6)},
		"jpeg upright":     {cameraJPEG(t, 16, 8, 1), keptJPEG(t, 16, 8, 1)},
		"jpeg turned":      {cameraJPEG(t, 16, 8, 9), keptJPEG(t, 16, 8, 1)},
		"png":              {cameraPNG(t, 16, 8, 255, 8), keptPNG(t, 16, 8, 255, 8)},
		"webp":             {cameraWebP(16, 8, 6), keptWebP(16, 8, 6)},
		"webp of one part": {webpFile(vp8l(16, 8), riff("EXIF", exif(6)), riff("ICCP", place)) + place, webpFile(vp8l(16, 8))},
		"webp that moves": {
			webpFile(vp8x(0x0e, 16, 8), riff("ANIM", "\x00\x00\x00\x00\x00\x00"), anmf(16, 8), anmf(8, 8), riff("XMP ", xmp)),
			webpFile(vp8x(0x02, 16, 8), riff("ANIM", "\x00\x00\x00\x00\x00\x00"), anmf(16, 8), anmf(8, 8)),
		},
		"webp flag alone":     {webpFile(vp8x(0x0c, 16, 8), vp8l(16, 8)), webpFile(vp8x(0, 16, 8), vp8l(16, 8))},
		"gif":                 {cameraGIF(t), movingGIF(t, "")},
		"gif without trailer": {strings.TrimSuffix(movingGIF(t, ""), ";"), movingGIF(t, "")},
		"avif":                {still, cleanStill},
		// As telephones write them: XMP in pieces, previews with EXIF of their own that MPF points
		// to, and behind the picture a film with a place, which is found from its end.
		"jpeg with extended xmp": {
			upright[:2] + segment(0xe1, "Exif\x00\x00"+exif(6)) + segment(0xe1, "http://ns.adobe.com/xmp/extension/\x00"+strings.Repeat("0", 32)+be(9, 0)+place) + upright[2:],
			turnedJPEG(upright, 6),
		},
		"jpeg with mpf": {
			upright[:2] + segment(0xe1, "Exif\x00\x00"+exif(3)) + segment(0xe2, "MPF\x00II*\x00"+le(8)+place) + upright[2:] +
				cameraJPEG(t, 8, 8, 6) + cameraJPEG(t, 4, 4, 6),
			turnedJPEG(upright, 3),
		},
		"jpeg with a film":           {upright + mp4 + "image_UTC_Data" + place + "SEFHe" + le(107) + "SEFT", upright},
		"jpeg with motion":           {upright[:2] + segment(0xe1, strings.Replace(xmp, "exif:", "Camera:MotionPhoto='1' exif:", 1)) + upright[2:] + mov, upright},
		"jpeg between scans":         {scans[:cut] + segment(0xe1, "Exif\x00\x00"+exif(1)) + segment(0xfe, place) + segment(0xed, place) + scans[cut:], scans},
		"jpeg with EXIF that is odd": {upright[:2] + segment(0xe1, "Exif\x00\xff"+exif(6)) + segment(0xe1, "exif\x00\x00"+exif(6)) + segment(0xe1, "") + upright[2:], upright},
		"png with texts": {
			head + chunk("zTXt", "Raw profile type exif\x00\x00"+deflate(exif(6))) + chunk("iTXt", "XML:com.adobe.xmp\x00\x01\x00\x00\x00"+deflate(xmp)) +
				strings.TrimSuffix(rest, end) + chunk("eXIf", exif(8)) + chunk("tEXt", "Location\x00"+place) + chunk("zxIf", exif(6)) + end,
			head + strings.TrimSuffix(rest, end) + chunk("eXIf", turned(8)) + end,
		},
		"webp with more of each": {
			webpFile(vp8x(0x0c, 16, 8), vp8l(16, 8), riff("EXIF", "Exif\x00\x00"+exif(6)), riff("EXIF", exif(1)), riff("XMP ", xmp), riff("exif", exif(6)), riff("C2PA", place)),
			webpFile(vp8x(0x08, 16, 8), vp8l(16, 8), riff("EXIF", turned(6))),
		},
		"mp4": {mp4, cleanMP4},
		"mov": {mov, cleanMOV},
		"m4a": {m4a, cleanM4A},
	}
}

// pixels decodes what the standard library and x/image can decode.
func pixels(t *testing.T, b string) []byte {
	t.Helper()
	img, _, err := image.Decode(strings.NewReader(b))
	if errors.Is(err, image.ErrFormat) || strings.HasPrefix(b[4:], "ftyp") || strings.Contains(b, "ANMF") {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	rgba := image.NewRGBA(img.Bounds())
	draw.Draw(rgba, rgba.Rect, img, rgba.Rect.Min, draw.Src)
	return rgba.Pix
}

func TestReceiveTakesOutWhereAPictureWasTaken(t *testing.T) {
	for name, test := range cases(t) {
		t.Run(name, func(t *testing.T) {
			kept, info, err := receive(t, test[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{place, "GEHEIM", coordinates, coordinates[:8], "48.2082"} {
				if strings.Contains(kept, secret) {
					t.Errorf("%q is still there", secret)
				}
			}
			if kept != test[1] {
				t.Errorf("kept\n%q, want\n%q", kept, test[1])
			}
			if !bytes.Equal(pixels(t, kept), pixels(t, test[0])) {
				t.Error("the picture looks different")
			}
			if info.Size != int64(len(kept)) {
				t.Errorf("got size %d, want %d", info.Size, len(kept))
			}
			again, _, err := receive(t, kept)
			if err != nil || again != kept {
				t.Errorf("received again: %v, %d bytes, want the same %d", err, len(again), len(kept))
			}
		})
	}
}

// A file that is cut anywhere is refused, or is what it would have been whole. Films
// and GIFs that are cut between two parts are whole, but shorter.
func TestReceiveRefusesFilesCutShort(t *testing.T) {
	for name, test := range cases(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for n := 1; n < len(test[0]); n += 1 + n/99 {
				kept, info, err := media.Receive(dir, strings.NewReader(test[0][:n]), limit)
				if err == nil && info.Size != int64(len(test[1])) && !strings.Contains(".gif .mp4 .mov .m4a", path.Ext(kept)) {
					t.Errorf("cut at %d of %d: kept %d bytes, want an error or %d", n, len(test[0]), info.Size, len(test[1]))
				}
				if err != nil && !errors.Is(err, media.ErrType) {
					t.Errorf("cut at %d: %v", n, err)
				}
			}
		})
	}
}

func TestReceiveRefusesWhatItCannotFollow(t *testing.T) {
	jpeg := plainJPEG(t, 16, 8)
	head, rest := plainPNG(t, 16, 8, 255)
	sof := strings.Index(jpeg, "\xff\xc0")
	mdat := uint32(len(ftyp("isomiso2")) + 8)
	for name, test := range map[string]struct {
		bytes string
		err   error
	}{
		"jpeg without an end":       {jpeg[:len(jpeg)-2], media.ErrMalformed},
		"jpeg without a picture":    {"\xff\xd8\xff\xd9", media.ErrMalformed},
		"jpeg twice begun":          {jpeg[:2] + jpeg, media.ErrMalformed},
		"jpeg of no length":         {jpeg[:2] + "\xff\xe1\x00\x01" + jpeg[2:], media.ErrMalformed},
		"jpeg lossless":             {strings.Replace(jpeg, "\xff\xc0", "\xff\xc3", 1), media.ErrMalformed},
		"jpeg of no height":         {jpeg[:sof+5] + "\x00\x00" + jpeg[sof+7:], media.ErrMalformed},
		"jpeg bomb":                 {jpeg[:sof+5] + "\xff\xff\xff\xff" + jpeg[sof+9:], media.ErrTooLarge},
		"jpeg of many scans":        {jpeg[:len(jpeg)-2] + strings.Repeat(segment(0xda, "\x01\x01\x00\x00\x3f\x00"), 300) + "\xff\xd9", media.ErrMalformed},
		"png of wrong sum":          {head[:32] + "x" + rest, media.ErrMalformed},
		"png of an unknown part":    {head + chunk("CgBI", "") + rest, media.ErrMalformed},
		"png without a picture":     {head + chunk("IEND", ""), media.ErrMalformed},
		"png begun twice":           {head + head[8:] + rest, media.ErrMalformed},
		"png of an odd depth":       {head[:8] + chunk("IHDR", be(1, 1)+"\x03\x02\x00\x00\x00") + rest, media.ErrMalformed},
		"png that ends with a text": {head + strings.TrimSuffix(rest, chunk("IEND", "")) + chunk("IEND", place), media.ErrMalformed},
		"apng bomb":                 {head + strings.Repeat(chunk("fcTL", be(0, 10_000, 10_000, 0, 0)+"\x00\x00\x00\x00\x00\x00"), 51) + rest, media.ErrTooLarge},
		"gif of an unknown part":    {strings.Replace(movingGIF(t, "X"), "X", "\x99", 1), media.ErrMalformed},
		"gif bomb":                  {"GIF89a" + "\xff\xff\xff\xff\x00\x00\x00;", media.ErrTooLarge},
		"gif of large frames":       {movingGIF(t, strings.Repeat(",\x00\x00\x00\x00\x00\x24\x00\x24\x00\x02\x00", 60)), media.ErrTooLarge},
		"webp of two pictures":      {webpFile(vp8x(0, 3, 3), vp8l(3, 3), vp8l(3, 3)), media.ErrMalformed},
		"webp of another size":      {webpFile(vp8x(0, 3, 3), vp8l(9000, 9000)), media.ErrMalformed},
		"webp bomb":                 {webpFile(vp8l(16_000, 16_000)), media.ErrTooLarge},
		"webp of many frames":       {webpFile(vp8x(2, 9_999, 9_999), strings.Repeat(anmf(9_999, 9_999), 51)), media.ErrTooLarge},
		"webp frame of another":     {webpFile(vp8x(2, 3, 3), strings.Replace(anmf(3, 3), vp8l(3, 3), vp8l(4, 3), 1)), media.ErrMalformed},
		"webp frame with a text":    {webpFile(vp8x(2, 3, 3), riff("ANMF", strings.Repeat("\x00", 16)+riff("EXIF", exif(1)))), media.ErrMalformed},
		"avif bomb that moves":      {ftyp("avisavif") + sizes(ispe(3, 2)) + avisTrack(9_999, 9_999, 51), media.ErrTooLarge},
		"mp4 without contents":      {ftyp("isomiso2") + box("mdat", place), media.ErrMalformed},
		"mp4 with a box too long":   {ftyp("isomiso2") + box("moov", "\x00\x00\x01\x00udta"), media.ErrMalformed},
		"mp4 with a box too short":  {ftyp("isomiso2") + box("moov", "\x00\x00\x00\x07udta"), media.ErrMalformed},
		"mp4 of nothing but boxes":  {ftyp("isomiso2") + box("moov") + strings.Repeat(box("free"), 100_001), media.ErrMalformed},
		"mp4 data elsewhere":        {ftyp("isomiso2") + box("mdat", place) + box("moov", track("meta", mdat+1, uint32(len(place)))), media.ErrMalformed},
		"mp4 data everywhere": {ftyp("isomiso2") + box("mdat", strings.Repeat("x", 999)) + box("moov", strings.Repeat(track("camm", mdat, 999), 9)),
			media.ErrMalformed},
		"mp4 in fragments":     {ftyp("isomiso2") + box("mdat", place) + box("moof") + box("moov", track("text", mdat, 2)), media.ErrMalformed},
		"mp4 track of no kind": {ftyp("isomiso2") + box("moov", box("trak", place)), media.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := receive(t, test.bytes); !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
		})
	}
}

func avisTrack(w, h uint16, samples uint32) string {
	stsd := box("stsd", be(0, 1), box("av01", be(0, 0, 0, 0, 0, 0), be16(w, h)))
	return box("moov", box("trak", box("mdia", box("hdlr", be(0, 0), "pict"), box("minf", box("stbl", stsd, box("stsz", be(0, 5, samples)))))))
}

// The orientation is kept as EXIF 2.32 (4.6.2 and 4.6.4) has it, in either order of
// bytes, and what says it in another way says nothing.
func TestReceiveKeepsTheOrientation(t *testing.T) {
	tag := be16(0x0112, 3) + be(1) + be16(6, 0)
	for name, test := range map[string]struct {
		exif string
		kept bool
	}{
		"first":         {"MM\x00*" + be(8) + be16(1) + tag + be(0), true},
		"little-endian": {"II*\x00" + le(8) + "\x01\x00\x12\x01\x03\x00" + le(1) + "\x06\x00\x00\x00" + le(0), true},
		"at the end":    {"MM\x00*" + be(20) + place[:12] + be16(2) + be16(0x0100, 4) + be(1, 30) + tag, true},
		"other order":   {"MM*\x00" + be(8) + be16(1) + tag + be(0), false},
		"two of them":   {"MM\x00*" + be(8) + be16(1) + strings.Replace(tag, be(1), be(2), 1) + be(0), false},
		"long":          {"MM\x00*" + be(8) + be16(1) + strings.Replace(tag, "\x00\x03", "\x00\x04", 1) + be(0), false},
		"nine":          {"MM\x00*" + be(8) + be16(1) + strings.Replace(tag, "\x06", "\x09", 1) + be(0), false},
		"nowhere":       {"MM\x00*" + be(1<<31) + be16(1) + tag + be(0), false},
		"cut":           {"MM\x00*" + be(8) + be16(1) + tag[:11], false},
		"empty":         {"", false},
	} {
		plain := plainJPEG(t, 16, 8)
		want := plain
		if test.kept {
			want = plain[:2] + segment(0xe1, "Exif\x00\x00"+turned(6)) + plain[2:]
		}
		kept, _, err := receive(t, plain[:2]+segment(0xe1, "Exif\x00\x00"+test.exif)+plain[2:])
		if err != nil || kept != want {
			t.Errorf("%s: %v, kept %q, want %q", name, err, kept, want)
		}
	}
}

// Dashcams write places between the samples, where no track leads to.
func TestReceiveTakesOutWhatNoTrackLeadsTo(t *testing.T) {
	seen := func(n int) string { return strings.Repeat("s", n) }
	place := func(n int) string { return be(uint32(len(place)+12+n)) + "freeGPS " + place + strings.Repeat("x", n) }
	blank := func(s string) string { return s[:8] + strings.Repeat("\x00", len(s)-8) }
	for name, test := range map[string]struct{ data, want string }{
		"one":                {seen(9) + place(0) + seen(9), seen(9) + blank(place(0)) + seen(9)},
		"two":                {place(3) + place(4) + seen(9), blank(place(3)) + blank(place(4)) + seen(9)},
		"over a buffer":      {seen(64<<10-7) + place(99<<10) + seen(9), seen(64<<10-7) + blank(place(99<<10)) + seen(9)},
		"one in another":     {be(uint32(12+len(place(0)))) + "freeGPS " + place(0), be(uint32(12+len(place(0)))) + "free" + strings.Repeat("\x00", 4+len(place(0)))},
		"at the end":         {seen(64<<10-4) + place(0), seen(64<<10-4) + blank(place(0))},
		"no length":          {"freeGPS ", ""},
		"too long":           {be(99) + "freeGPS ", ""},
		"too short":          {be(11) + "freeGPS " + seen(99), ""},
		"a name that is cut": {seen(9) + be(12) + "freeGPS", seen(9) + be(12) + "freeGPS"},
	} {
		for _, brands := range []string{"isomiso2", "qt  qt  "} {
			kept, _, err := receive(t, ftyp(brands)+box("mdat", test.data)+box("moov", box("mvhd", be(0))))
			if test.want == "" {
				if !errors.Is(err, media.ErrMalformed) {
					t.Errorf("%s: got %v, want %v", name, err, media.ErrMalformed)
				}
				continue
			}
			if want := ftyp(brands) + box("mdat", test.want) + box("moov", box("mvhd", be(0))); err != nil || kept != want {
				t.Errorf("%s: %v, kept %d bytes, or other ones", name, err, len(kept))
			}
		}
	}
}

// What a camera measures lies in many chunks between those of picture and sound.
func TestReceiveTakesOutEverySampleOfTelemetry(t *testing.T) {
	at := uint32(len(ftyp("isomiso2")) + 8)
	// Chunks of two, two and one sample, at 2, 10 and 18.
	const data, want = "##abcdd###efghh###ijk###", "##\x00\x00\x00\x00\x00###\x00\x00\x00\x00\x00###\x00\x00\x00###"
	sizes, runs := box("stsz", be(0, 0, 5, 3, 2, 1, 4, 3)), box("stsc", be(0, 2, 1, 2, 1, 3, 1, 1))
	wide := box("co64", be(0, 3, 0, at+2, 0, at+10, 0, at+18))
	narrow := box("stco", be(0, 3, at+2, at+10, at+18))
	for name, test := range map[string]struct{ tables, data, want string }{
		"stco":             {runs + sizes + narrow, data, want},
		"co64":             {wide + sizes + runs, data, want},
		"of one size":      {box("stsc", be(0, 1, 1, 2, 1)) + box("stsz", be(0, 1, 5)) + narrow, "##ab######cd######e#####", "##\x00\x00######\x00\x00######\x00#####"},
		"of no samples":    {box("stsc", be(0, 0)) + box("stsz", be(0, 0, 0)) + box("stco", be(0, 0)), data, data},
		"out of order":     {box("stsc", be(0, 3, 1, 2, 1, 3, 1, 1, 2, 1, 1)) + sizes + box("stco", be(0, 4, at, at, at, at)), data, ""},
		"begun in between": {box("stsc", be(0, 1, 2, 2, 1)) + sizes + narrow, data, ""},
		"without runs":     {sizes + narrow, data, ""},
		"without sizes":    {runs + narrow, data, ""},
		"too long":         {box("stsc", be(0, 1, 1, 1<<31, 1)) + box("stsz", be(0, 1<<31, 1<<31)) + narrow, data, ""},
		"tables cut":       {runs + sizes + box("stco", be(0, 9, at)), data, ""},
	} {
		file := ftyp("isomiso2") + box("mdat", test.data) + box("moov", trackOf("meta", test.tables))
		kept, _, err := receive(t, file)
		if test.want == "" {
			if !errors.Is(err, media.ErrMalformed) {
				t.Errorf("%s: got %v, want %v", name, err, media.ErrMalformed)
			}
			continue
		}
		if want := ftyp("isomiso2") + box("mdat", test.want) + box("moov", blank(trackOf("meta", test.tables))); err != nil || kept != want {
			t.Errorf("%s: %v, kept %q, want %q", name, err, kept, want)
		}
	}
}
