package publish

import (
	"strings"
	"time"

	"tertulia/internal/atom"
)

// feed is the feed.xml of a page at an address, which has a slash at its end. Its ids are
// permalinks, and its time is that of the newest change in it, so that the same posts always make
// the same bytes.
// Spec: rfc4287#section-4.1.1
func (p *press) feed(at, title string, posts []*postView, c Change) ([]byte, error) {
	f := atom.Feed{
		Generator: "Tertulia", Lang: p.site.Language, ID: at, Title: title, Subtitle: p.site.Note,
		Author: &atom.Person{Name: p.site.Author, URI: p.site.URL},
		Links: []atom.Link{
			{Rel: "self", Type: atom.Media, Href: at + "feed.xml"},
			{Rel: "alternate", Type: "text/html", Href: at},
		},
	}
	if p.site.Hub != "" {
		f.Links = append(f.Links, atom.Link{Rel: "hub", Href: p.site.Hub})
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
	f.Updated = atom.Time(newest)
	return f.Encode()
}

// entry is one post of the feed, with what its page shows as the content.
func (p *press) entry(v *postView, at time.Time) (atom.Entry, error) {
	var content strings.Builder
	if err := p.tmpl.ExecuteTemplate(&content, "feed-content", page{Site: p.site, Post: v}); err != nil {
		return atom.Entry{}, err
	}
	e := atom.Entry{
		ID: v.URL, Title: v.Heading, Summary: v.Summary, Updated: atom.Time(at),
		Links:   []atom.Link{{Rel: "alternate", Type: "text/html", Href: v.URL}},
		Content: &atom.Content{Type: "html", Text: strings.TrimSpace(content.String())},
	}
	if !v.Published.IsZero() {
		e.Published = atom.Time(v.Published)
	}
	for _, tag := range v.Tags {
		e.Tags = append(e.Tags, atom.Tag{Term: tag.Name})
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
