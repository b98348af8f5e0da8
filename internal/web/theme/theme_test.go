package theme_test

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tertulia/internal/lang"
	"tertulia/internal/web/theme"
	"tertulia/mf2"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// views is every page with every field filled from text and an address.
func views(text, address string) map[string]any {
	link := theme.Link{Name: text, URL: address, Current: true}
	shell := theme.Shell{Site: link, Style: "/-/style.css", Nav: []theme.Link{link}, Service: []theme.Link{link}, SignOut: address,
		Hidden: []theme.Field{{Name: text, Value: text}}, Languages: map[string]string{"es": address, "en": address}}
	response := theme.Response{ID: "r1", Kind: text, Author: theme.Person{Name: text, URL: address, Photo: address}, URL: address, Source: address,
		Name: text, Text: text, Shortened: true, Lang: text, Published: noon, Edited: noon}
	marked := response
	marked.ID, marked.HTML, marked.Network = "r2", "<p>Con <em>marcas</em></p>", text
	answer := response
	answer.ID, answer.Answers = "r3", text
	marked.Replies = []theme.Response{answer}
	unknown := theme.Response{Text: "hola"}
	row := 0
	faces := func() theme.Faces {
		row++
		face := response
		face.ID = fmt.Sprint("face", row)
		return theme.Faces{Total: 9, People: []theme.Response{face, unknown}}
	}
	conversation := theme.Conversation{Page: link, URL: address, Languages: shell.Languages, Endpoint: address, Hidden: shell.Hidden, Likes: faces(), Reposts: faces(), Bookmarks: faces(), Reactions: faces(), Follows: faces(),
		RSVPs:   []theme.RSVP{{Value: "yes", Faces: faces()}, {Value: "maybe", Faces: faces()}, {Value: "interested", Faces: faces()}, {Value: "no", Faces: faces()}, {Value: text, Faces: faces()}},
		Replies: []theme.Response{response, marked, unknown}, Mentions: []theme.Response{unknown}, Total: 99, More: address, Now: noon.Add(time.Hour)}
	form := theme.CommentForm{Action: address, Page: address, Answer: text, Answers: text, Time: text, SignIn: true, Name: text, Site: text, Text: text, Error: "text", Field: "text", Unvouched: "server", MaxText: 9, MaxName: 9}
	conversation.Comment = &form
	response.Reply = address
	conversation.Replies[0] = response
	notice := &theme.Notice{Action: "reject", Done: 3, Left: 2, More: true, Undo: "b"}
	line := theme.Row{ID: "m", Digest: "d", N: 1, Kind: "reply", By: text, Text: text, Lang: "es", Host: "bea.example", Source: address, Link: "/-/admin/mention?id=m", Why: "person", Received: noon, State: "approved", Page: link, Answer: text}
	other := line
	other.N = 2
	lines := []theme.Decision{{ID: "b", At: noon, By: text, Action: "approve", Name: text, Link: address, Page: text, Count: 1}, {At: noon, Action: "block", Name: text, Count: 9, Undone: noon}}
	bea := theme.Somebody{ID: "p", Person: theme.Person{Name: text, URL: address}, Link: address, Trust: "muted", Since: noon, Count: 1000, Least: true, Last: noon, First: noon}
	return map[string]any{
		"comment-page":      theme.CommentPage{Shell: shell, About: link, Form: form},
		"comment":           theme.Comment{Shell: shell, About: link, Response: marked, Answer: address, Reply: address, TakeBack: address},
		"comment-sent":      theme.CommentSent{Shell: shell, About: link, Stage: "waits"},
		"comment-confirm":   theme.CommentConfirm{Shell: shell, Action: address, Author: theme.Person{Name: text, URL: address}, Text: text, Back: address},
		"conversation":      conversation,
		"conversation-page": theme.ConversationPage{Shell: shell, Conversation: conversation, Privacy: address},
		"privacy":           theme.Privacy{Shell: shell, Sections: []theme.Section{{Title: text, Lines: []string{text, text}}}},
		"mentions":          theme.Mentions{Shell: shell, Total: 99, Previous: address, Next: address, Now: noon, Responses: []theme.Mention{{Response: response, Page: link}, {Response: unknown}}},
		"admin": theme.Inbox{Shell: shell, Page: "inbox", Action: address, Back: address, Rooms: []theme.Link{link}, Notice: notice, Groups: []theme.Group{
			{At: 1, Key: text, Kind: "person", Name: text, About: address, Known: true, Count: 2, Pages: []theme.PageRows{{Page: link, Rows: []theme.Row{line}}}},
			{At: 2, Key: text, Kind: "flood", Name: text, Count: 40, People: 30, Rest: 39, RestLink: address, Pages: []theme.PageRows{{Page: link, Rows: []theme.Row{other}}}},
			{At: 3, Kind: "host", Name: text, Quiet: true, Count: 1}, {At: 4, Kind: "here", Name: text, Count: 1}},
			Total: 42, Aside: 3, All: text, More: address, Now: noon},
		"decided":   theme.Kept{Shell: shell, Action: address, Here: address, Text: text, From: text, Page: text, State: "approved", States: []string{"approved", text}, Rows: []theme.Row{line}, More: address, Looked: noon, Now: noon},
		"decisions": theme.Decisions{Shell: shell, Action: address, Notice: notice, List: lines, More: address, Now: noon},
		"mention":   theme.Mentioned{Shell: shell, Action: address, Row: line, Digest: "d", Response: response, Target: link, Person: address, Replay: true, History: []theme.Event{{At: noon, Stage: "received", Note: text}, {At: noon, Stage: text, Said: text}}, List: lines, Now: noon},
		"people":    theme.People{Shell: shell, Here: address, Query: text, Tabs: []theme.Link{link}, List: []theme.Somebody{bea, {Person: theme.Person{Name: "nobody"}}}, More: address, Now: noon},
		"person":    theme.Portrait{Shell: shell, Action: address, Somebody: bea, KnownBy: []string{text}, Places: []string{text}, By: text, List: lines, Rows: []theme.Row{line}, More: address, Export: address, Erase: address, Now: noon},
		"erase":     theme.Erase{Shell: shell, Action: address, Somebody: bea, Back: address},
		"posts": theme.Posts{Shell: shell, Action: address, Compose: address, States: []string{"draft", text}, State: "draft", Words: text, Sought: true, More: address, Until: noon, Posts: []theme.PostRow{
			{Title: text, URL: address, About: address, Kind: text, State: "parked", Why: text, Date: noon, Updated: noon, Adopted: true}, {State: text}}},
		"post": theme.Post{Shell: shell, Networks: address, Outlets: []theme.Copy{{ID: "copy-1", Account: "a", Name: text, State: "refused", Note: text, URL: address, Since: noon}, {ID: "copy-2", Name: text, State: "unclear", URL: address}}, PostRow: theme.PostRow{Title: text, URL: address, About: address, Kind: "note", State: "parked", Why: text, Date: noon, Updated: noon, Adopted: true}, Action: address, Edit: address, List: address, Conversation: address,
			Created: noon, Client: text, Here: true, Channel: text, File: text, Former: []string{text}, Copies: []string{address}, Wanted: []string{text}, Again: true, Shown: true, Asks: true, Done: "save", Unsaid: 2,
			History: []theme.Event{{At: noon, Stage: "received", Note: text}, {At: noon, Stage: text, Said: text}}, Sent: []theme.Sent{{Target: address, State: "sent", Note: text, Status: 201, Location: address, At: noon}, {Target: text, Said: text}}},
		"compose": theme.Compose{Shell: shell, Action: address, New: address, URL: address, Page: address, Seen: text, Once: text, Type: "note", HTML: true, Source: true, Kept: []string{text, text}, Now: true, Draft: true, Zone: text, Slug: text,
			Types: []theme.ComposeType{{Link: link, Type: "reply"}, {Link: theme.Link{Name: text, URL: address}, Type: text}}, Zones: []theme.Option{{Value: text, Name: text, Chosen: true}}, Channels: []theme.Option{{Value: text, Name: text}}, Syndicate: []theme.Outlet{{Option: theme.Option{Value: text, Name: text, Chosen: true}, Fixed: true, Default: text}},
			Error: "changed", Detail: text, Done: "draft", Conflict: []theme.ComposeField{{Name: "content", Value: text}}, Preview: &theme.ComposePreview{HTML: text},
			Fields: []theme.ComposeField{{Name: "target", Shape: "address", Value: address, For: text, Needed: text, Hidden: true, Error: "required"}, {Name: "rsvp", Shape: "choice", Options: []theme.Option{{Value: text, Name: text, Chosen: true}}},
				{Name: "photo", Shape: "files", Files: []theme.Attachment{{URL: address, Alt: text, N: 1}}, Error: "alt"}, {Name: "video", Shape: "files", Files: []theme.Attachment{{URL: address, N: 1}}},
				{Name: "content", Shape: "text", Value: text, Must: true, Lines: 8}, {Name: "published", Shape: "moment", Value: text}}},
		"consent": theme.Consent{Shell: shell, Action: address, Client: link, ClientID: address, Redirect: address, Me: address,
			Scopes: []theme.Scope{{Name: "create", Granted: true}, {Name: text}}, Warnings: []string{"redirect", text}, Logo: address, Lives: []string{"revoked", "day"}, Tokens: address},
		"tokens": theme.Tokens{Shell: shell, Action: address, Elsewhere: text, Secret: text, Error: "granted", Lives: []string{"revoked", "month"},
			Offer: []theme.Scope{{Name: "read"}}, Tokens: []theme.Token{
				{ID: "0123456789ab", Name: text, Client: address, Scopes: []theme.Scope{{Name: "create", Granted: true}, {Name: text}}, Made: noon, Until: noon, Used: noon, From: text, Lenient: true},
				{ID: "0123456789ac", Made: noon}}},
		"signin":  theme.SignIn{Shell: shell, Command: text, Client: text, Action: address, Passphrase: true, Several: true, Me: text, Error: "wrong", Passkey: text, Site: address, Providers: []theme.Link{link}, Typed: text, Unvouched: "server"},
		"leaving": theme.Leaving{Shell: shell, Me: text, To: address}, "client": theme.Client{Shell: shell, ID: address, Redirect: address, Name: text},
		"sessions": theme.Sessions{Shell: shell, Action: address, Person: text, Role: "owner", People: []theme.Keeper{{Who: link, Role: "owner"}, {Role: "moderator"}}, Passphrase: true, Least: 12, Error: "short", Me: text, Passkeys: []theme.Passkey{{ID: text, Name: text, Created: noon, Used: noon}, {}}, NewPasskey: text,
			Browsers: []theme.Browser{{ID: text, Person: text, Agent: text, From: text, How: "link", Since: noon, Seen: noon, Current: true}, {How: text}}},
		"networks": theme.Networks{Shell: shell, Action: address, Done: "connected", Error: "address", At: "copy-1",
			Accounts: []theme.Account{{ID: "a1", Name: text, Profile: link, Way: "oauth", Stands: "closed", Since: noon, Rests: noon, Waiting: 2, Attention: 1}, {ID: "a2", Name: text, Way: "secret", Stands: "refused"}, {ID: "a3", Name: text, ByHand: true}, {ID: "a4", Name: text}, {ID: "a5", Name: text, Way: "secret", File: true, Stands: "open"}},
			Copies:   []theme.Copy{{ID: "copy-1", Account: "a1", Name: text, Post: link, State: "unclear", Note: text, URL: address, Since: noon}, {ID: "copy-2", Account: "a3", Name: text, Post: link, State: "prepared", Text: text, Composer: address}}},
		"link":       theme.SignInLink{Shell: shell, Action: address, Until: noon, Person: text},
		"status":     theme.Status{Shell: shell, Source: address, Target: address, Stage: text, Detail: text, Received: noon, Changed: noon},
		"webmention": theme.Webmention{Shell: shell, Endpoint: address, Source: text, Target: text, Error: text, Field: "target"},
		"jobs": theme.Jobs{Shell: shell, Action: address, Paused: noon, Rests: true, Kinds: []theme.JobKind{{Kind: "send", Waiting: 1, Running: 2, Parked: 3, URL: address}, {Kind: text, URL: address}}, State: "parked", Kind: "send", All: address, More: address, Done: "dropped", Number: 7, Now: noon,
			Groups: []theme.JobGroup{{Kind: "send", Jobs: []theme.Job{{ID: "1", About: text, State: "parked", Why: "final", Due: noon, Since: noon, Attempts: 3, Error: text}, {ID: "2", State: "waiting", Why: "again", Due: noon}, {ID: "3", State: "running", About: text}}}, {Kind: text, Jobs: []theme.Job{{ID: "4", State: text, Why: text}}}}},
		"settings": theme.Settings{Shell: shell, File: text, Welcome: address, Groups: []theme.SettingGroup{{Title: text, About: text, Settings: []theme.Setting{{Key: text, Value: text, From: "file", Where: text, About: text}, {Key: text, From: "default"},
			{Key: text, Secret: true, From: "environment", Where: text}, {Key: text, From: "flag", Where: text}, {Key: text, From: "derived"}}}, {}}},
		"welcome": theme.Welcome{Shell: shell, Action: address, Paused: true, Out: address, Steps: []theme.Step{
			{Name: "check", Number: 1, Skipped: true, Check: &theme.Checkup{Checked: noon, Fails: 1, Lang: "es", Points: []theme.CheckPoint{{Name: "rels", State: "fails", Seen: text, Do: text, Paste: []theme.Paste{{Title: text, Text: text}}}, {Name: text, State: text}}}},
			{Name: "trial", Number: 2, Done: true, Trial: &theme.Trial{Target: text, Begun: true, Error: "target", Stages: []theme.TrialStage{{Stage: "begun", At: noon}, {Stage: "failed", Why: "lost", Note: text, At: noon}, {Stage: text, Why: text}}}},
			{Name: "app", Number: 3, App: &theme.Connecting{Me: address, Posts: true, Tokens: address}}, {Name: "moderation", Number: 4, Moderation: &theme.Moderation{Approve: "people", Choices: []string{"people", "all", "none"}, Lines: text}}}},
		"trial": theme.TrialPage{Shell: shell, Target: address},
		"error": theme.Error{Shell: shell, Status: 404, Detail: text, Home: address, Back: address},
	}
}

