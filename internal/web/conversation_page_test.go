package web_test

import (
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// MF-16, MF-17: who reads the page or the fragment as microformats finds every response,
// with author, address, date and content.
func TestConversationIsReadByParsers(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		said := func(n int) string {
			return fmt.Sprintf(`<div class="e-content">Words %d</div><time class="dt-published" datetime="1999-12-0%dT10:00:00Z">then</time>`, n, n+1)
		}
		classes := []string{"u-in-reply-to", "u-like-of", "u-repost-of", "u-bookmark-of", ""}
		for i, class := range classes {
			source := fmt.Sprintf("https://host%d.example/%d", i, i)
			w.replied(source, post, entry(class, post, said(i)))
		}
		w.replied("https://host5.example/5", post, entry("u-in-reply-to", post, `<data class="p-rsvp" value="maybe">Perhaps</data>`+said(5)))
		a := w.visitor().get(w.ana().ConversationURL(post))
		page, _, err := mf2.Parse(strings.NewReader(a.body), "text/html; charset=utf-8", parse(t, w.ana().ConversationURL(post)))
		if err != nil {
			t.Fatal(err)
		}
		shown, ok := page.Entry()
		if !ok || shown.Get("name") != "Base camp" || !slices.Contains(shown.URLs("url"), post) {
			t.Fatalf("the h-entry: got %v %v", ok, shown)
		}
		for i, property := range []string{"comment", "like", "repost", "bookmark", "comment", ""} {
			cite, ok := citeOf(shown, property, fmt.Sprintf("https://host%d.example/%d", i, i))
			if !ok {
				t.Errorf("%s %d is not found", property, i)
				continue
			}
			author, _ := mf2.AsItem(append(cite.Properties["author"], nil)[0])
			if author.Get("name") != "Bea" || author.Get("url") != fmt.Sprintf("https://host%d.example/", i) {
				t.Errorf("%s %d: author %v", property, i, author)
			}
			if got, want := cite.Get("published"), fmt.Sprintf("1999-12-0%dT10:00:00Z", i+1); got != want {
				t.Errorf("%s %d: published %q, want %q", property, i, got, want)
			}
			if content := cite.Get("content"); property == "comment" && content != fmt.Sprintf("Words %d", i) {
				t.Errorf("%s %d: content %q", property, i, content)
			}
			if property == "" && cite.Get("rsvp") != "maybe" {
				t.Errorf("rsvp: got %v", cite)
			}
		}
	})
}

// citeOf is the h-cite with an address under a property, or among the children.
func citeOf(entry mf2.Item, property, address string) (mf2.Item, bool) {
	values := entry.Properties[property]
	if property == "" {
		for _, c := range entry.Children {
			values = append(values, c)
		}
	}
	for _, v := range values {
		if item, ok := mf2.AsItem(v); ok && slices.Contains(item.URLs("url"), address) {
			return item, true
		}
	}
	return mf2.Item{}, false
}

// Every response has an address of its own, on the conversation's page and on the page
// that it belongs to.
func TestResponsesHaveAnchors(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		for _, address := range []string{post, w.ana().ConversationURL(post), w.ana().ConversationURL(post) + "&fragment=1"} {
			a := w.visitor().get(address)
			ids := map[string]bool{}
			for n := range a.doc(t).Descendants() {
				if id := attr(n, "id"); id != "" {
					ids[id] = true
				}
			}
			anchors := 0
			for _, link := range find(a.doc(t), "a") {
				if attr(link, "class") == "tertulia-anchor" {
					anchors++
					if !ids[strings.TrimPrefix(attr(link, "href"), "#")] || !strings.Contains(text(link), "Enlace a lo que dice Bea") {
						t.Errorf("%s: %q leads nowhere, called %q", address, attr(link, "href"), text(link))
					}
				}
			}
			if anchors != 2 { // the reply and the mention
				t.Errorf("%s: %d anchors, want 2", address, anchors)
			}
			cites := 0
			for n := range a.doc(t).Descendants() {
				if strings.Contains(attr(n, "class"), "h-cite") && strings.HasPrefix(attr(n, "id"), "tertulia-") {
					cites++
				}
			}
			if cites != 7 {
				t.Errorf("%s: %d of 7 responses have an id", address, cites)
			}
		}
	})
}

