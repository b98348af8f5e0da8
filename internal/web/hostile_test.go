package web_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"path"
	"strings"
	"testing"
)

// attacks are what a stranger writes into a field of their page.
var attacks = []string{
	`x" onmouseover="alert(1)" y="`, `x' onmouseover='alert(1)' y='`, `"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`,
	`</textarea></title></style></script><script>alert(1)</script>`, `<!--<tertulia-conversation>`, `</section></li></ol><form action=//evil.example>`,
	`{{.Secret}}`, "x\u2028\u202ey", `</tertulia-conversation><script>alert(1)</script>`,
	`javascript:alert(1)`, "JaVa\tScript:alert(1)", "\x01javascript:alert(1)", `data:text/html,<script>alert(1)</script>`, `vbscript:x`,
	`javascript://ana.example/%0Aalert(1)`, `//evil.example/"onclick=alert(1)`, `/admin/delete?id=1`, `https://evil.example/"><script>alert(1)</script>`,
}

// fields are the places of a page where a stranger writes, as HTML with one
// verb for the attack.
var fields = map[string]string{
	"name":       `<p class="p-name">%s</p>`,
	"content":    `<div class="e-content">text <a href="%[1]s" title="%[1]s">%[1]s</a></div>`,
	"plain":      `<p class="p-content">%s</p>`,
	"summary":    `<p class="p-summary">%s</p>`,
	"author":     `<p class="p-author h-card">%s</p>`,
	"author-url": `<p class="p-author h-card"><a class="u-url p-name" href="%s">Mallory</a></p>`,
	"photo":      `<p class="p-author h-card"><img class="u-photo" src="%[1]s" alt="%[1]s"> Mallory</p>`,
	"url":        `<a class="u-url" href="%s">permalink</a>`,
	"published":  `<time class="dt-published" datetime="%s">now</time>`,
	"lang":       `<p class="e-content" lang="%s">text</p>`,
	"rsvp":       `<data class="p-rsvp" value="%s">x</data>`,
	"syndicated": `<a class="u-syndication" href="%s">copy</a>`,
	"answered":   `<a class="u-in-reply-to" href="%s">another</a>`,
	"category":   `<b class="p-category">%s</b>`,
}

// HOSTILE 29, 30, 32, T-MF08: whatever a stranger writes into whichever field is text
// wherever we show it: waiting in the inbox, under the page, on the conversation's
// page, in the fragment and in the API.
func TestStrangersWordsAreInert(t *testing.T) {
	for field, shape := range fields {
		t.Run(field, func(t *testing.T) {
			inWorld(t, func(w *world) {
				post := w.post("Base camp", "The networks are loudspeakers.")
				b := w.owner()
				var statuses []string
				for i, attack := range attacks {
					source := fmt.Sprintf("https://host%d.example/%s", i, url.PathEscape(attack))
					class := []string{"u-in-reply-to", "u-like-of", "", "u-tag-of", "u-follow-of"}[i%5]
					w.say(source, entry(class, post, fmt.Sprintf(shape, html.EscapeString(attack))))
					a := w.visitor().post(endpoints["webmention"], url.Values{"source": {source}, "target": {post + "#" + url.PathEscape(attack)}})
					if a.status == 201 {
						statuses = append(statuses, a.header.Get("Location"))
					}
				}
				settle()
				if len(statuses) < len(attacks)/2 {
					w.Fatalf("only %d of %d were taken", len(statuses), len(attacks))
				}
				w.sink(b, "https://ana.example/-/admin/")
				for _, s := range statuses {
					w.sink(b, s)
					w.decide(s, "approve")
				}
				for _, at := range []string{"decided", "decisions", "people", "people?q=host"} {
					w.sink(b, "https://ana.example/-/admin/"+at)
				}
				for _, s := range statuses {
					w.sink(b, "https://ana.example/-/admin/mention?id="+s[strings.LastIndex(s, "/")+1:])
				}
				for _, a := range find(b.get("https://ana.example/-/admin/people").doc(w.T), "a") {
					if strings.Contains(attr(a, "href"), "person?id=") {
						w.sink(b, "https://ana.example"+attr(a, "href"))
					}
				}
				for _, address := range []string{post, w.ana().ConversationURL(post), w.ana().ConversationURL(post) + "&fragment=1"} {
					w.sink(b, address)
				}
				w.sink(b, "https://ana.example/-/admin/unanswered")
				w.sink(b, "https://ana.example/-/admin/answer/"+path.Base(statuses[0]))
				w.sinkJSON(b, "https://ana.example/-/api/mentions.jf2?per-page=100&target="+url.QueryEscape(post), len(statuses))
				token := w.token("read")
				for _, address := range append(allAnswers(post, token), api+"export?token="+token, api+"links?jsonp=f&token="+token) {
					w.sinkAPI(b, address, len(statuses))
				}
			})
		})
	}
}

