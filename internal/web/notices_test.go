package web_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

const (
	noticesPage = "https://ana.example/-/admin/notices"
	hooksForm   = "/-/admin/hooks"
)

// tell has Ana told by mail, and hands over what is sent.
func (w *world) tell() *[]site.Letter {
	var letters []site.Letter
	w.ana().Tell = site.Telling{To: "ana@ana.example", How: map[string]site.Mode{site.KindWaiting: site.Now, site.KindPublic: site.Digest}, Hour: 8}
	w.jobs.Mail = func(_ context.Context, l site.Letter) error {
		letters = append(letters, l)
		return nil
	}
	return &letters
}

// The owner sees what is on, has a test mail sent, and reads what became of it.
func TestOwnerSeesWhatIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.owner()
		page := b.get(noticesPage, "Accept-Language", "en")
		inert(t, "notices", page.body)
		if page.status != 200 || !strings.Contains(page.body, "there is no address") {
			t.Fatalf("got %d\n%s", page.status, page.body)
		}
		letters := w.tell()
		if err := w.jobs.Notice(t.Context()); err != nil {
			t.Fatal(err)
		}
		page = b.get(noticesPage, "Accept-Language", "es")
		for _, want := range []string{"ana@ana.example", "smtp.example.com", "Al momento", "En el resumen", "Próximo resumen", "1 de enero de 2000, 08:00", "No hay ninguno"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("the page lacks %q:\n%s", want, page.body)
			}
		}
		form := formTo(t, page, hooksForm)
		form.Set("do", "mail")
		for range 2 { // the second while the first is under way, or done
			if a := b.post("https://ana.example"+hooksForm, form); a.status != 303 {
				t.Fatalf("test mail: got %d", a.status)
			}
		}
		settle()
		if len(*letters) == 0 || len(*letters) > 2 || (*letters)[0].Mode != "test" {
			t.Fatalf("got %d letters", len(*letters))
		}
		if page = b.get(noticesPage, "Accept-Language", "en"); !strings.Contains(page.body, "Latest mails") || !strings.Contains(page.body, "Sent") {
			t.Errorf("the page lacks the mail:\n%s", page.body)
		}
		if n := len(page.body); n > 50_000 {
			t.Errorf("the page has %d bytes", n)
		}
		w.jobs.Mail = func(context.Context, site.Letter) error { return fmt.Errorf("<b>535 no</b>") }
		b.post("https://ana.example"+hooksForm, form)
		settle()
		if page = b.get(noticesPage, "Accept-Language", "en"); !strings.Contains(page.body, "&lt;b&gt;535 no") || !strings.Contains(page.body, "Could not be sent") {
			t.Errorf("a mail that failed:\n%s", page.body)
		}
	})
}

// A link in a mail decides nothing: not by GET, not without a session, and after signing in one comes
// back to it.
func TestLinksInMailDoNotAct(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		letters := w.tell()
		post := w.post("El mar", "Azul")
		status := w.mentionOf(post)
		id := status[strings.LastIndex(status, "/")+1:]
		if err := w.jobs.Notice(t.Context()); err != nil {
			t.Fatal(err)
		}
		settle()
		if len(*letters) != 1 || len((*letters)[0].Waiting) != 1 {
			t.Fatalf("got %+v", *letters)
		}
		link := (*letters)[0].Waiting[0].Link
		if link != "https://ana.example/-/admin/mention?id="+id {
			t.Errorf("it leads to %s", link)
		}
		state := func() store.State {
			m, err := w.ana().Conversation.Mention(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return m.State
		}
		stranger := w.visitor()
		if a := stranger.get(link); a.status != 401 || state() != store.Pending {
			t.Errorf("a stranger: got %d", a.status)
		}
		if a := stranger.post(w.link(), nil); a.status != 303 || a.header.Get("Location") != strings.TrimPrefix(link, "https://ana.example") {
			t.Errorf("after signing in: got %d to %q", a.status, a.header.Get("Location"))
		}
		b := w.owner()
		for _, ask := range []string{link, link + "&decision=approve", link + "&one=approve+" + id + "&form=x"} {
			if a := b.get(ask); a.status != 200 || state() != store.Pending {
				t.Errorf("GET %s: got %d, and it is %s", ask, a.status, state())
			}
		}
		page := b.get(link, "Accept-Language", "en")
		inert(t, "mention", page.body)
		form := formTo(t, page, "/-/admin/decide")
		_, rest, _ := strings.Cut(page.body, `value="approve `)
		button, _, _ := strings.Cut(rest, `"`)
		form.Set("one", "approve "+button)
		const decide = "https://ana.example/-/admin/decide"
		if a := b.post(decide, form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); a.status != 403 || state() != store.Pending {
			t.Errorf("another site's form: got %d", a.status)
		}
		if a := b.post(decide, url.Values{"one": form["one"]}); a.status != 403 || state() != store.Pending {
			t.Errorf("without the form's field: got %d", a.status)
		}
		stale := url.Values{"form": form["form"], "back": form["back"], "one": {"approve " + id + ".another"}}
		if a := b.post(decide, stale); a.status != 303 || state() != store.Pending {
			t.Errorf("a text that was not shown: got %d to %s", a.status, a.header.Get("Location"))
		}
		if a := b.post(decide, form); a.status != 303 || state() != store.Approved {
			t.Errorf("the button: got %d, and it is %s", a.status, state())
		}
		if a := b.get(link, "Accept-Language", "en"); a.status != 200 || strings.Contains(a.body, `value="approve `) {
			t.Errorf("afterwards: got %d\n%s", a.status, a.body)
		}
	})
}

