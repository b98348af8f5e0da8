package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/oauth2"

	"tertulia/indieauth"
	"tertulia/store"
)

// pluma is an application that the program is told about instead of the internet.
type pluma struct{}

// RoundTrip is of http.RoundTripper.
func (pluma) RoundTrip(r *http.Request) (*http.Response, error) {
	var body bytes.Buffer
	kind := "application/json"
	if r.URL.Path == "/logo.png" {
		kind = "image/png"
		logo := image.NewRGBA(image.Rect(0, 0, 200, 200))
		for y := range 200 {
			for x := range 200 {
				logo.Set(x, y, color.RGBA{uint8(60 + x/2), 90, uint8(200 - y/2), 255})
			}
		}
		if err := png.Encode(&body, logo); err != nil {
			return nil, err
		}
	} else if err := json.NewEncoder(&body).Encode(map[string]any{
		"client_id": "https://pluma.example/", "client_name": "Pluma", "client_uri": "https://pluma.example/", "logo_uri": "https://pluma.example/logo.png",
	}); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(&body), Request: r}, nil
}

// The owner reads in a real browser who asks and for what, with its logo; and afterwards
// sees who has access, and makes a token that is shown this once.
func TestTokensInABrowser(t *testing.T) {
	browser := newBrowser(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadSettings(globals{Config: os.DevNull, Data: dataDir(t), Listen: l.Addr().String()}, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	set.Sites[0].Name, set.Sites[0].Author.Name, set.Sites[0].Language = "El patio de Ana", "Ana", "es"
	db, err := store.Open(set.Data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	svc, err := wire(set, db, clients{strangers: &http.Client{Transport: pluma{}}, own: newClients(set, quiet()).own}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- svc.run(ctx, []net.Listener{l}, nil) }()
	defer func() { stop(); <-done }()
	ana := svc.app.sites[0]

	app := oauth2.Config{
		ClientID: "https://pluma.example/", RedirectURL: "https://pluma.example/callback", Scopes: []string{"create", "update", "delete", "media", "profile", "tinta"},
		Endpoint: oauth2.Endpoint{AuthURL: ana.Endpoint("auth"), TokenURL: ana.Endpoint("token")},
	}
	link, err := ana.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, link)
	click(t, browser, "main button")
	visit(t, browser, app.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))+"&lang=es")
	for _, want := range []string{"Pluma", app.ClientID, app.RedirectURL, "Publicar en tu sitio", "tinta", "Durante cuánto tiempo", "30 días"} {
		if text := pageText(t, browser); !strings.Contains(text, want) {
			t.Errorf("the consent page does not show %q:\n%s", want, text)
		}
	}
	if _, err := chromedp.Run(browser, chromedp.Text(chromedp.CSS(`img.client-logo[src^="/-/picture/"] + p`))); err != nil {
		t.Errorf("there is no logo: %v", err)
	}
	picture(t, browser, "consent", 800, "light")
	picture(t, browser, "consent-phone-dark", 390, "dark")

	server := indieauth.Server{Me: ana.Me(), Storage: ana.Access}
	if _, err := server.Issue(t.Context(), app.ClientID, app.Scopes); err != nil {
		t.Fatal(err)
	}
	visit(t, browser, ana.Endpoint("admin/tokens"))
	if text := pageText(t, browser); !strings.Contains(text, "pluma.example") || !strings.Contains(text, "ninguno aún") {
		t.Errorf("the page of tokens shows\n%s", text)
	}
	picture(t, browser, "tokens", 800, "light")
	picture(t, browser, "tokens-phone-dark", 390, "dark")
	if err := chromedp.Do(browser, chromedp.Click(chromedp.CSS(`input[id^="offer-"][value="read"]`))); err != nil {
		t.Fatal(err)
	}
	click(t, browser, `button[value="new"]`)
	secret, err := chromedp.Run(browser, chromedp.Text(chromedp.CSS(`main pre code`)))
	if err != nil {
		t.Fatal(err)
	}
	if g, err := ana.Access.Grant(t.Context(), strings.TrimSpace(secret)); err != nil || strings.Join(g.Scopes, " ") != "read" {
		t.Errorf("the token may %q, %v", g.Scopes, err)
	}
}
