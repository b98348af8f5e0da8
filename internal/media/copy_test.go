package media_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tertulia/internal/media"
)

// A copy is whole and lies beside nothing else; the same again, and a name that leads
// elsewhere, change nothing.
func TestCopyIsWholeOrNotThere(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "new")
	data := bytes.Repeat([]byte("abc"), 100_000)
	if err := os.WriteFile(filepath.Join(from, "x.bin"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := media.Copy(from, to, "x.bin"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(to, "x.bin")); err != nil || !bytes.Equal(got, data) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	}
	for _, name := range []string{"none.bin", "../" + filepath.Base(from) + "/none.bin", ""} {
		if err := media.Copy(from, to, name); err == nil {
			t.Errorf("%q: got no error", name)
		}
	}
	if err := media.Copy(from, to, "none.bin"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: got %v", err)
	}
	left, err := filepath.Glob(filepath.Join(to, "tmp", "*"))
	if entries, bad := os.ReadDir(to); err != nil || bad != nil || len(left) > 0 || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", left, entries)
	}
}