// empty is every page without anything.
func empty() map[string]any {
	return map[string]any{
		"comment-page": theme.CommentPage{}, "comment": theme.Comment{}, "comment-sent": theme.CommentSent{Stage: "gone"}, "comment-confirm": theme.CommentConfirm{Withdraw: true},
		"conversation": theme.Conversation{}, "conversation-page": theme.ConversationPage{}, "mentions": theme.Mentions{}, "admin": theme.Inbox{}, "decided": theme.Kept{}, "decisions": theme.Decisions{}, "mention": theme.Mentioned{}, "people": theme.People{}, "person": theme.Portrait{Somebody: theme.Somebody{Person: theme.Person{Name: "p"}}}, "erase": theme.Erase{Done: &theme.Erased{}}, "posts": theme.Posts{}, "post": theme.Post{}, "compose": theme.Compose{Preview: &theme.ComposePreview{}}, "consent": theme.Consent{}, "tokens": theme.Tokens{},
		"signin": theme.SignIn{Unvouched: "what"}, "leaving": theme.Leaving{}, "client": theme.Client{}, "sessions": theme.Sessions{}, "networks": theme.Networks{Again: "/x", Error: "late"}, "link": theme.SignInLink{Expired: true}, "status": theme.Status{}, "webmention": theme.Webmention{StatusURL: "/-/webmention/1"}, "error": theme.Error{},
		"privacy": theme.Privacy{}, "jobs": theme.Jobs{}, "settings": theme.Settings{}, "trial": theme.TrialPage{},
		"welcome": theme.Welcome{Ended: true, Steps: []theme.Step{{Name: "check", Check: &theme.Checkup{Checking: true}}, {Name: "trial", Trial: &theme.Trial{}}, {Name: "app", App: &theme.Connecting{}}}},
	}
}

