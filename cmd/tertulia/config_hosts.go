package main

import (
	"net/netip"
	"strings"
)

// isLoopback tells by the name alone, without asking any name system.
func isLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// prefixes parses what [loader.check] has found to be right.
func prefixes(words []string) []netip.Prefix {
	var found []netip.Prefix
	for _, word := range words {
		if p, err := parsePrefix(word); err == nil {
			found = append(found, p)
		}
	}
	return found
}
