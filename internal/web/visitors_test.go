package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"tertulia/internal/site"
)

// Somebody signs in with their own site, sees what they are about to say, and says it: as a
// person, whom the owner approves once.
func TestCommentSignedIn(t *testing.T) {
	inTalk(t, func(w *world) {
		post, s := w.post("Base camp", "hello"), w.bea()
		s.page = `<link rel="indieauth-metadata" href="/metadata"><div class="h-card"><a class="u-url u-uid p-name" rel="me" href="/">Bea Vidal</a></div>`
		secrets := map[string]string{}
		say := func(words string) answer {
			v := w.visitor()
			form := w.filled(post, words)
			form.Set("how", "signin")
			form.Set("url", "bea.example")
			to := parse(t, refresh(v.post(comment, form)))
			w.restart() // the text is safe
			at := s.visitorYes(to)
			secrets["the state"], secrets["the code"] = to.Query().Get("state"), parse(t, at).Query().Get("code")
			a := v.get(at)
			next := a.header.Get("Location")
			if a.status != 303 || a.header.Get("Referrer-Policy") != "no-referrer" || !strings.HasPrefix(next, "/-/comment/as/") {
				t.Fatalf("back: got %d, %v: %s", a.status, a.header, a.body)
			}
			secrets["the handover"] = strings.TrimPrefix(next, "/-/comment/as/")
			w.restart()
			a = v.get("https://ana.example" + next)
			inert(t, "confirm", a.body)
			if a.status != 200 || !strings.Contains(a.body, "Bea Vidal") || !strings.Contains(a.body, html.EscapeString(words)) || a.header.Get("Referrer-Policy") != "no-referrer" {
				t.Fatalf("confirm: got %d: %s", a.status, a.body)
			}
			first := v.post("https://ana.example"+next, nil)
			if again := v.post("https://ana.example"+next, nil); again.status != 303 || again.header.Get("Location") != first.header.Get("Location") {
				t.Errorf("twice: got %d, %v", again.status, again.header)
			}
			if len(v.client.Jar.Cookies(parse(t, comment))) > 0 {
				t.Error("a cookie is set")
			}
			return first
		}
		if a := say("I <agree>."); a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), comment+"/sent") {
			t.Fatalf("got %d, %v", a.status, a.header)
		}
		id := w.waiting()
		m, err := w.ana().Conversation.Mention(w.Context(), id)
		if err != nil || m.Why != site.WhyPerson || m.Shown.Person == "" || m.Shown.Author.URL != bea || m.Shown.Author.Name != "Bea Vidal" {
			t.Errorf("got %+v, %v", m, err)
		}
		w.decide(id, "approve")
		a := say("And once more.")
		at := a.header.Get("Location")
		if a.status != 303 || !strings.HasPrefix(at, comment+"/") || strings.HasPrefix(at, comment+"/sent") {
			t.Fatalf("of somebody who is trusted: got %d, %v", a.status, a.header)
		}
		page := w.visitor().get(at)
		if page.status != 200 || !strings.Contains(page.body, "And once more.") {
			t.Errorf("its permalink: got %d: %s", page.status, page.body)
		}
		if err := w.ana().Mentions.DecideAuthor(w.Context(), "test", id, site.Blocked); err != nil {
			t.Fatal(err)
		}
		if a := w.visitor().get(at); a.status == 200 {
			t.Error("a blocked person's comment is shown")
		}
		if a := say("Let me in!"); a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), comment+"/sent") {
			t.Errorf("of somebody who is blocked: got %d, %v", a.status, a.header)
		}
		if body := w.visitor().get(post).body; strings.Contains(body, "agree") || strings.Contains(body, "let me in") {
			t.Error("a blocked person's comments are shown")
		}
		w.hides(bea, secrets)
	})
}

// restart ends what is only in memory.
func (w *world) restart() { w.talk() }

func refresh(a answer) string {
	_, to, _ := strings.Cut(a.header.Get("Refresh"), "url=")
	return to
}

// visitorYes is yes to a site where somebody replies.
func (s *theirs) visitorYes(to *url.URL) string {
	s.Helper()
	q := to.Query()
	if q.Get("redirect_uri") != visitorBack || q.Get("client_id") != comment+"/client" || q.Has("scope") || q.Get("code_challenge") == "" {
		s.Fatalf("she is asked %v", q)
	}
	code := fmt.Sprintf("code-%d-of-a-visitor", len(s.codes)+len(s.redeemed))
	s.codes[code] = q
	return visitorBack + "?" + url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {bea}}.Encode()
}

