package mf2_test

import (
	"net/url"
	"strings"
	"testing"

	"tertulia/mf2"
)

func TestSameURL(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"http://a", "http://a/", true},
		{"https://A.example:443/x", "https://a.EXAMPLE/x", true},
		{"HTTP://a:80/", "http://a", true},
		{"http://a:/", "http://a/", true},
		{"http://a:443/", "http://a/", false},
		{"https://a/%7euser/%C3%B1", "https://a/~user/%c3%b1", true},
		{"https://a/ñ?ñ#ñ", "https://a/%C3%B1?%c3%b1#%C3%b1", true},
		{"https://a/ñ%2Fa", "https://a/ñ/a", false},
		{"https://a/%2F", "https://a//", false},
		{"https://a/?q=%26", "https://a/?q=&", false},
		{"https://a/?q=%41+b", "https://a/?q=A+b", true},
		{"https://a/?q=a+b", "https://a/?q=a%20b", false},
		{"https://a/?q=%%41a", "https://a/?q=%AA", false},
		{"https://ñandú.example/", "https://xn--and-6ma2c.example/", true},
		{"https://🌳.example/", "https://xn--wh8h.example/", true},
		{"https://I❤.example/", "https://xn--i-7iq.example/", true},
		{"https://Ñandú.example/", "https://XN--AND-6MA2C.example/", true},
		{"http://[::1]:80/", "http://[::1]", true},
		{"http://[::1]:8080/", "http://[::1]:8080", true},
		{"http://a/", "https://a/", false},
		{"http://a/x", "http://a/x/", false},
		{"http://a/x", "http://a/X", false},
		{"http://a/x", "http://a/x#y", false},
		{"http://a/x", "http://a/x?", false},
		{"http://a/x", "http://b/x", false},
		{"http://a/post-1", "http://a/post-10", false},
		{"http://a@b/", "http://b/", false},
		{"http://a/%", "http://a/%", true},
		{"http://a/%", "http://a/%25", false},
		{"mailto:a@b", "MAILTO:a@b", true},
		{"mailto:a@b", "mailto:a@c", false},
		{"x", "x", true},
		{"/x", "x", false},
		{"", "", false},
		{"", "http://a/", false},
	}
	for _, tt := range tests {
		if got := mf2.SameURL(tt.a, tt.b); got != tt.want {
			t.Errorf("SameURL(%q, %q): got %v, want %v", tt.a, tt.b, got, tt.want)
		}
		if got := mf2.SameURL(tt.b, tt.a); got != tt.want {
			t.Errorf("SameURL(%q, %q): got %v, want %v", tt.b, tt.a, got, tt.want)
		}
	}
}

func TestNormalizeURLOfOneThatWasMadeByHand(t *testing.T) {
	u := &url.URL{Scheme: "https", Host: "A.example", Path: "/a b/ñ", RawPath: "/stale", RawQuery: "q", Fragment: "f", RawFragment: "stale"}
	if got, want := mf2.NormalizeURL(u), "https://a.example/a%20b/%C3%B1?q#f"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Written in its one form, an address stays as it is and means the same.
func FuzzNormalizeURL(f *testing.F) {
	for _, s := range []string{"http://a", "https://ñ.example:443/%7e?%c3#%2F", "http://[::1%25eth0]:80", "mailto:a", "//u:p@h", "?", "http://a:/%zz", "http://a/%%41", "x:/%2541", "//[::%25\x80]", "http://[::1%25Ñ]/", "//0?%%41a", "//0?%4%31", "%2F/\xc3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse(s)
		if err != nil || strings.Contains(u.Hostname(), ":") && u.Host[0] != '[' {
			return // no address, though url.Parse lets "//::" pass
		}
		if u.Host == "" && strings.HasPrefix(u.Path, "//") {
			return // net/url writes the path of "%2F/ñ" as if it began with a host
		}
		if _, err := url.Parse(u.String()); err != nil {
			return // the zone of "//[::%25ñ]", which net/url reads and cannot write
		}
		once := mf2.NormalizeURL(u)
		again, err := url.Parse(once)
		if err != nil {
			t.Fatalf("%q became %q: %v", s, once, err)
		}
		if twice := mf2.NormalizeURL(again); twice != once {
			t.Errorf("%q became %q, and that %q", s, once, twice)
		}
	})
}
