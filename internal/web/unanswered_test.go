package web_test

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"testing"

	"tertulia/internal/site"
	"tertulia/store"
)

// asked has some strangers reply to a post, and lets readers see it. It returns the ids.
func (w *world) asked(post string, n int, words string) (ids []string) {
	w.Helper()
	for i := range n {
		source := fmt.Sprintf("https://host%d.example/", i)
		w.say(source, entry("u-in-reply-to", post, fmt.Sprintf(`<p class="e-content">%s</p>`, fmt.Sprintf(words, i))))
		a := w.visitor().post(endpoints["webmention"], url.Values{"source": {source}, "target": {post}})
		ids = append(ids, path.Base(a.header.Get("Location")))
	}
	settle()
	for _, id := range ids {
		if err := w.ana().Mentions.Approve(w.Context(), "me", id, ""); err != nil {
			w.Fatal(err)
		}
	}
	return ids
}

const unanswered, answering = "https://ana.example/-/admin/unanswered", "https://ana.example/-/admin/answer/"

// The list has fifty to a page, small enough for a phone; one is set aside and put back, and
// those that are ticked are as well.
func TestUnansweredPage(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		ids := w.asked(post, 52, "Question %d? "+strings.Repeat("&amp;lt;ñandú ", 100))
		b := w.owner()
		first := b.get(unanswered, "Accept-Language", "en")
		if n := strings.Count(first.body, `type="checkbox"`); n != 50 || len(first.body) > 50<<10 || !strings.Contains(first.body, "Base camp") || !strings.Contains(first.body, `rel="next"`) {
			t.Fatalf("first page: %d mentions, %d bytes", n, len(first.body))
		}
		form := formTo(t, first, "/-/admin/unanswered")
		form.Set("aside", ids[0])
		done := b.post(unanswered, form)
		if done.status != 303 || done.header.Get("Location") != "/-/admin/unanswered?done="+ids[0] {
			t.Fatalf("set aside: %d to %q", done.status, done.header.Get("Location"))
		}
		after := b.get("https://ana.example" + done.header.Get("Location"))
		if strings.Contains(after.body, `value="`+ids[0]+`"> `) || !strings.Contains(after.body, "Se ha apartado 1 respuesta.") {
			t.Error("it is still there, or nobody says so")
		}
		undo := formTo(t, after, "/-/admin/unanswered")
		undo.Set("do", "back")
		if a := b.post(unanswered, undo); a.status != 303 || !strings.Contains(b.get(unanswered).body, `value="`+ids[0]+`"> `) {
			t.Errorf("undo: %d", a.status)
		}
		form.Del("aside")
		form["id"], form["do"] = append(ids[1:4:4], "nonsense", "../x", ids[1]), []string{"aside"}
		if a := b.post(unanswered, form); a.status != 303 {
			t.Errorf("ticked: %d", a.status)
		}
		aside := b.get(unanswered + "?list=aside")
		if n := strings.Count(aside.body, `type="checkbox"`); n != 3 {
			t.Errorf("%d are aside, want 3", n)
		}
		if a := b.get(unanswered + "?list=nonsense"); a.status != 404 {
			t.Errorf("a list that is none: %d", a.status)
		}
		if a := b.get(unanswered + "?from=nonsense%00&done=nonsense"); a.status != 200 {
			t.Errorf("nonsense for a cursor: %d", a.status)
		}
		if a := b.post(unanswered, url.Values{"aside": {ids[5]}}); a.status != 403 {
			t.Errorf("without the form's field: %d", a.status)
		}
		if a := b.post(unanswered, form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); a.status != 403 {
			t.Errorf("from another site: %d", a.status)
		}
		if a := w.visitor().get(unanswered); a.status != 401 {
			t.Errorf("nobody: %d", a.status)
		}
	})
}

