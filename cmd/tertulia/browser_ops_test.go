package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tertulia/store"
)

// newOps is a whole site with some jobs of each state, and a browser in which its owner has
// followed the link, and is led to the first steps.
func newOps(t *testing.T, browser context.Context) (*demoSite, *hosts) {
	t.Helper()
	ana, err := startDemoSite(t.Context(), dataDir(t), "Ana", "es", quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ana.stop)
	asked := newHosts(browser, ana.site.URL.Host)
	link, err := ana.site.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")
	return ana, asked
}

// hosts are those that a browser asks for anything.
type hosts struct {
	mu        sync.Mutex
	elsewhere []string
}

func newHosts(ctx context.Context, own string) *hosts {
	h := &hosts{}
	requests := chromedp.Events(ctx, network.RequestWillBeSent)
	go func() {
		for ev, err := range requests {
			if err != nil {
				return
			}
			if u, err := url.Parse(ev.Request.URL); err == nil && u.Host != own && u.Host != "" {
				h.mu.Lock()
				h.elsewhere = append(h.elsewhere, ev.Request.URL)
				h.mu.Unlock()
			}
		}
	}()
	return h
}

func (h *hosts) none(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.elsewhere) > 0 {
		t.Errorf("the pages ask other hosts: %q", h.elsewhere)
	}
}

// awaitText loads a page again until it says something; with "" for its address it waits for
// the page that is on its way.
func awaitText(t *testing.T, ctx context.Context, address, want string) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		if address != "" {
			visit(t, ctx, address)
		}
		text := pageText(t, ctx)
		if strings.Contains(text, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never says %q:\n%s", address, want, text)
		}
	}
}

// A newcomer without scripts: after the first sign-in come the first steps. The check says what
// works, the test webmention arrives and leaves nothing, the rest is passed over, and the next
// sign-in leads to the inbox.
func TestFirstVisitInABrowser(t *testing.T) {
	browser := newBrowser(t)
	ana, asked := newOps(t, browser)
	welcome := ana.site.Endpoint("admin/welcome")
	if at := whereabouts(t, browser); at != welcome {
		t.Fatalf("the first sign-in leads to %s", at)
	}
	visit(t, browser, welcome+"?lang=es")
	picture(t, browser, "welcome", 800, "light")
	click(t, browser, `button[value="check"]`)
	awaitText(t, browser, welcome, "Funciona todo.")
	click(t, browser, `button[value="try"]`)
	awaitText(t, browser, welcome, "el enlace está")
	picture(t, browser, "welcome-phone-dark", 390, "dark")
	for _, step := range []string{"app", "moderation"} {
		click(t, browser, "#"+step+` button[value="skip"]`)
	}
	if text := pageText(t, browser); strings.Count(text, "Omitido") != 2 || strings.Count(text, "Hecho") != 2 {
		t.Errorf("the steps:\n%s", text)
	}
	for _, state := range []store.State{store.Received, store.Pending, store.Approved, store.Failed} {
		if found, err := ana.site.Conversation.Mentions(t.Context(), state, 9); err != nil || len(found) > 0 {
			t.Errorf("%s: %+v, %v", state, found, err)
		}
	}
	link, err := ana.site.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")
	if at := whereabouts(t, browser); at != ana.site.Endpoint("admin/") {
		t.Errorf("afterwards a sign-in leads to %s", at)
	}
	asked.none(t)
}

// pressKeys presses keys one after the other in the page.
func pressKeys(t *testing.T, ctx context.Context, all ...string) {
	t.Helper()
	for _, one := range all {
		if err := chromedp.Do(ctx, chromedp.KeyEvent(one)); err != nil {
			t.Fatal(err)
		}
	}
}

// tabTo goes with the tabulator to what a selector names.
func tabTo(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	for range 100 {
		pressKeys(t, ctx, kb.Tab)
		if evaluate[bool](t, ctx, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			if !evaluate[bool](t, ctx, "document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineStyle !== 'none'") {
				t.Errorf("%s does not show that it has the focus", selector)
			}
			return
		}
	}
	t.Fatalf("no number of tabs leads to %s", selector)
}

