package media_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/media"
)

const limit = 1 << 20

// picture is three pixels wide and two high.
func picture(t testing.TB, format string) string {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, 3, 2), color.Palette{color.White, color.Black})
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, img)
	case "gif":
		err = gif.Encode(&b, img, nil)
	case "jpeg":
		err = jpeg.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hugePNG declares w×h pixels and has none.
func hugePNG(w, h uint32) string {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	chunk = binary.BigEndian.AppendUint32(chunk, h)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	b := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), 13)
	b = append(b, chunk...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk)))
}

const (
	webp1x1 = "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
	webm    = "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"
)

// files lists what lies in a directory and below, without the directories.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestReceiveKeepsFilesByTheirBytes(t *testing.T) {
	for name, test := range map[string]struct {
		bytes, mediaType, ext string
		width, height         int
	}{
		"png":          {picture(t, "png"), "image/png", ".png", 3, 2},
		"gif":          {picture(t, "gif"), "image/gif", ".gif", 3, 2},
		"jpeg":         {picture(t, "jpeg"), "image/jpeg", ".jpg", 3, 2},
		"webp":         {webp1x1, "image/webp", ".webp", 1, 1},
		"avif":         {ftyp("avifmif1miaf") + sizes(ispe(30, 20), ispe(3, 2)), "image/avif", ".avif", 30, 20},
		"avif as mif1": {ftyp("mif1miafavif") + sizes(ispe(3, 2)), "image/avif", ".avif", 3, 2},
		"mp4":          {ftyp("isomiso2avc1") + box("moov"), "video/mp4", ".mp4", 0, 0},
		"mov":          {ftyp("qt  qt  ") + box("moov"), "video/quicktime", ".mov", 0, 0},
		"m4a":          {ftyp("M4A mp42") + box("moov"), "audio/mp4", ".m4a", 0, 0},
		"webm":         {webm, "video/webm", ".webm", 0, 0},
		"ogg":          {"OggS\x00\x02", "audio/ogg", ".ogg", 0, 0},
		"mp3":          {"\xff\xfb\x90\x64\x00", "audio/mpeg", ".mp3", 0, 0},
		"mp3 with ID3": {"ID3\x04\x00", "audio/mpeg", ".mp3", 0, 0},
		"wav":          {"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav", ".wav", 0, 0},
		"flac":         {"fLaC\x00\x00\x00\x22", "audio/flac", ".flac", 0, 0},
		// HOSTILE 80: what else a file is does not matter, it is served as this.
		"polyglot":          {"ID3<script>alert(1)</script>", "audio/mpeg", ".mp3", 0, 0},
		"longer than sniff": {"OggS\x00" + strings.Repeat("x", 100_000), "audio/ogg", ".ogg", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, info, err := media.Receive(dir, iotest.OneByteReader(strings.NewReader(test.bytes)), limit)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte(test.bytes))
			want := media.Info{
				Type: test.mediaType, Ext: test.ext, Size: int64(len(test.bytes)),
				SHA256: hex.EncodeToString(sum[:]), Width: test.width, Height: test.height,
			}
			if diff := cmp.Diff(want, info); diff != "" {
				t.Errorf("info (-want +got):\n%s", diff)
			}
			if !regexp.MustCompile(`^[a-z2-7]{26}\` + test.ext + `$`).MatchString(file) {
				t.Errorf("name: got %q", file)
			}
			if diff := cmp.Diff([]string{filepath.Join(dir, file)}, files(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if kept, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(kept) != test.bytes {
				t.Errorf("kept %d bytes, %v, want %d", len(kept), err, len(test.bytes))
			}
		})
	}
}

// HOSTILE 34, 80 and 82: every refusal leaves nothing behind.
func TestReceiveRefusesFiles(t *testing.T) {
	broken := errors.New("the line broke")
	whole := picture(t, "png")
	for name, test := range map[string]struct {
		src io.Reader
		err error
	}{
		"nothing":           {strings.NewReader(""), media.ErrEmpty},
		"svg":               {strings.NewReader(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), media.ErrType},
		"html":              {strings.NewReader("<!doctype html><script>alert(1)</script>"), media.ErrType},
		"pdf":               {strings.NewReader("%PDF-1.7\n"), media.ErrType},
		"mhtml":             {strings.NewReader("MIME-Version: 1.0\r\nContent-Type: multipart/related"), media.ErrType},
		"zip":               {strings.NewReader("PK\x03\x04"), media.ErrType},
		"text":              {strings.NewReader("hello"), media.ErrType},
		"heic":              {strings.NewReader(ftyp("heicmif1heic")), media.ErrType},
		"unknown brand":     {strings.NewReader(ftyp("jp2 jp2 ")), media.ErrType},
		"ftyp without end":  {strings.NewReader("\xff\xff\xff\xffftypisom"), media.ErrType},
		"matroska":          {strings.NewReader("\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska"), media.ErrType},
		"png in name only":  {strings.NewReader("\x89PNG\r\n\x1a\n<html>"), media.ErrType},
		"gif in name only":  {strings.NewReader("GIF89a"), media.ErrType},
		"jpeg cut short":    {strings.NewReader(picture(t, "jpeg")[:40]), media.ErrType},
		"avif without size": {strings.NewReader(ftyp("avifmif1")), media.ErrType},
		"65535×65535":       {strings.NewReader(hugePNG(65535, 65535)), media.ErrTooLarge},
		"avif bomb":         {strings.NewReader(ftyp("avifmif1") + sizes(ispe(1<<32-1, 1<<32-1))), media.ErrTooLarge},
		"one byte over":     {strings.NewReader(whole + strings.Repeat("x", limit-len(whole)+1)), media.ErrTooLarge},
		"endless":           {io.MultiReader(strings.NewReader(whole), zeros{}), media.ErrTooLarge},
		"breaks at once":    {iotest.ErrReader(broken), broken},
		"breaks later":      {io.MultiReader(strings.NewReader(whole+strings.Repeat("x", 9000)), iotest.ErrReader(broken)), broken},
		"cut by the sender": {io.MultiReader(strings.NewReader(whole), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF},
		"breaks at the limit": {
			io.MultiReader(strings.NewReader(whole+strings.Repeat("x", limit-len(whole))), iotest.ErrReader(broken)), broken,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, info, err := media.Receive(dir, test.src, limit)
			if !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
			if file != "" || info != (media.Info{}) {
				t.Errorf("got %q, %+v, want nothing", file, info)
			}
			if left := files(t, dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestReceiveSaysWhatToSendInsteadOfHEIC(t *testing.T) {
	_, _, err := media.Receive(t.TempDir(), strings.NewReader(ftyp("heicmif1heic")), limit)
	if err == nil || !strings.Contains(err.Error(), "JPEG") {
		t.Errorf("got %v, want a hint", err)
	}
}

func TestReceiveAcceptsExactlyTheLimit(t *testing.T) {
	whole := "OggS\x00" + strings.Repeat("x", limit-5)
	if _, info, err := media.Receive(t.TempDir(), strings.NewReader(whole), limit); err != nil || info.Size != limit {
		t.Errorf("got %d bytes, %v, want %d", info.Size, err, limit)
	}
}

func TestReceiveFailsWhereItCannotWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "media")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := media.Receive(dir, strings.NewReader(picture(t, "png")), limit); err == nil {
		t.Error("got no error")
	}
}

func TestSweepRemovesOldUnfinishedFiles(t *testing.T) {
	dir := t.TempDir()
	if n, err := media.Sweep(dir, time.Now()); n != 0 || err != nil {
		t.Errorf("no tmp yet: got %d, %v", n, err)
	}
	kept, _, err := media.Receive(dir, strings.NewReader(picture(t, "png")), limit)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, age := range map[string]time.Duration{"old": 25 * time.Hour, "new": time.Hour} {
		path := filepath.Join(dir, "tmp", name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := media.Sweep(dir, now.Add(-24*time.Hour)); n != 1 || err != nil {
		t.Errorf("got %d, %v, want 1", n, err)
	}
	want := []string{filepath.Join(dir, kept), filepath.Join(dir, "tmp", "new")}
	slices.Sort(want)
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
