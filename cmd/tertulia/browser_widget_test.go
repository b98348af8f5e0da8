package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tertulia/internal/web"
	"tertulia/internal/web/theme"
	"tertulia/mf2"
	"tertulia/store"
)

// T-UI01, WIDGET 4: under a policy that allows no style, no string of HTML and nothing from
// elsewhere, the widget shows the conversation of a service on another origin when the
// reader comes near it, and moves nothing.
func TestWidgetUnderAStrictPolicy(t *testing.T) {
	a := newApart(t)
	browser := scripted(t)
	embed := web.Embed(a.ana.Base)
	a.csp = "default-src 'none'; style-src 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; " + embed.Policy
	address := a.home() + "post/"
	a.talk(address)
	a.page("/post/", "es", long+a.place(address, "")+fmt.Sprintf(`<script src="%s" integrity="%s" crossorigin="anonymous" defer></script><footer>The end</footer>`, embed.Script, embed.Integrity))
	for _, width := range []int64{1000, 390} {
		if err := chromedp.Do(browser, chromedp.EmulateViewport(width, 640)); err != nil {
			t.Fatal(err)
		}
		visit(t, browser, address)
		shown(t, browser, "tertulia-conversation:defined")
		if n := evaluate[int](t, browser, `document.querySelectorAll(".tertulia").length`); n != 0 {
			t.Errorf("at %d: it was fetched before anybody came near", width)
		}
		evaluate[bool](t, browser, `scrollTo(0, document.querySelector("tertulia-conversation").offsetTop - innerHeight - 500), true`)
		shown(t, browser, ".tertulia-response .tertulia-response .tertulia-response")
		painted(t, browser)
		evaluate[bool](t, browser, `scrollTo(0, document.body.scrollHeight), true`)
		behaved(t, browser, fmt.Sprintf("at %d", width))
		if got := evaluate[string](t, browser, `getComputedStyle(document.querySelector("span.tertulia-avatar")).borderRadius`); got != "50%" {
			t.Errorf("at %d: the styles are not there: %s", width, got)
		}
		if got := evaluate[int](t, browser, `[...document.querySelectorAll("img.tertulia-avatar")].filter(i => i.src.startsWith("`+a.ana.Base+`picture/")).length`); got == 0 {
			t.Errorf("at %d: there are no pictures", width)
		}
		if evaluate[bool](t, browser, `document.documentElement.scrollWidth > innerWidth`) {
			t.Errorf("at %d: it is wider than the screen", width)
		}
		for _, u := range evaluate[[]string](t, browser, `performance.getEntriesByType("resource").map(e => e.name)`) {
			if !strings.HasPrefix(u, a.ana.Base) && !strings.HasPrefix(u, a.home()) {
				t.Errorf("at %d: %s was asked for", width, u)
			}
		}
		if got := evaluate[string](t, browser, "document.cookie + localStorage.length + sessionStorage.length"); got != "00" {
			t.Errorf("at %d: something is kept in the browser: %s", width, got)
		}
	}
	for _, want := range []string{"A 5 personas les gusta", "4 respuestas", "vía Mastodon", "editado", "1 persona asistirá", "Casas con puerta"} {
		if text := pageText(t, browser); !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
}

// Where people can comment, the widget has the form, which fills its place on a wide screen and on a
// phone, and goes to the service from a page of another origin under its policy: with a name, or
// signed in, which asks for none.
func TestWidgetTakesComments(t *testing.T) {
	a := newApart(t, "[site.conversation]", "comments = true")
	browser := scripted(t)
	a.csp = "default-src 'none'; style-src 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; " + web.Embed(a.ana.Base).Policy
	address := a.home() + "post/"
	a.talk(address)
	a.page("/post/", "es", a.place(address, "")+a.script("widget.js"))
	for _, width := range []int64{1000, 390} {
		look(t, browser, width, "light")
		visit(t, browser, address)
		shown(t, browser, "#tertulia-comment")
		for _, field := range []string{"textarea", "[name=name]", "[name=url]"} {
			room := evaluate[float64](t, browser, `(f => f.querySelector("`+field+`").offsetWidth / (f.clientWidth - 2 * parseFloat(getComputedStyle(f).paddingLeft)))(document.querySelector("#tertulia-comment"))`)
			if room < .98 || room > 1.01 {
				t.Errorf("at %d: %s takes %.2f of the form", width, field, room)
			}
		}
		if evaluate[bool](t, browser, `document.querySelector("[name=subject]").checkVisibility() || document.documentElement.scrollWidth > innerWidth`) {
			t.Errorf("at %d: the trap is seen, or it is wider than the screen", width)
		}
	}
	picture(t, browser, "conversation-widget-comments", 800, "light")
	if !evaluate[bool](t, browser, `document.querySelector("#tertulia-comment [value=signin]").formNoValidate`) {
		t.Error("who signs in is asked for a name")
	}
	evaluate[bool](t, browser, `(f => { f.content.value = "Hola"; f.elements.name.value = "Caro"; return true })(document.querySelector("#tertulia-comment"))`)
	behaved(t, browser, "with the form")
	evaluate[bool](t, browser, `(async () => { document.querySelector("#tertulia-comment button").click(); return true })()`)
	shown(t, browser, `[role=alert], [role=status]`)
	if at := whereabouts(t, browser); !strings.HasPrefix(at, a.ana.Base+"comment") {
		t.Errorf("the form led to %s", at)
	}
}

// What the page says about fonts and colours holds for the conversation, and what it asks for
// with custom properties; a page that has the stylesheet already gets no second one.
func TestWidgetWearsWhatThePageDoes(t *testing.T) {
	a := newApart(t)
	browser := scripted(t)
	address := a.home() + "post/"
	a.talk(address)
	const clothes = `<meta charset="utf-8"><style>:root { color-scheme: light dark } html { background: Canvas; color: CanvasText } body { font: 18px/1.6 Georgia, "DejaVu Serif", serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
		tertulia-conversation { margin-top: 3rem; --tertulia-accent: light-dark(rgb(15, 92, 84), rgb(126, 214, 199)); --tertulia-avatar: 3rem; --tertulia-radius: 1rem }</style>`
	a.page("/post/", "es", clothes+"<p>The networks are loudspeakers, and the conversation stays at home.</p>"+a.place(address, "")+a.script("widget.js"))
	look(t, browser, 800, "light")
	visit(t, browser, address)
	shown(t, browser, ".tertulia-response")
	for expression, want := range map[string]string{
		`getComputedStyle(document.querySelector(".tertulia-content")).fontFamily`:         `Georgia, "DejaVu Serif", serif`,
		`getComputedStyle(document.querySelector(".tertulia-page a")).color`:               "rgb(15, 92, 84)",
		`getComputedStyle(document.querySelector(".tertulia-avatar")).width`:               "48px",
		`getComputedStyle(document.querySelector(".tertulia-form")).borderRadius`:          "16px",
		`getComputedStyle(document.querySelector(".tertulia")).backgroundColor`:            "rgba(0, 0, 0, 0)",
		`String(document.adoptedStyleSheets.length)`:                                       "1",
		`String(document.querySelectorAll("[style], tertulia-conversation style").length)`: "0",
	} {
		if got := evaluate[string](t, browser, expression); got != want {
			t.Errorf("%s: got %q, want %q", expression, got, want)
		}
	}
	picture(t, browser, "conversation-widget", 800, "light")
	picture(t, browser, "conversation-widget-dark", 390, "dark")
	visit(t, browser, a.ana.ConversationURL(address)+"&lang=es")
	picture(t, browser, "conversation-page", 800, "light")

	a.page("/styled/", "es", `<link rel="stylesheet" href="`+a.ana.Endpoint("conversation.css")+`">`+a.place(address, "")+a.script("widget.js"))
	visit(t, browser, a.home()+"styled/")
	shown(t, browser, ".tertulia-response")
	if n := evaluate[int](t, browser, `document.adoptedStyleSheets.length`); n != 0 {
		t.Errorf("a page with the stylesheet got %d more", n)
	}
}

// Whoever runs no scripts has a link to the conversation's own page, which has the form; and
// what the server has rendered inside stays when the service has nothing for it.
func TestWidgetWithoutScriptsOrAnswer(t *testing.T) {
	a := newApart(t)
	address := a.home() + "post/"
	a.talk(address)
	a.page("/post/", "es", a.place(address, "")+a.script("widget.js"))
	plain := newBrowser(t)
	visit(t, plain, address)
	click(t, plain, "tertulia-conversation a")
	shownText(t, plain, "La respuesta se queda.", "Did you reply on your own site?")

	browser := scripted(t)
	other := a.page("/other/", "es", `<tertulia-conversation target="https://elsewhere.example/"><section class="tertulia" id="built"><h2>Built</h2></section></tertulia-conversation>`+a.script("widget.js")+
		a.place(address, ""))
	visit(t, browser, other)
	shown(t, browser, ".tertulia-response")
	shown(t, browser, "#built")

	// An element without anything inside gets the link, in the language of the page.
	empty := a.page("/empty/", "en", `<tertulia-conversation target="https://elsewhere.example/"></tertulia-conversation>`+a.script("widget.js"))
	visit(t, browser, empty)
	shown(t, browser, "tertulia-conversation > a[href]")
	shownText(t, browser, "See the conversation")
}

func shownText(t *testing.T, ctx context.Context, wants ...string) {
	t.Helper()
	text := pageText(t, ctx)
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
}

// The attributes of the element, several on one page, the reader's choice of a language, and
// an address that leads to one response.
func TestWidgetAttributes(t *testing.T) {
	a := newApart(t)
	browser := scripted(t)
	address := a.home() + "post/"
	ids := a.talk(address)
	a.page("/post/", "es", a.place(address, `heading-level="3" sort="newest" text-title="Charla" text-hint-en="Nothing"`)+a.place("../post/?#x", `lang="en" theme="dark"`)+a.script("widget.js"))
	visit(t, browser, address)
	shown(t, browser, "tertulia-conversation:last-of-type .tertulia-response")
	shown(t, browser, "tertulia-conversation:first-of-type .tertulia-response")
	for expression, want := range map[string]string{
		`document.querySelector("#tertulia > h3 .tertulia-title").textContent`:                                                   "Charla",
		`document.querySelector("#tertulia .tertulia-responses .tertulia-content").textContent.trim()`:                           "Came here from the fediverse, staying for the conversation.",
		`document.querySelector("#tertulia-2 .tertulia-title").textContent`:                                                      "Conversation",
		`document.querySelector("#tertulia-2").lang`:                                                                             "en",
		`getComputedStyle(document.querySelector("#tertulia-2").parentNode).colorScheme`:                                         "dark",
		`getComputedStyle(document.querySelector("#tertulia-2").parentNode).backgroundColor`:                                     "rgb(18, 18, 18)",
		`String(document.querySelectorAll("[id]").length - new Set([...document.querySelectorAll("[id]")].map(e => e.id)).size)`: "0",
		`String(document.adoptedStyleSheets.length)`:                                                                             "1",
	} {
		if got := evaluate[string](t, browser, expression); got != want {
			t.Errorf("%s: got %q, want %q", expression, got, want)
		}
	}
	// The reader chooses, without leaving the page; what was chosen is in the focus.
	press(t, browser, "#tertulia .tertulia-language", `#tertulia[lang="en"]`)
	if got := evaluate[string](t, browser, `document.activeElement.id + " " + document.querySelector("#tertulia .tertulia-hint").textContent`); got != "tertulia Nothing" {
		t.Errorf("after the choice: got %q", got)
	}
	// The page asks again when its attributes change.
	evaluate[bool](t, browser, `document.activeElement.blur(), document.querySelector("tertulia-conversation").setAttribute("lang", "es"), true`)
	shown(t, browser, `#tertulia[lang="es"]`)

	// Pages that put themselves together anew have the ids of the first again.
	evaluate[bool](t, browser, `(e => { const main = e.parentNode; e.remove(); main.prepend(document.createElement("tertulia-conversation")); main.append(main.lastElementChild.previousElementSibling); scrollTo(0, 0); return true })(document.querySelector("tertulia-conversation"))`)
	shown(t, browser, "tertulia-conversation:first-child > #tertulia .tertulia-response")
	if got := evaluate[int](t, browser, `document.querySelectorAll(".tertulia").length`); got != 2 {
		t.Errorf("%d conversations, want 2", got)
	}

	// Who comes for one response sees it.
	a.page("/post/", "es", long+a.place(address, "")+a.script("widget.js"))
	visit(t, browser, "about:blank")
	visit(t, browser, address+"#tertulia-"+ids[4])
	shown(t, browser, ".tertulia-response:target")
	if !evaluate[bool](t, browser, `(r => r.top >= 0 && r.top < innerHeight)(document.querySelector(":target").getBoundingClientRect())`) {
		t.Error("the response is not on the screen")
	}
}

// READ-API 7: pages that were made for webmention.io's script or for webmention.js show the
// conversation when only the address of the script changes; and lists say how many there are.
func TestOtherEmbedsAndCounter(t *testing.T) {
	a := newApart(t)
	browser := scripted(t)
	address := a.home() + "post/"
	a.talk(address)
	for name, body := range map[string]string{
		"render":     `<div data-webmention-target="` + address + `"></div>` + a.script("widget.js"),
		"render, it": `<div data-webmention-target></div>` + a.script("widget.js"),
		"webmention": `<div id="webmentions"></div>` + a.script("widget.js"),
		"in head":    `<script src="` + a.ana.Endpoint("widget.js") + `"></script><div id="webmentions">Loading</div>`,
		"page-url":   `<div id="here"></div><script src="` + a.ana.Endpoint("widget.js") + `" data-id="here" data-page-url="` + address + `" async></script>`,
		"module":     a.place(address, "") + `<script type="module" src="` + a.ana.Endpoint("widget.js") + `"></script>`,
		"late":       `<script src="` + a.ana.Endpoint("widget.js") + `" defer></script>` + a.place(address, ""),
	} {
		a.page("/post/", "es", body)
		visit(t, browser, address)
		shown(t, browser, "tertulia-conversation .tertulia-response")
		if n := evaluate[int](t, browser, `document.querySelectorAll(".tertulia").length`); n != 1 {
			t.Errorf("%s: %d conversations", name, n)
		}
	}
	// A preview, or another address of the page: it says itself which page it is.
	visit(t, browser, a.page("/preview/", "es", `<link rel="canonical" href="`+address+`"><tertulia-conversation></tertulia-conversation>`+a.script("widget.js")))
	shown(t, browser, "tertulia-conversation .tertulia-response")
	list := a.page("/", "en", fmt.Sprintf(`<a id="one" href="%s#tertulia" data-tertulia-count>Comments</a> <span id="two" data-tertulia-count="%[1]s">-</span> <a id="none" href="/none/" data-tertulia-count>Be the first</a>`, "/post/")+a.script("count.js"))
	visit(t, browser, list)
	shownText(t, browser, "") // the page is there
	if got := evaluate[string](t, browser, `new Promise(done => { const look = () => one.textContent === "Comments" ? requestAnimationFrame(look) : done(one.textContent + "|" + two.textContent + "|" + none.textContent); look(); })`); got != "14 responses|14 responses|Be the first" {
		t.Errorf("got %q", got)
	}
	behaved(t, browser, "the counter")
}

// HOSTILE 29, 30, T-MF08: what a stranger writes does nothing in a page that shows it, even
// on one without any policy; nor would what the service itself must never send.
func TestWidgetShowsHostileWordsAsWords(t *testing.T) {
	a := newApart(t)
	browser := scripted(t)
	address := a.home() + "post/"
	breaking := `x" onmouseover="alert(1)' --></section></tertulia-conversation><script>alert(1)</script><img src=x onerror=alert(1)>`
	var versions []store.Version
	for i, bad := range []string{"javascript:alert(1)", "JaVa\tScript:alert(1)", "data:text/html,<script>alert(1)</script>", "//evil.example/", breaking, "\u202ex\u2066"} {
		for _, kind := range []string{"reply", "like", "mention", "rsvp", "reaction"} {
			versions = append(versions, store.Version{Type: kind, RSVP: "yes", Author: mf2.Author{Name: breaking, URL: bad, Photo: bad}, URL: fmt.Sprintf("https://host%d.example/%s?%s", i, kind, strings.ReplaceAll(breaking, " ", "")),
				Name: breaking, Text: breaking + bad, Language: breaking})
		}
	}
	a.say(address, versions...)
	a.page("/post/", "es", a.place(address, "")+a.script("widget.js"))
	visit(t, browser, address)
	shown(t, browser, ".tertulia-response")
	harmless := func(what string) {
		t.Helper()
		found := evaluate[[]string](t, browser, `[...document.querySelectorAll("tertulia-conversation *")].flatMap(e => [...e.attributes].filter(a =>
			/^on|^style$|^srcdoc$/.test(a.name) || /^(href|src|action)$/.test(a.name) && !/^(https?:\/\/|#)/.test(a.value)).map(a => e.localName + " " + a.name + "=" + a.value)
			.concat(/^(script|style|iframe|object|embed|svg|link|base|meta|form[^]*)$/.test(e.localName) && e.localName !== "form" ? [e.localName] : []))`)
		if len(found) > 0 {
			t.Errorf("%s: %q", what, found)
		}
		evaluate[bool](t, browser, `document.querySelectorAll("tertulia-conversation *").forEach(e => e.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }))), true`)
		behaved(t, browser, what)
	}
	harmless("strangers' words")

	// A service that was taken over answers with everything that it never sends.
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if strings.HasSuffix(r.URL.Path, "widget.js") {
			w.Header().Set("Content-Type", "text/javascript")
			w.Write(theme.Widget("http://" + r.Host + "/"))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<section class="tertulia" onclick="alert(1)" style="color:red"><p class="came">came</p><script>alert(1)</script><img src=x onerror=alert(1)><img src="https://evil.example/x.png" srcset="https://evil.example/y.png 2x">
			<svg onload=alert(1)><script>alert(1)</script></svg><math><mtext></mtext></math><iframe srcdoc="<script>parent.alert(1)</script>"></iframe><style>*{display:none}</style><link rel=stylesheet href="https://evil.example/x.css">
			<a href="javascript:alert(1)" ping="https://evil.example/">x</a><form action="https://evil.example/"><button formaction="javascript:alert(1)">x</button></form><template><script>alert(1)</script></template>
			<table background="https://evil.example/z.png"><tr><td>x</table><details ontoggle=alert(1) open>x</details><object data="javascript:alert(1)"></object><embed src="javascript:alert(1)"><video poster="https://evil.example/p.png" src="javascript:alert(1)"></video>
			<tertulia-conversation target="x"></tertulia-conversation><base href="https://evil.example/"><meta http-equiv=refresh content="0;url=javascript:alert(1)"></section>`)
	}))
	defer evil.Close()
	a.page("/evil/", "es", `<tertulia-conversation target="https://x.example/">x</tertulia-conversation><script src="`+evil.URL+`/widget.js" defer></script>`)
	visit(t, browser, a.home()+"evil/")
	shown(t, browser, ".tertulia .came")
	harmless("a service that was taken over")
	for _, u := range evaluate[[]string](t, browser, `performance.getEntriesByType("resource").map(e => e.name)`) {
		if strings.Contains(u, "evil.example") {
			t.Errorf("%s was asked for", u)
		}
	}
}
