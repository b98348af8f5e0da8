package site_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// archived are the posts on the pages of the archive of 1999-11 from the newest to the
// oldest, as far as those lead to one another.
func (w *world) archived() (posts []string, pages int) {
	w.t.Helper()
	const month = "https://me.example/1999/11/"
	for next := month; strings.HasPrefix(next, month); pages++ {
		name := filepath.Join(w.root, strings.TrimPrefix(next, "https://me.example/"), "index.html")
		page, err := os.ReadFile(name)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`<li class="h-entry"><a [^>]*>([^<]*)</a>`).FindAllStringSubmatch(string(page), -1) {
			posts = append(posts, m[1])
		}
		m := regexp.MustCompile(`href="([^"]*)" rel="prev"`).FindStringSubmatch(string(page))
		if next = ""; m != nil {
			next = m[1]
		}
	}
	return posts, pages
}

// A month of many posts has pages, which together list every post once, newest first,
// whatever comes, goes and is changed; unlisted ones are in none, and in no count.
func TestAMonthOfManyPostsHasPages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create(entry("content", "october", "published", "1999-10-05T10:00:00Z"))
		first := time.Date(1999, 11, 1, 0, 0, 0, 0, time.UTC)
		var want, addresses []string // oldest first
		post := func(i int, more ...any) {
			text := fmt.Sprintf("post %04d", i)
			at := w.create(entry(append([]any{"content", text, "published", first.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)}, more...)...))
			if more == nil {
				want, addresses = append(want, text), append(addresses, at)
			}
		}
		check := func(when string, pages int) {
			t.Helper()
			got, n := w.archived()
			slices.Reverse(got)
			if !slices.Equal(got, want) || n != pages {
				t.Errorf("%s: %d posts on %d pages, want %d on %d:\n%v", when, len(got), n, len(want), pages, got)
			}
			if year, err := os.ReadFile(filepath.Join(w.root, "1999/index.html")); err != nil || !strings.Contains(string(year), fmt.Sprintf(">%d ", len(want))) {
				t.Errorf("%s: %v, the year does not say %d:\n%s", when, err, len(want), year)
			}
		}
		for i := range 199 {
			post(i)
		}
		for i := range 3 {
			post(i, "visibility", "unlisted")
		}
		pass(3 * time.Second)
		check("one page", 1)
		post(199)
		pass(3 * time.Second)
		check("two pages", 2)
		for i := 200; i < 420; i++ {
			post(i)
		}
		pass(3 * time.Second)
		check("many at once", 4)
		if jobs := w.jobList(); len(jobs) != 1 || !jobs[0].Due.After(w.db.Now()) {
			t.Errorf("jobs: %+v, want one that looks at the rest later", jobs)
		}
		pass(2 * time.Minute)
		check("nothing new", 4)

		// One on the oldest page goes: all pages move by one.
		w.remove(addresses[5])
		want, addresses = slices.Delete(want, 5, 6), slices.Delete(addresses, 5, 6)
		pass(3 * time.Second)
		check("one is gone", 4)
		// One there gets another text, which the newer pages know nothing of.
		w.update(addresses[7], micropub.Update{Replace: map[string][]any{"content": {"other"}}})
		want[7] = "other"
		pass(2 * time.Minute)
		check("one is changed", 4)
		w.update(addresses[8], micropub.Update{Add: map[string][]any{"visibility": {"unlisted"}}})
		want, addresses = slices.Delete(want, 8, 9), slices.Delete(addresses, 8, 9)
		pass(3 * time.Second)
		check("one is unlisted", 4)

		for _, address := range addresses[190:] {
			w.remove(address)
		}
		want = want[:190]
		pass(2 * time.Minute)
		check("half are gone", 1)
		if left, err := os.ReadDir(filepath.Join(w.root, "1999/11/page")); err == nil {
			t.Errorf("left are %v", left)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	})
}

// What a new post costs does not grow with its month: of that, one page is written.
func TestAPostWritesOnePageOfItsMonth(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := time.Date(1999, 11, 1, 0, 0, 0, 0, time.UTC)
		err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			for i := range 1000 {
				p := store.Post{Permalink: fmt.Sprintf("https://me.example/1999/11/01/%d/", i), Kind: "note", Date: first.Add(time.Duration(i) * time.Second),
					Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"old"}}}, Revision: 1, Published: 1, Announced: 1}
				if err := tx.PutPost(p); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.create(entry("content", "new", "published", "1999-11-05T10:00:00Z"))
		pass(time.Second)
		if got, pages := w.archived(); len(got) != 1001 || pages != 10 {
			t.Fatalf("%d posts on %d pages", len(got), pages)
		}
		// Pages that were changed by hand show which are looked at.
		dirty := func(n int) string { return filepath.Join(w.root, fmt.Sprintf("1999/11/page/%d/index.html", n)) }
		for n := 1; n <= 9; n++ {
			page, err := os.ReadFile(dirty(n))
			if err == nil && n != 9 {
				err = os.WriteFile(dirty(n), append(page, "dirty"...), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		w.create(entry("content", "newer", "published", "1999-11-06T10:00:00Z"))
		pass(3 * time.Second)
		for n, want := range map[int]bool{9: false, 8: true, 1: true} {
			if page, err := os.ReadFile(dirty(n)); err != nil || strings.HasSuffix(string(page), "dirty") != want {
				t.Errorf("page %d: %v, dirty is not %t", n, err, want)
			}
		}
		pass(2 * time.Minute)
		for n := 1; n <= 9; n++ {
			if page, err := os.ReadFile(dirty(n)); err != nil || strings.HasSuffix(string(page), "dirty") {
				t.Errorf("page %d: %v, or it is not looked at later", n, err)
			}
		}
	})
}
