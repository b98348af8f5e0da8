package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tertulia/indieauth"
	"tertulia/internal/attach"
)

// findTheirs finds the IndieAuth server that a site names, the zero value where there is none
// that could be kept.
func findTheirs(ctx context.Context, client *http.Client, site *url.URL) indieauth.Authority {
	found, err := (&indieauth.Client{HTTP: client}).Discover(ctx, site.String())
	if err != nil || found.Token == "" || serverAddress(found.Authorization) != nil || serverAddress(found.Token) != nil {
		return indieauth.Authority{}
	}
	return found
}

// keepTheirs asks whether the site's IndieAuth server stays; without an answer it does: what
// has access through it would lose that. This service itself, found where it was attached
// before, is none to keep.
func (p *plan) keepTheirs(ask *asker) error {
	if p.theirs.Token == "" || strings.HasPrefix(p.theirs.Authorization, p.base()) {
		p.theirs = indieauth.Authority{}
		return nil
	}
	yes, no := p.l.T("init.yes"), p.l.T("init.no")
	if ask.in != nil {
		fmt.Fprintln(ask.out, p.l.T("init.theirs", line(p.theirs.Authorization)))
	}
	_, err := ask.word("", "init.question.theirs", yes, func(s string) (string, error) {
		switch strings.ToLower(s) {
		case yes, yes[:1], "si":
			return yes, nil
		case no, no[:1]:
			p.theirs = indieauth.Authority{}
			return no, nil
		}
		return "", errors.New(yes + ", " + no)
	})
	return err
}

// base is the site's base at the service.
func (p *plan) base() string {
	set, one := &settings{URL: p.at}, siteSettings{URL: p.site.String()}
	if p.serves() {
		set.URL = ""
	} else if sameServer(p.at, one.URL) {
		one.Base = p.at
	}
	return set.base(one)
}

// auth is what the pages name for signing in, none for this service.
func (p *plan) auth() []attach.Endpoint {
	return elsewhereSettings{Authorization: p.theirs.Authorization, Token: p.theirs.Token, Metadata: p.theirs.Metadata}.named()
}

// indieauth writes the section of that name, if there is a server to keep.
func (p *plan) indieauth(b *strings.Builder) {
	if p.theirs.Token == "" {
		return
	}
	fmt.Fprintf(b, "\n# %s\n[site.indieauth]\n", p.l.T("init.kept"))
	for _, kv := range [][2]string{
		{"authorization_endpoint", p.theirs.Authorization}, {"token_endpoint", p.theirs.Token},
		{"introspection_endpoint", p.theirs.Introspection}, {"metadata", p.theirs.Metadata},
	} {
		if kv[1] != "" && serverAddress(kv[1]) == nil {
			fmt.Fprintf(b, "%s = %s\n", kv[0], quoted(kv[1]))
		}
	}
}
