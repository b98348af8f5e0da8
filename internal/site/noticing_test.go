package site_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/internal/notify"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// mailbox takes the letters of a world, and has knobs.
type mailbox struct {
	mu    sync.Mutex
	fail  error
	taken []site.Letter
}

func (b *mailbox) send(_ context.Context, l site.Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.taken = append(b.taken, l)
	return nil
}

// count is how many letters have come.
func (b *mailbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.taken)
}

// last is what the last letter says; "" when there is none.
func (b *mailbox) last() (subject, body string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.taken) == 0 {
		return "", ""
	}
	return notify.Text(b.taken[len(b.taken)-1])
}

// telling has the owner told by mail, with digests every day at eight.
func telling(how map[string]site.Mode) func(*site.Site) {
	return func(s *site.Site) {
		s.Tell = site.Telling{To: "me@me.example", How: how, Hour: 8, Patience: 7 * 24 * time.Hour}
	}
}

func all(mode site.Mode) map[string]site.Mode {
	how := map[string]site.Mode{}
	for _, kind := range site.Kinds() {
		how[kind] = mode
	}
	return how
}

// attend gives the world a mailbox, and looks around once.
func (w *world) attend() *mailbox {
	box := &mailbox{}
	w.jobs.Mail = box.send
	w.lookout()
	return box
}

// lookout looks around, and lets be done what follows.
func (w *world) lookout() {
	w.t.Helper()
	if err := w.jobs.Notice(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	pass(time.Second)
}

// put writes a mention as it stands, as if it had come.
func (w *world) put(m store.Mention) {
	w.t.Helper()
	err := w.db.Update(w.t.Context(), w.site.Key, func(tx *store.Tx) error {
		if _, err := tx.Page("page"); err != nil {
			if err := tx.PutPage(store.Page{ID: "page", URL: "https://me.example/mar/", Found: true, Created: tx.Now}, "/mar"); err != nil {
				return err
			}
		}
		if m.ID == "" {
			m.ID = store.NewID(tx.Now)
		}
		m.Page, m.Received = "page", tx.Now
		if m.Target == "" {
			m.Target = "https://me.example/mar/"
		}
		return tx.PutMention(m)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// replied is a reply by a person of a host.
func replied(host, person, text string) *store.Version {
	return &store.Version{Type: "reply", Author: mf2.Author{Name: person, URL: "https://" + host + "/"}, Person: person, URL: "https://" + host + "/1", Text: text, Digest: text}
}

func (w *world) letters() (all []store.Letter) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) {
		all, err = tx.Letters()
		return err
	})
	return all
}

// What waits is told once, at once or with the digest, and not what was decided before the mail went.
func TestWaitingIsToldOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		box := w.attend()
		w.put(store.Mention{ID: "a", Source: "https://bea.example/1", State: store.Pending, Shown: replied("bea.example", "Bea", "Hello there")})
		w.lookout()
		w.lookout()
		subject, body := box.last()
		if box.count() != 1 || subject != "Me: 1 mention waits" || !strings.Contains(body, "Hello there") || !strings.Contains(body, "https://me.example/-/admin/mention?id=a\n") {
			t.Fatalf("got %d letters, the last %q\n%s", box.count(), subject, body)
		}
		// A restart, and the same look: nothing new.
		w.restart()
		w.jobs.Mail = box.send
		w.lookout()
		if box.count() != 1 {
			t.Errorf("after a restart: got %d letters", box.count())
		}
		// A changed text of one that is public waits as well.
		m := w.mention("a")
		m.State = store.Approved
		w.put(m)
		w.lookout()
		m = w.mention("a")
		m.Held = replied("bea.example", "Bea", "Something else")
		w.put(m)
		w.lookout()
		if _, body := box.last(); box.count() != 3 || !strings.Contains(body, "Something else") {
			t.Errorf("a changed text: got %d letters, the last\n%s", box.count(), body)
		}
	}, telling(all(site.Now)))
}

// Nobody is told of what was decided, taken back or erased between the look and the mail: an empty
// mail is none.
func TestWhatNoLongerHoldsIsNotTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		box := w.attend()
		box.fail = errors.New("come later")
		w.put(store.Mention{ID: "a", Source: "https://bea.example/1", State: store.Pending, Shown: replied("bea.example", "Bea", "Decided")})
		w.put(store.Mention{ID: "b", Source: "https://caro.example/1", State: store.Pending, Shown: replied("caro.example", "Caro", "Stays")})
		w.lookout()
		if err := w.mentions.Delete(t.Context(), "me", "a"); err != nil {
			t.Fatal(err)
		}
		box.mu.Lock()
		box.fail = nil
		box.mu.Unlock()
		pass(2 * time.Minute)
		if _, body := box.last(); box.count() != 1 || strings.Contains(body, "Decided") || !strings.Contains(body, "Stays") {
			t.Errorf("got %d letters, the last\n%s", box.count(), body)
		}
		w.put(store.Mention{ID: "c", Source: "https://dora.example/1", State: store.Pending, Shown: replied("dora.example", "Dora", "Erased")})
		w.lookout()
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error { return tx.DropMention("b") }); err != nil {
			t.Fatal(err)
		}
		box.mu.Lock()
		box.fail = errors.New("come later")
		box.mu.Unlock()
		w.put(store.Mention{ID: "d", Source: "https://eva.example/1", State: store.Pending, Shown: replied("eva.example", "Eva", "Gone")})
		w.lookout()
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error { return tx.DropMention("d") }); err != nil {
			t.Fatal(err)
		}
		box.mu.Lock()
		box.fail = nil
		box.mu.Unlock()
		pass(2 * time.Minute)
		if box.count() != 2 {
			t.Errorf("got %d letters, want no empty one", box.count())
		}
		letters := w.letters()
		if last := letters[len(letters)-1]; !last.Empty || last.Sent.IsZero() {
			t.Errorf("the last letter: %+v", last)
		}
	}, telling(all(site.Now)))
}

