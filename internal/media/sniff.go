package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// sniffLen is how many bytes decide a file's type.
const sniffLen = 4096

type kind struct{ mediaType, ext string }

// kinds are the types that are kept, and the only ones that are served. None of
// them can run anything in a browser.
var kinds = []kind{
	{"image/jpeg", ".jpg"},
	{"image/png", ".png"},
	{"image/gif", ".gif"},
	{"image/webp", ".webp"},
	{"image/avif", ".avif"},
	{"video/mp4", ".mp4"},
	{"video/quicktime", ".mov"},
	{"video/webm", ".webm"},
	{"audio/ogg", ".ogg"},
	{"audio/mpeg", ".mp3"},
	{"audio/mp4", ".m4a"},
	{"audio/wav", ".wav"},
	{"audio/flac", ".flac"},
}

// mediaTypes are the types that are served, by extension.
var mediaTypes = func() map[string]string {
	types := make(map[string]string, len(kinds))
	for _, k := range kinds {
		types[k.ext] = k.mediaType
	}
	return types
}()

// magic are the types that begin with fixed bytes; a dot stands for any byte.
var magic = []struct{ prefix, mediaType string }{
	{"\xff\xd8\xff", "image/jpeg"},
	{"\x89PNG\r\n\x1a\n", "image/png"},
	{"GIF87a", "image/gif"},
	{"GIF89a", "image/gif"},
	{"RIFF....WEBPVP8", "image/webp"},
	{"RIFF....WAVE", "audio/wav"},
	{"OggS\x00", "audio/ogg"},
	{"fLaC\x00", "audio/flac"},
	{"ID3", "audio/mpeg"},
}

// sniff tells the type of a file by its first bytes.
func sniff(first []byte) (kind, error) {
	mediaType := ""
	for _, m := range magic {
		if hasMagic(first, m.prefix) {
			mediaType = m.mediaType
			break
		}
	}
	switch {
	case mediaType != "":
	case hasMagic(first, "....ftyp"):
		mediaType = sniffBoxes(first)
	case hasMagic(first, "\x1a\x45\xdf\xa3") && bytes.Contains(first[:min(len(first), 64)], []byte("\x42\x82\x84webm")):
		mediaType = "video/webm"
	case isMP3Frame(first):
		mediaType = "audio/mpeg"
	}
	if mediaType == "image/heic" {
		return kind{}, fmt.Errorf("%w: few browsers show HEIC pictures; set the camera to JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible) or send a copy in JPEG", ErrType)
	}
	for _, k := range kinds {
		if k.mediaType == mediaType {
			return k, nil
		}
	}
	return kind{}, ErrType
}

func hasMagic(b []byte, magic string) bool {
	if len(b) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '.' && magic[i] != b[i] {
			return false
		}
	}
	return true
}

// brands are the file types of ISO 14496-12 that we know, as they stand in ftyp.
var brands = map[string]string{
	"avif": "image/avif", "avis": "image/avif",
	"heic": "image/heic", "heix": "image/heic", "heim": "image/heic", "heis": "image/heic",
	"hevc": "image/heic", "hevx": "image/heic", "mif1": "image/heic", "msf1": "image/heic",
	"qt  ": "video/quicktime",
	"M4A ": "audio/mp4", "M4B ": "audio/mp4",
	"isom": "video/mp4", "iso2": "video/mp4", "iso3": "video/mp4", "iso4": "video/mp4", "iso5": "video/mp4", "iso6": "video/mp4",
	"mp41": "video/mp4", "mp42": "video/mp4", "avc1": "video/mp4", "M4V ": "video/mp4", "MSNV": "video/mp4", "dash": "video/mp4",
	"3gp4": "video/mp4", "3gp5": "video/mp4", "3gp6": "video/mp4",
}

// sniffBoxes reads the ftyp box: the major brand decides, then the compatible
// ones in order. mif1 and msf1 say only "a picture", so a later avif outweighs them.
func sniffBoxes(first []byte) string {
	size := int64(binary.BigEndian.Uint32(first))
	if size < 16 || size > int64(len(first)) {
		return ""
	}
	found := ""
	for at := int64(8); at+4 <= size; at += 4 {
		if at == 12 {
			continue // minor version
		}
		mediaType := brands[string(first[at:at+4])]
		if found == "" || found == "image/heic" && mediaType == "image/avif" {
			found = mediaType
		}
	}
	return found
}

// isMP3Frame reports whether b begins with an MPEG layer III frame header with
// valid version, bit rate and sampling rate.
func isMP3Frame(b []byte) bool {
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return false
	}
	version, layer, bitrate, sampling := b[1]>>3&3, b[1]>>1&3, b[2]>>4, b[2]>>2&3
	return version != 1 && layer == 1 && bitrate != 0 && bitrate != 15 && sampling != 3
}
