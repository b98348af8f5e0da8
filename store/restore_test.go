package store_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/indieauth"
	"tertulia/store"
)

// HOSTILE F16: what is restored trusts no token, session or code, and gives no work to
// do until the owner says so.
func TestRestoredTrustsNobodyAndSendsNothing(t *testing.T) {
	db, c := openAt(t)
	later := start.AddDate(1, 0, 0)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(
			tx.PutToken(indieauth.Token{Hash: "t", Issued: start}),
			tx.PutCode(indieauth.Code{Hash: "c", Expires: later}),
			tx.PutSession(store.Session{Hash: "s", Expires: later}),
			tx.PutRequest(store.Request{Hash: "r", Kind: "link", Expires: later}),
			tx.Enqueue(store.Job{Kind: "send", Key: "running"}),
			tx.Enqueue(store.Job{Kind: "send", Key: "waiting", Due: start.Add(time.Minute)}),
		)
	})
	if got := claim(t, db, "me", 10); len(got) != 1 {
		t.Fatalf("claimed %v", got)
	}
	c.Add(time.Hour)
	opts := store.Options{Now: c.Now}
	again := restored(t, backUp(t, db), opts)
	view(t, again, site, func(tx *store.Tx) error {
		for what, get := range map[string]func() error{
			"token":   func() error { _, err := tx.Token("t"); return err },
			"code":    func() error { _, err := tx.Code("c"); return err },
			"session": func() error { _, err := tx.Session("s"); return err },
			"request": func() error { _, err := tx.Request("link", "r"); return err },
		} {
			wantNotExist(t, what, get())
		}
		return nil
	})
	if _, yes, err := again.Paused(); err != nil || !yes {
		t.Errorf("paused: got %t %v, want it", yes, err)
	}
	if err := again.Release(bg); err != nil { // as the runner does when it starts
		t.Fatal(err)
	}
	enqueue(t, again, site, store.Job{Kind: "send", Key: "new"})
	if got := claim(t, again, "me", 10); len(got) != 0 {
		t.Errorf("claimed %v while it is paused", got)
	}
	if _, ok, err := again.NextDue(); ok || err != nil {
		t.Errorf("next due: got %t %v, want none while it is paused", ok, err)
	}
	if err := again.Resume(bg); err != nil {
		t.Fatal(err)
	}
	select {
	case <-again.JobsReady():
	default:
		t.Error("nobody was told that there is work again")
	}
	got := claim(t, again, "me", 10)
	for _, j := range got {
		if j.Panics != 0 || j.Attempts != 1 {
			t.Errorf("job %s: got %d attempts and %d panics, want its first", j.Key, j.Attempts, j.Panics)
		}
	}
	if len(got) != 3 {
		t.Errorf("claimed %v, want three jobs", got)
	}
}

