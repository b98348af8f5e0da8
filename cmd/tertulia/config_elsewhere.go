package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"tertulia/internal/attach"
	"tertulia/internal/site"
)

// elsewhere notes what is wrong with the addresses of an IndieAuth server that the owner
// keeps. Tokens travel there, so they must be https.
func (l *loader) elsewhere(e *elsewhereSettings, where string) {
	for name, address := range map[string]string{
		"authorization_endpoint": e.Authorization, "token_endpoint": e.Token, "introspection_endpoint": e.Introspection, "metadata": e.Metadata,
	} {
		if err := serverAddress(address); address != "" && err != nil {
			l.wrong("site.indieauth."+name+where, fmt.Sprintf("%q: %v", address, err), `write it like "https://auth.example.net/auth"`)
		}
	}
	if len(e.all()) > 0 && (e.Authorization == "" || e.Token == "") {
		l.wrong("site.indieauth"+where, "it needs both authorization_endpoint and token_endpoint",
			"the home page of the site that you sign in with names them, as links with these rels")
	}
}

// named are the rels with which pages name the server, none where there is none.
func (e elsewhereSettings) named() []attach.Endpoint {
	if e.Token == "" {
		return nil
	}
	all := []attach.Endpoint{{Rel: "authorization_endpoint", URL: e.Authorization}, {Rel: "token_endpoint", URL: e.Token}}
	if e.Metadata != "" {
		all = append(all, attach.Endpoint{Rel: "indieauth-metadata", URL: e.Metadata})
	}
	return all
}

// serverAddress checks the address of an endpoint on a server that is not this service.
func serverAddress(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("it is not the address of an endpoint")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return errors.New("it must be https, but for localhost")
	}
	return nil
}

// newElsewhere is the IndieAuth server that the owner of a site keeps, nil for none.
func newElsewhere(one siteSettings, own *http.Client, log *slog.Logger) *site.Elsewhere {
	e := one.IndieAuth
	if e.Token == "" {
		return nil
	}
	return &site.Elsewhere{
		Authorization: e.Authorization, Token: e.Token, Introspection: e.Introspection, Metadata: e.Metadata,
		Me: one.URL, Client: own, Log: log,
	}
}