// sinkAPI looks at an answer of the API as the programs do that it is for.
func (w *world) sinkAPI(b *browser, address string, want int) {
	w.Helper()
	a := b.get(address)
	if a.status != 200 || strings.ContainsAny(a.body, "\u202e\x01") {
		w.Errorf("%s: got %d\n%s", address, a.status, a.body)
	}
	seen := 0
	switch kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); kind {
	case "text/html":
		w.sink(b, address)
		seen = strings.Count(a.body, `<li class="card h-cite">`)
	case "application/atom+xml":
		seen = w.sinkAtom(address, a.body)
	default:
		if strings.ContainsAny(a.body, "<>\u2028") {
			w.Errorf("%s could end a script that it stands in: %s", address, a.body)
		}
		var value any
		if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(a.body), "f("), ")")), &value); err != nil {
			w.Fatalf("%s: %v", address, err)
		}
		w.sinkValue(address, "", value, &seen)
	}
	if seen != want {
		w.Errorf("%s: %d mentions, want %d", address, seen, want)
	}
}

// sinkValue looks at a value of a JSON answer under its name, and counts the mentions.
func (w *world) sinkValue(address, name string, value any, seen *int) {
	w.Helper()
	switch v := value.(type) {
	case map[string]any:
		if v["author"] != nil || v["authors"] != nil || v["verified"] != nil {
			*seen++
		}
		if v["verified"] != nil {
			v["data"].(map[string]any)["author"] = nil // it was counted
		}
		for key, inner := range v {
			w.sinkValue(address, key, inner, seen)
		}
	case []any:
		for _, inner := range v {
			w.sinkValue(address, name, inner, seen)
		}
	case string:
		switch name {
		case "html", "content_html":
			inert(w.T, address, v)
		case "content": // of the old JSON: clients take it for HTML
			inert(w.T, address, v)
		case "url", "photo", "avatar", "source", "target", "wm-source", "wm-target", "in-reply-to", "like-of", "mention-of", "feed_url", "home_page_url":
			if v != "" && !strings.HasPrefix(v, "https://") && !strings.HasPrefix(v, "http://") {
				w.Errorf("%s gives %q for an address", address, v)
			}
		}
	}
}

// sinkAtom looks at a feed as a reader does, which shows the content as HTML.
func (w *world) sinkAtom(address, body string) int {
	w.Helper()
	var feed struct {
		Entries []struct {
			Title   string `xml:"title"`
			Content string `xml:"content"`
			URI     string `xml:"author>uri"`
			Name    string `xml:"author>name"`
			Links   []struct {
				Href string `xml:"href,attr"`
			} `xml:"link"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(body), &feed); err != nil {
		w.Fatalf("%s: %v\n%s", address, err, body)
	}
	for _, e := range feed.Entries {
		inert(w.T, address, e.Content)
		links := []string{e.URI}
		for _, l := range e.Links {
			links = append(links, l.Href)
		}
		for _, l := range links {
			if l != "" && !strings.HasPrefix(l, "https://") && !strings.HasPrefix(l, "http://") {
				w.Errorf("%s gives %q for an address", address, l)
			}
		}
		if e.Title == "" || e.Name == "" {
			w.Errorf("%s: an entry without title or author: %+v", address, e)
		}
	}
	return len(feed.Entries)
}

func (w *world) sink(b *browser, address string) {
	w.Helper()
	a := b.get(address)
	if a.status != 200 {
		w.Errorf("%s: got %d", address, a.status)
	}
	inert(w.T, address, a.body)
	for _, f := range find(a.doc(w.T), "form") {
		if action := attr(f, "action"); !strings.HasPrefix(action, "/-/") && !strings.HasPrefix(action, "https://ana.example/-/") {
			w.Errorf("%s: a form leads to %q", address, action)
		}
	}
	if n := len(find(a.doc(w.T), "tertulia-conversation")); n > 1 {
		w.Errorf("%s: %d places for a conversation", address, n)
	}
	if strings.ContainsAny(a.body, "\u202e\x01") {
		w.Errorf("%s: a control character came through", address)
	}
}

// sinkJSON does what the clients of the API do: they set addresses as links, and
// content.html as HTML.
func (w *world) sinkJSON(b *browser, address string, want int) {
	w.Helper()
	a := b.get(address)
	if strings.ContainsAny(a.body, "<>\u2028") {
		w.Errorf("the JSON could end a script that it stands in: %s", a.body)
	}
	var feed struct {
		Children []struct {
			URL     string
			Author  struct{ Name, URL, Photo string }
			Content struct{ HTML string }
			Source  string `json:"wm-source"`
			Target  string `json:"wm-target"`
		}
	}
	if err := json.Unmarshal([]byte(a.body), &feed); err != nil {
		w.Fatal(err)
	}
	if len(feed.Children) != want {
		w.Errorf("%d children, want %d", len(feed.Children), want)
	}
	for _, c := range feed.Children {
		inert(w.T, "content.html", c.Content.HTML)
		for _, link := range []string{c.URL, c.Author.URL, c.Author.Photo, c.Source, c.Target} {
			if link != "" && !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "http://") {
				w.Errorf("the API gives %q for an address", link)
			}
			if u := parse(w.T, link); u.Host == "ana.example" && link != c.Target {
				w.Errorf("the API sends readers of a stranger's words to us: %q", link)
			}
		}
		if strings.ContainsAny(c.Author.Name, "\u202e\x01") {
			w.Errorf("the API gives %q for a name", c.Author.Name)
		}
	}
}
