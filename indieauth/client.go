package indieauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Client signs people in with their own addresses, at whatever server these name:
//
//	to, flow, err := client.Begin(ctx, "bea.example")   // keep flow, send the browser to to
//	who, err := client.Finish(ctx, flow, r.URL.Query()) // when it comes back
//
// Its methods may be called concurrently. ID, RedirectURI and HTTP are required.
type Client struct {
	ID          string // client_id, the address at which [Client.Document] is served
	RedirectURI string // where browsers come back to, to the letter
	// Scopes are asked for. None, or profile and email alone, are for who wants to
	// know who it is; anything else gives a token.
	Scopes []string
	// HTTP makes every request, at addresses that strangers choose: hand in one that
	// refuses private networks when it dials.
	HTTP *http.Client
	// Gate, when it is set, is asked to let a page be parsed, which takes processor time
	// and memory: it waits for a place and returns what gives it back.
	Gate func() (leave func())
	// Name, URI and Logo are what consent pages show; each may be empty. URI begins ID.
	Name, URI, Logo string
}

// Flow is a sign-in that has begun. The application keeps it, as JSON if it likes, on
// its own side, where only the browser that began it leads; when that browser comes back
// the application takes it away before it calls [Client.Finish], so that it serves once.
type Flow struct {
	State    string    `json:"state"`
	Verifier string    `json:"code_verifier"`
	Me       string    `json:"me"`            // what the person typed, in canonical form
	Met      []string  `json:"met,omitempty"` // where redirects led from there, canonical
	Server   Authority `json:"server"`
	Scopes   []string  `json:"scopes,omitempty"`
	Began    time.Time `json:"began"`
}

// Identity is who has signed in. Me, in canonical form, is all that identifies a
// person; Profile is what a stranger's server likes to say, cleaned: for show.
// Spec: indieauth#profile-information-p-8
type Identity struct {
	Me      string
	Profile Profile
	Scopes  []string      // as granted, which may be fewer than asked for
	Token   *oauth2.Token // nil unless the scopes give one
	Server  Authority     // which vouches for it
}

// Errors that an application tells people about in different words.
var (
	// ErrNoServer says that the address could not be read, or names no server.
	ErrNoServer = errors.New("no authorization server is named there")
	// ErrDenied says that the person said no.
	ErrDenied = errors.New("the sign-in was refused")
	// ErrAnswer says that what came back does not answer this flow: it is forged, from
	// elsewhere, or late.
	ErrAnswer = errors.New("the answer does not belong to this sign-in")
	// ErrIdentity says that the server named somebody for whom it may not speak.
	ErrIdentity = errors.New("the server may not speak for this address")
)

const (
	flowLife    = time.Hour
	maxCode     = 4 << 10
	clientLimit = 15 * time.Second // for all requests of one step
)

// newState is what comes back with the answer. Others keep it meanwhile: it opens nothing, but
// tells that an answer is to this request.
func newState() string { return newSecret("") }

// Begin finds the server of the person who typed me, and returns where to send the
// browser. me may be a host alone. Errors are [ErrNoServer], or of the address itself.
func (c *Client) Begin(ctx context.Context, me string) (*url.URL, Flow, error) {
	ctx, cancel := context.WithTimeout(ctx, clientLimit)
	defer cancel()
	me, err := CheckProfileURL(complete(me))
	if err != nil {
		return nil, Flow{}, err
	}
	server, met, err := c.discover(ctx, me)
	if err != nil {
		return nil, Flow{}, fmt.Errorf("%s: %w: %w", me, ErrNoServer, err)
	}
	flow := Flow{
		State: newState(), Verifier: oauth2.GenerateVerifier(), Me: me, Met: met, Server: server,
		Scopes: slices.Clone(c.Scopes), Began: time.Now(),
	}
	if flow.wantsToken() && server.Token == "" {
		return nil, Flow{}, fmt.Errorf("%s: %w: it has no token endpoint", me, ErrNoServer)
	}
	config := c.config(server)
	config.Scopes = flow.Scopes
	// Spec: indieauth#authorization-request-p-2
	address := config.AuthCodeURL(flow.State, oauth2.S256ChallengeOption(flow.Verifier), oauth2.SetAuthURLParam("me", me))
	to, err := url.Parse(address)
	if err != nil {
		return nil, Flow{}, fmt.Errorf("%s: %w: %w", me, ErrNoServer, err)
	}
	return to, flow, nil
}

// complete adds what people leave out: the scheme.
// Spec: indieauth#url-canonicalization-p-3
func complete(me string) string {
	me = strings.TrimSpace(me)
	if strings.Contains(me, "://") {
		return me
	}
	if u, err := url.Parse("http://" + me); err == nil && isLoopback(u.Hostname()) {
		return "http://" + me
	}
	return "https://" + me
}

