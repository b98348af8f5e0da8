package syndicate_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"tertulia/internal/syndicate"
)

const fakeSession = `{"did":"did:plc:ana","handle":"ana.test","accessJwt":"a","refreshJwt":"r"}`

// FuzzBlueskyPoll reads what an AppView may answer: whatever it is, an answer has an address of
// the network, a place in the thread, and HTML of nothing but links and line ends.
func FuzzBlueskyPoll(f *testing.F) {
	const post = `{"uri":"at://did:plc:bea/app.bsky.feed.post/3n2vcjlf4423e","cid":"bafy","author":{"did":"did:plc:bea","handle":"bea.test","avatar":"https://cdn.test/a.jpg"},` +
		`"record":{"$type":"app.bsky.feed.post","text":"¡Hola! ejemplo.es","createdAt":"2026-11-22T09:30:00Z","langs":["es"],"facets":[{"index":{"byteStart":8,"byteEnd":18},"features":[{"$type":"app.bsky.richtext.facet#link","uri":"https://ejemplo.es/"}]}],` +
		`"reply":{"root":{"uri":"at://did:plc:ana/app.bsky.feed.post/3n2vcjlf4423e","cid":"b"},"parent":{"uri":"at://did:plc:ana/app.bsky.feed.post/3n2vcjlf4423e","cid":"b"}}},"indexedAt":"2026-11-22T09:30:01Z","replyCount":1}`
	for _, seed := range []string{
		`{"thread":{"post":{"uri":"at://did:plc:ana/app.bsky.feed.post/3n2vcjlf4423e","cid":"b","author":{"did":"did:plc:ana","handle":"ana.test"},"likeCount":1},"replies":[{"post":` + post + `}]},` +
			`"likes":[{"actor":{"did":"did:plc:bea","handle":"handle.invalid"},"createdAt":"x","indexedAt":"2026-11-22T09:30:01Z"}],"repostedBy":[{"did":"did:plc:bea","labels":[{"val":"porn","exp":"2020-01-01T00:00:00Z"}]}],"posts":[` + post + `]}`,
		`{"thread":{"post":{},"replies":[{"post":` + strings.Replace(post, `"byteEnd":18`, `"byteEnd":2`, 1) + `},{"blocked":true},7]}}`,
		`{"thread":{"post":{"record":[],"author":"x","labels":7}}}`, `{"cursor":"1","likes":null}`, `{"error":"NotFound"}`, "", "[", "null", `{"thread":{"post":null}}`,
		`{"threAd":{"post":[]},"repostedBY":[{"did":"did:a:0"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		target := answering(t, func(method string) (int, string) {
			if strings.HasPrefix(method, "com.atproto.server.") {
				return 200, fakeSession
			}
			return 200, answer
		})
		ref := syndicate.Ref{ID: "at://did:plc:ana/app.bsky.feed.post/3n2vcjlf4423e"}
		answers, err := target.Poll(context.Background(), ref, "")
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, a := range answers.List {
			u, err := url.Parse(a.URL)
			if err != nil || u.Scheme != "https" || u.Host != "bsky.app" || !strings.HasPrefix(a.ID, "at://") || !strings.HasPrefix(a.Parent, "at://") {
				t.Errorf("got %+v", a)
			}
			if seen[a.ID] || a.ID == ref.ID || !slices.Contains([]string{"reply", "like", "repost", "mention"}, a.Type) {
				t.Errorf("got %s %s again", a.Type, a.ID)
			}
			seen[a.ID] = true
			if a.Published.After(time.Now()) || !a.Published.IsZero() && a.Published.Year() < 1970 {
				t.Errorf("published %v", a.Published)
			}
			if !strings.HasPrefix(a.Author.URL, "https://bsky.app/profile/") || a.Author.Name == "" || a.Author.Photo != "" && !strings.HasPrefix(a.Author.Photo, "http") {
				t.Errorf("by %+v", a.Author)
			}
			for z := html.NewTokenizer(strings.NewReader(a.HTML)); z.Next() != html.ErrorToken; {
				token := z.Token()
				if token.Type != html.TextToken && token.Data != "br" && token.Data != "a" || len(token.Attr) > 1 || len(token.Attr) == 1 && !strings.HasPrefix(token.Attr[0].Val, "http") {
					t.Errorf("HTML %q", a.HTML)
				}
			}
		}
	})
}

// FuzzBlueskyRecord writes posts of any text: no more than 300 graphemes and 3,000 bytes, and
// parts that lead somewhere are whole characters, in order, none within another.
func FuzzBlueskyRecord(f *testing.F) {
	for _, seed := range [][3]string{
		{"note", "Mañana 👩‍👩‍👧 café: https://ejemplo.es/año #educación @bea.test.", ""},
		{"note", "", `<p>Lee <a href="https://ejemplo.es/">esto</a> <a href="https://bsky.app/profile/bea.test">@bea</a></p>`},
		{"article", strings.Repeat("palabra ", 99), "x"}, {"bookmark", strings.Repeat("🇪🇸", 301), ""}, {"note", strings.Repeat("👩‍👩‍👧‍👦", 200), ""}, {"note", "\xff\u202e#\u0301", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, kind, text, markup string) {
		var sent struct {
			Record struct {
				Text   string
				Tags   []string
				Facets []struct {
					Index struct{ ByteStart, ByteEnd int }
				}
			}
		}
		target := answering(t, func(method string) (int, string) {
			switch method {
			case "com.atproto.identity.resolveHandle":
				return 200, `{"did":"did:plc:bea"}`
			case "com.atproto.repo.putRecord":
				return 200, `{"uri":"at://x","cid":"bafy"}`
			}
			return 200, fakeSession
		})
		target.Client.Transport = watching(target.Client.Transport, func(path string, body []byte) {
			if strings.HasSuffix(path, "putRecord") && json.Unmarshal(body, &sent) != nil {
				t.Errorf("sent %q", body)
			}
		})
		p := nota(text)
		p.Kind, p.HTML = kind, markup
		p.Item.Properties["name"] = []any{text}
		p.Item.Properties["category"] = []any{text, "pan"}
		if _, err := target.Publish(context.Background(), p); err != nil {
			return
		}
		r := sent.Record
		if n := syndicate.Graphemes(r.Text); n > 300 || len(r.Text) > 3000 || !utf8.ValidString(r.Text) || len(r.Tags) > 8 {
			t.Errorf("%d graphemes, %d bytes: %q", n, len(r.Text), r.Text)
		}
		end := 0
		for _, facet := range r.Facets {
			i := facet.Index
			if i.ByteStart < end || i.ByteEnd <= i.ByteStart || i.ByteEnd > len(r.Text) || !utf8.ValidString(r.Text[i.ByteStart:i.ByteEnd]) || !utf8.ValidString(r.Text[:i.ByteStart]) {
				t.Fatalf("%+v of %q", r.Facets, r.Text)
			}
			end = i.ByteEnd
		}
	})
}
