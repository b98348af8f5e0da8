package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
)

// A site that is attached by links alone is watched, one whose every page is ours is not.
func TestWhichSitesAreWatched(t *testing.T) {
	const away = "url = 'https://talk.example/'\n[[site]]\nurl = 'https://a.example/'\n"
	half := func(w site.Watch) *site.Watch { w.Every = 0; return &w }
	for text, want := range map[string]*site.Watch{
		"":                                     nil,
		away:                                   half(site.Watch{}),
		away + "[site.watch]\non = false":      nil,
		away + "[site.watch]\nevery = '2h'":    {Every: 2 * time.Hour},
		away + "[site.watch]\nfeed = '/x.xml'": half(site.Watch{Feed: "https://a.example/x.xml"}),
		"[[site]]\nurl = 'https://a.example/'\nroot = '/srv/a'":                                         nil,
		"[[site]]\nurl = 'https://a.example/'\nroot = '/srv/a'\n[site.watch]\nsitemap = '/sitemap.xml'": half(site.Watch{Sitemap: "https://a.example/sitemap.xml"}),
	} {
		if d := cmp.Diff(want, load(t, text, nil).Sites[0].watch()); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

func TestSettingsOfSendingAreChecked(t *testing.T) {
	const away = "url = 'https://talk.example/'\n[[site]]\nurl = 'https://a.example/'\n"
	for text, want := range map[string]string{
		"[[site]]\nurl = 'https://a.example/'\n[site.watch]\non = true": "site.watch.on: this service writes every page of the site itself (there is nothing to find)",
		away + "[site.watch]\nfeed = 'https://b.example/feed'":          `site.watch.feed: "https://b.example/feed" is no page of the site (write it like "/feed.xml")`,
		away + "[site.watch]\nevery = '1s'":                             `site.watch.every: it is less than a minute (write it like "30m")`,
		away + "hub = 'http://hub.example/'":                            `site.hub: "http://hub.example/" is no address of a hub (write it like "https://websubhub.com/hub")`,
		away + "hub = 'https://hub.example/'\n[site.watch]\non = false": `site.hub: there is no feed that is known to change ([site.watch] feed says where it is)`,
		"[webmention]\nnever = ['a b']":                                 `webmention.never: "a b" is no host (write it like "example.net")`,
	} {
		if got := faults(t, text, nil); len(got) != 1 || got[0] != want {
			t.Errorf("%q:\n got %q\nwant %s", text, got, want)
		}
	}
	if d := cmp.Diff([]string{"x.example", "y.example"}, load(t, "[webmention]\nnever = ['www.X.example', 'y.example.']", nil).Webmention.Never); d != "" {
		t.Errorf("hosts (-want +got):\n%s", d)
	}
}
