package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"tertulia/internal/fetch"
	"tertulia/internal/site"
	"tertulia/internal/syndicate"
)

// outlet is what there is to know about a kind of network.
type outlet struct {
	name   string // as people call it
	server string // where it is when the settings do not say; "": they have to
	way    string // how it is connected
	user   bool   // the settings have to say whose account it is
}

// outlets are the networks that let us in.
var outlets = map[string]outlet{
	"mastodon":  {name: "Mastodon", way: site.WayOAuth},
	"bluesky":   {name: "Bluesky", server: "https://bsky.social", way: site.WaySecret, user: true},
	"micropub":  {name: "Micropub", server: "https://micro.blog/micropub", way: site.WaySecret},
	"indienews": {name: "IndieNews", server: "https://news.indieweb.org/"},
	"telegram":  {name: "Telegram", server: "https://api.telegram.org", way: site.WaySecret, user: true},
}

// byHand are the names of the networks that do not.
var byHand = map[string]string{
	"x": "X", "threads": "Threads", "facebook": "Facebook", "linkedin": "LinkedIn", "pinterest": "Pinterest",
	"instagram": "Instagram", "youtube": "YouTube", "foursquare": "Foursquare",
}

// syndication checks the accounts of a site.
func (l *loader) syndication(one *siteSettings, where string) {
	seen := map[string]bool{}
	for i := range one.Syndicate {
		n := &one.Syndicate[i]
		l.copies(one, n, nth("account", i, len(one.Syndicate))+where)
		if uid := n.uid(); seen[uid] {
			l.wrong("site.syndicate"+where, fmt.Sprintf("%q is there twice", uid), "user tells accounts at one server apart")
		} else {
			seen[uid] = true
		}
	}
}

var accountName = regexp.MustCompile(`^@?[\pL\pN_.:-]+$`)

// copies checks one of them.
func (l *loader) copies(one *siteSettings, n *syndicateSettings, where string) {
	kind, known := outlets[n.Kind]
	switch {
	case n.Kind == "":
		l.wrong("site.syndicate.kind"+where, "it is missing", "such as \"mastodon\"")
		return
	case !known && byHand[n.Kind] == "":
		l.choice("site.syndicate.kind"+where, &n.Kind, slices.Concat(keysOf(outlets), keysOf(byHand))...)
		return
	}
	if !known && (n.Server != "" || n.TokenFile != "") {
		l.wrong("site.syndicate.kind"+where, fmt.Sprintf("%s lets no program in", byHand[n.Kind]), "leave server and token_file out: texts are prepared for it")
		return
	}
	n.User = strings.TrimPrefix(n.User, "@")
	if u, err := url.Parse(n.Server); err == nil && u.Host != "" {
		n.User = strings.TrimSuffix(n.User, "@"+u.Host)
	}
	if n.Server = cmp.Or(n.Server, kind.server); n.Kind == "indienews" && n.Server == kind.server {
		n.Server += cmp.Or(one.Language, "en")
	}
	switch u, err := url.Parse(n.Server); {
	case !known:
	case err != nil || serverAddress(n.Server) != nil || n.Kind == "mastodon" && (strings.Trim(u.Path, "/") != "" || u.RawQuery != ""):
		l.wrong("site.syndicate.server"+where, fmt.Sprintf("%q is not the address of a server", n.Server), `write it like "https://mastodon.example"`)
	case kind.user && n.User == "":
		l.wrong("site.syndicate.user"+where, "it is missing", "the account, as the network has it")
	case n.User != "" && !accountName.MatchString(n.User):
		l.wrong("site.syndicate.user"+where, fmt.Sprintf("%q is not the name of an account", n.User), `write it like "ana"`)
	case kind.way == "" && n.TokenFile != "":
		l.wrong("site.syndicate.token_file"+where, kind.name+" knows no tokens", "leave it out")
	}
	for _, k := range n.Default {
		if !slices.Contains(site.CopyKinds(), k) {
			l.wrong("site.syndicate.default"+where, fmt.Sprintf("%q is no kind of post", k), "one of: "+strings.Join(site.CopyKinds(), ", "))
		}
	}
}

