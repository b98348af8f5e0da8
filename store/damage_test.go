package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"tertulia/store"
)

// flip turns one bit in the last byte of the record under key.
func flip(t *testing.T, dir, key string) {
	t.Helper()
	raw(t, dir, func(b *bolt.Bucket) error {
		v := b.Get([]byte(key))
		if v == nil {
			t.Fatalf("there is no record %q", key)
		}
		v = append([]byte(nil), v...)
		v[len(v)-1] ^= 1
		return b.Put([]byte(key), v)
	})
}

// HOSTILE R6, F12: damage stays one record's; it is named, the others are served.
func TestDamagedRecordIsNamedAndTheOthersServed(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	update(t, db, site, func(tx *store.Tx) error {
		var errs []error
		for _, name := range []string{"a", "b", "c"} {
			errs = append(errs,
				tx.PutPost(store.Post{Permalink: name, Date: start}),
				tx.PutMedia(store.Media{Name: name}),
				tx.PutSession(store.Session{Hash: name, Expires: time.Now().Add(time.Hour)}),
				tx.PutPage(store.Page{ID: name}, "/"+name))
		}
		return errors.Join(errs...)
	})
	db.Close()
	for _, table := range []string{"posts", "media", "sessions", "pages"} {
		flip(t, dir, site+"\x00"+table+"\x00b")
	}
	db = open(t, dir, store.Options{})
	view(t, db, site, func(tx *store.Tx) error {
		for table, get := range map[string]func(string) error{
			"posts":    func(k string) error { _, err := tx.Post(k); return err },
			"media":    func(k string) error { _, err := tx.Media(k); return err },
			"sessions": func(k string) error { _, err := tx.Session(k); return err },
			"pages":    func(k string) error { _, err := tx.PageAt("/" + k); return err },
		} {
			var damaged *store.DamagedError
			if err := get("b"); !errors.As(err, &damaged) || damaged.Key != site+"/"+table+"/b" {
				t.Errorf("%s b: got %v, want a DamagedError that names it", table, err)
			}
			for _, k := range []string{"a", "c"} {
				if err := get(k); err != nil {
					t.Errorf("%s %s: %v", table, k, err)
				}
			}
		}
		posts, _, err := tx.Posts(store.Range{}, false)
		if err != nil || len(posts) != 2 || posts[0].Permalink != "a" || posts[1].Permalink != "c" {
			t.Errorf("posts: got %v and %v, want a and c", posts, err)
		}
		files, err := tx.MediaFiles()
		if err != nil || len(files) != 2 {
			t.Errorf("media: got %v and %v, want two", files, err)
		}
		return nil
	})
	if err := db.Update(t.Context(), site, func(tx *store.Tx) error { return tx.SweepAccess(start.AddDate(100, 0, 0)) }); err != nil {
		t.Errorf("sweep beside a damaged session: %v", err)
	}
}

// A job that cannot be read is set aside: it neither holds up the others nor is it
// due for ever, which would have the runner come back without a rest.
func TestDamagedJobIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	c := &clock{now: start}
	db := open(t, dir, store.Options{Now: c.Now})
	var ids []string
	update(t, db, site, func(tx *store.Tx) error {
		for _, k := range []string{"a", "b"} {
			if err := tx.Enqueue(store.Job{Kind: "verify", Key: k}); err != nil {
				return err
			}
		}
		js, err := tx.Jobs()
		for _, j := range js {
			ids = append(ids, j.ID)
		}
		return err
	})
	db.Close()
	flip(t, dir, "\x00jobs\x00"+ids[0])
	db = open(t, dir, store.Options{Now: c.Now})
	if got := claim(t, db, "me", 10); len(got) != 1 || got[0].ID != ids[1] {
		t.Errorf("claimed %v, want the job that is whole", got)
	}
	if next, ok, err := db.NextDue(); err != nil || !ok || !next.After(start) {
		t.Errorf("next due: got %v %v %v, want the end of the other's lease", next, ok, err)
	}
	if err := db.Release(t.Context()); err != nil {
		t.Errorf("release beside a damaged job: %v", err)
	}
	if got := claim(t, db, "me", 10); len(got) != 1 {
		t.Errorf("claimed %v, want the job that is whole", got)
	}
}

func TestRecordWithOneFlippedBitIsDamaged(t *testing.T) {
	whole, err := store.EncodeMention(store.Mention{ID: "x", Source: "https://b.example/1", Received: start})
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for bit := range 8 {
			spoiled := append([]byte(nil), whole...)
			spoiled[i] ^= 1 << bit
			var damaged *store.DamagedError
			if _, err := store.DecodeMention(spoiled); !errors.As(err, &damaged) {
				t.Fatalf("bit %d of byte %d: got %v, want a DamagedError", bit, i, err)
			}
		}
	}
}

func FuzzRecordDecode(f *testing.F) {
	for _, m := range []store.Mention{{}, {ID: "x", State: store.Approved, Shown: &store.Version{Type: "reply", Text: "¡Hola!"}, Received: start}} {
		b, err := store.EncodeMention(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{"", "\n", "mention 1 00000000\n{}", "mention 1 ", "mention 1 9f3a2b1c", strings.Repeat(" ", 9) + "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := store.DecodeMention(b)
		if err != nil {
			var damaged *store.DamagedError
			if !errors.As(err, &damaged) {
				t.Fatalf("got %v, want a DamagedError", err)
			}
			return
		}
		again, err := store.EncodeMention(m)
		if err != nil {
			t.Skip(err) // JSON that was read need not be writable: the year 10000 with a zone
		}
		back, err := store.DecodeMention(again)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if d := cmp.Diff(m, back); d != "" {
			t.Errorf("after a round trip (-want +got):\n%s", d)
		}
	})
}
