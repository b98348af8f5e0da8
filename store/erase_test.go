package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/store"
)

// canary is what must be nowhere once its host was erased.
const canary = "canary.example"

func host(name string) store.EraseOrder {
	return store.EraseOrder{What: []store.Erased{{Kind: store.ErasedHost, Value: name}}, By: "me"}
}

// inhabit fills a store with what the host and its people have left everywhere, n mentions of
// each kind, and with neighbours.
func inhabit(t *testing.T, db *store.DB, n int) {
	t.Helper()
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.PutPage(store.Page{ID: "page", Found: true}, "/"), tx.PutPage(store.Page{ID: "other", Found: true}, "/other"),
			tx.PutPerson(store.Person{ID: "p1", Name: "Canary", URL: "https://" + canary + "/", Photo: "https://" + canary + "/me.png", Identities: []string{canary + "/", "c@" + canary}, Created: start}),
			tx.PutPerson(store.Person{ID: "p2", Created: start, Merged: "p1"}),
			tx.PutPerson(store.Person{ID: "p3", Name: "Both", URL: "https://" + canary + "/~both", Photo: "https://pics.example/both.png", Places: []string{canary + "/~both"},
				Identities: []string{canary + "/~both", "both.example/"}, Created: start}),
			tx.PutPerson(store.Person{ID: "p4", Identities: []string{"host:sub." + canary}, Trust: store.Blocked, Created: start}),
			tx.PutPerson(store.Person{ID: "p5", Name: "Not", Identities: []string{"not" + canary + "/"}, Created: start}))
	})
	states := []store.State{store.Received, store.Pending, store.Approved, store.Rejected, store.Deleted, store.Withdrawn, store.Failed, store.Quarantined, store.Silent, store.Duplicate}
	for i := range n {
		update(t, db, site, func(tx *store.Tx) error {
			for j, state := range states {
				m := store.Mention{ID: fmt.Sprintf("m%d-%d", i, j), Page: "page", State: state, Received: start, Source: fmt.Sprintf("https://%s/%d/%d", canary, i, j), Twins: []string{"x"}}
				if state != store.Received && state != store.Failed {
					m.Shown = &store.Version{Type: "reply", Digest: "d", URL: m.Source, Text: "text of " + canary, Author: mf2.Author{Name: "Canary", URL: "https://" + canary + "/", Photo: "https://" + canary + "/me.png"}, Person: "p1"}
					m.Held = &store.Version{Type: "reply", Digest: "e", URL: m.Source, Text: "held of " + canary}
				}
				m.History = []store.Event{{At: start, Stage: "looked at", Note: "the page moved from https://" + canary + "/a to b"}}
				if err := errors.Join(tx.PutMention(m),
					tx.PutOriginal(store.Original{Mention: m.ID, Digest: "d", URL: m.Source, Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"url": {m.Source}}}}),
					tx.PutBefore(store.Before{Mention: m.ID, Decision: "x", Shown: &store.Version{Text: "before of " + canary}}),
					tx.Enqueue(store.Job{Kind: "verify", Key: m.ID, Lane: canary})); err != nil {
					return err
				}
			}
			return nil
		})
	}
	update(t, db, site, func(tx *store.Tx) error {
		var all []error
		for _, m := range []store.Mention{
			// By another road, in their name, and by somebody who is known elsewhere as well.
			{ID: "bridged", Source: "https://bridge.example/1", Shown: &store.Version{Type: "like", Digest: "d", URL: "https://www." + canary + "/1"}},
			{ID: "named", Source: "https://forum.example/1", Shown: &store.Version{Type: "reply", Digest: "d", URL: "https://forum.example/1", Author: mf2.Author{URL: "http://" + strings.ToUpper(canary) + "/"}}},
			{ID: "merged", Source: "https://forum.example/2", Shown: &store.Version{Type: "reply", Digest: "d", URL: "https://forum.example/2", Person: "p2"}},
			{ID: "both", Source: "https://both.example/1", Shown: &store.Version{Type: "reply", Digest: "d", URL: "https://both.example/1", Person: "p3"}},
			{ID: "answers", Source: "https://dora.example/1", Shown: &store.Version{Type: "reply", Digest: "d", URL: "https://dora.example/1",
				InReplyTo: []string{"https://" + canary + "/1/1", "https://else.example/"}, Author: mf2.Author{Photo: "https://" + canary + "/me.png"}}},
			{ID: "neighbour", Source: "https://not" + canary + "/1", Shown: &store.Version{Type: "like", Digest: "d", URL: "https://not" + canary + "/1", Person: "p5"}},
		} {
			m.Page, m.State, m.Received = "page", store.Approved, start
			all = append(all, tx.PutMention(m))
		}
		all = append(all, tx.PutOriginal(store.Original{Mention: "answers", Digest: "d", Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"in-reply-to": {"https://" + canary + "/1/1"}}}}),
			tx.Enqueue(store.Job{Kind: "trust", Key: "p1"}), tx.Enqueue(store.Job{Kind: "picture", Key: "https://" + canary + "/me.png", Lane: canary}))
		return errors.Join(all...)
	})
	face(t, db, "https://"+canary+"/me.png", "me.jpg")
}

