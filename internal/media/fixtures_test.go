package media_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

// place is what no file may give away, in words and as EXIF has it: 48° 12' 29.52".
const place = "GEHEIM +48.2082+016.3738/"

var coordinates = "\x00\x00\x00\x30\x00\x00\x00\x01\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x0b\x88\x00\x00\x00\x64"

func be(numbers ...uint32) string {
	var b []byte
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return string(b)
}

func be16(numbers ...uint16) string {
	var b []byte
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return string(b)
}

func le(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

// exif is what a camera writes: its make, how it was held, and where.
func exif(orientation uint16) string {
	const directory, gps = 8, 8 + 2 + 3*12 + 4
	return "MM\x00*" + be(directory) + be16(3) +
		be16(0x010f, 2) + be(uint32(len(place)), gps+2+12+4+24) +
		be16(0x0112, 3) + be(1) + be16(orientation, 0) +
		be16(0x8825, 4) + be(1, gps) + be(0) +
		be16(1) + be16(0x0002, 5) + be(3, gps+2+12+4) + be(0) + coordinates + place
}

// turned is the EXIF that is kept of it.
func turned(orientation uint16) string {
	return "MM\x00*" + be(8) + be16(1) + be16(0x0112, 3) + be(1) + be16(orientation, 0) + be(0)
}

const xmp = "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta exif:GPSLatitude='" + place + "'/>"

// drawing has a red corner and a blue one, so that turning it shows.
func drawing(w, h int, alpha uint8) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{uint8(40 + x*100/w), 120, uint8(40 + y*100/h), alpha}
			if x < w/2 && y < h/2 {
				c = color.NRGBA{220, 20, 20, alpha}
			}
			if x >= w/2 && y >= h/2 {
				c = color.NRGBA{20, 20, 220, alpha}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// profile looks like a colour profile of RGB.
var profile = strings.Repeat("p", 16) + "RGB " + strings.Repeat("profile ", 20)

func segment(marker byte, payload string) string {
	return "\xff" + string([]byte{marker}) + be16(uint16(len(payload)+2)) + payload
}

// jfif stands before the size of the preview.
const jfif = "JFIF\x00\x01\x02\x00\x00\x01\x00\x01"

// cameraJPEG is a picture with everything that cameras and programs add.
func cameraJPEG(t testing.TB, w, h int, orientation uint16) string {
	t.Helper()
	plain := plainJPEG(t, w, h)
	return plain[:2] + "\xff\xff" + segment(0xe1, "Exif\x00\x00"+exif(orientation)) + segment(0xe1, xmp) +
		segment(0xe1, "Exif\x00\x00"+exif(1)) + segment(0xe0, "JFXX\x00"+place) + segment(0xe0, jfif+"\x04\x02"+place) + segment(0xe2, "MPF\x00"+place) +
		segment(0xe4, place) + segment(0xeb, "JP"+place) + segment(0xed, "Photoshop 3.0\x00"+place) + segment(0xfe, place) +
		"stray" + segment(0xe2, "ICC_PROFILE\x00\x01\x01"+profile) + segment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x01"+place) +
		plain[2:] + plain + place // a second picture behind the first
}

// keptJPEG is what is kept of it.
func keptJPEG(t testing.TB, w, h int, orientation uint16) string {
	plain := plainJPEG(t, w, h)
	kept := plain[:2]
	if orientation > 1 {
		kept += "\xff\xff" + segment(0xe1, "Exif\x00\x00"+turned(orientation))
	}
	return kept + segment(0xe0, jfif+"\x00\x00") + segment(0xe2, "ICC_PROFILE\x00\x01\x01"+profile) + segment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x01") + plain[2:]
}

func plainJPEG(t testing.TB, w, h int) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawing(w, h, 255), nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func chunk(name, data string) string {
	return be(uint32(len(data))) + name + data + be(crc32.ChecksumIEEE([]byte(name+data)))
}

func encodePNG(t testing.TB, img image.Image) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func plainPNG(t testing.TB, w, h int, alpha uint8) (head, rest string) {
	t.Helper()
	b := encodePNG(t, drawing(w, h, alpha))
	return b[:33], b[33:]
}

func deflate(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // a Buffer takes everything
	_ = z.Close()
	return b.String()
}

func cameraPNG(t testing.TB, w, h int, alpha uint8, orientation uint16) string {
	head, rest := plainPNG(t, w, h, alpha)
	return head + chunk("gAMA", be(45455)) + chunk("eXIf", exif(orientation)) + chunk("tEXt", "Comment\x00"+place) +
		chunk("zTXt", place) + chunk("iTXt", "XML:com.adobe.xmp\x00"+xmp) + chunk("tIME", place) + chunk("caBX", place) +
		chunk("pHYs", be(1, 1)+"\x01") + chunk("eXIf", exif(3)) + rest + place
}

func keptPNG(t testing.TB, w, h int, alpha uint8, orientation uint16) string {
	head, rest := plainPNG(t, w, h, alpha)
	return head + chunk("gAMA", be(45455)) + chunk("eXIf", turned(orientation)) + chunk("pHYs", be(1, 1)+"\x01") + rest
}

func riff(name, data string) string {
	if len(data)%2 == 1 {
		return name + le(len(data)) + data + "\x00"
	}
	return name + le(len(data)) + data
}

func webpFile(chunks ...string) string {
	all := strings.Join(chunks, "")
	return "RIFF" + le(4+len(all)) + "WEBP" + all
}

// vp8l is a picture of one colour: no pixel needs a bit.
func vp8l(w, h int) string {
	return riff("VP8L", "\x2f"+le(w-1|(h-1)<<14|1<<28)+webp1x1[25:33])
}

func vp8x(flags byte, w, h int) string {
	return riff("VP8X", string([]byte{flags, 0, 0, 0})+le(w - 1)[:3]+le(h - 1)[:3])
}

func anmf(w, h int) string {
	return riff("ANMF", "\x00\x00\x00\x00\x00\x00"+le(w - 1)[:3]+le(h - 1)[:3]+"\x64\x00\x00\x00"+vp8l(w, h))
}

func cameraWebP(w, h int, orientation uint16) string {
	return webpFile(vp8x(0x2c, w, h), riff("ICCP", profile), riff("JUNK", place), vp8l(w, h),
		riff("EXIF", exif(orientation)), riff("XMP ", xmp), riff("EXIF", "Exif\x00\x00"+exif(5))) + place
}

func keptWebP(w, h int, orientation uint16) string {
	return webpFile(vp8x(0x28, w, h), riff("ICCP", profile), vp8l(w, h), riff("EXIF", turned(orientation)))
}

func blocks(data string) string {
	all := ""
	for ; len(data) > 0; data = data[min(255, len(data)):] {
		all += string([]byte{byte(min(255, len(data)))}) + data[:min(255, len(data))]
	}
	return all + "\x00"
}

// movingGIF has two frames; extras stand before the first and the trailer.
func movingGIF(t testing.TB, extras string) string {
	t.Helper()
	frame := image.NewPaletted(image.Rect(0, 0, 3, 2), color.Palette{color.White, color.Black})
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{9, 9}}); err != nil {
		t.Fatal(err)
	}
	const at = 13 // there is no colour table for all
	return b.String()[:at] + extras + b.String()[at:b.Len()-1] + extras + ";"
}

