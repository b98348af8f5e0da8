package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/store"
)

// The JF2 of the read API: the shape, the names and their order are those of
// webmention.io, so that its clients need another address and nothing else.

// Query is what a client of the read API asks for.
type Query struct {
	Targets  []string // addresses of pages
	PerPage  int      // 0 means 20; at most 1,000
	Page     int      // from 0
	Since    time.Time
	SinceID  uint64
	SortBy   string   // created, updated, published, rsvp; else created
	Upwards  bool     // ascending
	Property []string // in-reply-to, like-of, repost-of, bookmark-of, mention-of, rsvp; none means all
}

// Feed is the answer.
type Feed struct {
	Type     string     `json:"type"`
	Name     string     `json:"name"`
	Children []JF2Entry `json:"children"`
	Paging   Paging     `json:"paging"`
}

// Paging tells a client how much there is.
type Paging struct {
	PerPage    int `json:"per-page"`
	Page       int `json:"page"`
	Total      int `json:"total"`
	TotalPages int `json:"total-pages"`
}

// JF2Entry is one mention.
type JF2Entry struct {
	Type       string      `json:"type"`
	Author     JF2Card     `json:"author"`
	URL        string      `json:"url"`
	Published  *string     `json:"published"` // null when the source does not say
	WMReceived string      `json:"wm-received"`
	WMID       uint64      `json:"wm-id"`
	WMSource   string      `json:"wm-source"`
	WMTarget   string      `json:"wm-target"`
	WMProtocol string      `json:"wm-protocol"`
	Name       string      `json:"name,omitempty"`
	Content    *JF2Content `json:"content,omitempty"`
	RSVP       string      `json:"rsvp,omitempty"`
	InReplyTo  string      `json:"in-reply-to,omitempty"`
	LikeOf     string      `json:"like-of,omitempty"`
	RepostOf   string      `json:"repost-of,omitempty"`
	BookmarkOf string      `json:"bookmark-of,omitempty"`
	MentionOf  string      `json:"mention-of,omitempty"`
	WMProperty string      `json:"wm-property"`
	WMPrivate  bool        `json:"wm-private"`
	WMFragment string      `json:"wm-fragment,omitempty"`
}

// JF2Card is an author.
type JF2Card struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Photo string `json:"photo"`
	URL   string `json:"url"`
}

// JF2Content has html only when there was markup.
type JF2Content struct {
	HTML string `json:"html,omitempty"`
	Text string `json:"text"`
}

// properties is how the API names what a response is. It knows no follows and tags, and
// of a reply none that is an emoji alone (READ-API 3).
var properties = map[string]string{
	"reply": "in-reply-to", "reaction": "in-reply-to", "like": "like-of", "repost": "repost-of", "bookmark": "bookmark-of", "rsvp": "rsvp",
}

func property(typ string) string { return cmp.Or(properties[typ], "mention-of") }

// JF2 lists the public mentions of some pages.
func (c *Conversation) JF2(ctx context.Context, q Query) (Feed, error) {
	found, err := c.among(ctx, q.Targets)
	if err != nil {
		return Feed{}, err
	}
	found = slices.DeleteFunc(found, func(r Response) bool { return !q.wants(r) })
	slices.SortStableFunc(found, q.order)
	perPage := q.PerPage
	if perPage <= 0 {
		perPage = 20
	}
	perPage = min(perPage, maxShown)
	total := len(found)
	pages := (total + perPage - 1) / perPage
	from := min(max(q.Page, 0), pages) * perPage
	feed := Feed{Type: "feed", Name: "Webmentions", Children: []JF2Entry{},
		Paging: Paging{PerPage: perPage, Page: max(q.Page, 0), Total: total, TotalPages: pages}}
	for _, r := range found[min(from, total):min(from+perPage, total)] {
		feed.Children = append(feed.Children, r.JF2())
	}
	return feed, nil
}