// traces are the keys and records that name the host, but for those that only end like it.
func traces(db *store.DB) (found []string) {
	for k, v := range db.Dump() {
		both := strings.ToLower(k + " " + v)
		if strings.Contains(strings.ReplaceAll(both, "not"+canary, ""), canary) {
			found = append(found, strings.ReplaceAll(k, "\x00", "/"))
		}
	}
	return found
}

// inFile tells whether a file has the host somewhere in its bytes.
func inFile(t *testing.T, file string) bool {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(bytes.ReplaceAll(raw, []byte("not"+canary), nil), []byte(canary))
}

// HOSTILE 113: what a host and its people have left goes from every table, those who only
// look like them stay, and what is told beforehand is what is done.
func TestEraseTakesEveryTrace(t *testing.T) {
	db, _ := openAt(t)
	inhabit(t, db, 3)
	dry := host("CANARY.example.")
	dry.Dry = true
	before := db.Dump()
	told, err := db.Erase(bg, site, dry)
	if err != nil || !cmp.Equal(db.Dump(), before) {
		t.Fatalf("a dry run changed something: %v", err)
	}
	if _, err := os.Stat(filepath.Join(db.Dir(), "tertulia.erased")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a dry run wrote the ledger: %v", err)
	}
	done, err := db.Erase(bg, site, host(canary))
	if err != nil {
		t.Fatal(err)
	}
	if left := traces(db); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	want := store.Erasure{Mentions: 33, Originals: 30, Earlier: 30, People: 3, Pictures: 1, Jobs: 31, Mended: 2, Files: []string{"me.jpg"}}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	told.Jobs, told.Files = done.Jobs, done.Files // those are counted as they go
	if diff := cmp.Diff(told, done); diff != "" {
		t.Errorf("done is not what was told (-told +done):\n%s", diff)
	}
	view(t, db, site, func(tx *store.Tx) error {
		if got := tx.Counts("page"); !cmp.Equal(got, map[string]int{"reply": 2, "like": 1}) {
			t.Errorf("counts: %v", got)
		}
		m, err := tx.Mention("answers")
		if err != nil || !cmp.Equal(m.Shown.InReplyTo, []string{"https://else.example/"}) || m.Shown.Author.Photo != "" {
			t.Errorf("who had answered: %+v, %v", m.Shown, err)
		}
		p, err := tx.PersonBy("both.example/")
		if err != nil || p.ID != "p3" || p.URL != "https://both.example/" || len(p.Places) > 0 {
			t.Errorf("who is known elsewhere: %+v, %v", p, err)
		}
		audit, err := tx.Decisions()
		if err != nil || len(audit) != 1 || audit[0].Action != "erase" || audit[0].By != "me" || audit[0].Note != "host: 33 mentions, 3 people" || len(audit[0].Subject) != 16 {
			t.Errorf("audit: %+v, %v", audit, err)
		}
		return nil
	})
	// Once more there is nothing to do.
	if again, err := db.Erase(bg, site, host(canary)); err != nil || !cmp.Equal(again, store.Erasure{}) {
		t.Errorf("again: %+v, %v", again, err)
	}
	if done, err := db.Repair(bg); err != nil || done.Mended != 0 {
		t.Errorf("repair: %+v, %v", done, err)
	}
}

