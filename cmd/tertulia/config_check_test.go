package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnknownKeysAreErrorsWithAHint(t *testing.T) {
	for text, want := range map[string]string{
		"lisen = 'x'":                              "lisen: there is no such setting (did you mean listen?)",
		"Listen = 'x'":                             "Listen: there is no such setting (did you mean listen?)",
		"[fetch]\nalow = []":                       "fetch.alow: there is no such setting (did you mean fetch.allow?)",
		"[fetch]\ncolour = 1":                      "fetch.colour: there is no such setting (in fetch there are: allow)",
		"[limit]\nqueue = 1":                       "limit: there is no such setting (did you mean limits?)",
		"[fetch]\nproxies = []":                    "fetch.proxies: there is no such setting (did you mean proxies?)",
		"require-pkce = true":                      "require-pkce: there is no such setting (did you mean indieauth.require_pkce?)",
		"[[site]]\nurl='https://a.example/'\nx=1":  "site.x: there is no such setting (in site there are: url, aliases, base, language, name, author, root, upstream, origin, destinations, channel, syndicate, hub, indieauth, publish, watch, conversation, notify)",
		"[[site]]\napprove='all'\nurl='http://l/'": "site.approve: there is no such setting (did you mean site.conversation.approve?)",
	} {
		if got := faults(t, text, nil); got[0] != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got[0], want)
		}
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	got := faults(t, `
listen = ["8080", "127.0.0.1:http"]
url = "http://talk.example.com/"
data = 7
proxies = ["10.0.0.1/8", "nginx"]
colour = "blue"
[fetch]
allow = "10.0.0.0/8"
[micropub]
lenient_clients = ["quill"]
[indieauth]
require_pkce = "no"
[limits]
queue = 0
fetch_timeout = 10
fetch_bytes = 3
[[site]]
url = 1
language = "fr"
[[site]]
url = "https://ana.example:8443/"
aliases = ["http://ana.example/", "https://b.example/?x"]
author = { name = "Ana", photo = "data:,", email = "Ana <ana@b.example>" }
origin = "ana.example"
[site.publish]
preset = "hexo"
[site.conversation]
approve = "some"
`, nil)
	want := []string{
		`colour: there is no such setting (there are: listen, url, data, proxies, metrics, site, person, signin, mail, fetch, webmention, micropub, indieauth, limits)`,
		`data: it must be a text in quotes`,
		`fetch.allow: it must be a list of texts in quotes`,
		`indieauth.require_pkce: it must be true or false`,
		`limits.fetch_timeout: it must be a time with its unit, such as "10s"`,
		`site.url of site 1: it must be a text in quotes`,
		`listen: "8080" is not host:port (write it like "127.0.0.1:8080")`,
		`listen: "127.0.0.1:http" is not host:port (write it like "127.0.0.1:8080")`,
		`url: "http://talk.example.com/": it must be https, but for localhost (write it like "https://example.com/")`,
		`proxies: "10.0.0.1/8" is an address within the network 10.0.0.0/8: which of them is meant? (write it like "10.1.0.0/16" or "10.1.2.3")`,
		`proxies: "nginx" is not a network or an address (write it like "10.1.0.0/16" or "10.1.2.3")`,
		`micropub.lenient_clients: "quill": its scheme must be https or http (write it like "https://quill.p3k.io/")`,
		`limits.queue: 0 is out of bounds (from 1 to 1073741824)`,
		`limits.fetch_bytes: 3 is out of bounds (from 1024 to 67108864)`,
		`site.language of site 1: "fr" is not known (one of: en, es)`,
		`site.url of site 2: "https://ana.example:8443/": it must not have a port (write it like "https://example.com/")`,
		`site.aliases of site 2: "http://ana.example/": it must be https, but for localhost (write it like "https://example.com/")`,
		`site.aliases of site 2: "https://b.example/?x": it must not have a query (write it like "https://example.com/")`,
		`site.publish.preset of site 2: "hexo" is not known (one of: astro, eleventy, html, hugo, jekyll, none, plain, zola)`,
		`site.conversation.approve of site 2: "some" is not known (one of: all, none, people)`,
		`site.origin of site 2: "ana.example" is not the address of a server (write it like "http://127.0.0.1:8081")`,
		`site.author.photo of site 2: "data:," is not the address of a picture (write it like "/ana.jpg")`,
		`site.author.email of site 2: "Ana <ana@b.example>" is not a mail address (write it like "ana@example.com")`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// Ports and http are for loopback hosts, nowhere else (SPECS D8, D10).
func TestSiteAddress(t *testing.T) {
	for raw, want := range map[string]string{
		"https://example.com":              "https://example.com/",
		"https://Example.COM/ana":          "https://example.com/ana/",
		"https://peña.example/":            "https://xn--pea-8ma.example/",
		"http://localhost:8080":            "http://localhost:8080/",
		"http://ana.localhost:80/":         "http://ana.localhost/",
		"http://127.0.0.1:8080/":           "http://127.0.0.1:8080/",
		"https://[::1]:443":                "https://[::1]/",
		"http://example.com/":              "",
		"https://example.com:443/":         "",
		"https://example.com:8443/":        "",
		"https://example.com/?a=1":         "",
		"https://example.com/?":            "",
		"https://example.com/#a":           "",
		"https://ana@example.com/":         "",
		"https://192.0.2.7/":               "",
		"http://127.0.0.2/":                "",
		"http://localhost.example:8080/":   "",
		"https://example.com/a/../b":       "",
		"ftp://example.com/":               "",
		"example.com":                      "",
		"/":                                "",
		"https:///":                        "",
		"http://localhost:99999/":          "",
		"https://example.com/\\\\evil.org": "",
	} {
		got, err := homeAddress(raw)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", raw, got, err, want)
		}
		if again, err := homeAddress(got); want != "" && (again != got || err != nil) {
			t.Errorf("%q: a second time got %q, %v", raw, again, err)
		}
	}
}

