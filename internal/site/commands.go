package site

import (
	"context"
	"slices"

	"tertulia/micropub"
	"tertulia/store"
)

// Commands tell us what to do with a post and are no part of what it says: they are not in
// its item, and q=source does not give them back (SPECS MP-5, D5).

// obey does what the commands of a create or an update say of the post itself, and tells
// whether that was anything. A channel or a target that is not known is as good as none
// (SPECS MX-16). Of a post that readers have not seen yet the targets are those that were named
// last. Later, a target that was chosen stays chosen: a copy that is out is not taken back by an
// update that names another.
func (p *Posts) obey(post *store.Post, commands map[string][]any) (obeyed bool) {
	for _, v := range commands["mp-channel"] {
		uid, _ := v.(string)
		if uid = p.Site.channel(uid); uid != "" {
			obeyed = post.Channel != uid
			post.Channel = uid
			break
		}
	}
	named, said := commands["mp-syndicate-to"]
	if !said {
		return obeyed
	}
	wanted := slices.Clone(post.Syndicate)
	if !post.Promised {
		wanted = nil
	}
	for _, v := range named {
		if uid, _ := v.(string); p.Site.account(uid) != nil && !slices.Contains(wanted, uid) {
			wanted = append(wanted, uid)
		}
	}
	if slices.Equal(wanted, post.Syndicate) {
		return obeyed
	}
	post.Syndicate = wanted
	return true
}

// Channels lists the channels that posts can go into.
func (p *Posts) Channels(context.Context) ([]micropub.Channel, error) { return p.Site.Channels, nil }

// SyndicateTo lists the networks that copies can go to.
func (p *Posts) SyndicateTo(context.Context) ([]micropub.Target, error) { return p.Site.targets(), nil }
