package web_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/oauth2"

	"tertulia/indieauth"
)

const tokensPage = "https://ana.example/-/admin/tokens"

// letIn has the owner let the editor in, and returns its token.
func (w *world) letIn(b *browser, life string, scopes ...string) *oauth2.Token {
	w.Helper()
	conf, verifier := w.editor(scopes...), oauth2.GenerateVerifier()
	_, form := b.consent(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	if life != "" {
		form.Set("life", life)
	}
	token, err := w.exchange(conf, b.approve(form).Query().Get("code"), verifier)
	if err != nil {
		w.Fatal(err)
	}
	return token
}

// may is what the token endpoint says that a token may do; "" when it is none.
func (w *world) may(secret string) string {
	w.Helper()
	g, err := w.ana().Access.Grant(w.Context(), secret)
	if err != nil {
		return ""
	}
	return strings.Join(g.Scopes, " ")
}

// The owner sees who has access and what for, takes some of it away, and then all.
func TestOwnerLooksAfterTokens(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client, "client_name": "Pluma"})
		b := w.owner()
		if a := b.get(tokensPage, "Accept-Language", "en"); a.status != 200 || !strings.Contains(a.body, "No application can act") {
			t.Fatalf("got %d\n%s", a.status, a.body)
		}
		token := w.letIn(b, "", "create", "delete", "media", "x'invented")
		if a := b.get(endpoints["micropub"]+"?q=config", "Authorization", "Bearer "+token.AccessToken); a.status != 200 {
			t.Fatalf("q=config: got %d", a.status)
		}
		page := b.get(tokensPage, "Accept-Language", "en")
		form := formTo(t, page, "/-/admin/tokens")
		id := form.Get("id")
		inert(t, "tokens", page.body)
		for _, want := range []string{client, id, "x'invented", "create", "you revoke it", "Post to your site"} {
			if !strings.Contains(html.UnescapeString(page.body), want) {
				t.Errorf("the page lacks %q:\n%s", want, page.body)
			}
		}
		if strings.Contains(page.body, token.AccessToken) || strings.Contains(page.body, indieauth.Hash(token.AccessToken)) {
			t.Error("the page shows the token, or all of its hash")
		}
		if len(id) != 12 || !slices.Equal(form["scope"], []string{"create", "delete", "media", "x'invented"}) {
			t.Fatalf("got %v", form)
		}
		change := func(do string, scopes ...string) answer {
			t.Helper()
			return b.post(tokensPage, url.Values{"form": form["form"], "id": {id}, "do": {do}, "scope": scopes})
		}
		for _, scopes := range [][]string{nil, {"create", "update"}, {"update"}} {
			if a := change("narrow", scopes...); a.status != 400 || !strings.Contains(a.body, `role="alert"`) {
				t.Errorf("narrow to %q: got %d", scopes, a.status)
			}
		}
		if a := change("narrow", "create", "media"); a.status != 303 || w.may(token.AccessToken) != "create media" {
			t.Errorf("narrow: got %d, the token may %q", a.status, w.may(token.AccessToken))
		}
		if a := change("paint"); a.status != 400 {
			t.Errorf("what is no change: got %d", a.status)
		}
		for range 2 { // the second time as from another window
			if a := change("revoke"); a.status != 303 || w.may(token.AccessToken) != "" {
				t.Errorf("revoke: got %d, the token may %q", a.status, w.may(token.AccessToken))
			}
		}
	})
}

// D1: who is refused because of a token that came twice is told of the page, and the owner
// lets the application do it there: with this token, and the next.
func TestOwnerLetsAClientSendItsTokenTwice(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client})
		w.ana().Micropub.TokensPage = tokensPage
		b := w.owner()
		twice := func(secret string) answer {
			return w.visitor().post(endpoints["micropub"], url.Values{"h": {"entry"}, "content": {"Hola"}, "access_token": {secret}}, "Authorization", "Bearer "+secret)
		}
		token := w.letIn(b, "", "create").AccessToken
		if a := twice(token); a.status != 400 || !strings.Contains(a.body, tokensPage) || !strings.Contains(a.body, client) || strings.Contains(a.body, token) {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		form := formTo(t, b.get(tokensPage), "/-/admin/tokens")
		for do, want := range map[string]int{"allow": 201, "forbid": 400} {
			form.Set("do", do)
			if a := b.post(tokensPage, form); a.status != 303 {
				t.Fatalf("%s: got %d", do, a.status)
			}
			next := w.letIn(b, "", "create").AccessToken
			for name, secret := range map[string]string{"this token": token, "the next": next} {
				if a := twice(secret); a.status != want && a.status != 202 || want == 400 && a.status != 400 {
					t.Errorf("%s, %s: got %d, want %d: %s", do, name, a.status, want, a.body)
				}
			}
		}
	})
}

