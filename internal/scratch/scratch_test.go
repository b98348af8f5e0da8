package scratch_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"tertulia/internal/scratch"
)

// What somebody keeps is theirs: no later loan writes into it, whatever its size.
func TestWhatIsKeptStays(t *testing.T) {
	t.Parallel()
	var borrowers sync.WaitGroup
	for n := range 50 {
		borrowers.Go(func() {
			want := bytes.Repeat(fmt.Appendf(nil, "%02d", n), 1+n*4000) // from two bytes to 392 KB
			b := scratch.Lend()
			if b.Len() != 0 {
				t.Errorf("borrowed with %d bytes in it", b.Len())
			}
			b.Write(want)
			kept := scratch.Keep(b)
			for range 20 {
				other := scratch.Lend()
				other.WriteString("of somebody else")
				scratch.Back(other)
			}
			if !bytes.Equal(kept, want) {
				t.Errorf("%d bytes that were kept have changed", len(want))
			}
		})
	}
	borrowers.Wait()
}
