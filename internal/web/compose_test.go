package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"tertulia/indieauth"
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

// A draft is saved without what it still lacks, found again, and published with the date of then.
func TestComposerDrafts(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		saved := b.compose(with(b.blank("?type=article"), "content", "A medias", "do", "draft"))
		address, item := b.said(saved)
		if item.Get("post-status") != "draft" || !strings.HasPrefix(saved.header.Get("Location"), composerAt+"?done=draft") {
			t.Fatalf("saved: %v, %v", item, saved.header)
		}
		if a := b.get(address); a.status != 404 {
			t.Errorf("the draft is answered with %d", a.status)
		}
		time.Sleep(48 * time.Hour)
		if list := b.get(w.ana().Endpoint("admin/posts?state=draft")); !strings.Contains(list.body, "A medias") {
			t.Errorf("it is not found:\n%s", list.body)
		}
		form := b.blank(strings.TrimPrefix(saved.header.Get("Location"), composerAt))
		published := b.compose(with(form, "name", "Listo", "do", "publish"))
		b.said(published)
		now, err := w.ana().Posts.Source(w.Context(), micropub.Grant{}, address)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, now.Get("published"))
		if err != nil || time.Since(at) > time.Minute || now.Get("post-status") != "published" || now.Get("name") != "Listo" {
			t.Errorf("published: %v, %v", now, err)
		}
		settle()
		if a := b.get(address); a.status != 200 {
			t.Errorf("its page is answered with %d", a.status)
		}
		later := b.compose(with(b.blank("?type=note"), "content", "Más tarde", "published", time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04"), "zone", "+00:00", "do", "publish"))
		b.said(later)
		if list := b.get(w.ana().Endpoint("admin/posts?state=scheduled")); !strings.Contains(list.body, "Más tarde") {
			t.Errorf("it is not scheduled:\n%s", list.body)
		}
	})
}

// post keeps a post as another editor has sent it.
func (b *browser) kept(item mf2.Item) string {
	b.Helper()
	made, err := b.ana().Posts.Create(b.Context(), micropub.Grant{}, micropub.Create{Item: item, Digest: rawOf(item)})
	if err != nil {
		b.Fatal(err)
	}
	return made.URL
}

func rawOf(item mf2.Item) string {
	raw, _ := json.Marshal(item)
	return string(raw)
}

