package site_test

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/leaktest"
	"tertulia/internal/site"
	"tertulia/store"
)

func (w *world) box() *site.Inbox {
	return &site.Inbox{Site: w.site, DB: w.db, Mentions: w.mentions}
}

// What was decided in one go is undone in one go, by however many at once; what something else was
// decided about since then is left, and what was approved with a person's trust goes back with it.
func TestWhatIsDecidedInOneGoIsUndoneInOneGo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea, eve := w.host("bea.example"), w.host("eve.example")
		var ids []string
		var chosen []site.Choice
		for i := range 6 {
			host := []*host{bea, eve}[i%2]
			at := fmt.Sprint("/", i)
			host.says(at, replyTo(post, "text "+at))
			ids = append(ids, w.receive(fmt.Sprintf("https://%s.example%s", []string{"bea", "eve"}[i%2], at), post))
			chosen = append(chosen, site.Choice{ID: ids[i]})
		}
		inbox := w.box()
		chosen = append(chosen, site.Choice{ID: "nothing"}, site.Choice{ID: ids[0], Seen: "another"})
		done, err := inbox.Decide(t.Context(), "me", "approve", site.Selection{Mentions: chosen})
		if err != nil || done.Done != 6 || done.Left != 2 || done.Batch == "" {
			t.Fatalf("approve: got %+v, %v", done, err)
		}
		w.wantStates("approved", ids, store.Approved, store.Approved, store.Approved, store.Approved, store.Approved, store.Approved)
		w.restart()
		inbox = w.box()
		w.decide(w.mentions.Reject, ids[5])
		// Fifty press the button: it is done once.
		var wait sync.WaitGroup
		var mu sync.Mutex
		total := 0
		for range 50 {
			wait.Go(func() {
				one, err := inbox.Undo(t.Context(), "me", done.Batch)
				if err != nil && !errors.Is(err, site.ErrUndecidable) && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				total += one.Done
			})
		}
		wait.Wait()
		if total != 5 {
			t.Errorf("%d were undone, want 5", total)
		}
		w.wantStates("undone", ids, store.Pending, store.Pending, store.Pending, store.Pending, store.Pending, store.Rejected)
		made, err := inbox.Batch(t.Context(), done.Batch)
		if err != nil || made.Count != 6 || !made.Undoable {
			t.Errorf("the batch is %+v, %v", made, err)
		}
		list, _, err := inbox.Recent(t.Context(), "")
		if err != nil || len(list) == 0 || list[len(list)-1].Count != 6 {
			t.Errorf("lately: %+v, %v", list, err)
		}
	})
}

// A group is decided as it was shown: what came since, and what says something else since, waits on.
// A domain is blocked with all that waits from it, but for what is no one's.
func TestGroupsAreDecidedAsTheyWereShown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		spam := w.host("a.spam.example")
		var ids []string
		for i := range 3 {
			at := fmt.Sprint("/", i)
			spam.says(at, `<div class="h-entry"><a class="u-in-reply-to" href="`+post+`">x</a><p class="e-content">Buy `+at+`</p></div>`)
			ids = append(ids, w.receive("https://a.spam.example"+at, post))
		}
		inbox := w.box()
		page, err := inbox.Waiting(t.Context(), "")
		if err != nil || len(page.Groups) != 1 || page.Groups[0].Domain != "spam.example" || page.Groups[0].Count != 3 {
			t.Fatalf("%+v, %v", page, err)
		}
		what := site.Selection{Groups: []string{page.Groups[0].Key}, State: "pending", AsOf: page.At}
		time.Sleep(time.Minute)
		spam.says("/1", `<div class="h-entry"><a class="u-in-reply-to" href="`+post+`">x</a><p class="e-content">Buy more.</p></div>`)
		w.receive("https://a.spam.example/1", post)
		done, err := inbox.Decide(t.Context(), "me", "approve", what)
		if err != nil || done.Done != 2 || done.Left != 1 {
			t.Errorf("approve the group: got %+v, %v", done, err)
		}
		w.wantStates("approved", ids, store.Approved, store.Pending, store.Approved)
		what.AsOf = time.Now()
		done, err = inbox.Decide(t.Context(), "me", "block", what)
		if err != nil || done.Done != 1 {
			t.Errorf("block the domain: got %+v, %v", done, err)
		}
		w.wantStates("blocked", ids[1:2], store.Rejected)
		if _, err := inbox.Undo(t.Context(), "me", done.Batch); err != nil {
			t.Error(err)
		}
		pass(5 * time.Second)
		w.wantStates("undone", ids, store.Approved, store.Pending, store.Approved)
		for _, key := range []string{"", "x", "AAAA", site.AllQuarantined()} {
			what.Groups = []string{key}
			if _, err := inbox.Decide(t.Context(), "me", "block", what); err == nil {
				t.Errorf("group %q was blocked", key)
			}
		}
	})
}

// Groups, cursors and searches come with a request: whatever they say, there is an answer, and what
// is listed is what there is.
func FuzzInbox(f *testing.F) {
	for _, seed := range []string{"", "x", "AAAA", site.AllQuarantined(), "c3BhbS5leGFtcGxlAA", "AjEy", "\x00", "ÁÉ\u0301 \u202e", "host:example", "https://me.example/", "@a@b"} {
		f.Add(seed)
	}
	dir := f.TempDir()
	leaktest.Dir(f, dir)
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	s := &site.Site{Key: "me.example", URL: parse(f, "https://me.example/"), Base: "https://me.example/-/", Approve: site.ApprovePeople}
	inbox := &site.Inbox{Site: s, DB: db, Mentions: &site.Mentions{Site: s, DB: db, Limits: &site.Limits{}}}
	people := &site.People{Site: s, DB: db, Inbox: inbox}
	err = db.Update(f.Context(), s.Key, func(tx *store.Tx) error {
		return errors.Join(tx.PutPage(store.Page{ID: "p", URL: "https://me.example/p", Found: true}, "/p"),
			tx.PutMention(store.Mention{ID: "m", Page: "p", Source: "https://spam.example/1", Cluster: "spam.example", State: store.Pending, Received: tx.Now, Shown: &store.Version{Type: "reply", Digest: "d"}}))
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, said string) {
		l := lang.For("es")
		page, err := inbox.Waiting(t.Context(), said)
		if err != nil || page.Waiting != 1 || len(page.Groups) > 1 {
			t.Errorf("waiting from %q: %+v, %v", said, page, err)
		}
		if g, err := inbox.Group(t.Context(), "pending", said, said); err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && len(g.Rows) != 1 {
			t.Errorf("group %q: %+v, %v", said, g, err)
		}
		_, err1 := inbox.Quarantined(t.Context(), said)
		_, err2 := inbox.Decided(t.Context(), l, site.Search{Text: said, From: said, Page: said, State: said, Cursor: said})
		_, _, err3 := inbox.Recent(t.Context(), said)
		_, _, err4 := people.Heard(t.Context(), said)
		_, _, err5 := people.Find(t.Context(), said, said)
		_, _, err6 := people.With(t.Context(), said, said)
		if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
			t.Errorf("%q: %v", said, err)
		}
	})
}
