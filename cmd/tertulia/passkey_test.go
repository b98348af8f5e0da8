package main

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Somebody adds a passkey in a real browser, signs out, and signs in with nothing else;
// when it is removed it opens nothing any more. The authenticator is the browser's own.
func TestPasskeyInABrowser(t *testing.T) {
	browser := newBrowser(t)
	ana, err := startDemoSite(t.Context(), dataDir(t), "Ana", "en", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer ana.stop()
	if _, err := chromedp.Call(browser, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	_, err = chromedp.Call(browser, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
		HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	link, err := ana.site.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sessions := ana.site.Endpoint("admin/sessions")
	visit(t, browser, link)
	press(t, browser, "main button", ".masthead-out")
	visit(t, browser, sessions)
	if text := pageText(t, browser); strings.Contains(text, "A name, to know it by") || !strings.Contains(text, "allow this page its script") {
		t.Errorf("without scripts the page offers what does not work:\n%s", text)
	}
	if _, err := chromedp.Call(browser, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{}); err != nil {
		t.Fatal(err)
	}
	visit(t, browser, sessions)
	if err := chromedp.Do(browser, chromedp.SendKeys(chromedp.CSS("#name"), "Phone <1>")); err != nil {
		t.Fatal(err)
	}
	press(t, browser, `button[value="passkey"]`, `button[value="no-passkey"]`)
	if text := pageText(t, browser); !strings.Contains(text, "Phone <1>") {
		t.Fatalf("the passkey is not there:\n%s", text)
	}
	picture(t, browser, "sessions", 800, "light")
	press(t, browser, ".masthead-out button", "body:not(.service)")
	visit(t, browser, ana.site.Endpoint("admin/"))
	picture(t, browser, "signin-passkey", 800, "light")
	press(t, browser, `form[data-passkey] button`, `.masthead-out button`)
	visit(t, browser, sessions)
	if text := pageText(t, browser); !strings.Contains(text, "with a passkey") || !strings.Contains(text, "Last used on") {
		t.Errorf("the session does not say how it began:\n%s", text)
	}
	keys, err := ana.site.Access.Passkeys(t.Context(), ana.site.Me())
	if err != nil || len(keys) != 1 {
		t.Fatalf("got %+v, %v", keys, err)
	}
	press(t, browser, ".masthead-out button", "body:not(.service)")
	visit(t, browser, ana.site.Endpoint("signin"))
	if err := ana.site.Access.DropPasskey(t.Context(), ana.site.Me(), keys[0].ID); err != nil {
		t.Fatal(err)
	}
	press(t, browser, `form[data-passkey] button`, `main:not(:has(form[data-passkey]))`)
	if text := pageText(t, browser); !strings.Contains(text, "tertulia link") {
		t.Errorf("a passkey that was removed signs in:\n%s", text)
	}
}

// press clicks what a script answers to, and waits for what its answer shows.
func press(t *testing.T, ctx context.Context, selector, then string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fatalf("click %s: %v", selector, err)
	}
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(then))); err != nil {
		t.Fatalf("after %s there is no %s: %v", selector, then, err)
	}
}