// The private feed is known by an address that nobody can guess, needs no cookie and sets none, has an
// ETag, and ends when its owner says so, makes another, or looks after the site no more.
func TestPrivateFeed(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.hire(site.Moderator)
		post := w.post("El mar", "Azul")
		w.mentionOf(post)
		b := w.keeper(bea)
		page := b.get(noticesPage, "Accept-Language", "en")
		if strings.Contains(page.body, "Web hooks") || strings.Contains(page.body, "smtp.example.com") {
			t.Error("a moderator sees what is the owner's")
		}
		form := formTo(t, page, "/-/admin/notices")
		form.Set("do", "feed")
		create := func() string {
			t.Helper()
			a := b.post(noticesPage, form)
			if a.status != 200 || a.header.Get("Cache-Control") != "no-store" {
				t.Fatalf("got %d %v", a.status, a.header)
			}
			_, rest, _ := strings.Cut(a.body, "<code>https://ana.example/-/feed/tertulia_feed_")
			secret, _, ok := strings.Cut(rest, "</code>")
			if !ok || len(secret) < 26 {
				t.Fatalf("no address on\n%s", a.body)
			}
			return "https://ana.example/-/feed/tertulia_feed_" + secret
		}
		address := create()
		reader := w.visitor()
		a := reader.get(address)
		var feed struct {
			Entries []struct {
				ID    string `xml:"id"`
				Title string `xml:"title"`
			} `xml:"entry"`
		}
		if err := xml.Unmarshal([]byte(a.body), &feed); err != nil || a.status != 200 || len(feed.Entries) != 1 || !strings.HasPrefix(feed.Entries[0].ID, "https://ana.example/-/admin/mention?id=") {
			t.Fatalf("got %d, %v\n%s", a.status, err, a.body)
		}
		for name, want := range map[string]string{
			"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex", "Content-Type": "application/atom+xml; charset=utf-8", "Set-Cookie": "",
			"Referrer-Policy": "no-referrer", "Access-Control-Allow-Origin": "",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if again := reader.get(address, "If-None-Match", a.header.Get("ETag")); again.status != 304 || again.body != "" {
			t.Errorf("again: got %d", again.status)
		}
		if a := reader.get(address + "x"); a.status != 404 {
			t.Errorf("another secret: got %d", a.status)
		}
		if a := reader.post(address, nil); a.status != http.StatusMethodNotAllowed {
			t.Errorf("POST: got %d", a.status)
		}
		other := create()
		if old, is := reader.get(address).status, reader.get(other).status; old != 404 || is != 200 {
			t.Errorf("after another was made: got %d and %d", old, is)
		}
		w.ana().Keepers = nil
		if a := reader.get(other); a.status != 404 {
			t.Errorf("who does not look after the site: got %d", a.status)
		}
		w.hire(site.Moderator)
		form.Set("do", "no-feed")
		if a := b.post(noticesPage, form); a.status != 303 || reader.get(other).status != 404 {
			t.Errorf("ended: got %d", a.status)
		}
	})
}

