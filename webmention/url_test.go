package webmention_test

import (
	"strings"
	"testing"

	"tertulia/webmention"
)

// urlCases are HOSTILE 9 and its neighbours.
var urlCases = []struct {
	url string
	ok  bool
}{
	{"https://example.com/post", true},
	{"http://example.com", true},
	{"HTTPS://Example.COM:8443/a?b=c#d", true},
	{"https://example.com./", true},
	{"https://españa.example/ñ?q=ñ", true},
	{"https://xn--espaa-rta.example/", true},
	{"https://example.com/👩‍💻", true},
	{"https://my_host.example/", true},
	{"http://127.0.0.1:8080/", true},
	{"http://[::1]:8080/", true},
	{"http://localhost/", true},
	{"https://example.com/" + strings.Repeat("a", 2028), true},
	{"https://example.com/" + strings.Repeat("a", 2029), false},
	{"", false},
	{"/post", false},
	{"example.com/post", false},
	{"//example.com/post", false},
	{"ftp://example.com/", false},
	{"javascript:alert(1)", false},
	{"mailto:a@example.com", false},
	{"http:example.com", false},
	{"http:/example.com", false},
	{"http:///x", false},
	{"http://", false},
	{"http://:80/", false},
	{"https://user@example.com/", false},
	{"https://user:pass@example.com/", false},
	{"https://@example.com/", false},
	{"https://example.com\t/", false},
	{"https://exam\nple.com/", false},
	{"https://example.com/a b", false},
	{" https://example.com/", false},
	{"https://example.com/\x00", false},
	{"https://example.com/\x7f", false},
	{"https://example.com/\u0085", false},
	{"https://example.com/\u202egnp.exe", false},
	{"https://example.com\\@evil.example/", false},
	{"https://example.com/a\\b", false},
	{"https://example.com/\xff", false},
	{"https://example.com/\"onclick=", false},
	{"https://example.com/<b>", false},
	{"https://example.com/%zz", false},
	{"https://example.com:0/", false},
	{"https://example.com:99999/", false},
	{"https://example.com:/", false},
	{"https://example.com:http/", false},
	{"https://example..com/", false},
	{"https://.example.com/", false},
	{"https://./", false},
	{"https://exa$mple.com/", false},
	{"https://xn--a\u0080.example/", false},
	{"https://xn--\u00f1.example/", false},
	{"https://" + strings.Repeat("a", 64) + ".example/", false},
	{"http://2130706433/", false},
	{"http://0x7f000001/", false},
	{"http://127.1/", false},
	{"http://1.2.3.4.5/", false},
	{"http://[fe80::1%25eth0]/", false},
	{"http://[::1/", false},
}

func TestParseURLAcceptsOnlyPlainWebAddresses(t *testing.T) {
	for _, tt := range urlCases {
		u, err := webmention.ParseURL(tt.url)
		if ok := err == nil; ok != tt.ok {
			t.Errorf("ParseURL(%q) = %v, %v; want accepted: %v", tt.url, u, err, tt.ok)
		}
	}
}

func TestParseURLKeepsTheFragment(t *testing.T) {
	u, err := webmention.ParseURL("https://example.com/post#comment-12")
	if err != nil || u.Fragment != "comment-12" {
		t.Errorf("got %v, %v, want the fragment comment-12", u, err)
	}
}

// What is accepted reads the same when it is written and read again.
func FuzzParseURL(f *testing.F) {
	for _, tt := range urlCases {
		f.Add(tt.url)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := webmention.ParseURL(s)
		if err != nil {
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
			t.Fatalf("ParseURL(%q) accepted %#v", s, u)
		}
		again, err := webmention.ParseURL(u.String())
		if err != nil && len(u.String()) <= 2048 {
			t.Fatalf("ParseURL(%q) gave %q, which it refuses: %v", s, u, err)
		}
		if err == nil && again.Host != u.Host {
			t.Fatalf("ParseURL(%q): host %q became %q", s, u.Host, again.Host)
		}
	})
}