// A moderator sees what is unanswered and sets it aside; the owner's words are the owner's.
func TestModeratorsDoNotAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.hire(site.Moderator)
		post := w.post("Base camp", "The networks are loudspeakers.")
		id := w.asked(post, 1, "Question %d?")[0]
		b := w.keeper(bea)
		page := b.get(unanswered)
		if page.status != 200 || strings.Contains(page.body, "admin/answer/") {
			t.Errorf("the list: %d", page.status)
		}
		fields := formTo(t, page, "/-/admin/unanswered")
		if a := b.get(answering + id); a.status != 403 {
			t.Errorf("the form: %d", a.status)
		}
		if a := b.post(answering+id, url.Values{"form": fields["form"], "do": {"reply"}, "text": {"x"}}); a.status != 403 {
			t.Errorf("an answer: %d", a.status)
		}
		if a := b.post(unanswered, url.Values{"form": fields["form"], "aside": {id}}); a.status != 303 {
			t.Errorf("aside: %d", a.status)
		}
	})
}

// The owner answers what waits: it is approved, the answer is a post, and stands below it on
// the page at once, with the address of the post, marked as the owner's.
func TestAnsweringPage(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		id := path.Base(w.mentionOf(post))
		settle()
		b := w.owner()
		page := b.get(answering+id, "Accept-Language", "en")
		if page.status != 200 || !strings.Contains(page.body, "Approve and answer") {
			t.Fatalf("the form: %d %s", page.status, page.body)
		}
		form := formTo(t, page, "/-/admin/answer/"+id)
		form.Set("do", "reply")
		if a := b.post(answering+id, form, "Accept-Language", "en"); a.status != 400 || !strings.Contains(a.body, `aria-invalid="true"`) {
			t.Errorf("without a text: %d", a.status)
		}
		form.Set("text", "Hola, <b>Bea</b>")
		for range 2 {
			if a := b.post(answering+id, form); a.status != 303 || a.header.Get("Location") != "/-/admin/answer/"+id+"?done=1" {
				t.Fatalf("answer: %d to %q %s", a.status, a.header.Get("Location"), a.body)
			}
		}
		settle()
		posts, err := w.ana().Posts.All(t.Context(), 10)
		if err != nil || len(posts) != 2 {
			t.Fatalf("%d posts, %v, want two", len(posts), err)
		}
		answer := posts[0].Permalink
		if done := b.get(answering + id + "?done=1"); !strings.Contains(done.body, answer) {
			t.Error("the page does not name the answer")
		}
		for _, address := range []string{post, w.ana().ConversationURL(post), w.ana().ConversationURL(post) + "&fragment=1"} {
			shown := w.visitor().get(address)
			if n := strings.Count(shown.body, `class="u-url" href="`+answer+`"`); n != 1 || strings.Count(shown.body, "tertulia-own") != 1 || strings.Contains(shown.body, "<b>Bea") {
				t.Errorf("%s has the answer %d times:\n%s", address, n, shown.body)
			}
		}
		feed := w.visitor().jf2("https://ana.example/-/api/mentions.jf2?target=" + url.QueryEscape(post))
		if len(feed.Children) != 2 {
			t.Errorf("the API has %d mentions, want two", len(feed.Children))
		}

		// What was withdrawn meanwhile says so, and keeps what was typed.
		w.say("https://bea.example/1", "nothing")
		w.mention("https://bea.example/1", post)
		settle()
		form.Set("text", "Too late")
		if a := b.post(answering+id, form, "Accept-Language", "en"); a.status != 409 || !strings.Contains(a.body, "Too late") || !strings.Contains(a.body, "withdrawn") {
			t.Errorf("withdrawn: %d %s", a.status, a.body)
		}
		if a := b.get(answering + "nothing"); a.status != 404 {
			t.Errorf("nothing: %d", a.status)
		}
	})
}

// Where posts go nowhere the page says so, and what to reply to.
func TestAnsweringFromElsewhere(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		id := w.asked(post, 1, "Question %d?")[0]
		w.ana().Publish = nil
		b := w.owner()
		page := b.get(answering+id, "Accept-Language", "en")
		if page.status != 200 || strings.Contains(page.body, "<textarea") || !strings.Contains(page.body, `href="https://host0.example/" rel=`) {
			t.Errorf("%d %s", page.status, page.body)
		}
		fields := formTo(t, page, "/-/admin/unanswered")
		if a := b.post(answering+id, url.Values{"form": fields["form"], "do": {"reply"}, "text": {"x"}}); a.status != 403 {
			t.Errorf("an answer all the same: %d", a.status)
		}
		var m store.Mention
		if m, _ = w.ana().Conversation.Mention(t.Context(), id); m.Answer != "" {
			t.Errorf("it was answered by %s", m.Answer)
		}
	})
}
