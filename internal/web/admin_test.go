package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"tertulia/store"
)

// The inbox lists what waits, page by page, and the owner decides one by one.
func TestInbox(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		for i := range 52 {
			source := fmt.Sprintf("https://host%d.example/", i)
			w.say(source, entry("u-in-reply-to", post, fmt.Sprintf(`<p class="e-content">Reply %d.</p>`, i)))
			w.visitor().post(endpoints["webmention"], url.Values{"source": {source}, "target": {post}})
		}
		settle()
		b := w.owner()
		first := b.get("https://ana.example/-/admin/", "Accept-Language", "en")
		if n := strings.Count(first.body, `name="id"`); n != 50 || !strings.Contains(first.body, "Base camp") {
			t.Fatalf("first page: %d mentions", n)
		}
		more := ""
		for _, a := range find(first.doc(t), "a") {
			if attr(a, "rel") == "next" {
				more = attr(a, "href")
			}
		}
		second := b.get("https://ana.example"+more, "Accept-Language", "en")
		if n := strings.Count(second.body, `name="id"`); n != 2 || strings.Contains(second.body, `rel="next"`) {
			t.Fatalf("second page: %d mentions", n)
		}
		form := formTo(t, second, "/-/admin/decide")
		form.Set("decision", "approve")
		if a := b.post("https://ana.example/-/admin/decide", form); a.status != 303 || a.header.Get("Location") != "/-/admin/" {
			t.Fatalf("approve: got %d to %q", a.status, a.header.Get("Location"))
		}
		if a := w.visitor().get("https://ana.example/-/api/count?target=" + url.QueryEscape(post)); !strings.Contains(a.body, `"count":1,`) {
			t.Errorf("after one approval: got %s", a.body)
		}
		// The same again changes nothing.
		if a := b.post("https://ana.example/-/admin/decide", form); a.status != 303 {
			t.Errorf("approve again: got %d", a.status)
		}
		if a := b.get("https://ana.example/-/admin/?from=nonsense%00"); a.status != 200 && a.status != 400 {
			t.Errorf("nonsense for a cursor: got %d", a.status)
		}
	})
}

// Somebody who is known can be muted and blocked from the inbox; of somebody who is not only the mention is decided about.
func TestInboxBlocksPeople(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		for i, host := range []string{"bea", "eve"} {
			source := fmt.Sprintf("https://%s.example/", host)
			w.say(source, fmt.Sprintf(`<div class="h-entry"><a class="p-author h-card" href="/">%s</a><a class="u-in-reply-to" href="%s">x</a><p class="e-content">Reply %d.</p></div>`, host, post, i))
			w.mention(source, post)
		}
		w.say("https://nobody.example/", `<div class="h-entry"><a class="u-in-reply-to" href="`+post+`">x</a><p class="e-content">Hm.</p></div>`)
		w.mention("https://nobody.example/", post)
		b := w.owner()
		page := b.get("https://ana.example/-/admin/", "Accept-Language", "en")
		if n := strings.Count(page.body, `value="block"`); n != 2 || !strings.Contains(page.body, "Block bea") || !strings.Contains(page.body, "Mute eve") {
			t.Fatalf("%d can be blocked: %s", n, page.body)
		}
		form := formTo(t, page, "/-/admin/decide")
		form.Set("decision", "block")
		if a := b.post("https://ana.example/-/admin/decide", form); a.status != 303 {
			t.Fatalf("block: got %d", a.status)
		}
		page = b.get("https://ana.example/-/admin/")
		if n := strings.Count(page.body, `name="id"`); n != 2 || strings.Contains(page.body, "Reply 0.") {
			t.Errorf("after the block: %d wait", n)
		}
		form = formTo(t, page, "/-/admin/decide")
		form.Set("decision", "mute")
		if a := b.post("https://ana.example/-/admin/decide", form); a.status != 303 {
			t.Errorf("mute: got %d", a.status)
		}
		form = formTo(t, b.get("https://ana.example/-/admin/"), "/-/admin/decide")
		form.Set("decision", "block")
		if a := b.post("https://ana.example/-/admin/decide", form); a.status != 400 {
			t.Errorf("block nobody: got %d", a.status)
		}
	})
}

// A decision about nothing is an error, and changes nothing.
func TestDecisionsThatCannotBe(t *testing.T) {
	inWorldOf(t, []house{{home: "https://ana.example/", language: "en"}, {home: "https://bea.example/", language: "en"}}, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		b := w.owner()
		fields := formTo(t, b.get("https://ana.example/-/admin/"), "/-/signout")
		w.say("https://none.example/", "no link at all")
		failed := w.mention("https://none.example/", post)
		w.say("https://host.example/", "x")
		theirs := b.post("https://bea.example/-/webmention", url.Values{"source": {"https://host.example/"}, "target": {"https://bea.example/"}}).header.Get("Location")
		id := func(status string) string { return status[strings.LastIndex(status, "/")+1:] }
		for name, c := range map[string]struct {
			id, decision string
			status       int
		}{
			"unknown":           {"01ARZ3NDEKTSV4RRFFQ69G5FAV", "approve", 404},
			"no id":             {"", "approve", 404},
			"another site's":    {id(theirs), "reject", 404},
			"never verified":    {id(failed), "approve", 400},
			"no decision":       {id(failed), "", 400},
			"unknown decision":  {id(failed), "delete", 400},
			"an id with a path": {"../" + id(failed), "approve", 404},
		} {
			a := b.post("https://ana.example/-/admin/decide", url.Values{"form": fields["form"], "id": {c.id}, "decision": {c.decision}})
			if a.status != c.status {
				t.Errorf("%s: got %d, want %d", name, a.status, c.status)
			}
		}
		if m, err := w.ana().Conversation.Mention(w.Context(), id(failed)); err != nil || m.State != store.Failed {
			t.Errorf("got %s, %v", m.State, err)
		}
	})
}
