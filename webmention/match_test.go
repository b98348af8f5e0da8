package webmention

import (
	"net/url"
	"testing"

	"tertulia/mf2"
)

// FuzzElsewhere holds what is said of a link at a glance to what is said of it when it is read:
// a link to the target is never taken for one to another host.
func FuzzElsewhere(f *testing.F) {
	for _, pair := range [][2]string{
		{"https://example.com/a", "https://EXAMPLE.com:443/a"}, {"https://example.com/a", "https://example.org/a"},
		{"https://ñandú.example/", "https://xn--and-6ma2c.example/"}, {"https://xn--and-6ma2c.example/", "https://ÑANDÚ.example/"},
		{"http://[::1]:80/", "http://[::1]/"}, {"http://[fe80::1%25a]/", "http://[FE80::1%25A]/"}, {"https://i❤.example/", "https://xn--i-7iq.example/"},
		{"https://kelvin.example/", "https://\u212aelvin.example/"}, {"https://ex%61mple.com/", "https://example.com/"}, {"mailto:a@b.example", "mailto:a@b.example"},
		{"https://example.com./", "https://example.com/"}, {"https://example.com/a", "https:/.//example.com/a"}, {"//example.com/a", "//EXAMPLE.com/a"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, target, link string) {
		to, err := url.Parse(target)
		if err != nil {
			return
		}
		m, base := newMatcher(to), &url.URL{Scheme: "https", Host: "source.example", Path: "/a/b"}
		for _, from := range []*url.URL{{}, base} {
			u, err := from.Parse(link)
			if err != nil {
				return
			}
			if n := mf2.NormalizeURL(u); m.elsewhere(u) && (n == m.exact || n == m.page) {
				t.Errorf("%q is %q, which is %q, and was passed over", link, n, m.exact)
			}
		}
	})
}