// HOSTILE F16, 113: neither a restore nor an older ledger brings back who was erased,
// whichever of the two ledgers knows.
func TestRestoreDoesNotReviveTheErased(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		err := errors.Join(tx.PutPage(store.Page{ID: "page"}, "/"),
			tx.PutPerson(store.Person{ID: "eva", Identities: []string{"eva.example"}}))
		for _, m := range []store.Mention{
			{ID: "host", Source: "https://sub.evil.example/1"},
			{ID: "person", Source: "https://bridge.example/1", Shown: &store.Version{Type: "reply", Person: "eva"}},
			{ID: "source", Source: "https://fine.example/1"},
			{ID: "stays", Source: "https://fine.example/2"},
		} {
			m.Page, m.State, m.Received = "page", store.Approved, start
			if m.Shown == nil {
				m.Shown = &store.Version{Type: "like"}
			}
			err = errors.Join(err, tx.PutMention(m))
		}
		return err
	})
	before := backUp(t, db)
	if _, err := db.Erase(bg, site, store.Erased{Kind: store.ErasedSource, Value: "https://fine.example/1"}); err != nil {
		t.Fatal(err)
	}
	between := backUp(t, db) // its ledger knows the source
	to := t.TempDir()
	other := open(t, to, store.Options{})
	n, err := other.Erase(bg, site, store.Erased{Kind: store.ErasedHost, Value: "evil.example"}, store.Erased{Kind: store.ErasedPerson, Value: "eva.example"})
	if err != nil || n != 0 {
		t.Fatal(n, err)
	}
	other.Close()
	for i, file := range []string{between, before} { // the directory's ledger grows and stays
		done, err := store.Restore(bg, file, to, true, store.Options{})
		if want := 2 + i; err != nil || done.Erased != want {
			t.Errorf("restored with %d erased and %v, want %d", done.Erased, err, want)
		}
		again := open(t, to, store.Options{})
		view(t, again, site, func(tx *store.Tx) error {
			for _, id := range []string{"host", "person", "source"} {
				_, err := tx.Mention(id)
				wantNotExist(t, id, err)
			}
			_, err := tx.PersonBy("eva.example")
			wantNotExist(t, "eva", err)
			if got := tx.Counts("page"); !cmp.Equal(got, map[string]int{"like": 1}) {
				t.Errorf("counts: got %v, want the one that stays", got)
			}
			_, err = tx.Mention("stays")
			return err
		})
		for _, e := range []store.Erased{
			{Kind: store.ErasedSource, Value: "https://SUB.evil.example/2"}, {Kind: store.ErasedHost, Value: "evil.example"},
			{Kind: store.ErasedPerson, Value: "eva.example"}, {Kind: store.ErasedSource, Value: "https://fine.example/1"},
		} {
			if !again.Erased(site, e) {
				t.Errorf("%v is forgotten", e)
			}
			if again.Erased("other.example", e) {
				t.Errorf("%v is erased from another site", e)
			}
		}
		if again.Erased(site, store.Erased{Kind: store.ErasedSource, Value: "https://notevil.example/"}) {
			t.Error("a neighbour is erased")
		}
		again.Close()
		raw, err := os.ReadFile(filepath.Join(to, "tertulia.erased"))
		if err != nil || bytes.Contains(raw, []byte("evil")) || bytes.Contains(raw, []byte("eva")) {
			t.Errorf("the ledger says who was erased, or %v", err)
		}
	}
}

