package web_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// refresh trades a refresh token, whether or not the access token has expired.
func (w *world) refresh(token *oauth2.Token) (*oauth2.Token, error) {
	w.Helper()
	ctx := context.WithValue(w.Context(), oauth2.HTTPClient, w.web.Client())
	return w.editor().TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
}

// A client that refreshes has another token each hour, and the owner's page is open for longer
// than that: what they narrow or revoke there is the access that they saw.
func TestTokensPageOutlivesARefresh(t *testing.T) {
	for do, left := range map[string]string{"narrow": "create", "revoke": ""} {
		t.Run(do, func(t *testing.T) {
			inWorld(t, func(w *world) {
				t := w.T
				w.publishes(map[string]any{"client_id": client, "grant_types": []string{"authorization_code", "refresh_token"}})
				b := w.owner()
				token := w.letIn(b, "", "create", "delete")
				form := formTo(t, b.get(tokensPage), "/-/admin/tokens")
				time.Sleep(2 * time.Hour)
				next, err := w.refresh(token)
				if err != nil {
					t.Fatal(err)
				}
				form.Set("do", do)
				form["scope"] = []string{"create"}
				if a := b.post(tokensPage, form); a.status != 303 {
					t.Fatalf("got %d %s", a.status, a.body)
				}
				if got := w.may(next.AccessToken); got != left {
					t.Errorf("the token may %q, want %q", got, left)
				}
				if last, err := w.refresh(next); (err == nil) != (left != "") || err == nil && w.may(last.AccessToken) != left {
					t.Errorf("refreshed once more it may more than %q, %v", left, err)
				}
			})
		})
	}
}

// Who has access is told by one name from the consent to the end, in the audit as well.
func TestAccessHasOneName(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client, "grant_types": []string{"refresh_token"}})
		b := w.owner()
		token := w.letIn(b, "", "create", "delete")
		before := formTo(t, b.get(tokensPage), "/-/admin/tokens").Get("id")
		if _, err := w.refresh(token); err != nil {
			t.Fatal(err)
		}
		page := b.get(tokensPage)
		form := formTo(t, page, "/-/admin/tokens")
		if form.Get("id") != before {
			t.Errorf("it was %s, and is %s after a refresh", before, form.Get("id"))
		}
		b.post(tokensPage, url.Values{"form": form["form"], "id": {before}, "do": {"revoke"}})
		audit, err := w.ana().Access.Audit(w.Context(), 2)
		if err != nil || len(audit) != 2 || audit[0].Action != "revoke token" || audit[0].Subject != before {
			t.Errorf("the audit says %+v, %v", audit, err)
		}
		all, err := w.ana().Access.Audit(w.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		let := 0
		for _, d := range all {
			if d.Action == "let in" && d.Subject == before {
				let++
			}
		}
		if let != 1 {
			t.Errorf("%d lines say that %s was let in: %+v", let, before, all)
		}
	})
}