// A token made on the page is shown once, ends when it should, and reads or writes as it says.
func TestOwnerMakesATokenOnThePage(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.owner()
		form := formTo(t, b.get(tokensPage), "/-/admin/tokens")
		form.Set("do", "new")
		form.Set("name", "lector <b>\u202e  de\n"+strings.Repeat("x", 200))
		for name, wrong := range map[string]url.Values{
			"nothing ticked": {"scope": nil}, "a scope that there is not": {"scope": {"read", "root"}}, "a time that there is not": {"scope": {"read"}, "life": {"century"}}, "no time": {"scope": {"read"}, "life": nil},
		} {
			sent := url.Values{"form": form["form"], "do": {"new"}, "life": {"month"}}
			for k, v := range wrong {
				sent[k] = v
			}
			if a := b.post(tokensPage, sent); a.status != 400 || strings.Contains(a.body, "tt_") {
				t.Errorf("%s: got %d", name, a.status)
			}
		}
		form["scope"] = []string{"read"}
		form.Set("life", "month")
		made := b.post(tokensPage, form)
		inert(t, "made", made.body)
		var secret string
		for _, code := range find(made.doc(t), "code") {
			if strings.HasPrefix(text(code), "tt_") {
				secret = text(code)
			}
		}
		if made.status != 200 || secret == "" || made.header.Get("Cache-Control") != "no-store" || made.header.Get("Referrer-Policy") != "no-referrer" {
			t.Fatalf("got %d %v\n%s", made.status, made.header, made.body)
		}
		if again := b.get(tokensPage); strings.Contains(again.body, secret) || !strings.Contains(again.body, "lector &lt;b&gt; de x") {
			t.Errorf("the page shows the token again, or not its name:\n%s", again.body)
		}
		bearer := []string{"Authorization", "Bearer " + secret}
		if a := w.visitor().get(endpoints["micropub"]+"?q=source", bearer...); a.status != 200 {
			t.Errorf("reading: got %d %s", a.status, a.body)
		}
		for _, write := range []url.Values{{"h": {"entry"}, "content": {"Hola"}}, {"action": {"delete"}, "url": {"https://ana.example/x"}}} {
			if a := w.visitor().post(endpoints["micropub"], write, bearer...); a.status != 401 || !strings.Contains(a.body, "insufficient_scope") {
				t.Errorf("%v: got %d %s", write, a.status, a.body)
			}
		}
		if w.may(secret) != "read" {
			t.Errorf("it may %q", w.may(secret))
		}
		time.Sleep(31 * 24 * time.Hour)
		if w.may(secret) != "" {
			t.Error("it works after its end")
		}
		if log := w.log.String(); strings.Contains(log, secret) {
			t.Error("the log has the token")
		}
	})
}

// HOSTILE 60, 62: nobody else sees the page or posts its forms.
func TestTokensAreTheOwnersAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		secret, err := w.ana().Access.NewToken(w.Context(), "script", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		if a := w.visitor().get(tokensPage); a.status != 401 || strings.Contains(a.body, "script") {
			t.Errorf("a visitor: got %d", a.status)
		}
		if a := w.visitor().get(tokensPage, "Authorization", "Bearer "+secret); a.status != 401 {
			t.Errorf("an editor: got %d", a.status)
		}
		b := w.owner()
		page := b.get(tokensPage)
		if h := page.header; !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || !strings.Contains(h.Get("Content-Security-Policy"), "form-action 'self'") || h.Get("Cache-Control") != "no-store" {
			t.Errorf("got %v", h)
		}
		form := formTo(t, page, "/-/admin/tokens")
		for _, do := range []string{"revoke", "narrow", "allow", "forbid", "new"} {
			form.Set("do", do)
			for name, send := range map[string]func() answer{
				"cross-site":       func() answer { return b.post(tokensPage, form, "Sec-Fetch-Site", "cross-site") },
				"another origin":   func() answer { return b.post(tokensPage, form, "Origin", "https://app.example") },
				"no form field":    func() answer { return b.post(tokensPage, url.Values{"do": {do}, "id": form["id"]}) },
				"nobody's browser": func() answer { return w.visitor().post(tokensPage, form) },
				"another session": func() answer {
					return w.owner().post(tokensPage, form)
				},
			} {
				if a := send(); a.status != 403 || strings.Contains(a.body, "tt_") {
					t.Errorf("%s, %s: got %d", do, name, a.status)
				}
			}
		}
		if w.may(secret) != "create" {
			t.Errorf("the token may %q", w.may(secret))
		}
	})
}

