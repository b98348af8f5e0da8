package site_test

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/site"
	"tertulia/store"
)

// A sign-in link works once, for a quarter of an hour; a session for thirty days, or
// until it is ended.
func TestSignInLinksWorkOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access := &site.Access{Site: w.site, DB: w.db}
		link := func() string {
			address, err := access.NewLink(t.Context())
			if err != nil || !strings.HasPrefix(address, "https://me.example/-/link/") {
				t.Fatalf("link %q: %v", address, err)
			}
			return path.Base(address)
		}
		if free, err := access.Unclaimed(t.Context()); err != nil || !free {
			t.Errorf("unclaimed: %t, %v", free, err)
		}
		first := link()
		var followed atomic.Int32
		var session string
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if pass, err := access.FollowLink(t.Context(), first, site.Arrival{}); err == nil {
					followed.Add(1)
					mu.Lock()
					defer mu.Unlock()
					session = pass.Session
				} else if !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := followed.Load(); n != 1 {
			t.Errorf("the link was followed %d times", n)
		}
		if keeper, err := access.Session(t.Context(), session, site.Visit{}); err != nil || keeper.Me != "https://me.example/" || keeper.Role != site.Owner {
			t.Errorf("session of %+v, %v", keeper, err)
		}
		late := link()
		pass(16 * time.Minute)
		if _, _, err := access.Link(t.Context(), late); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an old link: %v", err)
		}
		if _, err := access.FollowLink(t.Context(), late, site.Arrival{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an old link: %v", err)
		}
		for _, secret := range []string{"", "nonsense", first} {
			if _, err := access.Session(t.Context(), secret, site.Visit{}); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("session %q: %v", secret, err)
			}
		}
		second, err := access.FollowLink(t.Context(), link(), site.Arrival{})
		if err != nil {
			t.Fatal(err)
		}
		if err := access.SignOut(t.Context(), second.Session); err != nil {
			t.Fatal(err)
		}
		pass(31 * 24 * time.Hour)
		for _, secret := range []string{session, second.Session} {
			if _, err := access.Session(t.Context(), secret, site.Visit{}); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a session that has ended: %v", err)
			}
		}
		if err := access.Sweep(t.Context(), time.Hour); err != nil {
			t.Error(err)
		}
	})
}

// HOSTILE 60: a consent belongs to the session that it was shown to, and is given once.
func TestConsentsBelongToTheirSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access := &site.Access{Site: w.site, DB: w.db}
		asked := indieauth.Request{ClientID: "https://editor.example/", Scopes: []string{"create"}}
		id, err := access.AskConsent(t.Context(), "mine", asked)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := access.TakeConsent(t.Context(), "yours", id); !errors.Is(err, site.ErrOtherSession) {
			t.Errorf("another session: %v", err)
		}
		if got, err := access.TakeConsent(t.Context(), "mine", id); err != nil || got.ClientID != asked.ClientID || len(got.Scopes) != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := access.TakeConsent(t.Context(), "mine", id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a second time: %v", err)
		}
		id, err = access.AskConsent(t.Context(), "mine", asked)
		if err != nil {
			t.Fatal(err)
		}
		pass(11 * time.Minute)
		if _, err := access.TakeConsent(t.Context(), "mine", id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("too late: %v", err)
		}
	})
}

// Tokens are known by their hashes alone, and are dead when they are revoked.
func TestTokens(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.site.Lenient = []string{"https://quill.example/"}
		access := &site.Access{Site: w.site, DB: w.db}
		secret, err := access.NewToken(t.Context(), "script", []string{"create", "media"})
		if err != nil {
			t.Fatal(err)
		}
		g, err := access.Grant(t.Context(), secret)
		if err != nil || g.Me != "https://me.example/" || !g.Has("media") || g.Has("delete") || g.Lenient || g.TokenID != indieauth.Hash(secret) {
			t.Errorf("grant: %+v, %v", g, err)
		}
		tokens, err := access.Tokens(t.Context())
		if err != nil || len(tokens) != 1 || tokens[0].Name != "script" || tokens[0].Hash == secret {
			t.Errorf("tokens: %+v, %v", tokens, err)
		}
		if err := access.PutToken(t.Context(), indieauth.Token{Hash: indieauth.Hash("q"), ClientID: "https://quill.example/"}); err != nil {
			t.Fatal(err)
		}
		if g, err := access.Grant(t.Context(), "q"); err != nil || !g.Lenient {
			t.Errorf("a lenient client: %+v, %v", g, err)
		}
		for _, prefix := range []string{"", "zzzzzzz", tokens[0].Hash[:5]} {
			if err := access.RevokeBy(t.Context(), prefix); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("revoke by %q: %v", prefix, err)
			}
		}
		if err := access.RevokeBy(t.Context(), tokens[0].Hash[:8]); err != nil {
			t.Error(err)
		}
		for _, s := range []string{secret, "", tokens[0].Hash} {
			if _, err := access.Grant(t.Context(), s); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("grant of %q: %v", s, err)
			}
		}
	})
}

