package site_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/micropub"
	"tertulia/store"
)

// MX-3, HOSTILE 40: nothing of a draft leaves the store until it is published.
func TestDraftsStayInside(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.host("ana.example")
		ana.says("/", "x")
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{
			Item: entry("content", "secret https://ana.example/", "post-status", "draft"), Digest: newDigest(),
		})
		if err != nil || !made.Pending {
			t.Fatalf("create: got %+v, %v, want it pending", made, err)
		}
		w.update(made.URL, micropub.Update{Add: map[string][]any{"category": {"a"}}})
		pass(time.Minute)
		w.create(entry("content", "public"))
		pass(time.Minute)
		if code, _ := w.page(made.URL); code != 404 {
			t.Errorf("the draft's page answers %d", code)
		}
		for _, address := range []string{"https://me.example/", "https://me.example/" + made.URL[19:27]} {
			if _, body := w.page(address); strings.Contains(body, "secret") || strings.Contains(body, made.URL) {
				t.Errorf("%s tells of the draft", address)
			}
		}
		if _, err := w.talk.Of(t.Context(), made.URL); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the draft's conversation: got %v", err)
		}
		if n := len(w.web.Requests("ana.example")); n > 0 || w.post(made.URL).Published > 0 {
			t.Error("the draft was published, or its links looked at")
		}
		if item, err := w.posts.Source(t.Context(), editor, made.URL); err != nil || item.Get("post-status") != "draft" {
			t.Errorf("the editor gets %v, %v", item, err)
		}
		w.update(made.URL, micropub.Update{Replace: map[string][]any{"post-status": {"published"}}})
		pass(time.Minute)
		if code, _ := w.page(made.URL); code != 200 || len(w.web.Requests("ana.example")) == 0 {
			t.Errorf("published, the page answers %d", code)
		}
		w.update(made.URL, micropub.Update{Replace: map[string][]any{"post-status": {"draft"}}})
		pass(time.Minute)
		if code, _ := w.page(made.URL); code == 200 {
			t.Error("a draft again, the page is still there")
		}
		w.remove(made.URL)
		pass(time.Minute)
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	})
}

// MX-4: what is not for everybody is not published; what is unlisted is in no list.
func TestVisibilityIsObeyed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, v := range []string{"private", "protected", "Private", "friends"} {
			_, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "secret", "visibility", v), Digest: newDigest()})
			if !refused(t, err) {
				t.Errorf("%s: got %v, want invalid_request", v, err)
			}
		}
		public := w.create(entry("content", "seen", "visibility", "public"))
		if _, err := w.posts.Update(t.Context(), editor, public, micropub.Update{Replace: map[string][]any{"visibility": {"private"}}}); !refused(t, err) {
			t.Errorf("made private: got %v, want invalid_request", err)
		}
		unlisted := w.create(entry("content", "hidden in plain sight", "visibility", "unlisted"))
		pass(time.Minute)
		if code, _ := w.page(unlisted); code != 200 {
			t.Errorf("the unlisted page answers %d", code)
		}
		for _, list := range []string{"https://me.example/", unlisted[:len("https://me.example/2000/01/")]} {
			if code, body := w.page(list); code != 200 || strings.Contains(body, "plain sight") || !strings.Contains(body, "seen") {
				t.Errorf("%s answers %d and lists what is unlisted, or not what is public", list, code)
			}
		}
		feed, err := os.ReadFile(filepath.Join(w.root, "feed.xml"))
		if err != nil || strings.Contains(string(feed), "plain sight") {
			t.Errorf("the feed lists it, or %v", err)
		}
	})
}

// D11, T-MP07: what a page shows of a content.
func TestContentOnThePage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for content, want := range map[any]string{
			"a < b\nhttps://x.example/":   `a &lt; b<br/>` + "\n" + `<a href="https://x.example/">`,
			"<p>a <b>b</b></p>":           `<p>a <b>b</b></p>`,
			"<b>not a block</b>":          `&lt;b&gt;not a block&lt;/b&gt;`,
			"<p>not closed":               `&lt;p&gt;not closed`,
			"<script>alert(1)</script>":   `&lt;script&gt;alert(1)`,
			"<p onclick=x>a</p>":          `<p>a</p>`,
			"fences --- {{ x }} ` stay 1": "fences --- {{ x }} ` stay 1",
		} {
			post := w.create(entry("content", content))
			pass(time.Minute)
			if _, body := w.page(post); !strings.Contains(body, want) || strings.Contains(body, "<script") {
				t.Errorf("%q: the page lacks %q:\n%s", content, want, body)
			}
			if item, err := w.posts.Source(t.Context(), editor, post); err != nil || item.Get("content") != content {
				t.Errorf("%q: the source says %q, %v", content, item.Get("content"), err)
			}
		}
	})
}

