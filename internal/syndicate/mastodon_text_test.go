package syndicate_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
)

// A handle names somebody on the reader's own server unless it says where: one that is linked is
// written in full, or without its sign.
func TestMastodonNamesWhomALinkLeadsTo(t *testing.T) {
	for markup, want := range map[string]string{
		`<a href="https://otro.example/@bea">@bea</a>`:              "@bea@otro.example",
		`<a href="https://otro.example/@bea">@bea@otro.example</a>`: "@bea@otro.example",
		`<a href="https://otro.example/users/Bea/">@bea</a>`:        "@Bea@otro.example",
		`<a href="https://x.example/bea">@bea</a>`:                  "bea (https://x.example/bea)",
		`<a href="https://otro.example/@carla">@bea</a>`:            "bea (https://otro.example/@carla)",
		`<a href="https://otro.example:8443/@bea">@bea</a>`:         "bea (https://otro.example:8443/@bea)",
		`<a href="https://otro.example/@bea/123">@bea</a>`:          "bea (https://otro.example/@bea/123)",
		`<a href="https://otro.example/@bea">Bea</a>`:               "Bea (https://otro.example/@bea)",
	} {
		onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
			publish(t, s, post(entry("content", map[string]any{"html": markup})))
			if diff := cmp.Diff(want+"\n\n"+home, s.Statuses()[0].Text); diff != "" {
				t.Errorf("%s: %s", markup, diff)
			}
		})
	}
}

// What is as long as a server allows is taken by it, and says so when it is shortened.
func TestMastodonStatusesAreAsLongAsTheServerTakes(t *testing.T) {
	for _, m := range []*faketest.Mastodon{{}, {Characters: 200}, {Characters: 5000, Version: "0.19.1"}} {
		onMastodon(t, m, func(t *testing.T, s *server) {
			publish(t, s, post(entry("content", strings.Repeat("educación https://otro.example/un/camino/largo/de/verdad 👩‍👩‍👧 ", 200), "content-warning", "Largo", "category", "pan")))
			if text := s.Statuses()[0].Text; !strings.HasSuffix(text, "…\n\n"+home+"\n\n#pan") {
				t.Errorf("…%s", text[len(text)-80:])
			}
		})
	}
}

func TestANetworkThatHasMovedIsNotFollowedWithAPost(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		for _, status := range []int{301, 302, 303, 307, 308} {
			s.door.Break(faketest.Fault{Method: "POST", Status: status, Header: map[string]string{"Location": "https://social.example/api/v2/instance"}})
			var told *syndicate.Error
			if _, err := s.Publish(t.Context(), note("Hola")); !errors.As(err, &told) || !told.Refused || told.Unclear {
				t.Errorf("%d: got %v", status, err)
			}
		}
	})
}

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{}, func(t *testing.T, s *server) {
		for name, c := range map[string]struct {
			header map[string]string
			want   time.Duration
		}{
			"seconds":   {map[string]string{"Retry-After": "90"}, 90 * time.Second},
			"a date":    {map[string]string{"Retry-After": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, time.Hour},
			"the past":  {map[string]string{"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0},
			"for ever":  {map[string]string{"Retry-After": "99999999999"}, 24 * time.Hour},
			"less":      {map[string]string{"Retry-After": "-5"}, 0},
			"nonsense":  {map[string]string{"Retry-After": "mañana"}, 0},
			"a reset":   {map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": time.Now().Add(5 * time.Minute).UTC().Format(time.RFC3339)}, 5 * time.Minute},
			"some left": {map[string]string{"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": time.Now().Add(5 * time.Minute).UTC().Format(time.RFC3339)}, 0},
		} {
			s.door.Break(faketest.Fault{Method: "POST", Status: 429, Header: c.header})
			var told *syndicate.Error
			if _, err := s.Publish(t.Context(), note("Hola")); !errors.As(err, &told) || told.After != c.want {
				t.Errorf("%s: got %+v, want %v", name, told, c.want)
			}
		}
	})
}
