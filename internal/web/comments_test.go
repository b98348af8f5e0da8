package web_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tertulia/internal/site"
	"tertulia/mf2"
)

const (
	comment     = "https://ana.example/-/comment"
	visitorBack = "https://ana.example/-/comment/back"
)

// inTalk runs a test with a service for Ana's site where people can comment.
func inTalk(t *testing.T, test func(w *world)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.talk()
		test(w)
	})
}

// talk lets people comment, as the settings do, from a start of the service on.
func (w *world) talk() {
	s := w.ana()
	s.TakesComments = true
	s.Comments = &site.Comments{Site: s.Site, DB: w.db, Jobs: w.jobs, Client: s.VisitorClient(w.web.Client(), w.jobs.Parsing)}
	w.serve()
}

// serve serves what there is now.
func (w *world) serve() {
	w.handler = w.server.Handler()
	w.web.Handle("ana.example", w.handler)
}

// fields are the values of the form for a comment on a page.
func (w *world) fields(a answer) url.Values {
	w.Helper()
	form := url.Values{}
	for n := range a.doc(w.T).Descendants() {
		if n.Data != "form" || attr(n, "id") != "tertulia-comment" {
			continue
		}
		if to := attr(n, "action"); to != comment && to != "/-/comment" {
			w.Errorf("the form goes to %q", to)
		}
		for field := range n.Descendants() {
			switch name := attr(field, "name"); {
			case field.Data == "input":
				form.Set(name, attr(field, "value"))
			case field.Data == "textarea":
				form.Set(name, typed(field))
			}
		}
	}
	if form.Get("time") == "" {
		w.Fatalf("there is no form: %d %s", a.status, a.body)
	}
	return form
}

