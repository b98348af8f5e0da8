package web_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// answerTo is a page with a reply to target and to another response.
func answerTo(target, other, text, published string) string {
	return entry("u-in-reply-to", target, `<a class="u-in-reply-to" href="`+other+`"></a><p class="e-content">`+text+`</p><time class="dt-published" datetime="`+published+`"></time>`)
}

// outline is the text of every reply in a page, with as many dots as there are replies
// around it.
func outline(n *html.Node, depth int) (lines []string) {
	for c := range n.ChildNodes() {
		inside := depth
		if c.Type == html.ElementNode && strings.Contains(attr(c, "class"), "u-comment") && c.Data == "li" {
			inside++
		}
		if c.Type == html.ElementNode && strings.Contains(attr(c, "class"), "-content") {
			lines = append(lines, strings.Repeat(".", depth)+strings.TrimSpace(text(c)))
		}
		lines = append(lines, outline(c, inside)...)
	}
	return lines
}

// Threads stand inside of each other to the fourth level; below it answers say whom they
// answer. Each list is in order of dates (T-MF09, MF-17).
func TestThreadsAreNested(t *testing.T) {
	inWorld(t, func(w *world) {
		post := w.post("Base camp", "The networks are loudspeakers.")
		other := "https://nobody.example/"
		for i := 1; i <= 6; i++ {
			source := fmt.Sprintf("https://host%d.example/", i)
			w.replied(source, post, answerTo(post, other, fmt.Sprint("answer", i), fmt.Sprintf("1999-12-%02d", 10+i)))
			other = source
		}
		w.replied("https://early.example/", post, answerTo(post, "https://host1.example/", "earlier", "1999-12-01"))
		w.replied("https://first.example/", post, answerTo(post, "https://nobody.example/", "first", "1999-11-01"))
		a := w.visitor().get(w.ana().ConversationURL(post) + "&fragment=1")
		got := strings.Join(outline(a.doc(w.T), 0), " ")
		if want := ".first .answer1 ..earlier ..answer2 ...answer3 ....answer4 ....answer5 ....answer6"; got != want {
			w.Errorf("got  %s\nwant %s", got, want)
		}
		if !strings.Contains(a.body, "8 respuestas") || strings.Count(a.body, "en respuesta a Bea") != 2 {
			w.Errorf("the page does not say how many answer, or whom:\n%s", a.body)
		}
		inert(w.T, "threads", a.body)
	})
}

// A reaction is a face with its emoji, unless it answers a reply: then it stands there.
func TestReactionsAndFollows(t *testing.T) {
	inWorld(t, func(w *world) {
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.replied("https://one.example/", post, entry("u-in-reply-to", post, `<p class="e-content">👍🏽</p>`))
		w.replied("https://two.example/", post, entry("u-follow-of", post, ""))
		w.replied("https://three.example/", post, entry("u-in-reply-to", post, `<p class="e-content">Hello.</p>`))
		w.replied("https://four.example/", post, answerTo(post, "https://three.example/", "🎉", ""))
		a := w.visitor().get(w.ana().ConversationURL(post))
		for _, want := range []string{"1 persona reaccionó", "👍🏽", "1 persona lo sigue", "2 respuestas", "🎉"} {
			if !strings.Contains(a.body, want) {
				w.Errorf("there is no %q in\n%s", want, a.body)
			}
		}
	})
}

// What a bridge has brought leads to where it was said, and names the bridge.
func TestBridgedRepliesNameTheirBridge(t *testing.T) {
	inWorld(t, func(w *world) {
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.replied("https://brid.gy/comment/mastodon/@ana@mastodon.social/1/2", post, `<div class="h-entry"><a class="p-author h-card" href="https://mastodon.social/@bea">Bea</a>
			<a class="u-url" href="https://mastodon.social/@bea/2"></a><a class="u-in-reply-to" href="`+post+`"></a><p class="e-content">hi</p></div>`)
		a := w.visitor().get(w.ana().ConversationURL(post))
		if !strings.Contains(a.body, `href="https://mastodon.social/@bea/2"`) || !strings.Contains(a.body, "vía Mastodon") {
			w.Error(a.body)
		}
	})
}

// T-UI01, HOSTILE 33, 114: readers get the pictures of authors from us alone, and what is
// served there can do nothing.
func TestPicturesComeFromOurOwnHost(t *testing.T) {
	inWorld(t, func(w *world) {
		post := w.post("Base camp", "The networks are loudspeakers.")
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 300, 200))); err != nil {
			w.Fatal(err)
		}
		w.web.Handle("pics.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, _ = rw.Write(picture.Bytes())
		}))
		page := func(host, photo string) {
			w.replied("https://"+host+"/", post, `<div class="h-entry"><div class="p-author h-card"><b class="p-name">Bea</b><img class="u-photo" src="`+photo+`"></div>
				<a class="u-in-reply-to" href="`+post+`"></a><p class="e-content">hi</p></div>`)
		}
		page("bea.example", "https://pics.example/a.png")
		page("cid.example", "https://nothing.example/a.png")
		time.Sleep(time.Hour)
		settle()
		b := w.visitor()
		for _, address := range []string{post, w.ana().ConversationURL(post)} {
			var shown []string
			for _, img := range find(b.get(address).doc(w.T), "img") {
				shown = append(shown, attr(img, "src"))
			}
			if len(shown) != 1 || !strings.HasPrefix(shown[0], "https://ana.example/-/picture/") {
				w.Fatalf("%s shows %q", address, shown)
			}
			a := b.get(shown[0])
			h := a.header
			if a.status != 200 || h.Get("Content-Type") != "image/jpeg" || h.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || !strings.Contains(h.Get("Cache-Control"), "immutable") {
				w.Errorf("got %d %v", a.status, h)
			}
		}
		if feed := b.get("https://ana.example/-/api/mentions.jf2?target=" + url.QueryEscape(post)).body; strings.Contains(feed, "pics.example") || strings.Contains(feed, "nothing.example") {
			w.Errorf("the API sends readers elsewhere: %s", feed)
		}
		for _, name := range []string{"", "x", "../1.png", "aaaaaaaaaaaaaaaaaaaaaaaaaa.html", "aaaaaaaaaaaaaaaaaaaaaaaaaa.jpg"} {
			if a := b.get("https://ana.example/-/picture/" + name); a.status != 404 {
				w.Errorf("%q: got %d", name, a.status)
			}
		}
	})
}
