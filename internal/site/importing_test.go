package site_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// reply is a reply as webmention.io has kept it.
func foreign(n uint64, target, text string) site.Foreign {
	return site.Foreign{
		Source: fmt.Sprintf("https://bea.example/%d", n), Target: target, Number: n, Type: "reply", Text: text,
		Received: "1996-05-01T10:00:00Z", Published: "1996-05-01T09:00:00+02:00",
		Author: mf2.Author{Name: "Bea", URL: "https://bea.example/"},
	}
}

func (w *world) importer(dry bool) *site.Importer {
	pages := &site.Pages{Site: w.site, DB: w.db, Own: w.jobs.Own}
	return &site.Importer{Mentions: w.mentions, Pages: pages, From: "test", Dry: dry}
}

// take imports and fails on an error. It returns what was done, in words.
func (w *world) take(dry bool, some ...site.Foreign) (done []string) {
	w.t.Helper()
	all, err := w.importer(dry).Take(w.t.Context(), some)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, one := range all {
		done = append(done, strings.TrimSpace(string(one.Done)+" "+one.Why))
	}
	return done
}

func (w *world) want(when string, got []string, want ...string) {
	w.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		w.t.Errorf("%s (-want +got):\n%s", when, d)
	}
}

// What webmention.io has kept arrives with its ids and dates, once, and public; what
// was decided here since stands when the same file comes again (READ-API 6).
func TestAnImportKeepsIdsDatesAndDecisions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		const page = "https://me.example/hello/"
		three := []site.Foreign{foreign(900, page, "Uno"), foreign(1500, page+"#c1", "Dos"), foreign(2000, "http://www.me.example/hello", "Tres")}
		w.want("a trial", w.take(true, three...), "new", "new", "new")
		if _, err := w.talk.Of(t.Context(), page); err != nil {
			t.Fatal(err)
		}
		w.want("a trial again, of the same twice", w.take(true, three[0], three[0]), "new", "known")
		w.want("the import", w.take(false, three...), "new", "new", "new")
		w.want("again", w.take(false, three...), "known", "known", "known")
		feed, err := w.talk.JF2(t.Context(), site.Query{Targets: []string{page}, Upwards: true})
		if err != nil || len(feed.Children) != 3 {
			t.Fatalf("got %+v, %v", feed, err)
		}
		for i, want := range []uint64{900, 1500, 2000} {
			if c := feed.Children[i]; c.WMID != want || c.WMReceived != "1996-05-01T10:00:00Z" || *c.Published != "1996-05-01T09:00:00+02:00" {
				t.Errorf("got %d %s %s, want %d and the dates", c.WMID, c.WMReceived, *c.Published, want)
			}
		}
		id := w.idOf(page, three[0].Source)
		if err := w.mentions.Delete(t.Context(), "me", id); err != nil {
			t.Fatal(err)
		}
		w.want("after it was deleted", w.take(false, three...), "known", "known", "known")
		w.wantState("after it was deleted", id, store.Deleted)
		pass(24 * time.Hour)
		if n := len(w.web.Requests("bea.example")); n != 0 {
			t.Errorf("the sources were asked %d times, want the review alone to do that", n)
		}
	})
}

// idOf is the id of the mention of a page by its source.
func (w *world) idOf(page, source string) (id string) {
	w.t.Helper()
	w.view(func(tx *store.Tx) error {
		folded, _ := w.site.Fold(parse(w.t, page))
		at, err := tx.PageAt(folded)
		if err != nil {
			return err
		}
		m, err := tx.MentionFrom(at.ID, source)
		id = m.ID
		return err
	})
	return id
}

// Who polls misses nothing: an id that is not newer than all that were public is given anew,
// and so is a date.
func TestAnImportGoesBehindNobodysBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		const page = "https://me.example/hello/"
		w.take(false, foreign(500, page, "Uno"))
		seen, err := w.talk.JF2(t.Context(), site.Query{Targets: []string{page}})
		if err != nil {
			t.Fatal(err)
		}
		last := seen.Children[0].WMID
		pass(time.Hour)
		waiting := foreign(600, page, "Espera")
		waiting.Waits = true
		older := foreign(400, page, "Antes")
		older.Published = ""
		far := foreign(1<<62, page, "Lejos")
		w.want("the second file", w.take(false, waiting, older, far, foreign(700, page, "Tarde")), "new", "new", "new", "new")
		news, err := w.talk.JF2(t.Context(), site.Query{Targets: []string{page}, SinceID: last, Upwards: true})
		if err != nil || len(news.Children) != 3 {
			t.Fatalf("since_id=%d: got %+v, %v, want three", last, news.Children, err)
		}
		if c := news.Children[0]; c.WMID != 501 || c.Published == nil || !strings.HasPrefix(*c.Published, "1996-05-01T10") {
			t.Errorf("got %+v, want a new id, and the old date still shown", c)
		}
		if c := news.Children[2]; c.WMID != 700 || c.WMReceived == "1996-05-01T10:00:00Z" {
			t.Errorf("got %+v, want its id, and a date after those of the others", c)
		}
		if m := w.mention(w.idOf(page, waiting.Source)); m.State != store.Pending || m.Number != 0 {
			t.Errorf("got %s %d, want pending without a number", m.State, m.Number)
		}
	})
}