// HOSTILE 64: whatever a server answers that does not prove who somebody is, nothing is said in
// anybody's name, and what was typed is still there.
func TestVisitorsWhoAreNotVouchedFor(t *testing.T) {
	edit := func(at, name, value string) string {
		u, _ := url.Parse(at)
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, c := range map[string]struct {
		prefer func(s *theirs)
		back   func(s *theirs, at string) string
		says   string
		lost   bool // the flow is not known at all
	}{
		"another state":   {nil, func(_ *theirs, at string) string { return edit(at, "state", "x") }, "", true},
		"two states":      {nil, func(_ *theirs, at string) string { return at + "&state=x" }, "does not belong", false},
		"another issuer":  {nil, func(_ *theirs, at string) string { return edit(at, "iss", "https://evil.example/") }, "does not belong", false},
		"no":              {nil, func(_ *theirs, at string) string { return edit(at, "error", "access_denied") }, "answer was no", false},
		"me of another":   {func(s *theirs) { s.me = "https://ana.example/" }, nil, "may not speak", false},
		"me is a list":    {func(s *theirs) { s.me = []string{bea} }, nil, "may not speak", false},
		"no JSON":         {func(s *theirs) { s.answer = "me" }, nil, "did not confirm", false},
		"500":             {func(s *theirs) { s.status = 500 }, nil, "did not confirm", false},
		"a code of other": {nil, func(s *theirs, at string) string { s.codes = map[string]url.Values{}; return at }, "did not confirm", false},
		"late":            {nil, func(_ *theirs, at string) string { time.Sleep(2 * time.Hour); return at }, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			inTalk(t, func(w *world) {
				post, s, v := w.post("Base camp", "hello"), w.bea(), w.visitor()
				if c.prefer != nil {
					c.prefer(s)
				}
				form := w.filled(post, "A thought")
				form.Set("how", "signin")
				form.Set("url", bea)
				at := s.visitorYes(parse(t, refresh(v.post(comment, form))))
				if c.back != nil {
					at = c.back(s, at)
				}
				a := v.get(at)
				if c.lost {
					if a.status != 400 {
						t.Errorf("got %d, %v", a.status, a.header)
					}
					return
				}
				next := "https://ana.example" + a.header.Get("Location")
				a = v.get(next, "Accept-Language", "en")
				if a.status != 200 || !strings.Contains(a.body, c.says) || w.fields(a).Get("content") != "A thought" {
					t.Errorf("got %d: %s", a.status, a.body)
				}
				if a := v.post(next, nil); a.status != 404 {
					t.Errorf("said all the same: %d", a.status)
				}
				if list, _, err := w.ana().Conversation.Waiting(w.Context(), "", 10); err != nil || len(list) > 0 {
					t.Errorf("something waits: %+v, %v", list, err)
				}
			})
		})
	}
}

// Two who are on their way at once do not get each other's words, and an answer counts once, of
// however many; a look with HEAD uses nothing up.
func TestVisitorsAreNotMistaken(t *testing.T) {
	inTalk(t, func(w *world) {
		post, s := w.post("Base camp", "hello"), w.bea()
		begin := func(words string) *url.URL {
			form := w.filled(post, words)
			form.Set("how", "signin")
			form.Set("url", bea)
			return parse(t, refresh(w.visitor().post(comment, form)))
		}
		one, two := begin("One"), begin("Two")
		first, second := s.visitorYes(one), s.visitorYes(two)
		// The code of one with the state of the other.
		swapped := parse(t, first)
		q := swapped.Query()
		q.Set("code", parse(t, second).Query().Get("code"))
		swapped.RawQuery = q.Encode()
		a := w.visitor().get(swapped.String())
		a = w.visitor().get("https://ana.example"+a.header.Get("Location"), "Accept-Language", "en")
		if w.fields(a).Get("content") != "One" || !strings.Contains(a.body, "did not confirm") {
			t.Errorf("swapped: %d %s", a.status, a.body)
		}
		three := s.visitorYes(begin("Three"))
		if a := w.visitor().do("HEAD", three, ""); a.status != 200 {
			t.Errorf("HEAD: %d", a.status)
		}
		answers := make(chan string, 20)
		for range 20 {
			go func() { answers <- w.visitor().get(three).header.Get("Location") }()
		}
		signed := 0
		for range 20 {
			to := <-answers
			if to == "" {
				continue
			}
			if a := w.visitor().get("https://ana.example" + to); a.status == 200 && !strings.Contains(a.body, "tertulia-comment") {
				signed++
			}
		}
		if signed != 1 {
			t.Errorf("%d of twenty are signed in", signed)
		}
	})
}

