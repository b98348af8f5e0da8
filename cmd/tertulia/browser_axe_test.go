package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"golang.org/x/oauth2"

	"tertulia/store"
)

// needAxe is the script of axe-core, which npm has put beside the programs that the tests
// need. Without it the test is skipped, unless everything is required.
func needAxe(t *testing.T) string {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if script, err := os.ReadFile(filepath.Join(dir, "..", "axe-core", "axe.min.js")); err == nil {
			return string(script)
		}
	}
	if os.Getenv("TERTULIA_TEST_REQUIRE_ALL") != "" {
		t.Fatal("axe-core is not installed")
	}
	t.Skip("SKIPPED: axe-core is not installed")
	return ""
}

// findings is what axe-core has against the page that is open: rule, element and why.
func findings(t *testing.T, ctx context.Context, axe string) []string {
	t.Helper()
	if !evaluate[bool](t, ctx, `"axe" in window`) {
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](axe+"\n;true")); err != nil {
			t.Fatal(err)
		}
	}
	painted(t, ctx)
	var found []string
	raw := evaluate[string](t, ctx, `axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }).then(r => JSON.stringify(r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html + " " + n.failureSummary))))`)
	if err := json.Unmarshal([]byte(raw), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// look sets a width and a colour scheme.
func look(t *testing.T, ctx context.Context, width int64, scheme string) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800)); err != nil {
		t.Fatal(err)
	}
}

// fragment is what a build step or a front server includes in a page.
func (a *apart) fragment(address string) string {
	a.Helper()
	resp, err := http.Get(a.ana.ConversationURL(address) + "&fragment=1")
	if err != nil {
		a.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		a.Fatalf("fragment: %s, %v", resp.Status, err)
	}
	return string(body)
}

// WIDGET 5 and 6: axe-core finds nothing, neither in what readers see in any page nor in the
// service's own pages, in both schemes and languages, on a wide screen and on a phone.
func TestAxeFindsNothing(t *testing.T) {
	axe := needAxe(t)
	a := newApart(t, "[site.conversation]", "comments = true")
	browser := scripted(t)
	address := a.home() + "post/"
	ids := a.talk(address)
	const canvas = `<meta charset="utf-8"><style>html { background: Canvas; color: CanvasText }</style>` // axe-core takes white for granted
	post := a.page("/post/", "es", canvas+a.place(address, "")+a.script("widget.js"))
	themes := a.page("/themes/", "en", canvas+a.place(address, `theme="auto"`)+a.place(a.home()+"two/", `theme="light"`)+a.place(a.home()+"three/", `theme="dark"`)+a.script("widget.js"))
	for _, other := range []string{"two/", "three/"} {
		a.say(a.home()+other, store.Version{Type: "reply", URL: "https://bea.example/" + other, HTML: "<p>Hola.</p>", Language: "es"}, store.Version{Type: "like", URL: "https://carla.example/" + other})
	}
	built := a.page("/built/", "es", canvas+`<link rel="stylesheet" href="`+a.ana.Endpoint("conversation.css")+`">`+a.fragment(address))
	var status string
	err := a.db.Update(t.Context(), a.ana.Key, func(tx *store.Tx) error {
		p, err := tx.PageAt("/post")
		if err != nil {
			return err
		}
		v := store.Version{Type: "reply", HTML: "<p>Hola.</p>", Text: "Hola.", URL: "https://eve.example/1", Digest: "d"}
		m := store.Mention{ID: store.NewID(tx.Now), Source: v.URL, Target: address, Page: p.ID, State: store.Pending, Why: "person", Received: tx.Now, Shown: &v}
		status = a.ana.Endpoint("webmention/" + m.ID)
		return tx.PutMention(m)
	})
	if err != nil {
		t.Fatal(err)
	}
	app := oauth2.Config{ClientID: a.home(), RedirectURL: a.home() + "back", Scopes: []string{"create", "media", "profile"}, Endpoint: oauth2.Endpoint{AuthURL: a.ana.Endpoint("auth")}}
	signIn, err := a.ana.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, address, wait string) {
		t.Helper()
		for _, width := range []int64{1000, 390} {
			for _, scheme := range []string{"light", "dark"} {
				look(t, browser, width, scheme)
				visit(t, browser, address)
				shown(t, browser, wait)
				for _, found := range findings(t, browser, axe) {
					t.Errorf("%s, %s, %d: %s", name, scheme, width, found)
				}
				if evaluate[bool](t, browser, `document.documentElement.scrollWidth > innerWidth`) {
					t.Errorf("%s, %d: it is wider than the screen", name, width)
				}
			}
		}
	}
	check("widget", post, ".tertulia-response")
	check("widget, themes", themes, "tertulia-conversation:last-of-type .tertulia-response")
	check("fragment", built, ".tertulia-response")
	for _, lang := range []string{"es", "en"} {
		in := func(address string) string {
			if strings.Contains(address, "?") {
				return address + "&lang=" + lang
			}
			return address + "?lang=" + lang
		}
		wait := fmt.Sprintf("html[lang=%q] main", lang)
		check("conversation, "+lang, in(a.ana.ConversationURL(address)), wait)
		check("empty conversation, "+lang, in(a.ana.ConversationURL(a.home()+"none/")), wait)
		check("comment, "+lang, in(a.ana.Endpoint("comment?in-reply-to="+ids[4]+"&url="+url.QueryEscape(address))), wait+" #tertulia-comment")
		check("comment sent, "+lang, in(a.ana.Endpoint("comment/sent?url="+url.QueryEscape(address))), wait)
		check("status, "+lang, in(status), wait)
		check("error, "+lang, in(a.ana.Endpoint("nothing")), wait)
		check("webmention, "+lang, in(a.ana.Endpoint("webmention")), wait)
		check("sign-in, "+lang, in(a.ana.Endpoint("signin")), wait)
		check("link, "+lang, in(signIn), wait)
	}
	visit(t, browser, signIn)
	click(t, browser, "main button")
	for _, lang := range []string{"es", "en"} {
		wait := fmt.Sprintf("html[lang=%q] main", lang)
		check("inbox, "+lang, a.ana.Endpoint("admin/?lang="+lang), wait+" .card")
		check("tokens, "+lang, a.ana.Endpoint("admin/tokens?lang="+lang), wait)
		check("sessions, "+lang, a.ana.Endpoint("admin/sessions?lang="+lang), wait)
		check("consent, "+lang, app.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))+"&lang="+lang, wait+" .scope")
	}
}