// An edit changes what was edited and nothing else: not what the form does not show, nor a byte
// of what nobody has touched; and one that changes nothing makes no revision.
func TestComposerChangesOnlyWhatWasEdited(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		all := map[string][]any{
			"name": {"Título"}, "content": {"uno\r\ndos\r\n\r\ntres\r\n"}, "category": {"a", "b"}, "published": {"2026-01-02T03:04:05-03:00"},
			"in-reply-to": {map[string]any{"type": []any{"h-cite"}, "properties": map[string]any{"url": []any{"https://bea.example/"}}}},
			"photo":       {map[string]any{"value": "https://ana.example/x.png", "alt": "x", "id": "7"}, "https://ana.example/y.png"},
			"mood":        {"contenta", map[string]any{"deep": []any{"er"}}}, "location": {map[string]any{"type": []any{"h-geo"}, "properties": map[string]any{"latitude": []any{"1"}}}},
		}
		address := b.kept(mf2.Item{Type: []string{"h-entry"}, Properties: all})
		before, err := w.ana().Posts.Post(w.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		edit := "?url=" + url.QueryEscape(address)
		form := b.blank(edit)
		if page := b.get(w.ana().Endpoint("admin/compose" + edit)); !strings.Contains(page.body, "in-reply-to, location y mood") {
			t.Errorf("what is kept is not named:\n%s", page.body)
		}
		crlf := strings.ReplaceAll(form.Get("content"), "\n", "\r\n")
		if a := b.compose(with(form, "content", crlf, "do", "save")); a.status != http.StatusSeeOther || !strings.Contains(a.header.Get("Location"), "done=same") {
			t.Fatalf("nothing edited: %d %v\n%s", a.status, a.header, a.body)
		}
		if after, _ := w.ana().Posts.Post(w.Context(), address); after.Revision != before.Revision {
			t.Errorf("nothing edited: revision %d, was %d", after.Revision, before.Revision)
		}

		want := mf2.Item{Properties: all}.Clone().Properties
		want["name"], want["category"] = []any{"Otro"}, []any{"a", "c"}
		form.Set("content", crlf)
		edited := with(form, "name", "Otro", "category", "a, c", "do", "save")
		if a := b.compose(edited); a.status != http.StatusSeeOther {
			t.Fatalf("edited: %d\n%s", a.status, a.body)
		}
		after, err := w.ana().Posts.Post(w.Context(), address)
		if diff := cmp.Diff(want, after.Item.Properties); diff != "" || err != nil {
			t.Errorf("edited (-want +got):\n%s%v", diff, err)
		}
		if a := b.compose(edited); a.status != http.StatusSeeOther || !strings.Contains(a.header.Get("Location"), "done=same") {
			t.Errorf("the same again: %d %v", a.status, a.header)
		}

		one := b.blank(edit)
		one["photo-drop"], one["photo-alt"] = []string{"https://ana.example/y.png"}, []string{"otra x", ""}
		text := strings.Replace(crlf, "dos", "DOS", 1)
		if a := b.compose(with(one, "content", text, "name", "", "do", "save", "no-alt", "1")); a.status != http.StatusSeeOther {
			t.Fatalf("edited: %d\n%s", a.status, a.body)
		}
		delete(want, "name")
		want["content"], want["photo"] = []any{"uno\r\nDOS\r\n\r\ntres\r\n"}, []any{map[string]any{"value": "https://ana.example/x.png", "alt": "otra x", "id": "7"}}
		after, _ = w.ana().Posts.Post(w.Context(), address)
		if diff := cmp.Diff(want, after.Item.Properties); diff != "" {
			t.Errorf("edited once more (-want +got):\n%s", diff)
		}

		part := url.Values{"form": form["form"], "post": {address}, "seen": b.blank(edit)["seen"], "category": {"z"}, "do": {"save"}}
		part["photo"], part["photo-alt"] = []string{"https://ana.example/x.png"}, []string{"otra x"}
		b.compose(part)
		want["category"] = []any{"z"}
		after, _ = w.ana().Posts.Post(w.Context(), address)
		if diff := cmp.Diff(want, after.Item.Properties); diff != "" {
			t.Errorf("a form with few fields (-want +got):\n%s", diff)
		}
	})
}

// A post that was changed since its form was opened is not written over: both are shown, and
// the owner decides.
func TestComposerOverwritesNothingUnseen(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		address := b.kept(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Primero"}, "category": {"a"}}})
		form := b.blank("?url=" + url.QueryEscape(address))
		if _, err := w.ana().Posts.Update(w.Context(), micropub.Grant{}, address, micropub.Update{Replace: map[string][]any{"content": {"De otro editor"}}}); err != nil {
			t.Fatal(err)
		}
		a := b.compose(with(form, "content", "Lo mío", "do", "save"))
		if a.status != http.StatusConflict || !strings.Contains(a.body, "De otro editor") || !strings.Contains(a.body, "Lo mío") {
			t.Fatalf("got %d\n%s", a.status, a.body)
		}
		if now, _ := w.ana().Posts.Source(w.Context(), micropub.Grant{}, address); now.Get("content") != "De otro editor" {
			t.Errorf("it says %q", now.Get("content"))
		}
		mine := with(formTo(t, a, composerAt), "content", "Lo mío", "do", "overwrite")
		if a := b.compose(mine); a.status != http.StatusSeeOther {
			t.Fatalf("overwrite: %d\n%s", a.status, a.body)
		}
		if now, _ := w.ana().Posts.Source(w.Context(), micropub.Grant{}, address); now.Get("content") != "Lo mío" || now.Get("category") != "a" {
			t.Errorf("it says %v", now)
		}
	})
}

