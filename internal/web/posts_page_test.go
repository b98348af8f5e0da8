package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"tertulia/internal/publish"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// listed are the titles of the posts that a page of the list shows.
func (b *browser) listed(query string) (titles []string) {
	b.Helper()
	a := b.get(b.ana().Endpoint("admin/posts" + query))
	if a.status != 200 || len(a.body) > 50<<10 {
		b.Fatalf("%s: %d, %d bytes", query, a.status, len(a.body))
	}
	for _, h := range find(a.doc(b.T), "h2") {
		titles = append(titles, text(h))
	}
	return titles
}

func note(content string, more ...any) mf2.Item {
	item := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {content}}}
	for i := 0; i+1 < len(more); i += 2 {
		item.Properties[more[i].(string)] = []any{more[i+1]}
	}
	return item
}

// The list shows every post with its state, the newest first, and finds them by their state and
// by words, whatever their case and accents.
func TestPostsAreListedByStateAndWords(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		b.kept(note("Educación y café", "published", "1999-12-01T10:00:00Z"))
		b.kept(note("El borrador", "post-status", "draft", "published", "1999-12-02T10:00:00Z"))
		b.kept(note("Programada", "published", "2030-01-01T10:00:00Z"))
		b.kept(note("Querido diario", "visibility", "private", "published", "1999-12-03T10:00:00Z"))
		gone := b.kept(note("Borrada", "published", "1999-12-04T10:00:00Z"))
		b.kept(note("<b>\u202eevil</b>", "published", "1999-12-05T10:00:00Z"))
		settle()
		if err := w.ana().Posts.Delete(w.Context(), micropub.Grant{}, gone); err != nil {
			t.Fatal(err)
		}
		settle()
		for query, want := range map[string][]string{
			"":                               {"Programada", "<b>\u202eevil</b>", "Borrada", "Querido diario", "El borrador", "Educación y café"},
			"?state=draft":                   {"El borrador"},
			"?state=scheduled":               {"Programada"},
			"?state=private":                 {"Querido diario"},
			"?state=deleted":                 {"Borrada"},
			"?state=announced":               {"<b>\u202eevil</b>", "Educación y café"},
			"?state=parked":                  nil,
			"?state=nonsense&q=programa":     {"Programada"},
			"?q=EDUCACION+CAFÉ":              {"Educación y café"},
			"?q=educacion+te":                nil,
			"?q=borra":                       {"Borrada", "El borrador"},
			"?state=deleted&q=borra":         {"Borrada"},
			"?q=" + strings.Repeat("x", 9e3): nil,
		} {
			if diff := cmp.Diff(want, b.listed(query)); diff != "" {
				t.Errorf("%.40s (-want +got):\n%s", query, diff)
			}
		}
	})
}

// Of a thousand posts a page shows fifty, and each leads to the next; one that looks for a few
// says how far it has looked, and goes on from there.
func TestPostsArePaged(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		start := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
		err := w.db.Update(w.Context(), w.ana().Key, func(tx *store.Tx) error {
			for i := range 1000 {
				p := store.Post{Permalink: fmt.Sprintf("https://ana.example/%d/", i), Item: note(fmt.Sprintf("Nota %d", i)), Kind: "note", Date: start.Add(time.Duration(i) * time.Hour), Revision: 1, Announced: 1, Promised: true}
				if err := tx.PutPost(p); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		more := regexp.MustCompile(`<a href="([^"]+)" rel="next">`)
		for query, want := range map[string]struct{ pages, posts int }{"": {20, 1000}, "?state=announced": {20, 1000}, "?q=nota+7": {0, 271}, "?q=nada": {0, 0}, "?state=draft": {1, 0}} {
			pages, seen := 0, map[string]bool{}
			for at := query; ; {
				for _, title := range b.listed(at) {
					if seen[title] {
						t.Fatalf("%s: %s is shown twice", query, title)
					}
					seen[title] = true
				}
				pages++
				next := more.FindStringSubmatch(b.get(w.ana().Endpoint("admin/posts" + at)).body)
				if next == nil {
					break
				}
				_, q, _ := strings.Cut(html.UnescapeString(next[1]), "?")
				at = "?" + q
			}
			if len(seen) != want.posts || want.pages > 0 && pages != want.pages || pages > 25 {
				t.Errorf("%q: %d posts on %d pages, want %d on %d", query, len(seen), pages, want.posts, want.pages)
			}
		}
	})
}

// refusing is a place for posts that takes none.
type refusing struct{ err error }

func (r refusing) Publish(context.Context, publish.Change) error { return r.err }

// A post whose road has come to an end is shown with why, is published once more from its page,
// and then goes its way.
func TestStuckPostsAreShownAndRetried(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		good := w.ana().Site.Publish
		w.ana().Site.Publish = refusing{errors.New("the disk says no <here>")}
		address := b.kept(note("Atascada"))
		time.Sleep(30 * 24 * time.Hour)
		settle()
		b = w.owner()
		if got := b.listed("?state=parked"); len(got) != 1 || got[0] != "Atascada" {
			t.Fatalf("parked: %q", got)
		}
		about := "admin/post?url=" + url.QueryEscape(address)
		page := b.get(w.ana().Endpoint(about))
		if page.status != 200 || !strings.Contains(page.body, "the disk says no &lt;here&gt;") || !strings.Contains(page.body, "Atascada") {
			t.Fatalf("its page: %d\n%s", page.status, page.body)
		}
		w.ana().Site.Publish = good
		if a := b.post(w.ana().Endpoint("admin/post"), with(formTo(t, page, "/-/admin/post"), "do", "retry")); a.status != http.StatusSeeOther {
			t.Fatalf("retry: %d %s", a.status, a.body)
		}
		settle()
		if got := b.listed("?state=announced"); len(got) != 1 {
			t.Errorf("announced: %q", got)
		}
		if a := b.get(address); a.status != 200 {
			t.Errorf("its page is answered with %d", a.status)
		}
	})
}

