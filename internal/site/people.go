package site

import (
	"context"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// A page says who has written it, and may lie. Its author is confirmed when one of these
// holds, where the page is known by its final address, after redirects:
//
//	home       the profile is on the page's host, the page lies beneath the profile's path, and in
//	           no home of somebody else's: /@alice/1 under /@alice, /2026/hello under /
//	bridge     the page is a bridge's, and the profile is on a network that it may speak for
//	link       both are on one host and in nobody's home, such as /about and /hello: the profile
//	           links to the page, or to the directory that it lies in
//	rel=me     wherever they are, the profile has a rel=me link to the page, or to a directory above
//	           it: at most the home that it lies in, else the host's root
//
// A home is a directory that one of many people on a host has to themselves: /~alice, /@alice,
// /users/alice, or the profile of somebody who is known already. A host's root is not the profile of
// what lies in homes, and of nothing at all on a host where two or more people are known to have
// profiles of their own. Any link is not enough from home to home or from host to host: people link to
// each other.

// claim is who a source says has written it, as far as that could be confirmed.
type claim struct {
	identities []string // the author's, profile first; none: nobody was confirmed
	profile    string   // the address of that profile
	place      string   // where the page is that the author's profile calls theirs by rel=me; "": it was not asked
	source, at string   // host of the source as it was sent, and as it was read
	unasked    bool     // the profile could not be had, so that nobody knows
}

// proof is what it takes to confirm an author.
type proof int

const (
	never  proof = iota
	byMe         // a rel=me link of the profile
	byLink       // any link of the profile
	proven       // nothing more
)

// claimed finds out who has written a page, with at most one look at the profile that it
// names.
func (j *Jobs) claimed(ctx context.Context, s *Site, m store.Mention, seen webmention.Verification, author mf2.Author, home *profiles) claim {
	c := claim{at: hostPort(seen.Final), source: lane(m.Source)}
	if u, err := url.Parse(m.Source); err == nil {
		c.source = hostPort(u)
	}
	profile, err := url.Parse(author.URL)
	if author.URL == "" || err != nil {
		return c
	}
	known := j.knownOf(ctx, s, seen.Final, profile)
	switch needs := known.needs(seen.Final, profile); {
	case needs == proven:
		c.identities, c.profile = identitiesOf(profile), author.URL
		return c
	case needs == never:
		return c
	}
	page, err := home.read(ctx, profile)
	if err != nil {
		c.unasked = true
		return c
	}
	if place, ok := known.confirms(page, seen.Final); ok {
		c.identities, c.profile, c.place = identitiesOf(page.Final), page.Final.String(), place
		if moved(profile, page) {
			c.identities = append(c.identities, identitiesOf(profile)...)
		}
		return c
	}
	return c
}

// moved tells whether a whole site has moved for good to where its profile was found: then
// who was known by the old address is known by the new one.
func moved(profile *url.URL, page webmention.Verification) bool {
	last := len(page.Permanent) - 1
	return folder(profile) == "" && profile.RawQuery == "" && last >= 0 && page.Permanent[last] == page.Final.String()
}

// known is what was found out before about the hosts of a page and of a profile.
type known struct {
	places []string          // of the person with that profile
	others map[string]string // identity → person, of those with a profile on the page's host
}

// maxNeighbours is how many profiles on one host are looked at.
const maxNeighbours = 64

func (j *Jobs) knownOf(ctx context.Context, s *Site, final, profile *url.URL) (k known) {
	err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		k = knownIn(tx, final, profile)
		return nil
	})
	if err != nil {
		j.log().Warn("nothing is known of a profile", "profile", profile, "error", err)
	}
	return k
}

func knownIn(tx *store.Tx, final, profile *url.URL) (k known) {
	if p, err := tx.PersonBy(profileID(profile)); err == nil {
		k.places = p.Places
	}
	k.others = tx.Identities(twinless(final)+"/", maxNeighbours)
	return k
}

// needs says what confirms that a page is by the owner of a profile.
func (k known) needs(final, profile *url.URL) proof {
	if _, ok := bridgeFor(hostName(final)); ok {
		if bridged(final, profile) {
			return proven
		}
		return never
	}
	for _, place := range k.places {
		if within(final, place) {
			return proven
		}
	}
	if twinless(final) != twinless(profile) {
		return byMe
	}
	home, owner, at := homeOf(final), homeOf(profile), folder(profile)
	switch {
	case profileID(final) == profileID(profile):
		return proven
	case home != owner:
		return byMe
	case profile.RawQuery == "" && at == "":
		if k.shared(final) {
			return byMe
		}
		return proven
	case profile.RawQuery == "" && (at == home && home != "" || within(final, profileID(profile))):
		return proven
	case home != "":
		return proven // both are in it, whichever page of it is the profile
	}
	return byLink
}

