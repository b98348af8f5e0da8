package site

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"tertulia/mf2"
)

// Provider is a network that says whose account somebody signs in with. That makes them
// somebody who looks after the site when the link goes both ways: the profile of the
// account names their address, and their page links to the profile with rel=me. Where
// the settings name the account and whose it is, the profile's side is enough.
type Provider struct {
	Kind   string // what sessions say of it: github, mastodon
	ID     string // tells it from the others of a site, in addresses
	Name   string // what people call it
	User   string // the account that the settings name; "" for none
	Whose  string // whose that is, by their address; "" is the site's owner
	Secret func() (string, error)
	HTTP   *http.Client // to where the settings point
	Log    *slog.Logger // nil discards

	config     oauth2.Config // without secret and redirect address
	api        string        // tells whose a token is
	revocation func(clientID, secret, token string) (*http.Request, error)
	home       string // where profiles lie, with a slash at its end
	read       func([]byte) (account, error)
}

// account is whose a token is, as the network says.
type account struct {
	name    string
	profile string   // its address
	links   []string // what its person says of other places, as they typed it
}

const (
	maxAccount   = 1 << 20 // bytes of an answer, and of somebody's page
	providerTime = 15 * time.Second
)

// GitHub is github.com, with an OAuth app of the owner's whose callback is [Site.Back].
// It is asked for nothing but what everybody may read.
func GitHub(clientID string) *Provider {
	return &Provider{
		Kind: "github", ID: "github", Name: "GitHub", api: "https://api.github.com/user", home: "https://github.com/",
		config: oauth2.Config{ClientID: clientID, Endpoint: oauth2.Endpoint{
			AuthURL: "https://github.com/login/oauth/authorize", TokenURL: "https://github.com/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams,
		}},
		revocation: revokeAtGitHub,
		read: func(body []byte) (account, error) {
			var user struct {
				Login   string `json:"login"`
				Profile string `json:"html_url"`
				Blog    string `json:"blog"`
			}
			err := json.Unmarshal(body, &user)
			return account{user.Login, user.Profile, []string{user.Blog}}, err
		},
	}
}

// Mastodon is a server that speaks Mastodon's API, at an address without a path.
func Mastodon(server *url.URL, clientID string) *Provider {
	at := func(path string) string {
		return (&url.URL{Scheme: server.Scheme, Host: server.Host, Path: path}).String()
	}
	return &Provider{
		Kind: "mastodon", ID: strings.ReplaceAll(server.Host, ":", "_"), Name: server.Host, api: at("/api/v1/accounts/verify_credentials"), home: at("/"),
		config: oauth2.Config{ClientID: clientID, Scopes: []string{"read:accounts"}, Endpoint: oauth2.Endpoint{
			AuthURL: at("/oauth/authorize"), TokenURL: at("/oauth/token"), AuthStyle: oauth2.AuthStyleInParams,
		}},
		revocation: revokeAt(at("/oauth/revoke")),
		read: func(body []byte) (account, error) {
			var user struct {
				Name    string `json:"username"`
				Profile string `json:"url"`
				Source  struct {
					Fields []struct {
						Value string `json:"value"` // as it was typed; beside source it is HTML
					} `json:"fields"`
				} `json:"source"`
			}
			err := json.Unmarshal(body, &user)
			found := account{name: user.Name, profile: user.Profile}
			for _, f := range user.Source.Fields {
				found.links = append(found.links, f.Value)
			}
			return found, err
		},
	}
}

// Hosts are the addresses at which a provider is asked; the owner's client must know them.
func (p *Provider) Hosts() []string { return []string{p.config.Endpoint.TokenURL, p.api} }

// Back is where a provider sends browsers back to. Each has an address of its own, so that
// none can pass another's code off as its own (RFC 9700, section 4.4.2).
func (s *Site) Back(p *Provider) string { return s.Endpoint("signin/back/" + p.ID) }

// AskProvider begins a sign-in with an account, as [Access.AskTheirServer] does with an
// address. The error is fs.ErrNotExist for a provider that the settings do not name.
func (a *Access) AskProvider(ctx context.Context, id string, from Arrival) (to *url.URL, secret string, err error) {
	i := slices.IndexFunc(a.Providers, func(p *Provider) bool { return p.ID == id })
	if i < 0 {
		return nil, "", fmt.Errorf("sign in with %q: %w", id, fs.ErrNotExist)
	}
	p := a.Providers[i]
	if err := a.mayAsk(ctx, "", from); err != nil {
		return nil, "", err
	}
	config, state, verifier := p.config, rand.Text(), oauth2.GenerateVerifier()
	config.RedirectURL = a.Site.Back(p)
	// Who knows no PKCE ignores the challenge (RFC 6749, section 3.1).
	if to, err = url.Parse(config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))); err != nil {
		return nil, "", err
	}
	secret, err = a.travellers.leave(journey{back: config.RedirectURL, how: p.Kind, finish: func(ctx context.Context, query url.Values) (Keeper, error) {
		ctx, cancel := context.WithTimeout(ctx, providerTime)
		defer cancel()
		code, err := codeOf(query, state)
		if err != nil {
			return Keeper{}, err
		}
		who, err := p.ask(ctx, config, code, verifier)
		if err != nil {
			return Keeper{}, &Unvouched{whyFailed, err}
		}
		return a.linkedWith(ctx, p, who)
	}})
	return to, secret, err
}

