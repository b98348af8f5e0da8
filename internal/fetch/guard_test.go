package fetch_test

import (
	"errors"
	"net/netip"
	"testing"

	"tertulia/internal/fetch"
)

// HOSTILE 1 and 8, T-WR22, T-WS06.
func TestStrangersGoOnlyToPublicAddresses(t *testing.T) {
	refused := []string{
		"0.0.0.0:80", "0.1.2.3:80", "10.0.0.1:80", "100.64.0.1:80", "127.0.0.1:80", "127.255.255.254:443",
		"169.254.169.254:80", "172.16.0.1:80", "172.31.255.255:80", "192.0.0.1:80", "192.0.2.1:80",
		"192.31.196.1:80", "192.52.193.1:80", "192.88.99.1:80", "192.168.1.1:80", "192.175.48.1:80",
		"198.18.0.1:80", "198.51.100.1:80", "203.0.113.1:80", "224.0.0.1:80", "240.0.0.1:80",
		"255.255.255.255:80", "168.63.129.16:80",
		"[::]:80", "[::1]:80", "[::127.0.0.1]:80", "[::ffff:127.0.0.1]:80", "[::ffff:168.63.129.16]:80",
		"[64:ff9b::7f00:1]:80", "[64:ff9b::808:808]:80", "[64:ff9b:1::7f00:1]:80", "[100::1]:80",
		"[2001::1]:80", "[2001:db8::1]:80", "[2002:7f00:1::]:80", "[2620:4f:8000::1]:80", "[3fff::1]:80",
		"[5f00::1]:80", "[fc00::1]:80", "[fd00:ec2::254]:80", "[fe80::1]:80", "[fe80::1%eth0]:80",
		"[2606:4700::1%eth0]:80", "[fec0::1]:80", "[ff02::1]:80",
		"93.184.216.34:0", "93.184.216.34:22", "93.184.216.34:25", "93.184.216.34:6379", "93.184.216.34:8080",
		"[2606:4700::1]:22", "localhost:80", "",
	}
	for _, address := range refused {
		for _, network := range []string{"tcp4", "tcp6"} {
			if err := fetch.Check(fetch.Options{}, network, address); !errors.Is(err, fetch.ErrBlocked) {
				t.Errorf("%s %s: got %v, want it blocked", network, address, err)
			}
		}
	}
	for _, address := range []string{"93.184.216.34:80", "93.184.216.34:443", "[2606:4700::1]:443", "[::ffff:93.184.216.34]:80"} {
		if err := fetch.Check(fetch.Options{}, "tcp6", address); err != nil {
			t.Errorf("%s: got %v, want it let through", address, err)
		}
	}
	if err := fetch.Check(fetch.Options{}, "udp4", "93.184.216.34:80"); !errors.Is(err, fetch.ErrBlocked) {
		t.Errorf("udp: got %v, want it blocked", err)
	}
}

func TestAllowOpensOnlyItsNetworks(t *testing.T) {
	o := fetch.Options{Allow: []netip.Prefix{
		netip.MustParsePrefix("127.0.2.0/24"),
		netip.MustParsePrefix("fd00:1::/32"),
		netip.MustParsePrefix("::ffff:10.1.0.0/112"),
		netip.MustParsePrefix("64:ff9b::/96"),
		netip.MustParsePrefix("2002::/16"),
	}}
	for address, allowed := range map[string]bool{
		"127.0.2.1:80":            true,
		"127.0.2.1:41234":         true, // any port on a network that is named
		"[::ffff:127.0.2.1]:80":   true,
		"127.0.3.1:80":            false,
		"127.0.0.1:80":            false,
		"[fd00:1::1]:8080":        true,
		"[fd00:2::1]:8080":        false,
		"[fd00:1::1%eth0]:8080":   false,
		"10.1.2.3:22":             true,
		"10.2.2.3:80":             false,
		"[64:ff9b::808:808]:80":   true, // a gateway to public addresses
		"[64:ff9b::808:808]:22":   false,
		"[64:ff9b::7f00:1]:80":    false, // and not to ours
		"[64:ff9b::a9fe:a9fe]:80": false,
		"[2002:7f00:1::]:80":      false,
		"[2002:808:808::1]:80":    true,
		"93.184.216.34:22":        false,
		"93.184.216.34:443":       true,
	} {
		err := fetch.Check(o, "tcp6", address)
		if got := err == nil; got != allowed {
			t.Errorf("%s: got %v, want allowed %t", address, err, allowed)
		}
	}
}
