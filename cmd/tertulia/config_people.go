package main

import (
	"fmt"
	"slices"

	"tertulia/internal/site"
)

// people completes and checks who looks after the sites.
func (l *loader) people() {
	seen := map[string]bool{}
	for i := range l.set.People {
		p, where := &l.set.People[i], nth("person", i, len(l.set.People))
		if p.Me == "" {
			l.wrong("person.me"+where, "it is missing", `write it like "https://bea.example/"`)
		}
		l.address("person.me"+where, &p.Me, homeAddress)
		if p.Me != "" && seen[p.Me] {
			l.wrong("person.me"+where, fmt.Sprintf("%q is named twice", p.Me), "name their sites in one section")
		}
		seen[p.Me] = true
		if p.Role == "" {
			l.wrong("person.role"+where, "it is missing", "one of: moderator, owner")
		} else {
			l.choice("person.role"+where, &p.Role, string(site.Moderator), string(site.Owner))
		}
		for j := range p.Sites {
			l.address("person.sites"+where, &p.Sites[j], homeAddress)
			if !slices.ContainsFunc(l.set.Sites, func(s siteSettings) bool { return s.URL == p.Sites[j] }) {
				l.wrong("person.sites"+where, fmt.Sprintf("%q is none of your sites", p.Sites[j]), "write it as url has it")
			}
		}
		for _, s := range l.set.Sites {
			if p.at(s) && place(s.URL) == place(p.Me) && p.Role != string(site.Owner) {
				l.wrong("person.role"+where, fmt.Sprintf("%s is the address of a site, which makes them an owner there", p.Me), `write role = "owner", or name other sites`)
			}
		}
	}
}

// at tells whether a person looks after a site.
func (p personSettings) at(s siteSettings) bool {
	return len(p.Sites) == 0 || slices.Contains(p.Sites, s.URL)
}

// keepers are the people of a site.
func (s *settings) keepers(one siteSettings) []site.Keeper {
	var all []site.Keeper
	for _, p := range s.People {
		if p.at(one) {
			all = append(all, site.Keeper{Me: p.Me, Name: p.Name, Role: site.Role(p.Role)})
		}
	}
	return all
}
