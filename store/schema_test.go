package store_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
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
	"github.com/google/go-cmp/cmp/cmpopts"

	"tertulia/indieauth"
	"tertulia/mf2"
	"tertulia/store"
)

var updateFixture = flag.Bool("update", false, "write testdata/schema-N.db.gz and backup-N.tar.gz of this schema anew: only before the schema is released")

// furnish fills a store with one of each. It is what the fixtures hold.
func furnish(t *testing.T, db *store.DB) {
	t.Helper()
	receive(t, db, "a.jpg", "picture")
	update(t, db, site, func(tx *store.Tx) error {
		post := store.Post{
			Permalink: "https://example.com/2026/11/21/hola/", Kind: "note", Date: start, Created: start,
			Item:     mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"¡Hola!"}}},
			Revision: 2, Published: 2, Live: 1,
			Sent:    []store.Sent{{Target: "https://bruno.example/", Revision: 1, Linked: true, State: "sent", Status: 201, At: start}},
			History: []store.Event{{At: start, Stage: "received"}},
		}
		mention := store.Mention{
			ID: "m", Source: "https://bruno.example/1", Target: post.Permalink, Page: "p", State: store.Approved, Decision: store.Approved,
			Shown:    &store.Version{Type: "reply", Author: mf2.Author{Name: "Bruno", URL: "https://bruno.example/"}, Person: "b", URL: "https://bruno.example/1", Text: "Hola", Digest: "d"},
			Received: start,
		}
		return errors.Join(
			tx.PutPage(store.Page{ID: "p", URL: post.Permalink, Found: true, Created: start}, "/2026/11/21/hola"),
			tx.PutPost(post),
			tx.PutPerson(store.Person{ID: "b", Name: "Bruno", URL: "https://bruno.example/", Identities: []string{"bruno.example"}, Trust: store.Trusted, Created: start}),
			tx.PutMention(mention),
			tx.PutToken(indieauth.Token{Hash: "t", Name: "editor", Scopes: []string{"create"}, Issued: start}),
			tx.PutCode(indieauth.Code{Hash: "c", Expires: start.AddDate(100, 0, 0)}),
			tx.PutSession(store.Session{Hash: "s", Created: start, Expires: start.AddDate(100, 0, 0)}),
			tx.PutRequest(store.Request{Hash: "r", Kind: "link", Created: start, Expires: start.AddDate(100, 0, 0)}),
			tx.Record(store.Decision{By: "command line", Action: "approve", Subject: "m"}),
			tx.Enqueue(store.Job{Kind: "send", Key: "k", Lane: "bruno.example"}),
		)
	})
}

// compareFurniture reads every record of two stores and compares them, but for the ids
// that were made by chance.
func compareFurniture(t *testing.T, got, want *store.DB) {
	t.Helper()
	read := func(db *store.DB) (all []any) {
		view(t, db, site, func(tx *store.Tx) error {
			posts, _, err1 := tx.Posts(store.Range{}, false)
			in, _, err2 := tx.PostsIn("2026-11", store.Range{})
			page, err3 := tx.PageAt("/2026/11/21/hola")
			mention, err4 := tx.MentionFrom("p", "https://bruno.example/1")
			of, _, err5 := tx.MentionsOf("p", store.Range{})
			person, err6 := tx.PersonBy("bruno.example")
			by, _, err7 := tx.MentionsBy("b", store.Range{})
			token, err8 := tx.Token("t")
			code, err9 := tx.Code("c")
			session, err10 := tx.Session("s")
			request, err11 := tx.Request("link", "r")
			decisions, err12 := tx.Decisions()
			changes, err13 := tx.AllChanges()
			files, err14 := tx.MediaFiles()
			jobs, err15 := tx.Jobs()
			trusted, _, err16 := tx.PeopleWith(store.Trusted, store.Range{})
			var about []store.Decision
			tx.DecisionsAbout("m", "", func(d store.Decision) bool { about = append(about, d); return true })
			all = append(all, posts, in, page, mention, of, person, by, token, code, session, request, decisions, changes, files, jobs, trusted, about,
				slices.Collect(tx.Public(store.Listing{Types: []string{"reply"}})), tx.Totals(), tx.Counts("p"), tx.Months(), tx.JobCount(), tx.LaneCount("bruno.example"))
			return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13, err14, err15, err16)
		})
		return all
	}
	byChance := cmp.Options{cmpopts.IgnoreFields(store.Job{}, "ID"), cmpopts.IgnoreFields(store.Decision{}, "ID")}
	if d := cmp.Diff(read(want), read(got), byChance); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
}

