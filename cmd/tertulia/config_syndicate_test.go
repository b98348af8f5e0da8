package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tertulia/internal/site"
)

// What is written of accounts is looked at closely: tokens travel to these networks.
func TestConfigOfAccounts(t *testing.T) {
	const head = "[[site]]\nurl='https://a.example/'\n[[site.syndicate]]\n"
	for text, want := range map[string]string{
		"name='x'":          "site.syndicate.kind: it is missing",
		"kind='friendster'": "site.syndicate.kind: \"friendster\" is not known",
		"kind='mastodon'":   "site.syndicate.server: \"\" is not",
		"kind='mastodon'\nserver='http://m.example'":                     "site.syndicate.server: \"http://m.example\" is not",
		"kind='mastodon'\nserver='https://m.example/@ana'":               "site.syndicate.server: \"https://m.example/@ana\" is not",
		"kind='mastodon'\nserver='https://m.example'\nuser='a b'":        "site.syndicate.user: \"a b\" is not",
		"kind='mastodon'\nserver='https://m.example'\ndefault=['notes']": "site.syndicate.default: \"notes\" is no kind",
		"kind='telegram'":                        "site.syndicate.user: it is missing",
		"kind='x'\ntoken_file='/x'":              "site.syndicate.kind: X lets no program in",
		"kind='indienews'\ntoken_file='/x'":      "site.syndicate.token_file: IndieNews knows no tokens",
		"kind='x'\ntoken='/x'":                   "site.syndicate.token: there is no such setting",
		"kind='x'\n[[site.syndicate]]\nkind='x'": "site.syndicate: \"x\" is there twice",
		"kind='mastodon'\nserver='https://m.example'\nuser='@ana'\n[[site.syndicate]]\nkind='mastodon'\nserver='https://m.example/'\nuser='ana@m.example'": "site.syndicate: \"mastodon:ana@m.example\" is there twice",
	} {
		if got := faults(t, head+text, nil); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q:\n got %q\nwant %s", text, got, want)
		}
	}
}

// An account is named by whose it is, its token is read when it is needed, and the client that
// goes where the settings point may ask its network.
func TestAccountsOfASite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := load(t, `
[[site]]
url = "https://a.example/"
language = "es"
[[site.syndicate]]
kind = "mastodon"
server = "https://m.example:8443/"
user = "ana"
token_file = "`+file+`"
[[site.syndicate]]
kind = "telegram"
user = "@canal"
[[site.syndicate]]
kind = "bluesky"
user = "@ana.example"
[[site.syndicate]]
kind = "indienews"
[[site.syndicate]]
kind = "x"
[[site.syndicate]]
kind = "micropub"
name = "Micro"
`, nil)
	want := []struct{ uid, name, way string }{
		{"mastodon:ana@m.example:8443", "Mastodon (ana)", site.WayOAuth},
		{"telegram:canal", "Telegram (canal)", site.WaySecret},
		{"bluesky:ana.example", "Bluesky (ana.example)", site.WaySecret},
		{"indienews:news.indieweb.org/es", "IndieNews (news.indieweb.org)", ""},
		{"x", "X", ""},
		{"micropub:micro.blog", "Micro", site.WaySecret},
	}
	accounts := s.Sites[0].accounts(http.DefaultClient)
	for i, a := range accounts {
		if a.UID != want[i].uid || a.Name != want[i].name || a.Way != want[i].way || a.ByHand != (a.Open == nil) {
			t.Errorf("account %d: %+v, want %+v", i, a, want[i])
		}
	}
	for _, text := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := accounts[0].Secret(); got != text || err != nil {
			t.Errorf("got the token %q, %v, want %q", got, err, text)
		}
	}
	hosts := s.ownHosts()
	for _, host := range []string{"m.example:8443", "api.telegram.org:443", "bsky.social:443", "news.indieweb.org:443", "micro.blog:443"} {
		if !slices.Contains(hosts, host) {
			t.Errorf("%s is not among %v", host, hosts)
		}
	}
}
