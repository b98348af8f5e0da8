package site_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/micropub"
)

// page reads what the site answers at an address.
func (w *world) page(address string) (code int, body string) {
	w.t.Helper()
	resp, err := w.web.Client().Get(address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := resp.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return resp.StatusCode, b.String()
		}
	}
}

func refused(t *testing.T, err error) bool {
	t.Helper()
	var e *micropub.Error
	return errors.As(err, &e) && e.Code == micropub.InvalidRequest
}

// F3, F9: a post is created, changed, deleted and brought back; its address stays, and
// what is kept is what was sent.
func TestPostsGoTheirWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sent := entry("content", map[string]any{"html": "<p>one <b>two</b>"}, "category", "a", "category", "b", "x-unknown", map[string]any{"k": []any{"v"}})
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: sent, Digest: newDigest()})
		if err != nil || made.Pending {
			t.Fatalf("create: got %+v, %v, want it live at once", made, err)
		}
		if code, body := w.page(made.URL); code != 200 || !strings.Contains(body, "<b>two</b>") {
			t.Errorf("the page answers %d: %s", code, body)
		}
		got, err := w.posts.Source(t.Context(), editor, made.URL)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Properties["published"]) != 1 {
			t.Errorf("the source has no date: %v", got)
		}
		delete(got.Properties, "published")
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Errorf("the source is not what was sent (-sent +got):\n%s", diff)
		}

		w.update(strings.TrimSuffix(made.URL, "/"), micropub.Update{
			Replace: map[string][]any{"content": {"three"}}, Add: map[string][]any{"category": {"c"}}, DeleteAll: []string{"x-unknown"},
		})
		pass(5 * time.Second)
		if code, body := w.page(made.URL); code != 200 || !strings.Contains(body, "three") || strings.Contains(body, "two") {
			t.Errorf("updated, the page answers %d: %s", code, body)
		}
		// An update that cannot be done whole is not done at all (HOSTILE 78).
		_, err = w.posts.Update(t.Context(), editor, made.URL, micropub.Update{Replace: map[string][]any{"content": {"four"}, "published": {"now"}}})
		if !refused(t, err) {
			t.Errorf("an impossible date: got %v, want invalid_request", err)
		}
		if item, _ := w.posts.Source(t.Context(), editor, made.URL); item.Get("content") != "three" {
			t.Errorf("half an update was done: %v", item)
		}

		for range 2 { // a second time is no error
			w.remove(made.URL)
			pass(5 * time.Second)
			if code, body := w.page(made.URL); code != 410 || strings.Contains(body, "three") {
				t.Errorf("deleted, the page answers %d", code)
			}
		}
		if _, err := w.posts.Source(t.Context(), editor, made.URL); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("source of a deleted post: got %v", err)
		}
		if _, err := w.posts.Update(t.Context(), editor, made.URL, micropub.Update{Replace: map[string][]any{"content": {"five"}}}); !refused(t, err) {
			t.Errorf("update of a deleted post: got %v", err)
		}
		if list, err := w.posts.List(t.Context(), editor, micropub.Query{}); err != nil || len(list.Items) != 0 {
			t.Errorf("the list has %d items, %v", len(list.Items), err)
		}
		for range 2 {
			if to, err := w.posts.Undelete(t.Context(), editor, made.URL); err != nil || to != "" {
				t.Errorf("undelete: got %q, %v", to, err)
			}
		}
		pass(5 * time.Second)
		if code, body := w.page(made.URL); code != 200 || !strings.Contains(body, "three") {
			t.Errorf("undeleted, the page answers %d", code)
		}
		var stages []string
		for _, e := range w.post(made.URL).History {
			stages = append(stages, e.Stage)
		}
		want := "received published live updated published live deleted published live undeleted published live"
		if got := strings.Join(stages, " "); got != want {
			t.Errorf("history: got %s, want %s", got, want)
		}
	})
}

