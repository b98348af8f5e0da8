package site

import (
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
)

// Role is what somebody who looks after a site may do there.
type Role string

// A Moderator decides about mentions and people; an Owner does everything.
const (
	Moderator Role = "moderator"
	Owner     Role = "owner"
)

// ranks are the roles from the least to the most; another word is no role.
var ranks = []Role{Moderator, Owner}

// May tells whether a role is enough where least is asked for.
func (r Role) May(least Role) bool {
	rank := slices.Index(ranks, r)
	return rank >= 0 && rank >= slices.Index(ranks, least)
}

// Keeper is somebody who looks after a site. They are not stored: who they are and what
// they may do is what the settings say now.
type Keeper struct {
	Me   string // profile URL
	Name string // "" for none
	Role Role
}

// Called is the keeper's name for people: the one of the settings, else the address.
func (k Keeper) Called() string {
	if k.Name != "" {
		return k.Name
	}
	return spelled(k.Me)
}

// Everybody lists who looks after the site, first the owner whose address it is.
func (s *Site) Everybody() []Keeper {
	all := []Keeper{{Me: s.Me(), Name: s.Author.Get("name"), Role: Owner}}
	for _, k := range s.Keepers {
		if k.Me != s.Me() {
			all = append(all, k)
		}
	}
	return all
}

// Keeper finds who looks after the site by their address, as people write it; "" is
// the owner whose address the site is, under each of the site's addresses. It is
// fs.ErrNotExist for everybody else.
func (s *Site) Keeper(me string) (Keeper, error) {
	all := s.Everybody()
	if me == "" {
		return all[0], nil
	}
	i := slices.IndexFunc(all, func(k Keeper) bool { return spelled(k.Me) == spelled(me) })
	if i < 0 && slices.ContainsFunc(s.Aliases, func(u *url.URL) bool { return spelled(u.String()) == spelled(me) }) {
		i = 0
	}
	if i < 0 {
		return Keeper{}, fmt.Errorf("nobody looks after %s as %q: %w", s.Me(), me, fs.ErrNotExist)
	}
	return all[i], nil
}

// spelled is an address without what people leave out when they write it, its host in the
// letters of the DNS.
func spelled(me string) string {
	me = strings.TrimSpace(me)
	if scheme, rest, ok := strings.Cut(me, "://"); ok && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http")) {
		me = rest
	}
	host, path, _ := strings.Cut(me, "/")
	host = strings.ToLower(host)
	if name, port, _ := strings.Cut(host, ":"); strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }) {
		host = strings.TrimSuffix(hostName(&url.URL{Host: name})+":"+port, ":")
	}
	return strings.TrimSuffix(host+"/"+path, "/")
}
