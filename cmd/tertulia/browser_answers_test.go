package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tertulia/internal/web"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// questions has some people ask something under a post of Ana's.
func questions(t *testing.T, s *web.Site, db *store.DB, post string, names ...string) {
	t.Helper()
	err := db.Update(t.Context(), s.Key, func(tx *store.Tx) error {
		u, err := url.Parse(post)
		if err != nil {
			return err
		}
		folded, _ := s.Fold(u)
		page, err := tx.PageAt(folded)
		for i, name := range names {
			address := fmt.Sprintf("https://%s.example/1", strings.ToLower(name))
			m := store.Mention{
				ID: store.NewID(tx.Now), Source: address, Target: post, Page: page.ID, State: store.Approved, Received: tx.Now.AddDate(0, 0, i-len(names)),
				Shown: &store.Version{Type: "reply", Author: mf2.Author{Name: name}, URL: address, Text: "¿Y cómo lo haces, " + strings.Repeat("de verdad ", 9) + "?", Language: "es", Digest: name},
			}
			if err == nil {
				err = tx.PutMention(m)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The owner answers in a real browser without scripts, by mouse and by keyboard alone, sets
// aside and takes that back; axe-core finds nothing in both languages and schemes, wide and on a
// phone, and no other host is asked for anything.
func TestAnsweringInABrowser(t *testing.T) {
	axe := needAxe(t)
	browser := newBrowser(t)
	ana, err := startDemoSite(t.Context(), dataDir(t), "Ana", "es", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer ana.stop()
	made, err := ana.site.Posts.Create(t.Context(), micropub.Grant{}, micropub.Create{
		Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"Campamento base"}}}, Digest: "d",
	})
	if err != nil {
		t.Fatal(err)
	}
	post := made.URL
	questions(t, ana.site, ana.db, post, "Bea", "Carla", "Dora", "Eva")
	link, err := ana.site.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")

	// By mouse: answer the first, set the next aside, undo.
	list := ana.site.Endpoint("admin/unanswered")
	visit(t, browser, list+"?lang=es")
	picture(t, browser, "unanswered", 1000, "light")
	click(t, browser, ".open li:first-child a.button")
	if err := chromedp.Do(browser, chromedp.SendKeys(chromedp.CSS("#text"), "Con paciencia.")); err != nil {
		t.Fatal(err)
	}
	picture(t, browser, "answering", 390, "dark")
	click(t, browser, `button[value="reply"]`)
	wantText(t, browser, "Tu respuesta está guardada", ana.site.Me()+"20")
	visit(t, browser, list)
	if text := pageText(t, browser); strings.Contains(text, "Bea") || !strings.Contains(text, "Carla") {
		t.Fatalf("after the answer:\n%s", text)
	}
	click(t, browser, `.open li:first-child button[name="aside"]`)
	wantText(t, browser, "Se ha apartado 1 respuesta.")
	click(t, browser, ".notice button")
	wantText(t, browser, "Carla", "Vuelve a estar")

	// By keyboard alone: to the link of the first, into the text, and to the button.
	tabTo(t, browser, ".open li:first-child a.button")
	pressKey(t, browser, kb.Enter, "#text")
	tabTo(t, browser, "#text")
	if err := chromedp.Do(browser, chromedp.KeyEvent("Con la mano.")); err != nil {
		t.Fatal(err)
	}
	tabTo(t, browser, `button[value="reply"]`)
	pressKey(t, browser, kb.Enter, ".given")
	wantText(t, browser, "Tu respuesta está guardada")
	visit(t, browser, list)
	tabTo(t, browser, `.open li:first-child input[type="checkbox"]`)
	if err := chromedp.Do(browser, chromedp.KeyEvent(" ")); err != nil {
		t.Fatal(err)
	}
	tabTo(t, browser, `button[name="do"][value="aside"]`)
	pressKey(t, browser, kb.Enter, ".notice")
	wantText(t, browser, "Se ha apartado 1 respuesta.")

	// The answers stand below what they answer.
	visit(t, browser, post)
	if text := pageText(t, browser); !strings.Contains(text, "Con paciencia.") || !strings.Contains(text, "escribe este sitio") {
		t.Errorf("the page of the post:\n%s", text)
	}

	// With scripts, for axe-core alone.
	if _, err := chromedp.Call(browser, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false}); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"es", "en"} {
		visit(t, browser, list+"?lang="+lang)
		form := evaluate[string](t, browser, `document.querySelector(".open a.button").href`)
		for name, address := range map[string]string{"list": list + "?lang=" + lang, "aside": list + "?list=aside&lang=" + lang, "questions": list + "?list=questions&lang=" + lang, "form": form + "?lang=" + lang} {
			for _, at := range []struct {
				width  int64
				scheme string
			}{{1000, "light"}, {360, "dark"}, {360, "light"}} {
				look(t, browser, at.width, at.scheme)
				visit(t, browser, address)
				shown(t, browser, fmt.Sprintf("html[lang=%q] main", lang))
				for _, found := range findings(t, browser, axe) {
					t.Errorf("%s, %s, %s, %d: %s", name, lang, at.scheme, at.width, found)
				}
				if evaluate[bool](t, browser, `performance.getEntriesByType("resource").some(e => new URL(e.name).origin !== location.origin)`) {
					t.Errorf("%s, %s: it asks another host", name, lang)
				}
				if evaluate[bool](t, browser, `document.documentElement.scrollWidth > innerWidth`) {
					t.Errorf("%s, %s, %d: it is wider than the screen", name, lang, at.width)
				}
			}
		}
	}
}

// wantText fails unless the page has some words.
func wantText(t *testing.T, ctx context.Context, words ...string) {
	t.Helper()
	text := pageText(t, ctx)
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Fatalf("there is no %q in:\n%s", word, text)
		}
	}
}

// pressKey presses a key and waits for what follows.
func pressKey(t *testing.T, ctx context.Context, key, then string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(key)); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(then))); err != nil {
		t.Fatalf("after the key there is no %s: %v", then, err)
	}
}
