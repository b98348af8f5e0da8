package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
			tx.PutRefresh(indieauth.Refresh{Hash: "f", Token: "t", Expires: later}),
			tx.PutCode(indieauth.Code{Hash: "c", Expires: later}),
			tx.PutSession(store.Session{Hash: "s", Expires: later}),
			tx.PutFeedKey(store.FeedKey{Me: "m", Hash: "f", Made: start}),
			tx.PutRequest(store.Request{Hash: "r", Kind: "link", Expires: later}),
			tx.PutDevice(store.Device{Hash: "d", Expires: later}),
			tx.PutPassphrase(store.Passphrase{Me: "m"}),
			tx.PutPasskey(store.Passkey{ID: "k", Credential: []byte("{}")}),
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
			"refresh":    func() error { _, _, err := tx.Refresh("f"); return err },
			"token":      func() error { _, err := tx.Token("t"); return err },
			"code":       func() error { _, err := tx.Code("c"); return err },
			"session":    func() error { _, err := tx.Session("s"); return err },
			"feed":       func() error { _, err := tx.FeedKey("m"); return err },
			"its secret": func() error { _, err := tx.FeedKeyBy("f"); return err },
			"request":    func() error { _, err := tx.Request("link", "r"); return err },
			"device":     func() error { _, err := tx.Device("d"); return err },
			"passphrase": func() error { _, err := tx.Passphrase("m"); return err },
			"passkey":    func() error { _, err := tx.Passkey("k"); return err },
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
	select {
	case <-again.JobsReady(): // that there is a new one was said before
	default:
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
	if _, err := db.Erase(bg, site, store.EraseOrder{What: []store.Erased{store.Erased{Kind: store.ErasedSource, Value: "https://fine.example/1"}}}); err != nil {
		t.Fatal(err)
	}
	between := backUp(t, db) // its ledger knows the source
	to := t.TempDir()
	other := open(t, to, store.Options{})
	n, err := other.Erase(bg, site, store.EraseOrder{What: []store.Erased{store.Erased{Kind: store.ErasedHost, Value: "evil.example"}, store.Erased{Kind: store.ErasedPerson, Value: "eva.example"}}})
	if err != nil || n.Mentions != 0 {
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

// The source of a site may be newer than what is restored: what is known of its files stays, and
// that they are as they shall be is forgotten.
func TestRestoreHasTheFilesOfConversationsComparedAnew(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.PutPage(store.Page{ID: "page"}, "/"), tx.PutDataFile(store.DataFile{Name: "data/index.json", Page: "page"}),
			tx.PutDataState(store.DataState{Number: 7, As: "1 full data"}))
	})
	view(t, restored(t, backUp(t, db), store.Options{}), site, func(tx *store.Tx) error {
		files, err := tx.DataFiles()
		state, worse := tx.DataState()
		if len(files) != 1 || state != (store.DataState{}) {
			t.Errorf("got %+v and %+v", files, state)
		}
		return errors.Join(err, worse)
	})
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
	if _, err := db.Erase(bg, site, store.EraseOrder{What: []store.Erased{store.Erased{Kind: store.ErasedHost, Value: "x.example"}}}); err != nil {
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