// Six mails an hour go at once; what comes beyond that goes together with the next.
func TestNoMoreThanSixMailsAnHour(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		box := w.attend()
		for i := range 20 {
			w.put(store.Mention{Source: fmt.Sprintf("https://bea.example/%d", i), State: store.Pending, Shown: replied("bea.example", "Bea", fmt.Sprint("text ", i))})
			w.lookout()
		}
		if box.count() != 6 {
			t.Fatalf("got %d letters, want 6", box.count())
		}
		pass(time.Hour)
		w.lookout()
		w.lookout()
		subject, _ := box.last()
		if box.count() != 7 || subject != "Me: 14 mentions wait" {
			t.Errorf("an hour later: got %d letters, the last %q", box.count(), subject)
		}
	}, telling(all(site.Now)))
}

// The digest comes at the hour of the owner's clock, also when that is put forward and back, and not
// when there is nothing to say.
func TestDigestIsDue(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	daily := site.Telling{Hour: 2, Minute: 30, Zone: madrid}
	weekly := site.Telling{Hour: 8, Weekly: true, Day: time.Friday, Zone: madrid}
	for _, test := range []struct {
		tell        site.Telling
		after, want string
	}{
		{daily, "2026-11-21T00:00:00Z", "2026-11-21T01:30:00Z"},
		{daily, "2026-11-21T01:30:00Z", "2026-11-22T01:30:00Z"},
		{daily, "2026-03-28T02:00:00Z", "2026-03-29T01:30:00Z"}, // 2:30 does not exist that day
		{daily, "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
		{daily, "2026-10-24T12:00:00Z", "2026-10-25T01:30:00Z"}, // and that day it is twice
		{daily, "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"},
		{weekly, "2026-11-21T00:00:00Z", "2026-11-27T07:00:00Z"},
		{weekly, "2026-11-27T07:00:00Z", "2026-12-04T07:00:00Z"},
		{weekly, "2026-06-30T00:00:00Z", "2026-07-03T06:00:00Z"},
		{site.Telling{Hour: 23}, "2026-12-31T23:00:00Z", "2027-01-01T23:00:00Z"},
	} {
		after, err := time.Parse(time.RFC3339, test.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := test.tell.Next(after).UTC().Format(time.RFC3339); got != test.want {
			t.Errorf("after %s: got %s, want %s", test.after, got, test.want)
		}
	}
	inWorld(t, func(t *testing.T, w *world) { // it is midnight of the first of January 2000
		box := w.attend()
		w.put(store.Mention{Source: "https://bea.example/1", State: store.Pending, Shown: replied("bea.example", "Bea", "Hello")})
		pass(7*time.Hour + 59*time.Minute - time.Since(time.Now()))
		w.lookout()
		if box.count() != 0 {
			t.Errorf("before eight: got %d letters", box.count())
		}
		pass(2 * time.Minute)
		w.lookout()
		if box.count() != 1 {
			t.Errorf("after eight: got %d letters", box.count())
		}
		for range 48 {
			pass(time.Hour)
			w.lookout()
		}
		if box.count() != 1 {
			t.Errorf("with nothing new: got %d letters", box.count())
		}
	}, telling(all(site.Digest)))
}

// What a first look finds: what waits is told, however old; what was public and who was let in before
// is not. The same after a kind is turned on, and what an import brings is no news.
func TestFirstLook(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.put(store.Mention{Source: "https://bea.example/1", State: store.Approved, Shown: replied("bea.example", "Bea", "Old")})
		w.put(store.Mention{Source: "https://bea.example/2", State: store.Pending, Shown: replied("bea.example", "Bea", "Waits since long")})
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			return tx.Record(store.Decision{Action: "make token", Note: "before"})
		}); err != nil {
			t.Fatal(err)
		}
		box := w.attend()
		subject, body := box.last()
		if box.count() != 1 || subject != "Me: 1 mention waits" || strings.Contains(body, "Old") {
			t.Errorf("got %d letters, %q\n%s", box.count(), subject, body)
		}
		imported := replied("bea.example", "Bea", "Imported")
		imported.Imported = true
		w.put(store.Mention{Source: "https://bea.example/3", State: store.Approved, Shown: imported})
		w.put(store.Mention{Source: "https://bea.example/4", State: store.Approved, Decision: store.Approved, Shown: replied("bea.example", "Bea", "By hand")})
		w.put(store.Mention{Source: "https://bea.example/5", State: store.Approved, Shown: replied("bea.example", "Bea", "By trust")})
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			return tx.Record(store.Decision{Action: "sign in", By: "https://me.example/", Note: "by link"})
		}); err != nil {
			t.Fatal(err)
		}
		access := &site.Access{Site: w.site, DB: w.db}
		link, err := access.NewLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pass1, err := access.FollowLink(t.Context(), link[strings.LastIndex(link, "/")+1:], site.Arrival{})
		if err != nil {
			t.Fatal(err)
		}
		w.lookout()
		subject, body = box.last()
		if subject != "Me: 1 new response, 1 new access" || !strings.Contains(body, "By trust") || strings.Contains(body, "By hand") || strings.Contains(body, "Imported") || !strings.Contains(body, "sign-in with a new browser") {
			t.Errorf("got %q\n%s", subject, body)
		}
		// The same browser once more is no news.
		if link, err = access.NewLink(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err = access.FollowLink(t.Context(), link[strings.LastIndex(link, "/")+1:], site.Arrival{Device: pass1.Device}); err != nil {
			t.Fatal(err)
		}
		before := box.count()
		w.lookout()
		if box.count() != before {
			t.Error("a known browser is told")
		}
	}, telling(all(site.Now)))
}