// Hooks are the owner's alone; the secret is shown once, and masked in what is listed.
func TestOwnerLooksAfterHooks(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.hire(site.Moderator)
		var bodies []string
		w.web.Handle("hook.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			bodies = append(bodies, r.Header.Get("X-Webmention-Signature"))
			rw.WriteHeader(http.StatusTeapot)
		}))
		b := w.owner()
		form := formTo(t, b.get(noticesPage), hooksForm)
		add := func(b *browser, token []string, address string, kinds ...string) answer {
			return b.post("https://ana.example"+hooksForm, url.Values{"form": token, "do": {"new"}, "address": {address}, "kind": kinds})
		}
		m := w.keeper(bea)
		if a := add(m, formTo(t, m.get(noticesPage), "/-/admin/notices")["form"], "https://hook.example/", "public"); a.status != 403 {
			t.Errorf("a moderator: got %d", a.status)
		}
		if a := add(b, form["form"], `javascript:alert("x")`, "public"); a.status != 400 || !strings.Contains(a.body, `aria-invalid="true"`) {
			t.Errorf("an address that is none: got %d", a.status)
		} else {
			inert(t, "a wrong hook", a.body)
		}
		a := add(b, form["form"], "https://hook.example/in?x=<b>", "public", "access")
		_, rest, _ := strings.Cut(a.body, "<code>tertulia_hook_")
		secret, _, ok := strings.Cut(rest, "</code>")
		if a.status != 200 || !ok {
			t.Fatalf("got %d\n%s", a.status, a.body)
		}
		page := b.get(noticesPage, "Accept-Language", "en")
		inert(t, "hooks", page.body)
		if strings.Contains(page.body, secret) || !strings.Contains(page.body, "hook.example/in") {
			t.Errorf("the list:\n%s", page.body)
		}
		var id string
		told, err := w.ana().Notices.Told(t.Context(), w.ana().Me())
		if err == nil && len(told.Hooks) == 1 {
			id = told.Hooks[0].ID
		}
		if a := b.post("https://ana.example"+hooksForm, url.Values{"form": form["form"], "do": {"test"}, "id": {id}}); a.status != 303 {
			t.Errorf("test: got %d", a.status)
		}
		settle()
		if told, err = w.ana().Notices.Told(t.Context(), w.ana().Me()); err != nil || len(bodies) != 1 || len(told.Hooks[0].Deliveries) != 1 {
			t.Fatalf("got %d calls, %+v, %v", len(bodies), told.Hooks, err)
		}
		d := told.Hooks[0].Deliveries[0]
		page = b.get("https://ana.example/-/admin/hooks/"+id+"/"+d.ID, "Accept-Language", "en")
		inert(t, "delivery", page.body)
		if page.status != 200 || strings.Contains(page.body, secret) || !strings.Contains(page.body, "418") || !strings.Contains(page.body, "&#34;test&#34;") {
			t.Errorf("the delivery: got %d\n%s", page.status, page.body)
		}
		if a := m.get("https://ana.example/-/admin/hooks/" + id + "/" + d.ID); a.status != 403 {
			t.Errorf("a moderator at the delivery: got %d", a.status)
		}
		again := formTo(t, page, hooksForm)
		again.Set("do", "resend")
		b.post("https://ana.example"+hooksForm, again)
		settle()
		if len(bodies) != 2 {
			t.Errorf("sent again: got %d calls", len(bodies))
		}
		b.post("https://ana.example"+hooksForm, url.Values{"form": form["form"], "do": {"drop"}, "id": {id}})
		if page = b.get(noticesPage); strings.Contains(page.body, "hook.example") {
			t.Error("it is still there")
		}
		// Who signed in long ago signs in again first.
		time.Sleep(2 * time.Hour)
		if a := add(b, form["form"], "https://hook.example/", "public"); a.status != 401 {
			t.Errorf("long after the sign-in: got %d", a.status)
		}
	})
}

// Whatever strangers call themselves, it is words and no more, and the feed has no more than fifty of them.
func TestNoticesOfHostileNames(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		evil := "\u202eevil\u2066<script>alert(1)</script>"
		err := w.db.Update(t.Context(), w.ana().Key, func(tx *store.Tx) error {
			if err := tx.PutPage(store.Page{ID: "p", URL: "https://ana.example/mar/", Found: true}, "/mar"); err != nil {
				return err
			}
			for i := range 60 {
				m := store.Mention{
					ID: store.NewID(tx.Now), Page: "p", Source: fmt.Sprintf("javascript://%d/%%0aalert(1)", i), Target: "https://ana.example/mar/", State: store.Pending, Received: tx.Now,
					Shown: &store.Version{Type: "reply", Author: mf2.Author{Name: evil, URL: "javascript:alert(1)"}, URL: "javascript:alert(1)", Text: evil, Digest: "d"},
				}
				if err := tx.PutMention(m); err != nil {
					return err
				}
				if i == 0 {
					m.ID = "one"
					m.Source += "x"
					if err := tx.PutMention(m); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b := w.owner()
		inert(t, "waiting", b.get("https://ana.example/-/admin/mention?id=one").body)
		address, err := w.ana().Notices.NewFeed(t.Context(), w.ana().Me())
		if err != nil {
			t.Fatal(err)
		}
		a := w.visitor().get(address)
		if err := xml.Unmarshal([]byte(a.body), new(struct{})); err != nil || a.status != 200 || strings.Contains(a.body, "<script") || strings.Count(a.body, "<entry>") != 50 {
			t.Errorf("the feed: got %d, %v\n%s", a.status, err, a.body)
		}
	})
}