func render(t *testing.T, page string, l lang.Lang, view any) (string, *html.Node) {
	t.Helper()
	var b bytes.Buffer
	if err := theme.Render(&b, page, l, view); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), doc
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// every calls check for each page, in both languages, full and empty.
func every(t *testing.T, check func(t *testing.T, page string, l lang.Lang, body string, doc *html.Node)) {
	for _, tag := range []string{"es", "en"} {
		for name, set := range map[string]map[string]any{"full": views("Ana", "https://ana.example/x"), "empty": empty()} {
			for page, view := range set {
				t.Run(tag+"/"+name+"/"+page, func(t *testing.T) {
					l := lang.For(tag)
					body, doc := render(t, page, l, view)
					check(t, page, l, body, doc)
				})
			}
		}
	}
}

func TestPagesAreAccessible(t *testing.T) {
	every(t, func(t *testing.T, page string, l lang.Lang, _ string, doc *html.Node) {
		ids := map[string]bool{}
		var labels, refs []string
		level, main := 0, 0
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if id := attr(n, "id"); id != "" {
				if ids[id] {
					t.Errorf("id %q stands twice", id)
				}
				ids[id] = true
			}
			for _, key := range []string{"aria-labelledby", "aria-describedby"} {
				refs = append(refs, strings.Fields(attr(n, key))...)
			}
			switch n.Data {
			case "label":
				labels = append(labels, attr(n, "for"))
			case "h1", "h2", "h3", "h4", "h5", "h6":
				now := int(n.Data[1] - '0')
				if now > level+1 && !(page == "conversation" && level == 0) {
					t.Errorf("<%s> %q follows level %d", n.Data, text(n), level)
				}
				level = now
				if text(n) == "" {
					t.Errorf("<%s> is empty", n.Data)
				}
			case "main":
				main++
			case "a", "button":
				if text(n) == "" {
					t.Errorf("<%s href=%q> has no text", n.Data, attr(n, "href"))
				}
			case "img":
				if !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "alt" }) {
					t.Error("<img> without alt")
				}
			case "html":
				if page != "conversation" && attr(n, "lang") != l.Tag() {
					t.Errorf("lang: got %q, want %q", attr(n, "lang"), l.Tag())
				}
			case "ul", "ol":
				for c := range n.ChildNodes() {
					if c.Type == html.ElementNode && c.Data != "li" {
						t.Errorf("<%s> directly in a list", c.Data)
					}
				}
			}
		}
		for n := range doc.Descendants() {
			if n.Data == "input" && attr(n, "type") != "hidden" && attr(n, "aria-labelledby") == "" && !slices.Contains(labels, attr(n, "id")) {
				t.Errorf("<input name=%q> has no label", attr(n, "name"))
			}
		}
		for _, id := range append(labels, refs...) {
			if !ids[id] {
				t.Errorf("nothing has the id %q", id)
			}
		}
		if want := map[bool]int{true: 0, false: 1}[page == "conversation"]; main != want {
			t.Errorf("got %d <main>, want %d", main, want)
		}
	})
}

