package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"tertulia/store"
)

// sample is a store of every kind of record, several pages deep, and what is in it.
func sample(t *testing.T) (file []byte, posts map[string]store.Post, mentions map[string]store.Mention) {
	t.Helper()
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	posts, mentions = map[string]store.Post{}, map[string]store.Mention{}
	for i := range 10 {
		update(t, db, site, func(tx *store.Tx) error {
			page := fmt.Sprint("p", i)
			errs := []error{tx.PutPage(store.Page{ID: page}, "/"+page)}
			for j := range 20 {
				name := fmt.Sprintf("https://example.com/%d/%d", i, j)
				errs = append(errs,
					tx.PutPost(store.Post{Permalink: name, Date: start.Add(time.Duration(i*20+j) * time.Minute), Client: strings.Repeat("x", 300)}),
					tx.PutMention(public(fmt.Sprintf("m%02d%02d", i, j), page, "1")),
					tx.Enqueue(store.Job{Kind: "publish", Key: name}))
			}
			return errors.Join(errs...)
		})
	}
	view(t, db, site, func(tx *store.Tx) error {
		all, _, err := tx.Posts(store.Range{Limit: 1000}, false)
		for _, p := range all {
			posts[p.Permalink] = p
		}
		found, _, failed := tx.MentionsIn(store.Approved, store.Range{Limit: 1000})
		for _, m := range found {
			mentions[m.ID] = m
		}
		return errors.Join(err, failed)
	})
	if len(posts) != 200 || len(mentions) != 200 {
		t.Fatalf("got %d posts and %d mentions, want 200 of each", len(posts), len(mentions))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(database(dir))
	if err != nil {
		t.Fatal(err)
	}
	return file, posts, mentions
}

// HOSTILE 95, F12: whatever is flipped, a start is refused in one line and the file
// left alone, or every record is right, or named as damaged, or not there; nothing ends
// the process. TERTULIA_FLIP_SEEDS makes it longer.
func TestFlippedBits(t *testing.T) {
	file, posts, mentions := sample(t)
	seeds := 200
	if s := os.Getenv("TERTULIA_FLIP_SEEDS"); s != "" {
		seeds, _ = strconv.Atoi(s)
	}
	var refused, whole, missing, damagedReads int
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(uint64(seed), 0))
		spoiled := bytes.Clone(file)
		for range 20 {
			spoiled[rnd.IntN(len(spoiled))] ^= 1 << rnd.IntN(8)
		}
		dir := t.TempDir()
		if err := os.WriteFile(database(dir), spoiled, 0o600); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		db, err := store.Open(dir, store.Options{LockTimeout: 100 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&said, nil))})
		warned := said.Len() > 0
		if err != nil {
			refused++
			left, err2 := os.ReadFile(database(dir))
			if err2 != nil || !bytes.Equal(left, spoiled) {
				t.Errorf("seed %d: the file was changed by a refused start (%v)", seed, err2)
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "in use") {
				t.Errorf("seed %d: got %q, want one clear line", seed, err)
			}
			continue
		}
		bad := 0
		judge := func(what string, err error) {
			var damaged *store.DamagedError
			switch {
			case err == nil:
			case errors.As(err, &damaged):
				damagedReads++
				bad++
			case errors.Is(err, fs.ErrNotExist):
				if !warned {
					t.Errorf("seed %d, %s: %v, and nobody was told", seed, what, err)
				}
				missing++
				bad++
			default:
				t.Errorf("seed %d, %s: got %v, want a DamagedError", seed, what, err)
			}
		}
		for name, want := range posts {
			var got store.Post
			err := db.View(bg, site, func(tx *store.Tx) (err error) { got, err = tx.Post(name); return err })
			judge(name, err)
			if err == nil && !reflect.DeepEqual(want, got) {
				t.Errorf("seed %d: wrong data served as right (-want +got):\n%s", seed, cmp.Diff(want, got))
			}
		}
		for id, want := range mentions {
			var got store.Mention
			err := db.View(bg, site, func(tx *store.Tx) (err error) { got, err = tx.Mention(id); return err })
			judge(id, err)
			if err == nil && !reflect.DeepEqual(want, got) {
				t.Errorf("seed %d: wrong data served as right (-want +got):\n%s", seed, cmp.Diff(want, got))
			}
		}
		for _, backward := range []bool{false, true} {
			judge("list", db.View(bg, site, func(tx *store.Tx) error {
				list, _, err := tx.Posts(store.Range{Limit: 1000, Backward: backward}, false)
				for _, p := range list {
					if want := posts[p.Permalink]; !reflect.DeepEqual(want, p) {
						t.Errorf("seed %d: a list has wrong data (-want +got):\n%s", seed, cmp.Diff(want, p))
					}
				}
				if err == nil && len(list) < len(posts) && said.Len() == 0 {
					t.Errorf("seed %d: a list has %d of %d posts, and nobody was told", seed, len(list), len(posts))
				}
				return err
			}))
		}
		if bad == 0 {
			whole++
		}
		// Writing may find damage as well, in the call or in the commit.
		for i := range 3 {
			err := db.Update(bg, site, func(tx *store.Tx) error {
				return errors.Join(
					tx.PutMention(public(fmt.Sprint("new", i), "p1", "1")),
					tx.PutPost(store.Post{Permalink: fmt.Sprint("https://example.com/new/", i), Date: start}))
			})
			if !errors.Is(err, store.ErrBroken) {
				judge("update", err)
			}
		}
		_, claim := db.Claim(bg, taker("me", 10, new([]store.Job)))
		if !errors.Is(claim, store.ErrBroken) {
			judge("claim", claim)
		}
		_ = db.Close() // it may have been broken
	}
	t.Logf("of %d: %d refused, %d whole as far as was read; %d reads named damage, %d found nothing", seeds, refused, whole, damagedReads, missing)
}

