package web_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/micropub"
	"tertulia/store"
)

// What was answered a moment ago is answered again, in each language, whole, in part, or as
// nothing new; what becomes of the post and of what is said under it shows at once, and
// dates are told from now (TRAPS T-UI03).
func TestAnswersAreKeptWhileTheyHold(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		written := time.Now().Format(time.RFC3339)
		w.replied("https://bea.example/1", post, entry("u-in-reply-to", post, `<p class="e-content">Uno</p><time class="dt-published" datetime="`+written+`">then</time>`))
		page := w.ana().ConversationURL(post)
		fragment, api := page+"&fragment=1", w.ana().Base+"api/mentions.jf2?target="+url.QueryEscape(post)
		b := w.visitor()
		spanish, english := b.get(page, "Accept-Language", "es"), b.get(page, "Accept-Language", "en")
		if spanish.body == english.body || spanish.header.Get("ETag") == english.header.Get("ETag") {
			t.Error("both languages are one answer")
		}
		again := b.get(page, "Accept-Language", "es")
		if again.body != spanish.body || fmt.Sprint(again.header) != fmt.Sprint(spanish.header) {
			t.Errorf("the second answer is\n%v\n%s\nthe first was\n%v\n%s", again.header, again.body, spanish.header, spanish.body)
		}
		part := b.get(page, "Accept-Language", "es", "Range", "bytes=0-9")
		if part.status != 206 || part.body != spanish.body[:10] {
			t.Errorf("a part is %d %q", part.status, part.body)
		}
		if head := b.do("HEAD", page, "", "Accept-Language", "es"); head.status != 200 || head.body != "" || head.header.Get("ETag") != spanish.header.Get("ETag") {
			t.Errorf("HEAD: got %d, %v, %q", head.status, head.header, head.body)
		}
		if a := b.get(page, "Accept-Language", "es", "If-None-Match", spanish.header.Get("ETag")); a.status != 304 || a.body != "" {
			t.Errorf("nothing new is %d %q", a.status, a.body)
		}
		time.Sleep(3 * time.Hour)
		if a := b.get(page, "Accept-Language", "es"); !strings.Contains(a.body, "hace 3 horas") {
			t.Errorf("three hours later it says\n%s", a.body)
		}
		places := []string{page, fragment, api, post}
		shows := func(words string) string {
			got := ""
			for _, address := range places {
				a := b.get(address, "Accept-Language", "es")
				got += fmt.Sprint(a.status, " ", strings.Contains(a.body, words), "; ")
			}
			return got
		}
		want := func(words, want string) {
			t.Helper()
			if got := shows(words); got != want {
				t.Errorf("%q stands on page, fragment, API and post: %s, want %s", words, got, want)
			}
		}
		want("Dos", "200 false; 200 false; 200 false; 200 false; ")
		w.replied("https://bea.example/2", post, entry("u-in-reply-to", post, `<p class="e-content">Dos</p>`))
		want("Dos", "200 true; 200 true; 200 true; 200 true; ")
		if err := w.ana().Posts.Delete(w.Context(), micropub.Grant{}, post); err != nil {
			t.Fatal(err)
		}
		settle()
		want("Dos", "410 false; 410 false; 200 false; 410 false; ")
		if _, err := w.ana().Posts.Undelete(w.Context(), micropub.Grant{}, post); err != nil {
			t.Fatal(err)
		}
		settle()
		want("Dos", "200 true; 200 true; 200 true; 200 true; ")
	})
}

