package main

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// defaults are the settings of a program that was told nothing. Those that hang on
// others are completed by [loader.check].
func defaults() *settings {
	pkce := true
	return &settings{
		Data:       "./tertulia-data",
		Metrics:    []string{"127.0.0.0/8", "::1"},
		Webmention: webmentionSettings{Never: slices.Clone(silos)},
		Micropub:   micropubSettings{LenientClients: []string{"https://quill.p3k.io/"}},
		IndieAuth:  indieauthSettings{RequirePKCE: &pkce},
		Limits: limitsSettings{
			UploadMB: 64, PerSender: 300, PerHost: 120, Queue: 10_000,
			FetchTimeout: duration(10 * time.Second), FetchBytes: 1 << 20,
		},
	}
}

// serves says whether this service serves the site's pages itself, from files.
func (s *settings) serves(site siteSettings) bool {
	return site.Upstream == "" && (site.Root != "" || s.URL == "")
}

// fronts says whether this service answers for the site's pages, wherever it has them from.
func (s *settings) fronts(site siteSettings) bool { return s.serves(site) || site.Upstream != "" }

// base is the address below which a site's endpoints lie, with a slash at its end.
func (s *settings) base(site siteSettings) string {
	switch {
	case site.Base != "":
		return site.Base
	case s.URL == "":
		return site.URL + "-/"
	}
	_, place, _ := strings.Cut(site.URL, "://")
	return s.URL + place
}

// siteKey is a site's name in the store: its host, with the port where it has one,
// and its path if it is not the whole host's.
func (s *settings) siteKey(site siteSettings) string { return place(site.URL) }

// place reduces the address of a home page to what tells sites apart.
func place(address string) string {
	_, place, _ := strings.Cut(address, "://")
	return strings.ToLower(strings.TrimSuffix(place, "/"))
}

// requirePKCE says whether clients must use PKCE.
func (s *settings) requirePKCE() bool { return *s.IndieAuth.RequirePKCE }

// proxyPrefixes are the networks whose X-Forwarded-For counts.
func (s *settings) proxyPrefixes() []netip.Prefix { return prefixes(s.Proxies) }

// allow is which networks that are not public strangers' URLs may lead to: those
// that the owner named, and this machine's own while nobody else can reach us,
// because then every stranger is one of the owner's own programs (SPECS D7).
func (s *settings) allow() []netip.Prefix {
	allowed := prefixes(s.Fetch.Allow)
	if s.local() {
		allowed = append(allowed, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	return allowed
}

// local says whether service and sites are this machine's own affair: everything
// that it listens on and every address that it goes by is a loopback one.
func (s *settings) local() bool {
	for _, address := range s.Listen {
		if host, _, err := net.SplitHostPort(address); err != nil || !isLoopback(host) {
			return false
		}
	}
	names := []string{s.URL}
	for _, site := range s.Sites {
		names = append(names, site.URL, site.Base)
		names = append(names, site.Aliases...)
	}
	for _, name := range names {
		if u, err := url.Parse(name); name != "" && (err != nil || !isLoopback(u.Hostname())) {
			return false
		}
	}
	return len(s.Listen) > 0
}
