package syndicate_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
	"tertulia/internal/webtest"
)

// server is a Mastodon in memory and an account on it.
type server struct {
	*faketest.Mastodon
	door *faketest.Door
	web  *webtest.Web
	syndicate.Target
}

// onMastodon runs a test with a server, in a bubble with a clock of its own.
func onMastodon(t *testing.T, m *faketest.Mastodon, test func(*testing.T, *server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m.Host, m.Token = "social.example", "t0ken"
		s := &server{Mastodon: m, door: &faketest.Door{Next: m}, web: webtest.New(t)}
		s.web.Handle(m.Host, s.door)
		s.Target = &syndicate.Mastodon{Client: s.web.Client(), Server: "https://social.example", Token: "t0ken"}
		test(t, s)
	})
}

func publish(t *testing.T, to syndicate.Target, p syndicate.Post) syndicate.Ref {
	t.Helper()
	ref, err := to.Publish(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// A client repeats a request with an Idempotency-Key by itself when a connection it has used
// before is closed; a server that looks at no key would have two copies.
func TestMastodonSendsAStatusOnceWhateverTheClientDoes(t *testing.T) {
	m := &faketest.Mastodon{Host: "social.example", Token: "t", ForgetsKeys: true, Version: "0.19.1"}
	door := &faketest.Door{Next: m}
	s := httptest.NewServer(door)
	defer s.Close()
	to := &syndicate.Mastodon{Client: s.Client(), Server: s.URL, Token: "t"}
	publish(t, to, note("Uno"))
	door.Break(faketest.Fault{Method: "POST", Path: "/api/v1/statuses", Cut: true, Times: 2})
	if _, err := to.Publish(t.Context(), note("Dos")); err == nil {
		t.Error("a cut connection gives no error")
	}
	if n := len(m.Statuses()); n != 2 {
		t.Errorf("got %d statuses, want 2", n)
	}
}

func TestMastodonTakesLanguageWarningAndVisibility(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		p := post(entry("content", "Ha muerto el gato", "content-warning", "Spoiler de la serie", "visibility", "unlisted", "category", "televisión"))
		p.Language = "es-MX"
		ref := publish(t, s, p)
		got := s.Statuses()[0]
		want := []any{"es", "Spoiler de la serie", true, "unlisted", "Ha muerto el gato\n\n" + home + "\n\n#televisión", "https://social.example/@ana/" + ref.ID}
		if diff := cmp.Diff(want, []any{got.Language, got.Spoiler, got.Sensitive, got.Visibility, got.Text, ref.URL}); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMastodonEditsTakeAway(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		var asked []int64
		p := post(entry("content", "Hola", "content-warning", "Ojo", "photo", "/a.jpg"))
		p.Photos = []syndicate.Photo{picture("pan", &asked)}
		ref := publish(t, s, p)
		for range 2 {
			var err error
			if ref, err = s.Update(t.Context(), ref, note("Hola")); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.Statuses()[0]; got.Spoiler != "" || got.Sensitive || len(got.Media) != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestMastodonAnswersInAThread(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		theirs := s.Put(faketest.Status{Account: faketest.Person("bea"), Content: "<p>¿Vienes?</p>"})
		ref, err := s.Resolve(t.Context(), theirs.URL)
		if err != nil || ref.ID != theirs.ID || ref.URL != theirs.URL {
			t.Fatalf("got %+v, %v", ref, err)
		}
		p := post(entry("content", "Sí, voy", "in-reply-to", theirs.URL))
		p.ReplyTo = ref
		publish(t, s, p)
		got := s.Statuses()[0]
		if got.ReplyTo != theirs.ID || got.Text != "@bea@otro.example Sí, voy\n\n"+home {
			t.Errorf("got %+v", got)
		}
		p.Item = entry("content", "@bea@otro.example ya estoy")
		publish(t, s, p)
		s.Remove(theirs.ID)
		p.Key = "k-3"
		var told *syndicate.Error
		if _, err := s.Publish(t.Context(), p); !errors.As(err, &told) || !told.Refused {
			t.Errorf("an answer to what has gone: %v", err)
		}
	})
}

// T-PO04: what the server cannot find is nothing to fail of.
func TestMastodonDoesNotKnowEveryStatus(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		for _, address := range []string{"https://otro.example/@bea/9", "javascript:alert(1)", "", "https://", "bea"} {
			if ref, err := s.Resolve(t.Context(), address); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q: got %+v, %v", address, ref, err)
			}
		}
		s.door.Break(faketest.Fault{Path: "/search", Status: 403, Body: `{"error":"This action is outside the authorized scopes"}`})
		if _, err := s.Resolve(t.Context(), "https://otro.example/@bea/9"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a token that may not search: %v", err)
		}
	})
}

