package publish

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"path"
)

// channelView is a channel as the templates see it.
type channelView struct{ UID, Name, URL string }

// Feed is the address of the channel's feed.
func (c *channelView) Feed() string { return c.URL + "feed.xml" }

// channel is the channel with a uid, nil when there is none.
func (s siteView) channel(uid string) *channelView {
	for i := range s.Channels {
		if s.Channels[i].UID == uid {
			return &s.Channels[i]
		}
	}
	return nil
}

// channels writes a page and a feed for each channel, also for one that has no posts:
// pages link to it. What the owner has at their place stays.
func (p *press) channels(c Change) error {
	for i := range p.site.Channels {
		of := &p.site.Channels[i]
		posts := c.Streams[of.UID]
		view := page{Title: of.Name, URL: of.URL, Channel: of, Posts: p.views(posts[:min(len(posts), maxRecent)])}
		feed, err := p.feed(of.URL, of.Name+" · "+p.site.Name, view.Posts, c)
		if err != nil {
			return err
		}
		if err := errors.Join(
			unlessForeign(p.write(of.UID+"/index.html", "channel", view, derived)),
			unlessForeign(p.dir.write(of.UID+"/feed.xml", feed, derived)),
		); err != nil {
			return err
		}
	}
	return nil
}

// formerChannels removes what channels have left that the site has no longer: nobody writes
// it again, so that it would show for good what has been deleted or made private since. Their
// feeds say whose they were.
func (p *press) formerChannels() error {
	entries, err := fs.ReadDir(p.dir.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		uid := e.Name()
		if !e.IsDir() || p.site.channel(uid) != nil || !p.feedsChannel(uid) {
			continue
		}
		if err := errors.Join(p.dir.remove(path.Join(uid, "index.html")), p.dir.remove(path.Join(uid, "feed.xml"))); err != nil {
			return err
		}
	}
	return nil
}

// feedsChannel tells whether the feed in a directory is one of a channel of this site, and not
// of another site that lies there.
func (p *press) feedsChannel(uid string) bool {
	data, err := p.dir.regular(path.Join(uid, "feed.xml"))
	if err != nil {
		return false
	}
	var feed struct {
		ID    string `xml:"id"`
		Maker string `xml:"generator"`
		Of    string `xml:"author>uri"`
	}
	err = xml.Unmarshal(data, &feed)
	return err == nil && feed.Maker == "Tertulia" && feed.ID == p.site.at(uid+"/") && feed.Of == p.site.URL
}

// channelKey is the key of front matter with the channel of a post.
const channelKey = "channel"

// channel writes the channel of a post for its owner's templates.
func (e *editor) channel(post Post) { e.set(scalar(post.Channel), e.p.key(channelKey)...) }

// channel is what a file says of the channel that its post is in.
func (p *Preset) channel(name string, data []byte) string {
	e, err := p.edit(name, data)
	if err != nil {
		return ""
	}
	return e.inChannel()
}

func (e *editor) inChannel() string {
	v, _ := e.f.Get(e.p.key(channelKey)...)
	return plain(v)
}
