package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Bea looks after Ana's site, and signs in there with her own address, at her own service: two
// whole programs and a real browser without scripts between them. She is led there, asked, led
// back to where she was going, and nobody else is let in that way.
func TestSignInWithAnotherServiceInABrowser(t *testing.T) {
	browser := newBrowser(t)
	ana, bea := newMortal(t, tertulia(t)), newMortal(t, tertulia(t))
	config, err := os.OpenFile(ana.config(), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(config, "\n[[person]]\nme = %q\nname = \"Bea\"\nrole = \"moderator\"\n", bea.home)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Close(); err != nil {
		t.Fatal(err)
	}
	ana.start()
	bea.start()
	visit(t, browser, bea.must("link"))
	click(t, browser, "main button")

	const field, button = `input[name="site"]`, `form[action$="/signin/site"] button`
	visit(t, browser, ana.at("admin/?lang=en"))
	if err := chromedp.Do(browser, chromedp.SendKeys(chromedp.CSS(field), strings.TrimPrefix(bea.home, "http://"))); err != nil {
		t.Fatal(err)
	}
	// The answer to the form is a page that leads on by itself.
	press(t, browser, button, `button[value="approve"]`)
	if text := pageText(t, browser); !strings.Contains(text, ana.at("client")) || !strings.Contains(text, bea.home) {
		t.Fatalf("Bea's service does not say who asks:\n%s", text)
	}
	clickAway(t, browser, `button[value="approve"]`, ana.at("admin/?lang=en"))
	visit(t, browser, ana.at("admin/sessions"))
	if text := pageText(t, browser); !strings.Contains(text, "Bea") || !strings.Contains(text, "at the server of their own address") {
		t.Errorf("the sessions at Ana's show\n%s", text)
	}

	// She says no: then she is told so at Ana's, and is not signed in.
	click(t, browser, ".masthead-out button")
	visit(t, browser, ana.at("signin"))
	if err := chromedp.Do(browser, chromedp.SendKeys(chromedp.CSS(field), bea.home)); err != nil {
		t.Fatal(err)
	}
	press(t, browser, button, `button[value="deny"]`)
	clickAway(t, browser, `button[value="deny"]`, ana.at("signin?unvouched=denied"))
	visit(t, browser, ana.at("admin/"))
	if text := pageText(t, browser); !strings.Contains(text, "tertulia link") {
		t.Errorf("somebody is signed in:\n%s", text)
	}
}

// clickAway clicks what leads to another address, by however many redirects, and waits until
// the page there stands.
func clickAway(t *testing.T, ctx context.Context, selector, address string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fatalf("click %s: %v", selector, err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); whereabouts(t, ctx) != address; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("the browser is at %s, want %s", whereabouts(t, ctx), address)
		}
	}
	if err := chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS("footer"))); err != nil {
		t.Fatal(err)
	}
}

// whereabouts is the address of the page that the browser shows.
func whereabouts(t *testing.T, ctx context.Context) string {
	t.Helper()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	return at
}