// counted are the types that clients of the API know by another name.
var counted = map[string]string{"reaction": "reply", "follow": "mention", "tag": "mention"}

// Counts adds up the public mentions of some pages by type.
func (c *Conversation) Counts(ctx context.Context, targets []string) (map[string]int, error) {
	sum := map[string]int{}
	seen := map[string]bool{}
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		for _, target := range targets {
			page, err := c.known(tx, target)
			if errors.Is(err, fs.ErrNotExist) || err == nil && seen[page.ID] {
				continue
			}
			if err != nil {
				return err
			}
			seen[page.ID] = true
			post, err := tx.Post(page.URL)
			if err == nil && !post.Visible() {
				continue
			}
			if err := ignore(err, fs.ErrNotExist); err != nil {
				return err
			}
			for typ, n := range tx.Counts(page.ID) {
				sum[cmp.Or(counted[typ], typ)] += n
			}
		}
		return nil
	})
	return sum, err
}

// among gathers the responses to several addresses; two of one page count once.
func (c *Conversation) among(ctx context.Context, targets []string) ([]Response, error) {
	var found []Response
	seen := map[string]bool{}
	for _, target := range targets {
		page, err := c.of(ctx, target, math.MaxInt)
		if errors.Is(err, fs.ErrNotExist) || seen[page.URL] {
			continue
		}
		if err != nil {
			return nil, err
		}
		seen[page.URL] = true
		for _, r := range page.Responses {
			r.Target = onPage(page.URL, r.Target)
			found = append(found, r)
		}
	}
	return found, nil
}

// onPage is the place in a page that was linked, by the page's own address.
func onPage(page, target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Fragment == "" {
		return page
	}
	return page + "#" + u.Fragment
}

func (q Query) wants(r Response) bool {
	return (len(q.Property) == 0 || slices.Contains(q.Property, property(r.Type))) &&
		r.Number > q.SinceID && (q.Since.IsZero() || r.Received.After(q.Since))
}

var rsvpOrder = map[string]int{"no": 1, "interested": 2, "maybe": 3, "yes": 4}

func (q Query) order(a, b Response) int {
	n := 0
	switch q.SortBy {
	case "published":
		n = a.when().Compare(b.when())
	case "rsvp":
		n = rsvpOrder[a.RSVP] - rsvpOrder[b.RSVP]
	}
	if n == 0 {
		n = cmp.Compare(a.Number, b.Number)
	}
	if !q.Upwards {
		n = -n
	}
	return n
}

// when is the date to sort by: as published, else as received.
func (r Response) when() time.Time {
	if r.Published.IsZero() {
		return r.Received
	}
	return r.Published
}

// JF2 is the mention as the read API, its export and its web hooks give it, with the keys in
// the order of READ-API 3. Target is the page's own address, with the fragment that was linked.
func (r Response) JF2() JF2Entry {
	target, fragment, _ := strings.Cut(r.Target, "#")
	e := JF2Entry{
		Type: "entry", Author: JF2Card{Type: "card", Name: r.Author.Name, Photo: r.Author.Photo, URL: r.Author.URL},
		URL: r.URL, WMReceived: r.Received.Format("2006-01-02T15:04:05Z"), WMID: r.Number,
		WMSource: r.Source, WMTarget: target, WMProtocol: "webmention",
		Name: r.Name, RSVP: r.RSVP, WMProperty: property(r.Type), WMFragment: fragment,
	}
	if !r.Published.IsZero() {
		s := r.Published.Format(time.RFC3339)
		e.Published = &s
	}
	if r.Text != "" {
		e.Content = &JF2Content{HTML: r.HTML, Text: r.Text}
		if r.plain {
			e.Content.HTML = ""
		}
	}
	switch r.Type {
	case "reply", "reaction", "rsvp":
		e.InReplyTo = target
	case "like":
		e.LikeOf = target
	case "repost":
		e.RepostOf = target
	case "bookmark":
		e.BookmarkOf = target
	default:
		e.MentionOf = target
	}
	return e
}