// The page of a post tells its history and who was told; it is deleted only when its owner has
// said so twice, and comes back.
func TestPostIsDeletedAfterAskingAndComesBack(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		w.say("https://bea.example/1", `<link rel="webmention" href="/wm">hola`)
		address := b.kept(note("Lee https://bea.example/1"))
		settle()
		about := w.ana().Endpoint("admin/post?url=" + url.QueryEscape(address))
		page := b.get(about)
		for _, want := range []string{"Llegó", "Escrita", "Vista en el sitio", "https://bea.example/1", "Anunciada", "revision 1"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("its page does not say %q:\n%s", want, page.body)
			}
		}
		asked := b.get(about + "&ask=delete")
		if !strings.Contains(asked.body, "¿Borrar esta publicación?") || b.get(address).status != 200 {
			t.Fatalf("it is not asked first:\n%s", asked.body)
		}
		deleted := b.post(w.ana().Endpoint("admin/post"), with(formTo(t, asked, "/-/admin/post"), "do", "delete"))
		settle()
		page = b.get("https://ana.example" + deleted.header.Get("Location"))
		if deleted.status != http.StatusSeeOther || b.get(address).status != http.StatusGone || !strings.Contains(page.body, "Recuperarla") || strings.Contains(page.body, "Editar") {
			t.Fatalf("deleted: %d\n%s", deleted.status, page.body)
		}
		if a := b.get(w.ana().Endpoint("admin/compose?url=" + url.QueryEscape(address))); a.status != 404 {
			t.Errorf("it can be edited: %d", a.status)
		}
		back := b.post(w.ana().Endpoint("admin/post"), with(formTo(t, page, "/-/admin/post"), "do", "undelete"))
		settle()
		if back.status != http.StatusSeeOther || b.get(address).status != 200 {
			t.Errorf("back: %d, %d", back.status, b.get(address).status)
		}
		for do, want := range map[string]int{"delete": 404, "undelete": 404, "retry": 404, "burn": 400} {
			form := url.Values{"form": formTo(t, page, "/-/admin/post")["form"], "do": {do}, "url": {"https://ana.example/none/"}}
			if a := b.post(w.ana().Endpoint("admin/post"), form); a.status != want {
				t.Errorf("%s of what is not there: %d, want %d", do, a.status, want)
			}
		}
		if a := b.get(w.ana().Endpoint("admin/post?url=javascript:alert(1)")); a.status != 404 {
			t.Errorf("no address: %d", a.status)
		}
	})
}

// A moderator decides about mentions, and writes nothing.
func TestModeratorsDoNotPost(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Moderator)
		m := w.keeper(bea)
		for _, page := range []string{"admin/posts", "admin/post?url=https://ana.example/", "admin/compose", "admin/share"} {
			if a := m.get(w.ana().Endpoint(page)); a.status != http.StatusForbidden {
				t.Errorf("%s: %d", page, a.status)
			}
		}
		if a := m.compose(url.Values{"content": {"x"}, "do": {"publish"}}); a.status != http.StatusForbidden {
			t.Errorf("compose: %d", a.status)
		}
		if a := m.get(w.ana().Endpoint("admin/")); strings.Contains(a.body, "admin/compose\"") || a.status != 200 {
			t.Errorf("the inbox leads a moderator to the composer: %d\n%s", a.status, a.body)
		}
	})
}

// The page of a post shows each copy with how it stands, and has one that failed tried again.
func TestPostShowsItsCopies(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		w.ana().Site.Accounts = []*site.Account{{UID: "net", Name: "Net", Kind: "net", Way: site.WaySecret}, {UID: "x", Name: "X", Kind: "x", ByHand: true}}
		address := b.kept(note("Hola"))
		settle()
		for uid, state := range map[string]store.CopyState{"net": store.CopyRefused, "x": store.CopyPrepared} {
			err := w.db.Update(w.Context(), w.ana().Key, func(tx *store.Tx) error {
				return tx.PutCopy(store.Copy{Post: address, Target: uid, Key: uid, State: state, Note: "note <of> " + uid, Since: tx.Now})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		page := b.get(b.ana().Endpoint("admin/post?url=" + url.QueryEscape(address)))
		for _, want := range []string{"Rechazada", "note &lt;of&gt; net", "Lista para que la publiques", `href="/-/admin/networks#` + site.CopyID(address, "x") + `"`} {
			if !strings.Contains(page.body, want) {
				t.Errorf("the page lacks %q:\n%s", want, page.body)
			}
		}
		form := formTo(t, page, "/-/admin/post")
		for _, id := range []string{site.AccountID("net"), site.AccountID("gone")} {
			a := b.post(b.ana().Endpoint("admin/post"), url.Values{"form": form["form"], "url": {address}, "id": {id}, "do": {"copy"}})
			if want := map[bool]int{true: 303, false: 404}[id == site.AccountID("net")]; a.status != want {
				t.Errorf("%s: got %d, want %d", id, a.status, want)
			}
		}
		if copies, err := b.ana().Networks.Of(w.Context(), address); err != nil || len(copies) != 2 || copies[0].State == store.CopyRefused {
			t.Errorf("after that: %+v, %v", copies, err)
		}
	})
}
