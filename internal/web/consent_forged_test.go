package web_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// HOSTILE 60: what comes back is what was shown, from the session that it was shown
// to, once.
func TestConsentCannotBeForged(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client})
		const decide = "https://ana.example/-/auth/decide"
		b, other := w.owner(), w.owner()
		_, form := b.consent(w.request([]string{"create"}, nil))
		_, others := other.consent(w.request([]string{"create"}, nil))
		form.Set("decision", "approve")
		refuse := func(name string, b *browser, change map[string][]string, header ...string) {
			t.Helper()
			sent := url.Values{}
			for k, v := range form {
				sent[k] = v
			}
			for k, v := range change {
				sent[k] = v
			}
			if a := b.post(decide, sent, header...); a.status != 403 || a.header.Get("Location") != "" {
				t.Errorf("%s: got %d to %q", name, a.status, a.header.Get("Location"))
			}
		}
		refuse("no id", b, map[string][]string{"request": nil})
		refuse("unknown id", b, map[string][]string{"request": {"AAAAAAAAAAAAAAAAAAAAAAAAAA"}})
		refuse("id of a sign-in link", b, map[string][]string{"request": {w.link()[len("https://ana.example/-/link/"):]}})
		if a := b.post(decide+"?"+form.Encode(), url.Values{"form": form["form"], "decision": {"approve"}}); a.status != 403 {
			t.Errorf("id in the query: got %d", a.status)
		}
		refuse("cross-site", b, nil, "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example")
		refuse("no form field", b, map[string][]string{"form": nil})
		refuse("nobody's browser", w.visitor(), nil)
		refuse("another session", other, map[string][]string{"form": others["form"]})
		// None of that used it up.
		if to := b.approve(form); to.Query().Get("code") == "" {
			t.Fatalf("got %s", to)
		}
		refuse("again", b, nil)

		_, form = b.consent(w.request([]string{"create"}, nil))
		form.Set("decision", "approve")
		refuse("added scope", b, map[string][]string{"scope": {"create", "delete"}})
		refuse("after the added scope", b, nil)
		// Parameters of the request in the form or the query change nothing.
		_, form = b.consent(w.request([]string{"create"}, nil))
		form.Set("redirect_uri", "https://evil.example/")
		form.Set("client_id", "https://evil.example/")
		if to := b.approve(form); to.Host != "app.example" {
			t.Errorf("got %s", to)
		}
		_, form = b.consent(w.request([]string{"create"}, nil))
		time.Sleep(11 * time.Minute)
		form.Set("decision", "approve")
		refuse("eleven minutes later", b, nil)
	})
}

func TestFiftyConsentsGiveOneCode(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client})
		b := w.owner()
		_, form := b.consent(w.request([]string{"create"}, nil))
		form.Set("decision", "approve")
		var wg sync.WaitGroup
		codes := make(chan string, 50)
		for range 50 {
			wg.Go(func() {
				a := b.post("https://ana.example/-/auth/decide", form)
				if a.status == 303 {
					codes <- a.header.Get("Location")
				} else if a.status != 403 {
					t.Errorf("got %d", a.status)
				}
			})
		}
		wg.Wait()
		if len(codes) != 1 {
			t.Errorf("%d codes, want 1", len(codes))
		}
	})
}

// HOSTILE 56: an answer that would go astray is a page, and no redirect, at the
// first look and at the second.
func TestRedirectThatIsNotTheClients(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.publishes(map[string]any{"client_id": client, "redirect_uris": []string{"https://other.example/listed", "app:/callback"}})
		b := w.owner()
		for _, redirect := range []string{
			"https://evil.example/", "https://app.example.evil.example/", "https://app.example@evil.example/", "https://evil.example/?https://app.example/",
			"http://app.example/callback", "https://app.example:8443/callback", `https://app.example\@evil.example/`, "https://app.example/#x",
			"javascript:alert(1)", "data:text/html,x", "other:/callback", "https://other.example/listed/", "https://other.example/Listed",
			"https://other.example/%6cisted", "", "/callback", "//evil.example", "APP.example",
		} {
			for name, b := range map[string]*browser{"signed in": b, "visitor": w.visitor()} {
				a := b.get(w.request([]string{"create"}, map[string]string{"redirect_uri": redirect}))
				if a.status != 400 && a.status != 401 || a.status == 401 && name == "signed in" || a.header.Get("Location") != "" {
					t.Errorf("%s, %s: got %d to %q", name, redirect, a.status, a.header.Get("Location"))
				}
				for _, n := range find(a.doc(t), "a") {
					if href := attr(n, "href"); !strings.HasPrefix(href, "?") && !strings.HasPrefix(href, "#") && !strings.HasPrefix(href, "https://ana.example/") {
						t.Errorf("%s: the page leads to %q", redirect, href)
					}
				}
			}
		}
		for _, redirect := range []string{"https://other.example/listed", "app:/callback"} {
			page, form := b.consent(w.request([]string{"create"}, map[string]string{"redirect_uri": redirect}))
			if !strings.Contains(page.body, redirect) || len(find(page.doc(t), "strong")) < 2 {
				t.Errorf("%s: the page does not warn:\n%s", redirect, page.body)
			}
			if to := b.approve(form); !strings.HasPrefix(to.String(), redirect+"?") {
				t.Errorf("%s: got %s", redirect, to)
			}
		}
		// HOSTILE 61: the list changes between the look and the button.
		_, form := b.consent(w.request([]string{"create"}, map[string]string{"redirect_uri": "https://other.example/listed"}))
		w.publishes(map[string]any{"client_id": client})
		form.Set("decision", "approve")
		if a := b.post("https://ana.example/-/auth/decide", form); a.status != 400 || a.header.Get("Location") != "" || !strings.Contains(a.body, "https://other.example/listed") {
			t.Errorf("changed meanwhile: got %d to %q\n%s", a.status, a.header.Get("Location"), a.body)
		}
	})
}

// What is wrong with a request is told on a page, which offers the way back to the client, and
// leads nobody there.
func TestBadAuthorizationRequests(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		for name, c := range map[string]struct {
			with  map[string]string
			error string // that the way back has; "" for none
		}{
			"no client_id":       {map[string]string{"client_id": ""}, ""},
			"client_id no URL":   {map[string]string{"client_id": "javascript:alert(1)"}, ""},
			"no response_type":   {map[string]string{"response_type": ""}, "invalid_request"},
			"token at once":      {map[string]string{"response_type": "token"}, "unsupported_response_type"},
			"no challenge":       {map[string]string{"code_challenge": "", "code_challenge_method": ""}, "invalid_request"},
			"challenge in plain": {map[string]string{"code_challenge_method": "plain"}, "invalid_request"},
			"three hundred":      {map[string]string{"scope": strings.Repeat("create ", 300)}, ""},
		} {
			conf := w.editor("create")
			q := parse(t, conf.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))).Query()
			for k, v := range c.with {
				q.Set(k, v)
			}
			a := w.visitor().get(endpoints["authorization_endpoint"]+"?"+q.Encode(), "Accept-Language", "es")
			got := ""
			for _, link := range find(a.doc(t), "a") {
				if strings.HasPrefix(attr(link, "href"), client) && attr(link, "rel") == "noreferrer" {
					got = parse(t, attr(link, "href")).Query().Get("error")
				}
			}
			if got != c.error || a.status != 400 || a.header.Get("Location") != "" || a.header.Get("Refresh") != "" || !strings.Contains(a.body, `lang="es"`) {
				t.Errorf("%s: got %d, %q in %v\n%s", name, a.status, got, a.header, a.body)
			}
		}
	})
}
