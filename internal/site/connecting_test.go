package site_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"tertulia/internal/leaktest"
	"tertulia/internal/site"
	"tertulia/internal/syndicate"
	"tertulia/store"
)

// byOAuth makes the account one whose owner says yes on the network.
func byOAuth(w **world) func(*site.Site) {
	return func(s *site.Site) {
		s.Accounts[0].Way = site.WayOAuth
		s.Accounts[0].OAuth = &site.MastodonOAuth{Server: &url.URL{Scheme: "https", Host: "net.example"}, Website: "https://me.example/", HTTP: &http.Client{Transport: afterwards{w}}}
	}
}

// afterwards is the way to a web that is made after the settings.
type afterwards struct{ w **world }

// RoundTrip is of http.RoundTripper.
func (l afterwards) RoundTrip(r *http.Request) (*http.Response, error) {
	return (*l.w).web.Client().Transport.RoundTrip(r)
}

// Only the answer to what was begun here, with its state, in time and once, connects an account;
// a restart in between changes nothing. No secret is anywhere in plain: the world's directories are
// searched when the test ends.
func TestAnAccountIsConnectedByWhatWasBegunHere(t *testing.T) {
	const token, code = "the token that lets us in", "the code that was shown"
	leaktest.Secret(token, code, "the secret of the app")
	n := newNetwork(syndicate.Look)
	var house *world
	inWorld(t, func(t *testing.T, w *world) {
		house = w
		ctx := t.Context()
		asked, revoked := 0, []string(nil)
		w.web.Handle("net.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			switch {
			case r.URL.Path == "/api/v1/apps":
				_ = json.NewEncoder(rw).Encode(map[string]string{"client_id": "app", "client_secret": "the secret of the app"})
			case r.URL.Path == "/oauth/revoke":
				revoked = append(revoked, r.FormValue("client_id")+" "+r.FormValue("client_secret")+" "+r.FormValue("token"))
				rw.WriteHeader(http.StatusOK)
			case r.FormValue("code") != code || r.FormValue("code_verifier") == "":
				rw.WriteHeader(http.StatusBadRequest)
			default:
				asked++
				_ = json.NewEncoder(rw).Encode(map[string]string{"access_token": token, "token_type": "Bearer"})
			}
		}))
		begin := func() url.Values {
			t.Helper()
			to, err := w.networks().Begin(ctx, net, w.networks().Back(net))
			must(t, err)
			u := parse(t, to)
			q := u.Query()
			if u.Host != "net.example" || q.Get("redirect_uri") != w.networks().Back(net) || q.Get("code_challenge_method") != "S256" || q.Get("scope") != syndicate.MastodonScopes {
				t.Fatalf("the owner is sent to %s", to)
			}
			return q
		}
		post := w.chosen("Hola", net)
		pass(time.Minute)
		w.wantCopy("not connected", post, net, store.CopyParked, n)
		if accounts, err := w.networks().Accounts(ctx); err != nil || accounts[0].Stands != site.AccountClosed || accounts[0].Waiting != 1 {
			t.Errorf("the owner sees %+v %v", accounts, err)
		}
		if err := w.networks().Finish(ctx, "me", net, "", code); !errors.Is(err, site.ErrAnswer) {
			t.Errorf("nothing was begun: %v", err)
		}
		old := begin()
		now := begin()
		for what, c := range map[string][2]string{"another state": {"x", code},
			"no state": {"", code}, "the state of a code that is typed": {site.OutOfBand, code},
			"the state of before": {old.Get("state"), code}, "no code": {now.Get("state"), ""}} {
			if err := w.networks().Finish(ctx, "me", net, c[0], c[1]); !errors.Is(err, site.ErrAnswer) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := w.networks().Finish(ctx, "me", net, now.Get("state"), "another code"); err == nil || !site.IsNetworkError(err) {
			t.Errorf("another code: %v", err)
		}
		pass(2 * time.Hour)
		if err := w.networks().Finish(ctx, "me", net, now.Get("state"), code); !errors.Is(err, site.ErrAnswer) {
			t.Errorf("too late: %v", err)
		}
		now = begin()
		w.restart()
		must(t, w.networks().Finish(ctx, "me", net, now.Get("state"), code))
		if err := w.networks().Finish(ctx, "me", net, now.Get("state"), code); !errors.Is(err, site.ErrAnswer) {
			t.Errorf("a second time: %v", err)
		}
		pass(time.Minute)
		w.wantCopy("connected", post, net, store.CopyPublished, n, "Hola")
		accounts, err := w.networks().Accounts(ctx)
		if err != nil || accounts[0].Stands != site.AccountOpen || accounts[0].As != "me@net.example" || asked != 1 {
			t.Errorf("the owner sees %+v %v; the code was traded %d times", accounts, err, asked)
		}
		must(t, w.networks().Disconnect(ctx, net))
		if len(revoked) != 1 || revoked[0] != "app the secret of the app "+token {
			t.Errorf("the network was told to forget %q", revoked)
		}
		w.view(func(tx *store.Tx) error {
			if k, err := tx.Network(net); err != nil || k.Secret != nil || k.Session != nil || k.Begun != nil || k.App != nil {
				t.Errorf("after a disconnect there is %+v %v", k, err)
			}
			return nil
		})
		w.site.Accounts[0].User = "bea"
		now = begin()
		if err := w.networks().Finish(ctx, "me", net, now.Get("state"), code); !errors.Is(err, site.ErrOther) || len(revoked) != 2 {
			t.Errorf("somebody else is signed in there: got %v; the network was told to forget %d times", err, len(revoked))
		}
		if accounts, err := w.networks().Accounts(ctx); err != nil || accounts[0].Stands != site.AccountClosed {
			t.Errorf("the owner sees %+v %v", accounts, err)
		}
	}, n.on(net), byOAuth(&house))
}

