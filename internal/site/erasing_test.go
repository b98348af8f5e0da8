package site_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
	"tertulia/webmention"
)

// erasing is the site's, as commands have it.
func (w *world) erasing() *site.Erasing { return &site.Erasing{Site: w.site, DB: w.db, Jobs: w.jobs} }

func (w *world) erase(what site.Erasable) store.Erasure {
	w.t.Helper()
	done, err := w.erasing().Erase(w.t.Context(), "command line", what, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// wantTraceless fails when a word is anywhere in the data directory, once it was scrubbed.
func (w *world) wantTraceless(when string, words ...string) {
	w.t.Helper()
	if err := w.db.Scrub(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	for _, dir := range []string{w.data, w.site.Uploads} {
		err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return nil
			}
			raw, err := os.ReadFile(name)
			for _, word := range words {
				if bytes.Contains(bytes.ToLower(raw), []byte(word)) {
					w.t.Errorf("%s: %s has %q", when, filepath.Base(name), word)
				}
			}
			return err
		})
		if err != nil && dir != "" {
			w.t.Error(err)
		}
	}
}

// HOSTILE 113: a domain is erased, and what comes from it again is refused, whichever of our
// pages it is about, until the owner lets it back.
func TestErasedDomainsStayAway(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pictures, eva := w.gallery("pics.evasite.example"), w.host("evasite.example")
		pictures.hang("/eva.png", red)
		eva.says("/1", withPhoto("Eva Zuric", "https://pics.evasite.example/eva.png", post, "my words"))
		eva.says("/like", `<div class="h-entry"><a class="p-author h-card" href="/">Eva Zuric</a><a class="u-like-of" href="`+post+`"></a></div>`)
		w.receive("https://evasite.example/1", post)
		w.receive("https://evasite.example/like", post)
		w.host("other.example").says("/1", by("/", "u-in-reply-to", post, "others speak"))
		w.receive("https://other.example/1", post)
		pass(time.Hour)
		before, err := w.talk.Of(t.Context(), post)
		if err != nil || len(before.Responses) != 3 || before.Responses[0].Author.Photo == "" {
			t.Fatalf("%+v, %v", before.Responses, err)
		}
		told, err := w.erasing().Erase(t.Context(), "me", site.Erasable{Domain: "https://EVASITE.example/1"}, true)
		if err != nil || told.Mentions != 2 || told.Pictures != 1 {
			t.Errorf("told %+v, %v", told, err)
		}
		if done := w.erase(site.Erasable{Domain: "evasite.example"}); done.Mentions != 2 || done.People != 1 || done.Pictures != 1 {
			t.Errorf("done: %+v", done)
		}
		w.wantTexts("erased", post, "others speak")
		if after, err := w.talk.Of(t.Context(), post); err != nil || after.Revision == before.Revision || after.Counts["like"] != 0 {
			t.Errorf("%+v, %v: the caches are not told", after, err)
		}
		if files, err := filepath.Glob(filepath.Join(w.site.Uploads, store.Pictures, "*.*")); err != nil || len(files) != 0 {
			t.Errorf("left: %q, %v", files, err)
		}
		w.wantTraceless("erased", "evasite", "zuric", "my words")

		asked := false
		w.web.Handle("evasite.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked = true
			eva.ServeHTTP(rw, r)
		}))
		for _, source := range []string{"https://evasite.example/1", "https://EVAsite.example/new", "http://blog.evasite.example/2"} {
			_, err := w.send(source, post)
			var refused *webmention.Error
			if !errors.As(err, &refused) || refused.Status != http.StatusForbidden || refused.Code != "refused_source" {
				t.Errorf("%s: %v", source, err)
			}
		}
		pass(time.Hour)
		if asked {
			t.Error("what was refused was asked for")
		}
		w.restart()
		if _, err := w.send("https://evasite.example/1", post); err == nil {
			t.Error("a restart forgets it")
		}
		w.wantTraceless("sent again", "evasite")

		if err := w.erasing().LetBack(t.Context(), "me", site.Erasable{Domain: "evasite.example"}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		w.receive("https://evasite.example/1", post)
		w.wantTexts("let back", post, "others speak", "my words")
	})
}