func TestMastodonReactionsAreReactionsThere(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		theirs := s.Put(faketest.Status{Account: faketest.Person("bea")})
		for property, did := range map[string]func(faketest.Status) bool{
			"like-of":     func(s faketest.Status) bool { return s.Favourited },
			"repost-of":   func(s faketest.Status) bool { return s.Reblogged },
			"bookmark-of": func(s faketest.Status) bool { return s.Bookmarked },
		} {
			p := post(entry(property, theirs.URL))
			p.ReplyTo = syndicate.Ref{ID: theirs.ID, URL: theirs.URL}
			stands := func() bool {
				var now faketest.Status
				for _, other := range s.All() {
					if other.ID == theirs.ID {
						now = other
					}
				}
				return did(now)
			}
			if _, err := s.Find(t.Context(), p); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: find before: %v", property, err)
			}
			ref := publish(t, s, p)
			if again := publish(t, s, p); again != ref || !stands() {
				t.Errorf("%s twice: %+v and %+v", property, ref, again)
			}
			if found, err := s.Find(t.Context(), p); err != nil || found != ref {
				t.Errorf("%s: found %+v, %v", property, found, err)
			}
			for range 2 {
				if err := s.Delete(t.Context(), ref); err != nil || stands() {
					t.Errorf("%s: taken back: %v", property, err)
				}
			}
		}
		if _, err := s.Publish(t.Context(), post(entry("like-of", "https://a.example/"))); !errors.Is(err, syndicate.ErrUnsupported) {
			t.Errorf("a like of a page elsewhere: %v", err)
		}
	})
}

// An undeleted post is a new status, although the server remembers the key of the old one.
func TestMastodonPublishesAnewWhatWasDeleted(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		first := publish(t, s, note("Hola"))
		if err := s.Delete(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if again := publish(t, s, note("Hola")); again.ID == first.ID || len(s.Statuses()) != 1 {
			t.Errorf("got %+v after %+v", again, first)
		}
	})
}

func TestMastodonFindsTheCopyAndNothingElse(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{ForgetsKeys: true}, func(t *testing.T, s *server) {
		p := post(entry("content", "Hola", "category", "pan"))
		want := publish(t, s, p)
		for i := range 90 {
			other := post(entry("content", "Mira "+home+" otra vez"))
			other.Key, other.Permalink = fmt.Sprint("k", i), fmt.Sprintf("https://ana.example/2026/%d/", i)
			publish(t, s, other)
		}
		if got, err := s.Find(t.Context(), p); err != nil || got.ID != want.ID {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		time.Sleep(9 * 24 * time.Hour) // in the bubble
		for i := range 41 {
			other := note("Más")
			other.Permalink = fmt.Sprintf("https://ana.example/2027/%d/", i)
			publish(t, s, other)
		}
		before := s.door.Seen()
		p.Permalink = "https://ana.example/nada/"
		if _, err := s.Find(t.Context(), p); !errors.Is(err, fs.ErrNotExist) || s.door.Seen()-before > 2 {
			t.Errorf("got %v after %d requests", err, s.door.Seen()-before)
		}
	})
}