// WIDGET 2: what is included at build time or by a front server says what it wants in its
// address; what makes no sense is as if nobody had said it.
func TestFragmentParameters(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		for i, day := range []string{"1999-12-02", "1999-12-01"} {
			w.replied(fmt.Sprintf("https://host%d.example/", i), post, answerTo(post, "https://nobody.example/", fmt.Sprint("answer", i), day))
		}
		fragment := func(query string) string {
			t.Helper()
			a := w.visitor().get(w.ana().ConversationURL(post) + "&fragment=1" + query)
			if a.status != 200 {
				t.Fatalf("%s: got %d", query, a.status)
			}
			return a.body
		}
		for query, want := range map[string]string{
			"": `<h2 id="tertulia-title">`, "&heading=4": `<h4 id="tertulia-title">`, "&heading=7": "<h2 id", "&heading=x": "<h2 id", "&heading=-1": "<h2 id",
			"&lang=es": `lang="es"`, "&lang=en-GB": `lang="en"`, "&lang=es-AR": `lang="es"`, "&lang=de": `lang="es"`, "&lang=%22%3E": `lang="es"`,
			"&nth=3": `id="tertulia-3"`, "&nth=1": `id="tertulia"`, "&nth=x": `id="tertulia"`, "&nth=-1": `id="tertulia"`, "&nth=99999999999": `id="tertulia"`,
		} {
			if body := fragment(query); !strings.Contains(body, want) {
				t.Errorf("%s: there is no %s in\n%s", query, want, body)
			}
		}
		for query, want := range map[string]bool{"": true, "&sort=oldest": true, "&sort=newest": false, "&sort=x": true} {
			body := fragment(query)
			if got := strings.Index(body, "answer1") < strings.Index(body, "answer0"); got != want {
				t.Errorf("%s: the oldest is first: %v, want %v", query, got, want)
			}
		}
		// What may be kept does not tell its dates from today, unless it is asked to; and stays the same.
		if body := fragment(""); !strings.Contains(body, ">2 de diciembre de 1999</time>") {
			t.Errorf("no date in\n%s", body)
		}
		w.replied("https://today.example/", post, answerTo(post, "https://nobody.example/", "today", time.Now().Add(-2*time.Hour).Format(time.RFC3339)))
		if kept, live := fragment(""), fragment("&ago=1"); strings.Contains(kept, "hace 2 horas") || !strings.Contains(live, ">hace 2 horas</time>") {
			t.Errorf("kept:\n%s\nlive:\n%s", kept, live)
		}
		before := fragment("")
		time.Sleep(48 * time.Hour)
		if fragment("") != before {
			t.Error("the fragment has changed though nobody has said anything")
		}
		// Several on one page: no id twice, every label finds its field, every anchor the page.
		body := fragment("") + fragment("&nth=2")
		ids := map[string]int{}
		for n := range (answer{body: body}).doc(t).Descendants() {
			ids[attr(n, "id")]++
			for _, key := range []string{"for", "aria-labelledby", "aria-describedby"} {
				if to := attr(n, key); to != "" && !strings.Contains(body, `id="`+to+`"`) {
					t.Errorf("%s=%q leads nowhere", key, to)
				}
			}
		}
		for id, n := range ids {
			if id != "" && n != 1 {
				t.Errorf("id %q stands %d times", id, n)
			}
		}
		if strings.Count(body, `href="`+post+`#tertulia-`) != 3 {
			t.Errorf("the anchors of the second do not lead to the page it belongs to:\n%s", body)
		}
		// The reader can choose.
		if want := `href="` + strings.ReplaceAll(w.ana().ConversationURL(post), "&", "&amp;") + `&amp;lang=en" lang="en" hreflang="en">English</a>`; !strings.Contains(body, want) {
			t.Errorf("there is no %s in\n%s", want, body)
		}
	})
}

