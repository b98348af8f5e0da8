package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"tertulia/mf2"
	"tertulia/store"
)

// asks is a public reply to page p that asks something.
func asks(id, source string) store.Mention {
	return store.Mention{
		ID: id, Source: source, Page: "p", State: store.Approved, Received: start,
		Shown: &store.Version{Type: "reply", URL: source, Text: "And?", Digest: id},
	}
}

func answerTo(permalink string, addresses ...any) store.Post {
	return store.Post{Permalink: permalink, Date: start, Revision: 1, Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"in-reply-to": addresses}}}
}

func openIDs(t *testing.T, db *store.DB, list store.OpenList) (ids []string) {
	t.Helper()
	view(t, db, site, func(tx *store.Tx) error {
		open, _, err := tx.Open(list, store.Range{})
		for _, m := range open {
			ids = append(ids, m.ID)
		}
		return err
	})
	return ids
}

// The same is found whatever comes first, and repair finds nothing to do after it.
func TestAnswersWhicheverComesFirst(t *testing.T) {
	const source = "https://ana.example/1"
	verbs := map[string]func(*store.Tx) error{
		"mention": func(tx *store.Tx) error { return tx.PutMention(asks("m", source)) },
		"twin": func(tx *store.Tx) error {
			twin := asks("w", "http://www.ana.example/1")
			twin.State, twin.Behind, twin.Twin = store.Duplicate, store.Approved, "m"
			return tx.PutMention(twin)
		},
		"post": func(tx *store.Tx) error {
			return tx.PutPost(answerTo("https://me.example/1", "http://www.ana.example/1"))
		},
		"stands for it": func(tx *store.Tx) error {
			m, err := tx.Mention("m")
			m.Twins = []string{"w"}
			return errors.Join(err, tx.PutMention(m))
		},
	}
	for _, order := range []string{"mention twin stands-for-it post", "post mention twin stands-for-it", "twin post mention stands-for-it", "mention post twin stands-for-it"} {
		db, _ := openAt(t)
		update(t, db, site, func(tx *store.Tx) error {
			return tx.PutPage(store.Page{ID: "p", URL: "https://me.example/", Found: true}, "/")
		})
		for _, verb := range strings.Fields(order) {
			update(t, db, site, verbs[strings.ReplaceAll(verb, "-", " ")])
		}
		if got := openIDs(t, db, store.Unanswered); got != nil {
			t.Errorf("%s: unanswered: %v", order, got)
		}
		update(t, db, site, func(tx *store.Tx) error { return tx.DropPost("https://me.example/1") })
		if got := openIDs(t, db, store.Unanswered); !cmp.Equal(got, []string{"m"}) {
			t.Errorf("%s: without the post: %v", order, got)
		}
		if done, err := db.Repair(bg); err != nil || done.Mended != 0 || len(done.Damaged) != 0 {
			t.Errorf("%s: repair: %+v, %v", order, done, err)
		}
	}
}

