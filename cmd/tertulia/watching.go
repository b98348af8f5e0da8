package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"tertulia/internal/site"
)

// silos are hosts whose pages take no Webmentions, and will not.
var silos = []string{
	"amazon.com", "apple.com", "bsky.app", "facebook.com", "google.com", "goo.gl", "instagram.com", "linkedin.com",
	"netflix.com", "pinterest.com", "reddit.com", "snapchat.com", "spotify.com", "t.co", "threads.net", "tiktok.com",
	"twitch.tv", "twitter.com", "whatsapp.com", "wikipedia.org", "x.com", "youtu.be", "youtube.com",
}

// never makes the names of hosts alike, and notes those that are none.
func (l *loader) never() {
	for i, name := range l.set.Webmention.Never {
		host := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "www."), "."))
		if u, err := url.Parse("https://" + host + "/"); err != nil || u.Hostname() != host || host == "" {
			l.wrong("webmention.never", fmt.Sprintf("%q is no host", name), `write it like "example.net"`)
		}
		l.set.Webmention.Never[i] = host
	}
}

// watching completes and checks where the site's pages are listed, and who is told.
func (l *loader) watching(one *siteSettings, where string) {
	w := &one.Watch
	own := one.Publish.Preset == "html" && one.Root == "" && one.Publish.Dir == ""
	if one.watches() && own {
		l.wrong("site.watch.on"+where, "this service writes every page of the site itself", "there is nothing to find")
	}
	for name, address := range map[string]*string{"feed": &w.Feed, "sitemap": &w.Sitemap} {
		if *address == "" {
			continue
		}
		home, err := url.Parse(one.URL)
		if err != nil {
			return // noted elsewhere
		}
		u, err := home.Parse(*address)
		if err != nil || u.Scheme != home.Scheme || u.Host != home.Host {
			l.wrong("site.watch."+name+where, fmt.Sprintf("%q is no page of the site", *address), `write it like "/feed.xml"`)
			continue
		}
		*address = u.String()
	}
	if every := w.Every.Duration(); every != 0 && every < time.Minute {
		l.wrong("site.watch.every"+where, "it is less than a minute", `write it like "30m"`)
	}
	if one.Hub == "" {
		return
	}
	u, err := url.Parse(one.Hub)
	if err != nil || u.Host == "" || u.Scheme != "https" && !isLoopback(u.Hostname()) {
		l.wrong("site.hub"+where, fmt.Sprintf("%q is no address of a hub", one.Hub), `write it like "https://websubhub.com/hub"`)
	}
	if one.Publish.Preset != "html" && !one.watches() {
		l.wrong("site.hub"+where, "there is no feed that is known to change", "[site.watch] feed says where it is")
	}
}

// watches says whether the lists of a site's pages are looked through.
func (one siteSettings) watches() bool {
	if one.Watch.On != nil {
		return *one.Watch.On
	}
	return one.Publish.Preset == "none" || one.Watch.Feed != "" || one.Watch.Sitemap != ""
}

// watch is where the pages of a site are found that are written by hand; nil: nowhere.
func (one siteSettings) watch() *site.Watch {
	if !one.watches() {
		return nil
	}
	return &site.Watch{Feed: one.Watch.Feed, Sitemap: one.Watch.Sitemap, Every: one.Watch.Every.Duration()}
}
