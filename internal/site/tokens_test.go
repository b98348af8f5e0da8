package site_test

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/site"
)

// issued makes a token of an application's, as signing in with it does.
func issued(t *testing.T, w *world, client string, scopes ...string) (secret, id string) {
	t.Helper()
	server := indieauth.Server{Me: w.site.Me(), Storage: &site.Access{Site: w.site, DB: w.db}}
	secret, err := server.Issue(t.Context(), client, scopes)
	if err != nil {
		t.Fatal(err)
	}
	return secret, indieauth.Hash(secret)[:12]
}

// The owner takes permissions away one by one, and never gives more this way.
func TestTokensAreNarrowed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access := &site.Access{Site: w.site, DB: w.db}
		secret, id := issued(t, w, "https://editor.example/", "create", "delete", "media", "invented")
		for _, scopes := range [][]string{nil, {"update"}, {"create", "update"}, {"CREATE"}, {""}} {
			if err := access.NarrowBy(t.Context(), id, scopes); !errors.Is(err, site.ErrNotGranted) {
				t.Errorf("narrow to %q: %v, want ErrNotGranted", scopes, err)
			}
		}
		if err := access.NarrowBy(t.Context(), id, []string{"media", "create"}); err != nil {
			t.Fatal(err)
		}
		g, err := access.Grant(t.Context(), secret)
		if err != nil || !slices.Equal(g.Scopes, []string{"create", "media"}) {
			t.Errorf("after narrowing: %v, %v", g.Scopes, err)
		}
		if err := access.NarrowBy(t.Context(), id, []string{"delete"}); !errors.Is(err, site.ErrNotGranted) {
			t.Errorf("what was taken away came back: %v", err)
		}
		for _, unknown := range []string{"", "zzzzzzzzzzzz", id[:5]} {
			if err := access.NarrowBy(t.Context(), unknown, []string{"create"}); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("narrow %q: %v", unknown, err)
			}
		}
	})
}

// The last use is known to the hour, and where it came from to the network; fifty requests
// at once write it down like one.
func TestLastUseIsWrittenOnceAnHour(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access := &site.Access{Site: w.site, DB: w.db}
		secret, id := issued(t, w, "https://editor.example/", "create")
		from := func(address string) context.Context {
			return site.WithSender(t.Context(), netip.MustParseAddr(address))
		}
		began := w.db.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := access.Grant(from("198.51.100.7"), secret); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		used := func() indieauth.Token {
			token, err := access.TokenBy(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		if u := used(); u.LastUsed.Before(began) || u.LastFrom != "198.51.100.0/24" {
			t.Errorf("used %v from %q", u.LastUsed, u.LastFrom)
		}
		first := used().LastUsed
		pass(59 * time.Minute)
		if _, err := access.Grant(from("2001:db8:1:2::3"), secret); err != nil || !used().LastUsed.Equal(first) {
			t.Errorf("within the hour it was written again: %v, %v", used().LastUsed, err)
		}
		pass(2 * time.Minute)
		if _, err := access.Grant(from("2001:db8:1:2::3"), secret); err != nil || used().LastFrom != "2001:db8:1::/48" || !used().LastUsed.After(first) {
			t.Errorf("an hour later: %v from %q, %v", used().LastUsed, used().LastFrom, err)
		}
		// Who is not told does not matter, and a revoked token is not revived.
		pass(2 * time.Hour)
		if _, err := access.Grant(t.Context(), secret); err != nil || used().LastFrom != "" {
			t.Errorf("without a sender: %q, %v", used().LastFrom, err)
		}
		if err := access.RevokeBy(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Hour)
		if _, err := access.Grant(t.Context(), secret); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("revoked: %v", err)
		}
		if all, err := access.Tokens(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("a use has revived it: %v, %v", all, err)
		}
	})
}

// SPECS D1: what the owner says of a client counts more than the settings, and for the
// token that it gets the next time as well.
func TestLenienceBelongsToTheClient(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.site.Lenient = []string{"https://quill.example/"}
		access := &site.Access{Site: w.site, DB: w.db}
		want := func(secret string, lenient bool) {
			t.Helper()
			if g, err := access.Grant(t.Context(), secret); err != nil || g.Lenient != lenient {
				t.Errorf("got lenient %v, %v, want %v", g.Lenient, err, lenient)
			}
		}
		quill, quillID := issued(t, w, "https://quill.example/", "create")
		other, otherID := issued(t, w, "https://other.example/", "create")
		script, err := access.NewToken(t.Context(), "script", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		another, err := access.NewToken(t.Context(), "another", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		want(quill, true)
		want(other, false)
		for id, allow := range map[string]bool{quillID: false, otherID: true, indieauth.Hash(script): true} {
			if err := access.LetTwice(t.Context(), id, allow); err != nil {
				t.Fatal(err)
			}
		}
		want(quill, false)
		want(other, true)
		want(script, true)
		want(another, false)
		if err := access.RevokeBy(t.Context(), otherID); err != nil {
			t.Fatal(err)
		}
		next, _ := issued(t, w, "https://other.example/", "create")
		want(next, true)
	})
}

// A token ends when it was said that it would.
func TestTokensEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access := &site.Access{Site: w.site, DB: w.db}
		secret, err := access.NewTokenFor(t.Context(), "month", []string{"read"}, 30*24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		pass(30*24*time.Hour - time.Minute)
		if g, err := access.Grant(t.Context(), secret); err != nil || strings.Join(g.Scopes, " ") != "read" {
			t.Errorf("before its end: %v, %v", g.Scopes, err)
		}
		pass(2 * time.Minute)
		if _, err := access.Grant(t.Context(), secret); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after its end: %v", err)
		}
		if all, err := access.Tokens(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("it is still listed: %v, %v", all, err)
		}
	})
}
