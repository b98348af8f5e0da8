package web_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"tertulia/internal/site"
	"tertulia/store"
)

// lead lets the service lead newcomers, as the program does, from a start of the service on.
func (w *world) lead() {
	s := w.ana()
	s.Welcome = &site.Welcome{Site: s.Site, DB: w.db, Jobs: w.jobs}
	w.jobs.Check = func(context.Context, *site.Site) ([]site.CheckPoint, error) {
		return []site.CheckPoint{
			{Name: "settings", State: "ok", Seen: "Los ajustes se entienden."},
			{Name: "rels", State: "fails", Seen: "Falta <link>.", Do: "Pega esto.", Paste: []store.Paste{{Title: "nginx", Text: "location /-/ {\n}"}}},
		}, nil
	}
	w.serve()
}

const welcome = "https://ana.example/-/admin/welcome"

// Whoever signs in for the first time is led through the first steps: the check, a test that
// leaves nothing, an application, and what is shown; each can be passed over.
func TestFirstVisit(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.lead()
		post := w.post("Base camp", "The networks are loudspeakers.")
		b := w.visitor()
		if a := b.post(w.link(), nil); a.status != 303 || a.header.Get("Location") != "/-/admin/welcome" {
			t.Fatalf("the first sign-in leads to %q, %d", a.header.Get("Location"), a.status)
		}
		page := b.get(welcome, "Accept-Language", "en")
		fields := formTo(t, page, "/-/admin/welcome")
		if page.status != 200 || !strings.Contains(page.body, `value="`+post+`"`) || len(page.body) > 50_000 {
			t.Fatalf("got %d\n%s", page.status, page.body)
		}
		do := func(pairs ...string) answer {
			form := url.Values{"form": fields["form"]}
			for i := 0; i+1 < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			return b.post(welcome, form)
		}
		has := func(what string, wants ...string) {
			t.Helper()
			a := b.get(welcome, "Accept-Language", "en")
			for _, want := range wants {
				if !strings.Contains(a.body, want) {
					t.Errorf("%s: there is no %q in\n%s", what, want, a.body)
				}
			}
		}
		if a := do("do", "check"); a.status != 303 || a.header.Get("Location") != "/-/admin/welcome#check" {
			t.Errorf("check: %d to %q", a.status, a.header.Get("Location"))
		}
		has("check", "1 thing does not work yet.", "Falta &lt;link&gt;.", "Pega esto.", "location /-/ {", `lang="es"`)
		if a := do("do", "try", "target", post); a.status != 303 {
			t.Errorf("try: %d", a.status)
		}
		has("trial", "The page was fetched, and the link found.", `<span class="badge">Done</span>`)
		for _, wrong := range []string{"https://bea.example/", "x", "javascript:alert(1)"} {
			if a := do("do", "try", "target", wrong); a.status != 400 || !strings.Contains(a.body, `aria-describedby="wrong"`) || !strings.Contains(a.body, wrong) {
				t.Errorf("%q: %d\n%s", wrong, a.status, a.body)
			}
		}
		if a := w.visitor().get(w.ana().ConversationURL(post)); strings.Contains(a.body, "/-/trial/") {
			t.Errorf("the test is shown to readers:\n%s", a.body)
		}
		if a := b.get("https://ana.example/-/admin/"); strings.Contains(a.body, "/-/trial/") {
			t.Errorf("the test waits for a decision:\n%s", a.body)
		}
		has("app", "https://ana.example/", "Quill")
		has("moderation", `approve = &#34;all&#34;`, `<span class="badge">in force</span>`)
		for _, step := range []string{"app", "moderation"} {
			if a := do("do", "skip", "step", step); a.status != 303 {
				t.Errorf("skip %s: %d", step, a.status)
			}
		}
		has("skipped", "Take this step after all")
		if a := do("do", "skip", "step", "dance"); a.status != 400 {
			t.Errorf("no such step: %d", a.status)
		}
		if a := do("do", "dance"); a.status != 400 {
			t.Errorf("nothing to do: %d", a.status)
		}
		status := w.mentionOf(post)
		if a := w.visitor().post(w.link(), nil); a.header.Get("Location") != "/-/admin/" {
			t.Errorf("while a response waits a sign-in leads to %q", a.header.Get("Location"))
		}
		w.decide(status, "reject")
		if a := do("do", "unskip", "step", "app"); a.status != 303 {
			t.Errorf("unskip: %d", a.status)
		}
		if a := w.visitor().post(w.link(), nil); a.header.Get("Location") != "/-/admin/welcome" {
			t.Errorf("then it leads to %q", a.header.Get("Location"))
		}
		if a := do("do", "end"); a.status != 303 || a.header.Get("Location") != "/-/admin/" {
			t.Errorf("end: %d", a.status)
		}
		if a := w.visitor().post(w.link(), nil); a.header.Get("Location") != "/-/admin/" {
			t.Errorf("afterwards a sign-in leads to %q", a.header.Get("Location"))
		}
		if a := b.get("https://ana.example/-/admin/settings"); !strings.Contains(a.body, `href="/-/admin/welcome"`) {
			t.Error("there is no way back to the first steps")
		}
		if a := w.visitor().get("https://ana.example/-/trial/x"); a.status != 404 {
			t.Errorf("no such test: %d", a.status)
		}
	})
}

// A check that takes long holds up no page.
func TestSlowCheckHoldsUpNoPage(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.lead()
		w.jobs.Check = func(ctx context.Context, _ *site.Site) ([]site.CheckPoint, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		b := w.owner()
		fields := formTo(t, b.get(welcome), "/-/admin/welcome")
		fields.Set("do", "check")
		if a := b.post(welcome, fields); a.status != 303 {
			t.Fatalf("got %d", a.status)
		}
		if a := b.get(welcome, "Accept-Language", "en"); a.status != 200 || !strings.Contains(a.body, "The service is looking.") || !strings.Contains(a.body, `href="?seen=check#check"`) {
			t.Errorf("while it looks:\n%s", a.body)
		}
		for range 60 {
			settle()
		}
		if a := b.get(welcome, "Accept-Language", "en"); !strings.Contains(a.body, "The look came to no end:") {
			t.Errorf("after its time:\n%s", a.body)
		}
	})
}
