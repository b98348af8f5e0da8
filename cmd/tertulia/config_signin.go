package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"tertulia/internal/site"
)

// signin checks the networks with whose accounts people sign in.
func (l *loader) signin() {
	for i := range l.set.SignIn {
		l.network(&l.set.SignIn[i], nth("signin", i, len(l.set.SignIn)))
	}
	for _, one := range l.set.Sites {
		seen := map[string]bool{}
		for _, n := range l.set.SignIn {
			if u, err := url.Parse(n.Server); err == nil && n.at(one) {
				if key := n.Kind + " " + strings.ToLower(u.Host); seen[key] {
					l.wrong("signin", fmt.Sprintf("%s has %s twice", one.URL, strings.TrimSpace(key)), "sites tells for which of them each is")
				} else {
					seen[key] = true
				}
			}
		}
	}
}

// network checks one of them.
func (l *loader) network(n *signinSettings, where string) {
	if n.Kind == "" {
		l.wrong("signin.kind"+where, "it is missing", "one of: github, mastodon")
	} else {
		l.choice("signin.kind"+where, &n.Kind, "github", "mastodon")
	}
	switch u, err := url.Parse(n.Server); {
	case n.Kind == "github" && n.Server != "":
		l.wrong("signin.server"+where, "GitHub has but one", "leave it out")
	case n.Kind == "mastodon" && (err != nil || serverAddress(n.Server) != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != ""):
		l.wrong("signin.server"+where, fmt.Sprintf("%q is not the address of a server", n.Server), `write it like "https://mastodon.example"`)
	}
	if n.ClientID == "" {
		l.wrong("signin.client_id"+where, "it is missing", "the network gives it to you for an application of yours")
	}
	if n.SecretFile == "" {
		l.wrong("signin.client_secret_file"+where, "it is missing", "the network shows the secret once: keep it in a file")
	}
	l.address("signin.me"+where, &n.Me, homeAddress)
	switch {
	case n.Me != "" && n.User == "":
		l.wrong("signin.user"+where, "it is missing: me says whose account it is", "write it as the network has it, or leave both out")
	case n.Me == "" && n.User != "" && len(l.set.People) > 0:
		l.wrong("signin.me"+where, fmt.Sprintf("it is missing: whose account is %q?", n.User), "write the address of that person")
	case n.Me != "" && !l.keeps(n.Me):
		l.wrong("signin.me"+where, fmt.Sprintf("%q looks after none of your sites", n.Me), "write it as url or person.me has it")
	}
	for j := range n.Sites {
		l.address("signin.sites"+where, &n.Sites[j], homeAddress)
		if !slices.ContainsFunc(l.set.Sites, func(s siteSettings) bool { return s.URL == n.Sites[j] }) {
			l.wrong("signin.sites"+where, fmt.Sprintf("%q is none of your sites", n.Sites[j]), "write it as url has it")
		}
	}
}

// keeps tells whether somebody looks after one of the sites.
func (l *loader) keeps(me string) bool {
	return slices.ContainsFunc(l.set.People, func(p personSettings) bool { return p.Me == me }) ||
		slices.ContainsFunc(l.set.Sites, func(s siteSettings) bool { return s.URL == me })
}

// at tells whether it is for a site.
func (n signinSettings) at(s siteSettings) bool {
	return len(n.Sites) == 0 || slices.Contains(n.Sites, s.URL)
}

// provider is the network. Its secret is read when it is needed, so that a new one counts
// at once.
func (n signinSettings) provider() *site.Provider {
	p := site.GitHub(n.ClientID)
	if n.Kind == "mastodon" {
		u, err := url.Parse(n.Server)
		if err != nil {
			panic("the server was checked with the settings: " + err.Error())
		}
		p = site.Mastodon(u, n.ClientID)
	}
	p.User, p.Whose = n.User, n.Me
	p.Secret = func() (string, error) {
		text, err := os.ReadFile(n.SecretFile)
		return strings.TrimSpace(string(text)), err
	}
	return p
}

// providers are the networks of a site.
func (s *settings) providers(one siteSettings, own *http.Client, log *slog.Logger) (all []*site.Provider) {
	for _, n := range s.SignIn {
		if n.at(one) {
			p := n.provider()
			p.HTTP, p.Log = own, log
			all = append(all, p)
		}
	}
	return all
}
