package site

import (
	"slices"

	"tertulia/internal/publish"
	"tertulia/micropub"
	"tertulia/store"
)

// recent are the newest posts that the home page shows.
func recent(tx *store.Tx) ([]publish.Post, error) {
	return newest(func(r store.Range) ([]store.Post, string, error) { return tx.Posts(r, true) })
}

// streams are the newest posts of each channel.
func (s *Site) streams(tx *store.Tx) (map[string][]publish.Post, error) {
	streams := map[string][]publish.Post{}
	for _, c := range s.Channels {
		posts, err := newest(func(r store.Range) ([]store.Post, string, error) { return tx.PostsInChannel(c.UID, r) })
		if err != nil {
			return nil, err
		}
		streams[c.UID] = posts
	}
	return streams, nil
}

// newest are the newest twenty posts of an index that lists show.
func newest(some func(store.Range) ([]store.Post, string, error)) (list []publish.Post, err error) {
	const most = 20
	from := ""
	for more := true; more && len(list) < most; more = from != "" {
		var posts []store.Post
		if posts, from, err = some(store.Range{From: from, Limit: most, Backward: true}); err != nil {
			return nil, err
		}
		list = append(list, listed(posts)...)
	}
	return list[:min(len(list), most)], nil
}

// channel is the uid of a channel that the site has; "" for any other.
func (s *Site) channel(uid string) string {
	if slices.ContainsFunc(s.Channels, func(c micropub.Channel) bool { return c.UID == uid }) {
		return uid
	}
	return ""
}

// channels are the channels as pages name them.
func (s *Site) channels() (all []publish.Channel) {
	for _, c := range s.Channels {
		all = append(all, publish.Channel{UID: c.UID, Name: c.Name})
	}
	return all
}
