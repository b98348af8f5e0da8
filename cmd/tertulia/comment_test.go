package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chromedp/chromedp"

	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/internal/webtest"
)

var commentField = regexp.MustCompile(`<input type="hidden" name="(target|in-reply-to|time)" value="([^"]*)"`)

// comment fills in the form under a page.
func (p *person) comment(page, words string) url.Values {
	p.t.Helper()
	form := url.Values{"content": {words}}
	for _, m := range commentField.FindAllStringSubmatch(p.page(200, page), -1) {
		form.Set(m[1], m[2])
	}
	if form.Get("time") == "" {
		p.t.Fatalf("%s has no form", page)
	}
	settle()
	return form
}

// signed leaves a comment at base, signed in with one's own site at one's own server, and says
// where that leads.
func (p *person) signed(base string, form url.Values) *http.Response {
	p.t.Helper()
	form.Set("how", "signin")
	form.Set("url", p.home)
	resp, body := p.do("POST", base+"comment", "application/x-www-form-urlencoded", form.Encode())
	_, to, ok := strings.Cut(resp.Header.Get("Refresh"), "url=")
	if !ok {
		p.t.Fatalf("sign in: got %s: %s", resp.Status, body)
	}
	consent := p.page(200, to)
	answer := url.Values{"decision": {"approve"}}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(consent, -1) {
		answer.Set(m[1], m[2])
	}
	resp, body = p.do("POST", p.base+"auth/decide", "application/x-www-form-urlencoded", answer.Encode())
	if resp.StatusCode != 200 || !strings.Contains(resp.Request.URL.Path, "/comment/as/") || !strings.Contains(body, form.Get("content")) {
		p.t.Fatalf("confirm: got %s at %s: %s", resp.Status, resp.Request.URL, body)
	}
	resp, _ = p.do("POST", resp.Request.URL.String(), "", "")
	return resp
}

// Bruno, whose own server is this program as well, replies on Ana's site without writing on
// his: as himself, with the name of his page, whom Ana approves once. Ana answers below, on
// her own site as herself.
func TestVisitorSignsInWithHisSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := webtest.New(t)
		ana, bruno := newPerson(t, world, "ana.example"), newPerson(t, world, "bruno.example")
		ana.signIn()
		bruno.signIn()
		post := ana.micropub(201, "h=entry&content=hello")

		resp := bruno.signed(ana.base, bruno.comment(post, "I agree."))
		if resp.StatusCode != 200 || !strings.HasPrefix(resp.Request.URL.Path, "/-/comment/sent") {
			t.Fatalf("got %s at %s", resp.Status, resp.Request.URL)
		}
		ana.decide("approve")
		if body := ana.page(200, post); !strings.Contains(body, "I agree.") || !strings.Contains(body, "Bruno") || !strings.Contains(body, `href="https://bruno.example/"`) {
			t.Errorf("the page lacks the comment:\n%s", body)
		}
		resp = bruno.signed(ana.base, bruno.comment(post, "Once more."))
		if !strings.HasPrefix(resp.Request.URL.String(), ana.base+"comment/") || resp.StatusCode != 200 {
			t.Errorf("of somebody who is approved: got %s at %s", resp.Status, resp.Request.URL)
		}
		// A webmention of his is by the same person, and shown at once.
		bruno.micropub(201, url.Values{"h": {"entry"}, "in-reply-to": {post}, "content": {"From my site."}}.Encode())
		settle()
		if body := ana.page(200, post); !strings.Contains(body, "From my site.") {
			t.Error("his webmention waits")
		}
		answer := ana.comment(post, "Thank you both.")
		answer.Set("in-reply-to", strings.TrimPrefix(resp.Request.URL.Path, "/-/comment/"))
		resp = ana.signed(ana.base, answer)
		if body := ana.page(200, post); !strings.Contains(body, "Thank you both.") {
			t.Errorf("her own answer waits: %s at %s", resp.Status, resp.Request.URL)
		}
		if got := ana.count(post); got != `{"count":4,"type":{"reply":4}}` {
			t.Errorf("count: got %s", got)
		}
		for _, r := range world.Requests("ana.example") {
			if agent := r.Header.Get("User-Agent"); strings.Contains(r.URL, "/-/comment/0") && !strings.HasPrefix(agent, "Go-http-client") {
				t.Errorf("%s has asked for %s", agent, r.URL)
			}
		}
	})
}