// A database from before has its answers known, the pages by hand looked at once more, and the
// posts that are to be shown below what they answer promised.
func TestMigrationKnowsAnswers(t *testing.T) {
	dir := t.TempDir()
	before := open(t, dir, store.Options{})
	update(t, before, site, func(tx *store.Tx) error {
		return errors.Join(
			tx.PutPage(store.Page{ID: "p", URL: "https://me.example/", Found: true}, "/"),
			tx.PutMention(asks("a", "https://ana.example/1")), tx.PutMention(asks("b", "https://bea.example/1")),
			tx.PutPost(answerTo("https://me.example/1", "https://ana.example/1")),
			tx.PutOutgoing(store.Outgoing{URL: "https://me.example/hand", Links: []string{"https://x.example/"}}))
	})
	var a store.Mention
	view(t, before, site, func(tx *store.Tx) (err error) {
		a, err = tx.Mention("a")
		return err
	})
	before.Close()
	if a.Answer == "" {
		t.Fatal("it was not answered")
	}
	a.Answer = ""
	raw(t, dir, func(b *bolt.Bucket) error {
		var since [][]byte
		for c, k := b.Cursor(), []byte(nil); ; {
			if k == nil {
				k, _ = c.First()
			} else {
				k, _ = c.Next()
			}
			if k == nil {
				break
			}
			for _, table := range []string{"mentions_named", "mentions_open", "posts_answering", "jobs"} {
				if bytes.Contains(k, []byte("\x00"+table)) {
					since = append(since, bytes.Clone(k))
				}
			}
		}
		for _, k := range since {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		record, err := store.EncodeMention(a)
		return errors.Join(err, b.Put([]byte(site+"\x00mentions\x00a"), record), b.Put([]byte("\x00meta\x00schema"), []byte("3")))
	})
	db := open(t, dir, store.Options{})
	if got := openIDs(t, db, store.Questions); !cmp.Equal(got, []string{"b"}) {
		t.Errorf("questions: %v", got)
	}
	view(t, db, site, func(tx *store.Tx) error {
		jobs, err := tx.Jobs()
		if len(jobs) != 1 || jobs[0].Kind != "answer" || jobs[0].Key != "https://me.example/1" || jobs[0].Site != site {
			t.Errorf("jobs: %+v", jobs)
		}
		page, err2 := tx.Outgoing("https://me.example/hand")
		if !page.Look {
			t.Error("the page is not looked at")
		}
		return errors.Join(err, err2)
	})
	if done, err := db.Repair(bg); err != nil || done.Mended != 0 || len(done.Damaged) != 0 {
		t.Errorf("repair: %+v, %v", done, err)
	}
}

// crowd fills a site with mentions, of which every thousandth is unanswered.
func crowd(t testing.TB, n int) *store.DB {
	t.Helper()
	db, _ := openAt(t)
	const some = 5_000
	for from := 0; from < n; from += some {
		update(t, db, site, func(tx *store.Tx) error {
			if err := tx.PutPage(store.Page{ID: "p", URL: "https://me.example/", Found: true}, "/"); err != nil {
				return err
			}
			for i := from; i < from+some; i++ {
				m := asks(fmt.Sprintf("m%06d", i), fmt.Sprintf("https://ana.example/%d", i))
				if i%1000 != 0 {
					m.Aside = start
				}
				if err := tx.PutMention(m); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return db
}

// However many mentions there are, those that are unanswered are listed from an index: in far
// less than 50 ms, of which a page may take as many.
func TestUnansweredAreReadFromAnIndex(t *testing.T) {
	db := crowd(t, 5_000)
	best := time.Hour
	for range 5 {
		begun := time.Now()
		if got := len(openIDs(t, db, store.Unanswered)); got != 5 {
			t.Fatalf("got %d", got)
		}
		best = min(best, time.Since(begun))
	}
	if best > 20*time.Millisecond {
		t.Errorf("it took %v", best)
	}
}

// Fifty unanswered mentions of a hundred thousand.
func BenchmarkUnanswered(b *testing.B) {
	db := crowd(b, 100_000)
	for b.Loop() {
		if err := db.View(bg, site, func(tx *store.Tx) error {
			_, _, err := tx.Open(store.Unanswered, store.Range{Limit: 50})
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// What a stranger's address is matched by is a part of a key: it has no zero byte, and both schemes
// have the same.
func FuzzNameFor(f *testing.F) {
	for _, seed := range []string{"https://ana.example/1", "http://ana.example/a\x00b", "x#tertulia-06h01ph5g6f2xg5f13db2se6nc", "https://me.example/-/comment/06h01ph5g6f2xg5f13db2se6nc", "https://[::1%25]/", "//", "#comment-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		name := store.NameFor(address)
		if strings.ContainsRune(name, 0) || len(name) > 64 {
			t.Errorf("%q has the name %q", address, name)
		}
		if rest, ok := strings.CutPrefix(address, "https://"); ok && store.NameFor("http://"+rest) != name {
			t.Errorf("%q has another name with http", address)
		}
	})
}

// A question mark of any script is one, and one in an address is none.
func TestQuestions(t *testing.T) {
	for text, want := range map[string]bool{
		"And?": true, "¿Y": true, "本当？": true, "حقا؟": true, "No.": false, "": false,
		"https://x.example/?a=b": false, "see https://x.example/?a=b.": false, "see https://x.example/a?": true, "https://x.example/?a=b or what?": true,
	} {
		m := asks("m", "https://ana.example/1")
		m.Shown.Text = text
		if asks, question := m.Asks(); !asks || question != want {
			t.Errorf("%q: a question: %t, want %t", text, question, want)
		}
	}
}
