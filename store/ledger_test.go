package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tertulia/store"
)

var evil = store.Erased{Kind: store.ErasedHost, Value: "evil.example"}

func erase(t *testing.T, db *store.DB, e ...store.Erased) {
	t.Helper()
	if _, err := db.Erase(bg, site, store.EraseOrder{What: e}); err != nil {
		t.Fatal(err)
	}
}

// A line whose end was never written was never acknowledged: it is passed over, and the
// next one takes its place. Any other that cannot be read is an error that names it.
func TestLedgerAfterACrashAndWithDamage(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tertulia.erased")
	db := open(t, dir, store.Options{})
	if db.Erased(site, evil) {
		t.Error("erased before it was")
	}
	erase(t, db, evil)
	erase(t, db, evil) // once is enough
	db.Close()
	whole, err := os.ReadFile(file)
	if err != nil || strings.Count(string(whole), "\n") != 1 {
		t.Fatalf("got %q and %v, want one line", whole, err)
	}
	for cut := range whole {
		if err := os.WriteFile(file, append(whole[:len(whole):len(whole)], whole[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		db = open(t, dir, store.Options{})
		if !db.Erased(site, evil) {
			t.Fatalf("cut at %d: forgotten", cut)
		}
		db.Close()
	}
	db = open(t, dir, store.Options{})
	other := store.Erased{Kind: store.ErasedPerson, Value: "eva.example"}
	erase(t, db, other)
	db.Close()
	db = open(t, dir, store.Options{})
	if !db.Erased(site, evil) || !db.Erased(site, other) {
		t.Error("forgotten after a torn line")
	}
	db.Close()
	two, err := os.ReadFile(file)
	if err != nil || strings.Count(string(two), "\n") != 2 {
		t.Fatalf("got %q and %v, want two lines", two, err)
	}
	for at := range whole {
		spoiled := append([]byte(nil), two...)
		spoiled[at] ^= 1
		if err := os.WriteFile(file, spoiled, 0o600); err != nil {
			t.Fatal(err)
		}
		if db, err := store.Open(dir, store.Options{}); err == nil {
			db.Close()
			t.Errorf("byte %d: opened with a damaged ledger", at)
		} else if !strings.Contains(err.Error(), "tertulia.erased: line 1 is damaged") {
			t.Errorf("byte %d: got %v", at, err)
		}
	}
}

// What cannot be noted is not said to be erased, and nothing is removed.
func TestEraseNeedsItsLedger(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.PutPage(store.Page{ID: "p"}), tx.PutMention(store.Mention{ID: "m", Page: "p", Source: "https://evil.example/1"}))
	})
	if err := os.Mkdir(filepath.Join(db.Dir(), "tertulia.erased"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Erase(bg, site, store.EraseOrder{What: []store.Erased{evil}}); err == nil {
		t.Error("erased without a ledger")
	}
	view(t, db, site, func(tx *store.Tx) error {
		_, err := tx.Mention("m")
		return err
	})
}
