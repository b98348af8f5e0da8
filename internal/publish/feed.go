package publish

import (
	"encoding/xml"
	"strings"
	"time"
)

// The Atom feed. Its ids are permalinks, and its time is that of the newest change
// in it, so that the same posts always make the same bytes.
// Spec: rfc4287#section-4.1.1
type (
	atomFeed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		Lang    string   `xml:"http://www.w3.org/XML/1998/namespace lang,attr,omitempty"`
		ID      string   `xml:"id"`
		Title   string   `xml:"title"`
		Note    string   `xml:"subtitle,omitempty"`
		Updated string   `xml:"updated"`
		Maker   string   `xml:"generator"`
		Links   []atomLink
		Author  atomAuthor
		Entries []atomEntry
	}
	atomLink struct {
		XMLName xml.Name `xml:"link"`
		Rel     string   `xml:"rel,attr"`
		Type    string   `xml:"type,attr,omitempty"`
		Href    string   `xml:"href,attr"`
	}
	atomAuthor struct {
		XMLName xml.Name `xml:"author"`
		Name    string   `xml:"name"`
		URI     string   `xml:"uri"`
	}
	atomEntry struct {
		XMLName   xml.Name `xml:"entry"`
		ID        string   `xml:"id"`
		Title     string   `xml:"title"`
		Links     []atomLink
		Published string `xml:"published,omitempty"`
		Updated   string `xml:"updated"`
		Tags      []atomTag
		Summary   string `xml:"summary,omitempty"`
		Content   atomText
	}
	atomTag struct {
		XMLName xml.Name `xml:"category"`
		Term    string   `xml:"term,attr"`
	}
	atomText struct {
		XMLName xml.Name `xml:"content"`
		Type    string   `xml:"type,attr"`
		Text    string   `xml:",chardata"`
	}
)

// feed is the feed.xml of a page at an address, which has a slash at its end.
func (p *press) feed(at, title string, posts []*postView, c Change) ([]byte, error) {
	f := atomFeed{
		Maker: "Tertulia", Lang: p.site.Language, ID: at, Title: title, Note: p.site.Note,
		Author: atomAuthor{Name: p.site.Author, URI: p.site.URL},
		Links: []atomLink{
			{Rel: "self", Type: "application/atom+xml", Href: at + "feed.xml"},
			{Rel: "alternate", Type: "text/html", Href: at},
		},
	}
	if p.site.Hub != "" {
		f.Links = append(f.Links, atomLink{Rel: "hub", Href: p.site.Hub})
	}
	var newest time.Time
	for _, v := range posts {
		at := changed(v.Published, v.Updated)
		if at.After(newest) {
			newest = at
		}
		e, err := p.entry(v, at)
		if err != nil {
			return nil, err
		}
		f.Entries = append(f.Entries, e)
	}
	if len(posts) == 0 { // the last post is gone
		newest = changed(c.Post.Published, c.Post.Updated)
	}
	f.Updated = newest.Format(time.RFC3339)
	b, err := xml.MarshalIndent(f, "", " ")
	return append([]byte(xml.Header), append(b, '\n')...), err
}

// entry is one post of the feed, with what its page shows as the content.
func (p *press) entry(v *postView, at time.Time) (atomEntry, error) {
	var content strings.Builder
	if err := p.tmpl.ExecuteTemplate(&content, "feed-content", page{Site: p.site, Post: v}); err != nil {
		return atomEntry{}, err
	}
	e := atomEntry{
		ID: v.URL, Title: v.Heading, Summary: v.Summary, Updated: at.Format(time.RFC3339),
		Links:   []atomLink{{Rel: "alternate", Type: "text/html", Href: v.URL}},
		Content: atomText{Type: "html", Text: strings.TrimSpace(content.String())},
	}
	if !v.Published.IsZero() {
		e.Published = v.Published.Format(time.RFC3339)
	}
	for _, tag := range v.Tags {
		e.Tags = append(e.Tags, atomTag{Term: tag.Name})
	}
	return e, nil
}

// changed is when a post was last changed: Atom wants a time for every entry, so
// one without any gets the earliest that every reader understands.
func changed(published, updated time.Time) time.Time {
	switch {
	case updated.After(published):
		return updated
	case published.IsZero():
		return time.Unix(0, 0).UTC()
	}
	return published
}
