package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tertulia/store"
)

// verbs put a value under a key of a table and read it back.
var verbs = map[string]struct {
	put func(tx *store.Tx, key, value string) error
	get func(tx *store.Tx, key string) (string, error)
}{
	"post": {
		func(tx *store.Tx, k, v string) error {
			return tx.PutPost(store.Post{Permalink: k, Client: v, Date: start})
		},
		func(tx *store.Tx, k string) (string, error) { p, err := tx.Post(k); return p.Client, err },
	},
	"page": {
		func(tx *store.Tx, k, v string) error { return tx.PutPage(store.Page{ID: k, URL: v}) },
		func(tx *store.Tx, k string) (string, error) { p, err := tx.Page(k); return p.URL, err },
	},
	"alias": {
		func(tx *store.Tx, k, v string) error { return tx.PutPage(store.Page{ID: "for " + k, URL: v}, k) },
		func(tx *store.Tx, k string) (string, error) { p, err := tx.PageAt(k); return p.URL, err },
	},
	"mention": {
		func(tx *store.Tx, k, v string) error {
			return tx.PutMention(store.Mention{ID: k, Page: k, Source: k, Target: v, State: store.Received, Received: start})
		},
		func(tx *store.Tx, k string) (string, error) { m, err := tx.MentionFrom(k, k); return m.Target, err },
	},
	"person": {
		func(tx *store.Tx, k, v string) error {
			return tx.PutPerson(store.Person{ID: k, Name: v, Identities: []string{k}})
		},
		func(tx *store.Tx, k string) (string, error) { p, err := tx.PersonBy(k); return p.Name, err },
	},
	"media": {
		func(tx *store.Tx, k, v string) error { return tx.PutMedia(store.Media{Name: k, Type: v}) },
		func(tx *store.Tx, k string) (string, error) { m, err := tx.Media(k); return m.Type, err },
	},
	"session": {
		func(tx *store.Tx, k, v string) error { return tx.PutSession(store.Session{Hash: k, Me: v}) },
		func(tx *store.Tx, k string) (string, error) { s, err := tx.Session(k); return s.Me, err },
	},
}

// DESIGN section 4: a transaction belongs to one site. The names are chosen to be each
// other's beginnings, and the names of tables.
func TestSitesNeverSeeEachOther(t *testing.T) {
	db, _ := openAt(t)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		model := map[[3]string]string{} // site, table, key → value
		names := []string{"a", "aa", "posts", "a\xff", "jobs", "a.example", "meta"}
		draw := func(t *rapid.T) [3]string {
			return [3]string{
				fmt.Sprintf("%s%d", rapid.SampledFrom(names).Draw(t, "site"), run),
				rapid.SampledFrom([]string{"post", "page", "alias", "mention", "person", "media", "session"}).Draw(t, "table"),
				rapid.SampledFrom([]string{"k", "", "kk", "posts", "k/é"}).Draw(t, "key"),
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				at, value := draw(t), rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "value")
				update(t, db, at[0], func(tx *store.Tx) error { return verbs[at[1]].put(tx, at[2], value) })
				model[at] = value
			},
			"get": func(t *rapid.T) {
				at := draw(t)
				want, there := model[at]
				var got string
				err := db.View(bg, at[0], func(tx *store.Tx) (err error) { got, err = verbs[at[1]].get(tx, at[2]); return err })
				if (err == nil) != there || got != want || err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatalf("%q: got %q and %v, want %q, there %t", at, got, err, want, there)
				}
			},
			"": func(t *rapid.T) {
				for _, name := range names {
					name = fmt.Sprintf("%s%d", name, run)
					want := map[string]int{}
					for at := range model {
						if at[0] == name {
							want[at[1]]++
						}
					}
					view(t, db, name, func(tx *store.Tx) error {
						posts, _, err1 := tx.Posts(store.Range{}, false)
						mentions, _, err2 := tx.MentionsIn(store.Received, store.Range{})
						files, err3 := tx.MediaFiles()
						if len(posts) != want["post"] || len(mentions) != want["mention"] || len(files) != want["media"] {
							return fmt.Errorf("lists %d posts, %d mentions, %d files, want %v", len(posts), len(mentions), len(files), want)
						}
						return errors.Join(err1, err2, err3)
					})
				}
			},
		})
	})
}

// A View is one moment's picture: what is committed meanwhile is not in it.
func TestViewIsOneMomentsPicture(t *testing.T) {
	db, _ := openAt(t)
	// What was big and is small leaves room in the file: a writer that has to make the
	// file longer waits for the end of every View.
	for _, n := range []int{1 << 20, 1, 1} {
		update(t, db, site, func(tx *store.Tx) error {
			return tx.PutMedia(store.Media{Name: "a", Size: 1, Type: strings.Repeat("x", n)})
		})
	}
	view(t, db, site, func(tx *store.Tx) error {
		update(t, db, site, func(tx *store.Tx) error { return tx.PutMedia(store.Media{Name: "a", Size: 2}) })
		m, err := tx.Media("a")
		if m.Size != 1 {
			t.Errorf("got size %d, want what was there at first", m.Size)
		}
		return err
	})
}

// Cursors come from addresses that strangers write.
func TestListSurvivesAnyCursor(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		var errs []error
		for i := range 5 {
			errs = append(errs, tx.PutPost(store.Post{Permalink: fmt.Sprint(i), Date: start.Add(time.Duration(i))}))
		}
		return errors.Join(errs...)
	})
	for _, from := range []string{"x", "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x80"} {
		for _, backward := range []bool{false, true} {
			view(t, db, site, func(tx *store.Tx) error {
				got, _, err := tx.Posts(store.Range{From: from, Backward: backward}, false)
				if len(got) != 0 && len(got) != 5 {
					t.Errorf("from %q, backward %t: got %d posts", from, backward, len(got))
				}
				return err
			})
		}
	}
}