// A server that confirms who somebody is without TLS makes nobody known: anybody in between
// could have said it.
func TestVisitorsWithoutTLSAreNobody(t *testing.T) {
	inTalk(t, func(w *world) {
		post, s, v := w.post("Base camp", "hello"), w.bea(), w.visitor()
		s.me = "http://bea.example/"
		form := w.filled(post, "A thought")
		form.Set("how", "signin")
		form.Set("url", bea)
		a := v.get(s.visitorYes(parse(t, refresh(v.post(comment, form)))))
		v.post("https://ana.example"+a.header.Get("Location"), nil)
		if m, err := w.ana().Conversation.Mention(w.Context(), w.waiting()); err != nil || m.Shown.Person != "" {
			t.Errorf("got %+v, %v", m, err)
		}
	})
}

// Who has signed in for a comment takes it back by signing in again; nobody else does.
func TestCommentTakenBack(t *testing.T) {
	inTalk(t, func(w *world) {
		post, s, v := w.post("Base camp", "hello"), w.bea(), w.visitor()
		form := w.filled(post, "A thought")
		form.Set("how", "signin")
		form.Set("url", bea)
		a := v.get(s.visitorYes(parse(t, refresh(v.post(comment, form)))))
		v.post("https://ana.example"+a.header.Get("Location"), nil)
		id := w.waiting()
		w.decide(id, "approve")
		at := comment + "/" + id
		if a := v.get(at); !strings.Contains(a.body, `action="`+at+`"`) {
			t.Errorf("it cannot be taken back: %s", a.body)
		}
		ask := func() answer {
			to := parse(t, refresh(v.post(at, nil)))
			a := v.get(s.visitorYes(to))
			return v.post("https://ana.example"+a.header.Get("Location"), nil)
		}
		s.me = bea + "else"
		s.page = `<link rel="indieauth-metadata" href="/metadata">`
		if a := ask(); a.status != 403 || v.get(at).status != 200 {
			t.Errorf("by somebody else: got %d", a.status)
		}
		s.me = bea
		if a := ask(); a.status != 200 || v.get(at).status != 410 {
			t.Errorf("by its author: got %d: %s", a.status, a.body)
		}
		if body := v.get(post).body; strings.Contains(body, "A thought") {
			t.Error("it is still shown")
		}
		if a := v.post(at, nil); a.status != 410 {
			t.Errorf("once more: got %d", a.status)
		}
		// Said again it is another comment, and Bea is trusted by now.
		time.Sleep(time.Hour)
		form = w.filled(post, "A thought")
		form.Set("how", "signin")
		form.Set("url", bea)
		a = v.get(s.visitorYes(parse(t, refresh(v.post(comment, form)))))
		a = v.post("https://ana.example"+a.header.Get("Location"), nil)
		if to := a.header.Get("Location"); to == at || v.get(to).status != 200 {
			t.Errorf("said again: %q", to)
		}
		// A month later nothing is left of the first.
		time.Sleep(31 * 24 * time.Hour)
		if err := w.jobs.Review(w.Context()); err != nil {
			t.Fatal(err)
		}
		if a := v.get(at); a.status != 404 {
			t.Errorf("a month later: got %d", a.status)
		}
		anonymous := w.filled(post, "Another thought")
		if a := w.visitor().post(comment, anonymous); a.status != 303 {
			t.Fatalf("got %d", a.status)
		}
		id = w.waiting()
		w.decide(id, "approve")
		if a := v.post(comment+"/"+id, nil); a.status != 404 || strings.Contains(v.get(comment+"/"+id).body, `method="post"`) {
			t.Errorf("of nobody who signed in: got %d", a.status)
		}
	})
}

// What somebody else's server is told of us names the address that browsers come back to.
func TestVisitorClient(t *testing.T) {
	inTalk(t, func(w *world) {
		var said map[string]any
		if err := json.Unmarshal([]byte(w.visitor().get(comment+"/client").body), &said); err != nil {
			t.Fatal(err)
		}
		got := []any{said["client_id"], said["redirect_uris"]}
		if diff := cmp.Diff([]any{comment + "/client", []any{visitorBack}}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if a := w.visitor().get(comment+"/client", "Accept", "text/html"); a.status != 200 || !strings.Contains(a.body, "h-app") {
			t.Errorf("got %d: %s", a.status, a.body)
		}
		if err := w.ana().Comments.Client.Validate(); err != nil {
			t.Error(err)
		}
		if a := w.visitor().do("DELETE", comment, ""); a.status != http.StatusMethodNotAllowed {
			t.Errorf("DELETE: %d", a.status)
		}
	})
}
