package web_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/mf2"
	"tertulia/micropub"
)

const composerAt = "/-/admin/compose"

// file is what a form brings besides its fields.
type file struct{ field, name, kind, body string }

// compose sends the composer's form as a browser does, the hidden fields first.
func (b *browser) compose(form url.Values, files ...file) answer {
	b.Helper()
	return b.multipart(b.ana().Endpoint("admin/compose"), form, files)
}

func (b *browser) multipart(address string, form url.Values, files []file, header ...string) answer {
	b.Helper()
	var body bytes.Buffer
	mw := multipart.NewWriter(&body)
	write := func(name string) {
		for _, v := range form[name] {
			if err := mw.WriteField(name, v); err != nil {
				b.Fatal(err)
			}
		}
	}
	write("form")
	for name := range form {
		if name != "form" {
			write(name)
		}
	}
	for _, f := range files {
		part, err := mw.CreatePart(map[string][]string{"Content-Disposition": {multipart.FileContentDisposition(f.field, f.name)}, "Content-Type": {f.kind}})
		if err == nil {
			_, err = part.Write([]byte(f.body))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := mw.Close(); err != nil {
		b.Fatal(err)
	}
	return b.do("POST", address, body.String(), append([]string{"Content-Type", mw.FormDataContentType()}, header...)...)
}

// blank is the composer's form, as it stands at an address below the base.
func (b *browser) blank(query string) url.Values {
	b.Helper()
	a := b.get(b.ana().Endpoint("admin/compose" + query))
	if a.status != 200 {
		b.Fatalf("composer%s: %d %s", query, a.status, a.body)
	}
	form := formTo(b.T, a, composerAt)
	for _, area := range find(a.doc(b.T), "textarea") {
		form.Set(attr(area, "name"), whole(area))
	}
	for name := range form {
		if strings.HasPrefix(name, "file-") {
			delete(form, name)
		}
	}
	return form
}

// whole is the text of an element as it stands.
func whole(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}

// with is a form with some fields filled in.
func with(form url.Values, pairs ...string) url.Values {
	filled := url.Values{}
	for name, values := range form {
		filled[name] = values
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		filled.Set(pairs[i], pairs[i+1])
	}
	return filled
}

// drawn is a small picture, another for each number.
func (w *world) drawn(n int) string {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8+n, 8))); err != nil {
		w.Fatal(err)
	}
	return b.String()
}

// said is what a post says, by the address to which the composer led.
func (b *browser) said(a answer) (string, mf2.Item) {
	b.Helper()
	if a.status != http.StatusSeeOther {
		b.Fatalf("got %d:\n%s", a.status, a.body)
	}
	address := parse(b.T, a.header.Get("Location")).Query().Get("url")
	item, err := b.ana().Posts.Source(b.Context(), micropub.Grant{}, address)
	if err != nil {
		b.Fatal(err)
	}
	delete(item.Properties, "published")
	return address, item
}

// Each type of post is made by the form alone, as its fields say.
func TestComposerMakesEveryTypeOfPost(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		for _, c := range []struct {
			typ  string
			form []string
			want map[string][]any
		}{
			{"note", []string{"content", "Hola\r\nmundo"}, map[string][]any{"content": {"Hola\nmundo"}}},
			{"note", []string{"content", "Con etiquetas", "category", "uno, #dos,, uno", "target", "https://not.shown/", "name", "not shown"}, map[string][]any{"content": {"Con etiquetas"}, "category": {"uno", "dos"}}},
			{"article", []string{"name", "Título", "content", "Mucho <b>más</b>", "summary", "Breve"}, map[string][]any{"name": {"Título"}, "content": {"Mucho <b>más</b>"}, "summary": {"Breve"}}},
			{"reply", []string{"target", " https://bea.example/1 ", "content", "Sí"}, map[string][]any{"in-reply-to": {"https://bea.example/1"}, "content": {"Sí"}}},
			{"like", []string{"target", "https://bea.example/1"}, map[string][]any{"like-of": {"https://bea.example/1"}}},
			{"repost", []string{"target", "https://bea.example/1"}, map[string][]any{"repost-of": {"https://bea.example/1"}}},
			{"bookmark", []string{"target", "https://bea.example/1", "name", "Bea"}, map[string][]any{"bookmark-of": {"https://bea.example/1"}, "name": {"Bea"}}},
			{"rsvp", []string{"target", "https://bea.example/fiesta", "rsvp", "maybe"}, map[string][]any{"in-reply-to": {"https://bea.example/fiesta"}, "rsvp": {"maybe"}}},
			{"event", []string{"name", "Fiesta", "start", "2026-12-31T22:00", "end", "2027-01-01T04:00", "zone", "-03:00", "location", "En casa"},
				map[string][]any{"name": {"Fiesta"}, "start": {"2026-12-31T22:00:00-03:00"}, "end": {"2027-01-01T04:00:00-03:00"}, "location": {"En casa"}}},
			{"note", []string{"content", "Casi nadie", "visibility", "unlisted"}, map[string][]any{"content": {"Casi nadie"}, "visibility": {"unlisted"}}},
		} {
			a := b.compose(with(b.blank("?type="+c.typ), append(c.form, "do", "publish")...))
			address, item := b.said(a)
			if diff := cmp.Diff(c.want, item.Properties); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", c.typ, address, diff)
			}
			if want := "h-" + map[bool]string{true: "event", false: "entry"}[c.typ == "event"]; !item.Is(want) {
				t.Errorf("%s: it is %v", c.typ, item.Type)
			}
			if page := b.get("https://ana.example" + a.header.Get("Location")); page.status != 200 || !strings.Contains(page.body, "Está en camino") {
				t.Errorf("%s leads to %d\n%s", c.typ, page.status, page.body)
			}
		}
	})
}

