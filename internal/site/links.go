package site

import "strings"

// The answer of webmention.io before it spoke JF2 (READ-API 4), which jekyll-webmention_io
// reads: names, order and omissions are those.

// Links is the answer.
type Links struct {
	Links []Link `json:"links"`
}

// Link is one mention.
type Link struct {
	Source       string       `json:"source"`
	Verified     bool         `json:"verified"`
	VerifiedDate string       `json:"verified_date"`
	ID           uint64       `json:"id"`
	Private      bool         `json:"private"`
	Data         LinkData     `json:"data"`
	Activity     LinkActivity `json:"activity"`
	Target       string       `json:"target"`
}

// LinkData is what the source says; null is what it does not.
type LinkData struct {
	Author      *LinkAuthor `json:"author,omitempty"`
	URL         string      `json:"url"`
	Name        *string     `json:"name"`
	Content     *string     `json:"content"` // HTML where there was markup, else text
	Published   *string     `json:"published"`
	PublishedTS *int64      `json:"published_ts"`
	RSVP        string      `json:"rsvp,omitempty"` // not for interested: it never was
}

// LinkAuthor is an author.
type LinkAuthor struct {
	Name  string `json:"name"`
	URL   string `json:"url"`
	Photo string `json:"photo"`
}

// LinkActivity is what the mention is: reply, like, repost, bookmark, rsvp or link.
type LinkActivity struct {
	Type string `json:"type"`
}

var activities = map[string]string{"in-reply-to": "reply", "like-of": "like", "repost-of": "repost", "bookmark-of": "bookmark", "rsvp": "rsvp", "mention-of": "link"}

// Links is the answer in the old shape.
func (f Found) Links() Links {
	all := Links{Links: []Link{}}
	for _, r := range f.Responses {
		all.Links = append(all.Links, r.link())
	}
	return all
}

func (r Response) link() Link {
	e := r.JF2()
	one := Link{
		Source: e.WMSource, Verified: true, VerifiedDate: e.WMReceived, ID: e.WMID, Target: e.WMTarget,
		Data: LinkData{URL: e.URL, Published: e.Published}, Activity: LinkActivity{activities[e.WMProperty]},
	}
	if author := (LinkAuthor{e.Author.Name, e.Author.URL, e.Author.Photo}); author != (LinkAuthor{}) {
		one.Data.Author = &author
	}
	if e.Name != "" {
		one.Data.Name = &e.Name
	}
	if e.Content != nil {
		// Clients cannot tell text from HTML here, and take it for HTML.
		one.Data.Content = &e.Content.Text
		if e.Content.HTML != "" || strings.ContainsAny(e.Content.Text, "<>&") {
			one.Data.Content = &r.HTML
		}
	}
	if e.Published != nil {
		seconds := r.Published.Unix()
		one.Data.PublishedTS = &seconds
	}
	if e.RSVP != "interested" {
		one.Data.RSVP = e.RSVP
	}
	return one
}
