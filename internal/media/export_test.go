package media

import (
	"os"
	"path/filepath"
)

// Needs is what Resize counts on needing for copies of a picture, in bytes.
func Needs(dir, name string, widths []int) (int64, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	p, err := look(f, filepath.Ext(name))
	if err != nil {
		return 0, err
	}
	return p.needs(widths), nil
}
