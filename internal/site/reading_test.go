package site_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"tertulia/internal/site"
	"tertulia/store"
)

// HOSTILE 25, 27–30, T-MF08: nothing that a stranger says of itself is more than
// text, an http address, or harmless HTML.
func TestWhatStrangersSayIsHarmless(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		const quote = `x&quot; onmouseover=&quot;alert(1)`
		w.host("bea.example").says("/1", `<article class="h-entry" lang="es">
			<div class="p-author h-card"><span class="p-name">`+quote+"\u202e<b>"+strings.Repeat("e\u0301", 5000)+`</span>
			<a class="u-url" href="javascript:alert(1)">x</a><img class="u-photo" src="data:text/html,x"></div>
			<a class="u-url" href="javascript://bea.example/%0aalert(1)">x</a>
			<a class="u-in-reply-to" href="`+post+`">x</a>
			<time class="dt-published" datetime="`+quote+`">x</time>
			<data class="p-rsvp" value="`+quote+`"></data><data class="p-lang" value="`+strings.Repeat("x", 5000)+`"></data>
			<h1 class="p-name">`+strings.Repeat("ñ", 5000)+`</h1>
			<div class="e-content"><script>alert(1)</script><p id="location" style="x" onclick="x" class="admin">hi
			<a href="/rel">a</a><a href="JaVa&#9;Script:alert(1)">b</a><img src="https://track.example/p.gif" onerror="x"></p></div></article>`)
		v := w.mention(w.receive("https://bea.example/1", post)).Shown
		if v == nil {
			t.Fatal("nothing was read")
		}
		if v.Author.URL != "" || v.Author.Photo != "" || v.URL != "https://bea.example/1" || !v.Published.IsZero() {
			t.Errorf("addresses: got %+v, %s, %v", v.Author, v.URL, v.Published)
		}
		for field, s := range map[string]string{"author": v.Author.Name, "name": v.Name, "language": v.Language, "rsvp": v.RSVP} {
			if n := utf8.RuneCountInString(s); n > 200 || strings.ContainsAny(s, "\u202e\n") {
				t.Errorf("%s has %d runes or a control character: %q", field, n, s)
			}
		}
		nodes, err := html.Parse(strings.NewReader(v.HTML))
		if err != nil {
			t.Fatal(err)
		}
		for n := range nodes.Descendants() {
			for _, a := range n.Attr {
				if a.Key != "href" && a.Key != "rel" && a.Key != "class" || a.Key == "href" && !strings.HasPrefix(a.Val, "https://") {
					t.Errorf("<%s> keeps %s=%q in %s", n.Data, a.Key, a.Val, v.HTML)
				}
			}
			if n.Data == "script" || n.Data == "img" {
				t.Errorf("<%s> is in %s", n.Data, v.HTML)
			}
		}
		if !strings.Contains(v.HTML, `href="https://bea.example/rel"`) {
			t.Errorf("a relative link is not that of the source: %s", v.HTML)
		}
	})
}

