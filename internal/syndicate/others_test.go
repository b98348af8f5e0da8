package syndicate_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
	"tertulia/internal/webtest"
)

// at serves a network at a host of a web of its own, in a bubble with a clock of its own.
func at(t *testing.T, host string, network http.Handler, test func(t *testing.T, door *faketest.Door, client *http.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		web := webtest.New(t)
		door := &faketest.Door{Next: network}
		web.Handle(host, door)
		test(t, door, web.Client())
	})
}

func TestTelegramSendsLinksAndNothingElseAsMarkup(t *testing.T) {
	m := &faketest.Telegram{Token: "1:s", Channel: "@ana", Title: "Ana"}
	at(t, "api.telegram.org", m, func(t *testing.T, _ *faketest.Door, client *http.Client) {
		to := &syndicate.Telegram{Client: client, Token: "1:s", Channel: "@ana"}
		ref := publish(t, to, post(entry("content", map[string]any{"html": `<p>1 &lt; 2 &amp; <b>3</b>, <a href="/x?a=1&amp;b=%22">aquí</a> *_[no](x)_*</p>`})))
		want := `1 &lt; 2 &amp; 3, <a href="https://ana.example/x?a=1&amp;b=%22">aquí</a> *_[no](x)_*` + "\n\n" + `<a href="` + home + `">ana.example/2026/11/22/hola</a>`
		if diff := cmp.Diff(want, m.Messages()[0].HTML); diff != "" || ref.URL != "https://t.me/ana/1" {
			t.Errorf("%+v: %s", ref, diff)
		}
		publish(t, to, note(strings.Repeat("ñandú 👩‍👩‍👧 <b> ", 500)))
		var asked []int64
		p := note(strings.Repeat("ñandú ", 500))
		p.Photos = []syndicate.Photo{picture("pan", &asked), picture("vino", &asked)}
		ref = publish(t, to, p)
		if got := m.Messages()[2]; !got.Photo || len(asked) != 2 {
			t.Errorf("got %+v", got)
		}
		p.Item = entry("content", "Otro pie")
		if _, err := to.Update(t.Context(), ref, p); err != nil || !strings.HasPrefix(m.Messages()[2].HTML, "Otro pie") {
			t.Errorf("a caption: %v, %+v", err, m.Messages()[2])
		}
		who, err := to.Who(t.Context())
		if diff := cmp.Diff(syndicate.Author{Name: "Ana", Handle: "@ana", URL: "https://t.me/ana"}, who); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

func TestTelegramSaysWhatItSaysItsOwnWay(t *testing.T) {
	m := &faketest.Telegram{Token: "1:s", Channel: "-100987", Private: true}
	at(t, "api.telegram.org", m, func(t *testing.T, door *faketest.Door, client *http.Client) {
		to := &syndicate.Telegram{Client: client, Token: "1:s", Channel: "-100987"}
		if ref := publish(t, to, note("Hola")); ref.URL != "https://t.me/c/1234567890/1" {
			t.Errorf("a private channel's message is at %s", ref.URL)
		}
		for body, want := range map[string]syndicate.Error{
			`{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}`:     {Status: 429, After: 7 * time.Second},
			`{"ok":false,"error_code":403,"description":"Forbidden: bot is not a member of the channel chat"}`:                  {Status: 403, Login: true},
			`{"ok":false,"error_code":404,"description":"Not Found"}`:                                                           {Status: 404, Login: true},
			`{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send text messages to the channel"}`: {Status: 400, Refused: true},
		} {
			door.Break(faketest.Fault{Status: want.Status, Body: body})
			_, err := to.Publish(t.Context(), note("Hola"))
			var told *syndicate.Error
			if !errors.As(err, &told) || told.After != want.After || told.Login != want.Login || told.Refused != want.Refused || told.Unclear {
				t.Errorf("%s: got %+v", body, told)
			}
		}
		door.Break(faketest.Fault{Path: "deleteMessage", Status: 400, Body: `{"ok":false,"description":"Bad Request: message can't be deleted"}`})
		if err := to.Delete(t.Context(), syndicate.Ref{ID: "1"}); err == nil || !strings.Contains(err.Error(), "can't be deleted") {
			t.Errorf("an old message: %v", err)
		}
		bad := &syndicate.Telegram{Client: client, Server: "https://down.example", Token: "1:s", Channel: "@x"}
		if _, err := bad.Publish(t.Context(), note("Hola")); err == nil || strings.Contains(err.Error(), "1:s") {
			t.Errorf("the token is in the error: %v", err)
		}
	})
}

func TestMicropubCopiesCarryPicturesAndCategories(t *testing.T) {
	m := &faketest.Micropub{Host: "blog.example", Token: "t", Listing: true}
	at(t, "blog.example", m, func(t *testing.T, door *faketest.Door, client *http.Client) {
		to := &syndicate.Micropub{Client: client, Endpoint: "https://blog.example/micropub", Token: "t", Destination: "https://blog.example/"}
		var asked []int64
		p := post(entry("content", "*Pan*\n\n1 < 2", "category", "pan", "category", "https://ana.example/tag", "photo", "/a.jpg"))
		p.Photos = []syndicate.Photo{picture("Una barra", &asked)}
		ref := publish(t, to, p)
		want := map[string][]any{
			"content":  {map[string]any{"html": "<p>*Pan*</p>\n<p>1 &lt; 2</p>\n<p><a href=\"" + home + "\">" + home + "</a></p>"}},
			"category": {"pan"}, "photo": {map[string]any{"value": "https://blog.example/uploads/1.jpg", "alt": "Una barra"}}, "mp-destination": {"https://blog.example/"},
		}
		if diff := cmp.Diff(want, m.Posts()[0].Properties); diff != "" {
			t.Error(diff)
		}
		p.Item.Properties["content"] = []any{"Otro"}
		if _, err := to.Update(t.Context(), ref, p); err != nil || len(asked) != 2 || m.Posts()[0].Properties["photo"] == nil {
			t.Errorf("an edit of the text uploads again: %v, %d", err, len(asked)/2)
		}
		if who, err := to.Who(t.Context()); err != nil || who.Name != "Ana's copies" || who.URL != "https://blog.example/" {
			t.Errorf("got %+v, %v", who, err)
		}
		to.Destination = "https://other.example/"
		if who, err := to.Who(t.Context()); err == nil {
			t.Errorf("a blog that is not there: %+v", who)
		}
		// The token goes nowhere but to the blog's own host.
		door.Break(faketest.Fault{Slow: 1, Body: `{"media-endpoint": "https://evil.example/media"}`})
		var told *syndicate.Error
		if _, err := to.Publish(t.Context(), p); !errors.As(err, &told) || !told.Refused {
			t.Errorf("got %v", err)
		}
		m.Listing = false
		if _, err := to.Find(t.Context(), p); !errors.Is(err, syndicate.ErrUnsupported) {
			t.Errorf("a blog that cannot list its posts: %v", err)
		}
	})
}

func TestIndieNewsWantsALinkFirst(t *testing.T) {
	linked := false
	m := &faketest.IndieNews{Host: "news.example", Links: func(string) bool { return linked }}
	at(t, "news.example", m, func(t *testing.T, door *faketest.Door, client *http.Client) {
		to := &syndicate.IndieNews{Client: client, List: "https://news.example/es"}
		if got := to.Link(note("Hola")); got != "https://news.example/es" {
			t.Errorf("link to %q", got)
		}
		who, err := to.Who(t.Context())
		if diff := cmp.Diff(syndicate.Author{Name: "news.example/es", URL: "https://news.example/es"}, who); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if who, err := (&syndicate.IndieNews{Client: client, List: "https://news.example/xx"}).Who(t.Context()); err == nil {
			t.Errorf("a list that is not there: %+v", who)
		}
		var told *syndicate.Error
		if _, err := to.Publish(t.Context(), note("Hola")); !errors.As(err, &told) || told.Refused || told.After == 0 {
			t.Errorf("a page that does not link there yet: %v", err)
		}
		linked = true
		for range 2 {
			if ref := publish(t, to, note("Hola")); ref.URL != "https://news.example/es/"+strings.TrimPrefix(home, "https://") {
				t.Errorf("got %+v", ref)
			}
		}
		// A list that says where on its page.
		for page, want := range map[string]bool{
			`<link rel="webmention" href="/es/webmention">`: true, `<a href="webmention" rel="x">`: false, "": false, `<link rel=webmention href="javascript:x">`: false,
		} {
			door.Break(faketest.Fault{Method: "GET", Path: "/es", Status: 203, Header: map[string]string{"Content-Type": "text/html"}, Body: page})
			if _, err := to.Publish(t.Context(), note("Hola")); (err == nil) != want {
				t.Errorf("%s: %v", page, err)
			}
		}
	})
}
