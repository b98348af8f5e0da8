package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/leaktest"
	"tertulia/internal/webtest"
	"tertulia/store"
)

// person is one site with its owner, their browser and their editor, reached over HTTP alone.
type person struct {
	t       *testing.T
	home    string
	base    string
	token   string
	browser *http.Client
	svc     *service
	stop    func() // stops the service, once, and waits for it
}

// settle lets everything that can happen now happen, and a little time pass.
func settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

// newPerson runs a service of its own for a site of the in-memory web.
func newPerson(t *testing.T, web *webtest.Web, host string, listeners ...net.Listener) *person {
	t.Helper()
	home := "https://" + host + "/"
	set := defaults()
	set.Data = dataDir(t)
	set.Sites = []siteSettings{{
		URL: home, Name: strings.ToUpper(host[:1]) + strings.TrimSuffix(host[1:], ".example"), Language: "en",
		Publish: publishSettings{Preset: "html"}, Conversation: conversationSettings{Approve: "people", Bridged: "first-name", Comments: true},
	}}
	db, err := store.Open(set.Data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	log := quiet()
	svc, err := wire(set, db, clients{strangers: web.Client(), own: web.Client()}, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- svc.run(ctx, listeners, nil) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		db.Close()
	})
	web.Handle(host, leaktest.Handler(svc.http))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := *web.Client()
	browser.Jar = jar
	p := &person{t: t, home: home, base: home + "-/", browser: &browser, svc: svc, stop: stop}
	p.token, err = svc.app.sites[0].Access.NewToken(t.Context(), "editor", []string{"create", "update", "delete", "undelete", "media"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *person) do(method, address, contentType, body string, header ...string) (*http.Response, string) {
	p.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := p.browser.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp, string(b)
}

// micropub sends a form or JSON to the endpoint and wants the status.
func (p *person) micropub(want int, body string) string {
	p.t.Helper()
	contentType := "application/x-www-form-urlencoded"
	if strings.HasPrefix(body, "{") {
		contentType = "application/json"
	}
	resp, answer := p.do("POST", p.base+"micropub", contentType, body, "Authorization", "Bearer "+p.token)
	if resp.StatusCode != want {
		p.t.Fatalf("micropub %s: got %s %s, want %d", body, resp.Status, answer, want)
	}
	return resp.Header.Get("Location")
}

func (p *person) page(want int, address string) string {
	p.t.Helper()
	resp, body := p.do("GET", address, "", "")
	if resp.StatusCode != want {
		p.t.Fatalf("GET %s: got %s, want %d", address, resp.Status, want)
	}
	return body
}

// signIn follows a one-time link as a person does: look, then press the button.
func (p *person) signIn() {
	p.t.Helper()
	link, err := p.svc.app.sites[0].Access.NewLink(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.page(200, link)
	if resp, _ := p.do("POST", link, "application/x-www-form-urlencoded", ""); resp.StatusCode != 200 || !strings.HasSuffix(resp.Request.URL.Path, "/admin/welcome") {
		p.t.Fatalf("sign in: got %s at %s", resp.Status, resp.Request.URL)
	}
}

var formField = regexp.MustCompile(`name="(id|form)" value="([^"]+)"`)

// decide presses the button at the first mention that waits.
func (p *person) decide(decision string) {
	p.t.Helper()
	form := url.Values{"decision": {decision}}
	for _, m := range formField.FindAllStringSubmatch(p.page(200, p.base+"admin/"), -1) {
		if form.Get(m[1]) == "" {
			form.Set(m[1], m[2])
		}
	}
	if form.Get("id") == "" {
		p.t.Fatal("nothing waits")
	}
	resp, body := p.do("POST", p.base+"admin/decide", "application/x-www-form-urlencoded", form.Encode())
	if resp.StatusCode != 200 {
		p.t.Fatalf("decide: got %s: %s", resp.Status, body)
	}
}

func (p *person) count(target string) string {
	p.t.Helper()
	return strings.TrimSpace(p.page(200, p.base+"api/count?target="+url.QueryEscape(target)))
}

// Ana posts, Bruno answers from his site, Ana approves and sees it; Bruno edits,
// then deletes, and Ana's page follows. Everything goes through the programs' front
// doors over HTTP; time is virtual.
func TestTwoSitesConverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := webtest.New(t)
		ana, bruno := newPerson(t, web, "ana.example"), newPerson(t, web, "bruno.example")
		ana.signIn()

		post := ana.micropub(201, "h=entry&name=Base+camp&content=The+networks+are+loudspeakers.")
		if body := ana.page(200, post); !strings.Contains(body, "The networks are loudspeakers.") {
			t.Fatalf("the post is not on its page:\n%s", body)
		}

		reply := bruno.micropub(201, url.Values{"h": {"entry"}, "in-reply-to": {post}, "content": {"I could not agree more."}}.Encode())
		settle()
		if body := ana.page(200, post); strings.Contains(body, "agree more") {
			t.Fatal("the reply is shown before anybody approved it")
		}
		if got := ana.count(post); got != `{"count":0,"type":{}}` {
			t.Fatalf("count before approval: got %s", got)
		}
		if body := ana.page(200, ana.base+"admin/"); !strings.Contains(body, "I could not agree more.") || !strings.Contains(body, "Bruno") {
			t.Fatalf("the reply does not wait in the inbox:\n%s", body)
		}

		ana.decide("approve")
		body := ana.page(200, post)
		for _, want := range []string{"I could not agree more.", `href="` + reply + `"`, "Bruno", "u-comment h-cite"} {
			if !strings.Contains(body, want) {
				t.Errorf("the page lacks %q:\n%s", want, body)
			}
		}
		if got := ana.count(post); got != `{"count":1,"type":{"reply":1}}` {
			t.Errorf("count after approval: got %s", got)
		}
		if body := ana.page(200, ana.base+"conversation?url="+url.QueryEscape(post)); !strings.Contains(body, "I could not agree more.") {
			t.Error("the conversation page lacks the reply")
		}
		var feed struct {
			Children []struct {
				Property string `json:"wm-property"`
				Source   string `json:"wm-source"`
				ID       int    `json:"wm-id"`
			}
		}
		if err := json.Unmarshal([]byte(ana.page(200, ana.base+"api/mentions.jf2?target="+url.QueryEscape(post))), &feed); err != nil {
			t.Fatal(err)
		}
		if len(feed.Children) != 1 || feed.Children[0].Property != "in-reply-to" || feed.Children[0].Source != reply || feed.Children[0].ID == 0 {
			t.Errorf("api: got %+v", feed.Children)
		}

		// Bruno is trusted now, so his edit shows at once.
		bruno.micropub(204, `{"action":"update","url":"`+reply+`","replace":{"content":["On second thoughts, even more."]}}`)
		settle()
		if body := ana.page(200, post); !strings.Contains(body, "even more") || strings.Contains(body, "could not agree") {
			t.Errorf("Ana's page does not follow the edit:\n%s", body)
		}

		bruno.micropub(204, "action=delete&url="+url.QueryEscape(reply))
		settle()
		bruno.page(410, reply)
		if body := ana.page(200, post); strings.Contains(body, "even more") {
			t.Errorf("Ana's page still shows the deleted reply:\n%s", body)
		}
		if got := ana.count(post); got != `{"count":0,"type":{}}` {
			t.Errorf("count after deletion: got %s", got)
		}

		// Undeleted, it comes back with the decision it had.
		bruno.micropub(204, "action=undelete&url="+url.QueryEscape(reply))
		settle()
		bruno.page(200, reply)
		if body := ana.page(200, post); !strings.Contains(body, "even more") {
			t.Errorf("Ana's page does not show the reply that came back:\n%s", body)
		}
	})
}
