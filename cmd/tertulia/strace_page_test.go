package main

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The page of a deleted post has gone from the disk before it is written down that it has:
// after a power cut nobody would take it away again, and another web server would show it
// (HOSTILE F2).
func TestAPageHasGoneBeforeThatIsWrittenDown(t *testing.T) {
	t.Parallel()
	strace := needTracing(t)
	trace := filepath.Join(t.TempDir(), "trace")
	w := newWorld(t, 1, nil, strace, "-f", "-qq", "-y", "-s", "65536", "--seccomp-bpf", "-o", trace,
		"-e", "trace=pwrite64,fsync,unlinkat", tertulia(t))
	p := w.newPost("unlinked", false, false)
	if !w.create(p) {
		t.Fatalf("%v\n%s", w.wrong, w.said())
	}
	w.drain()
	if !w.change(p, sentState{content: p.marker, deleted: true}) {
		t.Fatalf("%v\n%s", w.wrong, w.said())
	}
	w.drain()
	w.stop()
	raw, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := readTrace(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	slug := path.Base(strings.TrimSuffix(p.at, "/"))
	gone := slices.IndexFunc(calls, func(c syscalled) bool {
		return c.ok && c.name == "unlinkat" && path.Base(c.file) == slug && c.renamed() == "index.html"
	})
	if gone < 0 {
		t.Fatalf("the page of %s was not removed", p.at)
	}
	after := calls[gone+1:]
	noted := slices.IndexFunc(after, func(c syscalled) bool {
		return c.name == "pwrite64" && strings.HasSuffix(c.file, "/tertulia.db") && strings.Contains(c.text, p.marker) && strings.Contains(c.text, `"published","note":"revision 2"`)
	})
	if noted < 0 {
		t.Fatal("that it has gone was not written down")
	}
	if !slices.ContainsFunc(after[:noted], func(c syscalled) bool {
		return c.ok && c.name == "fsync" && strings.HasPrefix(calls[gone].file, c.file+"/") && c.done < after[noted].begun
	}) {
		t.Errorf("no directory above %s is synced in between", calls[gone].file)
	}
}
