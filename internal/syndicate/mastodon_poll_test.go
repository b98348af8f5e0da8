package syndicate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
)

func poll(t *testing.T, s *server, ref syndicate.Ref) syndicate.Answers {
	t.Helper()
	got, err := s.Poll(t.Context(), ref, "")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// said is what came in, in a line each.
func said(a syndicate.Answers) (lines []string) {
	for _, one := range a.List {
		lines = append(lines, one.Type+" "+one.Author.Handle+" "+one.HTML+" → "+one.Parent)
	}
	return lines
}

func TestMastodonAnswersComeHome(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		ref := publish(t, s, note("¿Quién viene?"))
		if diff := cmp.Diff(syndicate.Answers{Complete: []string{"reply", "like", "repost", "mention"}}, poll(t, s, ref)); diff != "" {
			t.Errorf("nobody yet: %s", diff)
		}
		bea, carla := faketest.Person("bea"), faketest.Person("carla")
		bea.DisplayName, bea.Avatar = "Bea", "https://otro.example/bea.jpg"
		reply := s.Put(faketest.Status{Account: bea, ReplyTo: ref.ID, Language: "es", EditedAt: time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC),
			Content: `<p><span class="h-card" translate="no"><a href="https://social.example/@ana" class="u-url mention">@<span>ana</span></a></span> yo &amp; mi perro</p>`,
			Media:   []*faketest.Media{{Type: "image", URL: "https://otro.example/perro.jpg"}, {Type: "image", URL: "javascript:alert(1)"}, {Type: "video", URL: "https://otro.example/v.mp4"}}})
		below := s.Put(faketest.Status{Account: carla, ReplyTo: reply.ID, Content: "<p>y yo</p>", Spoiler: "<spoiler>"})
		s.Put(faketest.Status{Account: s.Ana(), ReplyTo: below.ID, Content: "<p>Gracias</p>"})
		for _, visibility := range []string{"unlisted", "private", "direct"} {
			s.Put(faketest.Status{Account: carla, ReplyTo: ref.ID, Content: "no", Visibility: visibility})
		}
		quote := s.Put(faketest.Status{Account: carla, Content: "mirad"})
		s.React(ref.ID, []faketest.Account{bea, carla}, []faketest.Account{carla}, quote.ID)
		got := poll(t, s, ref)
		want := []string{
			"reply bea@otro.example <p>yo &amp; mi perro</p> → " + ref.ID,
			"reply carla@otro.example <p><strong>&lt;spoiler&gt;</strong></p><p>y yo</p> → " + reply.ID,
			"reply ana@social.example <p>Gracias</p> → " + below.ID,
			"like bea@otro.example  → " + ref.ID, "like carla@otro.example  → " + ref.ID, "repost carla@otro.example  → " + ref.ID,
			"mention carla@otro.example mirad → " + ref.ID,
		}
		if diff := cmp.Diff(want, said(got)); diff != "" {
			t.Error(diff)
		}
		first := got.List[0]
		if diff := cmp.Diff(syndicate.Author{Name: "Bea", Handle: "bea@otro.example", URL: "https://otro.example/@bea", Photo: "https://otro.example/bea.jpg"}, first.Author); diff != "" {
			t.Error(diff)
		}
		if first.Edited.IsZero() || first.Language != "es" || first.URL != reply.URL || !slices.Equal(first.Photos, []string{"https://otro.example/perro.jpg"}) {
			t.Errorf("got %+v", first)
		}
		if like := got.List[3]; like.URL != ref.URL+"#favorited-by-p-bea" || like.ID != ref.ID+"#favorited-by-p-bea" {
			t.Errorf("got %+v", like)
		}
	})
}

// What has gone from a thread is looked up: under a deleted answer others still stand.
func TestMastodonLooksAnAnswerUp(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		ref := publish(t, s, note("¿Quién viene?"))
		reply := s.Put(faketest.Status{Account: faketest.Person("bea"), ReplyTo: ref.ID, Content: "yo"})
		below := s.Put(faketest.Status{Account: faketest.Person("carla"), ReplyTo: reply.ID, Content: "y yo"})
		s.Remove(reply.ID)
		if got := poll(t, s, ref); len(got.List) != 0 {
			t.Errorf("got %v", said(got))
		}
		if _, err := s.Look(t.Context(), syndicate.Ref{ID: reply.ID}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a deleted answer: %v", err)
		}
		if got, err := s.Look(t.Context(), syndicate.Ref{ID: below.ID}); err != nil || got.HTML != "y yo" || got.Type != "reply" {
			t.Errorf("got %+v, %v", got, err)
		}
		below.Visibility = "private"
		s.Put(below)
		if _, err := s.Look(t.Context(), syndicate.Ref{ID: below.ID}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an answer that is no longer for everybody: %v", err)
		}
	})
}