// In a real browser without scripts somebody writes a comment, Ana approves it, and it is
// shown with its permalink; then Bruno signs in with his own site for another.
func TestCommentInABrowser(t *testing.T) {
	browser := newBrowser(t)
	var sites []*demoSite
	for _, name := range []string{"Ana", "Bruno"} {
		s, err := startDemoSite(t.Context(), dataDir(t), name, "es", quiet())
		if err != nil {
			t.Fatal(err)
		}
		defer s.stop()
		sites = append(sites, s)
	}
	ana, bruno := sites[0].site, sites[1].site
	d := newDemonstration(sites[0], sites[1], "es", stdio{out: io.Discard, err: io.Discard})
	post, err := d.post(t.Context(), sites[0], url.Values{"h": {"entry"}, "content": {"Un campamento base."}})
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, post)
	picture(t, browser, "comment", 800, "light")
	fillComment(t, browser, map[string]string{"content": "Estoy de acuerdo.", "name": "Caro", "url": "caro.example"})
	sendComment(t, browser, "#tertulia-comment .tertulia-actions button:first-child", "before it is shown")
	visit(t, browser, post)
	if text := pageText(t, browser); strings.Contains(text, "Estoy de acuerdo.") {
		t.Error("it is shown before anybody approved it")
	}
	waiting, _, err := ana.Conversation.Waiting(t.Context(), "", 10)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("the inbox has %+v, %v", waiting, err)
	}
	link, err := ana.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")
	if text := pageText(t, browser); !strings.Contains(text, "Estoy de acuerdo.") || !strings.Contains(text, "Somebody who has not signed in") {
		t.Errorf("the inbox shows:\n%s", text)
	}
	click(t, browser, `button[value^="approve `+waiting[0].ID+`"]`)
	visit(t, browser, post)
	if text := pageText(t, browser); !strings.Contains(text, "Estoy de acuerdo.") || !strings.Contains(text, "Caro") {
		t.Errorf("the page does not show it:\n%s", text)
	}
	click(t, browser, `a[href="`+ana.Endpoint("comment/"+waiting[0].ID)+`"]`)
	if text := pageText(t, browser); !strings.Contains(text, "Estoy de acuerdo.") || !strings.Contains(text, "Reply by Caro") {
		t.Errorf("its permalink shows:\n%s", text)
	}
	picture(t, browser, "comment-permalink", 800, "light")
	visitorInABrowser(t, browser, ana, bruno, post)
}

// visitorInABrowser has Bruno, who is signed in at his own server, say something on Ana's site
// as himself.
func visitorInABrowser(t *testing.T, browser context.Context, ana, bruno *web.Site, post string) {
	t.Helper()
	link, err := bruno.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")
	visit(t, browser, ana.ConversationURL(post))
	fillComment(t, browser, map[string]string{"content": "Yo también.", "url": bruno.Me()})
	sendComment(t, browser, `#tertulia-comment button[value="signin"]`, "") // and the page leads on by itself
	click(t, browser, `button[value="approve"]`)
	if err := chromedp.Do(browser, chromedp.WaitVisible(chromedp.CSS(`form[action*="/comment/as/"] button`))); err != nil {
		t.Fatal(err)
	}
	if text := pageText(t, browser); !strings.Contains(text, "signed in as Bruno") || !strings.Contains(text, "Yo también.") {
		t.Fatalf("before it is said the page shows:\n%s", text)
	}
	picture(t, browser, "comment-confirm", 390, "dark")
	click(t, browser, "main button")
	if text := pageText(t, browser); !strings.Contains(text, "before it is shown") {
		t.Errorf("then it shows:\n%s", text)
	}
	if waiting, _, err := ana.Conversation.Waiting(t.Context(), "", 10); err != nil || len(waiting) != 1 || waiting[0].Why != site.WhyPerson || waiting[0].Author.URL != bruno.Me() {
		t.Errorf("the inbox has %+v, %v", waiting, err)
	}
}

func fillComment(t *testing.T, browser context.Context, fields map[string]string) {
	t.Helper()
	for name, value := range fields {
		if err := chromedp.Do(browser, chromedp.SetValue(chromedp.CSS(`#tertulia-comment [name="`+name+`"]`), value)); err != nil {
			t.Fatal(err)
		}
	}
}

// sendComment presses a button of the form until what it says is taken: what is sent at once is
// not, and nothing of it is lost. With then "" the page may go on.
func sendComment(t *testing.T, browser context.Context, button, then string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		click(t, browser, button)
		text, err := chromedp.Run(browser, chromedp.Text(chromedp.CSS("body")))
		if strings.Contains(text, "very quick") {
			continue
		}
		if err != nil && then == "" {
			return // it goes on by itself
		}
		if err != nil || !strings.Contains(text, then) {
			t.Fatalf("the page does not say %q: %v\n%s", then, err, text)
		}
		return
	}
	t.Fatalf("it is never taken:\n%s", pageText(t, browser))
}
