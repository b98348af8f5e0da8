package gitree_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"tertulia/internal/publish/gitree"
)

func TestAddresses(t *testing.T) {
	for in, want := range map[string][3]string{
		"https://example.com/a.git":           {"https://example.com/a.git", "https", ""},
		"https://ana:pw@example.com:8443/a":   {"https://example.com:8443/a", "https", "pw"},
		"http://127.0.0.1:3000/a.git":         {"http://127.0.0.1:3000/a.git", "http", ""},
		"ssh://git@example.com:22/a":          {"ssh://git@example.com:22/a", "ssh", ""},
		"git@example.com:ana/a.git":           {"git@example.com:ana/a.git", "ssh", ""},
		"/srv/a.git":                          {"/srv/a.git", "file", ""},
		"file:///srv/a b.git":                 {"file:///srv/a b.git", "file", ""},
		"http://example.com/a.git":            {},
		"--upload-pack=touch /tmp/x":          {},
		"-oProxyCommand=x:y":                  {},
		"ssh://-oProxyCommand=x/y":            {},
		"ext::sh -c x":                        {},
		"fd::17":                              {},
		"git://example.com/a":                 {},
		"ftp://example.com/a":                 {},
		"https://":                            {},
		"../relative":                         {},
		"file://host/share":                   {},
		"https://example.com/a\nb":            {},
		"-u@example.com:a":                    {},
		"ssh://-u@example.com/a":              {},
		"example.com::a":                      {},
		"ssh://git:password@example.com/a":    {},
		"https://ana@example.com/a.git":       {"https://example.com/a.git", "https", ""},
		"https://127.0.0.1.evil.example/a":    {"https://127.0.0.1.evil.example/a", "https", ""},
		"http://localhost.evil.example/a.git": {},
	} {
		address, scheme, secret, err := gitree.ParseRemote(in)
		if got := [3]string{address, scheme, secret}; got != want || (err == nil) != (want[0] != "") {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestWhatGitSaysIsFitToShow(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte("git:" + token))
	in := "remote: \x1b[31mno\x1b[0m\rfatal: https://ana:pw@example.com " + token + " " + basic + " s3cret-t%C3%B6k%C3%A9n%2F%2B%25 \xff\n\n"
	want := "remote: [31mno[0m\nfatal: https://example.com *** *** *** ?"
	if got := gitree.Clean(in, "git", token); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"https://a:b@c/d", "git@h:p", "/x", "-x", "ext::x", "ssh://-x/y", "http://[::1]:9/a", "file:///x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		address, scheme, secret, err := gitree.ParseRemote(s)
		if err != nil || address == "" {
			return
		}
		if strings.HasPrefix(address, "-") || strings.ContainsAny(address, "\n\x00") {
			t.Errorf("%q becomes %q", s, address)
		}
		if secret != "" && scheme != "http" && scheme != "https" {
			t.Errorf("%q has a secret", s)
		}
		if before, _, found := strings.Cut(address, "::"); found && !strings.ContainsAny(before, "/@:[") {
			t.Errorf("%q becomes a helper's address %q", s, address)
		}
	})
}
