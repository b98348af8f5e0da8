package store

import (
	"bytes"
	"cmp"
	"math"
	"strings"
	"time"

	"tertulia/mf2"
)

// Post is one post of the owner. Item is what was sent, to the letter; what the
// service worked out stands beside it.
//
// A post's life, by its revision: stored (Revision) → written by the publisher
// (Published) → seen live (Live) → announced (Announced). Each is the last revision
// that got so far. A deleted post takes the same road with Deleted set.
type Post struct {
	Permalink string    `json:"permalink"`
	Former    []string  `json:"former,omitempty"` // permalinks that it had before, the oldest first
	Item      mf2.Item  `json:"item"`
	Kind      string    `json:"kind"` // of mf2.Item.Kind
	Date      time.Time `json:"date"` // dt-published, or when it came
	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated,omitzero"`
	Deleted   time.Time `json:"deleted,omitzero"`
	Client    string    `json:"client,omitempty"` // client_id of the editor
	Draft     bool      `json:"draft,omitempty"`
	Scheduled bool      `json:"scheduled,omitempty"` // it waits for its date
	Promised  bool      `json:"promised,omitempty"`  // to readers: it was not a draft, or private, all its life
	Private   bool      `json:"private,omitempty"`   // for the owner alone
	Channel   string    `json:"channel,omitempty"`   // uid of the channel it is in; "" for none
	Syndicate []string  `json:"syndicate,omitempty"` // uids of the targets that copies were asked for, without those that were not known

	Revision  int `json:"revision"`
	Published int `json:"published,omitempty"`
	Live      int `json:"live,omitempty"`
	Announced int `json:"announced,omitempty"`

	// Where the post is a file in the source of a site that a generator builds.
	File    string  `json:"file,omitempty"`    // its name there, for good
	Adopted bool    `json:"adopted,omitempty"` // somebody else has written it, before we came or beside us
	Base    *Saying `json:"base,omitempty"`    // what the file says that the next revision is an edit of; nil: it tells itself
	Kept    []byte  `json:"kept,omitempty"`    // the file as it was when the post was taken away

	// Collected is when at the latest the file follows, which lacks nothing but what was learnt
	// of the post after it was published; zero: the file follows at once.
	Collected time.Time `json:"collected,omitzero"`

	// Seen is a digest of what its page said before the newest revision could be on it; "" where
	// there was no page, or nobody looked.
	Seen string `json:"seen,omitempty"`

	Said string `json:"said,omitempty"` // digest of what was announced last; "": unknown

	Sent    []Sent  `json:"sent,omitempty"` // one for each target ever linked to
	History []Event `json:"history,omitempty"`
}

// Saying is what a post said at one time.
type Saying struct {
	Permalink string    `json:"permalink"`
	File      string    `json:"file,omitempty"`
	Item      mf2.Item  `json:"item"`
	Date      time.Time `json:"date"`
	Updated   time.Time `json:"updated,omitzero"`
	Draft     bool      `json:"draft,omitempty"`
	Channel   string    `json:"channel,omitempty"`
}

// Saying is what the post says now.
func (p *Post) Saying() *Saying {
	return &Saying{p.Permalink, p.File, p.Item, p.Date, p.Updated, p.Draft, p.Channel}
}

// Sent is what became of the Webmention to one target of a post.
type Sent struct {
	Target   string    `json:"target"`
	Revision int       `json:"revision"` // of the post that was last announced to it
	Linked   bool      `json:"linked"`   // that revision links to it
	State    string    `json:"state"`    // waiting, sent, accepted, rejected, unlinked, refused, no endpoint, failed, kept back, never asked
	Endpoint string    `json:"endpoint,omitempty"`
	Status   int       `json:"status,omitempty"`   // HTTP status of the endpoint's answer
	Location string    `json:"location,omitempty"` // its status page
	Note     string    `json:"note,omitempty"`
	At       time.Time `json:"at"`
}

// Event is one stage in the life of a post or a mention.
type Event struct {
	At    time.Time `json:"at"`
	Stage string    `json:"stage"`          // a word: received, verified, published…
	Note  string    `json:"note,omitempty"` // the cause, in English, for the owner
}

// maxHistory is how many events are kept: the first and the newest.
const maxHistory = 60

// AddEvent appends an event to a history; of a very long one the middle goes.
func AddEvent(history []Event, e Event) []Event {
	if len(history) >= maxHistory {
		history = append(history[:1:1], history[2:]...)
	}
	return append(history, e)
}

const (
	postsTime    = "posts_time"    // date·permalink → permalink
	postsMonth   = "posts_month"   // year-month·date·permalink → permalink: those that readers may list
	postsChannel = "posts_channel" // channel·date·permalink → permalink: those of them that are in one
	monthCounts  = "month_counts"  // year-month → number of those

	postsHidden    = "posts_hidden"    // permalink → permalink: those that readers may not see, perhaps only for now
	postsCollected = "posts_collected" // moment·permalink → permalink: those with Collected set
)