// What was erased is not written again, by whatever way it comes.
func TestWhatWasErasedIsRefused(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error { return tx.PutPage(store.Page{ID: "page"}, "/") })
	order := host(canary)
	order.What = append(order.What, store.Erased{Kind: store.ErasedPerson, Value: "https://eva.example/"}, store.Erased{Kind: store.ErasedPerson, Value: "Ada@Social.Example"},
		store.Erased{Kind: store.ErasedSource, Value: "https://Fine.example/1#top"})
	if _, err := db.Erase(bg, site, order); err != nil {
		t.Fatal(err)
	}
	like := func(url, author string) *store.Version {
		return &store.Version{Type: "like", URL: url, Author: mf2.Author{URL: author}}
	}
	for what, m := range map[string]store.Mention{
		"from the host":           {Source: "https://" + canary + "/new"},
		"from below it":           {Source: "https://a.b." + canary + ":8443/new"},
		"of it by a bridge":       {Source: "https://bridge.example/1", Shown: like("https://"+canary+"/2", "")},
		"in their name":           {Source: "https://forum.example/1", Shown: like("https://forum.example/1", "http://www.eva.example")},
		"held in their name":      {Source: "https://forum.example/1", Held: like("https://forum.example/1", "https://EVA.example/")},
		"by their handle":         {Source: "https://forum.example/1", Shown: like("https://forum.example/1", "https://social.example/users/ada")},
		"from beneath, unread":    {Source: "https://eva.example/2026/hello"},
		"the source, by http":     {Source: "http://fine.example/1"},
		"the source, with a hash": {Source: "https://fine.example/1#x"},
	} {
		m.ID, m.Page, m.State, m.Received = "m", "page", store.Pending, start
		if err := db.Update(bg, site, func(tx *store.Tx) error { return tx.PutMention(m) }); !errors.Is(err, store.ErrErased) || strings.Contains(err.Error(), "example") {
			t.Errorf("%s: %v, want that it was erased, without saying who", what, err)
		}
	}
	for what, m := range map[string]store.Mention{
		"a neighbour":      {Source: "https://fine.example/10"},
		"a name beside":    {Source: "https://forum.example/1", Shown: like("https://forum.example/1", "https://eva.example.net/")},
		"another's handle": {Source: "https://forum.example/2", Shown: like("https://forum.example/2", "https://social.example/@adam")},
		"a host beside":    {Source: "https://my" + canary + "/"},
	} {
		m.ID, m.Page, m.State, m.Received = what, "page", store.Pending, start
		if err := db.Update(bg, site, func(tx *store.Tx) error { return tx.PutMention(m) }); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for identity, want := range map[string]bool{"eva.example/": true, canary + "/~x": true, "host:" + canary: true, "host:fine.example": false, "eva.example/~other": false} {
		err := db.Update(bg, site, func(tx *store.Tx) error {
			return tx.PutPerson(store.Person{ID: identity, Identities: []string{identity}})
		})
		if errors.Is(err, store.ErrErased) != want {
			t.Errorf("person %s: %v", identity, err)
		}
	}
}