// Whatever becomes of a mention, its author, its page or its picture: what is kept is what would be
// answered anew, and nobody is told that nothing has changed.
func TestKeptAnswersAreCurrent(t *testing.T) {
	inTalk(t, func(w *world) {
		t := w.T
		ana, old := w.ana(), "https://ana.example/old/"
		w.write("old/index.html", "<p>It moves.")
		post := w.post("Base camp", "The networks are loudspeakers.")
		names := []string{"bea", "carla", "dora", "eve", "fay", "gus"}
		status := map[string]string{}
		text := func(name string) string {
			return `<div class="h-entry"><a class="u-in-reply-to" href="` + post + `"></a><a class="p-author h-card" href="https://` + name + `.example/"><img class="u-photo" src="/face.png" alt="">` + name + `</a><p class="e-content">Said by ` + name + `</p></div>`
		}
		for _, name := range names {
			w.say("https://"+name+".example/1", text(name))
			status[name] = w.mention("https://"+name+".example/1", post)
			w.decide(status[name], "approve")
		}
		w.replied("https://hal.example/1", old, entry("u-in-reply-to", old, `<p class="e-content">Said by hal</p>`))
		form := w.filled(post, "Said by caro")
		w.visitor().post(comment, form)
		caro := w.waiting()
		b, n, in := w.visitor(), 0, url.QueryEscape(post)
		addresses := []string{ana.ConversationURL(post) + "&lang=es", ana.ConversationURL(post) + "&fragment=1", ana.Endpoint("api/mentions.jf2?sort-dir=up&target=" + in),
			ana.Endpoint("api/mentions?target=" + in), ana.Endpoint("api/mentions.atom?target=" + in), ana.Endpoint("api/count?target=" + in), ana.Endpoint("counts?url=" + in)}
		had := map[string]answer{}
		said := func(body string) (all string) {
			for _, name := range append(names, "hal", "caro") {
				all += fmt.Sprint(name, strings.Count(body, "Said by "+name), " ")
			}
			return all
		}
		without := func(body string) string { // the time in the form, and what stands for the question itself
			return strings.NewReplacer("&bust="+fmt.Sprint(n), "", "&amp;bust="+fmt.Sprint(n), "", "bust="+fmt.Sprint(n)+"&amp;", "").Replace(stamps.ReplaceAllString(body, ""))
		}
		ask := func(step string, changed bool) {
			t.Helper()
			n++
			fragment := ""
			for _, address := range addresses {
				a, fresh := b.get(address), b.get(fmt.Sprint(address, "&bust=", n))
				if strings.Contains(address, "fragment") {
					fragment = fresh.body
				}
				if strings.Contains(address, ".atom") {
					a.body, fresh.body = said(a.body), said(fresh.body)
				}
				if without(a.body) != without(fresh.body) {
					t.Errorf("%s: %s is\n%s\nwhere anew it is\n%s", step, address, a.body, fresh.body)
				}
				if before := had[address]; before.header != nil && without(before.body) != without(a.body) {
					if again := b.get(address, "If-None-Match", before.header.Get("ETag")); again.status != 200 {
						t.Errorf("%s: %s has changed, and says %d", step, address, again.status)
					}
				}
				if before := had[address]; strings.Contains(address, "jf2") && before.header != nil && (before.body != a.body) != changed {
					t.Errorf("%s: the API has changed: %v, want %v", step, before.body != a.body, changed)
				}
				had[address] = a
			}
			if got, want := said(b.get(post).body), said(fragment); got != want {
				t.Errorf("%s: the post shows %s, want %s", step, got, want)
			}
		}
		ask("at first", false)
		do := func(step string, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", step, err)
			}
			settle()
			ask(step, true)
		}
		w.decide(caro, "approve")
		do("a comment is approved", nil)
		w.say("https://bea.example/1", strings.Replace(text("bea"), "Said by bea", "Said by bea, again", 1))
		w.mention("https://bea.example/1", post)
		w.decide(status["bea"], "approve")
		do("a text is edited", nil)
		_, err := ana.Mentions.Decide(w.Context(), "me", "host:dora.example", store.Blocked)
		do("a person is blocked", err)
		do("and is not", ana.Mentions.UndoPerson(w.Context(), "me", "host:dora.example"))
		erasing := &site.Erasing{Site: ana.Site, DB: w.db, Jobs: w.jobs}
		_, err = erasing.Erase(w.Context(), "me", site.Erasable{Domain: "eve.example"}, false)
		do("a domain is erased", err)
		w.say("https://fay.example/1", "nothing")
		w.mention("https://fay.example/1", post)
		do("a source takes it back", nil)
		do("one is deleted", ana.Mentions.Delete(w.Context(), "me", status["gus"][strings.LastIndex(status["gus"], "/")+1:]))
		pages := &site.Pages{Site: ana.Site, DB: w.db, Own: w.web.Client()}
		_, err = pages.Remap(w.Context(), old, post, site.Remap{By: "me"})
		do("a page becomes this one", err)
		_, err = erasing.Erase(w.Context(), "me", site.Erasable{Mention: caro}, false)
		do("a comment is erased", err)
	})
}

var stamps = regexp.MustCompile(`name="time" value="[^"]*"`)