// keysOf are the keys of a table in order.
func keysOf[T any](table map[string]T) (keys []string) {
	for k := range table {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// uid is what editors, the store and commands call the account. It follows from what the settings
// say of whose it is, and from nothing else: a name can be changed.
func (n syndicateSettings) uid() string {
	u, err := url.Parse(n.Server)
	switch {
	case byHand[n.Kind] != "" && n.User == "":
		return n.Kind
	case byHand[n.Kind] != "" || n.Kind == "telegram" || n.Kind == "bluesky" || err != nil:
		return n.Kind + ":" + n.User
	case n.Kind == "indienews":
		return n.Kind + ":" + u.Host + strings.TrimSuffix(u.Path, "/")
	case n.User != "":
		return n.Kind + ":" + n.User + "@" + u.Host
	}
	return n.Kind + ":" + u.Host
}

// account is the account as the site knows it.
func (n syndicateSettings) account(one siteSettings, own *http.Client) *site.Account {
	a := &site.Account{UID: n.uid(), Kind: n.Kind, User: n.User, Default: n.Default, Network: n.Server}
	if name, ok := byHand[n.Kind]; ok {
		a.Service, a.ByHand, a.Name = name, true, cmp.Or(n.Name, name)
		return a
	}
	kind := outlets[n.Kind]
	u, err := url.Parse(n.Server)
	if err != nil {
		panic("the server was checked with the settings: " + err.Error())
	}
	a.Service, a.Way = kind.name, kind.way
	a.Name = cmp.Or(n.Name, fmt.Sprintf("%s (%s)", kind.name, cmp.Or(n.User, u.Host)))
	if n.TokenFile != "" {
		a.Secret = func() (string, error) {
			text, err := os.ReadFile(n.TokenFile)
			return strings.TrimSpace(string(text)), err
		}
	}
	if n.Kind == "mastodon" {
		a.OAuth = &site.MastodonOAuth{Server: u, Website: one.URL, HTTP: own}
	}
	a.Open = func(secret string, kept site.Keeping) syndicate.Target { return n.open(own, secret, kept) }
	return a
}

// open makes the target.
func (n syndicateSettings) open(own *http.Client, secret string, kept site.Keeping) syndicate.Target {
	switch n.Kind {
	case "bluesky":
		return &syndicate.Bluesky{Client: own, Server: strings.TrimSuffix(n.Server, "/"), Account: n.User, Password: secret, Keep: kept}
	case "mastodon":
		return &syndicate.Mastodon{Client: own, Server: strings.TrimSuffix(n.Server, "/"), Token: secret}
	case "micropub":
		return &syndicate.Micropub{Client: own, Endpoint: n.Server, Token: secret}
	case "telegram":
		return &syndicate.Telegram{Client: own, Server: strings.TrimSuffix(n.Server, "/"), Token: secret, Channel: channelName(n.User)}
	}
	return &syndicate.IndieNews{Client: own, List: n.Server}
}

// channelName is how Telegram wants a channel named: private ones have numbers.
func channelName(user string) string {
	if strings.HasPrefix(user, "-") {
		return user
	}
	return "@" + user
}

// accounts are those of a site.
func (one siteSettings) accounts(own *http.Client) (all []*site.Account) {
	for _, n := range one.Syndicate {
		all = append(all, n.account(one, own))
	}
	return all
}

// copyHosts are the host:ports that copies go to.
func (one siteSettings) copyHosts() (hosts []string) {
	for _, n := range one.Syndicate {
		if u, err := url.Parse(n.Server); err == nil && u.Host != "" {
			hosts = append(hosts, fetch.HostPort(u))
		}
	}
	return hosts
}