// What cannot be taken in says why: pages that are not there, other sites, what is hostile.
func TestWhatAnImportLeavesOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		const page = "https://me.example/hello/"
		bad := foreign(1, page, "x")
		bad.Source = "javascript:alert(1)"
		spam := foreign(2, page, "x")
		spam.Skip = "spam"
		own := foreign(3, page, "x")
		own.Source = "https://me.example/-/comment/1"
		w.want("the import", w.take(false, foreign(4, "https://me.example/nowhere/", "x"), foreign(5, "https://other.example/", "x"), bad, spam, own, foreign(6, "::", "x")),
			"skipped there is no such page", "skipped its target is on another site", "skipped its source is no address",
			"skipped spam", "skipped it was made by this service", "skipped its target is no address")
		if _, err := w.db.Erase(t.Context(), w.site.Key, store.EraseOrder{What: []store.Erased{{Kind: store.ErasedHost, Value: "bea.example"}}}); err != nil {
			t.Fatal(err)
		}
		w.want("whoever was erased", w.take(false, foreign(7, page, "x")), "skipped it was erased here")
	})
}

// Where the pages are elsewhere the site is asked about those that nobody has mentioned
// yet; an outage is no answer (TRAPS T-WR21), and a redirect leads to the page.
func TestAnImportAsksTheSite(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		down := true
		w.web.Handle("me.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch {
			case down:
				rw.WriteHeader(http.StatusBadGateway)
			case r.URL.Path == "/old/":
				http.Redirect(rw, r, "/hello/", http.StatusMovedPermanently)
			default:
				w.serve(rw, r)
			}
		}))
		three := []site.Foreign{foreign(1, "https://me.example/hello/", "Uno"), foreign(2, "https://me.example/old/", "Dos"), foreign(3, "https://me.example/nowhere/", "Tres")}
		w.want("while it is down", w.take(false, three...), "skipped the site did not answer for the page", "skipped the site did not answer for the page", "skipped the site did not answer for the page")
		down = false
		w.want("a trial", w.take(true, three...), "new", "new", "skipped there is no such page")
		w.want("when it is up", w.take(false, three...), "new", "new", "skipped there is no such page")
		if got := w.texts("https://me.example/hello/"); len(got) != 2 {
			t.Errorf("got %q, want both on the page", got)
		}
	}, elsewhere)
}

// The review's first look at what was imported finds the same text in other markup, and asks
// the owner nothing; another text waits, and the old one stays.
func TestAnImportedTextThatIsTheSameIsNoNews(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		const page = "https://me.example/hello/"
		same, other, link := foreign(1, page, "Me gusta  mucho."), foreign(2, page, "Me gusta."), foreign(3, page, "Mira esto.")
		w.take(false, same, other, link)
		say := func(f site.Foreign, html string) {
			w.web.Handle("bea.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Content-Type", "text/html; charset=utf-8")
				fmt.Fprintf(rw, `<div class=h-entry><a class=u-in-reply-to href=%q></a><a class="p-author h-card" href="/">Bea</a><div class=e-content>%s</div></div>`, page, html)
			}))
			if err := w.mentions.Replay(t.Context(), w.idOf(page, f.Source)); err != nil {
				t.Fatal(err)
			}
			pass(time.Minute)
		}
		say(same, "<p>Me <b>gusta</b> mucho.</p>")
		say(other, "<p>Compra aquí.</p>")
		say(link, `<p><a href="https://spam.example/">Mira</a> esto.</p>`)
		for f, waits := range map[string]bool{same.Source: false, other.Source: true, link.Source: true} {
			m := w.mention(w.idOf(page, f))
			if m.State != store.Approved || (m.Held != nil) != waits || m.Shown.Imported == !waits {
				t.Errorf("%s: got %s, held %v, imported %v; want a text that waits: %v", f, m.State, m.Held != nil, m.Shown.Imported, waits)
			}
		}
	})
}

// Faces are asked for by a job, after the import; what a blocked person said stays out of sight.
func TestAnImportMindsPeople(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		const page = "https://me.example/hello/"
		if _, err := w.mentions.Decide(t.Context(), "me", "https://bea.example/", store.Blocked); err != nil {
			t.Fatal(err)
		}
		one := foreign(1, page, "Uno")
		hostile := foreign(2, page, "")
		hostile.Source, hostile.Author = "https://evil.example/1", mf2.Author{Name: "x\" onmouseover=\u202e\"y", URL: "javascript:alert(1)", Photo: "data:image/svg+xml,x"}
		hostile.URL, hostile.HTML = "https://bea.example/posing", `<p onclick=x>Hola<script>alert(1)</script><a href="javascript:x">y</a>`
		w.take(false, one, hostile)
		if m := w.mention(w.idOf(page, one.Source)); m.State != store.Rejected || m.Behind != store.Approved {
			t.Errorf("got %s behind %s, want it blocked", m.State, m.Behind)
		}
		v := w.mention(w.idOf(page, hostile.Source)).Shown
		if v.URL != hostile.Source || v.Author.URL != "" || v.Author.Photo != "" || strings.ContainsRune(v.Author.Name, '\u202e') ||
			strings.Contains(v.HTML, "script") || strings.Contains(v.HTML, "onclick") {
			t.Errorf("got %+v", v)
		}
	})
}

// The faces of those who were imported are fetched by jobs, a few at a time, after the import; what
// waits in the queue keeps them back.
func TestFacesOfTheImportedComeLater(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pictures := w.gallery("pictures.example")
		pictures.hang("/red.png", red)
		one := foreign(1, post, "Uno")
		one.Author.Photo = "https://pictures.example/red.png"
		w.take(false, one)
		pass(time.Minute)
		if got := w.faces(post); len(got) != 1 || got[0] == "" || pictures.visits() != 1 {
			t.Errorf("got %q after %d visits", got, pictures.visits())
		}
		w.take(false, one)
		pass(time.Hour)
		if pictures.visits() != 1 {
			t.Errorf("what is known was fetched %d times", pictures.visits())
		}
	})
}
