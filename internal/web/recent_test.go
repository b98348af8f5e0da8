package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"tertulia/internal/leaktest"
	"tertulia/internal/site"
)

const (
	sessionsPage = "https://ana.example/-/admin/sessions"
	otherPhrase  = "otra frase muy distinta"
)

// Whoever has got hold of a session of some time ago makes no way in of their own with it, and
// takes none away: they are asked to sign in. What closes doors goes on working.
func TestOldSessionsOpenNoDoors(t *testing.T) {
	for name, c := range map[string]struct {
		page string
		form url.Values
		asks bool // to sign in again
	}{
		"a token":           {tokensPage, url.Values{"do": {"new"}, "scope": {"create"}, "life": {"revoked"}}, true},
		"a passphrase":      {sessionsPage, url.Values{"do": {"passphrase"}, "passphrase": {otherPhrase}}, true},
		"no passphrase":     {sessionsPage, url.Values{"do": {"no-passphrase"}}, true},
		"a passkey":         {sessionsPage, url.Values{"do": {"passkey"}, "name": {"x"}, "credential": {"{}"}}, true},
		"no passkey":        {sessionsPage, url.Values{"do": {"no-passkey"}, "id": {"x"}}, true},
		"narrow a token":    {tokensPage, url.Values{"do": {"narrow"}, "scope": {"create"}}, false},
		"revoke a token":    {tokensPage, url.Values{"do": {"revoke"}}, false},
		"end a session":     {sessionsPage, url.Values{"do": {"end"}, "id": {"0123456789"}}, false},
		"sign out anywhere": {sessionsPage, url.Values{"do": {"everywhere"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.withPassphrase()
				leaktest.Secret(otherPhrase)
				if _, err := w.ana().Access.NewToken(w.Context(), "script", []string{"create", "read"}); err != nil {
					t.Fatal(err)
				}
				tokens, err := w.ana().Access.Tokens(w.Context())
				if err != nil || len(tokens) != 1 {
					t.Fatal(err)
				}
				b := w.owner()
				time.Sleep(10 * time.Minute)
				page := b.get(c.page, "Accept-Language", "en")
				link := "/-/signin?to=" + url.QueryEscape(strings.TrimPrefix(c.page, "https://ana.example/-/"))
				if page.status != 200 || !strings.Contains(page.body, link) || strings.Contains(page.body, `type="password"`) || strings.Contains(page.body, `value="new"`) {
					t.Errorf("the page offers what would not be done: %d %s", page.status, page.body)
				}
				form := url.Values{"form": formTo(t, page, strings.TrimPrefix(c.page, "https://ana.example"))["form"]}
				for field, values := range c.form {
					form[field] = values
				}
				if form.Get("id") == "" {
					form.Set("id", tokens[0].Hash[:12])
				}
				a := b.post(c.page, form, "Accept-Language", "en")
				if asks := a.status == 401 && strings.Contains(a.body, "sign in again"); asks != c.asks || !asks && a.status != 303 {
					t.Fatalf("got %d %s", a.status, a.body)
				}
				if !c.asks {
					return
				}
				if a := w.visitor().post(signin, guess("", phrase)); a.status != 303 {
					t.Errorf("the passphrase was changed: got %d", a.status)
				}
				if left, err := w.ana().Access.Tokens(w.Context()); err != nil || len(left) != 1 {
					t.Errorf("there are %d tokens, %v", len(left), err)
				}
				// The same person signs in again, and is back where they were.
				a = b.post(signin, guess("", phrase))
				if at := "https://ana.example" + a.header.Get("Location"); a.status != 303 || at != c.page {
					t.Fatalf("after signing in: got %d to %s", a.status, at)
				}
				page = b.get(c.page)
				form.Set("form", formTo(t, page, strings.TrimPrefix(c.page, "https://ana.example")).Get("form"))
				if a := b.post(c.page, form); a.status == 401 || strings.Contains(page.body, link) {
					t.Errorf("right after signing in: got %d", a.status)
				}
			})
		})
	}
}

