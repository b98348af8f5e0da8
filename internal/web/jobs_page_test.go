package web_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tertulia/internal/lang"
	"tertulia/store"
)

const jobsPage = "https://ana.example/-/admin/jobs"

func (w *world) promise(jobs ...store.Job) {
	w.Helper()
	if err := w.db.Update(w.Context(), w.ana().Key, func(tx *store.Tx) error {
		for _, j := range jobs {
			if err := tx.Enqueue(j); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		w.Fatal(err)
	}
}

// What was set aside comes first, with why and what to do; what strangers call themselves is inert.
func TestJobsPage(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.owner()
		if a := b.get(jobsPage, "Accept-Language", "en"); a.status != 200 || !strings.Contains(a.body, "Nothing is to be done.") {
			t.Fatalf("got %d\n%s", a.status, a.body)
		}
		evil := `https://evil.example/"><script>alert(1)</script>` + "\u202e"
		w.promise(store.Job{Kind: "send", Key: evil, Args: []byte(`0`)}, store.Job{Kind: "unheard", Key: "<b>"},
			store.Job{Kind: "hub", Key: "feed", Args: []byte(`"feed"`), Due: time.Now().Add(time.Hour)})
		settle()
		a := b.get(jobsPage, "Accept-Language", "en")
		for _, want := range []string{"Send a webmention", "Set aside", "This version of the program does not know", "Put right what the last attempt says", "that page is not told of your link", "/-/admin/jobs?kind=hub"} {
			if !strings.Contains(a.body, want) {
				t.Errorf("there is no %q in\n%s", want, a.body)
			}
		}
		if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<b>") {
			t.Errorf("it is not inert:\n%s", a.body)
		}
		// The waiting one is not among them until it is asked for.
		if strings.Contains(a.body, "Next attempt") {
			t.Error("what only waits is listed with what was set aside")
		}
		all := b.get(jobsPage+"?state=any", "Accept-Language", "en")
		if !strings.Contains(all.body, "Next attempt") || !strings.Contains(all.body, "Set aside") {
			t.Errorf("all:\n%s", all.body)
		}
		if a := b.get(jobsPage + "?state=red"); a.status != 404 {
			t.Errorf("no such state: %d", a.status)
		}
		fields := formTo(t, b.get(jobsPage+"?kind=hub"), "/-/admin/jobs")
		do := func(pairs ...string) answer {
			form := url.Values{"form": fields["form"]}
			for i := 0; i+1 < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			return b.post(jobsPage, form)
		}
		if a := do("do", "drop", "id", fields.Get("id"), "list", "hub"); a.status != 303 || a.header.Get("Location") != "/-/admin/jobs?done=dropped&kind=hub&n=1" {
			t.Errorf("drop: %d to %q", a.status, a.header.Get("Location"))
		}
		if a := do("do", "drop", "id", fields.Get("id")); a.status != 303 || a.header.Get("Location") != "/-/admin/jobs" {
			t.Errorf("drop again: %d to %q", a.status, a.header.Get("Location"))
		}
		if a := do("do", "retry-all", "kind", "send"); !strings.Contains(a.header.Get("Location"), "done=retried&kind=send&n=1") {
			t.Errorf("retry all: %q", a.header.Get("Location"))
		}
		settle()
		if a := do("do", "drop-all", "kind", "send", "state", "parked"); !strings.Contains(a.header.Get("Location"), "done=dropped&kind=send&n=1") {
			t.Errorf("drop all: %q", a.header.Get("Location"))
		}
		for _, wrong := range [][]string{{"do", "dance"}, {"do", "drop-all"}, {"do", "retry-all", "kind", ""}} {
			if a := do(wrong...); a.status != 400 {
				t.Errorf("%q: got %d", wrong, a.status)
			}
		}
		if a := b.get(jobsPage+"?done=dropped&n=2", "Accept-Language", "en"); !strings.Contains(a.body, "2 jobs were dropped.") {
			t.Error("it is not said what was done")
		}
		if a := w.visitor().get(jobsPage); a.status != 401 {
			t.Errorf("a visitor: %d", a.status)
		}
	})
}

// However much there is to do, a page shows twenty of it, is small, and leads to the rest.
func TestJobsPageIsPaged(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		for i := range 3 {
			var some []store.Job
			for k := range 15 {
				some = append(some, store.Job{Kind: "send", Key: fmt.Sprintf("%d-%d %s", i, k, strings.Repeat("x", 2000)), Due: time.Now().Add(time.Hour)})
			}
			w.promise(some...)
		}
		b := w.owner()
		seen := map[string]bool{}
		pages := 0
		for at := jobsPage + "?kind=send"; at != ""; pages++ {
			a := b.get(at, "Accept-Language", "es")
			if a.status != 200 || len(a.body) > 50_000 {
				t.Fatalf("%s: %d, %d bytes", at, a.status, len(a.body))
			}
			for _, m := range regexp.MustCompile(`name="id" value="(\w+)"`).FindAllStringSubmatch(a.body, -1) {
				seen[m[1]] = true
			}
			at = ""
			if m := regexp.MustCompile(`<a href="([^"]+)" rel="next"`).FindStringSubmatch(a.body); m != nil {
				at = "https://ana.example" + strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		if len(seen) != 45 || pages != 3 {
			t.Errorf("saw %d jobs on %d pages", len(seen), pages)
		}
	})
}

// Every kind of job has a name, and says what is lost when it is dropped, in both languages.
func TestEveryKindOfJobHasWords(t *testing.T) {
	inWorld(t, func(w *world) {
		for kind := range w.jobs.Handlers() {
			for _, tag := range []string{"es", "en"} {
				l := lang.For(tag)
				if !l.Has("jobkind."+kind) || !l.Has("joblost."+kind) && kind != "check" && kind != "trial" {
					w.Errorf("%s: there are no words jobkind.%s and joblost.%s", tag, kind, kind)
				}
			}
		}
	})
}
