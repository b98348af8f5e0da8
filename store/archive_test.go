package store_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tertulia/store"
)

// entry is a file of an archive.
type entry struct {
	tar.Header
	content string
}

// rebuild changes the entries of an archive; honest makes a manifest that fits them.
func rebuild(t *testing.T, raw []byte, honest bool, change func([]entry, *store.Manifest) []entry) []byte {
	t.Helper()
	var entries []entry
	for r := tar.NewReader(bytes.NewReader(raw)); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		content, failed := io.ReadAll(r)
		if err := errors.Join(err, failed); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{*head, string(content)})
	}
	m, err := store.DecodeManifest([]byte(entries[len(entries)-1].content))
	if err != nil {
		t.Fatal(err)
	}
	entries = change(entries, &m)
	if honest {
		m.Files = nil
		for _, e := range entries {
			if e.Name != "manifest" {
				m.Files = append(m.Files, store.ArchivedFile{Name: e.Name, Size: int64(len(e.content)), SHA256: sum(e.content)})
			}
		}
	}
	text, err := store.EncodeManifest(m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if e.Name == "manifest" {
			e.content = string(text)
		}
		if e.Size = int64(len(e.content)); e.Typeflag == tar.TypeXGlobalHeader {
			e.Header = tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"path": "x"}}
		}
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sampleArchive is an archive with one of each, and its bytes.
func sampleArchive(t *testing.T) []byte {
	t.Helper()
	db, _ := openAt(t)
	receive(t, db, "a.jpg", "a")
	pages := filepath.Join(db.Dir(), "site", "example.com")
	if err := errors.Join(os.MkdirAll(pages, 0o755), os.WriteFile(filepath.Join(pages, "index.html"), []byte("hello"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Erase(bg, site, store.EraseOrder{What: []store.Erased{store.Erased{Kind: store.ErasedHost, Value: "x.example"}}}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(backUp(t, db))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// refuse wants an archive to be refused, and nothing left of the try; said is in the error.
func refuse(t *testing.T, what string, raw []byte, said string) {
	t.Helper()
	parent := t.TempDir()
	file, dir := filepath.Join(parent, "b.tar"), filepath.Join(parent, "in", "data")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(bg, file, dir, true, store.Options{}); err == nil || !strings.Contains(err.Error(), said) {
		t.Errorf("%s: got %v, want that %s", what, err, said)
	}
	for name := range tree(t, parent) {
		if name != "/b.tar" {
			t.Errorf("%s: it left %s", what, name)
		}
	}
}

// sparse is an archive with an entry of a terabyte, of which next to nothing is there.
func sparse(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	head := tar.Header{Typeflag: tar.TypeReg, Name: "site/x", Size: 512, Mode: 0o600, Format: tar.FormatPAX, PAXRecords: map[string]string{
		"GNUxsparse.major": "1", "GNUxsparse.minor": "0", "GNUxsparse.name": "site/x", "GNUxsparse.realsize": strconv.Itoa(1 << 40),
	}}
	if err := w.WriteHeader(&head); err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "0\n"+strings.Repeat("\x00", 510))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("GNUxsparse"), []byte("GNU.sparse"))
}

// An archive that was cut off, changed, or made to write elsewhere is refused before
// anything is written.
func TestRestoreRefusesTamperedArchives(t *testing.T) {
	raw := sampleArchive(t)
	add := func(name string, kind byte) func([]entry, *store.Manifest) []entry {
		return func(es []entry, _ *store.Manifest) []entry {
			e := entry{tar.Header{Typeflag: kind, Name: name, Mode: 0o600}, ""}
			if kind == tar.TypeLink || kind == tar.TypeSymlink {
				e.Linkname = "../../etc/passwd"
			}
			if kind == tar.TypeReg {
				e.content = "x"
			}
			return slices.Insert(es, 1, e)
		}
	}
	drop := func(name string) func([]entry, *store.Manifest) []entry {
		return func(es []entry, _ *store.Manifest) []entry {
			return slices.DeleteFunc(es, func(e entry) bool { return e.Name == name })
		}
	}
	for what, c := range map[string]struct {
		honest bool
		change func([]entry, *store.Manifest) []entry
	}{
		"a path upwards":         {true, add("media/../../x", tar.TypeReg)},
		"a path out":             {true, add("../x", tar.TypeReg)},
		"an absolute path":       {true, add("/tmp/x", tar.TypeReg)},
		"a path with dots":       {true, add("site/a/../b", tar.TypeReg)},
		"a double slash":         {true, add("site//b", tar.TypeReg)},
		"a backslash":            {true, add(`site/..\x`, tar.TypeReg)},
		"a foreign name":         {true, add("tertulia.toml", tar.TypeReg)},
		"a database below":       {true, add("tertulia.db/x", tar.TypeReg)},
		"an upload of no site":   {true, add("media/x", tar.TypeReg)},
		"an upload too deep":     {true, add("media/a/b/c", tar.TypeReg)},
		"a backup inside":        {true, add("backup/x", tar.TypeReg)},
		"a symbolic link":        {true, add("site/x", tar.TypeSymlink)},
		"a hard link":            {true, add("site/x", tar.TypeLink)},
		"a directory":            {true, add("site/x/", tar.TypeDir)},
		"a device":               {true, add("site/x", tar.TypeChar)},
		"a pipe":                 {true, add("site/x", tar.TypeFifo)},
		"a global header":        {true, add("site/x", tar.TypeXGlobalHeader)},
		"a file twice":           {true, add("tertulia.db", tar.TypeReg)},
		"a file too many":        {false, add("site/x", tar.TypeReg)},
		"a file too few":         {false, drop("site/example.com/index.html")},
		"no manifest":            {true, drop("manifest")},
		"no database":            {true, drop("tertulia.db")},
		"a row without its file": {true, drop("media/example.com/a.jpg")},
		"a damaged ledger": {true, func(es []entry, _ *store.Manifest) []entry {
			for i := range es {
				if es[i].Name == "tertulia.erased" {
					es[i].content = strings.Replace(es[i].content, "2 ", "2 0", 1)
				}
			}
			return es
		}},
		"another content": {false, func(es []entry, _ *store.Manifest) []entry {
			es[len(es)-2].content = "HELLO"
			return es
		}},
		"the manifest first": {true, func(es []entry, _ *store.Manifest) []entry {
			return append(es[len(es)-1:], es[:len(es)-1]...)
		}},
		"a newer format": {true, func(es []entry, m *store.Manifest) []entry { m.Format++; return es }},
		"a newer schema": {true, func(es []entry, m *store.Manifest) []entry { m.Schema++; return es }},
		"no format":      {true, func(es []entry, m *store.Manifest) []entry { m.Format = 0; return es }},
	} {
		said := "it is no whole backup"
		switch what {
		case "a row without its file":
			said = "which the backup does not have"
		case "a damaged ledger":
			said = "tertulia.erased: line 1 is damaged"
		}
		refuse(t, what, rebuild(t, raw, c.honest, c.change), said)
	}
	const no = "it is no whole backup"
	refuse(t, "something behind it", append(bytes.Clone(raw), "x"...), no)
	refuse(t, "another archive behind it", append(bytes.Clone(raw), raw...), no)
	refuse(t, "no archive", []byte(strings.Repeat("tertulia", 1000)), no)
	refuse(t, "nothing", nil, no)
	refuse(t, "a terabyte of nothing", sparse(t), "larger than the archive")
	for cut := 0; cut < len(raw); cut += max(1, min(512, len(raw)-cut-1)) {
		refuse(t, fmt.Sprintf("%d of %d bytes", cut, len(raw)), raw[:cut], no)
	}
	// Untouched it is restored, so it was not something else that was refused.
	file := filepath.Join(t.TempDir(), "b.tar")
	if err := os.WriteFile(file, rebuild(t, raw, true, func(es []entry, _ *store.Manifest) []entry { return es }), 0o600); err != nil {
		t.Fatal(err)
	}
	restored(t, file, store.Options{})
}

// A flipped bit is refused, unless it makes no difference to what is restored: those
// that only pad a block to its end.
func TestRestoreRefusesFlippedBits(t *testing.T) {
	raw := sampleArchive(t)
	whole, err := tryRestore(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(raw); at += 101 {
		spoiled := bytes.Clone(raw)
		spoiled[at] ^= 1 << (at % 8)
		if got, err := tryRestore(t, spoiled); err == nil && got != whole {
			t.Errorf("a flipped bit in byte %d was not noticed", at)
		}
	}
}

// tryRestore restores an archive and says what came of it.
func tryRestore(t *testing.T, raw []byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	file, data := filepath.Join(dir, "b.tar"), filepath.Join(dir, "data")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := store.Restore(bg, file, data, false, store.Options{Now: (&clock{now: start}).Now})
	if err != nil {
		return "", err
	}
	db := open(t, data, store.Options{Now: (&clock{now: start}).Now})
	records := db.Dump()
	db.Close()
	files := tree(t, data)
	delete(files, "/tertulia.db") // its records were read
	delete(files, "/tertulia.reserve")
	return fmt.Sprint(done.Manifest, records, files), nil
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte(""))
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"site/x", "../x", "manifest"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: 2, Mode: 0o600}); err != nil {
			f.Fatal(err)
		}
		io.WriteString(w, "{}")
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		parent := t.TempDir()
		file := filepath.Join(parent, "b.tar")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Restore(bg, file, filepath.Join(parent, "data"), false, store.Options{}); err == nil {
			t.Error("it was restored")
		}
		if got := names(t, parent); len(got) > 2 {
			t.Errorf("it left %v", got)
		}
	})
}
