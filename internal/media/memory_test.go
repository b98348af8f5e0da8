package media_test

import (
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/internal/media"
)

// pattern is an endless row of bytes without a marker in it.
type pattern struct{ next byte }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		p.next = (p.next*5 + 3) & 0x7f
		b[i] = p.next
	}
	return len(b), nil
}

// large are files of n bytes and more, made while they are read.
func large(t *testing.T, n int64) map[string]func() io.Reader {
	some := func() io.Reader { return io.LimitReader(&pattern{}, n) }
	jpeg := plainJPEG(t, 16, 8)
	before, after := jpeg[:len(jpeg)-2], jpeg[len(jpeg)-2:]
	trak := track("camm", uint32(len(ftyp("isomiso2"))+8), uint32(n))
	return map[string]func() io.Reader{
		"jpeg": func() io.Reader {
			return io.MultiReader(strings.NewReader(before), some(), strings.NewReader(after))
		},
		"behind a jpeg": func() io.Reader { return io.MultiReader(strings.NewReader(jpeg), some()) },
		"webp": func() io.Reader {
			size := int(n) + 4 + 18 + 8 + len(vp8l(3, 3))
			return io.MultiReader(strings.NewReader("RIFF"+le(size)+"WEBP"+vp8x(12, 3, 3)+vp8l(3, 3)+"EXIF"+le(int(n))), some())
		},
		"mp4": func() io.Reader {
			return io.MultiReader(strings.NewReader(ftyp("isomiso2")+be(uint32(8+n))+"mdat"), some(), strings.NewReader(box("moov", trak)))
		},
		"mp3": func() io.Reader { return io.MultiReader(strings.NewReader("ID3"), some()) },
	}
}

// Ten at once, twice of each, do not need ten times what they weigh.
func TestReceiveNeedsLittleMemory(t *testing.T) {
	const n, most = 50 << 20, 10 << 20
	size := int64(n)
	if testing.Short() {
		size = 5 << 20
	}
	dir := t.TempDir()
	used := peak(func() {
		var all sync.WaitGroup
		for name, make := range large(t, size) {
			for range 2 {
				all.Go(func() {
					file, info, err := media.Receive(dir, make(), 64<<20)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					if err := os.Remove(dir + "/" + file); err != nil || info.Size == 0 {
						t.Errorf("%s: %v, %d bytes", name, err, info.Size)
					}
				})
			}
		}
		all.Wait()
	})
	t.Logf("ten files of %d MiB: %d KiB above idle", size>>20, used>>10)
	if used > most {
		t.Errorf("got %d KiB more than idle, want at most %d", used>>10, most>>10)
	}
}

// peak is how many bytes the heap has at most while something runs, above what it had.
func peak(run func()) int64 {
	runtime.GC()
	var idle, busy runtime.MemStats
	runtime.ReadMemStats(&idle)
	most := idle.HeapAlloc
	done := make(chan struct{})
	go func() { run(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(5 * time.Millisecond):
		}
		runtime.ReadMemStats(&busy)
		most = max(most, busy.HeapAlloc)
	}
	return int64(most) - int64(idle.HeapAlloc)
}

// HOSTILE F24: what Resize bounds is what it needs.
func TestResizeNeedsTheMemoryItCounts(t *testing.T) {
	const more = 6 << 20 // for all that is not the picture
	widths := []int{480, 960}
	dir := t.TempDir()
	var r media.Resizer
	for _, test := range []struct {
		name, bytes string
		least       int64 // bytes of pixels
	}{
		{"photo", flatJPEG(sof0, 3000, 2000, 0x22, 0x11, 0x11), 9_000_000},
		{"turned", turnedJPEG(flatJPEG(sof0, 3000, 2000, 0x22, 0x11, 0x11), 6), 9_000_000},
		{"progressive", flatJPEG(sof2, 2000, 1500, 0x22, 0x11, 0x11), 22_500_000},
		{"inks", inked(flatJPEG(sof0, 1500, 1500, 0x11, 0x11, 0x11, 0x11)), 18_000_000},
		{"long", flatJPEG(sof0, 1000, 5000, 0x11), 5_000_000},
		{"png", blankPNG(2500, 2000), 20_000_000},
	} {
		name := keep(t, dir, test.bytes)
		counted, err := media.Needs(dir, name, widths)
		if err != nil || counted < test.least {
			t.Errorf("%s: counted are %d bytes, %v, want at least %d", test.name, counted, err, test.least)
		}
		used := peak(func() {
			made, err := r.Resize(t.Context(), dir, name, widths)
			if err != nil || len(made) != 2 {
				t.Errorf("%s: got %v, %v, want two copies", test.name, made, err)
			}
		})
		t.Logf("%s: %d KiB above idle, counted are %d", test.name, used>>10, counted>>10)
		if used > counted+more {
			t.Errorf("%s: got %d KiB more than idle, want at most %d", test.name, used>>10, (counted+more)>>10)
		}
	}
}
