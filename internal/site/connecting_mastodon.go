package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"tertulia/internal/syndicate"
)

// MastodonOAuth connects an account at a server that speaks Mastodon's API: we introduce ourselves
// there as an application of the owner's, and ask for no more than copies and answers take.
type MastodonOAuth struct {
	Server  *url.URL     // without a path
	Website string       // of the owner, shown beside what comes from us
	HTTP    *http.Client // to where the settings point
}

// mastodonApp is what a server gives to an application that introduces itself.
type mastodonApp struct {
	ID       string `json:"client_id"`
	Secret   string `json:"client_secret"`
	Verifier string `json:"verifier"` // ours, of PKCE
	Redirect string `json:"redirect"`
}

func (m *MastodonOAuth) at(path string) string { return m.Server.JoinPath(path).String() }

func (m *MastodonOAuth) config(app mastodonApp) oauth2.Config {
	return oauth2.Config{
		ClientID: app.ID, ClientSecret: app.Secret, RedirectURL: app.Redirect, Scopes: strings.Fields(syndicate.MastodonScopes),
		Endpoint: oauth2.Endpoint{AuthURL: m.at("/oauth/authorize"), TokenURL: m.at("/oauth/token"), AuthStyle: oauth2.AuthStyleInParams},
	}
}

// still is the client, which follows no redirect with what is secret.
func (m *MastodonOAuth) still() *http.Client {
	client := *m.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// Begin is of [OAuth]. A server that knows no PKCE ignores the challenge (RFC 6749, section 3.1).
func (m *MastodonOAuth) Begin(ctx context.Context, redirect, state string) (to string, kept []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, providerTime)
	defer cancel()
	form := url.Values{"client_name": {"Tertulia"}, "redirect_uris": {redirect}, "scopes": {syndicate.MastodonScopes}, "website": {m.Website}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.at("/api/v1/apps"), strings.NewReader(form.Encode()))
	if err != nil {
		return "", nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := m.still().Do(req)
	if err != nil {
		return "", nil, fmt.Errorf("introduce ourselves: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAccount))
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("introduce ourselves: the server answered %d: %w", resp.StatusCode, errors.Join(err))
	}
	app := mastodonApp{}
	if err := json.Unmarshal(raw, &app); err != nil || app.ID == "" || app.Secret == "" {
		return "", nil, errors.New("introduce ourselves: the server's answer has no client_id")
	}
	app.Verifier, app.Redirect = oauth2.GenerateVerifier(), redirect
	config := m.config(app)
	kept, err = json.Marshal(app)
	return config.AuthCodeURL(state, oauth2.S256ChallengeOption(app.Verifier)), kept, err
}

// Finish is of [OAuth].
func (m *MastodonOAuth) Finish(ctx context.Context, kept []byte, code string) (secret string, err error) {
	ctx, cancel := context.WithTimeout(ctx, providerTime)
	defer cancel()
	var app mastodonApp
	if err := json.Unmarshal(kept, &app); err != nil {
		return "", err
	}
	config := m.config(app)
	token, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, m.still()), code, oauth2.VerifierOption(app.Verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return "", fmt.Errorf("the code was refused with status %d", refused.Response.StatusCode) // its words may repeat the code
	}
	if err != nil {
		return "", fmt.Errorf("trade the code: %w", err)
	}
	return token.AccessToken, nil
}

// Revoke is of [OAuth].
func (m *MastodonOAuth) Revoke(ctx context.Context, kept []byte, secret string) error {
	ctx, cancel := context.WithTimeout(ctx, providerTime)
	defer cancel()
	var app mastodonApp
	if err := json.Unmarshal(kept, &app); err != nil {
		return err
	}
	form := url.Values{"client_id": {app.ID}, "client_secret": {app.Secret}, "token": {secret}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.at("/oauth/revoke"), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := m.still().Do(req)
	if err != nil {
		return fmt.Errorf("revoke the token: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("revoke the token: the server answered %d", resp.StatusCode)
	}
	return nil
}