func cameraGIF(t testing.TB) string {
	trailer := "\x01"
	for i := range 256 {
		trailer += string([]byte{byte(255 - i)})
	}
	return movingGIF(t, "!\xfe"+blocks(place)+"!\xff\x0bXMP DataXMP<x "+place+"/>"+trailer+"\x00"+
		"!\x01\x0c"+place[:12]+blocks(place)+"!\xff"+blocks("MGK8BIM0000"+place)) + place
}

func box(name string, parts ...string) string {
	all := strings.Join(parts, "")
	return be(uint32(8+len(all))) + name + all
}

// blank is what a box has become that was taken out.
func blank(b string) string {
	return b[:4] + "free" + strings.Repeat("\x00", len(b)-8)
}

func ftyp(brands string) string {
	return box("ftyp", brands[:4], be(0), brands[4:])
}

func ispe(w, h uint32) string { return box("ispe", be(0, w, h)) }

// sizes is the meta box of a picture of which only sizes are known.
func sizes(properties ...string) string {
	return box("meta", be(0), box("iprp", box("ipco", properties...)))
}

// track has one sample in one chunk at a place.
func track(handler string, at, size uint32, more ...string) string {
	return trackOf(handler, append([]string{box("stsc", be(0, 1, 1, 1, 1)) + box("stsz", be(0, 0, 1, size)) + box("stco", be(0, 1, at))}, more...)...)
}

