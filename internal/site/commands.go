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
// (SPECS MX-16). A target that was chosen stays chosen: a copy that is out is not taken
// back by an update that names another.
func (p *Posts) obey(post *store.Post, commands map[string][]any) (obeyed bool) {
	for _, v := range commands["mp-channel"] {
		uid, _ := v.(string)
		if uid = p.Site.channel(uid); uid != "" {
			obeyed = post.Channel != uid
			post.Channel = uid
			break
		}
	}
	for _, v := range commands["mp-syndicate-to"] {
		if uid, _ := v.(string); p.Site.account(uid) != nil && !slices.Contains(post.Syndicate, uid) {
			post.Syndicate = append(slices.Clone(post.Syndicate), uid)
			obeyed = true
		}
	}
	return obeyed
}

// Channels lists the channels that posts can go into.
func (p *Posts) Channels(context.Context) ([]micropub.Channel, error) { return p.Site.Channels, nil }

// SyndicateTo lists the networks that copies can go to.
func (p *Posts) SyndicateTo(context.Context) ([]micropub.Target, error) { return p.Site.targets(), nil }
