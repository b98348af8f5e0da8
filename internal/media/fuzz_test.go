package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tertulia/internal/media"
)

// FuzzReceive: whatever comes, a file is refused and leaves nothing, or is kept
// without EXIF but for the orientation, and then it is kept again as it is.
func FuzzReceive(f *testing.F) {
	for _, test := range cases(f) {
		f.Add([]byte(test[0]))
	}
	for _, s := range []string{webp1x1, webm, ftyp("heic"), "<svg>", "\xff\xfb\x90\x64"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		name, info, err := media.Receive(dir, bytes.NewReader(b), limit)
		if left := files(t, dir); (err == nil) != (len(left) == 1) {
			t.Fatalf("error %v, files %v", err, left)
		}
		if err != nil {
			if !errors.Is(err, media.ErrType) && !errors.Is(err, media.ErrTooLarge) && !errors.Is(err, media.ErrEmpty) {
				t.Errorf("got %v", err)
			}
			return
		}
		kept, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || info.Size != int64(len(kept)) || !strings.HasSuffix(name, info.Ext) || info.Width < 0 || info.Height < 0 {
			t.Errorf("got %q, %+v, %v", name, info, err)
		}
		for _, e := range exifIn(info.Ext, kept) {
			if len(e) != len(turned(1)) {
				t.Errorf("kept EXIF %q", e)
			}
		}
		again, _, err := media.Receive(dir, bytes.NewReader(kept), limit)
		if err != nil {
			t.Fatalf("received again: %v", err)
		}
		if second, err := os.ReadFile(filepath.Join(dir, again)); err != nil || !bytes.Equal(second, kept) {
			t.Errorf("received again: %v, %q, want %q", err, second, kept)
		}
		if info.Width*info.Height < 1<<20 {
			var r media.Resizer
			if _, err := r.Resize(context.Background(), dir, name, []int{2}); err != nil && !errors.Is(err, media.ErrMalformed) {
				t.Errorf("resize: %v", err)
			}
		}
	})
}

// exifIn finds the blocks of EXIF where readers of a format look for them.
func exifIn(ext string, b []byte) (found [][]byte) {
	switch ext {
	case ".jpg":
		for at := 2; at+4 <= len(b) && b[at] == 0xff && b[at+1] != 0xda; {
			if b[at+1] == 0xff {
				at++
				continue
			}
			end := at + 2 + int(binary.BigEndian.Uint16(b[at+2:]))
			if b[at+1] == 0xe1 {
				found = append(found, bytes.TrimPrefix(b[at+4:end], []byte("Exif\x00\x00")))
			}
			at = end
		}
	case ".png":
		for at := 8; at+12 <= len(b); at += 12 + int(binary.BigEndian.Uint32(b[at:])) {
			if string(b[at+4:at+8]) == "eXIf" {
				found = append(found, b[at+8:at+8+int(binary.BigEndian.Uint32(b[at:]))])
			}
		}
	case ".webp":
		for at := 12; at+8 <= len(b); {
			n := int(binary.LittleEndian.Uint32(b[at+4:]))
			if string(b[at:at+4]) == "EXIF" {
				found = append(found, b[at+8:at+8+n])
			}
			at += 8 + n + n&1
		}
	}
	return found
}
