// Package atom writes feeds in the Atom format (RFC 4287).
//
//	f := atom.Feed{ID: page, Title: "Ana", Updated: atom.Time(now), Links: []atom.Link{{Rel: "self", Href: address}}}
//	bytes, err := f.Encode()
//
// What a feed must have is the caller's to fill in; empty parts are left out where the format
// lets them be. Text is escaped.
package atom

import (
	"encoding/xml"
	"time"
)

// Media is the media type of a feed.
const Media = "application/atom+xml"

// Feed is a feed. ID, Title and Updated must be there.
type Feed struct {
	XMLName   xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	Lang      string   `xml:"http://www.w3.org/XML/1998/namespace lang,attr,omitempty"`
	ID        string   `xml:"id"`
	Title     string   `xml:"title"`
	Subtitle  string   `xml:"subtitle,omitempty"`
	Updated   string   `xml:"updated"` // of [Time]
	Generator string   `xml:"generator"`
	Links     []Link
	Author    *Person `xml:"author"`
	Entries   []Entry
}

// Link leads somewhere from a feed or an entry.
type Link struct {
	XMLName xml.Name `xml:"link"`
	Rel     string   `xml:"rel,attr"`
	Type    string   `xml:"type,attr,omitempty"`
	Href    string   `xml:"href,attr"`
}

// Person is an author.
type Person struct {
	Name string `xml:"name"`
	URI  string `xml:"uri,omitempty"`
}

// Entry is an entry. ID, Title and Updated must be there, and an author here or in the feed.
type Entry struct {
	XMLName   xml.Name `xml:"entry"`
	Lang      string   `xml:"http://www.w3.org/XML/1998/namespace lang,attr,omitempty"`
	ID        string   `xml:"id"`
	Title     string   `xml:"title"`
	Author    *Person  `xml:"author"`
	Links     []Link
	Published string `xml:"published,omitempty"` // of [Time]
	Updated   string `xml:"updated"`             // of [Time]
	Tags      []Tag
	Summary   string   `xml:"summary,omitempty"`
	InReplyTo *Reply   `xml:"http://purl.org/syndication/thread/1.0 in-reply-to"` // RFC 4685
	Content   *Content `xml:"content"`
}

// Tag is a word that an entry is filed under.
type Tag struct {
	XMLName xml.Name `xml:"category"`
	Term    string   `xml:"term,attr"`
}

// Reply names what an entry answers.
type Reply struct {
	Ref  string `xml:"ref,attr"`
	Href string `xml:"href,attr"`
}

// Content is what an entry says.
type Content struct {
	Type string `xml:"type,attr"` // html or text
	Text string `xml:",chardata"`
}

// Time is a time as feeds write it.
func Time(t time.Time) string { return t.Format(time.RFC3339) }

// Encode writes the feed: the same feed is always the same bytes.
func (f Feed) Encode() ([]byte, error) {
	b, err := xml.MarshalIndent(f, "", " ")
	return append([]byte(xml.Header), append(b, '\n')...), err
}
