package indieauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tertulia/mf2"

	"golang.org/x/net/html"
)

// Authority is a server as a person's page names it. Issuer is empty where only the
// older relations are found; Token may be then, too.
type Authority struct {
	Issuer        string `json:"issuer,omitempty"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint,omitempty"`
	// Where it tells about tokens, and about itself; either may be empty.
	Introspection string `json:"introspection_endpoint,omitempty"`
	Metadata      string `json:"metadata,omitempty"`
}

const (
	maxProfile = 1 << 20  // of a person's page, bytes that are looked at
	maxAnswer  = 64 << 10 // of metadata and of a token endpoint's answer
	maxHops    = 10
)

// Discover finds the server that a person's page names. The error is [ErrNoServer] where it
// names none that can be asked.
func (c *Client) Discover(ctx context.Context, me string) (Authority, error) {
	ctx, cancel := context.WithTimeout(ctx, clientLimit)
	defer cancel()
	me, err := CheckProfileURL(complete(me))
	if err != nil {
		return Authority{}, err
	}
	server, _, err := c.discover(ctx, me)
	if err != nil {
		return Authority{}, fmt.Errorf("%s: %w: %w", me, ErrNoServer, err)
	}
	return server, nil
}

// discover finds the server that a person's page names, and the addresses that
// redirects led to, in canonical form.
// Spec: indieauth#discovery-by-clients-p-1
func (c *Client) discover(ctx context.Context, profile string) (Authority, []string, error) {
	page, err := c.get(ctx, profile, "text/html, application/xhtml+xml;q=0.9, */*;q=0.1", maxProfile)
	if err != nil {
		return Authority{}, nil, err
	}
	named, err := c.relations(page, "indieauth-metadata", "authorization_endpoint", "token_endpoint")
	if err != nil {
		return Authority{}, nil, err
	}
	if named["indieauth-metadata"] != "" {
		// If it is broken, falling back would let whoever broke it choose another way.
		server, err := c.metadata(ctx, named["indieauth-metadata"], page.address)
		return server, page.met, err
	}
	// Spec: indieauth#discovery-by-clients-p-5
	server := Authority{Authorization: named["authorization_endpoint"], Token: named["token_endpoint"]}
	return server, page.met, server.check(page.address)
}

// metadata reads a server's metadata.
// Spec: indieauth#discovery-by-clients-p-3
func (c *Client) metadata(ctx context.Context, address string, page *url.URL) (Authority, error) {
	if err := checkEndpoint(address, page); err != nil {
		return Authority{}, fmt.Errorf("metadata: %w", err)
	}
	found, err := c.get(ctx, address, "application/json", maxAnswer)
	if err != nil {
		return Authority{}, fmt.Errorf("metadata: %w", err)
	}
	var properties properties
	if json.Unmarshal(found.body, &properties) != nil { // as it is when it was cut
		return Authority{}, errors.New("metadata: not a JSON object of bearable size")
	}
	server := Authority{
		Issuer: properties.text("issuer"), Authorization: properties.text("authorization_endpoint"), Token: properties.text("token_endpoint"),
		Introspection: properties.text("introspection_endpoint"), Metadata: found.address.String(),
	}
	if checkEndpoint(server.Introspection, page) != nil {
		server.Introspection = "" // who signs in has no need of it
	}
	// Spec: indieauth#issuer-identifier-p-1
	issuer, err := url.Parse(server.Issuer)
	if err != nil || server.Issuer == "" || strings.ContainsAny(server.Issuer, "?#") || checkEndpoint(server.Issuer, page) != nil ||
		!sameOrigin(issuer, found.address) || !strings.HasPrefix(found.address.String(), server.Issuer) {
		return Authority{}, errors.New("metadata: the issuer is not where the metadata are")
	}
	var methods []string
	if raw := properties["code_challenge_methods_supported"]; raw != nil && (json.Unmarshal(raw, &methods) != nil || !slices.Contains(methods, "S256")) {
		return Authority{}, errors.New("metadata: the server does not support PKCE with S256")
	}
	return server, server.check(page)
}

// check refuses a server whose endpoints nobody may be sent to.
func (a Authority) check(page *url.URL) error {
	if a.Authorization == "" {
		return errors.New("no authorization endpoint")
	}
	if err := checkEndpoint(a.Authorization, page); err != nil {
		return fmt.Errorf("authorization endpoint: %w", err)
	}
	if a.Token == "" {
		return nil
	}
	if err := checkEndpoint(a.Token, page); err != nil {
		return fmt.Errorf("token endpoint: %w", err)
	}
	return nil
}

// checkEndpoint demands https (RFC 6749, sections 3.1 and 3.2). On loopback http will
// do, but only a page that is there itself may lead there.
func checkEndpoint(raw string, page *url.URL) error {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxURL || !isWeb(u) || u.Host == "" || u.User != nil || strings.Contains(raw, "#") {
		return errors.New("not an address of a server")
	}
	if _, err := canonicalHost(u); err != nil {
		return err
	}
	local := isLoopback(u.Hostname())
	if local && !isLoopback(page.Hostname()) {
		return errors.New("a page elsewhere leads to this machine")
	}
	if u.Scheme != "https" && !local {
		return errors.New("it must be https")
	}
	return nil
}

// found is an answer to a GET, and where it came from in the end.
type found struct {
	address *url.URL
	met     []string
	header  http.Header
	body    []byte // cut at the limit
}

// get follows redirects, as far as the application's own client does.
// Spec: indieauth#discovery-by-clients-p-1
func (c *Client) get(ctx context.Context, address, accept string, limit int64) (*found, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	result := &found{address: r.URL}
	client := *c.HTTP
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if last := via[len(via)-1].URL; last.Scheme == "https" && next.URL.Scheme != "https" {
			return errors.New("redirected away from https: who sits in between could name a server")
		}
		result.address = next.URL
		if met, err := CheckProfileURL(next.URL.String()); err == nil {
			result.met = append(result.met, met)
		}
		if len(via) >= maxHops {
			return errors.New("too many redirects")
		}
		if c.HTTP.CheckRedirect != nil {
			return c.HTTP.CheckRedirect(next, via)
		}
		return nil
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	result.header = resp.Header
	result.body, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	return result, err
}

// relations finds what a page links to with each rel: the first header, else the first
// <link> element. An <a> does not count: those can come from a visitor's comment.
// Spec: indieauth#discovery-by-clients-p-2
func (c *Client) relations(f *found, rels ...string) (map[string]string, error) {
	if c.Gate != nil {
		defer c.Gate()()
	}
	var doc *html.Node
	if media, _, _ := mime.ParseMediaType(f.header.Get("Content-Type")); media == "text/html" || media == "application/xhtml+xml" {
		var err error
		if _, doc, err = mf2.Parse(bytes.NewReader(f.body), f.header.Get("Content-Type"), f.address); err != nil {
			return nil, err
		}
	}
	named := map[string]string{}
	for _, rel := range rels {
		links := resolve(f.address, headerLinks(f.header, rel))
		if len(links) == 0 && doc != nil {
			links = resolve(documentBase(doc, f.address), elementLinks(doc, rel))
		}
		if len(links) > 0 {
			named[rel] = links[0]
		}
	}
	return named, nil
}

// properties are those of a JSON object. Their names are exact, as everywhere in JSON
// but in Go.
type properties map[string]json.RawMessage

// text is a property that is a string, "" if it is absent or anything else.
func (p properties) text(name string) string {
	var value string
	if json.Unmarshal(p[name], &value) != nil {
		return ""
	}
	return value
}