func typed(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// filled is the form of a page with a comment by Caro, after some time.
func (w *world) filled(page, words string) url.Values {
	w.Helper()
	form := w.fields(w.visitor().get(page))
	form.Set("name", "Caro")
	form.Set("content", words)
	time.Sleep(5 * time.Second)
	return form
}

// waiting is the id of the only mention that waits.
func (w *world) waiting() string {
	w.Helper()
	list, _, err := w.ana().Conversation.Waiting(w.Context(), "", 10)
	if err != nil || len(list) != 1 {
		w.Fatalf("%d mentions wait, %v", len(list), err)
	}
	return list[0].ID
}

// Where people cannot comment there is nothing of it; what they have said while they could
// stays, and can be taken back.
func TestCommentsAreOffByDefault(t *testing.T) {
	inTalk(t, func(w *world) {
		post, s, v := w.post("Base camp", "hello"), w.bea(), w.visitor()
		form := w.filled(post, "A thought")
		begin := func() string {
			form.Set("how", "signin")
			form.Set("url", bea)
			return s.visitorYes(parse(t, refresh(v.post(comment, form))))
		}
		a := v.get(begin())
		v.post("https://ana.example"+a.header.Get("Location"), nil)
		id := w.waiting()
		w.decide(id, "approve")
		form.Set("content", "Another")
		late := begin()
		w.ana().TakesComments = false
		w.serve()
		for _, page := range []string{post, w.ana().ConversationURL(post), w.ana().ConversationURL(post) + "&fragment=1", comment + "/" + id} {
			if a := v.get(page); a.status != 200 || !strings.Contains(a.body, "A thought") || strings.Contains(a.body, "comment?") || strings.Contains(a.body, "tertulia-comment") {
				t.Errorf("%s: got %d: %s", page, a.status, a.body)
			}
		}
		for _, at := range []string{comment + "?url=" + url.QueryEscape(post), comment + "/sent", comment + "/as/x", comment + "/x"} {
			if a := v.get(at); a.status != 404 {
				t.Errorf("%s: %d", at, a.status)
			}
			if a := v.post(at, form); a.status != 404 && a.status != 405 {
				t.Errorf("POST %s: %d", at, a.status)
			}
		}
		a = v.get(late)
		if a = v.post("https://ana.example"+a.header.Get("Location"), nil); a.status != 404 {
			t.Errorf("from before: got %d", a.status)
		}
		a = v.get(s.visitorYes(parse(t, refresh(v.post(comment+"/"+id, nil)))))
		if a = v.post("https://ana.example"+a.header.Get("Location"), nil); a.status != 200 || v.get(comment+"/"+id).status != 410 {
			t.Errorf("taken back: got %d: %s", a.status, a.body)
		}
	})
	inWorld(t, func(w *world) {
		if a := w.visitor().get(comment + "/client"); a.status != 404 {
			t.Errorf("got %d", a.status)
		}
	})
}

// Without a script, a cookie or a site somebody comments on a page, the owner approves, and
// it stands under the page with a permalink that is an h-entry.
func TestCommentWithoutASite(t *testing.T) {
	inTalk(t, func(w *world) {
		post := w.post("Base camp", "hello")
		for i, page := range []string{post, w.ana().ConversationURL(post), w.ana().ConversationURL(post) + "&fragment=1", comment + "?url=" + url.QueryEscape(post)} {
			form := w.filled(page, fmt.Sprintf("I <agree>.\n\nNumber %d", i))
			form.Set("url", "caro.example")
			v := w.visitor()
			a := v.post(comment, form, "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
			if to := a.header.Get("Location"); a.status != 303 || to != comment+"/sent?url="+url.QueryEscape(post) {
				t.Fatalf("%s: got %d, %q: %s", page, a.status, to, a.body)
			}
			a = v.get(a.header.Get("Location"), "Accept-Language", "es")
			inert(t, "sent", a.body)
			if a.status != 200 || !strings.Contains(a.body, "antes de que se muestre") || !strings.Contains(a.body, `href="`+post+`"`) {
				t.Errorf("got %d: %s", a.status, a.body)
			}
			if len(v.client.Jar.Cookies(parse(t, comment))) > 0 {
				t.Error("a cookie is set")
			}
			id := w.waiting()
			at := comment + "/" + id
			for _, b := range []*browser{v, w.owner()} {
				if a := b.get(at); a.status != 404 {
					t.Errorf("while it waits: %d", a.status)
				}
			}
			w.decide(id, "approve")
			a = v.get(at)
			inert(t, "permalink", a.body)
			if a.status != 200 || a.header.Get("Set-Cookie") != "" {
				t.Fatalf("got %d: %s", a.status, a.body)
			}
			parsed, _, err := mf2.Parse(strings.NewReader(a.body), "text/html", parse(t, at))
			if err != nil {
				t.Fatal(err)
			}
			entry, ok := parsed.Entry()
			if !ok || entry.Get("url") != at || entry.Get("in-reply-to") != post || entry.Get("published") == "" || !strings.Contains(entry.Get("content"), "I <agree>.") {
				t.Errorf("the permalink is %+v", entry)
			}
			author := parsed.Author(w.Context(), entry, nil)
			if author.Name != "Caro" || author.URL != "https://caro.example/" {
				t.Errorf("its author is %+v", author)
			}
			page := v.get(post)
			inert(t, "post", page.body)
			for _, want := range []string{"I &lt;agree&gt;.", `href="` + at + `"`, "u-comment h-cite", `rel="nofollow ugc noopener"`, html.EscapeString(comment + "?in-reply-to=" + id)} {
				if !strings.Contains(page.body, want) {
					t.Errorf("the page lacks %s:\n%s", want, page.body)
				}
			}
			w.decide(id, "delete")
			if a := v.get(at); a.status != 410 {
				t.Errorf("deleted: %d", a.status)
			}
		}
	})
}

// What is refused comes back with all that was typed, and what to do about it.
func TestRefusedCommentsLoseNothing(t *testing.T) {
	inTalk(t, func(w *world) {
		post := w.post("Base camp", "hello")
		words := "A long thought, </textarea><script>alert(1)</script>\n\nand <more>"
		for name, c := range map[string]struct {
			change func(url.Values)
			status int
			says   string
		}{
			"fast":       {func(f url.Values) { f.Set("time", w.fields(w.visitor().get(post)).Get("time")) }, 400, "very quick"},
			"no time":    {func(f url.Values) { f.Del("time") }, 400, "open for long"},
			"forged":     {func(f url.Values) { f.Set("time", "AAAAAGoAAAAAAAAAAAAAAAAAAAAAAAAA") }, 400, "open for long"},
			"a trap":     {func(f url.Values) { f.Set("subject", "Buy") }, 400, "people do not see"},
			"no name":    {func(f url.Values) { f.Set("name", " ") }, 400, "what you are called"},
			"a site":     {func(f url.Values) { f.Set("url", "javascript:alert(1)") }, 400, "not the address of a site"},
			"no server":  {func(f url.Values) { f.Set("how", "signin"); f.Set("url", "nobody.example") }, 400, "no IndieAuth server"},
			"no address": {func(f url.Values) { f.Set("how", "signin"); f.Set("url", "") }, 400, "not the address of a site"},
		} {
			time.Sleep(time.Hour)
			form := w.filled(post, words)
			c.change(form)
			a := w.visitor().post(comment, form, "Accept-Language", "en")
			inert(t, name, a.body)
			if a.status != c.status || !strings.Contains(a.body, c.says) || a.header.Get("Cache-Control") != "no-store, private" || strings.Count(a.body, `role="alert"`) != 1 {
				t.Errorf("%s: got %d, %v:\n%s", name, a.status, a.header, a.body)
				continue
			}
			again := w.fields(a)
			if again.Get("content") != words || again.Get("subject") != "" || again.Get("url") != form.Get("url") || again.Get("target") != post {
				t.Errorf("%s: what was typed is gone: %q", name, again)
			}
			time.Sleep(5 * time.Second)
			again.Set("name", "Caro")
			again.Set("url", "")
			if a := w.visitor().post(comment, again); a.status != 303 {
				t.Errorf("%s, mended: got %d: %s", name, a.status, a.body)
			}
		}
		time.Sleep(time.Hour)
		form := w.filled(post, words)
		for i := range 11 {
			form.Set("content", fmt.Sprint(words, i))
			a := w.visitor().post(comment, form, "Accept-Language", "en")
			if want := map[bool]int{true: 303, false: 429}[i < 10]; a.status != want {
				t.Errorf("comment %d: got %d, want %d", i, a.status, want)
			}
			if a.status == 429 && (a.header.Get("Retry-After") == "" || w.fields(a).Get("content") != form.Get("content") || !strings.Contains(a.body, "still here")) {
				t.Errorf("comment %d: %v\n%s", i, a.header, a.body)
			}
		}
		// Pages that are not there, or not ours.
		for _, target := range []string{"", "https://evil.example/", post + "x", "https://ana.example.evil.example/"} {
			form.Set("target", target)
			if a := w.visitor().post(comment, form); a.status != 404 || strings.Contains(a.body, "evil.example") {
				t.Errorf("%q: got %d: %s", target, a.status, a.body)
			}
			form.Set("subject", "x")
			if a := w.visitor().post(comment, form); a.status != 404 && target != post+"x" || strings.Contains(a.body, "evil.example") {
				t.Errorf("%q with a trap: got %d: %s", target, a.status, a.body)
			}
			form.Del("subject")
			if a := w.visitor().get(comment + "/sent?url=" + url.QueryEscape(target)); strings.Contains(a.body, `href="https://evil`) || strings.Contains(a.body, `href="https://ana.example.evil`) {
				t.Errorf("%q: a way out is offered: %s", target, a.body)
			}
		}
		form.Set("content", strings.Repeat("x", 300<<10))
		if a := w.visitor().post(comment, form); a.status != 413 {
			t.Errorf("a huge one: got %d", a.status)
		}
	})
}

// A script of any origin comments as well, and hears of it in JSON (TRAPS T-UI03); no cookie
// counts, not even the owner's.
func TestCommentsFromScripts(t *testing.T) {
	inTalk(t, func(w *world) {
		post, v := w.post("Base camp", "hello"), w.owner()
		if a := v.do("OPTIONS", comment, "", "Origin", "https://elsewhere.example", "Access-Control-Request-Method", "POST"); a.status != 204 ||
			a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "POST") || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("preflight: %d, %v", a.status, a.header)
		}
		a := v.get(comment+"?url="+url.QueryEscape(post), "Accept", "application/json")
		var offer map[string]any
		if err := json.Unmarshal([]byte(a.body), &offer); err != nil || offer["target"] != post || offer["action"] != comment || offer["signin"] != true || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Fatalf("got %v, %v, %v", offer, a.header, err)
		}
		time.Sleep(5 * time.Second)
		body := "--x\r\nContent-Disposition: form-data; name=\"target\"\r\n\r\n" + post + "\r\n--x\r\nContent-Disposition: form-data; name=\"time\"\r\n\r\n" + offer["time"].(string) +
			"\r\n--x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\n¡Hola!\r\n--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nCaro\r\n--x--\r\n"
		a = v.do("POST", comment, body, "Content-Type", "multipart/form-data; boundary=x", "Accept", "application/json", "Origin", "https://elsewhere.example")
		var said map[string]any
		if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.status != 202 || said["status"] != "pending" || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("got %d, %s, %v", a.status, a.body, err)
		}
		w.decide(w.waiting(), "approve")
		a = v.do("POST", comment, body, "Content-Type", "multipart/form-data; boundary=x", "Accept", "application/json")
		if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.status != 201 || said["status"] != "approved" || !strings.HasPrefix(said["url"].(string), comment+"/") {
			t.Errorf("the same, which is public by now: got %d, %s, %v", a.status, a.body, err)
		}
		a = v.post(comment, url.Values{"target": {post}, "content": {"x"}, "name": {"x"}}, "Accept", "application/json")
		said = nil
		if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.status != 400 || said["error"] != "old" || said["time"] == "" || said["error_description"] == "" {
			t.Errorf("without a time: got %d, %s, %v", a.status, a.body, err)
		}
	})
}

// A page with a form is the same page for a while, so that browsers and caches need not have it
// again (READ-API, section 7).
func TestPagesWithAFormKeepTheirValidator(t *testing.T) {
	inTalk(t, func(w *world) {
		post, v := w.post("Base camp", "hello"), w.visitor()
		for _, page := range []string{post, w.ana().ConversationURL(post), w.ana().ConversationURL(post) + "&fragment=1"} {
			first := v.get(page)
			stamp := w.fields(first).Get("time")
			time.Sleep(10 * time.Second)
			if again := w.fields(v.get(page)).Get("time"); again == stamp {
				t.Errorf("%s: the time is old", page)
			}
			if a := v.get(page, "If-None-Match", first.header.Get("ETag")); a.status != 304 {
				t.Errorf("%s: got %d for %s, now %s", page, a.status, first.header.Get("ETag"), a.header.Get("ETag"))
			}
			time.Sleep(13 * time.Hour)
			if a := v.get(page, "If-None-Match", first.header.Get("ETag")); a.status != 200 {
				t.Errorf("%s, half a day later: got %d", page, a.status)
			}
		}
	})
}
