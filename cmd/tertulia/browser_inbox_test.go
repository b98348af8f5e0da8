package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tertulia/mf2"
	"tertulia/store"
)

// wait keeps what waits for the owner: three people, one of them with two, and a flood.
func (a *apart) wait() (ids []string) {
	a.Helper()
	address := a.home() + "post/"
	a.say(address, store.Version{Type: "like", URL: "https://like.example/"})
	err := a.db.Update(a.Context(), a.ana.Key, func(tx *store.Tx) error {
		ids = nil
		page, err := tx.PageAt("/post")
		if err != nil {
			return err
		}
		put := func(who, cluster, text string, state store.State, why string) error {
			m := store.Mention{ID: store.NewID(tx.Now), Source: fmt.Sprintf("https://%s/%d", cluster, len(ids)), Target: address, Page: page.ID, State: state, Why: why, Received: tx.Now.Add(time.Duration(len(ids)-60) * time.Minute), Cluster: cluster, History: []store.Event{{At: tx.Now, Stage: "received"}}}
			m.Shown = &store.Version{Type: "reply", Author: mf2.Author{Name: who, URL: "https://" + cluster + "/"}, Text: text, URL: m.Source, Digest: fmt.Sprint("d", len(ids)), Language: "es"}
			if why == "person" {
				m.Shown.Person = who
			}
			ids = append(ids, m.ID)
			return tx.PutMention(m)
		}
		for _, who := range []string{"Bruno", "Carla", "Dora"} {
			if err := tx.PutPerson(store.Person{ID: who, Name: who, URL: "https://" + strings.ToLower(who) + ".example/", Identities: []string{strings.ToLower(who) + ".example/"}, Created: tx.Now}); err != nil {
				return err
			}
		}
		for _, m := range [][2]string{{"Bruno", "Totalmente de acuerdo."}, {"Bruno", "Y además, en casa."}, {"Carla", "¿Y si la red desaparece?"}, {"Dora", "La respuesta se queda."}} {
			if err := put(m[0], strings.ToLower(m[0])+".example", m[1], store.Pending, "person"); err != nil {
				return err
			}
		}
		for range 25 {
			if err := put("Compra", "compra.example", "Compra, compra.", store.Pending, "author"); err != nil {
				return err
			}
		}
		return put("Enlaces", "enlaces.example", "Mira, mira.", store.Quarantined, "links")
	})
	if err != nil {
		a.Fatal(err)
	}
	return ids
}

func (a *apart) state(id string) store.State {
	a.Helper()
	m, err := a.ana.Conversation.Mention(a.Context(), id)
	if err != nil {
		a.Fatal(err)
	}
	return m.State
}

// signIn signs a browser in.
func (a *apart) signIn(ctx context.Context) {
	a.Helper()
	link, err := a.ana.Access.NewLink(a.Context())
	if err != nil {
		a.Fatal(err)
	}
	visit(a.T, ctx, link)
	click(a.T, ctx, "main button")
}

// typed presses keys on the page; the last of them may lead to another.
func typed(t *testing.T, ctx context.Context, keys string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(keys)); err != nil {
		t.Fatalf("type %q: %v", keys, err)
	}
}

func typedAway(t *testing.T, ctx context.Context, keys string) {
	t.Helper()
	if _, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(keys)); err != nil {
		t.Fatalf("type %q: %v", keys, err)
	}
}

