package site

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tertulia/store"
)

// sameSaid tells whether a source says what another service had read there. Two programs
// write the same text with other spaces and other markup, and that is nothing that the owner
// need be asked about; other words are, and links to hosts that there were none to.
func sameSaid(imported, v store.Version) bool {
	if !imported.Imported || !sameAuthor(imported, v) {
		return false
	}
	was, is := letters(imported.Text), letters(v.Text)
	if is != "" && !strings.HasPrefix(was, is) { // ours may be cut off earlier
		return false
	}
	if v.Name != "" && letters(v.Name) != letters(imported.Name) && !strings.HasPrefix(was, letters(v.Name)) {
		return false
	}
	known := linkedHosts(imported.HTML + " " + imported.Text)
	return !slices.ContainsFunc(linkedHosts(v.HTML), func(host string) bool { return !slices.Contains(known, host) })
}

// sameAuthor tells whether readers would take two authors for one.
func sameAuthor(imported, v store.Version) bool {
	a, err := url.Parse(imported.Author.URL)
	b, worse := url.Parse(v.Author.URL)
	if err != nil || worse != nil {
		return false
	}
	if imported.Author.URL != "" && v.Author.URL != "" {
		return profileID(a) == profileID(b)
	}
	return imported.Author.Name == v.Author.Name && v.Author.URL == ""
}

var linkedHost = regexp.MustCompile(`https?://([^/"'\s<>?#]+)`)

func linkedHosts(text string) (hosts []string) {
	for _, m := range linkedHost.FindAllStringSubmatch(text, -1) {
		hosts = append(hosts, strings.ToLower(m[1]))
	}
	return hosts
}
