package mf2

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

var defaultPort = map[string]string{"http": "80", "https": "443"}

// SameURL reports whether two addresses are the same once written alike
// ([NormalizeURL]). Two that cannot be parsed are the same when they are equal; an
// empty address is the same as nothing.
func SameURL(a, b string) bool {
	return a != "" && b != "" && (a == b || normal(a) == normal(b))
}

// normal returns the normalised address, or s where it is none.
func normal(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	return NormalizeURL(u)
}

// NormalizeURL writes an address in the one form that the harmless variants of it
// share: host in lower case and as ASCII, no default port, an empty path as "/",
// percent-encoding in upper case and only where it is needed. Scheme, path, query
// and fragment stay as they are otherwise ("/a" and "/a/" are two pages, and so are
// http and https), and so does an address without a host.
func NormalizeURL(u *url.URL) string {
	if u.Hostname() == "" {
		return u.String()
	}
	var b strings.Builder
	b.Grow(len(u.Scheme) + len(u.Host) + len(u.Path) + len(u.RawQuery) + len(u.Fragment) + 16)
	if u.Scheme != "" {
		b.WriteString(strings.ToLower(u.Scheme))
		b.WriteByte(':')
	}
	host := url.URL{User: u.User, Host: normalHost(u)} // which knows how to write a zone
	b.WriteString(host.String())
	path := written(u.RawPath, u.Path, u.EscapedPath)
	if path == "" {
		path = "/"
	}
	b.WriteString(normalEscapes(path))
	if u.RawQuery != "" || u.ForceQuery {
		b.WriteByte('?')
		b.WriteString(normalEscapes(u.RawQuery))
	}
	if u.Fragment != "" {
		b.WriteByte('#')
		b.WriteString(normalEscapes(written(u.RawFragment, u.Fragment, u.EscapedFragment)))
	}
	return b.String()
}

// written returns a part of an address as it was written, unless it was changed since.
// net/url would write it anew where it holds a character like ñ, and forget which of
// its slashes were escaped.
func written(raw, plain string, escape func() string) string {
	if decoded, err := url.PathUnescape(raw); raw == "" || err != nil || decoded != plain {
		return escape()
	}
	return raw
}

func normalHost(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	literal := strings.HasPrefix(u.Host, "[") // an address, and perhaps its zone: no name
	if !literal && !isASCII(host) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil { // the rules have no emoji, the DNS has
			ascii, err = idna.Punycode.ToASCII(strings.ToLower(host))
		}
		if err == nil {
			host = ascii
		}
	}
	host = strings.ToLower(host)
	if port == defaultPort[strings.ToLower(u.Scheme)] {
		port = ""
	}
	if literal {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return host
}

// normalEscapes writes percent-encoded bytes in upper case, unreserved characters
// as themselves, and bytes that no URL may hold percent-encoded. What follows a stray
// percent sign stays encoded, so that the two do not read as one: "%%41a" is not "%Aa".
func normalEscapes(s string) string {
	const hex = "0123456789ABCDEF"
	if strings.IndexFunc(s, func(c rune) bool { return c == '%' || c <= ' ' || c >= 0x7f }) < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	stray := -3 // where the last one was written
	for i := 0; i < len(s); i++ {
		c, escaped := s[i], false
		if c == '%' && i+2 < len(s) {
			high, low := strings.IndexByte(hex, upper(s[i+1])), strings.IndexByte(hex, upper(s[i+2]))
			if high >= 0 && low >= 0 {
				c, escaped = byte(high<<4|low), true
				i += 2
			} else {
				stray = b.Len()
			}
		}
		if escaped && (!unreserved(c) || b.Len()-stray < 3) || c <= ' ' || c >= 0x7f {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// upper is the capital of a letter.
func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// unreserved reports whether a character means the same encoded or not.
//
// Spec: rfc3986#section-2.3
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