// MX-7, MX-10: editors page through the posts, newest first.
func TestListsForEditors(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 25 {
			w.create(entry("content", fmt.Sprint("note ", i), "published", fmt.Sprintf("2026-11-%02dT10:00:00Z", i+1)))
		}
		w.create(entry("in-reply-to", "https://ana.example/", "content", "a reply", "published", "2026-01-01"))
		var got []string
		q := micropub.Query{Limit: 10}
		for {
			list, err := w.posts.List(t.Context(), editor, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range list.Items {
				got = append(got, item.Get("content"))
				if item.Get("url") == "" {
					t.Errorf("%v has no url", item)
				}
			}
			if q.After = list.After; q.After == "" {
				break
			}
		}
		if len(got) != 26 || got[0] != "note 24" || got[25] != "a reply" {
			t.Errorf("got %d: %v", len(got), got)
		}
		if list, err := w.posts.List(t.Context(), editor, micropub.Query{PostType: "reply"}); err != nil || len(list.Items) != 1 || list.After != "" {
			t.Errorf("replies: %+v, %v", list, err)
		}
		if list, err := w.posts.List(t.Context(), editor, micropub.Query{Filter: "NOTE 7"}); err != nil || len(list.Items) != 1 {
			t.Errorf("filter: %+v, %v", list, err)
		}
		if list, err := w.posts.List(t.Context(), editor, micropub.Query{After: "!?"}); err != nil || len(list.Items) != 20 {
			t.Errorf("a cursor that is none: %d, %v", len(list.Items), err)
		}
	})
}

// T-MP27: what cannot be published yet is kept, answered 202, and published later; a
// restart in between loses nothing and a repeat makes no second post.
func TestPublishingThatFailsIsTriedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if err := os.WriteFile(filepath.Join(w.root, "2000"), []byte("in the way"), 0o644); err != nil {
			t.Fatal(err)
		}
		create := micropub.Create{Item: entry("content", "patience"), Digest: newDigest()}
		start := time.Now()
		made, err := w.posts.Create(t.Context(), editor, create)
		if err != nil || !made.Pending || time.Since(start) != 2*time.Second {
			t.Fatalf("got %+v, %v after %s, want it pending after two seconds", made, err, time.Since(start))
		}
		w.restart()
		again, err := w.posts.Create(t.Context(), editor, create)
		if err != nil || again != made {
			t.Errorf("the repeat: got %+v, %v, want %+v", again, err, made)
		}
		pass(time.Hour)
		if err := os.Remove(filepath.Join(w.root, "2000")); err != nil {
			t.Fatal(err)
		}
		pass(6 * time.Hour)
		if code, body := w.page(made.URL); code != 200 || !strings.Contains(body, "patience") {
			t.Errorf("the page answers %d", code)
		}
		if posts, err := w.posts.All(t.Context(), 10); err != nil || len(posts) != 1 || posts[0].Live != 1 {
			t.Errorf("got %+v, %v", posts, err)
		}
	})
}

// A wait for a page ends with the request.
func TestCreateWaitsNoLongerThanItsClient(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		pass(time.Second)
		w.stop()
		w.posts.Wait = time.Hour
		done := make(chan micropub.Created)
		go func() {
			made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "x"), Digest: newDigest()})
			if err != nil {
				t.Error(err)
			}
			done <- made
		}()
		synctest.Wait()
		w.start()
		if made := <-done; made.Pending {
			t.Errorf("got %+v, want it live", made)
		}
		post := w.create(entry("content", "y"))
		if err := w.posts.Retry(t.Context(), post); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if p := w.post(post); p.Live != 2 || !p.Updated.IsZero() {
			t.Errorf("retried: %+v", p)
		}
		var none store.Post
		if p, err := w.posts.Post(t.Context(), "https://me.example/never/"); !errors.Is(err, fs.ErrNotExist) || p.Permalink != none.Permalink {
			t.Errorf("a post that is none: %v", err)
		}
	})
}

// A post whose date moves to another month leaves the archive of the one it was in, and
// stands in the other's.
func TestAPostThatMovesLeavesItsMonth(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Base camp", "published", "1999-11-05T10:00:00Z"))
		pass(time.Minute)
		w.update(post, micropub.Update{Replace: map[string][]any{"published": {"1999-12-05T10:00:00Z"}}})
		pass(time.Minute)
		if _, err := os.Stat(filepath.Join(w.site.Root, "1999/11/index.html")); err == nil {
			t.Error("the archive of November still stands")
		}
		page, err := os.ReadFile(filepath.Join(w.site.Root, "1999/12/index.html"))
		if err != nil || !strings.Contains(string(page), post) {
			t.Errorf("the archive of December: %v\n%s", err, page)
		}
	})
}

// Who opens the home page after posting sees the post: only lists that have just been
// written wait for more.
func TestAPostIsListedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.create(entry("content", "first"))
		synctest.Wait()
		home := func() string {
			page, err := os.ReadFile(filepath.Join(w.site.Root, "index.html"))
			if err != nil {
				t.Fatal(err)
			}
			return string(page)
		}
		if !strings.Contains(home(), first) {
			t.Error("the home page lacks the post that was just made")
		}
		second := w.create(entry("content", "second"))
		pass(2 * time.Second)
		if !strings.Contains(home(), second) {
			t.Error("the home page lacks the post that came right after")
		}
	})
}
