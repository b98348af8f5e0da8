package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tertulia/internal/leaktest"
	"tertulia/internal/syndicate/faketest"
)

// doorman is a network with its own pages for saying yes: an application introduces itself, its
// owner is asked, and the code is traded for a token with the verifier that goes with it.
type doorman struct {
	*faketest.Mastodon

	mu    sync.Mutex
	apps  map[string]string // client_id → redirect address
	asked map[string]string // code → challenge
	wrong []string
}

const networkCode = "a code that works once"

func (d *doorman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch r.URL.Path {
	case "/api/v1/apps":
		id := fmt.Sprint("app-", len(d.apps))
		d.apps[id] = r.FormValue("redirect_uris")
		_ = json.NewEncoder(w).Encode(map[string]string{"client_id": id, "client_secret": "the secret of " + id})
	case "/oauth/authorize":
		q := r.URL.Query()
		if d.apps[q.Get("client_id")] != q.Get("redirect_uri") || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" {
			d.wrong = append(d.wrong, "asked with "+r.URL.RawQuery)
		}
		d.asked[networkCode] = q.Get("code_challenge")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>?</title><main><form action="%s"><input type="hidden" name="code" value="%s"><input type="hidden" name="state" value="%s"><button id="yes">yes</button></form></main><footer></footer>`,
			q.Get("redirect_uri"), networkCode, q.Get("state"))
	case "/oauth/token":
		if r.FormValue("code") != networkCode || d.asked[networkCode] == "" || r.FormValue("code_verifier") == "" || r.FormValue("client_secret") == "" {
			d.wrong = append(d.wrong, "a code is traded with "+r.Form.Encode())
		}
		delete(d.asked, networkCode)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": d.Token, "token_type": "Bearer"})
	case "/oauth/revoke":
		if r.FormValue("token") != d.Token || r.FormValue("client_secret") == "" {
			d.wrong = append(d.wrong, "a token is given back with "+r.Form.Encode())
		}
	default:
		d.Mastodon.ServeHTTP(w, r)
	}
}

// The owner connects an account in a real browser without scripts, posts what was prepared for a
// network without a door, says where the copy is, and lets the account go; by mouse and by
// keyboard, on a wide screen and on a phone, in both schemes and languages.
func TestNetworksInABrowser(t *testing.T) {
	browser, axe := newBrowser(t), needAxe(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	leaktest.Secret(networkToken, networkCode)
	network := &doorman{Mastodon: &faketest.Mastodon{Host: l.Addr().String(), Token: networkToken}, apps: map[string]string{}, asked: map[string]string{}}
	server := &http.Server{Handler: network}
	t.Cleanup(func() { server.Close() })
	go server.Serve(l)

	w := &world{mortal: newMortal(t, tertulia(t)), strangers: newStrangers(t)}
	config, err := os.OpenFile(w.config(), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(config, "\n[[site.syndicate]]\nkind = \"mastodon\"\nserver = \"http://%s\"\nuser = \"ana\"\n[[site.syndicate]]\nkind = \"x\"\n[[site.syndicate]]\nkind = \"telegram\"\nuser = \"canal\"\nserver = \"http://%[1]s\"\n", network.Host)
	}
	if err != nil || config.Close() != nil {
		t.Fatal(err)
	}
	w.start()
	if err := w.signIn(); err != nil {
		t.Fatal(err)
	}
	uid := "mastodon:ana@" + network.Host
	visit(t, browser, w.must("link"))
	click(t, browser, "main button")
	at, ok := w.ask("a post", w.at("micropub"), "application/json", encode(map[string]any{"type": []string{"h-entry"}, "properties": map[string]any{
		"content": []string{"Hola a <script>todos</script>"}, "mp-syndicate-to": []string{uid, "x"},
	}}))
	if !ok {
		t.Fatal(w.wrong)
	}
	shows := func(when string, words ...string) {
		t.Helper()
		text := pageText(t, browser)
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%s: the page does not show %q:\n%s", when, word, text)
			}
		}
	}
	until := func(what string, done func() bool) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(15 * time.Second); !done(); <-tick.C {
			if time.Now().After(deadline) {
				t.Fatalf("%s never comes\n%s", what, w.said())
			}
		}
	}
	until("what waits", func() bool {
		return len(listOf[map[string]any](w.mortal, "copy", "list", at)) == 2 && strings.Contains(w.must("copy", "list", at), "parked")
	})
	visit(t, browser, w.at("admin/networks?lang=en"))
	shows("at first", "Not connected yet", "This network lets no program in", "The text is ready", "1 copy", "Hola a <script>todos</script>")

	// To the network, yes, and back.
	press(t, browser, `button[value="begin"]`, "#yes")
	clickAway(t, browser, "#yes", w.at("admin/networks?done=connected"))
	shows("connected", "Connected. What has waited goes on.", "ana@")
	until("the copy", func() bool { return len(network.Statuses()) == 1 })
	if len(network.wrong) > 0 {
		t.Error(network.wrong)
	}

	// A wrong token, by keyboard alone: from the field the Enter key sends the form.
	if err := chromedp.Do(browser, chromedp.SendKeys(chromedp.CSS(`input[type="password"]`), "not a token\r")); err != nil {
		t.Fatal(err)
	}
	until("an error", func() bool { return strings.Contains(pageText(t, browser), "Check it and try again") })

	for _, language := range []string{"es", "en"} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1200, 360} {
				look(t, browser, width, scheme)
				visit(t, browser, w.at("admin/networks?lang="+language))
				scripts(t, browser, true)
				for _, found := range findings(t, browser, axe) {
					t.Errorf("%s %s %d: %s", language, scheme, width, found)
				}
				if wide := evaluate[int](t, browser, `document.documentElement.scrollWidth`); int64(wide) > width {
					t.Errorf("%s: the page is %d pixels wide on %d", language, wide, width)
				}
				if asked := evaluate[string](t, browser, `performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin)).join(" ")`); asked != "" {
					t.Errorf("the page asks %s", asked)
				}
				scripts(t, browser, false)
			}
		}
	}
	picture(t, browser, "networks", 800, "light")
	picture(t, browser, "networks-phone-dark", 390, "dark")

	// What was prepared is out, by hand; first nonsense, then the address.
	visit(t, browser, w.at("admin/networks?lang=es"))
	press(t, browser, `button[value="found"]`, `.copy [role="alert"]`)
	shows("without an address", "no se encuentra ninguna copia")
	if err := chromedp.Do(browser, chromedp.SendKeys(chromedp.CSS(`.copy input[type="url"]`), "https://x.com/ana/status/1\r")); err != nil {
		t.Fatal(err)
	}
	until("its decision", func() bool { return !strings.Contains(pageText(t, browser), "El texto está listo") })
	until("the copies on the page", func() bool {
		_, page := w.get(at)
		return strings.Contains(page, "https://x.com/ana/status/1") && strings.Contains(page, network.Statuses()[0].URL)
	})

	press(t, browser, `button[value="disconnect"]`, `button[value="begin"]`)
	shows("disconnected", "se ha borrado", "Sin vincular")
	var accounts []struct{ UID, Stands string }
	if err := json.Unmarshal([]byte(w.must("network", "list", "--json")), &accounts); err != nil || len(accounts) != 3 || accounts[0].Stands != "closed" {
		t.Errorf("the command says %+v, %v", accounts, err)
	}
}

// scripts turns the scripts of pages on, for those who measure them, or off.
func scripts(t *testing.T, ctx context.Context, on bool) {
	t.Helper()
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		t.Fatal(err)
	}
}
