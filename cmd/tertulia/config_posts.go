package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
)

// channels completes and checks the channels of a site. Their names stand beside those of
// the archive, which are years.
func (l *loader) channels(channels []channelSettings, where string) {
	seen := map[string]bool{}
	for i := range channels {
		c := &channels[i]
		switch {
		case !channelUID.MatchString(c.UID) || len(c.UID) > 60:
			l.wrong("site.channel.uid"+where, fmt.Sprintf("%q cannot stand in an address", c.UID), `small letters, digits and hyphens, like "fotos"`)
		case isYear.MatchString(c.UID):
			l.wrong("site.channel.uid"+where, fmt.Sprintf("%q is the archive of a year", c.UID), `write it like "fotos"`)
		case seen[c.UID]:
			l.wrong("site.channel.uid"+where, fmt.Sprintf("there is a channel %q already", c.UID), "name it once")
		}
		seen[c.UID] = true
		c.Name = cmp.Or(c.Name, c.UID)
	}
}

var (
	channelUID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	isYear     = regexp.MustCompile(`^\d{4}$`)
)

// destinations checks which other sites a site's editors may post to.
func (l *loader) destinations(site *siteSettings, where string) {
	seen := map[string]bool{place(site.URL): true}
	for i := range site.Destinations {
		d := &site.Destinations[i]
		l.address("site.destinations"+where, d, homeAddress)
		other := slices.IndexFunc(l.set.Sites, func(s siteSettings) bool { return place(s.URL) == place(*d) })
		switch {
		case *d == "" || other < 0:
			l.wrong("site.destinations"+where, fmt.Sprintf("%q is no site of these settings", *d), "give it a [[site]] of its own")
		case place(*d) == place(site.URL):
			l.wrong("site.destinations"+where, fmt.Sprintf("%q is this site itself", *d), "name only others")
		case seen[place(*d)]:
			l.wrong("site.destinations"+where, fmt.Sprintf("%q is named twice", *d), "name it once")
		default:
			*d = l.set.Sites[other].URL
		}
		seen[place(*d)] = true
	}
}
