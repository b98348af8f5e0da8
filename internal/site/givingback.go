package site

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// givingBackTime is how long a network may take to take a token back.
const givingBackTime = 15 * time.Second

// giveBack has a network forget the token that it gave for one question, whatever became of
// that: nobody here keeps it, and where it is kept in between it is of no use any more. Nobody
// waits for it, and a network that cannot do it now is not asked again.
func (p *Provider) giveBack(ctx context.Context, client *http.Client, secret, token string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), givingBackTime)
	defer cancel()
	err := func() error {
		r, err := p.revocation(p.config.ClientID, secret, token)
		if err != nil {
			return err
		}
		resp, err := client.Do(r.WithContext(ctx))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode/100 != 2 {
			return fmt.Errorf("%s: status %d", r.URL, resp.StatusCode)
		}
		return nil
	}()
	if err != nil && p.Log != nil {
		p.Log.Warn("a token that was used to sign in could not be given back", "network", p.Name, "error", err)
	}
}

// revokeAtGitHub is GitHub's "Delete an app token". The application stays authorized, so that
// nobody is asked about it each time.
func revokeAtGitHub(clientID, secret, token string) (*http.Request, error) {
	body, err := json.Marshal(map[string]string{"access_token": token})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodDelete, "https://api.github.com/applications/"+url.PathEscape(clientID)+"/token", strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(clientID, secret)
	r.Header.Set("Accept", "application/vnd.github+json")
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// revokeAt is how Mastodon and its like take a token back (RFC 7009), at an address.
func revokeAt(address string) func(clientID, secret, token string) (*http.Request, error) {
	return func(clientID, secret, token string) (*http.Request, error) {
		form := url.Values{"client_id": {clientID}, "client_secret": {secret}, "token": {token}}
		r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r, nil
	}
}
