package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tertulia/indieauth"
	"tertulia/mf2"
	"tertulia/micropub"
)

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