// What the owner allows ends when the owner has said, and the client is told.
func TestConsentEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client})
		b := w.owner()
		for life, want := range map[string]time.Duration{"revoked": 0, "day": 24 * time.Hour, "month": 30 * 24 * time.Hour} {
			token := w.letIn(b, life, "create")
			if in, _ := token.Extra("expires_in").(float64); time.Duration(in)*time.Second != want {
				t.Errorf("%s: expires_in is %v", life, in)
			}
			time.Sleep(max(want, time.Hour) - time.Minute)
			if w.may(token.AccessToken) != "create" {
				t.Errorf("%s: it does not work before its end", life)
			}
			time.Sleep(2 * time.Minute)
			if got := w.may(token.AccessToken) == "create"; got != (want == 0) {
				t.Errorf("%s: after its end it works: %v", life, got)
			}
			b = w.owner()
		}
		for _, life := range []string{"", "century", "0", "-1", "DAY"} {
			_, form := b.consent(w.request([]string{"create"}, nil))
			form.Set("life", life)
			form.Set("decision", "approve")
			if a := b.post("https://ana.example/-/auth/decide", form); a.status != 403 || a.header.Get("Location") != "" {
				t.Errorf("%q: got %d to %q", life, a.status, a.header.Get("Location"))
			}
		}
	})
}

// HOSTILE 61: a logo is fetched when the owner is there, and of what came no byte is
// shown, only what we have drawn of it. What is no picture is not shown.
func TestLogosAreDrawnAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		picture := image.NewRGBA(image.Rect(0, 0, 300, 200))
		for i := range picture.Pix {
			picture.Pix[i] = byte(i)
		}
		picture.Set(1, 1, color.Black)
		var raw bytes.Buffer
		if err := png.Encode(&raw, picture); err != nil {
			t.Fatal(err)
		}
		marked := append(raw.Bytes(), "<script>alert(1)</script>"...)
		for name, c := range map[string]struct {
			logo   string
			status int
			body   []byte
			shown  bool
		}{
			"a picture":           {client + "logo.png", 200, marked, true},
			"on another host":     {"https://cdn.example/logo.png", 200, marked, true},
			"SVG":                 {client + "logo.svg", 200, []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), false},
			"a page":              {client + "logo.png", 200, []byte("<html>"), false},
			"missing":             {client + "logo.png", 404, marked, false},
			"too large":           {client + "logo.png", 200, append(bytes.Clone(raw.Bytes()), make([]byte, 2<<20)...), false},
			"a script":            {"javascript:alert(1)", 200, marked, false},
			"a picture in itself": {"data:image/png;base64,AAAA", 200, marked, false},
		} {
			publish := func(rw http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/logo") {
					rw.Header().Set("Content-Type", "image/png")
					rw.WriteHeader(c.status)
					rw.Write(c.body)
					return
				}
				rw.Header().Set("Content-Type", "application/json")
				rw.Write([]byte(`{"client_id":"` + client + `","client_name":"Pluma","logo_uri":"` + c.logo + `"}`))
			}
			w.web.Handle("app.example", http.HandlerFunc(publish))
			w.web.Handle("cdn.example", http.HandlerFunc(publish))
			time.Sleep(25 * time.Hour) // what is known of the client is forgotten
			before := len(w.web.Requests("cdn.example")) + len(w.web.Requests("app.example"))
			w.visitor().get(w.request([]string{"create"}, nil))
			if n := len(w.web.Requests("cdn.example")) + len(w.web.Requests("app.example")); n != before {
				t.Errorf("%s: a stranger made us fetch", name)
			}
			page, _ := w.owner().consent(w.request([]string{"create"}, nil))
			inert(t, name, page.body)
			images := find(page.doc(t), "img")
			if c.shown != (len(images) == 1) {
				t.Errorf("%s: %d pictures", name, len(images))
				continue
			}
			if !c.shown {
				continue
			}
			src := attr(images[0], "src")
			if !strings.HasPrefix(src, "/-/picture/") || !strings.Contains(attr(images[0], "alt"), "Pluma") {
				t.Errorf("%s: got %q, alt %q", name, src, attr(images[0], "alt"))
			}
			a := w.visitor().get("https://ana.example" + src)
			drawn, _, err := image.Decode(strings.NewReader(a.body))
			if a.status != 200 || err != nil || drawn.Bounds().Dx() > 128 || strings.Contains(a.body, "script") {
				t.Errorf("%s: got %d, %v", name, a.status, err)
			}
		}
	})
}
