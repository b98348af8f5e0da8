package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"tertulia/internal/fetch"
	"tertulia/internal/web"
)

// front checks where the pages of a site come from when this service answers for them.
func (l *loader) front(site *siteSettings, where string) {
	if _, err := web.ParseSelector(site.Conversation.At); err != nil {
		l.wrong("site.conversation.at"+where, fmt.Sprintf("%q: %v", site.Conversation.At, err), `write it like "#comments" or "div.comments"`)
	}
	if site.Upstream == "" {
		return
	}
	key := "site.upstream" + where
	u, err := url.Parse(site.Upstream)
	switch {
	case err != nil || !strings.Contains(site.Upstream, "://") || !isOrigin(site.Upstream):
		l.wrong(key, fmt.Sprintf("%q is not the address of a server", site.Upstream), `write it like "http://127.0.0.1:1313"`)
	case site.Root != "":
		l.wrong(key, "there is root already", "root serves the pages from files, upstream has them from another server: keep one of them")
	case l.isOurs(u, site):
		l.wrong(key, fmt.Sprintf("%q is this service itself", site.Upstream), "name the server that has the pages")
	}
}

// isOurs tells whether an address leads back here: to where the service listens, or to a
// name of the site in front of which it stands.
func (l *loader) isOurs(u *url.URL, site *siteSettings) bool {
	for _, name := range append([]string{site.URL, l.set.URL}, site.Aliases...) {
		if own, err := url.Parse(name); err == nil && own.Host != "" && fetch.HostPort(own) == fetch.HostPort(u) {
			return true
		}
	}
	host, port, err := net.SplitHostPort(fetch.HostPort(u))
	for _, address := range l.set.Listen {
		if at, p, wrong := net.SplitHostPort(address); err == nil && wrong == nil && p == port && (at == host || isLoopback(at) && host == "localhost") {
			return true
		}
	}
	return false
}

// newFront is the server in front of which this service stands at a site, nil for none, and
// where in a page its conversation goes.
func newFront(one siteSettings) (*web.Upstream, web.Selector, error) {
	at, err := web.ParseSelector(one.Conversation.At)
	if err != nil || one.Upstream == "" {
		return nil, at, err
	}
	u, err := url.Parse(one.Upstream)
	if err != nil {
		return nil, at, fmt.Errorf("upstream of %s: %w", one.URL, err)
	}
	return &web.Upstream{URL: &url.URL{Scheme: u.Scheme, Host: u.Host}, Transport: fetch.Upstream(u, fetch.Options{})}, at, nil
}
