package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tertulia/mf2"
	"tertulia/micropub"
)

// atDesk is Ana, who is signed in and writes.
type atDesk struct {
	*testing.T
	*demoSite
	browser context.Context
}

func newDesk(t *testing.T, browser context.Context) *atDesk {
	t.Helper()
	ana, err := startDemoSite(t.Context(), dataDir(t), "Ana", "es", quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ana.stop)
	link, err := ana.site.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")
	return &atDesk{t, ana, browser}
}

// source is what a post says, by its address or that of the page about it.
func (d *atDesk) source(address string) mf2.Item {
	d.Helper()
	if u, err := url.Parse(address); err == nil && u.Query().Get("url") != "" {
		address = u.Query().Get("url")
	}
	item, err := d.site.Posts.Source(d.Context(), micropub.Grant{}, address)
	if err != nil {
		d.Fatal(err)
	}
	return item
}

func (d *atDesk) kept(properties map[string][]any) string {
	d.Helper()
	made, err := d.site.Posts.Create(d.Context(), micropub.Grant{}, micropub.Create{Item: mf2.Item{Type: []string{"h-entry"}, Properties: properties}, Digest: fmt.Sprint(properties)})
	if err != nil {
		d.Fatal(err)
	}
	return made.URL
}

func (d *atDesk) typeInto(selector, text string) {
	d.Helper()
	if err := chromedp.Do(d.browser, chromedp.SendKeys(chromedp.CSS(selector), text)); err != nil {
		d.Fatalf("type into %s: %v", selector, err)
	}
}

// keys presses keys, wherever the focus is.
func (d *atDesk) keys(keys string) {
	d.Helper()
	if err := chromedp.Do(d.browser, chromedp.KeyEvent(keys)); err != nil {
		d.Fatal(err)
	}
}

// tabTo presses the tabulator until something has the focus, which it shows.
func (d *atDesk) tabTo(selector string) {
	d.Helper()
	for range 60 {
		if evaluate[bool](d.T, d.browser, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			if evaluate[string](d.T, d.browser, `getComputedStyle(document.activeElement).outlineStyle`) == "none" {
				d.Errorf("%s has the focus, and nobody sees it", selector)
			}
			return
		}
		d.keys(kb.Tab)
	}
	d.Fatalf("the keyboard does not come to %s", selector)
}

