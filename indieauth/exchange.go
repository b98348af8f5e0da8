package indieauth

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
)

// said is what a server answers to a code.
type said struct {
	me      string
	profile Profile
	scopes  []string
	token   *oauth2.Token
}

// redeem spends the code where the flow began, and nowhere else.
func (c *Client) redeem(ctx context.Context, flow Flow, code string) (said, error) {
	if !flow.wantsToken() {
		return c.redeemProfile(ctx, flow, code)
	}
	token, err := c.config(flow.Server).Exchange(c.posting(ctx), code, oauth2.VerifierOption(flow.Verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return said{}, refusal(refused.Response.StatusCode, refused.ErrorCode)
	}
	if err != nil {
		return said{}, err
	}
	if !strings.EqualFold(token.Type(), "Bearer") {
		return said{}, errors.New("the token is not a bearer token")
	}
	answer := said{token: token, scopes: flow.Scopes}
	answer.me, _ = token.Extra("me").(string) // anything but a string is no address
	if scope, ok := token.Extra("scope").(string); ok {
		answer.scopes = strings.Fields(scope)
	}
	if raw, err := json.Marshal(token.Extra("profile")); err == nil {
		answer.profile = readProfile(raw)
	}
	return answer, nil
}

// redeemProfile asks the authorization endpoint who it is, for which there is no token
// and no way in the library.
// Spec: indieauth#request-p-2
func (c *Client) redeemProfile(ctx context.Context, flow Flow, code string) (said, error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {c.ID},
		"redirect_uri": {c.RedirectURI}, "code_verifier": {flow.Verifier},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, flow.Server.Authorization, strings.NewReader(form.Encode()))
	if err != nil {
		return said{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	resp, err := c.poster().Do(r)
	if err != nil {
		return said{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return said{}, err
	}
	var properties properties
	bad := json.Unmarshal(body, &properties)
	if resp.StatusCode != http.StatusOK || properties["error"] != nil {
		return said{}, refusal(resp.StatusCode, properties.text("error"))
	}
	if bad != nil {
		return said{}, errors.New("the answer is not a JSON object")
	}
	return said{me: properties.text("me"), profile: readProfile(properties["profile"]), scopes: flow.Scopes}, nil
}

// refusal repeats no more of a stranger's answer than one short line.
func refusal(status int, code string) error {
	return fmt.Errorf("refused with status %d %s", status, cleanName(code))
}

// poster follows no redirect, since that would carry code and verifier elsewhere, and
// reads no more than an answer can have.
func (c *Client) poster() *http.Client {
	client := *c.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Transport = bounded{client.Transport}
	return &client
}

func (c *Client) posting(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, c.poster())
}

// bounded fails a body that is longer than maxAnswer.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	next := b.RoundTripper
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// readProfile reads a profile as far as it is one.
func readProfile(raw json.RawMessage) Profile {
	var p properties
	if json.Unmarshal(raw, &p) != nil {
		return Profile{}
	}
	return Profile{Name: p.text("name"), URL: p.text("url"), Photo: p.text("photo"), Email: p.text("email")}
}

// maxEmail is the longest address of RFC 5321, in bytes.
const maxEmail = 254

// clean makes what a stranger's server says fit to be shown: one line of name, web
// addresses, and what looks like one of mail.
func (p Profile) clean(me string) Profile {
	base, err := url.Parse(me)
	if err != nil {
		return Profile{}
	}
	p.Name, p.URL, p.Photo = cleanName(p.Name), webURL(p.URL, base), webURL(p.Photo, base)
	user, host, ok := strings.Cut(p.Email, "@")
	if !ok || user == "" || host == "" || len(p.Email) > maxEmail || cleanLine(p.Email) != p.Email || strings.ContainsAny(p.Email, " <>\"") {
		p.Email = ""
	}
	return p
}