func TestWithoutASiteTheServiceIsOnLocalhostOnly(t *testing.T) {
	for text, want := range map[string]string{
		"listen = ':8080'": "site: others can reach :8080, so a site must be named",
		"listen = ['127.0.0.1:8080', '192.168.1.5:8080']": "site: others can reach 192.168.1.5:8080, so a site must be named",
		"listen = 'ana.example:8080'":                     "site: others can reach ana.example:8080, so a site must be named",
		"url = 'https://talk.example.com/'":               "site: with url the service stands apart",
		"listen = '127.0.0.1:0'":                          "site: with port 0 its address cannot be known",
		"site = 5":                                        "site: it must be a section for each site ([[site]])",
		"site = [1]":                                      "site: it must be a section for each site ([[site]])",
		"fetch = 5":                                       "fetch: it must be a section ([fetch])",
		"[[site]]":                                        "site.url: it is missing",
		"[[site]]\nurl='https://a.example/'\npublish='x'":  "site.publish: it must be a section",
		"[[site]]\nurl='https://a.example/'\nname=['x']":   "site.name: it must be a text in quotes",
		"[[site]]\nurl='https://a.example/'\nbase='/x/'":   "site.base: \"/x/\": its scheme must be https or http",
		"[fetch]\nallow=['::ffff:10.0.0.0/104']":           "fetch.allow: \"::ffff:10.0.0.0/104\" is not a network or an address",
		"[fetch]\nallow=['fe80::1%eth0']":                  "fetch.allow: \"fe80::1%eth0\" is not a network or an address",
		"[[site]]\nurl='https://a.example/'\norigin='a:0'": "site.origin: ",
	} {
		if got := faults(t, text, nil); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q: got %q, want only %q", text, got, want)
		}
	}
}