// No sentence is missing: its name would stand in the page.
func TestPagesHaveNoUnspokenSentences(t *testing.T) {
	key := regexp.MustCompile(`\b(shell|conversation|inbox|kind|why|consent|tokens|life|scope|warning|signin|leaving|client|unvouched|sessions|how|link|status|stage|webmention|error|ago|done|made|keys|did|state|decided|decisions|mention|event|people|trust|person|erase)\.[a-z0-9.-]+\b`)
	every(t, func(t *testing.T, _ string, _ lang.Lang, body string, doc *html.Node) {
		if found := key.FindString(text(doc)); found != "" || strings.Contains(body, "{n}") || strings.Contains(body, "{1}") {
			t.Errorf("the page says %q:\n%s", found, body)
		}
	})
}

// T-UI01, T-MF08, T-IA12, HOSTILE 29 and 30: nothing that a stranger writes runs.
func TestHostileViewsAreInert(t *testing.T) {
	breaking := `x" onmouseover="alert(1)' --></title></textarea><script>alert(1)</script><img src=x onerror=alert(1)>`
	for _, address := range []string{"javascript:alert(1)", "JaVa\tScript:alert(1)", "\x01javascript:alert(1)", "data:text/html,<script>alert(1)</script>",
		"vbscript:x", "javascript://ana.example/%0aalert(1)", "//evil.example", `/\evil.example`, `https://evil.example/" onmouseover="x`, breaking} {
		for page, view := range views(breaking, address) {
			_, doc := render(t, page, lang.For("es"), view)
			for n := range doc.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				if n.Data == "iframe" && hasAttr(n, "sandbox") && attr(n, "sandbox") == "" && attr(n, "src") == "" {
					continue // a preview: nothing runs in it, and it is of another origin
				}
				if slices.Contains([]string{"script", "iframe", "object", "embed", "base", "style"}, n.Data) {
					t.Errorf("%s with %q has a <%s>", page, address, n.Data)
				}
				for _, a := range n.Attr {
					v := strings.ToLower(strings.TrimSpace(a.Val))
					to := slices.Contains([]string{"href", "src", "action", "formaction"}, a.Key)
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" || to && regexp.MustCompile(`^[\x00-\x20]*(javascript|data|vbscript):`).MatchString(v) ||
						a.Key == "src" && (strings.HasPrefix(v, "//") || strings.HasPrefix(v, `/\`)) {
						t.Errorf("%s with %q has <%s %s=%q>", page, address, n.Data, a.Key, a.Val)
					}
				}
			}
		}
	}
}

// MF-16, MF-17: responses are marked up so that a reader of the page finds them.
func TestConversationIsMicroformats(t *testing.T) {
	view := views("Ana", "https://ana.example/x")["conversation-page"].(theme.ConversationPage)
	view.Conversation.Page = theme.Link{Name: "La mesa", URL: "https://casa.example/mesa/"}
	body, _ := render(t, "conversation-page", lang.For("es"), view)
	base, _ := url.Parse("https://casa.example/-/conversation")
	page, _, err := mf2.Parse(strings.NewReader(body), "text/html; charset=utf-8", base)
	if err != nil {
		t.Fatal(err)
	}
	entry, ok := page.Entry()
	if !ok || entry.Get("name") != "La mesa" || !slices.Contains(entry.URLs("url"), "https://casa.example/mesa/") {
		t.Errorf("h-entry: got %v %q %v", ok, entry.Get("name"), entry.URLs("url"))
	}
	for property, want := range map[string]int{"comment": 6, "like": 2, "repost": 2} {
		if got := len(entry.Properties[property]); got != want {
			t.Errorf("%s: got %d, want %d", property, got, want)
		}
	}
	comment, _ := mf2.AsItem(entry.Properties["comment"][3])
	author, _ := mf2.AsItem(comment.Properties["author"][0])
	content, _ := comment.HTML("content")
	if author.Get("name") != "Ana" || author.Get("url") != "https://ana.example/x" || author.Get("photo") != "https://ana.example/x" ||
		!strings.Contains(content, "<em>marcas</em>") || comment.Get("url") != "https://ana.example/x" || comment.Get("published") != "2026-11-21T12:00:00Z" {
		t.Errorf("comment: got %v", comment)
	}
}

// HOSTILE 36: who speaks from evil.example is not shown as from famous.example.
func TestResponseLinksToWhereItWasFound(t *testing.T) {
	for _, c := range []struct{ url, source, network, link, via string }{
		{"https://a.example/re", "https://a.example/re?utm=1", "", "https://a.example/re", "a.example"},
		{"https://www.a.example/re", "https://a.example/x", "", "https://www.a.example/re", "a.example"},
		{"https://famous.example/re", "https://evil.example/x", "", "https://evil.example/x", "evil.example"},
		{"https://social.example/1", "https://bridge.example/x", "Mastodon", "https://social.example/1", "Mastodon"},
		{"javascript:x", "https://a.example/x", "", "https://a.example/x", "a.example"},
		{"https://a.example/x", "", "", "https://a.example/x", ""},
		{"", "", "", "", ""},
	} {
		r := theme.Response{URL: c.url, Source: c.source, Network: c.network}
		if r.Link() != c.link || r.Via() != c.via {
			t.Errorf("%+v: got link %q via %q", c, r.Link(), r.Via())
		}
	}
}

func TestConversationHeadingLevel(t *testing.T) {
	for level, want := range map[int]string{0: "<h2 id=", 4: "<h4 id=", 9: "<h2 id=", -1: "<h2 id="} {
		body, _ := render(t, "conversation", lang.For("es"), theme.Conversation{Heading: level})
		if !strings.Contains(body, want) {
			t.Errorf("level %d: want %s in %s", level, want, body)
		}
	}
}

func TestErrorPages(t *testing.T) {
	for status, want := range map[int]string{400: "petición", 403: "permiso", 404: "Aquí no hay nada", 410: "ya no existe", 429: "Demasiadas", 500: "ha fallado", 503: "Ahora no", 418: "ha fallado"} {
		if body, _ := render(t, "error", lang.For("es"), theme.Error{Status: status}); !strings.Contains(body, want) {
			t.Errorf("%d: want %q in %s", status, want, body)
		}
	}
}

func TestRenderWritesNothingOnError(t *testing.T) {
	for page, view := range map[string]any{"no-such-page": nil, "admin": 42, "consent": theme.Error{}} {
		var b bytes.Buffer
		if err := theme.Render(&b, page, lang.Lang{}, view); err == nil || b.Len() > 0 {
			t.Errorf("%s: got error %v and %d bytes", page, err, b.Len())
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("Ana", "https://ana.example/", "<p>hola</p>")
	f.Add(`" onload=x`, "javascript:x", "")
	f.Add("\xff{{.}}", "//x", "</section>")
	f.Fuzz(func(t *testing.T, text, address, content string) {
		for page, view := range views(text, address) {
			if c, ok := view.(theme.Conversation); ok {
				c.Replies[0].HTML = template.HTML(content)
			}
			render(t, page, lang.For("es"), view)
		}
	})
}