// A secret that the network does not take is not kept, and says so; one that cannot be tried is
// not kept either.
func TestASecretIsTriedBeforeItIsKept(t *testing.T) {
	n := newNetwork(syndicate.Look)
	inWorld(t, func(t *testing.T, w *world) {
		for what, c := range map[string]struct {
			fails error
			want  error
		}{"refused": {netClosed, site.ErrSecret}, "down": {netDown, nil}} {
			n.set(func() { n.who = c.fails })
			err := w.networks().Connect(t.Context(), "me", net, "a secret")
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !site.IsNetworkError(err) {
				t.Errorf("%s: %v", what, err)
			}
			if accounts, err := w.networks().Accounts(t.Context()); err != nil || accounts[0].Stands != site.AccountClosed {
				t.Errorf("%s: the owner sees %+v %v", what, accounts, err)
			}
		}
		n.set(func() { n.who = nil })
		if err := w.networks().Connect(t.Context(), "me", net, "  \n"); !errors.Is(err, site.ErrSecret) {
			t.Errorf("nothing: %v", err)
		}
		if err := w.networks().Connect(t.Context(), "me", "net:nobody", "x"); err == nil {
			t.Error("an account that the settings do not name is connected")
		}
	}, n.on(net), withSecret)
}

// What the settings name may have been refused by mistake: the owner has it tried anew, and nobody
// else does.
func TestWhatTheSettingsNameIsTriedAnew(t *testing.T) {
	n := newNetwork(syndicate.Look)
	n.fails = func(string) error { return netClosed }
	inWorld(t, func(t *testing.T, w *world) {
		a := w.site.Accounts[0]
		a.Way, a.Secret = site.WaySecret, func() (string, error) { return "in a file", nil }
		post := w.chosen("Hola", net)
		pass(time.Minute)
		n.set(func() { n.fails, n.who = nil, netClosed })
		if err := w.networks().Connect(t.Context(), "me", net, ""); !errors.Is(err, site.ErrSecret) {
			t.Errorf("still refused: %v", err)
		}
		pass(24 * time.Hour)
		w.wantCopy("nobody has said anything", post, net, store.CopyParked, n)
		n.set(func() { n.who = nil })
		if err := w.networks().Connect(t.Context(), "me", net, "typed"); !errors.Is(err, site.ErrWay) {
			t.Errorf("a secret that is typed: %v", err)
		}
		must(t, w.networks().Connect(t.Context(), "me", net, ""))
		pass(time.Minute)
		w.wantCopy("tried anew", post, net, store.CopyPublished, n, "Hola")
	}, n.on(net))
}