// onePhoto is a picture in a file.
func onePhoto(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 200))
	for y := range 200 {
		for x := range 320 {
			img.Set(x, y, color.RGBA{uint8(90 + y/2), uint8(120 + x/4), 200, 255})
		}
	}
	var b bytes.Buffer
	name := filepath.Join(t.TempDir(), "mar.png")
	err := png.Encode(&b, img)
	if err == nil {
		err = os.WriteFile(name, b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// The owner writes with a mouse: chooses a type, sees pictures before they are uploaded and the
// page before it is published, makes a bookmark of an address; and finds all of it in the list.
func TestComposerInABrowser(t *testing.T) {
	d := newDesk(t, scripted(t))
	compose := d.site.Endpoint("admin/compose")
	look(t, d.browser, 1000, "light")
	visit(t, d.browser, compose+"?lang=es")
	if err := chromedp.Do(d.browser, chromedp.Click(chromedp.CSS(`a[data-type="photo"]`))); err != nil {
		t.Fatal(err)
	}
	shown(t, d.browser, `a[data-type="photo"][aria-current]`)
	if err := chromedp.Do(d.browser, chromedp.SetUploadFiles(chromedp.CSS("#file-photo"), []string{onePhoto(t)})); err != nil {
		t.Fatal(err)
	}
	shown(t, d.browser, `[data-alts] img[src^="blob:"]`)
	evaluate[bool](t, d.browser, `document.querySelector("[data-alts] img").decode().then(() => true)`)
	d.typeInto("#new-alt", "El mar")
	evaluate[bool](t, d.browser, `const text = document.getElementById("f-content"); text.value = "Mañana clara 👩‍👩‍👧"; text.dispatchEvent(new Event("input", { bubbles: true }))`)
	if got := evaluate[string](t, d.browser, `document.querySelector(".count").textContent`); got != "Caracteres: 14" {
		t.Errorf("it counts %q", got)
	}
	if !evaluate[bool](t, d.browser, `!dispatchEvent(new Event("beforeunload", { cancelable: true }))`) {
		t.Error("what was typed is lost unasked")
	}
	behaved(t, d.browser, "composer")
	click(t, d.browser, `button[value="preview"]`)
	shown(t, d.browser, ".preview iframe")
	if got := evaluate[string](t, d.browser, `document.activeElement.id + document.querySelector("iframe").srcdoc.includes("Mañana clara")`); got != "previewtrue" {
		t.Errorf("the preview: %s", got)
	}
	behaved(t, d.browser, "preview")
	picture(t, d.browser, "compose-preview", 800, "light")
	look(t, d.browser, 1000, "light")
	click(t, d.browser, `button[value="publish"]`)
	shown(t, d.browser, ".history")
	item := d.source(whereabouts(t, d.browser))
	if photo, _ := item.Properties["photo"][0].(map[string]any); photo["alt"] != "El mar" || item.Get("content") != "Mañana clara 👩‍👩‍👧" {
		t.Errorf("the post says %v", item)
	}
	behaved(t, d.browser, "post")

	visit(t, d.browser, compose)
	d.typeInto("#f-content", "https://bea.example/1")
	if err := chromedp.Do(d.browser, chromedp.Click(chromedp.CSS(`button[data-become="bookmark"]`))); err != nil {
		t.Fatal(err)
	}
	click(t, d.browser, `button[value="publish"]`)
	shown(t, d.browser, ".history")
	if item := d.source(whereabouts(t, d.browser)); item.Get("bookmark-of") != "https://bea.example/1" || item.Get("content") != "" {
		t.Errorf("the bookmark says %v", item)
	}
	visit(t, d.browser, d.site.Endpoint("admin/posts"))
	if text := pageText(t, d.browser); !strings.Contains(text, "Mañana clara") || !strings.Contains(text, "https://bea.example/1") {
		t.Errorf("the list shows\n%s", text)
	}
	picture(t, d.browser, "posts", 800, "light")
	picture(t, d.browser, "posts-phone-dark", 390, "dark")
	for _, u := range evaluate[[]string](t, d.browser, `performance.getEntriesByType("resource").map(e => e.name)`) {
		if !strings.HasPrefix(u, d.site.Me()) {
			t.Errorf("%s was asked for", u)
		}
	}
}

// With the keyboard alone a note is written, edited and deleted.
func TestComposerByKeyboard(t *testing.T) {
	d := newDesk(t, scripted(t))
	visit(t, d.browser, d.site.Endpoint("admin/compose?type=note&lang=es"))
	d.tabTo("#f-content")
	d.keys("Sin raton")
	d.tabTo(`button[value="publish"]`)
	d.keys(kb.Enter)
	shown(t, d.browser, ".history")
	post := whereabouts(t, d.browser)
	d.tabTo(`a[href*="admin/compose?url="]`)
	d.keys(kb.Enter)
	shown(t, d.browser, `button[value="save"]`)
	d.tabTo("#f-content")
	d.keys(kb.End + ", y editado")
	d.tabTo(`button[value="save"]`)
	d.keys(kb.Enter)
	shown(t, d.browser, ".history li:nth-child(2)")
	if item := d.source(post); item.Get("content") != "Sin raton, y editado" {
		t.Errorf("it says %q", item.Get("content"))
	}
	d.tabTo(`a[href$="ask=delete"]`)
	d.keys(kb.Enter)
	shown(t, d.browser, `button[value="delete"]`)
	d.tabTo(`button[value="delete"]`)
	d.keys(kb.Enter)
	shown(t, d.browser, `button[value="undelete"]`)
	behaved(t, d.browser, "deleted")
}

// Without JavaScript the same works: types by their links, files by a button, drafts, edits.
func TestComposerWithoutScripts(t *testing.T) {
	d := newDesk(t, newBrowser(t))
	visit(t, d.browser, d.site.Endpoint("admin/compose?lang=en"))
	click(t, d.browser, `a[data-type="photo"]`)
	if err := chromedp.Do(d.browser, chromedp.SetUploadFiles(chromedp.CSS("#file-photo"), []string{onePhoto(t)})); err != nil {
		t.Fatal(err)
	}
	d.typeInto("#new-alt", "The sea")
	click(t, d.browser, `.files:not([hidden]) button[value="upload"]`)
	if text := pageText(t, d.browser); !strings.Contains(text, "The files are uploaded") {
		t.Fatalf("the page says\n%s", text)
	}
	d.typeInto("#f-content", "A clear morning")
	click(t, d.browser, `button[value="draft"]`)
	draft := whereabouts(t, d.browser)
	if item := d.source(draft); item.Get("post-status") != "draft" || item.Get("content") != "A clear morning" {
		t.Fatalf("the draft says %v", item)
	}
	d.typeInto("#f-content", "!")
	click(t, d.browser, `button[value="publish"]`)
	item := d.source(draft)
	if photo, _ := item.Properties["photo"][0].(map[string]any); photo["alt"] != "The sea" || item.Get("post-status") == "draft" || !strings.Contains(item.Get("content"), "!") {
		t.Errorf("the post says %v", item)
	}
	visit(t, d.browser, d.site.Endpoint("admin/posts"))
	d.typeInto("#q", "CLEAR")
	click(t, d.browser, ".seek button")
	if text := pageText(t, d.browser); !strings.Contains(text, "A clear morning") {
		t.Errorf("it is not found:\n%s", text)
	}
}

// A phone can install the composer: the manifest has no error, and nothing stands in the way.
func TestComposerCanBeInstalled(t *testing.T) {
	d := newDesk(t, scripted(t))
	visit(t, d.browser, d.site.Endpoint("admin/compose"))
	manifest, err := chromedp.Call(d.browser, page.GetAppManifest, page.GetAppManifestParams{})
	if err != nil || manifest.URL != d.site.Endpoint("manifest.webmanifest") {
		t.Fatalf("manifest %q: %v", manifest.URL, err)
	}
	for _, e := range manifest.Errors {
		t.Errorf("manifest: %s", e.Message)
	}
	var found []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		in, err := chromedp.Call(d.browser, page.GetInstallabilityErrors, cdp.Empty{})
		if err != nil {
			t.Fatal(err)
		}
		found = nil
		for _, e := range in.InstallabilityErrors {
			found = append(found, fmt.Sprint(e.ErrorID, e.ErrorArguments))
		}
		if len(found) == 0 {
			break
		}
	}
	if len(found) > 0 {
		t.Errorf("it cannot be installed: %q", found)
	}
}

// WIDGET 5 and 6: axe-core finds nothing in the pages for posts, in both languages and schemes,
// down to 360 pixels.
func TestPostsAreAccessible(t *testing.T) {
	axe := needAxe(t)
	d := newDesk(t, scripted(t))
	post := d.kept(map[string][]any{"name": {"Mañana"}, "content": {"Texto https://bea.example/1"}, "category": {"mar"}, "photo": {"https://ana.example/x.png"}})
	gone := d.kept(map[string][]any{"content": {"Borrada"}})
	draft := d.kept(map[string][]any{"content": {"Borrador"}, "post-status": {"draft"}, "location": {map[string]any{"type": []any{"h-geo"}}}})
	if err := d.site.Posts.Delete(t.Context(), micropub.Grant{}, gone); err != nil {
		t.Fatal(err)
	}
	check := func(name, width string) {
		t.Helper()
		for _, found := range findings(t, d.browser, axe) {
			t.Errorf("%s, %s: %s", name, width, found)
		}
		if evaluate[bool](t, d.browser, `document.documentElement.scrollWidth > innerWidth`) {
			t.Errorf("%s, %s: it is wider than the screen", name, width)
		}
	}
	about, edit := "admin/post?url="+url.QueryEscape(post), "admin/compose?url="
	for i, lang := range []string{"es", "en"} {
		scheme := []string{"light", "dark"}[i]
		width := []int64{1000, 360}[i]
		look(t, d.browser, width, scheme)
		for _, path := range []string{"admin/posts?", about + "&", about + "&ask=delete&", "admin/post?url=" + url.QueryEscape(gone) + "&", "admin/compose?", "admin/compose?type=event&", "admin/compose?type=photo&", edit + url.QueryEscape(post) + "&", edit + url.QueryEscape(draft) + "&", "admin/posts?q=nada&"} {
			visit(t, d.browser, d.site.Endpoint(path)+"lang="+lang)
			check(path, fmt.Sprint(lang, " ", scheme, " ", width))
		}
		visit(t, d.browser, d.site.Endpoint("admin/compose?type=article"))
		evaluate[bool](t, d.browser, `document.querySelectorAll("[required]").forEach(e => e.required = false), true`)
		click(t, d.browser, `button[value="publish"]`)
		shown(t, d.browser, "#wrong")
		check("composer with faults", fmt.Sprint(lang, " ", scheme, " ", width))
		picture(t, d.browser, "compose-faults-"+lang, width, scheme)
		d.typeInto("#f-content", "x")
		click(t, d.browser, `button[value="preview"]`)
		shown(t, d.browser, ".preview iframe")
		check("preview", fmt.Sprint(lang, " ", scheme, " ", width))
		evaluate[bool](t, d.browser, `document.getElementById("compose").dispatchEvent(new Event("submit"))`) // or it would ask before it goes
	}
	look(t, d.browser, 1000, "light")
	visit(t, d.browser, d.site.Endpoint(about))
	picture(t, d.browser, "post", 800, "light")
	visit(t, d.browser, d.site.Endpoint("admin/compose?type=event"))
	picture(t, d.browser, "compose-event-phone", 390, "light")
}