// No other site posts, uploads or deletes in the owner's name, and nobody who is not the owner.
func TestComposerIsForItsOwnerAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		post := b.kept(mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Mío"}}})
		form := with(b.blank("?type=note"), "content", "Robado", "do", "publish")
		photo := []file{{"file-photo", "a.png", "image/png", w.drawn(1)}}
		shared := url.Values{"text": {"hola"}}
		for name, try := range map[string]func() answer{
			"cross-site": func() answer {
				return b.multipart(w.ana().Endpoint("admin/compose"), form, photo, "Sec-Fetch-Site", "cross-site")
			},
			"another origin": func() answer {
				return b.multipart(w.ana().Endpoint("admin/compose"), form, photo, "Origin", "https://evil.example")
			},
			"without its field": func() answer { return b.compose(with(form, "form", ""), photo...) },
			"another's field":   func() answer { return b.compose(with(form, "form", w.owner().blank("")["form"][0]), photo...) },
			"not signed in":     func() answer { return w.visitor().compose(form, photo...) },
			"share, cross-site": func() answer {
				return b.multipart(w.ana().Endpoint("admin/share"), shared, photo, "Sec-Fetch-Site", "cross-site")
			},
			"share, who is old": func() answer {
				return b.multipart(w.ana().Endpoint("admin/share"), shared, []file{{"file", "a.png", "image/png", w.drawn(1)}})
			},
			"delete, no field": func() answer {
				return b.post(w.ana().Endpoint("admin/post"), url.Values{"do": {"delete"}, "url": {post}})
			},
			"delete, cross-site": func() answer {
				return b.post(w.ana().Endpoint("admin/post"), url.Values{"do": {"delete"}, "url": {post}, "form": form["form"]}, "Sec-Fetch-Site", "cross-site")
			},
			"delete by GET": func() answer {
				return b.get(w.ana().Endpoint("admin/post?do=delete&form=" + form.Get("form") + "&url=" + url.QueryEscape("https://ana.example/none")))
			},
			"no such form at all": func() answer {
				return b.do("POST", w.ana().Endpoint("admin/compose"), "--x", "Content-Type", "multipart/form-data; boundary=x")
			},
		} {
			if a := try(); a.status != 403 && a.status != 404 && a.status != 400 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		media, err := (w.ana().Micropub.Backend.(micropub.MediaLister)).ListMedia(context.Background(), micropub.Grant{}, 0, 0)
		if all, bad := w.ana().Posts.All(w.Context(), 10); len(media) != 0 || len(all) != 1 || !all[0].Deleted.IsZero() || err != nil || bad != nil {
			t.Errorf("there are %d uploads and %d posts, %v, %v", len(media), len(all), err, bad)
		}
		for _, page := range []string{"admin/posts", "admin/post?url=" + post, "admin/compose", "admin/share?text=x"} {
			if a := w.visitor().get(w.ana().Endpoint(page)); a.status != 401 {
				t.Errorf("%s for a visitor: %d", page, a.status)
			}
		}
	})
}