// A job that is given up is told, once, and no mail tells of mails.
func TestTroubleIsTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		box := w.attend()
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			return tx.Enqueue(store.Job{Kind: "nobody knows", Key: "https://me.example/mar/"})
		}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		w.lookout()
		w.lookout()
		subject, body := box.last()
		if box.count() != 1 || subject != "Me: 1 failed job" || !strings.Contains(body, "* nobody knows https://me.example/mar/\n    this version knows no job") {
			t.Errorf("got %d letters, %q\n%s", box.count(), subject, body)
		}
		box.mu.Lock()
		box.fail = fmt.Errorf("550 nobody: %w", site.ErrRefused)
		box.mu.Unlock()
		w.put(store.Mention{Source: "https://bea.example/1", State: store.Pending, Shown: replied("bea.example", "Bea", "Hello")})
		w.lookout()
		w.lookout()
		jobs := w.jobList()
		if len(jobs) != 2 || jobs[1].Parked.IsZero() || !strings.Contains(jobs[1].Error, "550 nobody") || len(w.letters()) != 2 {
			t.Errorf("a refused mail: jobs %+v, letters %+v", jobs, w.letters())
		}
	}, telling(all(site.Now)))
}

// A mail that does not get through is tried for a week, less and less often, then it is given up and
// says why. What comes meanwhile goes with the next.
func TestMailIsTriedForAWeek(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		box := w.attend()
		box.fail = errors.New("connection refused")
		tries := 0
		w.jobs.Mail = func(ctx context.Context, l site.Letter) error {
			tries++
			return box.send(ctx, l)
		}
		w.put(store.Mention{Source: "https://bea.example/1", State: store.Pending, Shown: replied("bea.example", "Bea", "Hello")})
		w.lookout()
		w.put(store.Mention{Source: "https://bea.example/2", State: store.Pending, Shown: replied("bea.example", "Bea", "Again")})
		for range 7 * 24 {
			pass(time.Hour)
			w.lookout()
		}
		if tries < 20 || tries > 60 {
			t.Errorf("tried %d times in a week", tries)
		}
		if n := len(w.letters()); n != 1 {
			t.Errorf("meanwhile: got %d letters", n)
		}
		pass(12 * time.Hour)
		jobs := w.jobList()
		if len(jobs) != 1 || jobs[0].Parked.IsZero() || jobs[0].Error != "a mail to the owner is given up: connection refused" {
			t.Fatalf("after a week: %+v", jobs)
		}
		box.mu.Lock()
		box.fail = nil
		box.mu.Unlock()
		w.lookout()
		if _, body := box.last(); box.count() != 1 || !strings.Contains(body, "Again") || strings.Contains(body, "Hello") {
			t.Errorf("the next: got %d letters\n%s", box.count(), body)
		}
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error { return tx.Unpark(jobs[0].ID) }); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if _, body := box.last(); box.count() != 2 || !strings.Contains(body, "Hello") {
			t.Errorf("retried by hand: got %d letters\n%s", box.count(), body)
		}
	}, telling(all(site.Now)))
}

// database is the file of the world's store.
func (w *world) database() []byte {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.data, "tertulia.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// Where nobody is told anything, and where there is nothing new, a look writes nothing.
func TestNothingIsNoticedForNobody(t *testing.T) {
	for name, tell := range map[string]func(*site.Site){"nobody": func(*site.Site) {}, "nothing new": telling(all(site.Now))} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.put(store.Mention{Source: "https://bea.example/1", State: store.Pending, Shown: replied("bea.example", "Bea", "Hello")})
				if name != "nobody" {
					w.attend()
				}
				pass(time.Minute)
				before := w.database()
				w.lookout()
				if !bytes.Equal(before, w.database()) {
					t.Error("it wrote")
				}
			}, tell)
		})
	}
}