func TestMastodonServersDiffer(t *testing.T) {
	for name, c := range map[string]struct {
		server *faketest.Mastodon
		want   syndicate.Idempotency
	}{
		"Mastodon":   {&faketest.Mastodon{}, syndicate.Header},
		"GoToSocial": {&faketest.Mastodon{Version: "0.19.1+git-abc"}, syndicate.Look},
		"Pleroma":    {&faketest.Mastodon{Version: "2.7.2 (compatible; Pleroma 2.9.1)", OldMedia: true}, syndicate.Header},
		"Friendica":  {&faketest.Mastodon{Version: "2.8.0 (compatible; Friendica 2024.12)"}, syndicate.Look},
		"Pixelfed":   {&faketest.Mastodon{Version: "3.5.3 (compatible; Pixelfed 0.12.5)"}, syndicate.Look},
	} {
		onMastodon(t, c.server, func(t *testing.T, s *server) {
			can, err := s.Abilities(t.Context())
			if err != nil || can.Idempotency != c.want || can.Photos != 4 {
				t.Errorf("%s: got %+v, %v", name, can, err)
			}
			before := s.door.Seen()
			s.web.Down("social.example", true)
			time.Sleep(2 * time.Hour) // in the bubble
			if again, err := s.Abilities(t.Context()); err != nil || again != can || before != 1+map[bool]int{true: 1}[c.server.OldMedia] {
				t.Errorf("%s: asked %d times, then %+v, %v", name, before, again, err)
			}
			s.web.Down("social.example", false)
			if _, err := s.Publish(t.Context(), note("Sin foto")); errors.Is(err, syndicate.ErrUnsupported) != (name == "Pixelfed") {
				t.Errorf("%s: a post without a picture: %v", name, err)
			}
		})
	}
	onMastodon(t, &faketest.Mastodon{Fixed: true}, func(t *testing.T, s *server) {
		ref := publish(t, s, note("Hola"))
		if _, err := s.Update(t.Context(), ref, note("Adiós")); !errors.Is(err, syndicate.ErrUnsupported) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a server that does not edit: %v", err)
		}
	})
}

func TestMastodonFiftyAtOnce(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				p := note("Hola")
				p.Key, p.Permalink = fmt.Sprint("k", i), fmt.Sprint(home, i)
				ref, err := s.Publish(t.Context(), p)
				if err == nil {
					_, err = s.Poll(t.Context(), ref, "")
				}
				if found, miss := s.Find(t.Context(), p); err != nil || miss != nil || found.ID != ref.ID {
					t.Errorf("%v, %v: %+v is not %+v", err, miss, found, ref)
				}
			})
		}
		all.Wait()
		asked := 0
		for _, r := range s.web.Requests("social.example") {
			if strings.Contains(r.URL, "/instance") || strings.Contains(r.URL, "/verify_credentials") {
				asked++
			}
		}
		if len(s.Statuses()) != 50 || asked != 2 {
			t.Errorf("got %d statuses, and the server was asked %d times about itself and the account", len(s.Statuses()), asked)
		}
	})
}

// A server that knows the key may fail all the same (mastodon#40399): it is looked at.
func TestMastodonAnErrorForARepeatedKeyIsUnclear(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		first := publish(t, s, note("Hola"))
		s.door.Break(faketest.Fault{Method: "POST", Path: "/api/v1/statuses", Status: 500, Body: `{"error":"An unexpected error occurred"}`})
		var told *syndicate.Error
		if _, err := s.Publish(t.Context(), note("Hola")); !errors.As(err, &told) || !told.Unclear {
			t.Errorf("got %v", err)
		}
		if found, err := s.Find(t.Context(), note("Hola")); err != nil || found.ID != first.ID {
			t.Errorf("got %+v, %v", found, err)
		}
	})
}

func TestMastodonSaysWhoseAccountItIs(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		got, err := s.Target.(syndicate.Connector).Who(t.Context())
		want := syndicate.Author{Name: "Ana", Handle: "ana@social.example", URL: "https://social.example/@ana"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}