// What the composer asks of the endpoint, another editor can ask from outside with a token, and
// makes the same of it: there is no way around the protocol.
func TestComposerIsAPlainMicropubClient(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		form := with(b.blank("?type=reply"), "target", "https://bea.example/1", "content", "Una respuesta", "category", "uno", "slug", "hola", "do", "publish")
		_, ours := b.said(b.compose(form))
		request, err := json.Marshal(web.Composed(form, "reply", []string{"in-reply-to", "content", "category"}, nil))
		if err != nil {
			t.Fatal(err)
		}
		token, err := w.ana().Access.NewToken(w.Context(), "editor", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		outside := w.visitor().do("POST", w.ana().Endpoint("micropub"), string(request), "Authorization", "Bearer "+token, "Content-Type", "application/json")
		if outside.status/100 != 2 || !strings.HasSuffix(outside.header.Get("Location"), "/hola-2/") {
			t.Fatalf("from outside: %d %v %s", outside.status, outside.header, outside.body)
		}
		theirs, err := w.ana().Posts.Source(w.Context(), micropub.Grant{}, outside.header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		delete(theirs.Properties, "published")
		if diff := cmp.Diff(ours, theirs); diff != "" {
			t.Errorf("the composer's and another editor's differ (-ours +theirs):\n%s", diff)
		}
	})
}

// Files are uploads before the post is made: they are in it with their descriptions, and of what
// is refused nothing that was typed is lost, files included.
func TestComposerUploadsFilesFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		one, two := file{"file-photo", "a.png", "image/png", w.drawn(1)}, file{"file-photo", "b.png", "image/png", w.drawn(2)}
		form := with(b.blank("?type=photo"), "content", "Mira", "do", "publish")
		form["new-alt"] = []string{"Una pared gris", ""}
		a := b.compose(form, one, two)
		if a.status != 400 || !strings.Contains(a.body, "di qué se ve") || !strings.Contains(a.body, "Una pared gris") || !strings.Contains(a.body, "Mira") {
			t.Fatalf("without a description: %d\n%s", a.status, a.body)
		}
		again := formTo(t, a, composerAt)
		if len(again["photo"]) != 2 {
			t.Fatalf("the files are not kept: %v", again)
		}
		again["photo-alt"] = []string{"Una pared gris", "Otra"}
		again.Set("content", "Mira")
		_, item := b.said(b.compose(with(again, "do", "publish")))
		want := []any{map[string]any{"value": again["photo"][0], "alt": "Una pared gris"}, map[string]any{"value": again["photo"][1], "alt": "Otra"}}
		if diff := cmp.Diff(want, item.Properties["photo"]); diff != "" {
			t.Errorf("photos (-want +got):\n%s", diff)
		}

		refused := b.compose(with(b.blank("?type=photo"), "content", "No se pierde", "do", "publish", "new-alt", "x"), one, file{"file-photo", "c.png", "image/png", "#!/bin/sh"})
		if kept := formTo(t, refused, composerAt); refused.status != 415 || len(kept["photo"]) != 1 || !strings.Contains(refused.body, "No se pierde") || !strings.Contains(refused.body, "Este tipo de archivo") {
			t.Errorf("a file that is refused: %d, kept %v\n%s", refused.status, kept, refused.body)
		}

		plain := with(b.blank("?type=photo"), "no-alt", "1", "do", "upload")
		up := formTo(t, b.compose(plain, one), composerAt)
		up["photo-drop"] = up["photo"]
		if left := formTo(t, b.compose(with(up, "do", "upload"), two), composerAt); len(left["photo"]) != 1 || left["photo"][0] == up["photo"][0] {
			t.Errorf("a file is taken away: %v", left["photo"])
		}
	})
}

