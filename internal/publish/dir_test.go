package publish_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish"
)

func TestDirApplies(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.md": "a", "b.md": "b", "c/d.md": "d", ".git/x": "", "public/y": "", "node_modules/z": "", "c/node_modules/z": "", ".x": ""})
	d := &publish.Dir{Path: dir}
	var names []string
	for name, err := range d.Files(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if diff := cmp.Diff([]string{"a.md", "b.md", "c/d.md"}, names); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		what string
		file publish.File
		want error
	}{
		{"a new file", publish.File{Name: "n/e/w.md", Data: []byte("new")}, nil},
		{"the same again", publish.File{Name: "n/e/w.md", Data: []byte("new")}, nil},
		{"a change", publish.File{Name: "a.md", Data: []byte("A"), Was: []byte("a")}, nil},
		{"the same again", publish.File{Name: "a.md", Data: []byte("A"), Was: []byte("a")}, nil},
		{"a removal", publish.File{Name: "c/d.md", Was: []byte("d")}, nil},
		{"the same again", publish.File{Name: "c/d.md", Was: []byte("d")}, nil},
		{"a file in the way", publish.File{Name: "b.md", Data: []byte("new")}, publish.ErrForeign},
		{"a file that has changed", publish.File{Name: "b.md", Data: []byte("new"), Was: []byte("old")}, publish.ErrChanged},
		{"a file that has gone", publish.File{Name: "g.md", Data: []byte("new"), Was: []byte("old")}, publish.ErrChanged},
		{"a removal of what has changed", publish.File{Name: "b.md", Was: []byte("old")}, publish.ErrChanged},
		{"an empty file in the way", publish.File{Name: ".x", Data: []byte("new")}, errAny},
		{"a name that leads out", publish.File{Name: "../x", Data: []byte("new")}, errAny},
		{"history", publish.File{Name: ".git/config", Data: []byte("new")}, errAny},
	} {
		err := d.Apply(t.Context(), c.what, []publish.File{c.file})
		if !errors.Is(err, c.want) && !(c.want == errAny && err != nil) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
		}
	}
	// All or nothing, as far as can be known before.
	err := d.Apply(t.Context(), "", []publish.File{{Name: "one.md", Data: []byte("1")}, {Name: "b.md", Data: []byte("2")}})
	if _, gone := d.Read("one.md"); err == nil || !errors.Is(gone, fs.ErrNotExist) {
		t.Errorf("half a change was made: %v, %v", err, gone)
	}
	if got := tree(t, dir); got["a.md"] != "A" || got["b.md"] != "b" || got["n/e/w.md"] != "new" || got["c/d.md"] != "" || len(got) != 8 {
		t.Errorf("got %v", got)
	}
}

var errAny = errors.New("any")