// shared tells whether the root of a page's host may be somebody else's than the page.
func (k known) shared(final *url.URL) bool {
	root := k.others[twinless(final)+"/"]
	people := map[string]bool{}
	for identity, person := range k.others {
		identity, _, _ = strings.Cut(identity, "#")
		if person == root || identity == twinless(final)+"/" {
			continue
		}
		if within(final, identity) && identity != profileID(final) {
			return true
		}
		people[person] = true
	}
	return len(people) > 1
}

// confirms looks for what a profile says of a page, and returns the place that it
// calls its own.
func (k known) confirms(page webmention.Verification, final *url.URL) (place string, ok bool) {
	if page.Status < 200 || page.Status > 299 || page.Doc == nil {
		return "", false
	}
	needs := k.needs(final, page.Final) // where the profile is, after redirects
	if needs == proven {
		return "", true
	}
	if needs == never {
		return "", false
	}
	for _, me := range page.Page.Rels["me"] {
		u, err := url.Parse(me)
		if err != nil || !within(final, profileID(u)) || homeOf(u) != homeOf(final) {
			continue
		}
		if folder(u) != "" || !k.shared(final) {
			return profileID(u), true
		}
	}
	if needs != byLink {
		return "", false
	}
	parent := *final
	parent.Path, parent.RawPath, parent.RawQuery, parent.Fragment = path.Dir(path.Clean("/"+final.Path)), "", "", ""
	return "", page.Linked || linksTo(page, profileID(&parent))
}

// linksTo tells whether a page has a link to an address, in whatever spelling.
func linksTo(page webmention.Verification, id string) bool {
	for n := range page.Doc.Descendants() {
		if n.Data != "a" || attr(n, "href") == "" {
			continue
		}
		if u, err := page.Final.Parse(strings.TrimSpace(attr(n, "href"))); err == nil && profileID(u) == id {
			return true
		}
	}
	return false
}

// homes are the directories that hosts of many people give to each.
var homes = regexp.MustCompile(`^/(?:~[^/]+|@[^/]+|(?:users?|u|members?|people|profiles?)/[^/]+)`)

// homeOf is the home that a page lies in, "" when it lies in nobody's. In the fediverse
// /users/alice is another name of /@alice, and of /@Alice.
func homeOf(u *url.URL) string {
	home := homes.FindString(path.Clean("/" + u.Path))
	if name, ok := strings.CutPrefix(home, "/users/"); ok {
		home = "/@" + name
	}
	if strings.HasPrefix(home, "/@") {
		return strings.ToLower(home)
	}
	return home
}

// folder is the path of an address as a directory: without the slash at its end.
func folder(u *url.URL) string { return strings.TrimSuffix(path.Clean("/"+u.Path), "/") }

// within tells whether a page is at or beneath an address, both without scheme.
func within(page *url.URL, id string) bool {
	above, _, query := strings.Cut(id, "?")
	at := *page
	at.RawQuery = ""
	here := profileID(&at)
	return !query && (here == above || strings.HasPrefix(here, strings.TrimSuffix(above, "/")+"/"))
}

// hostPort is the host of an address, with its port where that is no usual one.
func hostPort(u *url.URL) string {
	if p := port(u); p != "" {
		return hostName(u) + ":" + p
	}
	return hostName(u)
}

// twinless is hostPort without "www.", which is nobody else's.
func twinless(u *url.URL) string {
	host := hostPort(u)
	if bare, ok := strings.CutPrefix(host, "www."); ok && strings.Contains(bare, ".") {
		return bare
	}
	return host
}

// profileID is an address without scheme, "www.", fragment and the slash at its end, so
// that all spellings of it are one.
func profileID(u *url.URL) string {
	at := url.URL{Scheme: "https", Host: twinless(u), Path: path.Clean("/" + u.Path), RawQuery: u.RawQuery}
	return strings.TrimPrefix(mf2.NormalizeURL(&at), "https://")
}

// handlePath is how profiles of the fediverse look: one name on two kinds of pages.
var handlePath = regexp.MustCompile(`^/(?:@|users/)([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)/?$`)

// identitiesOf are what the owner of a profile is known by: its address, its handle if it
// has one, and its address as earlier versions wrote it. A fragment tells several people on one
// page apart.
func identitiesOf(profile *url.URL) []string {
	ids := []string{profileID(profile)}
	if profile.Fragment != "" {
		ids[0] += "#" + profile.EscapedFragment()
	}
	if name := handlePath.FindStringSubmatch(profile.Path); name != nil && profile.RawQuery == "" {
		ids = append(ids, strings.ToLower(name[1])+"@"+twinless(profile))
	}
	_, before, _ := strings.Cut(mf2.NormalizeURL(profile), "://")
	if !slices.Contains(ids, before) {
		ids = append(ids, before)
	}
	return ids
}
