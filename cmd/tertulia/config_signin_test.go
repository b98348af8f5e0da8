package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Secrets travel to these networks, so what is written of them is looked at closely.
func TestConfigOfNetworks(t *testing.T) {
	const head, rest = "[[site]]\nurl='https://a.example/'\n[[site]]\nurl='https://b.example/'\n", "\nclient_id='x'\nclient_secret_file='/x'\n"
	for text, want := range map[string]string{
		"[[signin]]\nkind='facebook'" + rest:                                                                  "signin.kind:",
		"[[signin]]" + rest:                                                                                   "signin.kind: it is missing",
		"[[signin]]\nkind='github'\nserver='https://github.com'" + rest:                                       "signin.server: GitHub has but one",
		"[[signin]]\nkind='mastodon'" + rest:                                                                  "signin.server: \"\" is not",
		"[[signin]]\nkind='mastodon'\nserver='http://m.example'" + rest:                                       "signin.server: \"http://m.example\" is not",
		"[[signin]]\nkind='mastodon'\nserver='https://m.example/@ana'" + rest:                                 "signin.server: \"https://m.example/@ana\" is not",
		"[[signin]]\nkind='mastodon'\nserver='https://m.example/?x'" + rest:                                   "signin.server: \"https://m.example/?x\" is not",
		"[[signin]]\nkind='github'\nclient_id='x'":                                                            "signin.client_secret_file: it is missing",
		"[[signin]]\nkind='github'\nclient_secret_file='x'":                                                   "signin.client_id: it is missing",
		"[[signin]]\nkind='github'\nsites=['https://c.example/']" + rest:                                      "signin.sites: \"https://c.example/\" is none of your sites",
		"[[signin]]\nkind='github'\nsites=['https://a.example/']" + rest + "[[signin]]\nkind='github'" + rest: "signin: https://a.example/ has github twice",
		"[[signin]]\nkind='github'\nme='https://a.example/'" + rest:                                           "signin.user: it is missing",
		"[[signin]]\nkind='github'\nuser='x'\nme='https://c.example/'" + rest:                                 "signin.me: \"https://c.example/\" looks after none",
		"[[person]]\nme='https://c.example/'\nrole='owner'\n[[signin]]\nkind='github'\nuser='c'" + rest:       "signin.me: it is missing: whose account is \"c\"?",
		"[[signin]]\nkind='github'\ntoken='x'" + rest:                                                         "signin.token: there is no such setting",
	} {
		if got := faults(t, head+text, nil); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q:\n got %q\nwant %s", text, got, want)
		}
	}
}

// A network is for the sites that it names, its secret is read when it is needed, and the
// client that goes where the settings point may ask it.
func TestNetworksOfASite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	set := load(t, "[[site]]\nurl='https://a.example/'\n[[site]]\nurl='https://b.example/'\n"+
		"[[signin]]\nkind='github'\nclient_id='x'\nuser='ana'\nme='https://A.example'\nsites=['https://a.example/']\nclient_secret_file='"+file+"'\n"+
		"[[signin]]\nkind='mastodon'\nserver='https://m.example'\nclient_id='y'\nclient_secret_file='"+file+"'\n", nil)
	a, b := set.providers(set.Sites[0], nil, nil), set.providers(set.Sites[1], nil, nil)
	if len(a) != 2 || len(b) != 1 || a[0].ID != "github" || a[0].User != "ana" || a[0].Whose != "https://a.example/" || b[0].ID != "m.example" || b[0].Name != "m.example" {
		t.Fatalf("got %+v and %+v", a, b)
	}
	if _, err := a[0].Secret(); err == nil {
		t.Error("there is no file, and no error")
	}
	for _, want := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(want+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := a[0].Secret(); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	hosts := set.ownHosts()
	for _, want := range []string{"github.com:443", "api.github.com:443", "m.example:443"} {
		if !slices.Contains(hosts, want) {
			t.Errorf("%s is not among %q", want, hosts)
		}
	}
}
