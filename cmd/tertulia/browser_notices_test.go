package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tertulia/internal/web"
	"tertulia/mf2"
	"tertulia/store"
)

// noticed is a running service whose owner is told by mail, with a mention that waits and the other end
// of a hook.
type noticed struct {
	*web.Site
	db    *store.DB
	hook  string
	calls atomic.Int64
}

func newNoticed(t *testing.T) *noticed {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadSettings(globals{Config: os.DevNull, Data: dataDir(t), Listen: l.Addr().String()}, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	one := &set.Sites[0]
	one.Name, one.Author.Name, one.Author.Email, one.Language, one.Notify.Zone = "El patio de Ana", "Ana", "ana@ana.example", "es", "Europe/Madrid"
	set.Mail.Server, set.Mail.Port, set.Mail.From = "127.0.0.1", 1, "tertulia@ana.example" // where nobody answers
	db, err := store.Open(set.Data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	svc, err := wire(set, db, newClients(set, quiet()), quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- svc.run(ctx, []net.Listener{l}, nil) }()
	t.Cleanup(func() {
		stop()
		<-done
		db.Close()
	})
	n := &noticed{Site: svc.app.sites[0], db: db}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if raw, err := io.ReadAll(r.Body); err == nil && strings.Contains(string(raw), `"event":"test"`) {
			n.calls.Add(1)
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(other.Close)
	n.hook = other.URL + "/in"
	err = db.Update(t.Context(), n.Key, func(tx *store.Tx) error {
		if err := tx.PutPage(store.Page{ID: "p", URL: n.Me() + "mar/", Found: true}, "/mar"); err != nil {
			return err
		}
		v := &store.Version{Type: "reply", Author: mf2.Author{Name: "Bea", URL: "https://bea.example/"}, Text: "¡Qué bonito!", HTML: "<p>¡Qué bonito!</p>", Language: "es", URL: "https://bea.example/1", Digest: "d"}
		return tx.PutMention(store.Mention{ID: "one", Page: "p", Source: v.URL, Target: n.Me() + "mar/", State: store.Pending, Why: "person", Received: tx.Now, Shown: v})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// enter signs the owner in.
func (n *noticed) enter(t *testing.T, browser context.Context) {
	t.Helper()
	link, err := n.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")
}

// comes waits for something that a job does.
func comes(t *testing.T, what string, is func() bool) {
	t.Helper()
	for tick, late := time.Tick(20*time.Millisecond), time.After(15*time.Second); !is(); {
		select {
		case <-late:
			t.Fatalf("%s: it does not come", what)
		case <-tick:
		}
	}
}

// By mouse, and without scripts: a test mail that fails and says why, a feed, a hook with its test and
// what became of it, and from a mail to the decision, with the sign-in between.
func TestNoticesInABrowser(t *testing.T) {
	browser := newBrowser(t)
	n := newNoticed(t)
	visit(t, browser, n.MentionPage("one"))
	n.enter(t, browser)
	if text := pageText(t, browser); !strings.Contains(text, "¡Qué bonito!") {
		t.Fatalf("after the sign-in one is not back:\n%s", text)
	}
	picture(t, browser, "waiting-one", 800, "light")
	click(t, browser, `button[value^="approve "]`)
	if m, err := n.Conversation.Mention(t.Context(), "one"); err != nil || m.State != store.Approved {
		t.Errorf("it is %s, %v", m.State, err)
	}
	visit(t, browser, n.Endpoint("admin/notices"))
	click(t, browser, `button[value="mail"]`)
	comes(t, "the test mail", func() bool {
		told, err := n.Notices.Told(t.Context(), n.Me())
		return err == nil && len(told.Letters) > 0 && told.Letters[len(told.Letters)-1].State == "failed"
	})
	click(t, browser, `button[value="feed"]`)
	address, err := chromedp.Run(browser, chromedp.Text(chromedp.CSS("main pre code")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("the feed: %s", resp.Status)
	}
	if err := chromedp.Do(browser, chromedp.SendKeys(chromedp.CSS("#address"), n.hook)); err != nil {
		t.Fatal(err)
	}
	click(t, browser, `button[value="new"]`)
	if text := pageText(t, browser); !strings.Contains(text, "tertulia_hook_") || !strings.Contains(text, "connection refused") || !strings.Contains(text, "127.0.0.1") {
		t.Errorf("the page shows\n%s", text)
	}
	visit(t, browser, n.Endpoint("admin/notices"))
	click(t, browser, `button[value="test"]`)
	comes(t, "the call", func() bool { return n.calls.Load() == 1 })
	visit(t, browser, n.Endpoint("admin/notices"))
	picture(t, browser, "notices", 800, "light")
	picture(t, browser, "notices-phone-dark", 390, "dark")
	told, err := n.Notices.Told(t.Context(), n.Me())
	if err != nil || len(told.Hooks) != 1 || len(told.Hooks[0].Deliveries) == 0 {
		t.Fatalf("hooks: %+v, %v", told.Hooks, err)
	}
	d := told.Hooks[0].Deliveries[0]
	visit(t, browser, n.Endpoint("admin/hooks/"+d.Hook+"/"+d.ID))
	picture(t, browser, "delivery", 800, "light")
	if text := pageText(t, browser); !strings.Contains(text, `"event":"test"`) || strings.Contains(text, "tertulia_hook_") {
		t.Errorf("the delivery shows\n%s", text)
	}
	click(t, browser, `button[value="resend"]`)
	comes(t, "the second call", func() bool { return n.calls.Load() == 2 })
}

// tabAndPress moves the focus with Tab alone to what a selector means, and presses keys there; whether a page
// follows says the caller.
func tabAndPress(t *testing.T, ctx context.Context, selector, keys string, follows bool) {
	t.Helper()
	for range 80 {
		if evaluate[bool](t, ctx, `document.activeElement.matches(`+"`"+selector+"`"+`)`) {
			if !evaluate[bool](t, ctx, `document.activeElement.matches(":focus-visible") && getComputedStyle(document.activeElement).outlineStyle != "none"`) {
				t.Errorf("%s: the focus is not seen", selector)
			}
			var err error
			if follows {
				_, err = chromedp.RunResponse(ctx, chromedp.KeyEvent(keys))
			} else {
				err = chromedp.Do(ctx, chromedp.KeyEvent(keys))
			}
			if err != nil {
				t.Fatalf("%s: %v", selector, err)
			}
			return
		}
		if err := chromedp.Do(ctx, chromedp.KeyEvent("\t")); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("Tab does not come to %s", selector)
}

// By keyboard alone; and axe-core finds nothing, in both languages and schemes, on a wide screen and at
// 360 px, where nothing is wider than the screen and nothing comes from another host.
func TestNoticesByKeyboardAndAxe(t *testing.T) {
	axe := needAxe(t)
	browser := scripted(t)
	n := newNoticed(t)
	n.enter(t, browser)
	visit(t, browser, n.Endpoint("admin/notices"))
	tabAndPress(t, browser, `#address`, n.hook, false)
	tabAndPress(t, browser, `input[value="access"]`, " ", false)
	tabAndPress(t, browser, `button[value="new"]`, "\r", true)
	visit(t, browser, n.Endpoint("admin/notices"))
	tabAndPress(t, browser, `button[value="test"]`, "\r", true)
	comes(t, "the call", func() bool { return n.calls.Load() == 1 })
	told, err := n.Notices.Told(t.Context(), n.Me())
	if err != nil || len(told.Hooks) != 1 || strings.Join(told.Hooks[0].Kinds, " ") != "access public" {
		t.Fatalf("hooks: %+v, %v", told.Hooks, err)
	}
	visit(t, browser, n.Endpoint("admin/notices"))
	tabAndPress(t, browser, `button[value="mail"]`, "\r", true)
	tabAndPress(t, browser, `main summary`, "\r", false)
	tabAndPress(t, browser, `main details a`, "\r", true)
	d := whereabouts(t, browser)
	if !strings.Contains(d, "/admin/hooks/") {
		t.Fatalf("it leads to %s", d)
	}
	for _, page := range []string{n.Endpoint("admin/notices"), d, n.MentionPage("one")} {
		for i, width := range []int64{1000, 360} {
			for j, scheme := range []string{"light", "dark"} {
				tag := []string{"es", "en"}[(i+j)%2]
				look(t, browser, width, scheme)
				visit(t, browser, page+map[bool]string{true: "&", false: "?"}[strings.Contains(page, "?")]+"lang="+tag)
				evaluate[bool](t, browser, `document.querySelectorAll("main details").forEach(d => d.open = true), true`)
				for _, found := range findings(t, browser, axe) {
					t.Errorf("%s, %s, %s, %d: %s", page, tag, scheme, width, found)
				}
				if evaluate[bool](t, browser, `document.documentElement.scrollWidth > innerWidth`) {
					t.Errorf("%s, %s, %d: it is wider than the screen", page, tag, width)
				}
				if others := evaluate[string](t, browser, `performance.getEntriesByType("resource").map(e => e.name).filter(a => !a.startsWith(location.origin)).join(" ")`); others != "" {
					t.Errorf("%s: it loads %s", page, others)
				}
			}
		}
		behaved(t, browser, page)
	}
	visit(t, browser, n.MentionPage("one"))
	tabAndPress(t, browser, `button[value^="reject "]`, "\r", true)
	if m, err := n.Conversation.Mention(t.Context(), "one"); err != nil || m.State != store.Rejected {
		t.Errorf("it is %s, %v", m.State, err)
	}
}
