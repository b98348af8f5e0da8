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

// newApart starts the service; more is added to the settings of its site.
func newApart(t *testing.T, more ...string) *apart {
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
	set := load(t, fmt.Sprintf("listen = %q\nurl = 'http://%[1]s/'\ndata = %q\n[[site]]\nurl = %q\nlanguage = 'es'\nname = 'El patio de Ana'\n%s\n", listener.Addr(), dataDir(t), a.home(), strings.Join(more, "\n")), nil)
	if a.db, err = store.Open(set.Data, store.Options{}); err != nil {
		t.Fatal(err)
	}
	log := quiet()
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

// behaved fails when the page did anything that it should not.
func behaved(t *testing.T, ctx context.Context, what string) {
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