// By keyboard alone: each key does what the help says, the page stays where it was, what was done is
// undone, nothing happens while somebody types or after the keys were turned off.
func TestInboxByKeyboard(t *testing.T) {
	a := newApart(t)
	ids := a.wait()
	browser := scripted(t)
	a.signIn(browser)
	address := a.ana.Endpoint("admin/?lang=es")
	visit(t, browser, address)
	focused := func(want string) {
		t.Helper()
		if got := evaluate[string](t, browser, `document.activeElement.innerText`); !strings.Contains(got, want) {
			t.Errorf("the focus is on %q, want %q", got, want)
		}
	}
	states := func(want ...store.State) {
		t.Helper()
		for i, w := range want {
			if got := a.state(ids[i]); got != w {
				t.Errorf("number %d is %s, want %s", i, got, w)
			}
		}
	}
	typed(t, browser, "?")
	shown(t, browser, "#keys[open]")
	shownText(t, browser, "Aprobar, rechazar", "Usarlos en este navegador")
	typed(t, browser, "a") // not while the help is open
	typed(t, browser, "\x1b")
	shown(t, browser, "#keys:not([open])")
	typed(t, browser, "jjk")
	focused("Totalmente de acuerdo.")
	typed(t, browser, "jx")
	if !evaluate[bool](t, browser, `document.activeElement.closest(".row")?.querySelector("input").checked ?? document.activeElement.checked`) {
		t.Error("x does not tick")
	}
	typed(t, browser, "jj")
	focused("La respuesta se queda.")
	typedAway(t, browser, "c")
	shownText(t, browser, "Responder a Dora", "La respuesta se queda.")
	states(store.Pending, store.Pending, store.Pending, store.Pending)
	visit(t, browser, address)
	typed(t, browser, "jjj")
	focused("¿Y si la red desaparece?")
	typedAway(t, browser, "r")
	shown(t, browser, "#notice")
	states(store.Pending, store.Pending, store.Rejected, store.Pending)
	focused("Dora") // where Carla was
	shownText(t, browser, "1 respuesta rechazada.")
	typedAway(t, browser, "u")
	states(store.Pending, store.Pending, store.Pending, store.Pending)
	visit(t, browser, address)
	typed(t, browser, "j")
	typedAway(t, browser, "a")
	states(store.Approved, store.Approved, store.Pending, store.Pending) // of the same person, who is trusted from now on
	focused("Carla")
	typed(t, browser, "j")
	focused("¿Y si la red desaparece?")
	typedAway(t, browser, "b")
	states(store.Approved, store.Approved, store.Rejected, store.Pending)
	typed(t, browser, "jj")
	focused("Compra")
	typedAway(t, browser, "m")
	if got := a.state(ids[10]); got != store.Silent {
		t.Errorf("of the flood one is %s", got)
	}
	typedAway(t, browser, "u")

	visit(t, browser, address)
	typed(t, browser, "?")
	if err := chromedp.Do(browser, chromedp.Click(chromedp.CSS("#keys-on"))); err != nil {
		t.Fatal(err)
	}
	typed(t, browser, "\x1b")
	shown(t, browser, "#keys:not([open])")
	for range 2 {
		typed(t, browser, "ja")
		states(store.Approved, store.Approved, store.Rejected, store.Pending)
		visit(t, browser, address) // it is remembered
	}
	if elsewhere := evaluate[string](t, browser, `performance.getEntriesByType("resource").map(e => e.name).filter(n => new URL(n).host !== location.host).join()`); elsewhere != "" {
		t.Errorf("the page asks %s", elsewhere)
	}
	behaved(t, browser, "inbox")
}