// A source goes with the others that are the same entry, since one of them would take its place.
func TestEraseTakesTheTwinsOfASource(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		all := tx.PutPage(store.Page{ID: "page"}, "/")
		for i, source := range []string{"https://a.example/1", "https://bridge.example/9", "https://a.example/2"} {
			m := store.Mention{ID: fmt.Sprint(i), Page: "page", Source: source, State: store.Approved, Received: start, Entry: "eva a.example/1", Shown: &store.Version{Type: "like", Digest: "d", URL: source}}
			if i == 1 {
				m.State, m.Twin, m.Behind = store.Duplicate, "0", store.Approved
			}
			if i == 2 {
				m.Entry = "eva a.example/2"
			}
			all = errors.Join(all, tx.PutMention(m))
		}
		return all
	})
	done, err := db.Erase(bg, site, store.EraseOrder{What: []store.Erased{{Kind: store.ErasedSource, Value: "https://a.example/1"}}})
	if err != nil || done.Mentions != 2 {
		t.Errorf("got %+v, %v", done, err)
	}
	if !db.Erased(site, store.Erased{Kind: store.ErasedSource, Value: "https://bridge.example/9"}) || db.Erased(site, store.Erased{Kind: store.ErasedSource, Value: "https://a.example/2"}) {
		t.Error("the twin can come again, or another cannot")
	}
}

// An erasure that is stopped anywhere is finished by the next one, and nothing of what it
// would have removed comes in meanwhile.
func TestEraseGoesOnAfterAStop(t *testing.T) {
	stops := 0
	for n := int64(1); ; n++ {
		db := open(t, t.TempDir(), store.Options{})
		inhabit(t, db, 60)
		_, err := db.Erase(newCountdown(n), site, host(canary))
		if err == nil {
			db.Close()
			break
		}
		stops++
		if len(traces(db)) == 0 && n == 1 {
			t.Fatal("the stop came too late to show anything")
		}
		if _, err := db.Erase(bg, site, store.EraseOrder{}); err != nil { // by the ledger alone
			t.Fatal(err)
		}
		if n > 1 || db.Erased(site, store.Erased{Kind: store.ErasedHost, Value: canary}) {
			if left := traces(db); len(left) > 0 {
				t.Errorf("stopped after %d: left behind: %q", n, left)
			}
		}
		db.Close()
	}
	if stops < 3 {
		t.Errorf("it was stopped at %d places", stops)
	}
}

