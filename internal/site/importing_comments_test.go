package site_test

import (
	"slices"
	"strings"
	"testing"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// comment is one as Disqus has kept it.
func comment(name, answers, target, text string) site.Foreign {
	return site.Foreign{
		Comment: name, Answers: answers, Target: target, Type: "reply", HTML: "<p>" + text + "</p>",
		Published: "1996-05-01T09:00:00Z", Received: "1996-05-01T09:00:00Z", Author: mf2.Author{Name: "Ana"},
	}
}

// A comment from elsewhere has its permalink here, and its thread in whatever order they come;
// it comes once, and nobody is asked about it. Who has typed an address is nobody for that.
func TestImportedCommentsHaveTheirThread(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		const page = "https://me.example/hello/"
		posing := comment("3", "2", page, `tercera <a href="../x">x</a>`)
		posing.Author = mf2.Author{URL: "https://me.example/"}
		waits := comment("4", "", page, "espera")
		waits.Waits = true
		four := []site.Foreign{posing, comment("2", "1", page, "segunda"), comment("1", "", page, "primera"), waits}
		w.want("a trial", w.take(true, append(four, four...)...), "new", "new", "new", "new", "known", "known", "known", "known")
		w.want("the import", w.take(false, four...), "new", "new", "new", "new")
		w.want("again", w.take(false, four...), "known", "known", "known", "known")
		p, err := w.talk.Of(t.Context(), page)
		if err != nil || len(p.Responses) != 3 {
			t.Fatalf("got %+v, %v", p, err)
		}
		by := map[string]site.Response{}
		for _, r := range p.Responses {
			by[r.Text] = r
			if r.Source != "https://me.example/-/comment/"+r.ID || r.URL != r.Source || r.Published.Year() != 1996 {
				t.Errorf("got %+v, want its permalink here, and its date", r)
			}
		}
		if by["segunda"].Parent != by["primera"].ID || by["tercera x"].Parent != by["segunda"].ID {
			t.Errorf("the thread is %+v", by)
		}
		if html := by["tercera x"].HTML; !strings.Contains(html, `href="https://me.example/x"`) {
			t.Errorf("a link in it leads elsewhere: %s", html)
		}
		if m := w.mention(by["tercera x"].ID); m.Shown.Person != "" || m.Shown.Author.Name != "" {
			t.Errorf("got %+v, want nobody who is known", m.Shown)
		}
		w.file("otro/index.html") // of another blog, whose comments had numbers of their own
		w.want("another blog's", w.take(false, comment("1", "", "https://me.example/otro/", "del otro")), "new")
		other := w.importer(false)
		other.From = "isso"
		if done, err := other.Take(t.Context(), []site.Foreign{comment("1", "", page, "otra")}); err != nil || done[0].Done != site.DoneNew {
			t.Errorf("another system's: %+v, %v", done, err)
		}
	})
}

// What WordPress has received as Webmentions are its comments, and part of their threads.
func TestImportedWebmentionsHaveTheirThread(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		const page = "https://me.example/hello/"
		bea, thanks := foreign(0, page, "Hola"), comment("2", "1", page, "gracias")
		bea.Comment = "1"
		cleo := foreign(1, page, "de nada")
		cleo.Comment, cleo.Answers = "3", "2"
		w.want("the import", w.take(false, cleo, thanks, bea), "new", "new", "new")
		w.want("again", w.take(false, bea, thanks, cleo), "known", "known", "known")
		p, err := w.talk.Of(t.Context(), page)
		if err != nil || len(p.Responses) != 3 {
			t.Fatalf("got %+v, %v", p, err)
		}
		by := map[string]site.Response{}
		for _, r := range p.Responses {
			by[r.Text] = r
		}
		if by["gracias"].Parent != by["Hola"].ID || by["de nada"].Parent != by["gracias"].ID || by["Hola"].Source != bea.Source {
			t.Errorf("the thread is %+v", by)
		}
		if m := w.mention(by["Hola"].ID); m.Kind != store.Webmention {
			t.Errorf("it is a %v", m.Kind)
		}
	})
}

// Plain text keeps its paragraphs, and goes out again as it came.
func TestImportedTextKeepsItsParagraphs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		const page, long = "https://me.example/hello/", site.MaxCommentText + 1
		isso := comment("1", "", page, "")
		isso.HTML, isso.Text = "", "\r\nHola **tú**\r\n\r\n<b>Segundo</b> \u202eotro\x00\n\n\n\nTercero "
		w.want("the import", w.take(false, isso, foreign(7, page, "Uno\n\nDos"), foreign(8, page, strings.Repeat("a", long))), "new", "new", "new")
		p, err := w.talk.Of(t.Context(), page)
		if err != nil || len(p.Responses) != 3 {
			t.Fatalf("got %+v, %v", p, err)
		}
		var texts []string
		for _, r := range p.Responses {
			texts = append(texts, r.Text)
			if len(r.Text) < long && strings.Count(r.HTML, "<p>") < 2 {
				t.Errorf("readers see %s", r.HTML)
			}
		}
		for _, want := range []string{"Hola **tú**\n\n<b>Segundo</b> otro\n\nTercero", "Uno\n\nDos", strings.Repeat("a", long)} {
			if !slices.Contains(texts, want) {
				t.Errorf("got %q, want %q", texts, want)
			}
		}
	})
}

// A comment that was written here comes back with its own address, thread included.
func TestCommentsComeBackFromAnExport(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("hello/index.html")
		const page = "https://me.example/hello/"
		back := foreign(7, page+"#tertulia-00000000000000000000000001", "Vuelve")
		back.Source = "https://me.example/-/comment/00000000000000000000000002"
		back.URL = back.Source
		w.want("the import", w.take(false, back, back), "new", "known")
		m := w.mention("00000000000000000000000002")
		if m.Kind != store.Comment || m.Source != back.Source || m.Number != 7 || m.Shown.URL != back.Source {
			t.Errorf("got %+v", m)
		}
	})
}
