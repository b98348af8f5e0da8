package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/store"
)

const copiesSite = "me.example"

// A copy is found by its post, its address in any spelling, its state, and when it is due; all
// that follows from its record alone, and moves with its post.
func TestCopiesAreFoundByWhatIsKnownOfThem(t *testing.T) {
	db, clock := openAt(t)
	update := func(fn func(tx *store.Tx) error) {
		t.Helper()
		if err := db.Update(t.Context(), copiesSite, fn); err != nil {
			t.Fatal(err)
		}
	}
	now := clock.Now()
	update(func(tx *store.Tx) error {
		for i, c := range []store.Copy{
			{Post: "https://me.example/1", Target: "a", State: store.CopyPublished, Ref: store.Ref{ID: "1", URL: "https://net.example/@me/1"}, Next: now.Add(-time.Minute)},
			{Post: "https://me.example/1", Target: "b", State: store.CopyParked},
			{Post: "https://me.example/11", Target: "a", State: store.CopyPublished, Next: now.Add(-time.Hour)},
			{Post: "https://me.example/2", Target: "a", State: store.CopyPublished, Next: now.Add(time.Hour)},
		} {
			c.Since = now.Add(time.Duration(i) * time.Second)
			if err := tx.PutCopy(c); err != nil {
				return err
			}
		}
		return nil
	})
	update(func(tx *store.Tx) error { return tx.MoveCopies("https://me.example/1", "https://me.example/moved") })
	if err := db.View(t.Context(), copiesSite, func(tx *store.Tx) error {
		if _, err := tx.Copy("https://me.example/1", "a"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it is where it was: %v", err)
		}
		all, err := tx.CopiesOf("https://me.example/moved")
		if err != nil || len(all) != 2 || all[0].Target != "a" || all[1].Target != "b" {
			t.Errorf("the copies of a post: %+v %v", all, err)
		}
		for _, spelling := range []string{"https://net.example/@me/1", "http://NET.example/@me/1"} {
			if c, err := tx.CopyAt(spelling); err != nil || c.Post != "https://me.example/moved" {
				t.Errorf("at %s: %+v %v", spelling, c, err)
			}
		}
		if due := strings.Join(tx.CopiesDue("a", 10), " "); due != "https://me.example/11 https://me.example/moved" {
			t.Errorf("due are %q", due)
		}
		if due := tx.CopiesDue("a", 1); len(due) != 1 {
			t.Errorf("one of them is %q", due)
		}
		parked, _, err := tx.CopiesIn("b", store.CopyParked, store.Range{})
		if err != nil || len(parked) != 1 || tx.CountCopies("a", store.CopyPublished, 2) != 2 {
			t.Errorf("parked: %+v %v", parked, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// What is sealed is opened with the same key and for the same purpose alone, and looks like
// nothing each time.
func TestSealedSecrets(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	secret := []byte("a token that lets somebody in")
	one, err := db.Seal("network a", secret)
	if err != nil {
		t.Fatal(err)
	}
	two, err := db.Seal("network a", secret)
	if err != nil || bytes.Equal(one, two) || bytes.Contains(one, secret[:8]) {
		t.Errorf("sealed twice: %x and %x, %v", one, two, err)
	}
	if got, err := db.Unseal("network a", one); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("got %q %v", got, err)
	}
	for what, c := range map[string]struct {
		purpose string
		sealed  []byte
	}{"another purpose": {"network b", one}, "cut": {"network a", one[:len(one)-1]}, "nothing": {"network a", nil}, "changed": {"network a", append([]byte{one[0] ^ 1}, one[1:]...)}} {
		if _, err := db.Unseal(c.purpose, c.sealed); !errors.Is(err, store.ErrUnsealed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "tertulia.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", info, err)
	}
	other := open(t, t.TempDir(), store.Options{})
	if _, err := other.Unseal("network a", one); !errors.Is(err, store.ErrUnsealed) {
		t.Errorf("with no key: %v", err)
	}
	if _, err := other.Seal("x", secret); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Unseal("network a", one); !errors.Is(err, store.ErrUnsealed) {
		t.Errorf("with another key: %v", err)
	}
}

// HOSTILE F16: a backup has no key, what it restores lets nobody into a network, and copies that
// were waiting are looked for before they are made.
func TestARestoreLetsNobodyIntoANetwork(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	sealed, err := db.Seal("a", []byte("a token that lets somebody in"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), copiesSite, func(tx *store.Tx) error {
		err := tx.PutNetwork(store.Network{Target: "a", Secret: sealed, Connected: tx.Now})
		for _, c := range []store.Copy{
			{Post: "https://me.example/1", Target: "a", State: store.CopyWaiting},
			{Post: "https://me.example/2", Target: "a", State: store.CopyPublished, Ref: store.Ref{ID: "1", URL: "https://net.example/1"}},
		} {
			if c.Since = tx.Now; err == nil {
				err = tx.PutCopy(c)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "backup.tar")
	if _, err := db.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil || bytes.Contains(raw, []byte("tertulia.key")) {
		t.Errorf("the backup has the key (%v)", err)
	}
	again := restored(t, file, store.Options{})
	if err := again.View(t.Context(), copiesSite, func(tx *store.Tx) error {
		if n, err := tx.Network("a"); err != nil || n.Secret != nil {
			t.Errorf("restored: %+v %v", n, err)
		}
		if c, err := tx.Copy("https://me.example/1", "a"); err != nil || c.Begun.IsZero() {
			t.Errorf("what waited: %+v %v", c, err)
		}
		if c, err := tx.Copy("https://me.example/2", "a"); err != nil || !c.Begun.IsZero() {
			t.Errorf("what was out: %+v %v", c, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
