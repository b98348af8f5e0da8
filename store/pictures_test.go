package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tertulia/mf2"
	"tertulia/store"
)

// face keeps the picture at an address, its file first.
func face(t *testing.T, db *store.DB, url, name string) {
	t.Helper()
	dir := filepath.Join(store.MediaDir(db.Dir(), site), store.Pictures)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
		t.Fatal(err)
	}
	update(t, db, site, func(tx *store.Tx) error {
		return tx.PutPicture(store.Picture{URL: url, Name: name, Size: int64(len(name)), SHA256: sum(name)})
	})
}

// showing makes a public mention whose author has a picture.
func showing(id, photo string) store.Mention {
	m := public(id, "p1", id)
	m.Shown.Author = mf2.Author{Photo: photo}
	return m
}

func faces(t *testing.T, db *store.DB, urls ...string) (names []string) {
	t.Helper()
	for range 2 { // the second time from memory
		names = nil
		view(t, db, site, func(tx *store.Tx) error {
			for _, url := range urls {
				p, err := tx.PictureOf(url)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				names = append(names, p.Name)
			}
			return nil
		})
	}
	return names
}

// A picture goes with the last mention that shows it, be it dropped or changed.
func TestPicturesGoWithTheLastMentionThatShowsThem(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error { return tx.PutPage(store.Page{ID: "p1"}) })
	const a, b, c = "https://pics.example/a", "https://pics.example/b", "https://pics.example/c"
	held := showing("3", b)
	held.Held = &store.Version{Type: "reply", Author: mf2.Author{Photo: c}, Digest: "held"}
	for _, m := range []store.Mention{showing("1", a), showing("2", a), held} {
		update(t, db, site, func(tx *store.Tx) error { return tx.PutMention(m) })
	}
	face(t, db, a, "same.jpg")
	face(t, db, b, "same.jpg")
	face(t, db, c, "c.jpg")
	steps := []struct {
		name string
		do   func(*store.Tx) error
		want [3]string
		file bool // same.jpg is named
	}{
		{"all", func(*store.Tx) error { return nil }, [3]string{"same.jpg", "same.jpg", "c.jpg"}, true},
		{"one of two", func(tx *store.Tx) error { return tx.DropMention("1") }, [3]string{"same.jpg", "same.jpg", "c.jpg"}, true},
		{"the other changes", func(tx *store.Tx) error { return tx.PutMention(showing("2", "")) }, [3]string{"", "same.jpg", "c.jpg"}, true},
		{"the held one is shown", func(tx *store.Tx) error { return tx.PutMention(showing("3", c)) }, [3]string{"", "", "c.jpg"}, false},
		{"the last goes", func(tx *store.Tx) error { return tx.DropMention("3") }, [3]string{}, false},
	}
	for _, step := range steps {
		update(t, db, site, step.do)
		if got := faces(t, db, a, b, c); [3]string(got) != step.want {
			t.Errorf("%s: got %q, want %q", step.name, got, step.want)
		}
		view(t, db, site, func(tx *store.Tx) error {
			if got := tx.HasPictureFile("same.jpg"); got != step.file {
				t.Errorf("%s: a row names same.jpg: %v", step.name, got)
			}
			return nil
		})
	}
	if done, err := db.Repair(bg); err != nil || done.Mended != 0 {
		t.Errorf("repair: %+v, %v", done, err)
	}
}

// HOSTILE 98: pictures are in a backup, each file once; one that is lost costs its row.
func TestBackupHasThePicturesOfAuthors(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error { return tx.PutPage(store.Page{ID: "p1"}) })
	for i, url := range []string{"https://pics.example/a", "https://pics.example/b", "https://pics.example/lost"} {
		update(t, db, site, func(tx *store.Tx) error { return tx.PutMention(showing(string(rune('1'+i)), url)) })
	}
	face(t, db, "https://pics.example/a", "same.jpg")
	face(t, db, "https://pics.example/b", "same.jpg")
	face(t, db, "https://pics.example/lost", "lost.jpg")
	if err := os.Remove(filepath.Join(store.MediaDir(db.Dir(), site), store.Pictures, "lost.jpg")); err != nil {
		t.Fatal(err)
	}
	again := restored(t, backUp(t, db), store.Options{})
	got := faces(t, again, "https://pics.example/a", "https://pics.example/b", "https://pics.example/lost")
	if got[0] != "same.jpg" || got[1] != "same.jpg" || got[2] != "" {
		t.Errorf("got %q", got)
	}
	raw, err := os.ReadFile(filepath.Join(store.MediaDir(again.Dir(), site), store.Pictures, "same.jpg"))
	if err != nil || string(raw) != "same.jpg" {
		t.Errorf("%q, %v", raw, err)
	}
}

// HOSTILE 113: what was read of somebody who is erased goes with them.
func TestErasureTakesOriginalsAndPictures(t *testing.T) {
	db, _ := openAt(t)
	m := showing("1", "https://pics.example/a")
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.PutPage(store.Page{ID: "p1"}), tx.PutMention(m),
			tx.PutOriginal(store.Original{Mention: "1", Digest: "1", Item: mf2.Item{Type: []string{"h-entry"}}}))
	})
	face(t, db, "https://pics.example/a", "a.jpg")
	if n, err := db.Erase(bg, site, store.EraseOrder{What: []store.Erased{store.Erased{Kind: store.ErasedSource, Value: m.Source}}}); n.Mentions != 1 || err != nil {
		t.Fatal(n, err)
	}
	view(t, db, site, func(tx *store.Tx) error {
		if _, err := tx.Original("1", "1"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the original: %v", err)
		}
		return nil
	})
	if got := faces(t, db, "https://pics.example/a"); got[0] != "" {
		t.Errorf("the picture %q is there", got)
	}
}