// By keyboard alone: jobs that were set aside are tried again and dropped, and the first steps
// taken; axe-core finds nothing in either language, scheme or width.
func TestOwnersPagesOfTheServiceByKeyboard(t *testing.T) {
	axe := needAxe(t)
	browser := scripted(t)
	ana, asked := newOps(t, browser)
	if err := ana.db.Update(t.Context(), ana.site.Key, func(tx *store.Tx) error {
		for i := range 3 {
			if err := tx.Enqueue(store.Job{Kind: "hub", Key: fmt.Sprintf("https://feed.example/%d/%s", i, strings.Repeat("x", 300)), Args: []byte(`0`)}); err != nil {
				return err
			}
		}
		return tx.Enqueue(store.Job{Kind: "unheard", Key: "k"})
	}); err != nil {
		t.Fatal(err)
	}
	jobs := ana.site.Endpoint("admin/jobs")
	awaitText(t, browser, jobs+"?lang=es", "Avisar al hub")
	picture(t, browser, "jobs", 800, "light")
	for _, lang := range []string{"es", "en"} {
		for page, wait := range map[string]string{"admin/jobs": "table.numbers", "admin/jobs?kind=hub": ".jobs details", "admin/settings": "dl.settings", "admin/welcome": ".steps"} {
			at := ana.site.Endpoint(page) + map[bool]string{true: "&", false: "?"}[strings.Contains(page, "?")] + "lang=" + lang
			// Each page is looked at on a wide screen in one language and on a phone in the other.
			width, scheme := int64(1000), "light"
			if lang == "es" {
				width, scheme = 360, "dark"
			}
			look(t, browser, width, scheme)
			visit(t, browser, at)
			shown(t, browser, fmt.Sprintf("html[lang=%q] %s", lang, wait))
			for _, found := range findings(t, browser, axe) {
				t.Errorf("%s, %s, %d: %s", page, scheme, width, found)
			}
			if evaluate[bool](t, browser, `document.documentElement.scrollWidth > innerWidth`) {
				t.Errorf("%s, %d: it is wider than the screen", page, width)
			}
			if size := evaluate[int](t, browser, `new TextEncoder().encode(document.documentElement.outerHTML).length`); size > 50_000 {
				t.Errorf("%s: %d bytes", page, size)
			}
			picture(t, browser, strings.NewReplacer("admin/", "", "?", "-", "=", "-").Replace(page)+"-"+lang, width, scheme)
		}
	}
	left := func(want int) {
		t.Helper()
		found, _, err := ana.site.Work.Tasks(t.Context(), "hub", "", "", 9)
		if err != nil || len(found) != want {
			t.Errorf("%d jobs are left, want %d (%v)", len(found), want, err)
		}
	}
	visit(t, browser, jobs+"?kind=hub&lang=en")
	tabTo(t, browser, `.card button[value="drop"]`)
	pressKeys(t, browser, kb.Enter)
	awaitText(t, browser, "", "1 job was dropped.")
	left(2)
	tabTo(t, browser, "main details summary")
	pressKeys(t, browser, kb.Enter)
	tabTo(t, browser, `button[value="drop-all"]`)
	pressKeys(t, browser, kb.Enter)
	awaitText(t, browser, "", "2 jobs were dropped.")
	left(0)
	visit(t, browser, ana.site.Endpoint("admin/welcome?lang=en"))
	tabTo(t, browser, "#target")
	pressKeys(t, browser, kb.Enter) // sends the form that it stands in
	awaitText(t, browser, "", "2. Send yourself a test webmention Done")
	tabTo(t, browser, `#app button[value="skip"]`)
	pressKeys(t, browser, kb.Enter)
	shown(t, browser, `#app button[value="unskip"]`)
	tabTo(t, browser, `button[value="end"]`)
	pressKeys(t, browser, kb.Enter)
	shown(t, browser, `a[aria-current="page"][href$="/admin/"]`)
	visit(t, browser, ana.site.Endpoint("admin/settings?lang=en"))
	if text := pageText(t, browser); !strings.Contains(text, "flag --data") && !strings.Contains(text, "the default") {
		t.Errorf("the settings:\n%s", text)
	}
	asked.none(t)
}
