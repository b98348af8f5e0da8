package site

import (
	"net/url"
	"slices"
	"strings"
)

// Bridges carry what is said on networks to sites that are not on them: their pages are
// copies, and say in their u-url where the original is. That is believed of nobody else
// (HOSTILE 36), and of a bridge only for networks that it is connected to: what it is told
// by servers that anybody can set up is no better than what they say.

// silos are networks that are one host each, and large servers of the fediverse that keep
// their people apart. For those and below a bridge is believed.
var (
	silos     = []string{"twitter.com", "x.com", "facebook.com", "instagram.com", "flickr.com", "github.com", "reddit.com"}
	bluesky   = []string{"bsky.app"}
	fediverse = []string{
		"mastodon.social", "mastodon.online", "mstdn.social", "mas.to", "mastodon.world", "mastodon.art",
		"mastodon.ie", "mastodon.nl", "mastodon.uno", "mastodon.la", "mastodon.xyz", "mstdn.jp", "mstdn.mx", "pawoo.net",
		"fosstodon.org", "hachyderm.io", "infosec.exchange", "indieweb.social", "social.coop", "social.lol",
		"techhub.social", "toot.community", "tech.lgbt", "chaos.social", "ruby.social", "front-end.social",
		"mathstodon.xyz", "scholar.social", "masto.es", "tkz.one", "piaille.fr", "norden.social", "troet.cafe",
		"pixelfed.social", "threads.net", "threads.com",
	}
)

// bridges are the hosts of bridges, and the networks that each may speak for.
var bridges = map[string][]string{
	"brid.gy":             slices.Concat(silos, bluesky, fediverse),
	"www.brid.gy":         slices.Concat(silos, bluesky, fediverse),
	"brid-gy.appspot.com": slices.Concat(silos, bluesky, fediverse),
	"fed.brid.gy":         slices.Concat(bluesky, fediverse),
	"ap.brid.gy":          fediverse,
	"bsky.brid.gy":        bluesky,
}

// bridgeFor tells whether a host is a bridge, and which hosts it may speak for. Both are
// asked with names as hostName spells them.
func bridgeFor(host string) (speaksFor func(host string) bool, ok bool) {
	networks, ok := bridges[host]
	return func(host string) bool {
		return slices.ContainsFunc(networks, func(network string) bool {
			return host == network || strings.HasSuffix(host, "."+network)
		})
	}, ok
}

// bridged tells whether a page is a bridge's, and may speak for an address: because its
// host is a network of that bridge, or because it is the server that the bridge has it
// from, which speaks for itself. That one stands in the page's path:
//
//	brid.gy/comment/mastodon/@ana@SERVER/123/456
//	fed.brid.gy/convert/web/https://SERVER/users/bea/statuses/1
func bridged(page, address *url.URL) bool {
	speaksFor, ok := bridgeFor(hostName(page))
	if !ok || address.Scheme != "https" {
		return false
	}
	host := hostName(address)
	if speaksFor(host) {
		return true
	}
	parts := strings.Split(strings.Trim(page.Path, "/"), "/")
	switch {
	case len(parts) >= 4 && parts[1] == "mastodon":
		return host != "" && strings.HasSuffix(parts[2], "@"+host)
	case len(parts) >= 4 && parts[0] == "convert" && parts[1] == "web" && parts[2] == "https:":
		return host != "" && (parts[3] == host || parts[3] == "" && len(parts) > 4 && parts[4] == host)
	}
	return false
}