// Whoever writes while somebody is erased has either written before, and that goes, or is
// refused.
func TestEraseLeavesNothingToThoseWhoWriteMeanwhile(t *testing.T) {
	db, _ := openAt(t)
	inhabit(t, db, 20)
	var all sync.WaitGroup
	begun := make(chan struct{}, 4)
	for w := range 4 {
		all.Go(func() {
			for i := 0; ; i++ {
				err := db.Update(bg, site, func(tx *store.Tx) error {
					m := store.Mention{ID: fmt.Sprintf("w%d-%d", w, i), Page: "page", State: store.Received, Received: start, Source: fmt.Sprintf("https://%s/w/%d/%d", canary, w, i)}
					return errors.Join(tx.PutMention(m), tx.Enqueue(store.Job{Kind: "verify", Key: m.ID, Lane: "lane"}))
				})
				if i == 0 {
					begun <- struct{}{}
				}
				if errors.Is(err, store.ErrErased) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 4 {
		<-begun
	}
	if _, err := db.Erase(bg, site, host(canary)); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if left := traces(db); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// The bytes of what was deleted are in the file until it is scrubbed, and in no part of it
// after; those who read meanwhile see what they always saw.
func TestScrubLeavesNoByte(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	inhabit(t, db, 200)
	long := strings.Repeat("long text of "+canary+" ", 2000) // over many pages
	update(t, db, site, func(tx *store.Tx) error {
		return tx.PutMention(store.Mention{ID: "long", Page: "page", State: store.Approved, Received: start, Source: "https://" + canary + "/long",
			Shown: &store.Version{Type: "reply", Digest: "d", Text: long, URL: "https://" + canary + "/long"}})
	})
	if _, err := db.Erase(bg, site, host(canary)); err != nil {
		t.Fatal(err)
	}
	if !inFile(t, database(dir)) {
		t.Fatal("nothing lingers, so nothing can be shown")
	}
	stop, readers := make(chan struct{}), sync.WaitGroup{}
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				view(t, db, site, func(tx *store.Tx) error {
					_, err := tx.Mention("answers")
					return errors.Join(err, func() error { _, err := tx.Mention("neighbour"); return err }())
				})
			}
		})
	}
	for i := range 5 { // also while somebody writes
		if err := db.Scrub(bg); err != nil {
			t.Fatal(err)
		}
		update(t, db, site, func(tx *store.Tx) error {
			return tx.PutPage(store.Page{ID: fmt.Sprint("after", i)}, fmt.Sprint("/after", i))
		})
	}
	close(stop)
	readers.Wait()
	if inFile(t, database(dir)) {
		t.Error("the file still has it")
	}
	whole := db.Dump()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, store.Options{}) // it is whole
	if diff := cmp.Diff(whole, db.Dump()); diff != "" {
		t.Errorf("after a start:\n%s", diff)
	}
	if done, err := db.Repair(bg); err != nil || done.Mended != 0 || len(done.Damaged) != 0 {
		t.Errorf("repair: %+v, %v", done, err)
	}
	db.Close()
	if err := db.Scrub(bg); !errors.Is(err, store.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// Whoever reads an older picture keeps it: the scrub waits, and lets writers on meanwhile.
func TestScrubWaitsForReaders(t *testing.T) {
	db, _ := openAt(t)
	inhabit(t, db, 30) // few enough that the file need not grow under the reader, which would stop the writer
	reading, read := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- db.View(bg, site, func(tx *store.Tx) error {
			close(reading)
			<-read
			for i := range 30 {
				if m, err := tx.Mention(fmt.Sprintf("m%d-2", i)); err != nil || !strings.Contains(m.Shown.Text, canary) {
					return fmt.Errorf("mention %d: %+v, %w", i, m.Shown, err)
				}
			}
			return nil
		})
	}()
	<-reading
	if _, err := db.Erase(bg, site, host(canary)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(bg, 700*time.Millisecond)
	defer stop()
	if err := db.Scrub(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("scrubbed under a reader: %v", err)
	}
	update(t, db, site, func(tx *store.Tx) error { return tx.PutPage(store.Page{ID: "late"}, "/late") })
	close(read)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := db.Scrub(bg); err != nil || inFile(t, database(db.Dir())) {
		t.Errorf("not scrubbed afterwards: %v", err)
	}
}

// The daily backups are written anew, whole, without what was erased; what else lies about is
// named. A backup that cannot be read is left, and named too.
func TestEraseFromCopies(t *testing.T) {
	db, _ := openAt(t)
	inhabit(t, db, 5)
	receive(t, db, "kept.jpg", "an upload")
	made, err := db.BackupDaily(bg, 10)
	if err != nil {
		t.Fatal(err)
	}
	daily := made.File
	dir := filepath.Dir(daily)
	for name, content := range map[string]string{"tertulia-2020-01-01.tar": "no backup", "schema-1.db": canary} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(db.Dir(), "replaced-20260101T000000.000Z"), 0o700); err != nil {
		t.Fatal(err)
	}
	if !inFile(t, daily) {
		t.Fatal("the backup does not have it to begin with")
	}
	if _, err := db.Erase(bg, site, host(canary)); err != nil {
		t.Fatal(err)
	}
	left := []string{"backup/schema-1.db", "backup/tertulia-2020-01-01.tar", "replaced-20260101T000000.000Z"}
	done, err := db.EraseFromCopies(bg)
	if diff := cmp.Diff(store.Copies{Cleaned: []string{"backup/" + filepath.Base(daily)}, Left: left}, done); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if inFile(t, daily) {
		t.Error("the backup still has it")
	}
	if done, err := db.EraseFromCopies(bg); err != nil || len(done.Cleaned) != 0 || len(done.Left) != len(left) {
		t.Errorf("again: %+v, %v", done, err)
	}
	if unfinished, err := filepath.Glob(filepath.Join(dir, ".tertulia-*")); err != nil || len(unfinished) > 0 {
		t.Errorf("left behind: %q, %v", unfinished, err)
	}
	again := restored(t, daily, store.Options{})
	if left := traces(again); len(left) > 0 {
		t.Errorf("restored: %q", left)
	}
	for name, there := range map[string]bool{"kept.jpg": true, "pictures/me.jpg": false} {
		if _, err := os.Stat(filepath.Join(store.MediaDir(again.Dir(), site), name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	view(t, again, site, func(tx *store.Tx) error {
		_, err := tx.Mention("neighbour")
		return err
	})
}

// Who is let back may send again; what came before stays away, also out of a restore.
func TestLetBack(t *testing.T) {
	db, now := openAt(t)
	put := func(db *store.DB, id string) error {
		return db.Update(bg, site, func(tx *store.Tx) error {
			return errors.Join(tx.PutPage(store.Page{ID: "page"}, "/"),
				tx.PutMention(store.Mention{ID: id, Page: "page", State: store.Received, Received: tx.Now, Source: "https://" + canary + "/" + id}))
		})
	}
	if err := db.LetBack(bg, site, host(canary)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it was erased: %v", err)
	}
	if err := put(db, "old"); err != nil {
		t.Fatal(err)
	}
	before := backUp(t, db)
	now.Add(time.Hour)
	if _, err := db.Erase(bg, site, host(canary)); err != nil {
		t.Fatal(err)
	}
	now.Add(time.Hour)
	if err := db.LetBack(bg, site, host(canary)); err != nil || db.Erased(site, host(canary).What[0]) {
		t.Fatalf("not let back: %v", err)
	}
	now.Add(time.Hour)
	if err := put(db, "new"); err != nil {
		t.Fatal(err)
	}
	after := backUp(t, db)
	if done, err := db.Erase(bg, site, store.EraseOrder{}); err != nil || done.Mentions != 0 {
		t.Errorf("by the ledger: %+v, %v", done, err)
	}
	dir := db.Dir()
	db.Close()
	for file, want := range map[string]int{before: 1, after: 0} {
		done, err := store.Restore(bg, file, dir, true, store.Options{Now: now.Now})
		if err != nil || done.Erased != want {
			t.Errorf("%d were left out, %v, want %d", done.Erased, err, want)
		}
	}
	db = open(t, dir, store.Options{Now: now.Now})
	// Erased once more, all goes and stays away, whatever the clock says.
	now.Add(-24 * time.Hour)
	if _, err := db.Erase(bg, site, host(canary)); err != nil || !db.Erased(site, host(canary).What[0]) {
		t.Errorf("erased once more: %v", err)
	}
	db.Close()
	db = open(t, dir, store.Options{Now: now.Now})
	if !db.Erased(site, host(canary).What[0]) {
		t.Error("forgotten")
	}
}

// The owner's posts stay, and those that link to who goes are named.
func TestEraseNamesThePostsThatStay(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		var all error
		for slug, p := range map[string]store.Post{
			"sent":  {Sent: []store.Sent{{Target: "https://" + canary + "/1"}}},
			"reply": {Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"in-reply-to": {"https://" + canary + "/1"}}}},
			"text":  {Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {map[string]any{"html": `<a href="https://` + canary + `/x">x</a>`}}}}},
			"none":  {Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"about " + canary}}}},
		} {
			p.Permalink = "https://example.com/" + slug
			all = errors.Join(all, tx.PutPost(p))
		}
		return all
	})
	done, err := db.Erase(bg, site, host(canary))
	if diff := cmp.Diff([]string{"https://example.com/reply", "https://example.com/sent", "https://example.com/text"}, done.Posts); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	done, err = db.Erase(bg, site, store.EraseOrder{What: []store.Erased{{Kind: store.ErasedPerson, Value: "https://" + canary + "/"}}, Dry: true})
	if diff := cmp.Diff([]string{"https://example.com/reply", "https://example.com/sent", "https://example.com/text"}, done.Posts); err != nil || diff != "" {
		t.Errorf("of a person, what lies below their address: %v\n%s", err, diff)
	}
	raw, err := json.Marshal(done)
	if err != nil || !strings.Contains(string(raw), `"mentions":0`) {
		t.Errorf("%s, %v", raw, err)
	}
}