var posts = table[Post]{
	name: "posts", kind: "post", version: 1,
	key: func(p *Post) string { return p.Permalink },
	indexes: func(p *Post) []indexEntry {
		at := timePart(p.Date)
		entries := []indexEntry{{postsTime, p.PlaceInTime()}}
		if p.Listed() {
			entries = append(entries, indexEntry{postsMonth, join(p.Month(), at, p.Permalink)})
		}
		if p.Visible() && p.Channel != "" {
			entries = append(entries, indexEntry{postsChannel, join(p.Channel, at, p.Permalink)})
		}
		if !p.Visible() || p.Adopted && p.Date.After(p.Created) {
			entries = append(entries, indexEntry{postsHidden, p.Permalink})
		}
		if !p.Collected.IsZero() {
			entries = append(entries, indexEntry{postsCollected, join(timePart(p.Collected), p.Permalink)})
		}
		return append(entries, p.answeringEntries()...)
	},
}

// PlaceInTime is where the post stands in the list of all: a [Range] can begin there.
func (p *Post) PlaceInTime() string { return join(timePart(p.Date), p.Permalink) }

// Visible tells whether readers may see the post.
func (p *Post) Visible() bool { return p.Deleted.IsZero() && !p.Draft && !p.Scheduled && !p.Private }

// Listed tells whether readers find the post in lists: one that is unlisted is only for
// those who have its address (SPECS MX-4).
func (p *Post) Listed() bool {
	return p.Visible() && !strings.EqualFold(strings.TrimSpace(p.Item.Get("visibility")), "unlisted")
}

// Month is the month of the archive that the post belongs to, such as 2026-11, by
// the calendar of where it was written.
func (p *Post) Month() string { return p.Date.Format("2006-01") }

// Post reads a post by its permalink, deleted ones included.
func (tx *Tx) Post(permalink string) (Post, error) { return posts.get(tx, permalink) }

// PostMark is another text whenever a post is another than before, "" when there is none, and
// tells whether the post is one that readers may not see, perhaps only for now. It reads none of it.
func (tx *Tx) PostMark(permalink string) (mark string, hidden bool) {
	head, _, ok := bytes.Cut(tx.r.get(key(tx.Site, posts.name, permalink)), []byte{'\n'})
	return string(head), ok && tx.r.get(key(tx.Site, postsHidden, permalink)) != nil
}

// PutPost writes a post and keeps the numbers of the archive.
func (tx *Tx) PutPost(p Post) error {
	was, err := posts.find(tx, p.Permalink)
	if err != nil {
		return err
	}
	if !p.Deleted.IsZero() {
		tx.w.relief()
	}
	if was != nil && was.Listed() {
		if err := tx.add(key(tx.Site, monthCounts, was.Month()), -1); err != nil {
			return err
		}
	}
	if p.Listed() {
		if err := tx.add(key(tx.Site, monthCounts, p.Month()), +1); err != nil {
			return err
		}
	}
	return cmp.Or(posts.replace(tx, was, &p), tx.postChanged(was, &p))
}

// Posts lists posts by date; visible leaves out drafts and deleted ones.
func (tx *Tx) Posts(r Range, visible bool) ([]Post, string, error) {
	var keep func(*Post) bool
	if visible {
		keep = (*Post).Visible
	}
	return posts.list(tx, r, keep, postsTime)
}

// PostsIn lists the listed posts of a month such as 2026-11.
func (tx *Tx) PostsIn(month string, r Range) ([]Post, string, error) {
	return posts.list(tx, r, nil, postsMonth, month)
}

// PostsInChannel lists visible posts of a channel by date.
func (tx *Tx) PostsInChannel(uid string, r Range) ([]Post, string, error) {
	return posts.list(tx, r, nil, postsChannel, uid)
}

// HiddenPosts lists the permalinks of the posts that readers may not see, and of those that
// were found with a date to come: whether that has come the caller has to see.
func (tx *Tx) HiddenPosts() (permalinks []string) {
	for _, permalink := range tx.r.scan(prefix(tx.Site, postsHidden), nil, false) {
		permalinks = append(permalinks, string(permalink))
	}
	return permalinks
}

// HiddenByTime lists by date those posts of [Tx.HiddenPosts] that keep says yes to, and looks
// at so many places of the list of all posts at most: next is where it goes on, "" when that was
// all of them.
func (tx *Tx) HiddenByTime(r Range, look int, keep func(*Post) bool) (found []Post, next string, err error) {
	pre := prefix(tx.Site, postsTime)
	var from []byte
	if r.From != "" {
		from = append(bytes.Clone(pre), r.From...)
	}
	for k, permalink := range tx.r.scan(pre, from, r.Backward) {
		if look--; look < 0 || len(found) == r.limit() {
			return found, string(k[len(pre):]), nil
		}
		if tx.r.get(key(tx.Site, postsHidden, string(permalink))) == nil {
			continue
		}
		post, err := posts.get(tx, string(permalink))
		if err != nil {
			tx.log.Error("record passed over", "index", postsTime, "error", err)
			continue
		}
		if keep(&post) {
			found = append(found, post)
		}
	}
	return found, "", nil
}

// CollectedPosts lists the posts whose files wait to follow together, the earliest moment first.
func (tx *Tx) CollectedPosts() ([]Post, error) {
	found, _, err := posts.list(tx, Range{Limit: math.MaxInt}, nil, postsCollected)
	return found, err
}

// Months tells how many listed posts each month has, as 2026-11 → 3.
func (tx *Tx) Months() map[string]int { return tx.numbers(monthCounts) }
