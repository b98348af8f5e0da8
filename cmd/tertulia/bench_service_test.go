package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tertulia/mf2"
	"tertulia/store"
)

// venue is where a service keeps its data and answers: in this process, or in its own.
type venue struct {
	dir     string // of the data, in a directory of its own
	address string // host:port
}

// newVenue takes a directory that is not there yet, and a port that is free and below
// those that systems give to connections, so that it stays free.
func newVenue(dir string) (venue, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return venue{}, err
	}
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+(os.Getpid()*17+int(lastPort.Add(1)))%20_000))
		if err == nil {
			return venue{filepath.Join(dir, "data"), l.Addr().String()}, l.Close()
		}
	}
	return venue{}, errors.New("no port is free")
}

// filled is a venue with posts and so many public mentions of each.
func filled(tb testing.TB, posts, mentions int) venue {
	tb.Helper()
	p, err := newVenue(filepath.Join(tb.TempDir(), "venue"))
	if err := errors.Join(err, p.fill(posts, mentions)); err != nil {
		tb.Fatal(err)
	}
	return p
}

func (p venue) home() string             { return "http://" + p.address + "/" }
func (p venue) endpoint(n string) string { return p.home() + "-/" + n }
func (p venue) permalink(i int) string   { return fmt.Sprintf("%s2026/01/01/post-%d/", p.home(), i) }
func (p venue) conversation(i int) string {
	return p.endpoint("api/mentions.jf2?target=") + url.QueryEscape(p.permalink(i))
}

// fill stores posts, one for every two hours of the past, with public mentions.
func (p venue) fill(posts, mentions int) error {
	db, err := store.Open(p.dir, store.Options{})
	if err != nil {
		return err
	}
	err = db.Update(context.Background(), p.address, func(tx *store.Tx) error { return befriend(tx, mentions) })
	step := max(1, 5000/(mentions+2)) // posts to a commit
	for from := 0; from < posts && err == nil; from += step {
		err = db.Update(context.Background(), p.address, func(tx *store.Tx) error {
			for i := from; i < min(from+step, posts); i++ {
				if err := p.put(tx, i, mentions); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return errors.Join(err, db.Close())
}

// put stores the i-th post and its mentions.
func (p venue) put(tx *store.Tx, i, mentions int) error {
	page := store.Page{ID: fmt.Sprintf("page-%09d", i), URL: p.permalink(i), Found: true, Created: tx.Now}
	if err := tx.PutPage(page, fmt.Sprintf("/2026/01/01/post-%d", i)); err != nil {
		return err
	}
	at := tx.Now.Add(time.Duration(-2*i-1) * time.Hour)
	if err := tx.PutPost(store.Post{
		Permalink: page.URL, Date: at, Created: at, Kind: "note", Promised: true, Revision: 1, Published: 1, Live: 1, Announced: 1,
		Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {fmt.Sprintf("This is post number %d.", i)}}},
	}); err != nil {
		return err
	}
	for m := range mentions {
		if err := tx.PutMention(benchMention(tx.Now, page, i, m)); err != nil {
			return err
		}
	}
	return nil
}

// befriend stores the people who mention the posts, and their pictures.
func befriend(tx *store.Tx, people int) error {
	for m := range people {
		p := store.Person{
			ID: fmt.Sprintf("person-%06d", m), Name: fmt.Sprintf("Friend %d", m), URL: friend(m), Photo: friend(m) + "photo.png",
			Identities: []string{strings.TrimPrefix(friend(m), "https://")}, Trust: store.Trusted, Since: tx.Now, Created: tx.Now,
		}
		picture := store.Picture{URL: p.Photo, Name: fmt.Sprintf("%064x.png", m), Size: 1000, SHA256: fmt.Sprintf("%064x", m), Checked: tx.Now}
		if err := errors.Join(tx.PutPerson(p), tx.PutPicture(picture)); err != nil {
			return err
		}
	}
	return nil
}

func friend(m int) string { return fmt.Sprintf("https://friend-%d.example/", m) }

// benchMention is the m-th mention of a page, by the m-th friend. Every fourth also answers
// the one before.
func benchMention(now time.Time, page store.Page, i, m int) store.Mention {
	source := fmt.Sprintf("%sreply-%d", friend(m), i)
	text := fmt.Sprintf("Reply number %d to post %d. %s", m, i, strings.Repeat("All work and no play. ", 8))
	var answers []string
	if m%4 == 3 {
		answers = []string{fmt.Sprintf("%sreply-%d", friend(m-1), i)}
	}
	return store.Mention{
		ID: store.NewID(now), Source: source, Target: page.URL, Page: page.ID, State: store.Approved, Decision: store.Approved, Received: now,
		Shown: &store.Version{
			Type: "reply", Author: mf2.Author{Name: fmt.Sprintf("Friend %d", m), URL: friend(m), Photo: friend(m) + "photo.png"},
			Person: fmt.Sprintf("person-%06d", m), URL: source, InReplyTo: answers, HTML: "<p>" + text + "</p>", Text: text, Published: now, Digest: strconv.Itoa(m),
		},
		History: []store.Event{{At: now, Stage: "received"}, {At: now, Stage: "looked at", Note: "linked: the page links to the target"}, {At: now, Stage: "approve", Note: "by " + page.URL}},
	}
}

// bench is the service in this process, on a real socket. Nobody's mentions wait.
type bench struct {
	venue
	svc *service
	db  *store.DB
}

// serveHere starts the service. Until [bench.run] nothing is verified.
func serveHere(tb testing.TB, p venue) *bench {
	tb.Helper()
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		tb.Fatal(err)
	}
	set := defaults()
	set.Data = p.dir
	set.Limits.PerSender, set.Limits.PerHost, set.Limits.Queue = 1<<30, 1<<30, 1<<30
	set.Listen = addresses{p.address}
	set.Sites = []siteSettings{{URL: p.home(), Name: "Bench", Language: "en", Publish: publishSettings{Preset: "html"}, Conversation: conversationSettings{Approve: "none"}}}
	db, err := store.Open(set.Data, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	svc, err := wire(set, db, newClients(set, log), log)
	if err != nil {
		tb.Fatal(err)
	}
	if err := svc.jobs.WriteHome(tb.Context(), svc.jobs.Sites[0]); err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: svc.http}
	go server.Serve(l)
	tb.Cleanup(func() { server.Close(); db.Close() })
	return &bench{venue: p, svc: svc, db: db}
}

// run lets the jobs of a bench run.
func (b *bench) run(tb testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.svc.runner.Run(ctx) }()
	tb.Cleanup(func() { cancel(); <-done })
}
