package main

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"tertulia/indieauth"
)

// check completes the settings and notes everything that is wrong with them.
func (l *loader) check() {
	s := l.set
	if len(s.Listen) == 0 {
		s.Listen, s.listenDefault = addresses{"127.0.0.1:8080", "[::1]:8080"}, true
	}
	for _, address := range s.Listen {
		if _, _, err := splitAddress(address); err != nil {
			l.wrong("listen", fmt.Sprintf("%q %v", address, err), `write it like "127.0.0.1:8080"`)
		}
	}
	if s.Data == "" {
		l.wrong("data", "it is empty", `write it like "/var/lib/tertulia"`)
	}
	l.address("url", &s.URL, endpointAddress)
	l.networks("proxies", s.Proxies)
	l.networks("metrics", s.Metrics)
	l.networks("fetch.allow", s.Fetch.Allow)
	for i := range s.Micropub.LenientClients {
		id, err := indieauth.CheckClientID(s.Micropub.LenientClients[i])
		if err != nil {
			l.wrong("micropub.lenient_clients", fmt.Sprintf("%q: %v", s.Micropub.LenientClients[i], bare(err)), `write it like "https://quill.p3k.io/"`)
			continue
		}
		s.Micropub.LenientClients[i] = id
	}
	l.never()
	l.limits()
	l.mail()
	if len(s.Sites) == 0 {
		l.firstSite()
		l.people()
		l.signin()
		return
	}
	for i := range s.Sites {
		l.site(&s.Sites[i], which(i, len(s.Sites)))
	}
	l.distinct()
	for i := range s.Sites {
		l.destinations(&s.Sites[i], which(i, len(s.Sites)))
	}
	l.people()
	l.signin()
}

// firstSite makes up the site of the first run, on localhost whatever the loopback
// address is.
func (l *loader) firstSite() {
	s := l.set
	hint := `add [[site]] with url = "https://example.com/"`
	for _, address := range s.Listen {
		if host, _, err := splitAddress(address); err == nil && !isLoopback(host) {
			l.wrong("site", fmt.Sprintf("others can reach %s, so a site must be named", address), hint)
			return
		}
	}
	if s.URL != "" {
		l.wrong("site", "with url the service stands apart from its sites, so they must be named", hint)
		return
	}
	_, port, err := splitAddress(s.Listen[0])
	if err != nil {
		return // noted above
	}
	if port == 0 {
		l.wrong("site", "with port 0 its address cannot be known", hint)
		return
	}
	site := siteSettings{URL: fmt.Sprintf("http://localhost:%d/", port)}
	if lang, _ := l.env("LANG"); strings.HasPrefix(lang, "es") {
		site.Language = "es"
	}
	s.Sites = []siteSettings{site}
	l.site(&s.Sites[0], "")
}

// site completes and checks one site.
func (l *loader) site(site *siteSettings, where string) {
	if site.URL == "" {
		l.wrong("site.url"+where, "it is missing", `write it like "https://example.com/"`)
	}
	l.address("site.url"+where, &site.URL, homeAddress)
	for i := range site.Aliases {
		l.address("site.aliases"+where, &site.Aliases[i], homeAddress)
	}
	l.address("site.base"+where, &site.Base, endpointAddress)
	l.choice("site.language"+where, &site.Language, "en", "es")
	l.elsewhere(&site.IndieAuth, where)
	l.front(site, where)
	l.publishing(site, where)
	l.channels(site.Channels, where)
	l.watching(site, where)
	l.choice("site.conversation.approve"+where, &site.Conversation.Approve, "people", "all", "none")
	l.words(site.Conversation, where)
	l.choice("site.conversation.bridged"+where, &site.Conversation.Bridged, "first-name", "full", "anonymous")
	l.data(site, where)
	l.notify(&site.Notify, where)
	l.syndication(site, where)
	if !isOrigin(site.Origin) {
		l.wrong("site.origin"+where, fmt.Sprintf("%q is not the address of a server", site.Origin), `write it like "http://127.0.0.1:8081"`)
	}
	home, err := url.Parse(site.URL)
	if err != nil {
		return // noted above
	}
	if a := &site.Author; a.Photo != "" {
		photo, err := home.Parse(a.Photo)
		if err != nil || photo.Scheme != "https" && photo.Scheme != "http" || photo.Host == "" {
			l.wrong("site.author.photo"+where, fmt.Sprintf("%q is not the address of a picture", a.Photo), `write it like "/ana.jpg"`)
		} else {
			a.Photo = photo.String()
		}
	}
	if email := site.Author.Email; email != "" && !isMail(email) {
		l.wrong("site.author.email"+where, fmt.Sprintf("%q is not a mail address", email), `write it like "ana@example.com"`)
	}
	if ask := site.Conversation.Contact; ask != "" && !isMail(ask) && !isWeb(ask) {
		l.wrong("site.conversation.contact"+where, fmt.Sprintf("%q is neither a mail address nor that of a page", ask), `write it like "ana@example.com" or "https://example.com/about"`)
	}
}