// A conversation can begin where it is not ours to know which pages there are; drafts, pages
// that never were and private ones look the same (HOSTILE 40).
func TestConversationOfAPageThatNobodyMentioned(t *testing.T) {
	houses := []house{{home: "https://ana.example/", base: "https://talk.example/ana/", language: "es", elsewhere: true}}
	inWorldOf(t, houses, func(w *world) {
		t := w.T
		b := w.visitor()
		for _, address := range []string{"https://ana.example/never/", "http://ana.example/never/#x", "https://ana.example/never/?utm_source=x"} {
			for _, more := range []string{"", "&fragment=1"} {
				a := b.get(w.ana().ConversationURL(address) + more)
				if a.status != 200 || !strings.Contains(a.body, "Todavía no hay respuestas") {
					t.Errorf("%s%s: got %d\n%s", address, more, a.status, a.body)
				}
				action := map[string]string{"": "/ana/webmention", "&fragment=1": "https://talk.example/ana/webmention"}[more]
				if target := formTo(t, a, action).Get("target"); target != "https://ana.example/never/" {
					t.Errorf("%s%s: the form is for %q", address, more, target)
				}
			}
		}
		for _, address := range []string{"https://evil.example/", "https://ana.example.evil.example/", "javascript:alert(1)", "", "%", "//ana.example/"} {
			if a := b.get("https://talk.example/ana/conversation?url=" + url.QueryEscape(address)); a.status != 404 {
				t.Errorf("%s: got %d", address, a.status)
			}
		}
	})
	inWorld(t, func(w *world) {
		if a := w.visitor().get(w.ana().ConversationURL("https://ana.example/never/")); a.status != 404 {
			w.Errorf("where the pages are ours to know: got %d", a.status)
		}
	})
}

// The owner's words stand wherever the pages of the site speak.
func TestOwnWordsAreSaid(t *testing.T) {
	inWorld(t, func(w *world) {
		own, wrong := lang.For("es").Saying(map[string]any{
			"conversation.title": `Charla <b>&`, "conversation.replies": "{n} comentarios", "webmention.title": "Avisar", "kind.reply": "ha comentado",
			"conversation.count": "{n} voces",
		})
		if len(wrong) > 0 {
			w.Fatal(wrong)
		}
		post, b := w.gathering(), w.visitor()
		in := url.QueryEscape(post)
		machines := map[string]string{api + "mentions.atom?target=" + in: ": ha comentado ", api + "feed.json?target=" + in: ": ha comentado ", w.ana().Endpoint("counts?url=" + in): "7 voces"}
		had := map[string]string{} // by whom has asked before the settings were changed
		for address := range machines {
			had[address] = b.get(address).header.Get("ETag")
		}
		w.ana().Words = append(w.ana().Words, own)
		w.serve()
		for address, says := range machines {
			if a := b.get(address, "If-None-Match", had[address]); had[address] == "" || a.status != 200 || !strings.Contains(a.body, says) {
				w.Errorf("%s: got %d\n%s", address, a.status, a.body)
			}
		}
		for _, address := range []string{post, w.ana().ConversationURL(post) + "&lang=es", w.ana().ConversationURL(post) + "&fragment=1"} {
			if a := b.get(address); !strings.Contains(a.body, "Charla &lt;b&gt;&amp;") || !strings.Contains(a.body, "1 comentarios") || strings.Contains(a.body, "1 respuesta<") {
				w.Errorf("%s: got\n%s", address, a.body)
			}
		}
		if a := b.get("https://ana.example/-/webmention?lang=es"); !strings.Contains(a.body, "<h1>Avisar</h1>") {
			w.Errorf("got\n%s", a.body)
		}
		if a := b.get(w.ana().ConversationURL(post) + "&fragment=1&lang=en"); !strings.Contains(a.body, "Conversation") {
			w.Errorf("in English: got\n%s", a.body)
		}
	})
}