func TestPostsThatAreNotThere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "three"))
		w.remove(post)
		pass(5 * time.Second)
		if _, body := w.page("https://me.example/"); strings.Contains(body, "three") {
			t.Error("the home page still shows the deleted post")
		}
		for _, address := range []string{"https://me.example/never/", "https://evil.test/x", "::", ""} {
			if err := w.posts.Delete(t.Context(), editor, address); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("delete %q: got %v, want %v", address, err, fs.ErrNotExist)
			}
		}
	})
}

// T-MP21: an address that is taken, by a post, a deleted one, a draft or a page of the
// owner's own, is never given again.
func TestPermalinksAreReserved(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		day := "2026-11-21T12:00:00Z"
		w.file("2026/11/21/mine/index.html")
		w.file("2026/11/21/mine-2/index.html")
		note := func(more ...any) mf2.Item {
			return entry(append([]any{"content", fmt.Sprint(more...), "published", day}, more...)...)
		}
		base := "https://me.example/2026/11/21/"
		for i, tt := range []struct {
			item mf2.Item
			slug string
			want string
		}{
			{note(), "taken", "taken/"},
			{note(), "taken", "taken-2/"},
			{note("post-status", "draft"), "taken", "taken-3/"},
			{note("name", "Taken!"), "", "taken-4/"},
			{note(), "mine", "mine-3/"},
			{note(), "Mine", "mine-4/"},
			{note("name", "Ñandú & Straße"), "", "nandu-strasse/"},
			{note(), "../../etc", "etc/"},
		} {
			got := w.create(tt.item, tt.slug)
			if got != base+tt.want {
				t.Errorf("%d %q: got %s, want %s", i, tt.slug, got, base+tt.want)
			}
			if i == 0 {
				w.remove(got)
			}
		}
		pass(5 * time.Second)
		if b, err := os.ReadFile(filepath.Join(w.root, "2026/11/21/mine/index.html")); err != nil || string(b) != "<p>by hand" {
			t.Errorf("the owner's page is %q now, %v", b, err)
		}
	})
}

// T-MP22, HOSTILE 79: the same create within ten minutes is the same post, also after a
// restart and when it comes fifty times at once.
func TestRepeatsOfACreateAreOnePost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		digest := newDigest()
		create := func() string {
			made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "once"), Digest: digest})
			if err != nil {
				t.Error(err)
			}
			return made.URL
		}
		urls := make([]string, 50)
		var wg sync.WaitGroup
		for i := range urls {
			wg.Go(func() { urls[i] = create() })
		}
		wg.Wait()
		if slices.Sort(urls); urls[0] == "" || urls[0] != urls[49] {
			t.Errorf("got %v", slices.Compact(urls))
		}
		w.restart()
		pass(9 * time.Minute)
		if got := create(); got != urls[0] {
			t.Errorf("nine minutes later: got %s, want %s", got, urls[0])
		}
		if posts, err := w.posts.All(t.Context(), 100); err != nil || len(posts) != 1 {
			t.Errorf("there are %d posts, %v", len(posts), err)
		}
		// Who deletes a post and sends it again wants it again.
		w.remove(urls[0])
		second := create()
		if second == urls[0] {
			t.Error("the repeat is answered with a post that was deleted")
		}
		if got := create(); got != second {
			t.Errorf("and again: got %s, want %s", got, second)
		}
		pass(11 * time.Minute)
		if got := create(); got == second {
			t.Error("eleven minutes later it is still a repeat")
		}
	})
}