// Who has asked to be left alone is.
func TestMastodonHonoursOptOuts(t *testing.T) {
	yes, no := true, false
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		ref := publish(t, s, note("¿Quién viene?"))
		var all []faketest.Account
		for name, change := range map[string]func(*faketest.Account){
			"locked": func(a *faketest.Account) { a.Locked = true }, "hidden": func(a *faketest.Account) { a.Discoverable = &no },
			"noindex": func(a *faketest.Account) { a.NoIndex = &yes },
			"nobot":   func(a *faketest.Account) { a.Note = `<p>Hola <a href="/tags/nobot">#<span>NoBot</span></a></p>` },
			"willing": func(a *faketest.Account) { a.Discoverable, a.NoIndex, a.Note = &yes, &no, "#nobotella" },
		} {
			a := faketest.Person(name)
			change(&a)
			all = append(all, a)
			s.Put(faketest.Status{Account: a, ReplyTo: ref.ID, Content: "yo"})
		}
		s.React(ref.ID, all, all, "")
		for _, line := range said(poll(t, s, ref)) {
			if !strings.Contains(line, "willing@") {
				t.Errorf("shown: %s", line)
			}
		}
		if n := len(poll(t, s, ref).List); n != 3 {
			t.Errorf("got %d answers of the willing one, want 3", n)
		}
	})
}

func TestMastodonReadsLikesToTheLast(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		ref := publish(t, s, note("Hola"))
		var many []faketest.Account
		for i := range 1000 {
			many = append(many, faketest.Person(fmt.Sprint("p", i)))
		}
		s.React(ref.ID, many[:200], nil, "")
		if got := poll(t, s, ref); len(got.List) != 200 || !slices.Contains(got.Complete, "like") {
			t.Errorf("got %d, complete %v", len(got.List), got.Complete)
		}
		s.React(ref.ID, many, nil, "")
		if got := poll(t, s, ref); len(got.List) != 800 || slices.Contains(got.Complete, "like") {
			t.Errorf("got %d, complete %v", len(got.List), got.Complete)
		}
	})
}

func TestMastodonIsLeftAloneWhenItAsks(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		ref := publish(t, s, note("Hola"))
		s.door.Break(faketest.Fault{Path: "/context", Slow: 1, Header: map[string]string{"X-RateLimit-Remaining": "0",
			"X-RateLimit-Reset": time.Now().Add(5 * time.Minute).UTC().Format(time.RFC3339Nano)}})
		if got := poll(t, s, ref); got.Wait < 4*time.Minute || got.Wait > 5*time.Minute {
			t.Errorf("wait %v", got.Wait)
		}
		s.door.Break(faketest.Fault{Path: "/context", Times: 2, Slow: 1, Header: map[string]string{"Mastodon-Async-Refresh": `id="x", retry=3`}})
		began := time.Now()
		got := poll(t, s, ref)
		if waited := time.Since(began); waited < 3*time.Second || waited > 4*time.Second || slices.Contains(got.Complete, "reply") {
			t.Errorf("asked again after %v, complete %v", waited, got.Complete)
		}
	})
}

// An answer that is cut off, or has something unreadable in it, is as good as its beginning.
func TestMastodonReadsTheBeginningOfAThread(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		ref := publish(t, s, note("Hola"))
		one, err := json.Marshal(faketest.Status{ID: "7", URL: "https://otro.example/7", Visibility: "public", Account: faketest.Person("bea")})
		if err != nil {
			t.Fatal(err)
		}
		for body, want := range map[string]int{
			`{"ancestors":[],"descendants":[` + string(one) + `,{"id":`:                             1,
			`{"ancestors":[],"descendants":[` + string(one) + `,{"id":"8","url":[]},` + string(one): 2,
			`{"descendants":[` + strings.Repeat(string(one)+",", 6000) + string(one) + `]}`:         5000,
		} {
			s.door.Break(faketest.Fault{Path: "/context", Body: body})
			if got := poll(t, s, ref); len(got.List) != want || slices.Contains(got.Complete, "reply") {
				t.Errorf("%.60s: got %d answers, complete %v", body, len(got.List), got.Complete)
			}
		}
		for _, body := range []string{"", "[]", "{}", `{"descendants":{}}`, `{"descendants":[7]}`} {
			s.door.Break(faketest.Fault{Path: "/context", Body: body + " "})
			var told *syndicate.Error
			if got, err := s.Poll(t.Context(), ref, ""); !errors.As(err, &told) || told.Refused || slices.Contains(got.Complete, "reply") {
				t.Errorf("%q: got %v, %v", body, said(got), err)
			}
		}
	})
}

