package notify_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/internal/leaktest"
	"tertulia/internal/notify"
	"tertulia/internal/queue"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// service is a site with its store, its jobs and a way to the post office, and a clock that can be
// put forward.
type service struct {
	t    *testing.T
	site *site.Site
	db   *store.DB
	jobs *site.Jobs
	lead atomic.Int64 // of the clock
}

func serve(t *testing.T, o *postOffice, how map[string]site.Mode) *service {
	t.Helper()
	s := &service{t: t, site: home("en")}
	s.site.Tell.How, s.site.Tell.Hour = how, 8
	dir := t.TempDir()
	leaktest.Dir(t, dir)
	db, err := store.Open(dir, store.Options{Now: func() time.Time { return time.Now().Add(time.Duration(s.lead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	s.db = db
	s.jobs = &site.Jobs{Sites: []*site.Site{s.site}, DB: db, Hosts: &site.Hosts{}, Mail: o.mailer(notify.StartTLS).Send}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	runner := &queue.Runner{DB: db, Handlers: s.jobs.Handlers()}
	go func() { done <- runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
		db.Close()
	})
	return s
}

func (s *service) update(fn func(*store.Tx) error) {
	s.t.Helper()
	if err := s.db.Update(s.t.Context(), s.site.Key, fn); err != nil {
		s.t.Fatal(err)
	}
}

// drained waits until no job is left to be done.
func (s *service) drained() {
	s.t.Helper()
	for left := 1; left > 0; {
		if err := s.db.View(s.t.Context(), s.site.Key, func(tx *store.Tx) error {
			left = tx.JobCount()
			return nil
		}); err != nil {
			s.t.Fatal(err)
		}
		select {
		case <-s.t.Context().Done():
			s.t.Fatal("jobs are left")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Of 1,000 mentions 950 are junk, from flooders under many names, by a bridge, and put aside for what
// they look like: one mail of a readable size goes out, in which the friends stand first.
func TestAThousandMentionsAreOneMail(t *testing.T) {
	o := open(t, notify.StartTLS)
	s := serve(t, o, map[string]site.Mode{site.KindWaiting: site.Digest, site.KindPublic: site.Digest})
	if err := s.jobs.Notice(t.Context()); err != nil {
		t.Fatal(err)
	}
	for batch := range 10 {
		s.update(func(tx *store.Tx) error {
			if err := tx.PutPage(store.Page{ID: "p", URL: "https://ana.example/mar/", Found: true, Created: tx.Now}, "/mar"); err != nil {
				return err
			}
			for i := range 100 {
				n := batch*100 + i
				host, person, state := "bot.example", fmt.Sprint("bot", n), store.Pending
				switch {
				case i < 5: // 50 people, three times each but for the first
					host, state = fmt.Sprintf("friend%d.example", n%20), store.Pending
					person = host
				case i < 45:
					state = store.Quarantined
				case i < 60:
					host = "bridge.example"
				case i < 70:
					person = "" // nobody knows who it is by
				}
				m := store.Mention{
					ID: store.NewID(tx.Now), Page: "p", Source: fmt.Sprintf("https://%s/%d", host, n), Target: "https://ana.example/mar/", State: state, Received: tx.Now,
					Shown: &store.Version{Type: "reply", Person: person, Author: mf2.Author{Name: "Name " + person}, URL: "https://" + host + "/", Text: strings.Repeat("words ", 500), Digest: fmt.Sprint(n)},
				}
				if host == "bridge.example" {
					m.Shown.Bridge = host
				}
				if err := tx.PutMention(m); err != nil {
					return err
				}
			}
			return nil
		})
		if err := s.jobs.Notice(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.drained()
	if n := len(o.messages(t)); n != 0 {
		t.Fatalf("before its time: got %d mails", n)
	}
	for range 3 {
		s.lead.Add(int64(24 * time.Hour))
		if err := s.jobs.Notice(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.drained()
	}
	all := o.messages(t)
	if len(all) != 1 {
		t.Fatalf("got %d mails, want 1", len(all))
	}
	body := all[0].body
	if len(body) > 12_000 || strings.Count(body, "\n* ") > 10 {
		t.Errorf("it has %d bytes and %d groups:\n%s", len(body), strings.Count(body, "\n* "), body)
	}
	if got := all[0].Get("Subject"); got != "El patio de Ana: 600 mentions wait" {
		t.Errorf("Subject: %q", got)
	}
	first := strings.Index(body, "friend")
	flood := strings.Index(body, "bot.example")
	if first < 0 || flood >= 0 && flood < first || !strings.Contains(body, "400 more look like spam") {
		t.Errorf("the order:\n%s", body)
	}
	t.Logf("%d bytes", len(body))
}

// The server takes a mail and cuts the connection before it says so: the mail comes again, as the same
// one, and what came meanwhile is in the next and lost in none.
func TestMailThatMayHaveArrived(t *testing.T) {
	o := open(t, notify.StartTLS)
	o.cutAfter = 1
	s := serve(t, o, map[string]site.Mode{site.KindWaiting: site.Now})
	wait := func(id string) {
		s.update(func(tx *store.Tx) error {
			err := tx.PutPage(store.Page{ID: "p", URL: "https://ana.example/mar/", Found: true, Created: tx.Now}, "/mar")
			if err != nil {
				return err
			}
			return tx.PutMention(store.Mention{
				ID: id, Page: "p", Source: "https://bea.example/" + id, Target: "https://ana.example/mar/", State: store.Pending, Received: tx.Now,
				Shown: &store.Version{Type: "reply", Person: "bea", Author: mf2.Author{Name: "Bea"}, Text: "this is " + id, Digest: id},
			})
		})
		if err := s.jobs.Notice(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wait("first")
	for len(o.messages(t)) < 1 {
		<-time.After(5 * time.Millisecond)
	}
	wait("second")
	s.lead.Add(int64(2 * time.Minute))
	wait("third")
	s.update(func(tx *store.Tx) error { return tx.Enqueue(store.Job{Kind: "look at the clock"}) })
	s.drained()
	if err := s.jobs.Notice(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.drained()
	all := o.messages(t)
	if len(all) != 3 || all[0].Get("Message-Id") != all[1].Get("Message-Id") || all[2].Get("Message-Id") == all[1].Get("Message-Id") {
		t.Fatalf("got %d mails: %+v", len(all), all)
	}
	if !strings.Contains(all[1].body, "this is first") || !strings.Contains(all[2].body, "this is second") || !strings.Contains(all[2].body, "this is third") || strings.Contains(all[2].body, "this is first") {
		t.Errorf("got\n%s\n%s", all[1].body, all[2].body)
	}
}
