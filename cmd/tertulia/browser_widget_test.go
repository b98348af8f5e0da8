package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"tertulia/internal/web"
	"tertulia/internal/web/theme"
	"tertulia/mf2"
	"tertulia/store"
)

// apart is a site whose pages are served by something else than the service, on another
// origin.
type apart struct {
	*testing.T
	ana   *web.Site
	db    *store.DB
	pages *httptest.Server

	mu   sync.Mutex
	made map[string]string // path → page
	csp  string            // of all pages
}

func newApart(t *testing.T) *apart {
	t.Helper()
	a := &apart{T: t, made: map[string]string{}}
	a.pages = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		body, ok := a.made[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html") // the charset is the page's own affair
		if a.csp != "" {
			w.Header().Set("Content-Security-Policy", a.csp)
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(a.pages.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	set := load(t, fmt.Sprintf("listen = %q\nurl = 'http://%[1]s/'\ndata = %q\n[[site]]\nurl = %q\nlanguage = 'es'\nname = 'El patio de Ana'\n", listener.Addr(), t.TempDir(), a.home()), nil)
	if a.db, err = store.Open(set.Data, store.Options{}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	svc, err := wire(set, a.db, newClients(set, log), log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- svc.run(ctx, []net.Listener{listener}, nil) }()
	t.Cleanup(func() {
		stop()
		<-done
		a.db.Close()
	})
	a.ana = svc.app.sites[0]
	return a
}

// home is the site's address: that of its pages, by the name that has another origin than
// the service's number.
func (a *apart) home() string {
	return strings.Replace(a.pages.URL, "127.0.0.1", "localhost", 1) + "/"
}

// page makes a page of the site and returns its address.
func (a *apart) page(path, lang, body string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.made[path] = fmt.Sprintf(`<!doctype html><html lang=%q><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>A post</title><main><h1>A post</h1>%s</main></html>`, lang, body)
	return a.home() + strings.TrimPrefix(path, "/")
}

// long is more text than fits on a screen.
var long = strings.Repeat("<p>"+strings.Repeat("The networks are loudspeakers, and the conversation stays at home. ", 12)+"</p>", 12)

// place is where a page shows its conversation, with a link for who runs no scripts.
func (a *apart) place(address, attributes string) string {
	return fmt.Sprintf(`<tertulia-conversation target=%q %s><a href="%s">Ver la conversación</a></tertulia-conversation>`, address, attributes, html.EscapeString(a.ana.ConversationURL(address)))
}

func (a *apart) script(name string) string {
	return fmt.Sprintf(`<script src="%s" defer></script>`, a.ana.Endpoint(name))
}

// say stores the public responses to a page.
func (a *apart) say(address string, versions ...store.Version) (ids []string) {
	a.Helper()
	u, err := url.Parse(address)
	if err != nil {
		a.Fatal(err)
	}
	folded, ok := a.ana.Fold(u)
	if !ok {
		a.Fatalf("%s is no page of the site", address)
	}
	err = a.db.Update(a.Context(), a.ana.Key, func(tx *store.Tx) error {
		ids = nil
		p := store.Page{ID: store.NewID(tx.Now), URL: address, Found: true, Created: tx.Now}
		if err := tx.PutPage(p, folded); err != nil {
			return err
		}
		for _, v := range versions {
			source := v.URL
			if v.Bridge != "" {
				source = "https://" + v.Bridge + "/comment/mastodon/@bea@mastodon.social/1/2"
			}
			m := store.Mention{ID: store.NewID(tx.Now), Source: source, Target: address, Page: p.ID, State: store.Approved, Decision: store.Approved, Received: tx.Now, Shown: &v}
			ids = append(ids, m.ID)
			if err := tx.PutMention(m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		a.Fatal(err)
	}
	return ids
}

// face keeps a picture of an author and returns its address elsewhere.
func (a *apart) face(name string, c color.Color) string {
	a.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 96, 96))
	for y := range 96 {
		for x := range 96 {
			picture.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		a.Fatal(err)
	}
	dir := filepath.Join(a.ana.Uploads, store.Pictures)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		a.Fatal(err)
	}
	file := strings.Repeat("a", 26-len(name)) + name + ".png" // such a name as ours are
	if err := os.WriteFile(filepath.Join(dir, file), b.Bytes(), 0o600); err != nil {
		a.Fatal(err)
	}
	address := "https://" + name + ".example/face.png"
	err := a.db.Update(a.Context(), a.ana.Key, func(tx *store.Tx) error {
		return tx.PutPicture(store.Picture{URL: address, Name: file, Size: int64(b.Len()), Checked: tx.Now})
	})
	if err != nil {
		a.Fatal(err)
	}
	return address
}

// talk is what people say to a page: each kind of response, in a thread, in two languages,
// edited, from a network.
func (a *apart) talk(address string) []string {
	a.Helper()
	now := time.Now()
	by := func(name, host string) mf2.Author { return mf2.Author{Name: name, URL: "https://" + host + "/"} }
	bruno := by("Bruno", "bruno.example")
	bruno.Photo = a.face("bruno", color.RGBA{0x2a, 0x6f, 0x6b, 0xff})
	carla := by("Carla Núñez", "carla.example")
	carla.Photo = a.face("carla", color.RGBA{0x8a, 0x4f, 0x9e, 0xff})
	versions := []store.Version{
		{Type: "reply", Author: bruno, URL: "https://bruno.example/1", HTML: "<p>Totalmente de acuerdo. En <em>mi</em> casa lo hacemos igual desde 2011, y ahí sigue todo.</p>", Text: "Totalmente de acuerdo.", Language: "es", Published: now.Add(-50 * time.Hour)},
		{Type: "reply", Author: carla, URL: "https://carla.example/2", HTML: "<p>¿Y si la red desaparece?</p>", Text: "¿Y si la red desaparece?", Language: "es", Published: now.Add(-30 * time.Hour), InReplyTo: []string{address, "https://bruno.example/1"}, Edited: now.Add(-20 * time.Hour)},
		{Type: "reply", Author: bruno, URL: "https://bruno.example/3", HTML: "<p>La respuesta se queda.</p>", Text: "La respuesta se queda.", Language: "es", Published: now.Add(-3 * time.Hour), InReplyTo: []string{address, "https://carla.example/2"}},
		{Type: "reply", Author: by("Ian", "mastodon.social"), URL: "https://mastodon.social/@ian/4", Bridge: "brid.gy", HTML: "<p>Came here from the fediverse, staying for the conversation.</p>", Text: "Came here", Language: "en", Published: now.Add(-2 * time.Hour)},
		{Type: "mention", Author: by("Inés", "ines.example"), URL: "https://ines.example/5", Name: "Casas con puerta", HTML: "<p>Sobre tener un sitio propio, con sus cosas:</p><ul><li>puerta</li><li>mesa</li></ul><blockquote>La conversación se queda en casa.</blockquote><pre>" + strings.Repeat("puerta --abierta ", 12) + "</pre><table><tr><th scope=\"col\">Año</th><td>2026</td></tr></table>", Text: "Sobre", Language: "es", Published: now.Add(-time.Hour)},
		{Type: "rsvp", RSVP: "yes", Author: carla, URL: "https://carla.example/6", Published: now.Add(-time.Hour)},
		{Type: "reaction", Author: by("Omar", "omar.example"), URL: "https://omar.example/7", Text: "♥", HTML: "♥", Published: now.Add(-time.Hour)},
		{Type: "repost", Author: bruno, URL: "https://bruno.example/8", Published: now.Add(-time.Hour)},
		{Type: "bookmark", Author: by("", "nadie.example"), URL: "https://nadie.example/9"},
	}
	for i, name := range []string{"Bruno", "Carla", "Dolores", "Emilia", "Ñusta"} {
		one := store.Version{Type: "like", Author: by(name, fmt.Sprintf("like%d.example", i)), URL: fmt.Sprintf("https://like%d.example/", i), Published: now.Add(-time.Hour)}
		if i < 2 {
			one.Author.Photo = []string{bruno.Photo, carla.Photo}[i]
		}
		versions = append(versions, one)
	}
	return a.say(address, versions...)
}

// scripted is a browser that runs scripts, and remembers of each page what its policy
// forbade, what ran that should not, and how far its layout shifted.
func scripted(t *testing.T) context.Context {
	t.Helper()
	ctx := newBrowser(t)
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false}); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.seen = { forbidden: [], ran: 0, shift: 0, errors: [] };
		addEventListener("securitypolicyviolation", e => seen.forbidden.push(e.violatedDirective + " " + e.blockedURI + " " + e.sample));
		addEventListener("error", e => seen.errors.push(String(e.message || e.target.src || e)), true);
		new PerformanceObserver(l => l.getEntries().forEach(e => seen.shift += e.hadRecentInput ? 0 : e.value)).observe({ type: "layout-shift", buffered: true });
		window.alert = () => seen.ran++;`})
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// evaluate evaluates an expression in the page.
func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// shown waits until something is in the page.
func shown(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	wait, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(wait, chromedp.WaitReady(chromedp.CSS(selector))); err != nil {
		t.Fatalf("there is no %s: %v\n%s", selector, err, evaluate[string](t, ctx, "document.documentElement.outerHTML + JSON.stringify(window.seen)"))
	}
}

// painted waits until what is in the page is on the screen.
func painted(t *testing.T, ctx context.Context) {
	t.Helper()
	evaluate[bool](t, ctx, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
}

// seen is what the browser remembers of a page.
type seen struct {
	Forbidden, Errors []string
	Ran               int
	Shift             float64
}

// quiet fails when the page did anything that it should not.
func quiet(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	var s seen
	painted(t, ctx)
	if err := json.Unmarshal([]byte(evaluate[string](t, ctx, `JSON.stringify(seen)`)), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Forbidden) > 0 || len(s.Errors) > 0 || s.Ran > 0 || s.Shift > 0 {
		t.Errorf("%s: %+v", what, s)
	}
}

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
		quiet(t, browser, fmt.Sprintf("at %d", width))
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
	a.page("/post/", "es", a.place(address, `heading-level="3" sort="newest" text-title="Charla" text-hint-en="Nothing"`)+a.place(address, `lang="en" theme="dark"`)+a.script("widget.js"))
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
	quiet(t, browser, "the counter")
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
		quiet(t, browser, what)
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
