package fetch

import (
	"fmt"
	"log/slog"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// azure is the address of a virtual machine's host at one provider. It looks
// public, and answers with the machine's configuration.
var azure = netip.MustParsePrefix("168.63.129.16/32")

// Networks whose addresses carry an IPv4 address that a gateway will connect to.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052, the last 32 bits
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215; used as a /96 in practice
	sixToFour  = netip.MustParsePrefix("2002::/16")      // RFC 3056, bits 16 to 47
)

// guard decides which addresses a stranger's URL may lead to. It sees what is
// about to be connected to, when no name can change any more.
type guard struct {
	allow  []netip.Prefix
	public *ssrf.Guardian // public addresses, ports 80 and 443
	log    *slog.Logger
}

func newGuard(o Options) *guard {
	g := &guard{public: ssrf.New(ssrf.WithDeniedV4Prefixes(azure)), log: o.Log}
	for _, p := range o.Allow {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		g.allow = append(g.allow, p.Masked())
	}
	return g
}

// control is a net.Dialer's Control: address is an IP address with a port.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %s", ErrBlocked, network)
	}
	to, err := netip.ParseAddrPort(address)
	if err == nil {
		err = g.check(to)
	}
	if err != nil {
		g.log.Info("address refused", "address", address, "reason", err.Error())
		return fmt.Errorf("%w: %w", ErrBlocked, err)
	}
	return nil
}

func (g *guard) check(to netip.AddrPort) error {
	addr := to.Addr().Unmap()
	if addr.Zone() != "" {
		return fmt.Errorf("address %s has a zone", addr)
	}
	if g.allowed(addr) {
		// Behind an allowed gateway the address that it translates to counts.
		if inner, ok := embedded(addr); ok {
			return g.check(netip.AddrPortFrom(inner, to.Port()))
		}
		return nil
	}
	return g.public.SafeAddrPort(netip.AddrPortFrom(addr, to.Port()))
}

func (g *guard) allowed(addr netip.Addr) bool {
	for _, p := range g.allow {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// embedded returns the IPv4 address inside a translated IPv6 one.
func embedded(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case !addr.Is6():
		return netip.Addr{}, false
	case nat64.Contains(addr), nat64Local.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