// An application gets a way in only from who has signed in lately; to tell it who the owner is,
// an older session will do. The request waits meanwhile.
func TestOldSessionsLetNoApplicationIn(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client, "client_name": "Pluma", "client_uri": client})
		b := w.owner()
		time.Sleep(time.Hour)
		ask := func(scopes ...string) string {
			return w.editor(scopes...).AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
		}
		for _, scopes := range [][]string{nil, {"profile"}, {"profile", "email"}} {
			b.consent(ask(scopes...))
		}
		for _, scopes := range [][]string{{"create"}, {"profile", "read"}, {"Profile"}} {
			a := b.get(ask(scopes...), "Accept-Language", "es")
			if a.status != 401 || !strings.Contains(a.body, "entra otra vez") || strings.Contains(a.body, "auth/decide") {
				t.Errorf("%q: got %d %s", scopes, a.status, a.body)
			}
		}
		asked := ask("create")
		b.get(asked)
		a := b.post(w.link(), nil)
		if a.status != 303 || "https://ana.example"+a.header.Get("Location") != asked {
			t.Fatalf("after signing in: got %d to %s, want %s", a.status, a.header.Get("Location"), asked)
		}
		page, form := b.consent(asked)
		time.Sleep(9*time.Minute + 59*time.Second) // the owner reads
		if to := b.approve(form); to.Query().Get("code") == "" {
			t.Errorf("got %s from %s", to, page.body)
		}
	})
}

// The address of the sign-in page leads back to the pages that it is for, and to no other.
func TestSignInLeadsBackToItsOwnPages(t *testing.T) {
	inWorld(t, func(w *world) {
		for to, want := range map[string]string{
			"admin/tokens": "/-/admin/tokens", "admin/sessions": "/-/admin/sessions", "admin/": "/-/admin/", "//evil.example/": "/-/admin/",
			"https://evil.example/": "/-/admin/", "../signout": "/-/admin/", "admin/tokens/../../x": "/-/admin/", "": "/-/admin/",
		} {
			b := w.visitor()
			if a := b.get(signin + "?to=" + url.QueryEscape(to)); a.status != 200 {
				w.Errorf("%q: got %d", to, a.status)
			}
			if a := b.post(w.link(), nil); a.header.Get("Location") != want {
				w.Errorf("%q leads to %q, want %q", to, a.header.Get("Location"), want)
			}
		}
	})
}

// Who has made, narrowed or taken away a way in stands in the audit, with what and how; the
// secrets do not.
func TestChangesOfAccessAreAudited(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.hire(site.Owner)
		w.publishes(map[string]any{"client_id": client, "client_name": "Pluma", "client_uri": client})
		leaktest.Secret(otherPhrase)
		b, second := w.keeper(bea), w.keeper(bea)
		do := func(page string, form url.Values) {
			t.Helper()
			form.Set("form", formTo(t, b.get(page), strings.TrimPrefix(page, "https://ana.example")).Get("form"))
			if a := b.post(page, form); a.status != 303 && a.status != 200 {
				t.Fatalf("%v: got %d %s", form, a.status, a.body)
			}
		}
		token := w.letIn(b, "revoked", "create", "read")
		tokens, err := w.ana().Access.Tokens(w.Context())
		if err != nil || len(tokens) != 1 {
			t.Fatalf("%d tokens, %v", len(tokens), err)
		}
		id := tokens[0].Hash[:12]
		do(tokensPage, url.Values{"do": {"new"}, "name": {"script"}, "scope": {"create"}, "life": {"day"}})
		do(tokensPage, url.Values{"do": {"narrow"}, "id": {id}, "scope": {"read"}})
		do(tokensPage, url.Values{"do": {"allow"}, "id": {id}})
		w.visitor().post("https://ana.example/-/revoke", url.Values{"token": {token.AccessToken}})
		w.visitor().post("https://ana.example/-/revoke", url.Values{"token": {"a stranger's"}})
		do(sessionsPage, url.Values{"do": {"passphrase"}, "passphrase": {otherPhrase}})
		do(sessionsPage, url.Values{"do": {"no-passphrase"}})
		if a := second.get(sessionsPage); a.status != 401 {
			t.Errorf("the second session stays: got %d", a.status)
		}
		do(sessionsPage, url.Values{"do": {"everywhere"}})

		got, err := w.ana().Access.Audit(w.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		want := []struct{ by, action, note string }{
			{bea, "end sessions", ""},
			{bea, "remove passphrase", ""},
			{bea, "set passphrase", "their sessions end"},
			{"whoever holds it", "revoke token", client + ": read"},
			{bea, "allow twice", client},
			{bea, "narrow token", client + ": read"},
			{bea, "make token", "script: create"},
			{bea, "let in", client + ": create read"},
			{bea, "sign in", "by link, in a new browser"},
			{bea, "sign in", "by link, in a new browser"},
		}
		if len(got) != len(want) {
			t.Fatalf("got %d lines: %+v", len(got), got)
		}
		for i, d := range got {
			if d.By != want[i].by || d.Action != want[i].action || d.Note != want[i].note || d.Subject == "" || d.At.IsZero() {
				t.Errorf("line %d: got %+v, want %+v", i, d, want[i])
			}
			if err := w.ana().Mentions.Undo(w.Context(), "test", d.ID); err == nil {
				t.Errorf("%s can be undone", d.Action)
			}
		}
	})
}
