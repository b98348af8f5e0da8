// Package publish is where posts go: a post that changed becomes pages of the
// owner's site.
//
// A [Target] takes one [Change] at a time and makes the site show it. [HTML] is
// the target that needs no generator: it writes finished pages.
//
//	to := &publish.HTML{Dir: "public", Style: css, T: l.T, N: l.N, Date: l.Date, Day: l.Day, Month: l.Month}
//	err := to.Publish(ctx, publish.Change{Site: site, Post: post, Recent: recent, Month: month, Months: months})
//
// A site that a generator builds keeps it: [Source] writes posts into its source as a
// [Preset] says, in a [Tree] that belongs to its owner, and lets a [Builder] follow.
//
// The pages of HTML carry microformats2 (h-entry, h-feed, h-card) and the feed is Atom
// (RFC 4287).
package publish

import (
	"context"
	"time"

	"tertulia/mf2"
)

// Target is a place where a site's posts go.
//
// Publish makes the place show the change and returns when it is done or has
// been handed on for good. It is idempotent: the same change again is no error and
// changes nothing, and a change of which a part was done before is completed.
// Calls for one site may not overlap, since each brings the lists as they were
// when it was made; calls for different sites may.
type Target interface {
	Publish(ctx context.Context, c Change) error
}

// Site is what the pages say about the site itself.
type Site struct {
	URL      string   // address of the home page, with a slash at its end
	Base     string   // base address of the endpoints, with a slash at its end
	Name     string   // title of the site
	Language string   // BCP 47 tag for the lang attribute
	Author   mf2.Item // h-card: name, photo, url, note
	Channels []Channel
	Hub      string // WebSub hub of the feed; "" when there is none

	// Links maps the rels that the pages advertise to absolute addresses:
	// micropub, webmention, authorization_endpoint, token_endpoint,
	// indieauth-metadata, micropub_media. Each becomes a <link> of its own.
	Links map[string]string
}

// Channel is a stream of posts with a page of its own below the site's address.
type Channel struct {
	UID  string // as its page is called there: small letters, digits and hyphens
	Name string
}

// Post is a post as it is shown.
type Post struct {
	Permalink   string
	Item        mf2.Item
	Kind        string // as [mf2.Item.Kind] says
	HTML        string // the content, made safe by the caller; the only text that is not escaped
	Published   time.Time
	Updated     time.Time // zero, or when the post was changed last
	Revision    string    // marks this state of the post, see [RevisionMeta]
	Deleted     bool
	Syndication []string // addresses of its copies
	Channel     string   // UID of the channel it is in; "" for none

	// Pictures is what is known of its photos, by their addresses. Those of which nothing is
	// known are shown all the same.
	Pictures map[string]Picture

	// What a [Source] needs besides.
	Slug   string // the last part of its address, as [Slug] made it; "": that of the permalink
	File   string // its file in the source of the site; "": the one that the preset gives it
	Markup bool   // its content is a string, and evidently HTML: HTML is what it means
}

// Picture is a photo with smaller copies of it, from which a browser takes what fits.
type Picture struct {
	Width, Height int       // pixels, as it is shown; 0 where not known
	Smaller       []Smaller // narrowest first
}

// Smaller is a copy of a picture.
type Smaller struct {
	URL   string
	Width int // pixels
}

// Change is a post that was created, updated or deleted, and the lists that
// change with it. With an empty Post.Permalink only the lists are written: home page,
// feed, and the archive of Post.Published if it is set. With PageOnly the lists are
// left alone: a change of their own brings them, for many posts at once.
type Change struct {
	Site     Site
	Post     Post
	PageOnly bool
	Recent   []Post  // what the home page and the feed show: newest first, without deleted posts; 20 at most are used
	Month    []Post  // the posts of the month of Post.Published, newest first, without deleted ones; of many, the newest
	Months   []Month // all months that have posts, newest first
	Earlier  Earlier // the posts of the month that are not in Month

	// Streams is what the pages and feeds of the channels show, by UID and as Recent is.
	Streams map[string][]Post

	// What a [Source] needs besides; others need nothing of it.
	Before *Post  // the state that was written last; nil when that is not known, or there was none
	Kept   []byte // the file as it was before the post was deleted, see [Source.Last]
	Files  []File // what the post shows and is not yet in the source, see [Preset.Media]
}

// Earlier is what a month has besides its newest posts, in pages of one length. They are
// numbered from the oldest, so that one that is full stays as it is while posts come.
type Earlier struct {
	Pages int
	// Each hands over the pages, the last first, until yield returns false.
	Each func(yield func(page int, posts []Post) bool) error
	// Thorough has all of them written, and not only those down to the first that is as it
	// has to be: what was changed may stand below it. What former channels have left goes.
	Thorough bool
}

// Month is one month of the archive.
type Month struct {
	Year  int
	Month time.Month
	Posts int // how many posts it has
}

// RevisionMeta is the name of the <meta> element that carries Post.Revision: a
// page is live when the network shows the revision that was published.
const RevisionMeta = "tertulia-revision"

// maxRecent bounds the home page and the feed.
const maxRecent = 20
