package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"golang.org/x/oauth2"

	"tertulia/indieauth"
)

var pictures = flag.String("pictures", "", "write screenshots of the pages into this `directory`")

// needProgram skips a test whose program is absent, unless everything is required.
func needProgram(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("TERTULIA_TEST_REQUIRE_ALL") != "" {
		t.Fatalf("%s is not installed", names[0])
	}
	t.Skipf("SKIPPED: %s is not installed", names[0])
	return ""
}

// newBrowser opens a real browser with scripts turned off: our pages must do without.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(needProgram(t, "chromium", "chromium-browser", "google-chrome")),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()),
	)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func visit(t *testing.T, ctx context.Context, address string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("open %s: %v", address, err)
	}
}

func click(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fatalf("click %s: %v", selector, err)
	}
}

func pageText(t *testing.T, ctx context.Context) string {
	t.Helper()
	for try := 1; ; try++ {
		text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
		if err == nil {
			return text
		}
		if try == 5 || !replaced(err) {
			t.Fatal(err)
		}
	}
}

// replaced tells whether an error says that the page has just been replaced by another.
func replaced(err error) bool {
	return slices.ContainsFunc([]string{"No node with given id", "Cannot find context", "context was destroyed", "navigated or closed"}, func(said string) bool {
		return strings.Contains(err.Error(), said)
	})
}

// picture takes a screenshot at a width, in a colour scheme, when pictures are wanted.
func picture(t *testing.T, ctx context.Context, name string, width int64, scheme string) {
	t.Helper()
	if *pictures == "" {
		return
	}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 640)); err != nil {
		t.Fatal(err)
	}
	shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), shot, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A client that knows nothing of us but OAuth 2 signs in with the owner's address in a
// real browser without scripts: sign-in in the middle of the flow, consent with one
// scope unticked, the code traded for a token that may do just that.
func TestConsentInABrowser(t *testing.T) {
	browser := newBrowser(t)
	ana, err := startDemoSite(t.Context(), dataDir(t), "Ana", "es", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer ana.stop()
	answers := make(chan url.Values, 1)
	client := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			answers <- r.URL.Query()
			fmt.Fprint(w, "<title>back</title>thank you")
		}
	}))
	defer client.Close()
	app := oauth2.Config{
		ClientID: client.URL + "/", RedirectURL: client.URL + "/callback", Scopes: []string{"create", "delete", "media"},
		Endpoint: oauth2.Endpoint{AuthURL: ana.site.Endpoint("auth"), TokenURL: ana.site.Endpoint("token"), AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier := oauth2.GenerateVerifier()
	visit(t, browser, app.AuthCodeURL("a state & more", oauth2.S256ChallengeOption(verifier)))
	if text := pageText(t, browser); !strings.Contains(text, "tertulia link") {
		t.Fatalf("without a session the page must say how to sign in, got:\n%s", text)
	}
	picture(t, browser, "signin", 800, "light")

	link, err := ana.site.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")
	text := pageText(t, browser)
	for _, want := range []string{app.ClientID, app.RedirectURL, "create", "delete", "media"} {
		if !strings.Contains(text, want) {
			t.Errorf("the consent page does not show %q:\n%s", want, text)
		}
	}
	if err := chromedp.Do(browser, chromedp.Click(chromedp.CSS(`input[value="delete"]`))); err != nil {
		t.Fatal(err)
	}
	click(t, browser, `button[value="approve"]`)
	var got url.Values
	select {
	case got = <-answers:
	case <-time.After(20 * time.Second):
		t.Fatalf("the browser did not come back to the client, it shows:\n%s", pageText(t, browser))
	}
	if got.Get("state") != "a state & more" || got.Get("iss") != ana.site.Base {
		t.Errorf("got state %q and iss %q", got.Get("state"), got.Get("iss"))
	}
	token, err := app.Exchange(t.Context(), got.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if token.Extra("me") != ana.site.Me() || token.Extra("scope") != "create media" {
		t.Errorf("token response: got me %v and scope %v", token.Extra("me"), token.Extra("scope"))
	}
	if _, err := ana.site.Access.Token(t.Context(), indieauth.Hash(token.AccessToken)); err != nil {
		t.Errorf("the token is not kept: %v", err)
	}
}

// What the demo shows stands under the post in a real browser without scripts, which asks
// no other host for anything (HOSTILE 114).
func TestConversationInABrowser(t *testing.T) {
	browser := newBrowser(t)
	log := quiet()
	ana, err := startDemoSite(t.Context(), dataDir(t), "Ana", "es", log)
	if err != nil {
		t.Fatal(err)
	}
	defer ana.stop()
	bruno, err := startDemoSite(t.Context(), dataDir(t), "Bruno", "es", log)
	if err != nil {
		t.Fatal(err)
	}
	defer bruno.stop()
	d := newDemonstration(ana, bruno, "es", stdio{out: io.Discard, err: io.Discard})
	permalink, err := d.play(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	var elsewhere []string
	requests := chromedp.Events(browser, network.RequestWillBeSent)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for ev, err := range requests {
			if err != nil {
				return
			}
			if u, err := url.Parse(ev.Request.URL); err == nil && u.Host != ana.site.URL.Host {
				elsewhere = append(elsewhere, ev.Request.URL)
			}
			if strings.HasSuffix(ev.Request.URL, "/admin/") {
				return
			}
		}
	}()
	visit(t, browser, permalink)
	text := pageText(t, browser)
	for _, want := range []string{d.l.T("demo.reply"), "Bruno", "1 respuesta"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q:\n%s", want, text)
		}
	}
	picture(t, browser, "conversation", 800, "light")
	picture(t, browser, "conversation-phone-dark", 390, "dark")
	visit(t, browser, ana.site.ConversationURL(permalink))
	if text := pageText(t, browser); !strings.Contains(text, d.l.T("demo.reply")) {
		t.Errorf("the conversation page does not show the reply:\n%s", text)
	}
	visit(t, browser, ana.site.Me())
	picture(t, browser, "home-phone", 390, "light")
	link, err := ana.site.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")
	visit(t, browser, ana.site.Endpoint("admin/"))
	picture(t, browser, "inbox", 800, "light")
	select {
	case <-asked:
	case <-time.After(20 * time.Second):
		t.Error("the inbox was never asked for")
	}
	if len(elsewhere) > 0 {
		t.Errorf("the pages ask other hosts: %q", elsewhere)
	}
}