// A person is erased with whatever leads to them: what they said at home, what a bridge has
// brought of them, under each of their names; and stays away by all of these ways.
func TestErasedPeopleStayAway(t *testing.T) {
	for _, who := range []string{"https://mastodon.social/@evazuric", "@EvaZuric@mastodon.social", "id", "mastodon.social/users/evazuric"} {
		inWorld(t, func(t *testing.T, w *world) {
			post := w.create(entry("content", "hello"))
			bridge := w.host("brid.gy")
			bridge.says("/like/1", brought("u-like-of", post, "EvaZuric Zuric", ""))
			bridge.says("/comment/1", brought("u-in-reply-to", post, "EvaZuric Zuric", `<p class="e-content">hi</p>`))
			bridge.says("/like/2", brought("u-like-of", post, "Ota Ost", ""))
			id := w.receive("https://brid.gy/like/1", post)
			w.receive("https://brid.gy/comment/1", post)
			w.receive("https://brid.gy/like/2", post)
			if who == "id" {
				who = w.mention(id).Shown.Person
			}
			done := w.erase(site.Erasable{Person: who})
			if done.Mentions != 2 || done.People != 1 {
				t.Errorf("%s: %+v", who, done)
			}
			w.wantTraceless(who, "zuric")

			// The bridge sends the old ones again, and a new one: what they are shows when they are read.
			bridge.says("/repost/9", brought("u-repost-of", post, "EvaZuric Zuric", ""))
			for _, path := range []string{"/like/1", "/comment/1", "/repost/9", "/like/2"} {
				w.receive("https://brid.gy"+path, post)
			}
			if page, err := w.talk.Of(t.Context(), post); err != nil || len(page.Responses) != 1 || page.Counts["like"] != 1 || len(page.Counts) != 1 {
				t.Errorf("%s: sent again: %+v, %v", who, page.Counts, err)
			}
			w.wantTraceless(who+", sent again", "zuric")

			// Nor does one that is there become theirs.
			bridge.says("/like/2", brought("u-like-of", post, "EvaZuric Zuric", ""))
			w.receive("https://brid.gy/like/2", post)
			if page, err := w.talk.Of(t.Context(), post); err != nil || len(page.Counts) != 0 {
				t.Errorf("%s: changed: %+v, %v", who, page.Counts, err)
			}
		}, approve(site.ApproveNone))
	}
}

// Deletion on request by the address of the page, or of one mention: the others of that
// author stay, and the page does not come again, even when it is being read just now.
func TestErasedSourcesStayAway(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post, other := w.create(entry("content", "hello")), w.create(entry("content", "more"))
		reading, read := make(chan struct{}), make(chan struct{})
		bea := w.host("bea.example")
		bea.says("/1", by("/", "u-in-reply-to", post, "one")+`<a href="`+other+`">`)
		bea.says("/2", by("/", "u-in-reply-to", post, "two"))
		w.web.Handle("slow.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			close(reading)
			<-read
			rw.Header().Set("Content-Type", "text/html")
			_, _ = rw.Write([]byte(by("/", "u-in-reply-to", post, "slow words")))
		}))
		w.receive("https://bea.example/1", post)
		w.receive("https://bea.example/1", other)
		w.receive("https://bea.example/2", post)
		if done := w.erase(site.Erasable{Source: "http://www.bea.example/1#top"}); done.Mentions != 2 || done.People != 0 {
			t.Errorf("%+v", done)
		}
		w.wantTexts("erased", post, "two")
		w.wantTexts("erased", other)
		if _, err := w.send("https://bea.example/1", post); err == nil {
			t.Error("sent again")
		}
		id, err := w.send("https://slow.example/1", post)
		if err != nil {
			t.Fatal(err)
		}
		<-reading
		if done := w.erase(site.Erasable{Mention: id}); done.Mentions != 1 {
			t.Errorf("%+v", done)
		}
		close(read)
		pass(time.Hour)
		w.wantTexts("read to its end", post, "two")
		w.wantTraceless("read to its end", "slow.example", "slow words")
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs: %+v", jobs)
		}
	}, approve(site.ApproveNone))
}

// What cannot be erased is refused before anything is written.
func TestEraseRefusesWhatIsNobodys(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, tt := range []struct {
			what site.Erasable
			want error
		}{
			{site.Erasable{Domain: "me.example"}, site.ErrSelf}, {site.Erasable{Domain: "WWW.me.example."}, site.ErrSelf},
			{site.Erasable{Person: "https://me.example/"}, site.ErrSelf}, {site.Erasable{Person: "host:me.example"}, site.ErrSelf},
			{site.Erasable{Domain: "co.uk"}, site.ErrEverybody}, {site.Erasable{Domain: "com"}, site.ErrEverybody}, {site.Erasable{Domain: "a b"}, site.ErrEverybody},
			{site.Erasable{Person: "somebody"}, fs.ErrNotExist}, {site.Erasable{Source: "not a page"}, fs.ErrNotExist},
			{site.Erasable{Source: "javascript:alert(1)"}, fs.ErrNotExist}, {site.Erasable{Mention: "nope"}, fs.ErrNotExist},
		} {
			for _, dry := range []bool{true, false} {
				if _, err := w.erasing().Erase(t.Context(), "me", tt.what, dry); !errors.Is(err, tt.want) {
					t.Errorf("%+v: got %v, want %v", tt.what, err, tt.want)
				}
			}
			if err := w.erasing().LetBack(t.Context(), "me", tt.what); err == nil {
				t.Errorf("%+v was let back", tt.what)
			}
		}
		if _, err := os.Stat(filepath.Join(w.data, "tertulia.erased")); err == nil {
			t.Error("the ledger knows of it")
		}
		// Somebody of whom nothing has come yet can be kept away all the same.
		w.erase(site.Erasable{Person: "https://early.example/"})
		if _, err := w.mentions.Decide(t.Context(), "me", "https://early.example/", store.Trusted); !errors.Is(err, store.ErrErased) || strings.Contains(err.Error(), "early") {
			t.Errorf("decided about somebody who was erased: %v", err)
		}
		// An interrupted one says so.
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if _, err := w.erasing().Erase(ctx, "me", site.Erasable{Domain: "late.example"}, false); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %v", err)
		}
	})
}
