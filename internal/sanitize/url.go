package sanitize

import (
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// maxURL is the longest URL that is kept, in bytes.
const maxURL = 2048

// URL returns raw as an absolute http or https URL with a host in lower-case
// ASCII, resolved against base unless that is nil. Whatever is not plainly
// that, or carries a user name that poses as a host, gives "".
func URL(raw string, base *url.URL) string {
	raw = strings.Trim(raw, " \t\n\f\r")
	if len(raw) > maxURL || strings.Contains(raw, `\`) {
		return "" // browsers take \ for /
	}
	u, err := url.Parse(raw) // refuses controls, which browsers skip in a scheme
	if err != nil {
		return ""
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return ""
	}
	host, ok := asciiHost(u)
	if !ok {
		return ""
	}
	u.Host = host
	if u.Path == "" {
		u.Path = "/"
	}
	// Go writes these two as they came, and browsers would read them.
	u.RawQuery = escapeQuery(u.RawQuery)
	if s := u.String(); len(s) <= maxURL {
		return s
	}
	return ""
}

// asciiHost returns the host with its port as it stands in a URL.
func asciiHost(u *url.URL) (string, bool) {
	name := strings.ToLower(u.Hostname())
	if name == "" || strings.ContainsAny(name, "%<>\"'`{}|^ ") {
		return "", false
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	} else if ascii, err := idna.Lookup.ToASCII(name); err == nil {
		name = ascii
	} else if !isASCII(name) {
		return "", false // an underscore is tolerated, a name that has no ASCII form is not
	}
	port := u.Port()
	if name == "" {
		return "", false // nothing was encoded in it
	}
	if port == "" {
		return name, true
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", false
	}
	return name + ":" + port, true
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// escapeQuery percent-encodes what must not stand in a query and is often left there.
func escapeQuery(q string) string {
	var b strings.Builder
	for _, c := range []byte(q) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>`'", c) >= 0 {
			b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
