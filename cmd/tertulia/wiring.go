package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"

	"tertulia/internal/fetch"
	"tertulia/internal/publish"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
	"tertulia/webmention"
)

// newSite makes a site from its settings.
func newSite(set *settings, one siteSettings, to clients, log *slog.Logger) (*site.Site, error) {
	home, err := url.Parse(one.URL)
	if err != nil {
		return nil, fmt.Errorf("site %s: %w", one.URL, err)
	}
	s := &site.Site{
		Key: set.siteKey(one), URL: home, Base: set.base(one), Language: one.Language, Words: one.Conversation.words(),
		Name: one.Name, Keepers: set.keepers(one), Approve: site.Approval(one.Conversation.Approve), TakesComments: one.Conversation.Comments, Bridged: site.Bridged(one.Conversation.Bridged),
		Contact: one.Conversation.Contact, Lenient: set.Micropub.LenientClients,
	}
	s.Elsewhere = newElsewhere(one, to.own, log)
	if set.Mail.Server != "" {
		s.Tell = one.Notify.telling(one.Author)
	}
	for _, alias := range one.Aliases {
		u, err := url.Parse(alias)
		if err != nil {
			return nil, fmt.Errorf("alias %s: %w", alias, err)
		}
		s.Aliases = append(s.Aliases, u)
	}
	if s.Name == "" {
		s.Name = home.Host
	}
	s.Author = card(one.Author, s)
	for _, c := range one.Channels {
		s.Channels = append(s.Channels, micropub.Channel{UID: c.UID, Name: c.Name})
	}
	s.Accounts = one.accounts(to.own)
	s.Uploads, s.Hub, s.Watch = set.mediaDir(s.Key), one.Hub, one.watch()
	if one.Publish.generates() {
		if set.serves(one) {
			s.Root = cmp.Or(one.Root, set.outputDir(one))
		}
		return s, attachSource(set, one, s, to.own, log)
	}
	dir := cmp.Or(one.Publish.Dir, one.Root, filepath.Join(set.Data, "site", store.DirName(s.Key)))
	if set.serves(one) {
		s.Root = cmp.Or(one.Root, dir)
	}
	if one.Publish.Preset == "html" {
		l := s.Speaks(one.Language)
		css, _ := theme.Stylesheet()
		s.Dir = dir
		pages := &publish.HTML{Dir: dir, Style: css, T: l.T, N: l.N, Date: l.Date, Day: l.Day, Month: l.Month}
		s.Publish = pages
		if (s.Root == dir || one.Upstream != "") && sameOrigin(s.Base, home) {
			s.Render = pages.Page
		}
	}
	return s, nil
}

// sameOrigin tells whether a session of the owner's at the base of a site is one at its
// pages as well: browsers send a cookie to the host that has set it.
func sameOrigin(base string, home *url.URL) bool {
	u, err := url.Parse(base)
	return err == nil && u.Scheme == home.Scheme && u.Host == home.Host
}

// card is the owner's h-card.
func card(a authorSettings, s *site.Site) mf2.Item {
	item := mf2.Item{Type: []string{"h-card"}, Properties: map[string][]any{"url": {s.Me()}, "uid": {s.Me()}}}
	add := func(name, value string) {
		if value != "" {
			item.Properties[name] = []any{value}
		}
	}
	add("name", a.Name)
	if a.Name == "" {
		add("name", s.Name)
	}
	add("photo", a.Photo)
	add("note", a.Note)
	return item
}

// strangers are the limits of the client that goes where outsiders point.
func (s *settings) strangers(log *slog.Logger) fetch.Options {
	return fetch.Options{
		Allow: s.allow(), Timeout: s.Limits.FetchTimeout.Duration(), MaxBody: int64(s.Limits.FetchBytes),
		UserAgent: webmention.DefaultUserAgent, Log: log,
	}
}

// owner are the limits of the client that goes where the settings point.
func (s *settings) owner(log *slog.Logger) fetch.Options {
	o := fetch.Options{MaxBody: 8 << 20, UserAgent: webmention.DefaultUserAgent, Log: log, Origin: map[string]string{}}
	for _, one := range s.Sites {
		if u, err := url.Parse(one.URL); err == nil && one.Origin != "" {
			o.Origin[fetch.HostPort(u)] = one.Origin
		}
	}
	return o
}

// ownHosts are the host:ports of the sites and their aliases, and of what the settings name
// besides.
func (s *settings) ownHosts() []string {
	var hosts []string
	for _, one := range s.Sites {
		for _, address := range append([]string{one.URL}, one.Aliases...) {
			if u, err := url.Parse(address); err == nil {
				hosts = append(hosts, fetch.HostPort(u))
			}
		}
		for _, address := range append(one.IndieAuth.all(), one.Publish.Hook, one.Hub) {
			if u, err := url.Parse(address); err == nil && u.Host != "" {
				hosts = append(hosts, fetch.HostPort(u))
			}
		}
	}
	for _, one := range s.Sites {
		hosts = append(hosts, one.copyHosts()...)
	}
	for _, n := range s.SignIn {
		for _, address := range n.provider().Hosts() {
			if u, err := url.Parse(address); err == nil {
				hosts = append(hosts, fetch.HostPort(u))
			}
		}
	}
	return hosts
}

func (s *settings) mediaDir(key string) string { return store.MediaDir(s.Data, key) }