// T-MF07: content in whatever property it is, and a size that can be shown.
func TestContentIsWhateverTheEntrySays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		link := `<a class="u-in-reply-to" href="` + post + `"></a>`
		for i, tt := range []struct{ body, text, html string }{
			{`<p class="p-content">a &lt;b&gt; c</p>`, "a <b> c", ""},
			{`<p class="p-summary">only a summary</p>`, "only a summary", ""},
			{`<div class="e-content"></div>`, "", ""},
			{`<div class="e-content"><p>a<p>b</div>`, "a\nb", "<p>a</p><p>b</p>"},
			{`<div class="e-content">just words</div>`, "just words", ""},
			{`<h1 class="p-name">Title</h1><div class="e-content"><b>x</b></div>`, "x", "<b>x</b>"},
		} {
			at := fmt.Sprint("/", i)
			bea.says(at, `<div class="h-entry">`+link+tt.body+`</div>`)
			id := w.receive("https://bea.example"+at, post)
			v := w.mention(id).Shown
			if v == nil || v.Text != tt.text {
				t.Errorf("%s: got %+v, want text %q", tt.body, v, tt.text)
				continue
			}
			feed, err := w.talk.JF2(t.Context(), site.Query{Targets: []string{post}, PerPage: 1})
			if err != nil || len(feed.Children) != 1 {
				t.Fatalf("%v %v", feed, err)
			}
			// READ-API 3: html only if there was markup, no content if there is none.
			switch c := feed.Children[0].Content; {
			case tt.text == "" && c != nil, tt.text != "" && (c == nil || c.Text != tt.text || c.HTML != tt.html):
				t.Errorf("%s: the API gives %+v, want %q", tt.body, c, tt.html)
			}
			page, err := w.talk.Of(t.Context(), post)
			if err != nil {
				t.Fatal(err)
			}
			if r := page.Responses[len(page.Responses)-1]; tt.text != "" && r.HTML == "" {
				t.Errorf("%s: readers get no HTML", tt.body)
			}
		}
		bea.says("/long", `<div class="h-entry">`+link+`<div class="e-content">`+strings.Repeat("ñandú ", 80_000)+`</div></div>`)
		v := w.mention(w.receive("https://bea.example/long", post)).Shown
		if v == nil || len(v.Text) > 64<<10 || len(v.HTML) > 64<<10 || !utf8.ValidString(v.Text) {
			t.Errorf("a long text: %d bytes of text, %d of HTML", len(v.Text), len(v.HTML))
		}
	}, approve(site.ApproveNone))
}

// HOSTILE 77: no date that a stranger writes stops the work.
func TestStrangersDatesAreReadOrLeft(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		for i, tt := range []struct{ date, want string }{
			{"2026-11-21T18:05:00+01:00", "2026-11-21T18:05:00+01:00"},
			{"2026-11-21T18:05:00-0500", "2026-11-21T18:05:00-05:00"},
			{"2026-11-21 18:05:00+0100", "2026-11-21T18:05:00+01:00"},
			{"2026-11-21T18:05Z", "2026-11-21T18:05:00Z"},
			{"2026-11-21", "2026-11-21T00:00:00Z"},
			{"2026-11-21T18:05:00+24:00", ""},
			{"2026-11-21T18:05:00-24:00", ""},
			{"0000-01-01T00:00:00Z", ""},
			{"9999-12-31T23:59:59-14:00", ""},
			{"292277026596-12-04T15:30:07Z", ""},
			{"now", ""},
			{"", ""},
		} {
			at := fmt.Sprint("/", i)
			bea.says(at, `<div class="h-entry"><a class="u-in-reply-to" href="`+post+`"></a><time class="dt-published" datetime="`+tt.date+`"></time>x</div>`)
			m := w.mention(w.receive("https://bea.example"+at, post))
			got := ""
			if m.Shown != nil && !m.Shown.Published.IsZero() {
				got = m.Shown.Published.Format(time.RFC3339)
			}
			if m.State != store.Pending || got != tt.want {
				t.Errorf("%q: got %s, %q, want %q", tt.date, m.State, got, tt.want)
			}
			if _, err := json.Marshal(m); err != nil {
				t.Errorf("%q: %v", tt.date, err)
			}
		}
	})
}

// MF-7: an author that is only an address is looked up there, and the person who is
// found is the one that is trusted.
func TestAuthorsAreLookedUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/about", `<div class="h-card"><a class="u-url u-uid p-name" href="https://bea.example/about">Bea</a><img class="u-photo" src="/b.jpg"></div><a href="/">home</a>`)
		body := `<div class="h-entry"><a class="u-in-reply-to" href="` + post + `"></a><a class="u-author" href="/about"></a><p class="e-content">x</p></div>`
		bea.says("/1", body)
		id := w.receive("https://bea.example/1", post)
		if a := w.mention(id).Shown.Author; a.Name != "Bea" || a.URL != "https://bea.example/about" || a.Photo != "https://bea.example/b.jpg" {
			t.Errorf("got %+v", a)
		}
		w.decide(w.approve, id)
		bea.says("/2", body)
		w.wantState("the same person", w.receive("https://bea.example/2", post), store.Approved)
		bea.set("/about", answer{status: 500})
		bea.says("/3", body)
		if v := w.mention(w.receive("https://bea.example/3", post)).Shown; v == nil || v.Author.URL != "https://bea.example/about" {
			t.Errorf("when the author cannot be looked up: %+v", v)
		}
	})
}
