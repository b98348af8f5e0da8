package webmention

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"
)

// What was read is whoever's who read it: no later page is written into it, whatever its size.
func TestWhatWasReadStays(t *testing.T) {
	t.Parallel()
	var readers sync.WaitGroup
	for n := range 50 {
		readers.Go(func() {
			want := bytes.Repeat(fmt.Appendf(nil, "%02d", n), 1+n*4000) // from two bytes to 392 KB
			got, err := readAll(bytes.NewReader(want), 1<<20)
			if err != nil {
				t.Error(err)
			}
			for range 20 {
				if _, err := readAll(bytes.NewReader(bytes.Repeat([]byte("of somebody else"), 1+n)), 1<<20); err != nil {
					t.Error(err)
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes that were read have changed", len(want))
			}
		})
	}
	readers.Wait()
}

// Whatever the size and however it comes: what is read is what there is, up to the most, and
// does not lie in much more memory than it needs (HOSTILE, eight pages at once).
func TestReadAll(t *testing.T) {
	t.Parallel()
	const edge = 256<<10 - bytes.MinRead
	broken := fmt.Errorf("cut off: %w", io.EOF) // which is no end
	for _, size := range []int{0, 1, 511, 512, 4096, edge - 1, edge, edge + 1, 300_000, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20} {
		all := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		for _, most := range []int64{1, 512, edge, edge + 1, 1<<20 + 1, 64 << 20} {
			for name, r := range map[string]io.Reader{
				"at once":       bytes.NewReader(all),
				"in halves":     iotest.HalfReader(bytes.NewReader(all)),
				"end with data": iotest.DataErrReader(bytes.NewReader(all)),
				"cut off":       io.MultiReader(bytes.NewReader(all), iotest.ErrReader(broken)),
			} {
				got, err := readAll(r, most)
				if want := all[:min(int64(size), most)]; !bytes.Equal(got, want) {
					t.Errorf("%d bytes %s, at most %d: %d", size, name, most, len(got))
				}
				if fails := name == "cut off" && int64(size) < most; fails != errors.Is(err, broken) || !fails && err != nil {
					t.Errorf("%d bytes %s, at most %d: error %v", size, name, most, err)
				}
				if room := cap(got) - len(got); room > len(got)/3+64 {
					t.Errorf("%d bytes %s, at most %d: room for %d more", size, name, most, room)
				}
			}
		}
	}
}
