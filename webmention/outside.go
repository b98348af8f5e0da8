package webmention

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// inside are the networks that a host in a URL must not name. It is the second
// guard: the first is the client, which sees where names lead.
var inside = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.168.0.0/16", "224.0.0.0/3", "::/127", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8")

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// outside is an error when the host of u is by its own account one that nobody
// outside should reach, and not in a network of Allow. A name that some readers take
// for an address ("127.1") counts as this machine's.
//
// A sender should not send to an endpoint on a loopback address.
// Spec: webmention#avoid-sending-webmentions-to-localhost-p-2
func (s *Sender) outside(u *url.URL) error {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	var addrs []netip.Addr
	if addr, err := netip.ParseAddr(host); err == nil {
		addrs = []netip.Addr{addr.Unmap().WithZone("")}
	} else if host == "localhost" || strings.HasSuffix(host, ".localhost") || !validHost(host) {
		addrs = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	for _, addr := range addrs {
		if contains(s.Allow, addr) {
			return nil
		}
	}
	for _, addr := range addrs {
		if contains(inside, addr) {
			return fmt.Errorf("%w: %s is not public", errRefused, host)
		}
	}
	return nil
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, p := range networks {
		if p.Contains(addr) || p.Contains(netip.AddrFrom16(addr.As16())) { // 10.0.0.0/8 may be written ::ffff:10.0.0.0/104
			return true
		}
	}
	return false
}
