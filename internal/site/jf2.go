package site

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"
)

// The JF2 of the read API: the shape, the names and their order are those of
// webmention.io, so that its clients need another address and nothing else (READ-API 3).

// Feed is the answer in JF2.
type Feed struct {
	Type     string     `json:"type"`
	Name     string     `json:"name"`
	Children []JF2Entry `json:"children"`
	Paging   Paging     `json:"paging"`
}

// JF2Entry is one mention. What comes by Webmention to us has no syndication, photo, video,
// audio, swarm-coins and rels; exports of other services and the example feed have.
type JF2Entry struct {
	Type        string            `json:"type"`
	Author      JF2Card           `json:"author"`
	URL         string            `json:"url"`
	Published   *string           `json:"published"` // null when the source does not say
	WMReceived  string            `json:"wm-received"`
	WMID        uint64            `json:"wm-id"`
	WMSource    string            `json:"wm-source"`
	WMTarget    string            `json:"wm-target"`
	WMProtocol  string            `json:"wm-protocol"`
	Name        string            `json:"name,omitempty"`
	Syndication []string          `json:"syndication,omitempty"`
	Summary     *JF2Text          `json:"summary,omitempty"`
	Photo       []string          `json:"photo,omitempty"`
	Video       []string          `json:"video,omitempty"`
	Audio       []string          `json:"audio,omitempty"`
	Content     *JF2Content       `json:"content,omitempty"`
	SwarmCoins  int               `json:"swarm-coins,omitempty"`
	RSVP        string            `json:"rsvp,omitempty"`
	InReplyTo   string            `json:"in-reply-to,omitempty"`
	LikeOf      string            `json:"like-of,omitempty"`
	RepostOf    string            `json:"repost-of,omitempty"`
	BookmarkOf  string            `json:"bookmark-of,omitempty"`
	MentionOf   string            `json:"mention-of,omitempty"`
	WMProperty  string            `json:"wm-property"`
	WMPrivate   bool              `json:"wm-private"`
	WMFragment  string            `json:"wm-fragment,omitempty"`
	Rels        map[string]string `json:"rels,omitempty"`
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

// JF2Text is a text of a type, such as text/plain.
type JF2Text struct {
	ContentType string `json:"content-type"`
	Value       string `json:"value"`
}

// JF2 lists public mentions.
func (c *Conversation) JF2(ctx context.Context, q Query) (Feed, error) {
	found, err := c.Find(ctx, q)
	return found.JF2(), err
}

// JF2 is the answer in JF2.
func (f Found) JF2() Feed {
	feed := Feed{Type: "feed", Name: mentionsName, Children: make([]JF2Entry, 0, len(f.Responses)), Paging: f.Paging}
	for _, r := range f.Responses {
		feed.Children = append(feed.Children, r.JF2())
	}
	return feed
}

// onPage is the place in a page that was linked, by the page's own address.
func onPage(page, target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Fragment == "" {
		return page
	}
	return page + "#" + u.Fragment
}

// apiTime is how wm-received and its like are written.
const apiTime = "2006-01-02T15:04:05Z"

// JF2 is the mention as the read API, its export and its web hooks give it. Target is the
// page's own address, with the fragment that was linked.
func (r Response) JF2() JF2Entry {
	target, fragment, _ := strings.Cut(r.Target, "#")
	e := JF2Entry{
		Type: "entry", Author: JF2Card{Type: "card", Name: r.Author.Name, Photo: r.Author.Photo, URL: r.Author.URL},
		URL: cmp.Or(r.URL, r.veiled.here), WMReceived: r.Received.UTC().Format(apiTime), WMID: r.Number,
		WMSource: cmp.Or(r.Source, r.veiled.here), WMTarget: target, WMProtocol: "webmention",
		Name: r.Name, RSVP: r.RSVP, WMProperty: property(r.counted()), WMFragment: fragment,
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
	if e.WMProperty != "rsvp" {
		e.RSVP = ""
	}
	e.point(target)
	return e
}

// point names the target under the wm-property.
func (e *JF2Entry) point(target string) {
	switch e.WMProperty {
	case "in-reply-to", "rsvp":
		e.InReplyTo = target
	case "like-of":
		e.LikeOf = target
	case "repost-of":
		e.RepostOf = target
	case "bookmark-of":
		e.BookmarkOf = target
	default:
		e.MentionOf = target
	}
}