// A page does not grow without end under a post that many like: the conversation's own page
// has the rest, and every number stays true.
func TestPagesShowSomeAndLeadToAll(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.ana().Approve = site.ApproveNone
		for i := range 130 {
			source := fmt.Sprintf("https://host%d.example/", i)
			w.say(source, answerTo(post, "https://nobody.example/", fmt.Sprint("answer", i, "."), fmt.Sprintf("1999-01-01T%02d:%02d:00Z", i/60, i%60)))
			w.mention(source, post)
			if i < 70 {
				w.say(source+"like", entry("u-like-of", post, ""))
				w.mention(source+"like", post)
			}
		}
		b := w.visitor()
		whole := w.ana().ConversationURL(post)
		for address, all := range map[string]bool{whole + "&lang=es": true, whole + "&fragment=1": false, post: false, whole + "&fragment=1&sort=newest": false} {
			a := b.get(address)
			for _, want := range []string{"A 70 personas les gusta", "130 respuestas", ">200</span>"} {
				if !strings.Contains(a.body, want) {
					t.Errorf("%s does not say %q", address, want)
				}
			}
			newest := strings.Contains(address, "newest")
			for text, want := range map[string]bool{"answer0.": all || !newest, "answer129.": all || newest, "y 10 personas más</a>": !all, "Ver las 200 reacciones": !all} {
				if got := strings.Contains(a.body, text); got != want {
					t.Errorf("%s says %q: %v, want %v", address, text, got, want)
				}
			}
			if n := strings.Count(a.body, `class="u-like h-cite"`); n != map[bool]int{true: 70, false: 60}[all] {
				t.Errorf("%s shows %d faces", address, n)
			}
		}
	})
}

// Where there is more than one page shows, it says where all of it is.
func TestThousandsLeadToTheRest(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.replied("https://bea.example/", post, entry("u-in-reply-to", post, `<p class="e-content">The first.</p>`))
		err := w.db.Update(w.Context(), w.ana().Key, func(tx *store.Tx) error {
			folded, _ := w.ana().Fold(parse(t, post))
			page, err := tx.PageAt(folded)
			for i := 0; i < 1000 && err == nil; i++ {
				v := store.Version{Type: "like", URL: fmt.Sprintf("https://host%d.example/", i), Digest: "d"}
				err = tx.PutMention(store.Mention{ID: store.NewID(tx.Now), Source: v.URL, Target: post, Page: page.ID, State: store.Approved, Decision: store.Approved, Received: tx.Now, Shown: &v})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		rest := api + "mentions.html?sort-dir=up&target=" + url.QueryEscape(post)
		a := w.visitor().get(w.ana().ConversationURL(post) + "&lang=es")
		if n := strings.Count(a.body, `class="u-like h-cite"`); n != 999 || !strings.Contains(a.body, `<a href="`+html.EscapeString(rest)+`">Ver las 1001 reacciones</a>`) {
			t.Errorf("%d faces are shown, and no way to the rest:\n%s", n, a.body[max(0, len(a.body)-2000):])
		}
		if a := w.visitor().get(rest + "&page=50"); a.status != 200 || !strings.Contains(a.body, "host999.example") {
			t.Errorf("the rest: got %d", a.status)
		}
		w.replied("https://carla.example/", post, entry("u-in-reply-to", post, `<p class="e-content">The last.</p>`))
		for sort, want := range map[string][2]bool{"": {true, false}, "&sort=newest": {false, true}} {
			a := w.visitor().get(w.ana().ConversationURL(post) + "&fragment=1" + sort)
			if got := [2]bool{strings.Contains(a.body, "The first."), strings.Contains(a.body, "The last.")}; got != want {
				t.Errorf("%q: the first and the last are there: %v, want %v", sort, got, want)
			}
		}
		if a := w.visitor().get(post); !strings.Contains(a.body, `<a href="`+html.EscapeString(w.ana().ConversationURL(post))+`">Ver las 1002 reacciones</a>`) {
			t.Error("the post does not lead to the conversation's page")
		}
	})
}