func TestSitesAreDistinct(t *testing.T) {
	for text, want := range map[string]string{
		"[[site]]\nurl='https://a.example/'\n[[site]]\nurl='https://A.example'":                                       `site.url of site 2: "https://a.example/" is an address of site 1 already (name it once)`,
		"[[site]]\nurl='https://a.example/'\n[[site]]\nurl='https://b.example'\naliases=['https://a.example']":        `site.aliases of site 2: "https://a.example/" is an address of site 1 already (name it once)`,
		"[[site]]\nurl='https://a.example/'\naliases=['https://a.example/']":                                          `site.aliases: "https://a.example/" is an address of site 1 already (name it once)`,
		"[[site]]\nurl='https://a.example/'\nbase='https://b.example/-/'\n[[site]]\nurl='https://b.example/'":         `site.base of site 2: "https://b.example/-/" is the base of site 1 already (each site needs its own)`,
		"[[site]]\nurl='https://a.example/x'\n[[site]]\nurl='https://b.example/'\naliases=['https://A.example/x/']\n": `site.aliases of site 2: "https://a.example/x/" is an address of site 1 already (name it once)`,
	} {
		if diff := cmp.Diff([]string{want}, faults(t, text, nil)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// Channels can stand in an address, and destinations are other sites of the file.
func TestChannelsAndDestinations(t *testing.T) {
	const two = "[[site]]\nurl='https://a.example/'\n%s\n[[site]]\nurl='https://b.example/'\n"
	for text, want := range map[string]string{
		"destinations=['https://c.example/']":                            `site.destinations of site 1: "https://c.example/" is no site of these settings (give it a [[site]] of its own)`,
		"destinations=['']":                                              `site.destinations of site 1: "" is no site of these settings (give it a [[site]] of its own)`,
		"destinations=['https://A.example']":                             `site.destinations of site 1: "https://a.example/" is this site itself (name only others)`,
		"destinations=['https://b.example/','https://B.example']":        `site.destinations of site 1: "https://b.example/" is named twice (name it once)`,
		"[[site.channel]]\nname='Fotos'":                                 `site.channel.uid of site 1: "" cannot stand in an address (small letters, digits and hyphens, like "fotos")`,
		"[[site.channel]]\nuid='../x'":                                   `site.channel.uid of site 1: "../x" cannot stand in an address (small letters, digits and hyphens, like "fotos")`,
		"[[site.channel]]\nuid='Fotos'":                                  `site.channel.uid of site 1: "Fotos" cannot stand in an address (small letters, digits and hyphens, like "fotos")`,
		"[[site.channel]]\nuid='2026'":                                   `site.channel.uid of site 1: "2026" is the archive of a year (write it like "fotos")`,
		"[[site.channel]]\nuid='fotos'\n[[site.channel]]\nuid='fotos'\n": `site.channel.uid of site 1: there is a channel "fotos" already (name it once)`,
	} {
		if diff := cmp.Diff([]string{want}, faults(t, fmt.Sprintf(two, text), nil)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	s := load(t, fmt.Sprintf(two, "destinations=['https://B.example']\n[[site.channel]]\nuid='fotos-1'\n[[site.channel]]\nuid='mar'\nname='El mar'"), nil)
	if diff := cmp.Diff([]string{"https://b.example/"}, s.Sites[0].Destinations); diff != "" {
		t.Errorf("destinations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]channelSettings{{"fotos-1", "fotos-1"}, {"mar", "El mar"}}, s.Sites[0].Channels); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
}

func TestWhereASiteStands(t *testing.T) {
	for _, c := range []struct {
		name, text        string
		key, base, preset string
		serves            bool
	}{
		{"on its own address", "[[site]]\nurl='https://ana.example/'", "ana.example", "https://ana.example/-/", "html", true},
		{"below a path", "[[site]]\nurl='https://ana.example/Blog'", "ana.example/blog", "https://ana.example/Blog/-/", "html", true},
		{"on localhost", "listen='127.0.0.1:9001'", "localhost:9001", "http://localhost:9001/-/", "html", true},
		{"attached by links", "url='https://talk.example'\n[[site]]\nurl='https://ana.example/'", "ana.example", "https://talk.example/ana.example/", "none", false},
		{"attached, with a path", "url='https://h.example/t/'\n[[site]]\nurl='https://ana.example/b/'", "ana.example/b", "https://h.example/t/ana.example/b/", "none", false},
		{"attached, with a port", "url='http://localhost:9000'\n[[site]]\nurl='http://localhost:1313'", "localhost:1313", "http://localhost:9000/localhost:1313/", "none", false},
		{"attached, posts go to a directory", "url='https://talk.example'\n[[site]]\nurl='https://ana.example/'\npublish={dir='/srv'}", "ana.example", "https://talk.example/ana.example/", "html", false},
		{"its pages are here", "url='https://talk.example'\n[[site]]\nurl='https://ana.example/'\nroot='/srv'", "ana.example", "https://talk.example/ana.example/", "html", true},
		{"its base is named", "url='https://talk.example'\n[[site]]\nurl='https://ana.example/'\nbase='https://talk.example:8443/ana'", "ana.example", "https://talk.example:8443/ana/", "none", false},
	} {
		s := load(t, c.text, nil)
		site := s.Sites[0]
		if s.siteKey(site) != c.key || s.base(site) != c.base || site.Publish.Preset != c.preset || s.serves(site) != c.serves {
			t.Errorf("%s: got %s, %s, %s, %v, want %s, %s, %s, %v", c.name,
				s.siteKey(site), s.base(site), site.Publish.Preset, s.serves(site), c.key, c.base, c.preset, c.serves)
		}
	}
}

func TestProxiesAreNetworks(t *testing.T) {
	got := load(t, "proxies = ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8']", nil).proxyPrefixes()
	var words []string
	for _, p := range got {
		words = append(words, p.String())
	}
	if diff := cmp.Diff([]string{"127.0.0.1/32", "10.0.0.0/8", "::1/128", "fd00::/8"}, words); diff != "" {
		t.Errorf("proxies (-want +got):\n%s", diff)
	}
	if !got[0].Contains(netip.MustParseAddr("127.0.0.1")) {
		t.Error("a single address does not contain itself")
	}
}

// Conversations are written into the source of a site, and nowhere else.
func TestDataGoesIntoTheSource(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"preset = 'hugo'\ndir = '" + dir + "'\n[site.conversation]\ndata = 'usual'":     "data/conversation",
		"preset = 'jekyll'\ndir = '" + dir + "'\n[site.conversation]\ndata = 'usual'":   "_data/conversation",
		"preset = 'astro'\ndir = '" + dir + "'\n[site.conversation]\ndata = 'a/b/'":     "a/b",
		"preset = 'hugo'\ndir = '" + dir + "'":                                          "",
		"preset = 'hugo'\ndir = '" + dir + "'\n[site.conversation]\ndata = '../out'":    "!is no directory in the source",
		"preset = 'hugo'\ndir = '" + dir + "'\n[site.conversation]\ndata = 'a/.git/b'":  "!is no directory in the source",
		"preset = 'hugo'\ndir = '" + dir + "'\n[site.conversation]\ndata = '/etc/data'": "!is no directory in the source",
		"preset = 'none'\n[site.conversation]\ndata = 'usual'":                          "!there is no source of a site",
	} {
		set, err := loadSettings(globals{Config: write(t, "[[site]]\nurl = 'https://example.com/'\n[site.publish]\n"+text)}, environ(nil))
		wrong, fails := strings.CutPrefix(want, "!")
		switch {
		case fails && (err == nil || !strings.Contains(err.Error(), wrong)):
			t.Errorf("%s: got %v, want %q", text, err, wrong)
		case !fails && (err != nil || set.Sites[0].dataDir() != want):
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