// By mouse and without scripts: one is decided, several that are ticked, and a flood; each is undone;
// a search finds what was decided, and a person has a page.
func TestInboxWithoutScripts(t *testing.T) {
	a := newApart(t)
	ids := a.wait()
	browser := newBrowser(t)
	a.signIn(browser)
	visit(t, browser, a.ana.Endpoint("admin/?lang=en"))
	shownText(t, browser, "25 responses, none of them by somebody who was here before.", "1 in quarantine")
	if text := pageText(t, browser); strings.Contains(text, "Keyboard shortcuts") {
		t.Error("keys are offered without scripts")
	}
	picture(t, browser, "inbox-groups", 800, "light")
	picture(t, browser, "inbox-groups-phone-dark", 390, "dark")
	click(t, browser, `button[value^="reject `+ids[3]+`"]`)
	shownText(t, browser, "1 response rejected.")
	click(t, browser, `button[name="undo"]`)
	shownText(t, browser, "1 decision undone.")
	for _, id := range []string{ids[2], ids[3]} {
		if err := chromedp.Do(browser, chromedp.Click(chromedp.CSS(`input[value^="`+id+`"]`))); err != nil {
			t.Fatal(err)
		}
	}
	typed(t, browser, kb.Enter) // in a box to tick it presses no button: least of all the first of the page
	if got := evaluate[int](t, browser, `document.querySelectorAll("input[type=checkbox]:checked").length`); got != 2 || a.state(ids[0]) != store.Pending {
		t.Errorf("Enter in a ticked box: %d are ticked, the first is %s", got, a.state(ids[0]))
	}
	click(t, browser, `.ticked button[value="approve"]`)
	shownText(t, browser, "2 responses approved.")
	if a.state(ids[2]) != store.Approved || a.state(ids[3]) != store.Approved || a.state(ids[0]) != store.Pending {
		t.Errorf("got %s, %s and %s", a.state(ids[2]), a.state(ids[3]), a.state(ids[0]))
	}
	click(t, browser, `button[name="undo"]`)
	shownText(t, browser, "2 decisions undone.")
	click(t, browser, `#at-4 button[value^="reject "]`)
	shownText(t, browser, "25 responses rejected.")
	click(t, browser, `a[href$="/admin/decided"]`)
	if err := chromedp.Do(browser, chromedp.SendKeys(chromedp.CSS("#q"), "COMPRÁ")); err != nil {
		t.Fatal(err)
	}
	click(t, browser, `.search button`)
	shownText(t, browser, "Show more", "You have rejected it.")
	picture(t, browser, "decided", 800, "light")
	click(t, browser, `a[href$="/admin/decisions"]`)
	picture(t, browser, "decisions", 800, "light")
	click(t, browser, `button[name="undo"]`)
	shownText(t, browser, "25 decisions undone.")
	click(t, browser, `a[href$="/admin/people"]`)
	click(t, browser, `a[href$="person?id=Bruno"]`)
	click(t, browser, `button[value="trust"]`)
	shownText(t, browser, "1 person or site trusted.", "Totalmente de acuerdo.")
	picture(t, browser, "person", 800, "light")
	if a.state(ids[0]) != store.Approved {
		t.Errorf("the first is %s", a.state(ids[0]))
	}
}

// WIDGET 5 and 6: axe-core finds nothing on these pages, in both languages and schemes, wide and on a
// phone.
func TestAxeFindsNothingInTheInbox(t *testing.T) {
	axe := needAxe(t)
	a := newApart(t)
	ids := a.wait()
	browser := scripted(t)
	a.signIn(browser)
	visit(t, browser, a.ana.Endpoint("admin/"))
	click(t, browser, `button[value^="reject `+ids[3]+`"]`)
	done := evaluate[string](t, browser, `new URLSearchParams(location.search).get("done")`)
	for n, at := range []string{"?done=" + done, "quarantine", "decided", "decisions", "mention?id=" + ids[3], "people", "person?id=Dora", "person/erase?id=Dora"} {
		join := "?"
		if strings.Contains(at, "?") {
			join = "&"
		}
		for i, lang := range []string{"es", "en"} {
			wide := (n+i)%2 == 0
			width, scheme := map[bool]int64{true: 1000, false: 360}[wide], map[bool]string{true: "light", false: "dark"}[(n/2+i)%2 == 0]
			look(t, browser, width, scheme)
			visit(t, browser, a.ana.Endpoint("admin/"+at+join+"lang="+lang))
			shown(t, browser, fmt.Sprintf("html[lang=%q] main", lang))
			if n == 0 && i == 0 {
				typed(t, browser, "?")
				shown(t, browser, "#keys[open]")
			}
			for _, found := range findings(t, browser, axe) {
				t.Errorf("%s, %s, %s, %d: %s", at, lang, scheme, width, found)
			}
			if evaluate[bool](t, browser, `document.documentElement.scrollWidth > innerWidth`) {
				t.Errorf("%s, %d: it is wider than the screen", at, width)
			}
		}
	}
}