func unzip(t *testing.T, name, to string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err := errors.Join(err, os.WriteFile(to, raw, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func zip(t *testing.T, from, name string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(raw)
	if err := errors.Join(err, z.Close(), os.WriteFile(filepath.Join("testdata", name), b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// HOSTILE F20: the database and the backup of every released schema open in this version
// and hold what they held.
func TestReleasedSchemasOpen(t *testing.T) {
	want, _ := openAt(t)
	furnish(t, want)
	if *updateFixture {
		zip(t, backUp(t, want), fmt.Sprintf("backup-%d.tar.gz", store.Schema()))
		copied := t.TempDir()
		furnished := open(t, copied, store.Options{Now: (&clock{now: start}).Now})
		furnish(t, furnished)
		furnished.Close()
		zip(t, database(copied), fmt.Sprintf("schema-%d.db.gz", store.Schema()))
	}
	fixtures, err := filepath.Glob("testdata/schema-*.db.gz")
	if err != nil || len(fixtures) == 0 {
		t.Fatalf("got %v and %v, want fixtures", fixtures, err)
	}
	for _, name := range fixtures {
		dir := t.TempDir()
		unzip(t, filepath.Base(name), database(dir))
		db := open(t, dir, store.Options{})
		compareFurniture(t, db, want)
		if done, err := db.Repair(bg); err != nil || done.Mended != 0 || len(done.Damaged) != 0 || done.Records == 0 {
			t.Errorf("%s: repair: got %+v and %v, want nothing to do", name, done, err)
		}
	}
	for n := range store.Schema() {
		file := filepath.Join(t.TempDir(), "b.tar")
		unzip(t, fmt.Sprintf("backup-%d.tar.gz", n+1), file)
		holdsFurniture := restored(t, file, store.Options{})
		view(t, holdsFurniture, site, func(tx *store.Tx) error {
			_, err := tx.Post("https://example.com/2026/11/21/hola/")
			return err
		})
		if raw, err := os.ReadFile(filepath.Join(store.MediaDir(holdsFurniture.Dir(), site), "a.jpg")); err != nil || string(raw) != "picture" {
			t.Errorf("backup %d: the upload: got %q and %v", n+1, raw, err)
		}
	}
}

// steps are migrations of versions to come. The one numbered fails, after it has written.
func steps(n int, fails int, fail func() error) (list []func(*store.Tx) error) {
	for i := range n {
		list = append(list, func(tx *store.Tx) error {
			if err := tx.On(site).PutPage(store.Page{ID: fmt.Sprint("step ", i)}); err != nil {
				return err
			}
			if i == fails {
				return fail()
			}
			return nil
		})
	}
	return list
}

func fixture(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	unzip(t, fmt.Sprintf("schema-%d.db.gz", store.Schema()), database(dir))
	return dir
}

// migrated opens a directory with a version that knows so many more schemas and wants all
// or nothing of them.
func migrated(t *testing.T, dir string, more int, want bool) {
	t.Helper()
	store.WithMigrations(steps(more, -1, nil), func() {
		db := open(t, dir, store.Options{})
		defer db.Close()
		for i := range 3 {
			view(t, db, site, func(tx *store.Tx) error {
				if _, err := tx.Page(fmt.Sprint("step ", i)); (err == nil) != want {
					t.Errorf("step %d: got %v, want it there: %t", i, err, want)
				}
				return nil
			})
		}
	})
}

// HOSTILE F20, 106: an upgrade that fails at any step leaves the old data, of which a
// copy was made; the next try brings the new.
func TestMigrationIsOldOrNewAfterAnError(t *testing.T) {
	known := store.Schema()
	for fails := range 3 {
		dir := fixture(t)
		copied := filepath.Join(dir, "backup", fmt.Sprintf("schema-%d.db", store.Schema()))
		store.WithMigrations(steps(3, fails, func() error { return io.ErrUnexpectedEOF }), func() {
			if db, err := store.Open(dir, store.Options{}); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "schema "+strconv.Itoa(known+fails+1)) {
				t.Errorf("step %d: got %v and %v", fails, db, err)
			}
		})
		migrated(t, dir, 0, false)
		migrated(t, dir, 3, true)
		back := t.TempDir()
		raw, err := os.ReadFile(copied)
		if err := errors.Join(err, os.WriteFile(database(back), raw, 0o600)); err != nil {
			t.Fatal(err)
		}
		migrated(t, back, 0, false)
	}
}

// TestMigrateAndDie is the process of TestMigrationIsOldOrNewAfterAKill.
func TestMigrateAndDie(t *testing.T) {
	dir, step, ok := strings.Cut(os.Getenv("TERTULIA_TEST_MIGRATE"), "\n")
	if !ok {
		t.Skip("only as a process of its own")
	}
	dies, _ := strconv.Atoi(step)
	store.WithMigrations(steps(3, dies, func() error { os.Exit(7); return nil }), func() {
		open(t, dir, store.Options{})
	})
}

// HOSTILE 106.
func TestMigrationIsOldOrNewAfterAKill(t *testing.T) {
	for dies := range 3 {
		dir := fixture(t)
		cmd := exec.Command(os.Args[0], "-test.run=^TestMigrateAndDie$")
		cmd.Env = append(os.Environ(), fmt.Sprintf("TERTULIA_TEST_MIGRATE=%s\n%d", dir, dies))
		var exit *exec.ExitError
		if out, err := cmd.CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
			t.Fatalf("step %d: got %v, want it to die\n%s", dies, err, out)
		}
		migrated(t, dir, 0, false)
		migrated(t, dir, 3, true)
	}
}

// An upgrade of which no copy can be made is not begun.
func TestMigrationNeedsItsCopy(t *testing.T) {
	dir := fixture(t)
	if err := os.WriteFile(filepath.Join(dir, "backup"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	store.WithMigrations(steps(1, -1, nil), func() {
		if _, err := store.Open(dir, store.Options{}); err == nil || !strings.Contains(err.Error(), "copy the data before the upgrade") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
	migrated(t, dir, 0, false)
}

// HOSTILE F21, 106: an older version leaves newer data alone, byte for byte, and names
// the copy that was made before the upgrade.
func TestNewerDataIsRefusedWithTheNameOfTheCopy(t *testing.T) {
	dir := fixture(t)
	migrated(t, dir, 3, true)
	before := tree(t, dir)
	copied := filepath.Join(dir, "backup", fmt.Sprintf("schema-%d.db", store.Schema()))
	_, err := store.Open(dir, store.Options{})
	newer := fmt.Sprintf("newer version (schema %d, this version knows %d)", store.Schema()+3, store.Schema())
	if err == nil || !strings.Contains(err.Error(), newer) || !strings.Contains(err.Error(), copied) {
		t.Errorf("got %v, want a refusal that names %s", err, copied)
	}
	if d := cmp.Diff(before, tree(t, dir)); d != "" {
		t.Error("the refused data was changed")
	}
	if err := os.Remove(copied); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir, store.Options{LockTimeout: time.Second}); err == nil || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("without the copy: got %v", err)
	}
	// A backup of newer data is refused as well.
	to := t.TempDir()
	file := filepath.Join(to, "b.tar")
	store.WithMigrations(steps(3, -1, nil), func() {
		db := open(t, dir, store.Options{})
		defer db.Close()
		if _, err := db.Backup(bg, file); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := store.Restore(bg, file, filepath.Join(to, "data"), false, store.Options{}); err == nil || !strings.Contains(err.Error(), "made by a newer version") {
		t.Errorf("got %v, want a refusal", err)
	}
	// And one of older data is brought to the schema of the version that restores it.
	older := filepath.Join(t.TempDir(), "b.tar")
	unzip(t, "backup-1.tar.gz", older)
	store.WithMigrations(steps(3, -1, nil), func() {
		db := restored(t, older, store.Options{})
		view(t, db, site, func(tx *store.Tx) error { _, err := tx.Page("step 2"); return err })
		db.Close()
	})
}