// Old data goes aside and is never deleted; without force it is not touched at all.
func TestRestorePutsTheOldDataAside(t *testing.T) {
	db, _ := openAt(t)
	receive(t, db, "new.jpg", "new")
	file := backUp(t, db)
	dir := t.TempDir()
	old := open(t, dir, store.Options{})
	receive(t, old, "old.jpg", "old")
	if _, err := store.Restore(bg, file, dir, true, store.Options{LockTimeout: 50 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "in use by process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("got %v, want a refusal that names who has the data", err)
	}
	// What lies in backup is used where it is.
	if err := os.Mkdir(filepath.Join(dir, "backup"), 0o700); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(dir, "backup", "b.tar")
	raw, err := os.ReadFile(file)
	if err := errors.Join(err, os.WriteFile(inside, raw, 0o600), os.WriteFile(filepath.Join(dir, "tertulia.toml"), nil, 0o600), old.Close()); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	if _, err := store.Restore(bg, inside, dir, false, store.Options{}); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("got %v, want ErrNotEmpty", err)
	}
	if d := cmp.Diff(before, tree(t, dir)); d != "" {
		t.Errorf("a refused restore (-before +after):\n%s", d)
	}
	var done store.Restored
	store.WithRename(func(from, to string) error {
		if from == database(dir) { // until it is replaced nobody can come in between
			if _, err := store.Open(dir, store.Options{LockTimeout: 20 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "in use") {
				t.Errorf("open while it is restored: got %v", err)
			}
		}
		return os.Rename(from, to)
	}, func() { done, err = store.Restore(bg, inside, dir, true, store.Options{}) })
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range before {
		at := name
		if strings.HasPrefix(name, "/media") || name == "/tertulia.db" {
			at = strings.TrimPrefix(done.Replaced, dir) + name
		}
		if got := tree(t, dir)[at]; got != content {
			t.Errorf("%s: not where it should be, or changed", at)
		}
	}
	holds(t, open(t, dir, store.Options{}), nil, []string{"new.jpg"})
}

// A database that is damaged beyond opening is replaced like any other.
func TestRestoreReplacesADamagedDatabase(t *testing.T) {
	db, _ := openAt(t)
	receive(t, db, "a.jpg", "a")
	file := backUp(t, db)
	for _, content := range []string{"", "x", strings.Repeat("\x00", 8192), strings.Repeat("tertulia", 4096)} {
		dir := t.TempDir()
		if err := os.WriteFile(database(dir), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Restore(bg, file, dir, true, store.Options{}); err != nil {
			t.Errorf("over %.10q: %v", content, err)
		}
		holds(t, open(t, dir, store.Options{}), nil, []string{"a.jpg"})
	}
}

// TestRestoreAndDie is the process of TestKilledRestoreIsNeverHalf.
func TestRestoreAndDie(t *testing.T) {
	words := strings.Split(os.Getenv("TERTULIA_TEST_RESTORE"), "\n")
	if len(words) != 3 {
		t.Skip("only as a process of its own")
	}
	left, _ := strconv.Atoi(words[2])
	store.WithRename(func(from, to string) error {
		if left--; left == 0 {
			os.Exit(7)
		}
		return os.Rename(from, to)
	}, func() {
		if _, err := store.Restore(bg, words[0], words[1], true, store.Options{}); err != nil {
			t.Fatal(err)
		}
	})
}

// HOSTILE 106: killed between any two steps, a restore leaves the old data, the new, or a
// directory that is refused; done again it comes to its end. One that fails there leaves
// everything as it was.
func TestKilledRestoreIsNeverHalf(t *testing.T) {
	db, _ := openAt(t)
	receive(t, db, "new.jpg", "new")
	if _, err := db.Erase(bg, site, store.Erased{Kind: store.ErasedHost, Value: "x.example"}); err != nil {
		t.Fatal(err)
	}
	file := backUp(t, db)
	for step := 1; ; step++ {
		dir := t.TempDir()
		old := open(t, dir, store.Options{})
		receive(t, old, "old.jpg", "old")
		old.Close()
		before := tree(t, dir)
		left := step
		store.WithRename(func(from, to string) error {
			if left--; left == 0 {
				return io.ErrUnexpectedEOF
			}
			return os.Rename(from, to)
		}, func() {
			if _, err := store.Restore(bg, file, dir, true, store.Options{}); (err == nil) != (left > 0) {
				t.Errorf("step %d: got %v", step, err)
			}
		})
		if left > 0 {
			if step != 6 { // two go aside, three come, and the ledger
				t.Errorf("a restore has %d steps", step-1)
			}
			return
		}
		after := tree(t, dir)
		delete(after, "/tertulia.erased") // the merged one: it holds more, never less
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("step %d failed (-before +after):\n%s", step, d)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestRestoreAndDie$")
		cmd.Env = append(os.Environ(), fmt.Sprintf("TERTULIA_TEST_RESTORE=%s\n%s\n%d", file, dir, step))
		var exit *exec.ExitError
		if out, err := cmd.CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
			t.Fatalf("step %d: got %v, want it to die\n%s", step, err, out)
		}
		if half, err := store.Open(dir, store.Options{}); err == nil {
			view(t, half, site, func(tx *store.Tx) error {
				rows, err := tx.MediaFiles()
				if err != nil || len(rows) != 1 {
					t.Fatalf("step %d: got %v and %v, want old or new", step, rows, err)
				}
				_, err = os.Stat(filepath.Join(store.MediaDir(dir, site), rows[0].Name))
				return err
			})
			half.Close()
		} else if !strings.Contains(err.Error(), "restore a backup") {
			t.Errorf("step %d: got %v", step, err)
		}
		if _, err := store.Restore(bg, file, dir, true, store.Options{}); err != nil {
			t.Errorf("step %d, once more: %v", step, err)
		}
		holds(t, open(t, dir, store.Options{}), nil, []string{"new.jpg"})
	}
}

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
	if _, err := db.Erase(bg, site, store.Erased{Kind: store.ErasedHost, Value: "x.example"}); err != nil {
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
					es[i].content = strings.Replace(es[i].content, "1 ", "1 0", 1)
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