// distinct notes sites that would be one and the same, by their addresses or by
// those of their endpoints.
func (l *loader) distinct() {
	homes, bases := map[string]int{}, map[string]int{}
	for i, site := range l.set.Sites {
		where := which(i, len(l.set.Sites))
		for j, address := range append([]string{site.URL}, site.Aliases...) {
			key := "site.url"
			if j > 0 {
				key = "site.aliases"
			}
			if other, taken := homes[place(address)]; taken && address != "" {
				l.wrong(key+where, fmt.Sprintf("%q is an address of site %d already", address, other+1), "name it once")
			}
			homes[place(address)] = i
		}
		base := l.set.base(site)
		if other, taken := bases[base]; taken && place(l.set.Sites[other].URL) != place(site.URL) {
			l.wrong("site.base"+where, fmt.Sprintf("%q is the base of site %d already", base, other+1), "each site needs its own")
		}
		bases[base] = i
	}
}

// limits notes numbers with which nothing would work.
func (l *loader) limits() {
	n := l.set.Limits
	const most = 1 << 30
	for name, field := range fields(reflect.ValueOf(&n).Elem()) {
		number, least, largest, unit := field.Int(), int64(1), int64(most), ""
		switch name {
		case "fetch_timeout":
			number, least, largest, unit = int64(n.FetchTimeout.Duration()/time.Second), 1, 300, " seconds"
		case "fetch_bytes":
			least, largest = 1<<10, 64<<20
		case "upload_mb":
			largest = 1 << 14
		case "uploads_mb":
			least = 0
		}
		if number < least || number > largest {
			l.wrong("limits."+name, fmt.Sprintf("%d%s is out of bounds", number, unit), fmt.Sprintf("from %d to %d", least, largest))
		}
	}
}

// choice sets what is empty to the first of some words, and notes one that is none
// of them.
func (l *loader) choice(key string, word *string, words ...string) {
	if *word == "" {
		*word = words[0]
	}
	if !slices.Contains(words, *word) {
		slices.Sort(words)
		words = slices.Compact(words)
		l.wrong(key, fmt.Sprintf("%q is not known", *word), "one of: "+strings.Join(words, ", "))
	}
}

func (l *loader) networks(key string, words []string) {
	for _, word := range words {
		if _, err := parsePrefix(word); err != nil {
			l.wrong(key, fmt.Sprintf("%q %v", word, err), `write it like "10.1.0.0/16" or "10.1.2.3"`)
		}
	}
}

// parsePrefix reads a network, or an address as the network of itself.
func parsePrefix(word string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(word); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(word)
	switch {
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, errors.New("is not a network or an address")
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("is an address within the network %s: which of them is meant?", p.Masked())
	}
	return p, nil
}

// splitAddress reads host:port. An empty host is every address of the machine.
func splitAddress(address string) (host string, port uint64, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.ParseUint(digits, 10, 16)
	}
	if err != nil || strings.ContainsAny(host, " /") {
		return "", 0, errors.New("is not host:port")
	}
	return host, port, nil
}

// address replaces an address by its canonical form, or notes what is wrong with it.
func (l *loader) address(key string, address *string, canonical func(string) (string, error)) {
	if *address == "" {
		return
	}
	found, err := canonical(*address)
	if err != nil {
		l.wrong(key, fmt.Sprintf("%q: %v", *address, err), `write it like "https://example.com/"`)
		return
	}
	*address = found
}

// homeAddress checks the address of a site, which is its owner's profile URL too.
// On loopback hosts, and there alone, it may have a port and be http (SPECS D10).
func homeAddress(raw string) (string, error) {
	me, err := indieauth.CheckProfileURL(raw)
	if err != nil {
		return "", bare(err)
	}
	return endpointAddress(me)
}

// endpointAddress checks an address below which endpoints can lie: an issuer.
// Spec: indieauth#issuer-identifier-p-1
func endpointAddress(raw string) (string, error) {
	plain, err := indieauth.CheckClientID(raw)
	if err != nil {
		return "", bare(err)
	}
	u, err := url.Parse(plain)
	switch {
	case err != nil:
		return "", errors.New("it is not a URL")
	case u.RawQuery != "" || u.ForceQuery:
		return "", errors.New("it must not have a query")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		// http issuers are for loopback hosts only (SPECS D8).
		return "", errors.New("it must be https, but for localhost")
	case u.Scheme == "http" && u.Port() == "80", u.Scheme == "https" && u.Port() == "443":
		u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	return u.JoinPath("/").String(), nil
}

// isOrigin tells whether a setting names a server, as a URL without a path or as
// host:port.
func isOrigin(origin string) bool {
	if _, port, err := splitAddress(origin); origin == "" || err == nil && port > 0 {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}

// bare is what an identifier's check found, without the name it gives it.
func bare(err error) error {
	_, what, _ := strings.Cut(err.Error(), ": ")
	return errors.New(what)
}

func isMail(address string) bool {
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Address == address
}

func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}