// page4k is the size of a page where these tests are written.
const page4k = 4096

// spoil changes the bytes of a database file.
func spoil(t *testing.T, dir string, change func(b []byte)) {
	t.Helper()
	b, err := os.ReadFile(database(dir))
	if err != nil {
		t.Fatal(err)
	}
	change(b)
	if err := os.WriteFile(database(dir), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// pagesOf lists the pages of a kind (1 branch, 2 leaf, 16 free) that are in use.
func pagesOf(t *testing.T, dir, kind string) (ids []int) {
	t.Helper()
	db, err := bolt.Open(database(dir), 0o600, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(func(tx *bolt.Tx) error {
		for id := 2; ; id++ {
			info, err := tx.Page(id)
			if info == nil || err != nil {
				return err
			}
			if info.Type == kind {
				ids = append(ids, id)
			}
			id += info.OverflowCount
		}
	}); err != nil {
		t.Fatal(err)
	}
	return ids
}

// HOSTILE 95: what would lead the engine in circles, or have it write over what is in
// use, is refused before it is let loose on the file.
func TestOpenRefusesWhatWouldMisleadTheEngine(t *testing.T) {
	le := func(b []byte, n uint64) {
		for i := range 8 {
			b[i] = byte(n >> (8 * i))
		}
	}
	for name, change := range map[string]func(t *testing.T, dir string){
		"a branch that leads to itself": func(t *testing.T, dir string) {
			id := pagesOf(t, dir, "branch")[0]
			spoil(t, dir, func(b []byte) { le(b[id*page4k+16+8:], uint64(id)) })
		},
		"two branches that lead to one page": func(t *testing.T, dir string) {
			id := pagesOf(t, dir, "branch")[0]
			spoil(t, dir, func(b []byte) { copy(b[id*page4k+32+8:][:8], b[id*page4k+16+8:][:8]) })
		},
		"a branch that leads out of the file": func(t *testing.T, dir string) {
			id := pagesOf(t, dir, "branch")[0]
			spoil(t, dir, func(b []byte) { le(b[id*page4k+16+8:], 1<<40) })
		},
		"a branch of nothing": func(t *testing.T, dir string) {
			id := pagesOf(t, dir, "branch")[0]
			spoil(t, dir, func(b []byte) { b[id*page4k+10], b[id*page4k+11] = 0, 0 })
		},
		"a free list out of order": func(t *testing.T, dir string) {
			id := pagesOf(t, dir, "freelist")[0]
			spoil(t, dir, func(b []byte) { le(b[id*page4k+16:], 1<<40) })
		},
		"a free list of four thousand million pages": func(t *testing.T, dir string) {
			id := pagesOf(t, dir, "freelist")[0]
			spoil(t, dir, func(b []byte) {
				b[id*page4k+10], b[id*page4k+11] = 0xff, 0xff
				le(b[id*page4k+16:], 1<<32)
			})
		},
		"a page behind the end": func(t *testing.T, dir string) {
			id := pagesOf(t, dir, "branch")[0]
			spoil(t, dir, func(b []byte) { b[id*page4k+15] = 0x7f }) // further pages
		},
		"the name of its records": func(t *testing.T, dir string) {
			spoil(t, dir, func(b []byte) {
				for i := range len(b) / page4k {
					if p := b[i*page4k : (i+1)*page4k]; p[8] == 2 {
						copy(p, bytes.Replace(p, []byte("tertulia\x00"), []byte("tartulia\x00"), 1))
					}
				}
				// The bucket's name stands alone in its leaf.
				for i := 2 * page4k; i+8 < len(b); i++ {
					if string(b[i:i+8]) == "tertulia" {
						b[i+1] = 'a'
					}
				}
			})
		},
		"its schema": func(t *testing.T, dir string) {
			raw(t, dir, func(b *bolt.Bucket) error { return b.Delete([]byte("\x00meta\x00schema")) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t)
			change(t, dir)
			wantRefused(t, dir, "damaged")
		})
	}
}

func wantRefused(t *testing.T, dir, want string) {
	t.Helper()
	before, _ := os.ReadFile(database(dir)) // a directory cannot be read
	db, err := store.Open(dir, store.Options{LockTimeout: 100 * time.Millisecond})
	if err == nil {
		db.Close()
		t.Fatal("got a store, want a refusal")
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q, want one line with %q", err, want)
	}
	if after, _ := os.ReadFile(database(dir)); !bytes.Equal(before, after) {
		t.Error("the file was changed by a refused start")
	}
	if again, err := store.Open(dir, store.Options{LockTimeout: 100 * time.Millisecond}); err == nil || strings.Contains(err.Error(), "in use") {
		again.Close()
		t.Errorf("a second try: got %v, want the same refusal", err)
	}
}

// HOSTILE 95: what is no database of ours.
func TestOpenRefusesForeignFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"a picture": {func(t *testing.T, path string) {
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			img := image.NewRGBA(image.Rect(0, 0, 200, 200))
			for i := range img.Pix {
				img.Pix[i] = byte(i * i >> 3)
			}
			if err := png.Encode(f, img); err != nil {
				t.Fatal(err)
			}
		}, "no database"},
		"a directory": {func(t *testing.T, path string) {
			if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
		"another program's database": {func(t *testing.T, path string) {
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("key")); return err }); err != nil {
				t.Fatal(err)
			}
		}, "its records are missing"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tt.make(t, database(dir))
			wantRefused(t, dir, tt.want)
		})
	}
}