// Finish takes the query with which the browser came back and returns who it is.
func (c *Client) Finish(ctx context.Context, flow Flow, callback url.Values) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, clientLimit)
	defer cancel()
	code, err := flow.code(callback)
	if err != nil {
		return Identity{}, err
	}
	said, err := c.redeem(ctx, flow, code)
	if err != nil {
		return Identity{}, fmt.Errorf("redeem at %s: %w", flow.Server.Authorization, err)
	}
	me, err := CheckProfileURL(said.me)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	if err := c.confirm(ctx, flow, me); err != nil {
		return Identity{}, err
	}
	return Identity{Me: me, Profile: said.profile.clean(me), Scopes: said.scopes, Token: said.token, Server: flow.Server}, nil
}

// code is the code in an answer to this flow. Nothing else in the answer counts until
// state and iss are right.
func (f Flow) code(callback url.Values) (string, error) {
	if err := once(callback, "state", "iss", "code", "error"); err != nil {
		return "", fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	age := time.Since(f.Began)
	switch {
	// Spec: indieauth#authorization-response-li-4
	case f.State == "" || subtle.ConstantTimeCompare([]byte(callback.Get("state")), []byte(f.State)) == 0:
		return "", fmt.Errorf("%w: another state", ErrAnswer)
	// Who has metadata has a name, and signs with it; the older relations have none.
	// Spec: indieauth#authorization-response-p-3
	// Spec: indieauth#authorization-response-li-5
	case f.Server.Issuer != "" && callback.Get("iss") != f.Server.Issuer:
		return "", fmt.Errorf("%w: another issuer", ErrAnswer)
	// A server that names itself nevertheless must be the one that was asked, or somebody who
	// was asked has sent the person on to it (RFC 9700, section 4.4).
	case f.Server.Issuer == "" && callback.Get("iss") != "" && !atOneHost(callback.Get("iss"), f.Server.Authorization):
		return "", fmt.Errorf("%w: another issuer", ErrAnswer)
	case age < 0 || age > flowLife:
		return "", fmt.Errorf("%w: it is too late", ErrAnswer)
	case callback.Get("error") == "access_denied":
		return "", ErrDenied
	case callback.Get("error") != "":
		return "", fmt.Errorf("%w: %s", ErrAnswer, cleanName(callback.Get("error")))
	case callback.Get("code") == "" || len(callback.Get("code")) > maxCode:
		return "", fmt.Errorf("%w: no code", ErrAnswer)
	}
	return callback.Get("code"), nil
}

// atOneHost tells whether two addresses are on one host.
func atOneHost(a, b string) bool {
	u, err1 := url.Parse(a)
	v, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && sameOrigin(u, v)
}

// wantsToken tells where the code is redeemed: for the profile alone at the
// authorization endpoint.
// Spec: indieauth#request-p-2
func (f Flow) wantsToken() bool {
	return slices.ContainsFunc(f.Scopes, func(scope string) bool { return scope != "profile" && scope != "email" })
}

// confirm makes sure that the server may speak for me: it is what the person typed, or
// was led to from there, or me names the same server. The endpoint that told us is
// compared too: whoever names an honest authorization endpoint beside a token endpoint
// of his own could be anybody otherwise.
// Spec: indieauth#authorization-server-confirmation-p-2
func (c *Client) confirm(ctx context.Context, flow Flow, me string) error {
	if me == flow.Me || slices.Contains(flow.Met, me) {
		return nil
	}
	server, _, err := c.discover(ctx, me)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", me, ErrIdentity, err)
	}
	other := server.Authorization != flow.Server.Authorization || flow.wantsToken() && server.Token != flow.Server.Token
	if other || server.Issuer != "" && flow.Server.Issuer != "" && server.Issuer != flow.Server.Issuer {
		return fmt.Errorf("%s: %w", me, ErrIdentity)
	}
	return nil
}

func (c *Client) config(server Authority) *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.ID, RedirectURL: c.RedirectURI,
		// The library would otherwise try HTTP Basic first, and post the code twice.
		Endpoint: oauth2.Endpoint{AuthURL: server.Authorization, TokenURL: server.Token, AuthStyle: oauth2.AuthStyleInParams},
	}
}

// TokenSource refreshes the token of an identity when it has expired. Keep what it
// returns: a refresh token works once.
func (c *Client) TokenSource(ctx context.Context, who Identity) oauth2.TokenSource {
	return c.config(who.Server).TokenSource(c.posting(ctx), who.Token)
}
