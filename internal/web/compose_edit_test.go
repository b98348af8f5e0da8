package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/web"
	"tertulia/mf2"
	"tertulia/micropub"
)

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
		if a := b.compose(with(form, "do", "publish")); a.status != 400 || !strings.Contains(a.body, "esto es necesario") {
			t.Errorf("an article without a title: %d\n%s", a.status, a.body)
		}
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

// kept keeps a post as another editor has sent it.
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

// FuzzUneditedPostsStayAsTheyAre opens posts of any shape in the composer's form, and saves them
// as a browser would that nobody has touched.
func FuzzUneditedPostsStayAsTheyAre(f *testing.F) {
	for _, seed := range []string{
		`{"name":["x"],"content":["a\r\nb\rc\nd"],"category":["a","b"]}`,
		`{"content":[{"html":"<p>x</p>\r\n"}],"published":["2026-11-21T18:05:09+01:00"]}`,
		`{"photo":["https://a.example/1",{"value":"https://a.example/2","alt":"a\nb","x":1}],"category":["a, b"]}`,
		`{"published":["21 November"],"visibility":["Private "],"name":[" x\u0000 "]}`,
		`{"visibility":["\u00000"]}`,
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
