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
	runtime.GC()
	var idle, busy runtime.MemStats
	runtime.ReadMemStats(&idle)
	done := make(chan struct{})
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
	go func() { all.Wait(); close(done) }()
	peak := uint64(0)
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(5 * time.Millisecond):
		}
		runtime.ReadMemStats(&busy)
		peak = max(peak, busy.HeapAlloc)
	}
	used := int64(peak) - int64(idle.HeapAlloc)
	t.Logf("ten files of %d MiB: %d KiB above idle", size>>20, used>>10)
	if used > most {
		t.Errorf("got %d KiB more than idle, want at most %d", used>>10, most>>10)
	}
}