// F10: concurrent updates serialise, and none is lost.
func TestConcurrentUpdatesAreAllKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		var want []any
		var wg sync.WaitGroup
		for i := range 50 {
			tag := fmt.Sprint("tag", i)
			want = append(want, tag)
			wg.Go(func() {
				if _, err := w.posts.Update(t.Context(), editor, post, micropub.Update{Add: map[string][]any{"category": {tag}}}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		pass(time.Minute)
		kept := w.post(post)
		byName := func(a, b any) int { return strings.Compare(a.(string), b.(string)) }
		got := slices.SortedFunc(slices.Values(kept.Item.Properties["category"]), byName)
		slices.SortFunc(want, byName)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("categories (-want +got):\n%s", diff)
		}
		if kept.Revision != 51 || kept.Published != 51 || kept.Live != 51 {
			t.Errorf("revision %d, published %d, live %d, want 51", kept.Revision, kept.Published, kept.Live)
		}
		if _, body := w.page(post); !strings.Contains(body, "tag49") || !strings.Contains(body, "tag0") {
			t.Error("the page is not the last revision")
		}
	})
}

// CL-26, HOSTILE 77: the dates that editors send, and what is none.
func TestDatesOfPosts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for date, want := range map[string]string{
			"1999-11-21T23:30:00+01:00":  "1999-11-21T23:30:00+01:00",
			"1999-11-21T23:30:00+0100":   "1999-11-21T23:30:00+01:00",
			"1999-11-21 23:30:00-05:00":  "1999-11-21T23:30:00-05:00",
			"1999-11-21 23:30:00Z":       "1999-11-21T23:30:00Z",
			"1999-11-21T23:30:00.123Z":   "1999-11-21T23:30:00Z",
			"1999-11-21T23:30Z":          "1999-11-21T23:30:00Z",
			"1999-11-21T23:30+01:00":     "1999-11-21T23:30:00+01:00",
			" 1999-11-21T23:30 ":         time.Date(1999, 11, 21, 23, 30, 0, 0, time.Local).Format(time.RFC3339),
			"1999-11-21 23:30:00":        time.Date(1999, 11, 21, 23, 30, 0, 0, time.Local).Format(time.RFC3339),
			"1999-11-21":                 time.Date(1999, 11, 21, 0, 0, 0, 0, time.Local).Format(time.RFC3339),
			"0001-01-02T00:00:00Z":       "0001-01-02T00:00:00Z",
			"9999-12-30T00:00:00Z":       "9999-12-30T00:00:00Z",
			"now":                        "",
			"1999-13-01":                 "",
			"21/11/1999":                 "",
			"0000-01-01T00:00:00Z":       "",
			"9999-12-31T23:59:59-14:00":  "",
			"1999-11-21T23:30:00+24:00":  "",
			"11999-11-21T23:30:00+01:00": "",
		} {
			made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "x", "published", date), Digest: newDigest()})
			if want == "" {
				if !refused(t, err) {
					t.Errorf("%q: got %v, %v, want invalid_request", date, made.URL, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%q: %v", date, err)
				continue
			}
			post := w.post(made.URL)
			if got := post.Date.Format(time.RFC3339); got != want {
				t.Errorf("%q: got %s, want %s", date, got, want)
			}
			if day := "/" + strings.ReplaceAll(want[:10], "-", "/") + "/"; !strings.Contains(made.URL, day) {
				t.Errorf("%q: the permalink is %s", date, made.URL)
			}
			if item, err := w.posts.Source(t.Context(), editor, made.URL); err != nil || item.Get("published") != date && strings.TrimSpace(item.Get("published")) != strings.TrimSpace(date) {
				t.Errorf("%q: the source says %q, %v", date, item.Get("published"), err)
			}
		}
		pass(time.Minute)
		if jobs := w.jobList(); len(jobs) != 1 {
			t.Errorf("jobs are left beside that for the year 9999: %+v", jobs)
		}
		// A date that is corrected is the date that readers see.
		post := w.create(entry("content", "corrected", "published", "1999-11-21T10:00:00Z"))
		w.update(post, micropub.Update{Replace: map[string][]any{"published": {"1999-11-22T10:00:00Z"}}})
		pass(time.Minute)
		if _, body := w.page(post); !strings.Contains(body, "1999-11-22T10:00:00Z") || w.post(post).Permalink != post {
			t.Errorf("the page does not have the corrected date: %s", body)
		}
	})
}