// IA-21, T-IA05: a code is redeemed once, however many ask at the same time, and a
// second try revokes what the first was given.
func TestCodesAreRedeemedOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access := &site.Access{Site: w.site, DB: w.db}
		code := indieauth.Code{Hash: "code", ClientID: "https://editor.example/", Expires: w.db.Now().Add(time.Minute)}
		if err := access.PutCode(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		var given atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				token := indieauth.Token{Hash: store.NewID(time.Now()), Family: "code"}
				err := access.Redeem(t.Context(), "code", w.db.Now(), func(indieauth.Code) (indieauth.Given, error) { return indieauth.Given{Token: &token}, nil })
				if err == nil {
					given.Add(1)
				}
			})
		}
		wg.Wait()
		if n := given.Load(); n != 1 {
			t.Errorf("%d tokens were given for one code", n)
		}
		if tokens, err := access.Tokens(t.Context()); err != nil || len(tokens) != 0 {
			t.Errorf("after the code was used again %d tokens live, %v", len(tokens), err)
		}
		never := func(context.Context) error {
			return access.Redeem(t.Context(), "none", w.db.Now(), func(indieauth.Code) (indieauth.Given, error) { return indieauth.Given{}, nil })
		}
		if err := never(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a code that is none: %v", err)
		}
	})
}

// A session says where it is used: the network and the browser in a few words, never the
// address or what the browser says of itself.
func TestSessionsSayWhereFrom(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access := &site.Access{Site: w.site, DB: w.db}
		for _, c := range []struct{ address, agent, from, with string }{
			{"203.0.113.77", "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0", "203.0.113.0/24", "Firefox, Linux"},
			{"::ffff:203.0.113.77", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "203.0.113.0/24", "Edge, Windows"},
			{"2001:db8:1:2:3:4:5:6", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "2001:db8:1::/48", "Safari, iPhone"},
			{"fe80::1%eth0", "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36", "fe80::/48", "Chrome, Android"},
			{"127.0.0.1", "curl/8.0", "127.0.0.1", "curl"},
			{"", "<script>\x00\xff" + strings.Repeat("x", 1<<16), "", ""},
		} {
			address, _ := netip.ParseAddr(c.address)
			link, err := access.NewLink(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pass, err := access.FollowLink(t.Context(), path.Base(link), site.Arrival{Visit: site.Visit{From: address, Agent: c.agent}})
			if err != nil {
				t.Fatal(err)
			}
			browsers, err := access.Browsers(t.Context(), "", pass.Session)
			if err != nil || !browsers[0].Current || browsers[0].From != c.from || browsers[0].Agent != c.with {
				t.Errorf("%s with %.60q: got %+v, %v", c.address, c.agent, browsers[0], err)
			}
			if err := access.SignOut(t.Context(), pass.Session); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A session is noted as seen once an hour, with where from; it does not last longer for it.
func TestSessionsAreSeenHourly(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access := &site.Access{Site: w.site, DB: w.db}
		link, err := access.NewLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		signed, err := access.FollowLink(t.Context(), path.Base(link), site.Arrival{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, c := range []struct{ wait, seen time.Duration }{{59 * time.Minute, 0}, {time.Minute, time.Hour}, {30 * time.Minute, time.Hour}, {24 * time.Hour, 25*time.Hour + 30*time.Minute}} {
			pass(c.wait)
			if _, err := access.Session(t.Context(), signed.Session, site.Visit{From: netip.MustParseAddr("198.51.100.1")}); err != nil {
				t.Fatal(err)
			}
			browsers, err := access.Browsers(t.Context(), "", "")
			if err != nil || len(browsers) != 1 || browsers[0].Seen.Sub(began).Round(time.Minute) != c.seen {
				t.Errorf("%s on: got %+v, %v, want seen after %s", c.wait, browsers, err, c.seen)
			}
			if c.seen > 0 && browsers[0].From != "198.51.100.0/24" {
				t.Errorf("seen from %q", browsers[0].From)
			}
		}
		pass(29 * 24 * time.Hour)
		if _, err := access.Session(t.Context(), signed.Session, site.Visit{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after its time: %v", err)
		}
	})
}