// codeOf is the code in an answer, of which nothing counts until its state is right.
func codeOf(query url.Values, state string) (string, error) {
	for _, name := range []string{"state", "code", "error"} {
		if len(query[name]) > 1 {
			return "", &Unvouched{whyAnswer, fmt.Errorf("%s comes twice", name)}
		}
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(state)) != 1:
		return "", &Unvouched{whyAnswer, errors.New("another state")}
	case query.Get("error") == "access_denied":
		return "", &Unvouched{whyDenied, errors.New("the person said no")}
	case query.Get("error") != "" || query.Get("code") == "":
		return "", &Unvouched{whyAnswer, errors.New("no code")}
	}
	return query.Get("code"), nil
}

// ask trades a code for a token, and that for whose it is. Neither follows a redirect. The token
// is not kept, and is given back.
func (p *Provider) ask(ctx context.Context, config oauth2.Config, code, verifier string) (account, error) {
	client := *p.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var err error
	if config.ClientSecret, err = p.Secret(); err != nil {
		return account{}, fmt.Errorf("client secret: %w", err)
	}
	token, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, &client), code, oauth2.VerifierOption(verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return account{}, fmt.Errorf("the code was refused with status %d", refused.Response.StatusCode) // its words may repeat the code
	}
	if err != nil {
		return account{}, fmt.Errorf("trade the code: %w", err)
	}
	defer func() { go p.giveBack(ctx, &client, config.ClientSecret, token.AccessToken) }()
	body, err := get(ctx, &client, p.api, "application/json", token.AccessToken)
	if err != nil {
		return account{}, err
	}
	who, err := p.read(body)
	if err != nil {
		return account{}, fmt.Errorf("%s: %w", p.api, err)
	}
	// A network speaks for its own accounts: another's profile may well be linked to.
	if who.name == "" || !strings.HasPrefix(who.profile, p.home) {
		return account{}, fmt.Errorf("%s: %q is no account of %s", p.api, who.profile, p.home)
	}
	return who, nil
}

// get reads an answer, with a token if there is one.
func get(ctx context.Context, client *http.Client, address, accept, token string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d", address, resp.StatusCode)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxAccount))
}

// linkedWith finds who looks after the site and is linked with an account both ways.
func (a *Access) linkedWith(ctx context.Context, p *Provider, who account) (Keeper, error) {
	named := false
	for _, link := range who.links {
		keeper, err := a.Site.Keeper(link)
		if err != nil || link == "" {
			continue
		}
		named = true
		if whose, err := a.Site.Keeper(p.Whose); err == nil && whose.Me == keeper.Me && p.User != "" && strings.EqualFold(p.User, who.name) {
			return keeper, nil
		}
		if back, err := a.linksBack(ctx, keeper.Me, who.profile); err != nil {
			return Keeper{}, &Unvouched{whyPage, err}
		} else if back {
			return keeper, nil
		}
	}
	if named {
		return Keeper{}, &Unvouched{whyOneWay, fmt.Errorf("no rel=me to %s", who.profile)}
	}
	return Keeper{}, &Unvouched{whyUnnamed, fmt.Errorf("%s names nobody who looks after the site", who.profile)}
}

// linksBack tells whether somebody's page has a rel=me link to a profile. The page is
// where the settings say, or where that leads by redirects without leaving TLS.
func (a *Access) linksBack(ctx context.Context, me, profile string) (bool, error) {
	at, err := url.Parse(me)
	if err != nil {
		return false, err
	}
	client := *a.Client.HTTP
	follow := client.CheckRedirect
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if via[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
			return errors.New("redirected away from https: anybody in between could answer")
		}
		if at = next.URL; follow != nil {
			return follow(next, via)
		}
		return nil
	}
	body, err := get(ctx, &client, me, "text/html", "")
	if err != nil {
		return false, err
	}
	if a.Client.Gate != nil {
		defer a.Client.Gate()()
	}
	page, _, err := mf2.Parse(strings.NewReader(string(body)), "text/html", at)
	return slices.ContainsFunc(page.Rels["me"], func(link string) bool { return sameProfile(link, profile) }), err
}

// sameProfile compares addresses of profiles. Networks give a name to one account, however
// it is written.
func sameProfile(a, b string) bool {
	plain := func(s string) string {
		return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(s), "https://"), "http://"), "/")
	}
	return plain(a) == plain(b)
}