// babble answers everything with the same.
type babble struct {
	status int
	body   string
	link   string
}

func (b babble) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: b.status, Request: r, Header: http.Header{"Link": {b.link}, "Location": {b.link}, "Retry-After": {b.link}},
		Body: io.NopCloser(strings.NewReader(b.body))}, nil
}

// Whatever a network says, what comes of it is an error or addresses on the web.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"id":"1","descendants":[{"id":"2","url":"https://a.example/2","visibility":"public","account":{"id":"3","url":"https://a.example/@b"}}],"favourites_count":1}`, `<https://a.example/?max_id=3>; rel="next"`)
	f.Add(200, `[{"id":2,"url":"javascript:x","content":"<p><a href=\"https://ana.example/\">x"}]`, "https://a.example/1")
	f.Add(429, `{"ok":false,"parameters":{"retry_after":99999999999}}`, "99999999999")
	f.Add(201, `{"ok":true,"result":{"message_id":5,"chat":{"username":"../x"}}}`, "Thu, 01 Jan 2099 00:00:00 GMT")
	f.Add(400, `{"error":["x"],"error_description":"no_link_found"}`, `</x>; rel=webmention`)
	f.Fuzz(func(t *testing.T, status int, body, header string) {
		synctest.Test(t, func(t *testing.T) {
			client := &http.Client{Transport: babble{100 + abs(status)%500, body, header}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			for _, to := range []syndicate.Target{
				&syndicate.Mastodon{Client: client, Server: "https://a.example"}, &syndicate.Micropub{Client: client, Endpoint: "https://a.example/micropub"},
				&syndicate.Telegram{Client: client, Token: "1:x", Channel: "@x"}, &syndicate.IndieNews{Client: client, List: "https://a.example/es"},
			} {
				sane(t, to)
			}
		})
	})
}

func sane(t *testing.T, to syndicate.Target) {
	web := func(what, address string) {
		if address != "" && !strings.HasPrefix(strings.ToLower(address), "http://") && !strings.HasPrefix(strings.ToLower(address), "https://") {
			t.Errorf("%T: %s is %q", to, what, address)
		}
	}
	fine := func(ref syndicate.Ref, err error) {
		web("a copy's address", ref.URL)
		var told *syndicate.Error
		if errors.As(err, &told) && (told.After < 0 || told.After > 24*time.Hour || strings.ContainsAny(err.Error(), "\n\x1b")) {
			t.Errorf("%T: %+v: %q", to, told, err)
		}
		if err == nil && ref.ID == "" {
			t.Errorf("%T: neither a copy nor an error", to)
		}
	}
	p := note("Hola")
	fine(to.Publish(t.Context(), p))
	fine(to.Find(t.Context(), p))
	fine(to.Update(t.Context(), syndicate.Ref{ID: "1", URL: "https://a.example/1"}, p))
	fine(to.Resolve(t.Context(), "https://b.example/1"))
	answers, err := to.Poll(t.Context(), syndicate.Ref{ID: "1", URL: "https://a.example/1"}, "")
	if answers.Wait < 0 || answers.Wait > 24*time.Hour {
		t.Errorf("%T: %+v, %v", to, answers, err)
	}
	for _, a := range answers.List {
		web("an answer's address", a.URL)
		web("an author's address", a.Author.URL)
		web("a picture", a.Author.Photo)
		for _, photo := range a.Photos {
			web("a picture", photo)
		}
		if a.ID == "" || a.URL == "" || a.Author.URL == "" || a.Type == "" {
			t.Errorf("%T: an answer without its parts: %+v", to, a)
		}
	}
	if who, ok := to.(syndicate.Connector); ok {
		author, _ := who.Who(t.Context()) // an error is as good
		web("the account's address", author.URL)
	}
}