// A form that is sent twice, one after the other or at the same time, files included, makes one
// post. Who comes back to it and writes something else makes another.
func TestComposerMakesOnePostOfAFormThatComesTwice(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		form := with(b.blank("?type=photo"), "content", "Una vez", "no-alt", "1", "do", "publish")
		var mu sync.Mutex
		var wait sync.WaitGroup
		made := map[string]bool{}
		for range 5 {
			wait.Go(func() {
				a := b.compose(form, file{"file-photo", "a.png", "image/png", w.drawn(3)})
				mu.Lock()
				defer mu.Unlock()
				made[a.header.Get("Location")] = a.status == http.StatusSeeOther
			})
		}
		wait.Wait()
		if len(made) != 1 {
			t.Errorf("it led to %v", made)
		}
		if all, err := w.ana().Posts.All(w.Context(), 10); err != nil || len(all) != 1 {
			t.Errorf("there are %d posts, %v", len(all), err)
		}
		if a := b.compose(with(form, "content", "Otra cosa"), file{"file-photo", "a.png", "image/png", w.drawn(3)}); made[a.header.Get("Location")] || a.status != http.StatusSeeOther {
			t.Errorf("something else: %d, %v", a.status, a.header)
		}
	})
}

// What is wrong is said where it is, in the reader's words, and nothing is published.
func TestComposerSaysWhatIsMissing(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		for _, c := range []struct {
			typ  string
			form []string
			says string
		}{
			{"note", nil, "esto es necesario"},
			{"reply", []string{"content", "x", "target", "javascript:alert(1)"}, "tiene que ser una dirección"},
			{"event", []string{"name", "x", "start", "mañana"}, "tiene que ser una fecha"},
			{"note", []string{"content", "x", "published", "2026-12-01T10:00", "zone", "../../etc/passwd"}, "no se conoce esta zona"},
			{"note", []string{"content", "x", "visibility", "protected"}, "solo a esas personas"},
			{"rsvp", []string{"target", "https://bea.example/"}, "esto es necesario"},
		} {
			a := b.compose(with(b.blank("?type="+c.typ), append(c.form, "do", "publish")...))
			if a.status != 400 || !strings.Contains(a.body, c.says) {
				t.Errorf("%s %q: %d, want %q:\n%s", c.typ, c.form, a.status, c.says, a.body)
			}
		}
		if all, err := w.ana().Posts.All(w.Context(), 10); err != nil || len(all) != 0 {
			t.Errorf("there are %d posts, %v", len(all), err)
		}
	})
}

// The preview is the page as it will be, in a frame where nothing runs, and nothing is kept.
func TestComposerShowsWhatAPostWillBe(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		a := b.compose(with(b.blank("?type=article"), "name", "Una vista", "content", "<p>Hola <script>alert(1)</script></p>", "do", "preview"))
		frames := find(a.doc(t), "iframe")
		if a.status != 200 || len(frames) != 1 || !hasAttr(frames[0], "sandbox") || attr(frames[0], "sandbox") != "" {
			t.Fatalf("got %d\n%s", a.status, a.body)
		}
		if page := attr(frames[0], "srcdoc"); !strings.Contains(page, "Una vista") || !strings.Contains(page, "Hola") || strings.Contains(page, "alert(1)") {
			t.Errorf("the page is\n%s", page)
		}
		if form := formTo(t, a, composerAt); form.Get("name") != "Una vista" {
			t.Errorf("the form has %v", form)
		}
		if all, err := w.ana().Posts.All(w.Context(), 10); err != nil || len(all) != 0 {
			t.Errorf("there are %d posts, %v", len(all), err)
		}
		post := b.kept(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Antes"}, "category": {"queda"}}})
		a = b.compose(with(b.blank("?url="+url.QueryEscape(post)), "content", "Después", "do", "preview"))
		if page := attr(find(a.doc(t), "iframe")[0], "srcdoc"); !strings.Contains(page, "Después") || !strings.Contains(page, "queda") || strings.Contains(page, "Antes") {
			t.Errorf("the page of an edit is\n%s", page)
		}
	})
}

