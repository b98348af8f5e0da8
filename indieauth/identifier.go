package indieauth

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// maxURL is the longest URL, in bytes, that is taken from a stranger.
const maxURL = 2048

// CheckProfileURL checks a person's URL and returns it in canonical form: host
// in lower case and ASCII, "/" for an empty path. On loopback hosts, where
// people try things out, a port and the host's address are allowed too.
func CheckProfileURL(raw string) (string, error) {
	// Spec: indieauth#user-profile-url-p-1
	u, err := identifier(raw)
	if err != nil {
		return "", fmt.Errorf("profile URL: %w", err)
	}
	if u.Port() != "" && !isLoopback(u.Hostname()) {
		return "", errors.New("profile URL: it must not have a port")
	}
	return u.String(), nil
}

// CheckClientID checks a client's URL and returns it in canonical form, as
// [CheckProfileURL] does. Ports are allowed, and of all addresses 127.0.0.1 and
// [::1].
func CheckClientID(raw string) (string, error) {
	// Spec: indieauth#client-identifier-p-1
	u, err := identifier(raw)
	if err != nil {
		return "", fmt.Errorf("client_id: %w", err)
	}
	return u.String(), nil
}

// identifier holds the rules that profile URLs and client_ids share.
func identifier(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, errors.New("it is too long")
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r == '\ufffd' }) {
		return nil, errors.New("it has characters that a URL cannot have")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("it is not a URL")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("its scheme must be https or http")
	case u.Opaque != "" || u.Host == "":
		return nil, errors.New("it must have a host")
	case u.User != nil:
		return nil, errors.New("it must not have a username or password")
	case strings.Contains(raw, "#"):
		return nil, errors.New("it must not have a fragment")
	case hasDotSegment(u):
		return nil, errors.New("it must not have dot segments in its path")
	}
	if u.Host, err = canonicalHost(u); err != nil {
		return nil, err
	}
	// Spec: indieauth#url-canonicalization-p-1
	if u.Path == "" {
		u.Path = "/"
	}
	if len(u.String()) > maxURL { // escaped it is longer
		return nil, errors.New("it is too long")
	}
	return u, nil
}

// hasDotSegment finds "." and ".." as whole segments, also as %2e, which a
// browser reads in the same way. A dot within a segment is a name like any other.
func hasDotSegment(u *url.URL) bool {
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		segment = strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// canonicalHost returns host and port as they are compared and shown, and
// refuses every address but the two loopback ones.
// Spec: indieauth#url-canonicalization-p-2
func canonicalHost(u *url.URL) (string, error) {
	port := u.Port()
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) || strings.HasSuffix(u.Host, ":") {
		return "", errors.New("its port is not a port")
	}
	if port != "" {
		port = ":" + port
	}
	host := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr != netip.IPv6Loopback() && addr != ipv4Loopback {
			return "", errors.New("its host must not be an address")
		}
		if addr.Is6() {
			return "[" + addr.String() + "]" + port, nil
		}
		return addr.String() + port, nil
	}
	host, err := domain(host)
	return host + port, err
}

var ipv4Loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// domain returns a domain name in ASCII. A name whose last label is a number is
// refused: browsers read 127.1, 0x7f.1 and 2130706433 as addresses.
func domain(host string) (string, error) {
	if strings.ContainsFunc(host, func(r rune) bool { return r > 0x7f }) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", errors.New("its host is not a domain name")
		}
		host = ascii
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return !isAlnum(r) && r != '-' && r != '_' }) {
			return "", errors.New("its host is not a domain name")
		}
	}
	last := labels[len(labels)-1]
	if strings.HasPrefix(last, "0x") || strings.Trim(last, "0123456789") == "" {
		return "", errors.New("its host must not be an address")
	}
	return host, nil
}

func isAlnum(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// isLoopback tells by the name alone, without asking any name system.
func isLoopback(host string) bool {
	return host == "127.0.0.1" || host == "::1" || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// neverRedirect are schemes in which a URL is a program, a document or a file.
var neverRedirect = []string{"javascript", "data", "vbscript", "blob", "file", "filesystem", "about", "view-source", "ftp", "mailto", "ws", "wss"}

// checkRedirectURI refuses what no client can mean, before anything is known
// about the client. The URL itself is kept as it came: it is compared as a
// string, and codes go to exactly this address.
func checkRedirectURI(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, errors.New("redirect_uri is too long")
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>^`{|}#", r) }) {
		return nil, errors.New("redirect_uri has characters that it cannot have")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || slices.Contains(neverRedirect, u.Scheme) {
		return nil, errors.New("redirect_uri is not a URL that a person can be sent to")
	}
	if u.User != nil {
		return nil, errors.New("redirect_uri must not have a username or password")
	}
	for _, name := range []string{"code", "state", "iss", "error"} {
		if u.Query().Has(name) {
			return nil, errors.New("redirect_uri must not have the parameters of the answer in its query")
		}
	}
	if !isWeb(u) {
		return u, nil
	}
	if u.Opaque != "" || u.Host == "" {
		return nil, errors.New("redirect_uri must have a host")
	}
	if _, err := canonicalHost(u); err != nil {
		return nil, fmt.Errorf("redirect_uri: %w", err)
	}
	return u, nil
}

func isWeb(u *url.URL) bool { return u.Scheme == "https" || u.Scheme == "http" }

// sameOrigin compares scheme, host and port of two web URLs.
// Spec: indieauth#authorization-request-p-9
func sameOrigin(a, b *url.URL) bool {
	return isWeb(a) && a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