// A process that died while it made the file has left it empty, which is no damage.
func TestOpenTakesAFileThatWasJustMade(t *testing.T) {
	dir := t.TempDir()
	db, err := bolt.Open(database(dir), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	update(t, open(t, dir, store.Options{}), site, put("a"))
}

// A record that lies under another's key is not that other record.
func TestRecordUnderAnotherKeyIsDamaged(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.PutMedia(store.Media{Name: "a"}), tx.PutMedia(store.Media{Name: "b"}))
	})
	db.Close()
	raw(t, dir, func(b *bolt.Bucket) error {
		return b.Put([]byte(site+"\x00media\x00b"), bytes.Clone(b.Get([]byte(site+"\x00media\x00a"))))
	})
	view(t, open(t, dir, store.Options{}), site, func(tx *store.Tx) error {
		var damaged *store.DamagedError
		if _, err := tx.Media("b"); !errors.As(err, &damaged) || damaged.Key != site+"/media/b" {
			t.Errorf("got %v, want a DamagedError that names it", err)
		}
		if files, err := tx.MediaFiles(); err != nil || len(files) != 1 {
			t.Errorf("got %v and %v, want the one that is right", files, err)
		}
		return nil
	})
}

// A key that was spoiled does not end a list in silence, from whichever side it is read.
func TestSpoiledKeyDoesNotCutAListShort(t *testing.T) {
	for _, to := range []string{"z", "A"} {
		t.Run(to, func(t *testing.T) {
			dir := written(t)
			spoil(t, dir, func(b []byte) {
				// One in the middle of the index, in its leaf and not in a branch.
				key := []byte(site + "\x00posts_time\x00")
				var at []int
				for i := 0; ; {
					j := bytes.Index(b[i:], key)
					if j < 0 {
						break
					}
					if i += j; b[i/page4k*page4k+8] == 2 {
						at = append(at, i)
					}
					i++
				}
				for _, i := range at[len(at)/2 : len(at)/2+1] {
					b[i] = to[0]
				}
			})
			var said bytes.Buffer
			db := open(t, dir, store.Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
			if !strings.Contains(said.String(), "out of their order") {
				t.Fatal("the page is not in use")
			}
			for _, backward := range []bool{false, true} {
				var damaged *store.DamagedError
				err := db.View(bg, site, func(tx *store.Tx) error {
					_, _, err := tx.Posts(store.Range{Limit: 1000, Backward: backward}, false)
					return err
				})
				if !errors.As(err, &damaged) {
					t.Errorf("backward %t: got %v, want a DamagedError", backward, err)
				}
			}
		})
	}
}

// What the engine writes is never taken for damage, however its tree grows and shrinks.
func TestWholeFileIsNotCalledDamaged(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	rnd := rand.New(rand.NewPCG(7, 7))
	there := map[string]bool{}
	for round := range 14 {
		db := open(t, dir, store.Options{Log: log})
		for range rnd.IntN(20) {
			update(t, db, site, func(tx *store.Tx) error {
				for range rnd.IntN(200) {
					name := fmt.Sprintf("%03d", rnd.IntN(1000))
					if there[name] || round%7 == 6 {
						if err := tx.DropMedia(name); err != nil {
							return err
						}
						delete(there, name)
						continue
					}
					there[name] = true
					if err := tx.PutMedia(store.Media{Name: name, Type: strings.Repeat("x", rnd.IntN(100)*rnd.IntN(100))}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if said.Len() > 0 {
			t.Fatalf("round %d: %s", round, &said)
		}
	}
	view(t, open(t, dir, store.Options{}), site, func(tx *store.Tx) error {
		files, err := tx.MediaFiles()
		if len(files) != len(there) {
			t.Errorf("got %d files, want %d", len(files), len(there))
		}
		return err
	})
}
