package site

import "strings"

// bridges are hosts whose pages say what somebody has said on a network, and the
// networks that each may speak for.
var bridges = map[string][]string{
	"brid.gy":             silos,
	"www.brid.gy":         silos,
	"brid-gy.appspot.com": silos,
	"fed.brid.gy":         {"*"},
	"bsky.brid.gy":        {"bsky.app"},
}

var silos = []string{"twitter.com", "x.com", "facebook.com", "instagram.com", "flickr.com", "github.com", "reddit.com", "mastodon.social", "bsky.app"}

// bridgeFor tells whether a host is a bridge, and which networks' hosts it may speak for.
func bridgeFor(host string) (speaksFor func(host string) bool, ok bool) {
	networks, ok := bridges[host]
	return func(host string) bool {
		for _, n := range networks {
			if host == n || strings.HasSuffix(host, "."+n) {
				return true
			}
		}
		return false
	}, ok
}