// trackOf has the tables of samples that are given first.
func trackOf(handler string, tables ...string) string {
	return box("trak", append([]string{
		box("tkhd", be(7), "\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff"), // the matrix of a phone held upright
		box("mdia", box("mdhd", be(0)), box("hdlr", be(0, 0), handler, be(0, 0, 0)), box("minf", box("stbl", tables[0]))),
	}, tables[1:]...)...)
}

// film is what phones, action cameras and drones write, and what is kept of it.
func film(brands string) (before, after string) {
	sound := "the sound and the picture"
	mdat := box("mdat", sound, place)
	data := uint32(len(ftyp(brands)) + 8)
	udta := box("udta", box("\xa9xyz", be16(uint16(len(place)), 0x15c7)+place), box("loci", place), box("\xa9mak", place), box("meta", place))
	meta := box("meta", box("hdlr", be(0, 0), "mdta"), box("keys", "com.apple.quicktime.location.ISO6709"), box("ilst", place))
	uuid := box("uuid", "\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac", xmp)
	seen := track("vide", data, uint32(len(sound)))
	measured := track("meta", data+uint32(len(sound)), uint32(len(place)), udta)
	chapters := box("chap", be(2))
	free := box("skip", place)
	before = ftyp(brands) + mdat + box("moov", box("mvhd", be(0)), udta, seen, meta, measured, box("gps ", place),
		track("soun", data, 9, udta, meta, box("tref", chapters))) + uuid + free + meta
	after = ftyp(brands) + box("mdat", sound, strings.Repeat("\x00", len(place))) +
		box("moov", box("mvhd", be(0)), blank(udta), seen, blank(meta), blank(measured), blank(box("gps ", place)),
			track("soun", data, 9, blank(udta), blank(meta), box("tref", blank(chapters)))) +
		blank(uuid) + be(uint32(len(free))) + "skip" + strings.Repeat("\x00", len(place)) + blank(meta)
	return before, after
}

// avif has a picture, EXIF and XMP; XMP lies beside the table.
func avif() (before, after string) {
	infe := func(id uint16, kind string) string {
		return box("infe", "\x02\x00\x00\x00", be16(id, 0), kind, "\x00")
	}
	make := func(exif, xmp, described string) string {
		meta := func(at uint32) string {
			where := func(item, method uint16, at, length uint32) string {
				return be16(item, method, 0, 1) + be(at, length)
			}
			return box("meta", be(0), box("hdlr", be(0, 0), "pict"),
				box("iinf", be(0), be16(3), infe(1, "av01"), infe(2, "Exif"), infe(3, "mime")),
				box("iloc", "\x01\x00\x00\x00\x44\x00", be16(3), where(1, 0, at, 6), where(2, 0, at+6, uint32(len(exif))), where(3, 1, 0, uint32(len(xmp)))),
				box("iprp", box("ipco", ispe(30, 20), described)), box("idat", xmp))
		}
		at := len(ftyp("avifmif1")) + len(meta(0)) + 8
		return ftyp("avifmif1") + meta(uint32(at)) + box("mdat", "pixels", exif)
	}
	described := box("udes", place)
	e := be(0) + exif(6)
	none := be(0) + "MM\x00*" + be(8) + "\x00\x00\x00\x00\x00\x00"
	return make(e, xmp, described), make(none+strings.Repeat("\x00", len(e)-len(none)), strings.Repeat("\x00", len(xmp)), blank(described))
}