// The manifest names what there is: icons that are served, pages that answer.
func TestManifestLeadsSomewhere(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		var m struct {
			StartURL string `json:"start_url"`
			Icons    []struct{ Src, Type string }
			Share    struct {
				Action string
			} `json:"share_target"`
		}
		a := b.get(w.ana().Endpoint("manifest.webmanifest"))
		if err := json.Unmarshal([]byte(a.body), &m); err != nil || a.header.Get("Content-Type") != "application/manifest+json" {
			t.Fatalf("%v, %v", err, a.header)
		}
		for _, icon := range m.Icons {
			if got := b.get("https://ana.example" + icon.Src); got.status != 200 || got.header.Get("Content-Type") != icon.Type {
				t.Errorf("%s: %d %v", icon.Src, got.status, got.header)
			}
		}
		for _, page := range []string{m.StartURL, m.Share.Action} {
			if got := b.get("https://ana.example" + page); got.status != 200 || !strings.Contains(got.body, `rel="manifest"`) {
				t.Errorf("%s: %d", page, got.status)
			}
		}
		if got := w.visitor().get(w.ana().Endpoint("signin")); strings.Contains(got.body, "manifest") {
			t.Error("a visitor is offered to install it")
		}
	})
}

// Where copies go is what the form shows: ticked as the settings say until somebody chooses, nowhere when
// nothing is ticked, and chosen anew until readers have seen the post.
func TestComposerSaysWhereCopiesGo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ana().Site.Accounts = []*site.Account{
			{UID: "net", Name: "Net", Kind: "net", Default: []string{"note"}, Way: site.WaySecret}, {UID: "x", Name: "X", Kind: "x", ByHand: true},
		}
		b := w.owner()
		ticked := func(query string) (uids []string) {
			t.Helper()
			return b.blank(query)["syndicate"]
		}
		if got := ticked("?type=note"); !slices.Equal(got, []string{"net"}) {
			t.Errorf("a note: %v is ticked", got)
		}
		if got := ticked("?type=article"); got != nil {
			t.Errorf("an article: %v is ticked", got)
		}
		goes := func(what string, a answer, want ...string) string {
			t.Helper()
			at, _ := b.said(a)
			about, err := b.ana().Posts.About(t.Context(), at)
			if err != nil || !slices.Equal(about.Chosen, want) {
				t.Errorf("%s: it goes to %v, want %v; %v", what, about.Chosen, want, err)
			}
			return at
		}
		note := func(pairs ...string) url.Values {
			return with(b.blank("?type=note"), append([]string{"content", "Hola " + strings.Join(pairs, " "), "do", "publish"}, pairs...)...)
		}
		goes("as it is", b.compose(note()), "net")
		form := note("summary", "2")
		form["syndicate"] = nil
		goes("nothing is ticked", b.compose(form))
		form = note("summary", "3")
		form["syndicate"] = []string{"x"}
		goes("another is", b.compose(form), "x")
		goes("for those who know", b.compose(note("visibility", "unlisted")))
		goes("dated back", b.compose(note("published", "1998-01-01T00:00")))
		form = note("visibility", "unlisted")
		form["syndicate"] = []string{"net", "x"}
		goes("for those who know, chosen", b.compose(form), "net", "x")

		at := goes("a draft", b.compose(with(note(), "content", "Draft", "do", "draft")), "net")
		query := "?url=" + url.QueryEscape(at)
		if got := ticked(query); !slices.Equal(got, []string{"net"}) {
			t.Errorf("the draft: %v is ticked", got)
		}
		form = with(b.blank(query), "do", "publish")
		form["syndicate"] = nil
		goes("the draft, unticked", b.compose(form))
		form = b.blank(query)
		form["do"], form["syndicate"] = []string{"save"}, []string{"x"}
		goes("later one more", b.compose(form), "x")
		page := b.get(b.ana().Endpoint("admin/compose" + query))
		if !strings.Contains(page.body, `value="x" checked disabled`) || strings.Contains(page.body, `value="net" checked`) {
			t.Errorf("where it goes already is not shown:\n%s", page.body)
		}
	})
}
