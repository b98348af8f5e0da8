package webmention

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"tertulia/mf2"
)

// maxURL is the longest URL that is taken from a stranger, in bytes.
const maxURL = 2048

// ParseURL reads a source or a target as a stranger sent it. It accepts absolute
// http and https URLs of at most 2,048 bytes that every reader takes for the same
// address, and keeps the fragment. What browsers, proxies and libraries read
// differently is refused: user names, backslashes, spaces and control characters,
// a missing host ("http:host", "http:///x"), ports that are none.
//
// The receiver must check that source and target are valid URLs of supported schemes.
// Spec: webmention#request-verification-p-1
func ParseURL(s string) (*url.URL, error) { return parseURL(s, maxURL) }

func parseURL(s string, limit int) (*url.URL, error) {
	if s == "" {
		return nil, errors.New("is empty")
	}
	if len(s) > limit {
		return nil, fmt.Errorf("is longer than %d bytes", limit)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, forbidden) {
		return nil, errors.New("has a character that no URL has")
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("is not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("does not begin with http:// or https://")
	}
	if u.Opaque != "" || u.Host == "" {
		return nil, errors.New("has no host")
	}
	if u.User != nil {
		return nil, errors.New("has a user name")
	}
	if !validPort(u) {
		return nil, errors.New("has an impossible port")
	}
	if !validHost(u.Hostname()) {
		return nil, errors.New("has an impossible host")
	}
	return u, nil
}

// forbidden reports whether r makes a URL ambiguous or dangerous to show: control
// characters, white space, backslash, markup, and marks that turn the text around.
func forbidden(r rune) bool {
	switch {
	case r == '\\' || r == '<' || r == '>' || r == '"':
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return unicode.IsControl(r) || unicode.IsSpace(r)
}

func validPort(u *url.URL) bool {
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n >= 1 && n <= 65535
}

// validHost accepts IP addresses and names, also international ones. A name whose
// last label is a number is an address that some readers understand and some do not.
func validHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == ""
	}
	ascii, err := idna.ToASCII(host)
	if err != nil {
		return false
	}
	ascii = strings.TrimSuffix(ascii, ".")
	if ascii == "" || len(ascii) > 253 {
		return false
	}
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInHost) {
			return false
		}
	}
	last := labels[len(labels)-1]
	_, err = strconv.ParseUint(last, 0, 64)
	return err != nil
}

func notInHost(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}

// samePage reports whether a and b are the same page even if they differ in
// scheme, www, trailing slash or fragment (T-WR02).
func samePage(a, b *url.URL) bool { return pageKey(a) == pageKey(b) }

func pageKey(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	host = strings.TrimPrefix(host, "www.")
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		host = "[" + addr.String() + "]"
	}
	if port := u.Port(); port != "" && port != defaultPort(u.Scheme) {
		host += ":" + port
	}
	key := url.URL{Scheme: "https", Host: host, Path: strings.TrimRight(u.Path, "/"),
		RawPath: strings.TrimRight(u.RawPath, "/"), RawQuery: u.RawQuery}
	return mf2.NormalizeURL(&key)
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// sameHost reports whether a and b lead to the same host and port, where the two
// default ports, of http and https, count as one.
func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(a.Hostname(), b.Hostname()) && effectivePort(a) == effectivePort(b)
}

func effectivePort(u *url.URL) string {
	if u.Port() == defaultPort(u.Scheme) {
		return ""
	}
	return u.Port()
}

func isHTTP(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
