package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tertulia/micropub"
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
