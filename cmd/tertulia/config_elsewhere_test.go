package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/webtest"
)

// Tokens travel to the owner's own server, so its addresses are looked at closely.
func TestConfigOfTheOwnersServer(t *testing.T) {
	const site = "[[site]]\nurl='https://a.example/'\n[site.indieauth]\n"
	for text, want := range map[string]string{
		"authorization_endpoint='https://b.example/auth'":                                         "site.indieauth: it needs both",
		"introspection_endpoint='https://b.example/i'":                                            "site.indieauth: it needs both",
		"authorization_endpoint='https://b.example/auth'\ntoken_endpoint='http://b.example/t'":    "site.indieauth.token_endpoint: \"http://b.example/t\": it must be https",
		"authorization_endpoint='https://b.example/auth'\ntoken_endpoint='b.example/t'":           "site.indieauth.token_endpoint: \"b.example/t\": it is not the address",
		"authorization_endpoint='https://b.example/auth'\ntoken_endpoint='https://u:p@b.example'": "site.indieauth.token_endpoint: \"https://u:p@b.example\": it is not the address",
		"authorization_endpoint='javascript:x'\ntoken_endpoint='https://b.example/t'":             "site.indieauth.authorization_endpoint: \"javascript:x\": it is not the address",
	} {
		if got := faults(t, site+text+"\n", nil); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q:\n got %q\nwant %s", text, got, want)
		}
	}
}

// The client that goes where the settings point may ask the owner's server, and no other.
func TestTheOwnersServerIsAmongTheOwnersHosts(t *testing.T) {
	set := &settings{Sites: []siteSettings{{URL: "https://a.example/", IndieAuth: elsewhereSettings{
		Authorization: "https://b.example/auth", Token: "https://c.example:8443/t", Introspection: "https://d.example/i",
	}}}}
	hosts := set.ownHosts()
	for _, want := range []string{"c.example:8443", "d.example:443"} {
		if !slices.Contains(hosts, want) {
			t.Errorf("%s is not among %q", want, hosts)
		}
	}
}

// check says whether the owner's server can be asked, and does not take yes for an answer.
func TestCheckAsksTheOwnersServer(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   []string
	}{
		"refuses":            {401, `{}`, nil},
		"says yes to anyone": {200, `{"me":"https://ana.example/","scope":"create"}`, []string{"elsewhere fails"}},
		"down":               {502, `{}`, []string{"elsewhere fails"}},
		"another page":       {200, `<html>`, []string{"elsewhere fails"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				web := webtest.New(t)
				web.Handle("auth.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(c.status)
					fmt.Fprint(w, c.body)
				}))
				ana := newPerson(t, web, "ana.example")
				settle()
				k := checking(web, ana)
				k.one.IndieAuth = elsewhereSettings{Authorization: "https://auth.example/auth", Token: "https://auth.example/token"}
				k.web.Site.Elsewhere = newElsewhere(k.one, web.Client(), nil)
				if err := k.check(t.Context()); err != nil {
					t.Fatal(err)
				}
				found := slices.DeleteFunc(troubles(t, k), func(s string) bool { return s == unseen })
				if diff := cmp.Diff(c.want, found, cmp.Transformer("none", func(s []string) []string {
					if len(s) == 0 {
						return nil
					}
					return s
				})); diff != "" {
					t.Errorf("(-want +got)\n%s\n%v", diff, k.points)
				}
			})
		})
	}
}