// What another app shares fills in the form, files become uploads, and nothing is posted.
func TestSharingFillsInTheComposer(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		at := w.ana().Endpoint("admin/share")
		for _, c := range []struct {
			name, title, text, url string
			files                  []file
			want                   map[string]string
		}{
			{"an address", "Bea", "Lee esto", "https://bea.example/1", nil, map[string]string{"type": "bookmark", "target": "https://bea.example/1", "name": "Bea", "content": "Lee esto"}},
			{"an address in the text", "", "Lee esto https://bea.example/1", "", nil, map[string]string{"type": "bookmark", "target": "https://bea.example/1", "content": "Lee esto"}},
			{"words", "Título", "Unas palabras", "", nil, map[string]string{"type": "note", "content": "Título\nUnas palabras"}},
			{"no address at all", "", "x", "javascript:alert(1)", nil, map[string]string{"type": "note", "content": "x javascript:alert(1)", "target": ""}},
			{"a picture", "", "Mira", "", []file{{"file", "a.png", "image/png", w.drawn(1)}}, map[string]string{"type": "photo", "content": "Mira"}},
		} {
			a := b.multipart(at, url.Values{"title": {c.title}, "text": {c.text}, "url": {c.url}}, c.files, "Sec-Fetch-Site", "none")
			if a.status != 200 {
				t.Errorf("%s: %d %s", c.name, a.status, a.body)
				continue
			}
			form := formTo(t, a, composerAt)
			for _, area := range find(a.doc(t), "textarea") {
				form.Set(attr(area, "name"), whole(area))
			}
			for name, want := range c.want {
				if form.Get(name) != want {
					t.Errorf("%s: %s is %q, want %q", c.name, name, form.Get(name), want)
				}
			}
			if len(form["photo"]) != len(c.files) {
				t.Errorf("%s: photos %v", c.name, form["photo"])
			}
		}
		v := w.visitor()
		a := v.multipart(at, url.Values{"title": {"Bea"}, "text": {strings.Repeat("ñ", 5000)}, "url": {"https://bea.example/1"}, "form": {indieauth.Hash("form ")}}, []file{{"file", "a.png", "image/png", w.drawn(2)}}, "Sec-Fetch-Site", "none")
		to := a.header.Get("Location")
		if a.status != http.StatusSeeOther || len(to) > 2900 {
			t.Fatalf("for a visitor: %d, %d bytes: %s", a.status, len(to), to)
		}
		if a := v.get("https://ana.example" + to); a.status != http.StatusUnauthorized {
			t.Errorf("for a visitor, then: %d", a.status)
		}
		if a := b.get("https://ana.example" + to); formTo(t, a, composerAt).Get("target") != "https://bea.example/1" {
			t.Errorf("once signed in: %d\n%s", a.status, a.body)
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

// FuzzUneditedPostsStayAsTheyAre opens posts of any shape in the composer's form, and saves them
// as a browser would that nobody has touched.
func FuzzUneditedPostsStayAsTheyAre(f *testing.F) {
	for _, seed := range []string{
		`{"name":["x"],"content":["a\r\nb\rc\nd"],"category":["a","b"]}`,
		`{"content":[{"html":"<p>x</p>\r\n"}],"published":["2026-11-21T18:05:09+01:00"]}`,
		`{"photo":["https://a.example/1",{"value":"https://a.example/2","alt":"a\nb","x":1}],"category":["a, b"]}`,
		`{"published":["21 November"],"visibility":["Private "],"name":[" x\u0000 "]}`,
		`{"in-reply-to":["https://a.example/ "],"rsvp":["YES"],"start":["2026-11-21"],"end":["2026-11-21T10:00"]}`,
		`{"content":["\n\nx"],"name":["a","b"],"location":[{"type":["h-card"]}],"video":["x","x"],"url":[" "]}`,
		`{"like-of":["https://a.example/"],"bookmark-of":["https://b.example/"],"content":[7]}`,
		`{"start":["0000-01-01T00:00:00Z"],"published":["9999-12-31T23:59:59-12:00"],"category":["","#x","#"]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, properties string) {
		item := mf2.Item{Type: []string{"h-entry"}}
		dec := json.NewDecoder(strings.NewReader(properties))
		dec.UseNumber()
		if dec.Decode(&item.Properties) != nil {
			t.Skip()
		}
		for _, values := range item.Properties {
			if len(values) == 0 {
				t.Skip() // the store has none of these
			}
		}
		if update, shown := web.Unedited(item); update != nil {
			t.Errorf("%s: nobody has touched %v, and it becomes %v", properties, shown, update)
		}
	})
}
